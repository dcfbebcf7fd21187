"""One address, opened and judged: what is wrong is said in a sentence, and what it answered is only data."""

from datetime import UTC, datetime, timedelta

import pytest

from builds.outbound.client import MOST_BYTES, Answer
from builds.pipeline.delivery import Probe
from deployments.services.probes import MOST_SHOWN, judge, open_all, open_probe, printable, shown
from tests.builds.outbound.certificates import DAY, Authority
from tests.builds.outbound.servers import OK, answering, encrypted, serving
from tests.deployments.sites import site

NAMES = {"CI_RELEASE": "12", "CI_COMMIT_ID": "a" * 40, "CI_ENVIRONMENT": "eu west/1"}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
URL = "https://shop.example.com/"


@pytest.fixture(autouse=True)
def loopback(settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def answer(status=200, body=b"", milliseconds=100, days=None) -> Answer:
    return Answer(status, body, milliseconds, NOW + timedelta(days=days) if days is not None else None)


@pytest.mark.parametrize(
    ("wanted", "came", "wrong"),
    [
        ({}, answer(204), ""),
        ({}, answer(503), "answered 503 instead of 2xx"),
        ({}, answer(302), "answered 302 instead of 2xx"),
        ({"expect": ("200",)}, answer(201), "answered 201 instead of 200"),
        ({"expect": ("200", "30x")}, answer(301), ""),
        ({"expect": ("401", "403")}, answer(200), "answered 200 instead of 401 or 403"),
        ({"expect": ("2xx",)}, answer(2000), "answered 2000 instead of 2xx"),
        ({"body": "release $CI_RELEASE"}, answer(body=b"<p>release 12</p>"), ""),
        ({"body": "release ${CI_RELEASE}"}, answer(body=b"release 11"), "does not hold “release 12”"),
        ({"body": "$CI_RELEASES"}, answer(body=b"$CI_RELEASES"), ""),
        ({"body": "Grüße"}, answer(body="Grüße".encode()), ""),
        ({"body": "x"}, answer(body=b"\xff\xfe"), "does not hold “x”"),
        ({"body": "x"}, answer(body=b"o" * MOST_BYTES), "does not hold “x” in its first 64 KiB"),
        ({"under_ms": 500}, answer(milliseconds=500), ""),
        ({"under_ms": 500}, answer(milliseconds=812), "took 812 ms, more than 500 ms"),
        ({"tls_days": 14}, answer(days=14), ""),
        ({"tls_days": 14}, answer(days=13.9), "shows a certificate that is good for 13 more days, less than 14"),
        ({"tls_days": 14}, answer(days=1.5), "shows a certificate that is good for 1 more day, less than 14"),
        ({"tls_days": 14}, answer(), "showed no certificate"),
        (
            {"body": "x", "under_ms": 1},
            answer(500),
            "answered 500 instead of 2xx, and does not hold “x”, and took 100 ms, more than 1 ms",
        ),
    ],
)
def test_what_is_wrong_is_said(wanted, came, wrong):
    assert judge(Probe(url=URL, **wanted), came, NAMES, now=NOW) == wrong


def test_the_address_is_told_of_the_release():
    with site() as here:
        probe = Probe(url=f"{here.url}${{CI_ENVIRONMENT}}/$CI_RELEASE?c=$CI_COMMIT_ID&d=$OTHER")
        result = open_probe(probe, NAMES)
    assert here.asked == [f"GET /eu%20west%2F1/12?c={'a' * 40}&d=$OTHER"], "and no name breaks out of its place"
    assert (result.is_right, result.status, result.reason, result.answer) == (True, 200, "", "")
    assert result.milliseconds is not None


def test_a_password_is_used_and_never_shown():
    with site() as here:
        here.say(401, b"who?")
        result = open_probe(Probe(url=here.url.replace("//", "//ann:hush@")), NAMES)
    assert b"Authorization: Basic YW5uOmh1c2g=" in here.heads[0]
    assert (result.url, result.status) == (here.url, 401)
    assert "hush" not in repr(result)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ann:s@fe@x.org:8443/a?b=c@d", "https://x.org:8443/a?b=c@d"),
        ("https://token@x.org", "https://x.org"),
        ("https://[::1]:80/", "https://[::1]:80/"),
        ("https://[broken/", ""),
    ],
)
def test_no_address_is_shown_with_a_password(url, told):
    assert shown(url) == told


def test_where_nobody_answers_that_is_said():
    with site() as here:
        pass
    result = open_probe(Probe(url=here.url), NAMES)
    assert (result.reason, result.status) == ("could not be opened: the connection failed", None)


def test_where_we_may_not_go_that_is_said(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with site() as here:
        result = open_probe(Probe(url=here.url), NAMES)
        assert here.asked == []
    assert "not on the public internet" in result.reason


def test_a_certificate_that_ends_soon_is_wrong_only_where_that_is_asked(tmp_path, settings):
    authority = Authority(tmp_path)
    settings.OUTBOUND_CA_FILE = str(authority.file)
    with serving(encrypted(authority.context(ends=3 * DAY + DAY / 2), answering(OK, []))) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert open_probe(Probe(url=url), NAMES).is_right
        wrong = open_probe(Probe(url=url, tls_days=14), NAMES)
    assert wrong.reason == "shows a certificate that is good for 3 more days, less than 14"
    with serving(encrypted(authority.context(ends=-DAY), answering(OK, []))) as server:
        expired = open_probe(Probe(url=f"https://127.0.0.1:{server.port}/"), NAMES)
    assert expired.reason == "could not be opened: the server's certificate has expired"


def test_a_hostile_answer_is_data():
    evil = b"<script>alert(1)</script>\x00\x1b[2J\x07" + "\u202etxt.exe\r\n\tz".encode() + b"\xff" + b"A" * 50_000
    with site() as here:
        here.say(500, evil)
        result = open_probe(Probe(url=here.url), NAMES)
    assert result.answer.startswith("<script>alert(1)</script>[2Jtxt.exe\n\tz")
    assert len(result.answer) == MOST_SHOWN
    assert all(each.isprintable() or each in "\n\t" for each in result.answer)


def test_only_a_wrong_answer_is_kept():
    assert printable(b" \n ") == ""
    with site() as here:
        assert open_probe(Probe(url=here.url), NAMES).answer == ""


def test_several_are_opened_side_by_side():
    with site() as here:
        found = open_all({number: Probe(url=f"{here.url}{number}") for number in (0, 2, 5, 7, 9)}, NAMES)
    assert sorted(here.asked) == [f"GET /{number}" for number in (0, 2, 5, 7, 9)]
    assert [(number, result.url) for number, result in found.items()] == [
        (number, f"{here.url}{number}") for number in (0, 2, 5, 7, 9)
    ]
    assert open_all({}, NAMES) == {}
