"""Go's templates: what CodeShip's files say with them, and how each mistake is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builds.pipeline.gotemplate.errors import TemplateError
from builds.pipeline.gotemplate.expand import Templates
from tests.builds.pipeline.helpers import context

AT = datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC)
COMMIT = "c0ffee" + "0" * 34


def expand(text: str, branch: str = "feature/x", **facts: object) -> str:
    values: dict[str, object] = {
        "message": "Fix `it`; $(now)",
        "description": "v1.2-3-gc0ffee",
        "committer_name": "Ada",
        "committer_email": "ada@example.test",
        "committer_username": "ada1",
        "repository": "shop/web",
        "project_id": "p-1",
        "build_id": "b-2",
        "queued_at": AT,
    }
    return Templates(context(branch, **values, **facts)).text(text)


def complaint(text: str) -> str:
    with pytest.raises(TemplateError) as raised:
        expand(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ProjectID", "p-1"),
        ("BuildID", "b-2"),
        ("RepoName", "shop/web"),
        ("Branch", "feature/x"),
        ("CommitID", COMMIT),
        ("CommitMessage", "Fix `it`; $(now)"),
        ("CommitDescription", "v1.2-3-gc0ffee"),
        ("CommitterName", "Ada"),
        ("CommitterEmail", "ada@example.test"),
        ("CommitterUsername", "ada1"),
        ("Time", "2026-03-04 15:06:07 +0000 UTC"),
        ("Timestamp", "1772636767"),
        ("StringTime", "2026-03-04T15:06:07Z"),
        ("Ci", "true"),
        ("CiName", "codeship"),
    ],
)
def test_every_field(field: str, value: str) -> None:
    assert expand(f"{{{{.{field}}}}}") == expand(f"{{{{ .{field} }}}}") == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("PROD_{{ .Branch }}-{{.CiName}}", "PROD_feature/x-codeship"),
        ('{{printf "%.8s" .CommitID}}', COMMIT[:8]),
        ('{{ .CommitID | printf "%.7s" }}', COMMIT[:7]),
        ('{{ printf "%s-%d" .Branch .Timestamp }}', "feature/x-1772636767"),
        ('{{ printf "%05d|%-4s|%4s|%x|%q|%t|%v|%%" 42 "a" "b" "hi" "c" true 7 }}', '00042|a   |   b|6869|"c"|true|7|%'),
        ('{{ printf "%6.2f %+d" 3.14159 5 }}', "  3.14 +5"),
        ('{{ if eq .Branch "master" }}latest{{ else }}{{ .Branch }}{{ end }}', "feature/x"),
        ('{{ if eq .Branch "a" "feature/x" }}one of them{{ end }}', "one of them"),
        ('{{ if eq .Branch "a" }}1{{ else if ne .Branch "b" }}2{{ else }}3{{ end }}', "2"),
        ('{{ if eq .Branch "a" }}1{{ else if eq .Branch "b" }}2{{ else }}3{{ end }}', "3"),
        ('{{ if and .Ci (not (eq .Branch "x")) }}yes{{ end }}', "yes"),
        ('{{ if or (eq .Branch "x") .Ci }}yes{{ end }}', "yes"),
        ('{{ if eq .Ci true }}{{ if eq .Ci "true" }}both{{ end }}{{ end }}', "both"),
        ("{{ if lt .Timestamp 5 }}early{{ else }}late{{ end }}", "late"),
        ('{{ or "" "b" }}{{ and "a" "" }}', "b"),
        ('a {{- "b" -}} c', "abc"),
        ("{{- if .Ci -}} x {{- end -}}", "x"),
        ("a{{/* said to nobody */}}b {{- /* trimmed */ -}} c", "abc"),
        ("{{ with .RepoName }}<{{ . }}|{{ $.CiName }}>{{ else }}none{{ end }}", "<shop/web|codeship>"),
        ('{{ with "" }}some{{ else }}none{{ end }}', "none"),
        ('{{ $tag := .Branch }}{{ if .Ci }}{{ $tag = "ci" }}{{ end }}{{ $tag }}', "ci"),
        ('{{ $x := "a" }}{{ if .Ci }}{{ $x := "b" }}{{ $x }}{{ end }}{{ $x }}', "ba"),
        ('{{ .Time.Format "20060102-150405" }}', "20260304-150607"),
        ('{{ .Time.Format "Mon Jan _2 3:04PM 06" }}', "Wed Mar  4 3:06PM 26"),
        (
            '{{ .Time.Format "Monday, January 2 2006 -07:00 Z0700 MST .000" }}',
            "Wednesday, March 4 2026 +00:00 Z UTC .000",
        ),
        ('{{ .Time.Format "002 __2 03 pm -0700" }}', "063  63 03 pm +0000"),
        ('{{ .Time.UTC.Format "2006" }}{{ (.Time.Local).Year }}', "20262026"),
        ("{{ .Time.Unix }} {{ .Time.Month }} {{ .Time.Weekday }}", "1772636767 March Wednesday"),
        ("{{ slice .CommitID 0 6 }} {{ len .CiName }}", "c0ffee 8"),
        ('{{ print .Branch 1 2 "x" }}', "feature/x1 2x"),
        ("{{ urlquery .Branch }} {{ html `<a>` }}", "feature%2Fx &lt;a&gt;"),
        (r'{{ "a\t\"b\"\x21" }}', 'a\t"b"!'),
        ("}} is only text", "}} is only text"),
    ],
)
def test_what_is_put_in(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ .Branch", "{{ is opened and never closed by }} (character 1"),
        ("ab {{ .Nope }}", "there is no `.Nope` (character 7"),
        ("{{ lower .Branch }}", "there is no function `lower` (character 4"),
        ("{{ .Branch.Name }}", "there is nothing in a text"),
        ("{{ .Time.Nope }}", "a time has no `.Nope`"),
        ("{{ .Time.Format }}", "`.Format` needs one layout"),
        ("{{ .Branch 1 }}", "`.Branch` takes nothing"),
        ('{{ "a" "b" }}', "only a function or a method can be given values"),
        ("{{ . }}", "`.` alone is no text"),
        ("{{ $x }}", "`$x` is not declared"),
        ("{{ $x = 1 }}", "`$x` is not declared"),
        ("{{ if .Ci }}x", "`if` is not closed by `{{ end }}`"),
        ("{{ end }}", "`end` without `if`"),
        ("{{ else }}", "`else` without `if`"),
        ("{{ if .Ci }}{{ else }}{{ else }}{{ end }}", "is not closed"),
        ("{{ if .Ci }}{{ end x }}", "`end` stands alone"),
        ("{{ if }}x{{ end }}", "a value is missing"),
        ("{{}}", "a value is missing"),
        ("{{ .Branch | }}", "a value is missing"),
        ("{{ (.Branch }}", "( is not closed by )"),
        ("{{ .Branch) }}", "has no meaning here"),
        ("{{ .Branch & }}", "`&` has no meaning here (character 12"),
        ('{{ "x }}', 'the quote " is not closed'),
        ("{{ range .Branch }}{{ end }}", "`range` cannot be used here"),
        ('{{ template "x" }}', "`template` cannot be used here"),
        ("{{/* x }}", "the comment is not closed"),
        ('{{ printf "%d" .Branch }}', "printf: %d cannot write a text"),
        ('{{ printf "%s" }}', "printf: there is no value for %s"),
        ('{{ printf "%s" "a" "b" }}', "printf: more values than verbs"),
        ('{{ printf "%" }}', "printf: the form ends"),
        ("{{ printf 1 }}", "`printf` needs a form in quotes"),
        ('{{ printf "%501d" 1 }}', "asks for more than 500 characters"),
        ("{{ lt .Branch 1 }}", "a text and a number cannot be compared"),
        ("{{ slice .Branch 5 99 }}", "is not within"),
        (r'{{ "\q" }}', r"\q is no escape"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    assert said in complaint(text)


@pytest.mark.parametrize(
    ("template", "branch", "tag"),
    [
        ("{{ .Branch }}", "feature/x", "featurex"),
        ("{{ .StringTime }}", "main", "2026-03-04T150607Z"),
        ("v1.2_3-x", "main", "v1.2_3-x"),
        ("{{ .Branch }}", "-.dots", "dots"),
        ("{{ .Branch }}", "ветка-7", "7"),
        ("{{ .Branch }}", "b" * 200, "b" * 128),
        ("{{ .StepName }}.{{ .ServiceName }}.{{ .ImageName }}", "main", "push.app.shopapp"),
    ],
)
def test_a_tag_keeps_what_a_tag_can_have(template: str, branch: str, tag: str) -> None:
    templates = Templates(context(branch, queued_at=AT))
    assert templates.tag(template, StepName="push", ServiceName="app", ImageName="shop/app") == tag
