"""What every git host does, against stand-ins that check each request; the same tests for all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builds.providers.contract import CommitStatus, DeployKey, Hook, State
from builds.providers.errors import Forbidden, Missing, Refused
from builds.providers.make import host_by
from tests.builds.providers.conftest import HOOK, KEY, access_to
from tests.builds.providers.standin import COMMIT, GONE, Repo


def status(state: State = State.PASSED, **changes) -> CommitStatus:
    values = {
        "commit": COMMIT,
        "context": "ciservice",
        "description": "Passed in 2m 14s",
        "url": "https://ci.example.com/b/1",
    }
    return CommitStatus(state=state, **{**values, **changes})


def test_it_tells_who_we_are(standin, host):
    assert host.whoami().name == standin.account


def test_until_when_the_token_is_good_is_told_where_the_host_tells(standin, host):
    expected = {"github": datetime(2027, 3, 1, 12, tzinfo=UTC), "gitlab": datetime(2027, 3, 1, tzinfo=UTC)}
    has_token = access_to(standin).token != ""
    assert host.whoami().expires_at == (expected.get(standin.provider) if has_token else None)


def test_repositories_are_listed_page_by_page(standin, host):
    owner = standin.repositories[0].name.partition("/")[0]
    standin.repositories += [Repo(str(2000 + n), f"{owner}/lib-{n:03}") for n in range(70)]
    first, second = host.repositories("", 1), host.repositories("", 2)
    names = [each.name for page in (first, second) for each in page.repositories]
    assert (first.has_more, second.has_more) == (True, False)
    assert names == [repo.name for repo in standin.repositories]
    assert [each.is_private for each in first.repositories[:2]] == [True, False]


def test_repositories_are_found_by_a_part_of_their_name(standin, host):
    found = host.repositories("WEB", 1)
    assert [each.name for each in found.repositories] == [standin.repositories[1].name]
    assert not found.has_more
    assert host.repositories('no"such\\', 1).repositories == ()


def test_repositories_that_the_token_may_not_manage_are_not_offered(standin, host):
    owner = standin.repositories[0].name.partition("/")[0]
    standin.repositories.append(Repo("300", f"{owner}/not-ours", admin=False))
    names = [each.name for each in host.repositories("", 1).repositories]
    tells = {"github", "gitlab", "gitea", "bitbucket_server"}  # Bitbucket Cloud and Apps give what they were given for
    if standin.provider in tells and access_to(standin).token:
        assert names == [standin.repositories[0].name, standin.repositories[1].name]


def test_a_repository_is_told_of_whole(standin, host, ref):
    found = host.repository(ref)
    assert (found.id, found.name, found.default_branch, found.is_private) == (ref.id, ref.name, "trunk", True)
    assert found.clone_url == found.ssh_url
    assert found.ssh_url.startswith(("git@", "ssh://git@"))
    public = host.repository(host.repositories("web", 1).repositories[0].ref)
    assert public.clone_url == public.https_url
    assert public.https_url.startswith("https://")
    assert "ann@" not in public.https_url


def test_what_is_not_there_is_missing(standin, host, ref):
    standin.repositories.clear()
    with pytest.raises(Missing):
        host.repository(ref)


def test_a_hook_is_made_once_and_brought_up_to_date(standin, host, ref):
    assert host.find_hook(ref, HOOK.url) == ""
    made = host.make_hook(ref, HOOK)
    assert standin.hooks[made]["secret"] == HOOK.secret
    assert host.find_hook(ref, HOOK.url) == made
    assert host.make_hook(ref, Hook(HOOK.url, "another-secret")) == made
    assert [hook["secret"] for hook in standin.hooks.values()] == ["another-secret"]
    assert host.make_hook(ref, Hook("https://ci.example.com/hooks/x/2", "s" * 43)) != made
    assert len(standin.hooks) == 2


def test_a_hook_is_removed_and_again(standin, host, ref):
    made = host.make_hook(ref, HOOK)
    host.remove_hook(ref, made)
    host.remove_hook(ref, made)
    assert standin.hooks == {}
    assert host.find_hook(ref, HOOK.url) == ""


def test_a_hook_behind_many_others_is_found(standin, host, ref):
    for number in range(60):
        host.make_hook(ref, Hook(f"https://ci.example.com/hooks/other/{number}", "secret"))
    made = host.make_hook(ref, HOOK)
    standin.requests.clear()
    assert host.find_hook(ref, HOOK.url) == made
    assert len(standin.requests) == 2


def test_a_deploy_key_is_added_once(standin, host, ref):
    assert host.find_deploy_key(ref, KEY.text) == ""
    added = host.add_deploy_key(ref, KEY)
    assert host.find_deploy_key(ref, KEY.text.rpartition(" ")[0] + " another comment") == added
    assert host.add_deploy_key(ref, KEY) == added
    assert len(standin.keys) == 1
    host.remove_deploy_key(ref, added)
    host.remove_deploy_key(ref, added)
    assert standin.keys == {}


def test_a_key_of_another_repository_is_refused_in_words(standin, host, ref):
    host.add_deploy_key(ref, KEY)
    other = host.repository(host.repositories("web", 1).repositories[0].ref).ref
    with pytest.raises(Refused, match="in use|taken|registered"):
        host.add_deploy_key(other, DeployKey("x", KEY.text))
    standin.complaints.clear()


WORDS = {
    "github": ["pending", "pending", "success", "failure", "error", "error", "success"],
    "gitea": ["pending", "pending", "success", "failure", "error", "error", "success"],
    "gitlab": ["pending", "running", "success", "failed", "failed", "canceled", "success"],
    "bitbucket": ["INPROGRESS", "INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "STOPPED", "SUCCESSFUL"],
    "bitbucket_server": ["INPROGRESS", "INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "FAILED", "SUCCESSFUL"],
}


def test_each_state_has_a_word_of_the_host(standin, host, ref):
    for number, state in enumerate(State):
        host.set_status(ref, status(state, context=f"ciservice/{number}"))
    assert [told["word"] for told in standin.statuses] == WORDS[standin.provider]
    told = standin.statuses[2]
    assert told == told | {
        "commit": COMMIT,
        "context": "ciservice/2",
        "description": "Passed in 2m 14s",
        "url": "https://ci.example.com/b/1",
        "repository": ref.name,
    }


def test_a_status_may_be_told_again(standin, host, ref):
    host.set_status(ref, status(State.RUNNING))
    host.set_status(ref, status(State.RUNNING))
    host.set_status(ref, status(State.FAILED))
    assert standin.statuses[-1]["word"] == WORDS[standin.provider][3]


def test_long_words_are_made_to_fit(standin, host, ref):
    host.set_status(ref, status(context="c" * 100, description="d" * 900))
    told = standin.statuses[0]
    assert told["context"] == "c" * 100
    assert told["description"].startswith("d" * 139)
    assert told["description"].endswith("…")


def test_a_commit_that_is_not_there_takes_no_status(standin, host, ref):
    with pytest.raises((Missing, Refused)):
        host.set_status(ref, status(commit=GONE))
    standin.complaints.clear()


def test_a_pull_request_tells_where_it_comes_from(standin, host, ref):
    ours, theirs, closed = host.pull_request(ref, 8), host.pull_request(ref, 7), host.pull_request(ref, 9)
    assert (theirs.head_commit, theirs.author, theirs.from_fork, theirs.is_closed) == ("e" * 40, "eve", True, False)
    assert theirs.head_repository not in {"", ref.name}
    assert (ours.head_repository, ours.from_fork) == (ref.name, False)
    assert (closed.head_repository, closed.from_fork, closed.is_closed) == ("", True, True)


def test_names_and_commits_of_strangers_stay_parts_of_the_path(standin, host, ref):
    for commit in ("../../user", "..", "a/../../b", "x?y=1#z", ""):
        with pytest.raises((Missing, Refused)):
            host.set_status(ref, status(commit=commit))
    ends = [request.raw_path.rpartition("status")[2] for request in standin.requests if "status" in request.raw_path]
    assert not [end for end in ends if "?" in end or "/../" in end or end.endswith("/..")]
    standin.complaints.clear()


def test_a_generic_host_does_nothing_and_says_so(ref):
    host = host_by(access_to(type("Plain", (), {"provider": "generic", "url": "", "token": ""})))
    host.set_status(ref, status())
    assert host.repositories("", 1).repositories == ()
    for call in (lambda: host.make_hook(ref, HOOK), lambda: host.add_deploy_key(ref, KEY), host.whoami):
        with pytest.raises(Refused, match="by hand"):
            call()


def test_a_lacking_scope_is_named(standin):
    if standin.provider == "github":
        standin.scopes = "gist, read:org"
        standin.permissions = {"metadata": "read", "statuses": "read", "repository_hooks": "write"}
    elif standin.provider == "gitlab":
        standin.scopes = ["read_api"]
    else:
        pytest.skip("this host does not tell what a token may do")
    with pytest.raises(Forbidden) as lacking:
        host_by(access_to(standin)).whoami()
    assert lacking.value.missing
    assert lacking.value.missing in str(lacking.value)
