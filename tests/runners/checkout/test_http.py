"""Git hosts that fail, hang, creep, break off or lead elsewhere: every fetch ends in time, and says whose fault it was."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runners.checkout import GitLimits, GitPolicy, fetch, lay_out
from runners.contract import Stop, StopReason
from runners.errors import CheckoutError
from runners.walls import walls_stand
from tests.runners.checkout.conftest import QUICK
from tests.runners.checkout.githost import GitHost, names_below, processes_asking
from tests.runners.checkout.repositories import git
from tests.servers import wait_until

TRUSTING = GitPolicy(allowed_hosts=("127.0.0.1", "git.example.com"), limits=QUICK)


@pytest.fixture
def host(tmp_path):
    host = GitHost(tmp_path)
    yield host
    host.close()
    wait_until(lambda: not processes_asking(host.port), seconds=10, what="the end of every git process")


@pytest.fixture
def source(repository, host):
    return repository.source(repository.commit(file="1"), url=host.url("origin.git"))


def test_a_repository_is_fetched_over_http(host, source, mirrors):
    assert fetch(source, mirrors, policy=TRUSTING) == source.commit


@pytest.mark.parametrize(
    ("mode", "said", "retry", "tries"),
    [
        (401, "refused access", False, 1),
        (403, "refused access", False, 1),
        (404, "not found", False, 1),
        (500, "did not answer as it should", True, 3),
        (503, "did not answer as it should", True, 3),
        (429, "did not answer as it should", True, 3),
    ],
)
def test_answers_of_a_git_host(host, source, mirrors, mode, said, retry, tries):
    host.mode = mode

    with pytest.raises(CheckoutError, match=said) as caught:
        fetch(source, mirrors, policy=TRUSTING)

    assert caught.value.retry is retry
    assert len(host.requests) == tries


@pytest.mark.parametrize("mode", [500, "reset"])
def test_a_fault_that_passes_is_only_a_pause(host, source, mirrors, mode):
    host.mode, host.failures_left = mode, 2

    assert fetch(source, mirrors, policy=TRUSTING) == source.commit


def test_an_answer_that_is_cut_off_half_way(host, source, mirrors):
    host.mode = "reset"

    with pytest.raises(CheckoutError, match="did not answer as it should"):
        fetch(source, mirrors, policy=TRUSTING)


@pytest.mark.parametrize("mode", ["hang", "slow"])
@pytest.mark.timeout(60)
def test_a_host_that_hangs_or_creeps_is_given_up(host, source, mirrors, mode):
    host.mode = mode

    with pytest.raises(CheckoutError) as caught:
        fetch(source, mirrors, policy=TRUSTING)

    assert caught.value.retry is True
    assert len(host.requests) == QUICK.tries


@pytest.mark.timeout(60)
def test_all_tries_together_have_a_limit(host, source, mirrors):
    host.mode = "hang"
    policy = replace(TRUSTING, limits=GitLimits(total_seconds=1.5))

    with pytest.raises(CheckoutError, match="too slow"):
        fetch(source, mirrors, policy=policy)

    wait_until(lambda: not processes_asking(host.port), seconds=5, what="the end of git-remote-http")


@pytest.mark.timeout(60)
def test_an_order_to_stop_ends_a_fetch_that_hangs(host, source, mirrors):
    host.mode, stop = "hang", Stop()
    policy = replace(TRUSTING, limits=GitLimits())

    def order() -> None:
        wait_until(lambda: host.requests, what="the request")
        stop.order(StopReason.CANCELLED)

    thread = threading.Thread(target=order)
    thread.start()
    with pytest.raises(CheckoutError, match="Stopped"):
        fetch(source, mirrors, policy=policy, stop=stop)
    thread.join()

    assert len(host.requests) == 1


@pytest.mark.timeout(60)
def test_git_works_behind_walls_that_hide_the_services_data(host, source, mirrors, tmp_path):
    if not walls_stand():
        pytest.skip("bubblewrap is not installed or may not make namespaces here")
    (tmp_path / "ciservice.sqlite3").write_text("the service's data")
    host.mode, stop, seen = "hang", Stop(), []

    def look() -> None:
        wait_until(lambda: host.requests, what="the request")
        seen.extend(names_below(tmp_path, host.port))
        stop.order(StopReason.CANCELLED)

    thread = threading.Thread(target=look)
    thread.start()
    with pytest.raises(CheckoutError):
        fetch(source, mirrors, policy=TRUSTING, stop=stop)
    thread.join()

    assert seen == ["mirrors", "mirrors/known_hosts", "mirrors/project.git"]


def test_a_redirect_is_not_followed(host, source, mirrors, tmp_path):
    inner = GitHost(tmp_path)
    host.mode, host.target = "redirect", f"http://127.0.0.1:{inner.port}"

    with pytest.raises(CheckoutError, match="leads to another one") as caught:
        fetch(source, mirrors, policy=TRUSTING)

    inner.close()
    assert caught.value.retry is False
    assert inner.requests == []


def test_a_host_in_a_private_network_hears_nothing(host, source, mirrors):
    policy = replace(TRUSTING, allowed_hosts=())
    url = source.url.replace("http://", "https://")

    with pytest.raises(CheckoutError, match="private network"):
        fetch(replace(source, url=url), mirrors, policy=policy)

    assert host.requests == []


def test_git_asks_the_address_that_was_checked(host, source, mirrors, monkeypatch):
    """No name service knows git.example.com: git can only have come by the pinned address."""
    known = socket.getaddrinfo

    def resolve(name, *rest, **more):
        return known("127.0.0.1" if name == "git.example.com" else name, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    named = replace(source, url=host.url("origin.git", host="git.example.com"))

    assert fetch(named, mirrors, policy=TRUSTING) == source.commit


def test_what_a_host_says_is_never_passed_on(host, source, mirrors, caplog):
    host.mode = 403

    with pytest.raises(CheckoutError) as caught:
        fetch(source, mirrors, policy=TRUSTING)

    assert str(host.port) not in str(caught.value)
    assert "Forbidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_port_where_nobody_listens(source, mirrors):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x.git"

        with pytest.raises(CheckoutError, match="did not answer") as caught:
            fetch(replace(source, url=url), mirrors, policy=TRUSTING)

    assert caught.value.retry is True


def test_a_host_that_only_serves_files_is_fetched_and_laid_out(repository, mirrors, tmp_path):
    commit = repository.commit(file="1")
    git(repository.bare, "update-server-info")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = repository.source(commit, url=f"http://127.0.0.1:{server.server_port}/origin.git")
        try:
            assert fetch(source, mirrors, policy=TRUSTING) == commit
        finally:
            server.shutdown()

    lay_out(source, mirrors, tmp_path / "out", policy=TRUSTING)

    assert (tmp_path / "out/file").read_text() == "1"
