"""What a push leads to: branches, tags, deleted refs, messages that ask for no build."""

import pytest

from builds.models import Build, WebhookDelivery
from tests.builds.webhooks.payloads import ZEROS, A, B, C, push


@pytest.fixture(autouse=True)
def _each_host(provider):
    """Everything here holds for every git host."""


def test_a_push_is_built(send):
    response = send(push(A, B), delivery="d-1")
    build = Build.objects.get()
    assert response.status_code == 202
    assert response.json() == {
        "build": {
            "uuid": str(build.uuid),
            "number": 1,
            "url": f"http://testserver/projects/{build.project.uuid}/builds/1/",
        },
        "duplicate": False,
    }
    assert (build.ref, build.branch, build.commit, build.trigger) == ("refs/heads/main", "main", B, "push")
    assert (build.message, build.author_name, build.author_email) == ("Fix tax rounding", "Ada", "ada@example.com")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.outcome, delivery.build, delivery.delivery_id) == ("built", build, "d-1")
    assert (delivery.event, delivery.ref, delivery.before, delivery.after) == ("push", "refs/heads/main", A, B)


def test_the_answer_as_text_is_one_line(send):
    response = send(push(), accept="text/plain")
    assert response["Content-Type"].startswith("text/plain")
    url = f"http://testserver/projects/{Build.objects.get().project.uuid}/builds/1/"
    assert response.content.decode() == f"build #1 {url}\n"


@pytest.mark.parametrize(
    "branch", ["feature/x", "a\"b'c<d>", "ünïcode", "日本", "-rf", "$(id)", "x" * 255, "\u65e5" * 255]
)
def test_a_branch_may_have_any_name_git_allows(send, branch):
    assert send(push(ref=f"refs/heads/{branch}")).status_code == 202
    assert Build.objects.get().branch == branch


def test_a_tag_is_built(send):
    assert send(push(ref="refs/tags/v1.0")).status_code == 202
    build = Build.objects.get()
    assert (build.branch, build.trigger, build.ref) == ("v1.0", "tag", "refs/tags/v1.0")


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1"])
def test_a_deleted_ref_builds_nothing(send, ref):
    response = send(push(A, ZEROS, ref=ref))
    assert response.status_code == 202
    assert response.json() == {"ignored": f"{ref} was deleted."}
    assert not Build.objects.exists()
    assert WebhookDelivery.objects.get().outcome == "ignored"


@pytest.mark.parametrize("ref", ["refs/notes/commits", "refs/pull/7/head", "refs/heads/", "refs/tags/", "refs/stash"])
def test_other_refs_build_nothing(send, ref):
    assert send(push(ref=ref)).status_code in {202, 400}
    assert not Build.objects.exists()


@pytest.mark.parametrize("words", ["[skip ci]", "[ci skip]", "--skip-ci", "--ci-skip", "[SKIP CI]"])
@pytest.mark.parametrize(("message", "ref"), [("Docs {} only", "refs/heads/main"), ("Docs\n\n{}\n", "refs/tags/v1")])
def test_a_message_can_ask_for_no_build(send, words, message, ref):
    response = send(push(message=message.format(words), ref=ref))
    assert response.json() == {"ignored": "The commit's message asks for no build."}
    assert not Build.objects.exists()


@pytest.mark.parametrize("message", ["skip ci", "[skip  ci]", "[skipci]", "-skip-ci", "[skip ci"])
def test_nearly_the_words_are_not_the_words(send, message):
    send(push(message=message))
    assert Build.objects.count() == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"ref": None},
        {"ref": 7},
        {"ref": "main"},
        {"ref": "refs/heads/" + "x" * 256},
        {"ref": "refs/heads/a b"},
        {"ref": "refs/heads/a\nb"},
        {"ref": "refs/heads/a\0b"},
        {"ref": "refs/heads/../../etc/passwd"},
        {"ref": "refs/heads/a..b"},
        {"ref": "refs/heads/\ud800"},
        {"ref": ["refs/heads/main"]},
        {"after": None},
        {"after": "HEAD"},
        {"after": "--upload-pack=id"},
        {"after": A[:39]},
        {"after": A.upper()},
        {"after": A + "\n"},
        {"before": "x"},
    ],
)
def test_what_git_cannot_mean_is_refused_with_a_reason(send, broken):
    response = send(push(**broken))
    assert response.status_code == 400
    assert response.json()["errors"][0].endswith(".") or "refs/heads/main" in response.json()["errors"][0]
    assert not Build.objects.exists()
    assert WebhookDelivery.objects.get().outcome == "refused"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"ref": ' + b"9" * 5000 + b"}",
        b"{}",
        b"NaN",
    ],
)
def test_a_body_that_is_no_payload_is_refused(send, body):
    assert send(body).status_code == 400
    assert WebhookDelivery.objects.get().outcome == "refused"


@pytest.mark.parametrize(
    "odd", ["nul \0 byte", "half \ud800 pair", "\u202e right to left", "x" * 100_000, 7, None, ["x"], {}]
)
def test_odd_texts_are_stored_as_well_as_can_be(send, odd):
    author = {"name": odd, "email": odd, "username": odd}
    head = {"id": A, "message": odd, "author": author}
    assert send(push(message=odd, author=author, head_commit=head, pusher=odd)).status_code == 202
    assert "\0" not in Build.objects.get().message


def test_a_push_tells_only_its_own_build(send):
    numbers = [send(push(ref=f"refs/heads/b{number}")).json()["build"]["number"] for number in range(3)]
    assert numbers == [1, 2, 3]


class TestTellingAgain:
    """S2 and F14: the same thing said twice is one build; the same move made twice is two."""

    def test_the_same_delivery(self, send):
        first, again = (send(push(A, B), delivery="d-1") for _ in range(2))
        assert again.status_code == 202
        assert again.json() == {**first.json(), "duplicate": True}
        assert Build.objects.count() == 1
        assert list(WebhookDelivery.objects.order_by("pk").values_list("outcome", flat=True)) == ["built", "duplicate"]

    @pytest.mark.parametrize("deliveries", [("d-1", "d-2"), (None, None), ("d-1", None)])
    def test_the_same_push_under_another_id(self, send, deliveries):
        for delivery in deliveries:
            send(push(A, B), delivery=delivery)
        assert Build.objects.count() == 1

    def test_a_refused_delivery_can_be_sent_again(self, send):
        assert send(push(A, B), delivery="d-1", secret="wrong").status_code == 403
        assert send(push(A, B), delivery="d-1").json()["duplicate"] is False

    def test_a_branch_moved_back_and_forth_builds_each_time(self, send):
        for before, after in [(A, B), (B, A), (A, B), (B, A)]:
            assert send(push(before, after)).json()["duplicate"] is False
        assert Build.objects.count() == 4

    def test_a_branch_deleted_and_made_again_builds_again(self, send):
        for before, after in [(ZEROS, A), (A, ZEROS), (ZEROS, A)]:
            send(push(before, after))
        assert Build.objects.count() == 2

    def test_two_hooks_that_tell_in_turns(self, send):
        for before, after in [(A, B), (B, C), (A, B), (B, C)]:
            send(push(before, after))
        assert Build.objects.count() == 2

    def test_the_same_commit_on_two_branches_is_two_builds(self, send):
        send(push(ref="refs/heads/one"))
        send(push(ref="refs/heads/two"))
        assert Build.objects.count() == 2

    def test_the_same_push_a_day_later_is_another(self, send):
        send(push(A, B))
        WebhookDelivery.objects.update(received_at="2020-01-01T00:00Z")
        assert send(push(A, B)).json()["duplicate"] is False

    def test_ids_of_other_projects_do_not_matter(self, send, project, organization):
        other = type(project).objects.create(
            organization=organization, name="other", repository_url="x", provider=project.provider
        )
        send(push(A, B), delivery="d-1")
        assert send(push(A, B), delivery="d-1", to=other).json()["duplicate"] is False
        assert Build.objects.count() == 2
