"""What a container of a build may do, seen from outside and from inside."""

from __future__ import annotations

import pytest

from runners.contract import Failure, Outcome, Stop
from runners.executors.docker.hardening import CAPABILITIES
from tests.runners.docker.conftest import attempt
from tests.runners.jobs import run

pytestmark = pytest.mark.docker


@pytest.fixture(params=["in the pipeline's container", "in a container of its own"])
def step_image(request, docker_image) -> str:
    return "" if request.param.startswith("in the") else docker_image


def test_the_engine_was_told_the_limits(executor, make_job, objects, settings, project, step_image):
    stop, seen = Stop(), []
    step = run("look", "echo ready; sleep 1", image=step_image)
    job = make_job(step)

    with executor.workspace(job, stop, lambda _: None) as workspace:
        workspace.run(step, lambda _: seen or seen.append(objects.container_of(job)), stop)

    host, config = seen[0]["HostConfig"], seen[0]["Config"]
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == sorted(CAPABILITIES)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Privileged"], host["PidMode"], host["UsernsMode"]) == (False, "", "")
    assert (host["IpcMode"], host["CgroupnsMode"]) == ("private", "private")
    assert host["Memory"] == host["MemorySwap"] == settings.memory_mb * 1024 * 1024
    assert host["PidsLimit"] == settings.pids
    assert (host["Devices"] or [], host["LogConfig"]["Type"]) == ([], "none")
    assert host["NetworkMode"] not in {"host", "default", "bridge"}
    assert {"ciservice.instance", "ciservice.job", "ciservice.epoch", "ciservice.deadline"} <= set(config["Labels"])
    ours = (str(project), str(settings.workspaces))
    assert all(mount["Source"].startswith(ours) for mount in seen[0]["Mounts"])


def test_the_kernel_keeps_the_limits(perform, step_image):
    script = """
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
test ! -e /var/run/docker.sock && echo no socket
unshare -m true 2>/dev/null || echo no unshare
mount -t tmpfs none /mnt 2>/dev/null || echo no mount
mknod /tmp/device b 8 0 2>/dev/null || echo no device
"""
    [(_, text)] = perform(run("look", script, image=step_image))

    facts = dict(line.split(":\t") for line in text.splitlines() if ":\t" in line)
    # The bits of CAPABILITIES as linux/capability.h numbers them.
    assert int(facts["CapEff"], 16) == sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 10, 31))
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert text.splitlines()[-4:] == ["no socket", "no unshare", "no mount", "no device"]


def test_a_fork_bomb_stays_in_its_container(perform, step_image):
    script = "i=0; while [ $i -lt 400 ]; do sleep 20 & i=$((i+1)); done; echo all of them"

    [(result, text)] = perform(run("bomb", script, image=step_image))

    assert result.outcome is Outcome.FAILED
    assert "all of them" not in text


def test_using_up_the_memory_fails_the_step_and_says_so(perform, step_image):
    [(result, _)] = perform(run("greedy", "tail /dev/zero", image=step_image))

    assert (result.outcome, result.failure) == (Outcome.FAILED, Failure.OUT_OF_MEMORY)
    assert "memory" in result.reason


def test_a_step_that_gets_over_a_child_without_memory_is_warned(perform, step_image):
    [(result, text)] = perform(run("greedy", "tail /dev/zero || true; sleep 0.3; echo went on", image=step_image))

    assert result.outcome is Outcome.PASSED
    assert "went on\n" in text
    assert text.endswith("memory was used up.\n")


def test_after_a_step_ran_out_of_memory_its_neighbour_goes_on(executor, make_job, docker_image):
    steps = [run("greedy", "tail /dev/zero", image=docker_image), run("modest", "echo fine", image=docker_image)]
    stop = Stop()

    with executor.workspace(make_job(*steps), stop, lambda _: None) as workspace:
        outcomes = [attempt(workspace, step, stop)[0].outcome for step in steps]

    assert outcomes == [Outcome.FAILED, Outcome.PASSED]
