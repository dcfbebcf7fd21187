"""Who we are to a host, and whether it is that host."""

from __future__ import annotations

import re
import socket
import subprocess
import threading

import pytest

from runners.targets.contract import TargetError
from runners.targets.ssh.keys import known_hosts, private_key
from tests.runners.sshd import make_key
from tests.servers import wait_until


def refused(host, settings, **fields) -> str:
    with pytest.raises(TargetError) as told:
        host.deliver(1, settings, **fields)
    return str(told.value)


def test_without_a_key_of_the_host_the_line_to_paste_is_told_and_then_works(make_hosts):
    hosts = make_hosts(2)
    settings = hosts.given(host_keys=[])
    log = []

    with pytest.raises(TargetError, match="no keys of 2 hosts are given. The log has what to compare and to paste"):
        hosts.target.deliver(settings, hosts.release(1), log.append)

    lines = [found[1] for line in log if (found := re.fullmatch(r' +- "(.*)"  # SHA256:\S+', line))]
    assert lines == [sshd.known for sshd in hosts.sshds]
    assert hosts.serving() == {}
    hosts.deliver(1, hosts.given(host_keys="\n".join(lines)))
    assert hosts.serving() == {"1": 1.0}


def test_a_host_with_another_key_gets_nothing(host):
    settings = host.settings
    host.sshds[0].stop()
    host.sshds[0].renew()
    host.sshds[0].start()

    text = refused(host, settings)

    assert re.search(r"does not show a key of `host_keys` \(ssh-ed25519 SHA256:\S+\)", text)
    assert host.serving() == {}
    log = (host.sshds[0].folder / "log").read_text()
    assert "Accepted publickey" not in log


def test_a_key_of_the_project_in_a_secret_comes_before_its_own(host):
    fields = {"ssh_key": make_key(host.to / "other")}

    host.deliver(1, host.given(key=host.key), **fields)

    assert host.serving() == {"1": 1.0}
    assert "root is not let in" in refused(host, host.given(), **fields) or host.sshds[0].user != "root"


def test_a_project_without_a_key_is_told_so(host):
    assert refused(host, host.given(), ssh_key="").startswith("key: the project has no key of its own here")


def test_the_kinds_of_keys_that_openssh_makes(tmp_path):
    for kind in (("ed25519",), ("ecdsa",), ("rsa", "-b", "2048"), ("rsa", "-b", "2048", "-m", "PEM")):
        path = tmp_path / "-".join(kind)
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), "-t", *kind], check=True)
        text = path.read_text()
        public = path.with_suffix(path.suffix + ".pub").read_text().split()[1]

        assert private_key(text).get_base64() == public
        assert private_key(text.strip().replace("\n", "\r\n")).get_base64() == public


def test_a_key_with_a_passphrase_and_what_is_no_key(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-N", "pass", "-t", "ed25519", "-f", str(tmp_path / "key")], check=True)
    with pytest.raises(TargetError, match="locked by a passphrase"):
        private_key((tmp_path / "key").read_text())
    for text in ("", "s3cret", (tmp_path / "key.pub").read_text()):
        with pytest.raises(TargetError, match="no private key") as told:
            private_key(text)
        assert "s3cret" not in str(told.value)


def test_lines_of_known_hosts(tmp_path):
    make_key(tmp_path / "key")
    kind, key, *_ = (tmp_path / "key.pub").read_text().split()
    hashed = tmp_path / "hashed"
    hashed.write_text(f"web-3 {kind} {key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(hashed)], check=True, capture_output=True)

    known = known_hosts(
        [f"# a comment\n\nweb-1,10.0.0.1 {kind} {key} somebody\n[web-2]:2222 {kind} {key}", hashed.read_text()]
    )

    for name in ("web-1", "10.0.0.1", "[web-2]:2222", "web-3"):
        assert known.lookup(name)[kind].get_base64() == key, name
    assert known.lookup("web-2") is None


@pytest.mark.parametrize(
    "line", ["web-1", "web-1 ssh-ed25519 AAAA", "@cert-authority *.example ssh-ed25519 AAAA", "a b c"]
)
def test_what_is_no_line_of_known_hosts(line):
    with pytest.raises(TargetError, match="is no line of a file known_hosts"):
        known_hosts([line])


def test_a_connection_that_breaks(host):
    said = []

    def deliver():
        said.append(refused(host, host.given(before=f"touch {host.to}/began; sleep 60")))

    work = threading.Thread(target=deliver)
    work.start()
    wait_until((host.disk().parent / "began").exists, what="the command")
    host.sshds[0].break_connections()
    work.join()

    assert said == [f"`before`: {host.sshds[0].name}: the connection broke."]
    assert host.serving() == {}


def test_a_server_that_speaks_something_else(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close()).start()
        name = f"127.0.0.1:{server.getsockname()[1]}"

        assert f"{name}: it does not speak SSH with us: " in refused(host, host.given(hosts=[name]))
