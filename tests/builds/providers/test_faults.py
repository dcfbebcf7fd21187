"""Whatever a git host does instead of answering: one of our errors, in words, in time, and never with the token."""

from __future__ import annotations

import contextlib
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from builds.outbound import client
from builds.providers.errors import Forbidden, Missing, ProviderError, RateLimited, Refused, Unauthorized, Unavailable
from builds.providers.make import host_by
from tests.builds.outbound.servers import refusing, serving
from tests.builds.providers.conftest import HOOK, KEY, access_to
from tests.builds.providers.standin import COMMIT, Reply
from tests.builds.providers.test_contract import status


def everything(host, ref):
    """Each call of the contract."""
    return [
        host.whoami,
        lambda: host.repositories("", 1),
        lambda: host.repositories("api", 1),
        lambda: host.repository(ref),
        lambda: host.make_hook(ref, HOOK),
        lambda: host.find_hook(ref, HOOK.url),
        lambda: host.remove_hook(ref, "7"),
        lambda: host.add_deploy_key(ref, KEY),
        lambda: host.find_deploy_key(ref, KEY.text),
        lambda: host.remove_deploy_key(ref, "7"),
        lambda: host.set_status(ref, status()),
        lambda: host.pull_request(ref, 7),
    ]


def always(standin, *replies: Reply):
    standin.fault = lambda request: replies[0]


def test_an_expired_token_is_named_so_by_every_call(standin, ref):
    host = host_by(access_to(standin))
    standin.token = "another"
    always(standin, Reply(401, {"message": "Bad credentials"}))
    for call in everything(host, ref):
        with pytest.raises(Unauthorized, match=r"wrong, has expired or was revoked|installation"):
            call()


def test_a_right_that_lacks_is_named_by_every_call(standin, host, ref):
    always(standin, Reply(403, {"message": "Resource not accessible by personal access token"}))
    for call in everything(host, ref)[4:]:
        with pytest.raises(Forbidden) as refusal:
            call()
        assert refusal.value.missing or "app" in str(type(standin)).lower()
        assert "Resource not accessible" in str(refusal.value)


def test_github_names_the_permission_itself(standin, host, ref):
    always(standin, Reply(403, {"message": "no"}, {"X-Accepted-GitHub-Permissions": "statuses=write"}))
    with pytest.raises(Forbidden, match="statuses=write"):
        host.set_status(ref, status())


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_gone_is_missing_and_its_removal_is_done(code, standin, host, ref):
    host.repository(ref)
    always(standin, Reply(code, {"message": "Not Found"}))
    for call in (lambda: host.repository(ref), lambda: host.set_status(ref, status())):
        with pytest.raises(Missing):
            call()
    host.remove_hook(ref, "7")
    host.remove_deploy_key(ref, "7")


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        (429, {"Retry-After": "40"}, 40),
        (403, {"Retry-After": "40"}, 40),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{at}"}, 120),
        (429, {"RateLimit-Reset": "{at}"}, 120),
        (429, {}, 60),
        (429, {"Retry-After": "99999999999"}, 3600),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"X-RateLimit-Reset": "1"}, 5),
    ],
)
def test_a_limit_tells_when_to_come_again(code, headers, seconds, standin, host, ref):
    at = int(time.time()) + 120
    always(
        standin, Reply(code, {"message": "slow down"}, {name: value.format(at=at) for name, value in headers.items()})
    )
    with pytest.raises(RateLimited) as limit:
        host.set_status(ref, status())
    assert abs(limit.value.until - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=10)


@pytest.mark.parametrize("code", [500, 502, 503])
def test_a_broken_host_is_away(code, standin, host, ref):
    always(standin, Reply(code, b"<html>Bad gateway</html>"))
    for call in everything(host, ref):
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"null",
        b"[1, 2]",
        b'"x"',
        b"[" * 100_000,
        b'{"values": 5}',
        b"\xff\xfe",
        b'{"id": {}}',
    ],
)
def test_nonsense_is_not_understood(body, standin, host, ref):
    always(standin, Reply(200, body))
    for call in (
        host.whoami,
        lambda: host.repositories("", 1),
        lambda: host.repository(ref),
        lambda: host.make_hook(ref, HOOK),
    ):
        with pytest.raises(ProviderError):
            call()


def test_an_answer_that_is_too_long_is_refused(standin, host, ref):
    always(standin, Reply(200, b'["' + b"x" * 3_000_000 + b'"]'))
    with pytest.raises(ProviderError, match="more than 2 MiB|installation|understood"):
        host.repository(ref)


def test_a_host_that_hangs_is_left(standin, ref, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.4)
    standin.fault = lambda request: standin.over.wait(20) and None
    with pytest.raises(Unavailable, match=r"No answer within 0\.4 s"):
        host_by(access_to(standin)).repository(ref)
    standin.over.set()


def test_a_list_without_end_is_left(standin, host, ref):
    host.whoami()
    standin.over.row = {
        "id": 1,
        "uuid": "{1}",
        "url": "https://x/",
        "config": {},
        "key": "ssh-rsa AAAA",
        "active": True,
    }
    count = iter(range(10_000))

    def endless(request):
        if "/app/" in request.path:
            return None
        fill = [{**standin.over.row, "id": next(count)} for _ in range(50)]
        if standin.provider.startswith("bitbucket"):
            more = {"next": standin.url + "/2.0/x?page=2", "isLastPage": False, "nextPageStart": next(count)}
            return Reply(200, {"values": [{**row, "key": {"id": 1, "text": "ssh-rsa AAAA"}} for row in fill], **more})
        return Reply(200, fill)

    standin.fault = endless
    standin.requests.clear()
    for call in (lambda: host.find_hook(ref, HOOK.url), lambda: host.find_deploy_key(ref, KEY.text)):
        with contextlib.suppress(Unavailable):
            assert call() == ""
    assert len(standin.requests) <= 24


def test_a_renamed_repository_is_followed_at_the_same_host(standin, host, ref):
    standin.repositories[0].name = ref.name + "-new"

    def moved(request):
        old = ref.name if standin.provider != "bitbucket_server" else ref.name.replace("/", "/repos/")
        if old not in request.path or old + "-new" in request.path:
            return None
        there = request.raw_path.replace(old, old + "-new")
        return Reply(
            301, {"message": "Moved Permanently", "url": standin.url + there}, {"Location": standin.url + there}
        )

    standin.fault = moved
    assert host.repository(ref).name == ref.name + "-new"
    host.set_status(ref, status())
    assert standin.statuses[0]["repository"] == ref.name + "-new"


def test_the_token_is_carried_to_no_other_host(standin, host, ref):
    host.whoami()
    with serving(refusing) as canary:
        for place in (
            f"http://127.0.0.1:{canary.port}/api/v3/x",
            f"//127.0.0.1:{canary.port}/x",
            "/login",
            "http://[",
            "",
            "/api/../x",
        ):
            always(standin, Reply(301, {}, {"Location": place}))
            with pytest.raises(Unavailable):
                host.repository(ref)
        assert canary.seen == 0


def test_a_host_that_moves_for_ever_is_left(standin, host, ref):
    host.whoami()
    standin.fault = lambda request: Reply(301, {}, {"Location": standin.url + request.raw_path})
    standin.requests.clear()
    with pytest.raises(Unavailable, match="from one address to the next"):
        host.repository(ref)
    assert len(standin.requests) == 3


def test_a_refusal_is_told_in_the_hosts_words(standin, host, ref):
    host.whoami()
    bodies = [{"message": "Sha is odd"}, {"errors": [{"message": "Sha is odd"}]}, {"error": {"message": "Sha is odd"}}]
    for body in [*bodies, {"message": {"base": ["Sha is odd"]}}, {"error": "Sha is odd"}]:
        always(standin, Reply(422, body))
        with pytest.raises(Refused, match="Sha is odd"):
            host.set_status(ref, status())


def test_private_addresses_are_not_called_unless_allowed(standin, settings, ref):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(Unavailable, match="OUTBOUND_ALLOWED_HOSTS"):
        host_by(access_to(standin)).repository(ref)
    assert standin.requests == []


def test_the_token_is_in_no_address_error_or_repr(standin, ref, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 1)
    access = access_to(standin)
    host = host_by(access)
    host.repository(ref)
    secrets = [secret for secret in (access.token, access.app_key, standin.token) if secret]
    told = [repr(access), repr(host), repr(vars(host)), repr(HOOK).replace(HOOK.url, "")]
    faults = [Reply(code, {"message": f"bad token {standin.token}"}) for code in (400, 401, 403, 404, 422, 429, 500)]
    for fault in [
        *faults,
        Reply(200, standin.token.encode()),
        Reply(301, {}, {"Location": f"http://x/{standin.token}"}),
    ]:
        always(standin, fault)
        for call in everything(host, ref):
            try:
                call()
            except ProviderError as error:
                told += [str(error), repr(error), "".join(traceback.format_exception(error))]
    told += [request.raw_path for request in standin.requests]
    assert not [text for text in told for secret in [*secrets, HOOK.secret] if secret in text]
    assert COMMIT not in secrets
