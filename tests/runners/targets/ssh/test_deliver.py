"""Releases on hosts with real sshds: what is sent, run, switched, kept, and what happens where something is bad."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from runners.targets.contract import TargetError
from runners.targets.ssh import target
from tests.docker_images import BUSYBOX
from tests.runners.targets.releases import Log
from tests.servers import wait_until


def releases(host):
    return sorted(path.name for path in (host.disk() / "releases").iterdir())


def refused(host, settings, number=1, **fields) -> str:
    with pytest.raises(TargetError) as told:
        host.deliver(number, settings, **fields)
    return str(told.value)


def test_a_release_lies_in_a_folder_of_its_own_behind_a_link(host):
    host.deliver(12, files={"web/index.html": "hello"})

    name = "12-0000000"
    assert os.readlink(host.disk() / "current") == f"releases/{name}"
    assert (host.disk() / "current/web/index.html").read_text() == "hello"
    assert os.access(host.disk() / "current/release.txt", os.R_OK)
    assert releases(host) == [name]
    assert re.fullmatch(rf"\S+Z {name} release 12 to production\n", (host.disk() / "releases.log").read_text())


def test_only_the_folder_goes_and_nothing_that_is_left_out(host):
    host.deliver(1, host.given(folder="web", exclude="*.map"), files={"web/a.js": "a", "web/a.js.map": "m"})

    assert sorted(path.name for path in (host.disk() / "current").iterdir()) == ["a.js"]


def test_a_link_to_a_file_of_the_runner_is_not_followed(host):
    log = host.deliver(1)

    assert "Left out, since they lead out of the folder: outside" in log
    sent = [path for path in host.disk().rglob("*") if path.is_file()]
    assert all(b"root:" not in path.read_bytes() for path in sent)
    assert not os.path.lexists(host.disk() / "current/outside")


def test_commands_run_in_the_new_release_before_and_after_the_switch(host):
    tell = 'echo "$(basename "$PWD") $(readlink ../../current)"'
    log = host.deliver(1, host.given(before=f"{tell} before", restart=f"{tell} after"))

    said = [line.split("] ")[1] for line in log if line.startswith(f"[{host.sshds[0].name}]")]
    assert said.index("1-0000000  before") < said.index("switched to 1-0000000")
    assert said.index("switched to 1-0000000") < said.index("1-0000000 releases/1-0000000 after")


def test_values_reach_commands_as_variables_and_never_as_text(host):
    branch = "x'; touch /tmp/pwned-$(id -u) #"
    restart = """
printf '%s|' "$CI_BRANCH" "$CI_RELEASE" "$CI_ENVIRONMENT" "$CI_PREVIOUS_RELEASE" "$CI_HOST_INDEX" "${TOKEN}" >> seen
tr '\\0' ' ' < /proc/$$/cmdline >> seen
env | grep -c OTHER >> seen || true
"""
    values = {"TOKEN": "s3 cr'et", "OTHER": "not asked for", "CI_BRANCH": branch}

    host.deliver(2, host.given(restart=restart), previous="1", branch=branch, values=values)

    seen = (host.disk() / "current/seen").read_text()
    assert seen.startswith(f"{branch}|2|production|1|0|s3 cr'et|")
    assert "s3 cr" not in seen.split("|")[6], "a command line, which anybody on the host can read"
    assert seen.endswith("0\n")


def test_output_comes_line_by_line_whatever_bytes_it_is(host):
    log = host.deliver(1, host.given(restart="printf 'one\\r\\ntwo\\377\\nthree'; echo err >&2"))

    said = [line.split("] ", 1)[1] for line in log if "] " in line]
    assert said[2:5] == ["one", "two\ufffd", "threeerr"]


def test_what_goes_wrong_before_the_switch_leaves_every_host_as_it_is(make_hosts):
    hosts = make_hosts(2)
    hosts.deliver(1)

    settings = hosts.given(before='echo "no database" >&2; test "$CI_HOST_INDEX" = 0', batch=1)
    text = refused(hosts, settings, 2, previous="1")

    assert text == f"{hosts.sshds[1].name}: `before` ended with exit code 1."
    assert hosts.serving() == {"1": 1.0}


def test_before_runs_once_in_a_release_and_again_where_it_failed(host):
    count = f"echo run >> {host.to}/count; test $(wc -l < {host.to}/count) -gt 1"
    refused(host, host.given(before=count))

    host.deliver(1, host.given(before=count))
    host.deliver(2, host.given(before=count), previous="1")
    host.deliver(1, host.given(before=count), previous="2", is_rollback=True)

    assert (host.disk().parent / "count").read_text() == "run\n" * 3
    assert host.serving() == {"1": 1.0}


@pytest.mark.parametrize(
    ("bad", "why"),
    [({"restart": "test $CI_RELEASE != 2"}, "`restart` ended"), ({"check": "exit 3"}, "`check` did not succeed")],
)
def test_a_host_that_turns_out_bad_is_switched_back(host, bad, why):
    host.deliver(1)
    settings = host.given(**{"restart": f"cat release.txt >> {host.to}/restarts", **bad, "check_within": "1s"})

    text = refused(host, settings, 2, previous="1")

    assert text.startswith(f"{host.sshds[0].name}: {why}")
    assert text.endswith("That host was switched back to 1-0000000.")
    assert host.serving() == {"1": 1.0}
    if "check" in bad:
        assert (host.disk().parent / "restarts").read_text() == "121", "the old one is started again"


def test_where_the_first_release_is_bad_nothing_runs(host):
    text = refused(host, host.given(restart="exit 9"))

    assert text.endswith("`restart` ended with exit code 9. It was the first release there: nothing runs.")
    assert host.serving() == {}


def test_one_batch_after_another_and_none_after_a_bad_one(make_hosts):
    hosts = make_hosts(3)
    hosts.deliver(1)

    refused(hosts, hosts.given(batch=1, restart='test "$CI_RELEASE$CI_HOST_INDEX" != 21'), 2, previous="1")

    assert [(hosts.disk(number) / "current/release.txt").read_text() for number in range(3)] == ["2", "1", "1"]


def test_a_check_is_tried_until_it_succeeds(host):
    log = host.deliver(1, host.given(check="echo try >> tries; test $(wc -l < tries) -gt 1", check_within="30s"))

    assert (host.disk() / "current/tries").read_text() == "try\n" * 2
    assert any(line.endswith("`check` passed") for line in log)


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(host):
    restart = f"echo $$ > {host.to}/number; sleep 300 & sleep 300"

    text = refused(host, host.given(restart=restart, within="1s"))

    assert "`restart`: " in text
    assert "not done within 1 s" in text
    number = int((host.disk().parent / "number").read_text())
    wait_until(lambda: not os.path.exists(f"/proc/{number}"), what="its end")


def test_what_a_command_leaves_running_is_not_waited_for(host):
    log = host.deliver(1, host.given(restart=f"sleep 100 & echo $! > {host.to}/number", within="30s"))

    os.kill(int((host.disk().parent / "number").read_text()), 9)
    assert any(line.endswith("1-0000000 is live") for line in log)


def test_what_all_releases_share_outlives_them(host):
    settings = host.given(shared=["log/", "config/site.conf", "data"])
    (host.disk() / "shared/config").mkdir(parents=True)
    (host.disk() / "shared/config/site.conf").write_text("on the host")
    files = {"config/site.conf": "in the repository", "data/first": "1"}
    host.deliver(1, settings, files=files)
    (host.disk() / "current/log/a.log").write_text("kept")

    host.deliver(2, settings, previous="1", files={**files, "data/first": "2"})

    current = host.disk() / "current"
    assert os.readlink(current / "log") == "../../shared/log"
    assert (host.disk() / "shared/log/a.log").read_text() == "kept"
    assert os.readlink(current / "config/site.conf") == "../../../shared/config/site.conf"
    assert (host.disk() / "shared/config/site.conf").read_text() == "on the host"
    assert (host.disk() / "shared/data/first").read_text() == "1"


def test_a_shared_file_that_is_not_there_is_told(host):
    text = refused(host, host.given(shared=".env"))

    assert f"{host.to}/app/shared/.env is missing: put it there." in text
    assert host.serving() == {}


def test_old_releases_go_but_never_what_runs_or_ran_before(host):
    settings = host.given(keep=2)
    for number in (1, 2, 3, 4):
        host.deliver(number, settings, previous=str(number - 1) if number > 1 else "")
    assert releases(host) == ["3-0000000", "4-0000000"]

    host.deliver(3, settings, previous="4", is_rollback=True)
    host.deliver(5, settings, previous="3")

    assert releases(host) == ["3-0000000", "4-0000000", "5-0000000"]
    assert sorted(path.name for path in (host.disk() / "releases").glob(".*")) == []


def test_what_else_lies_in_the_folder_of_releases_is_left_alone(host):
    host.deliver(1)
    (host.disk() / "releases/by-hand").mkdir()

    for number in (2, 3):
        host.deliver(number, host.given(keep=1), previous=str(number - 1))

    assert releases(host) == ["2-0000000", "3-0000000", "by-hand"]


def test_running_says_where_an_attempt_was_broken_off_between_switch_and_restart(host):
    host.deliver(1)
    host.deliver(2, previous="1")
    (host.disk() / "current").unlink()
    (host.disk() / "current").symlink_to("releases/1-0000000")
    log = Log()

    assert target.running(host.settings, host.release(2), log) == {"1", "2"}
    assert log == [f"[{host.sshds[0].name}] 1-0000000 is live, but 2-0000000 was the last that was checked"]


def test_an_attempt_that_was_broken_off_there_is_ended_by_the_next(host):
    settings = host.given(restart=f"cat release.txt >> {host.to}/restarts")
    host.deliver(1, settings)
    host.deliver(2, host.given(), previous="1")
    (host.disk() / ".ciservice/live").write_text("1-0000000\n")

    host.deliver(2, settings, previous="1")

    assert (host.disk().parent / "restarts").read_text() == "12"


def test_a_folder_in_the_place_of_the_link_is_not_touched(host):
    (host.disk() / "current").mkdir(parents=True)

    assert "current is no link. Move it away" in refused(host, host.given())


def test_a_place_that_cannot_be_written_is_told_with_what_the_host_says(host):
    text = refused(host, host.given(to="/proc/app"))

    assert text.startswith(f"{host.sshds[0].name}: release 1-0000000 cannot be put into /proc/app: ")
    assert "/proc/app" in text.split(": ", 2)[2]


def test_what_another_program_deployed_there_is_gone_back_to(host):
    """Such as Capistrano's, whose links are absolute."""
    (host.disk() / "releases/20240102 it's").mkdir(parents=True)
    (host.disk() / "current").symlink_to(f"{host.to}/app/releases/20240102 it's")
    restart = f'echo "$CI_RELEASE $(cat release.txt 2>&1)" >> {host.to}/restarts; test -z "$CI_RELEASE"'

    text = refused(host, host.given(restart=restart), 1)

    assert text.endswith(f"That host was switched back to {host.to}/app/releases/20240102 it's.")
    assert os.readlink(host.disk() / "current") == f"{host.to}/app/releases/20240102 it's"
    assert (host.disk().parent / "restarts").read_text().startswith("1 1\n cat: ")
    host.deliver(1)
    assert host.serving() == {"1": 1.0}
    assert "20240102 it's" in releases(host)


def test_a_web_server_may_read_whatever_the_users_umask(host):
    host.sshds[0].stop()
    host.sshds[0].start(umask=0o077)

    host.deliver(1, host.given(), files={"web/index.html": "hello"})

    current = host.disk() / "current"
    assert [oct(path.stat().st_mode)[-3:] for path in (current / "web", current / "web/index.html")] == ["755", "644"]


@pytest.mark.skipif(not BUSYBOX.exists(), reason="busybox is not installed")
def test_a_host_with_nothing_but_busybox(make_hosts, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in subprocess.run([str(BUSYBOX), "--list"], capture_output=True, text=True, check=True).stdout.split():
        (programs / name).symlink_to(BUSYBOX)
    hosts = make_hosts(1, programs=programs)
    settings = hosts.given(shared=["log/"], before="sh --help 2>&1 | head -1", restart="true", check="true", keep=1)

    log = hosts.deliver(1, settings)
    hosts.deliver(2, settings, previous="1")
    hosts.deliver(3, settings, previous="2")
    hosts.deliver(2, settings, previous="3", is_rollback=True)

    assert "BusyBox" in log.text
    assert hosts.serving() == {"2": 1.0}
    assert releases(hosts) == ["2-0000000", "3-0000000"]
    assert target.running(settings, hosts.release(2), Log()) == {"2"}
