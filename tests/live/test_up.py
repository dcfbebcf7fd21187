"""`make up`, as a newcomer meets it: push, green, deployed, told; killed, stopped, and started again."""

from __future__ import annotations

import json
import os
import secrets
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.faults.canary import files, found, keys
from tests.live.instance import DEMO, Instance
from tests.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SLOW = """
image: busybox
steps:
  - {name: slow, run: "echo begun $CANARY; sleep 6; echo done"}
"""


BROKEN = """
steps:
  - {name: bad, run: 'echo $CANARY >&2; exit 3'}
deployments:
  staging:
    branch: main
    image: busybox
    steps: [{name: note, run: 'echo "$CI_COMMIT_ID" >> "$CI_DEPLOY_FOLDER/broken"'}]
"""


def deployed(instance: Instance, name: str) -> str:
    """What lies under this name in the folder that the demo deploys to; "" where nothing does."""
    return "".join(path.read_text() for path in (instance.data_dir / "deployed").glob(f"*/{name}"))


def docker_answers() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True).returncode == 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(params=["docker", "process"], scope="module")
def instance(request, tmp_path_factory):
    """One running instance for the tests of this page, with each executor."""
    if request.param == "docker" and not docker_answers():
        pytest.skip("no Docker engine answers")
    switches = {} if request.param == "docker" else {"DOCKER": "no"}
    it = Instance(tmp_path_factory.mktemp("up") / "data", LEASE_SECONDS="4", **switches)
    it.start()
    canary = plant(it)
    yield it
    told = found(canary, [*files(it.data_dir), *keys(it.redis_url)])
    it.stop()
    assert told + found(canary, [*files(it.data_dir), (str(it.log), it.log.read_bytes())]) == []


def plant(instance: Instance) -> str:
    """A secret of the demo's project, which its builds know and nobody else may."""
    canary = secrets.token_urlsafe(24)
    project = instance.credentials["demo"]["project_uuid"]
    instance.manage(
        "from builds.models import Project, Secret\n"
        f"Secret.objects.create(project=Project.objects.get(uuid={project!r}), name='CANARY', value={canary!r})"
    )
    return canary


def test_the_first_commit_goes_green_is_deployed_and_told(instance):
    first = wait_until(lambda: [build for build in instance.builds() if build["number"] == 1], what="the first build")
    instance.wait_for_build(first[0]["commit_sha"], "passed")
    for environment in ("staging", "production"):
        page = f"{environment}/index.html"
        wait_until(lambda page=page: list((instance.data_dir / "deployed").glob(f"*/{page}")), what=page)
    wait_until(lambda: list((instance.data_dir / "mail").glob("*")), what="a mail")


def test_the_credentials_are_private_and_open_the_door(instance):
    mode = os.stat(instance.data_dir / "credentials.json").st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert instance.builds()


def test_a_push_is_built_at_its_commit(instance):
    commit = instance.push("Say more", README__md="# More\n")
    build = instance.wait_for_build(commit, "passed")
    assert build["branch"] == "main"
    assert build["commit_message"].startswith("Say more")


def test_a_failing_step_fails_the_build_and_nothing_is_deployed(instance):
    commit = instance.push("Break it", ciservice__yml=BROKEN)
    build = instance.wait_for_build(commit, "failed")
    assert build["status"] == "error"
    # Deployments go in order: had this one gone, it would have gone before the next.
    mended = instance.push("Mend it")
    wait_until(lambda: mended in deployed(instance, "staging/index.html"), seconds=60, what="the next deployment")
    assert commit not in deployed(instance, "broken")


def test_a_release_that_breaks_production_goes_back_by_itself(instance):
    page = (DEMO / "site" / "index.html").read_text()
    good = instance.push("A good one", **{"site/index__html": page})
    wait_until(lambda: good in deployed(instance, "production/index.html"), seconds=90, what="the good one")
    bad = instance.push("A bad idea", **{"site/index__html": f"{page}<p>Broken in production.</p>"})

    def taken_back() -> bool:
        told = json.loads(instance.get(f"{instance.api}/deployments?per_page=4"))["deployments"]
        return any(
            (each["commit_sha"], each["environment"], each["state"]) == (bad, "production", "rolled_back")
            for each in told
        )

    wait_until(taken_back, seconds=90, what="the way back")
    assert bad in deployed(instance, "staging/index.html")
    assert good in deployed(instance, "production/first/index.html"), "the first visitors have it back"
    assert bad not in deployed(instance, "production/index.html"), "the others never saw it"
    instance.push("Mend production", **{"site/index__html": page})


def test_a_killed_runner_loses_nothing(instance):
    commit = instance.push("Slow", ciservice__yml=SLOW)
    instance.wait_for_build(commit, "running")
    os.kill(instance.runner_pid(), signal.SIGKILL)
    instance.wait_for_build(commit, "passed", seconds=90)


def test_a_killed_supervisor_takes_all_along_and_starts_again_at_once(instance):
    """On the same folder and port; what ran is tried again."""
    commit = instance.push("Slow again", ciservice__yml=SLOW)
    instance.wait_for_build(commit, "running")
    started = instance.processes()
    instance.stop(signal.SIGKILL)
    instance.start()
    assert not [pid for pid in started if is_alive(pid)]
    instance.wait_for_build(commit, "passed", seconds=90)


def test_two_in_one_folder_are_one_clear_line(instance):
    second = Instance(instance.data_dir)
    second.log = instance.data_dir.parent / "second.log"
    with pytest.raises(AssertionError, match="it ended with 1"):
        second.launch()
    assert f"another ciservice runs in {instance.data_dir}: stop it" in second.said()
    assert instance.builds(), "the first goes on"


def test_it_goes_on_with_the_same_data_and_leaves_nothing_behind(instance):
    told = instance.credentials
    known = {build["uuid"] for build in instance.builds()}
    started = instance.processes()
    assert len(started) >= 6
    instance.stop(signal.SIGINT)
    wait_until(lambda: not [pid for pid in started if is_alive(pid)], what=f"the end of every process of {started}")
    assert not list(instance.data_dir.glob("*.sock"))
    left = subprocess.run(
        ["docker", "ps", "-aq", "--filter", "label=ciservice.job"], capture_output=True, text=True
    ).stdout.split()
    ours = [name for name in left if str(instance.data_dir) in _mounts(name)]
    assert not ours
    instance.start()
    again = instance.credentials
    assert {key: again[key] for key in ("email", "password", "api_token")} == {
        key: told[key] for key in ("email", "password", "api_token")
    }
    assert known <= {build["uuid"] for build in instance.builds()}
    commit = instance.push("After the break")
    instance.wait_for_build(commit, "passed")


def _mounts(container: str) -> str:
    return subprocess.run(
        ["docker", "inspect", "-f", "{{json .Mounts}}", container], capture_output=True, text=True
    ).stdout


def test_a_taken_port_is_one_clear_line(instance, tmp_path):
    other = Instance(tmp_path / "data")
    other.port = instance.port
    assert instance.builds()
    with pytest.raises(AssertionError, match="it ended with 1"):
        other.start()
    last = [line for line in other.said().splitlines() if line.startswith("ciservice:")]
    assert last == [
        f"ciservice: port {instance.port} on 127.0.0.1 cannot be used (Address already in use): set PORT to another"
    ]
    assert not Path(tmp_path / "data" / "credentials.json").exists()
