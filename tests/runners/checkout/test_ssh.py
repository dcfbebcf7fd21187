"""Private repositories over ssh with the project's key, from a real sshd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runners.checkout import GitPolicy, fetch
from runners.errors import CheckoutError
from tests.runners.checkout.conftest import QUICK
from tests.runners.sshd import SSHD, Sshd, make_key

POLICY = GitPolicy(allowed_hosts=("127.0.0.1",), limits=QUICK)

pytestmark = pytest.mark.skipif(SSHD is None, reason="openssh-server is not installed")


@pytest.fixture
def sshd(tmp_path):
    server = Sshd(tmp_path / "sshd")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def source(repository, sshd):
    url = f"ssh://{sshd.user}@127.0.0.1:{sshd.port}{repository.bare}"
    return repository.source(repository.commit(file="1"), url=url, private_key=sshd.key)


def test_the_projects_key_opens_the_repository(source, mirrors):
    assert fetch(source, mirrors, policy=POLICY) == source.commit
    assert "127.0.0.1" in (mirrors / "known_hosts").read_text()


@pytest.mark.parametrize("change", [str.strip, lambda key: key.replace("\n", "\r\n")])
def test_a_key_may_come_as_forms_send_it(source, mirrors, change):
    assert fetch(replace(source, private_key=change(source.private_key)), mirrors, policy=POLICY) == source.commit


def test_another_key_is_refused_and_not_tried_again(source, mirrors, tmp_path):
    stranger = replace(source, private_key=make_key(tmp_path / "other"))

    with pytest.raises(CheckoutError, match="refused access") as caught:
        fetch(stranger, mirrors, policy=POLICY)

    assert caught.value.retry is False


def test_without_a_key_no_key_of_this_machine_is_offered(source, mirrors, sshd):
    with pytest.raises(CheckoutError, match="refused access"):
        fetch(replace(source, private_key=""), mirrors, policy=POLICY)


def test_a_host_whose_key_changed_is_refused(source, mirrors, sshd, repository):
    fetch(source, mirrors, policy=POLICY)
    sshd.stop()
    sshd.renew()
    sshd.start()

    with pytest.raises(CheckoutError, match="not the one known from before") as caught:
        fetch(replace(source, commit=repository.commit(file="2")), mirrors, policy=POLICY)

    assert caught.value.retry is False


def test_the_key_leaves_no_file_behind(source, mirrors, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    fetch(source, mirrors, policy=POLICY)

    assert list(scratch.iterdir()) == []
    assert all(source.private_key.encode() not in path.read_bytes() for path in mirrors.rglob("*") if path.is_file())


def test_the_key_is_not_in_what_is_printed_of_the_source(source):
    assert "PRIVATE" not in repr(source)
