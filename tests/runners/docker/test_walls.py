"""Steps that stand on one network: none reaches another, by any way, also while the engine makes networks."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time

import pytest

from runners.contract import Outcome, ServiceSpec, Stop
from runners.executors.docker import pause
from runners.executors.docker.engine import Engine
from runners.executors.docker.hardening import HOSTNAME
from runners.executors.docker.walls import raise_walls
from tests.runners.docker.conftest import standing
from tests.runners.jobs import parallel, run

pytestmark = pytest.mark.docker

CHURN_SECONDS = 3
NAMESPACE = "readlink /proc/self/ns/net"

# Calls by everything that needs no privilege: TCP, UDP, broadcast, multicast, also over IPv6.
CALL = """
import contextlib, socket, sys, time
address, seconds = sys.argv[1], float(sys.argv[2])
ways = [(socket.AF_INET, (to, 7001)) for to in (address, "255.255.255.255", address.rpartition(".")[0] + ".255", "224.0.0.1")]
ways += [(socket.AF_INET6, ("ff02::1", 7001, 0, index)) for index, _ in socket.if_nameindex()]
datagrams = []
for family, where in ways:
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    datagrams.append((one, where))
sent, calls, until = 0, [], time.monotonic() + seconds
while time.monotonic() < until:
    call = socket.socket()
    call.setblocking(False)
    calls = [*calls[-200:], call]
    with contextlib.suppress(OSError):
        call.connect((address, 7000))
    for one, where in datagrams:
        with contextlib.suppress(OSError):
            sent += one.sendto(b"x", where)
    time.sleep(0.0005)
print(sent)
"""

LISTEN = """
import select, socket, sys, time
tcp, udp = socket.create_server(("", 7000), backlog=4096), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
udp.bind(("", 7001))
six.bind(("::", 7001))
print("up", flush=True)
heard = 0
while True:
    ready, _, _ = select.select([tcp, udp, six, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    for one in ready:
        heard += 1
        one.accept()[0].close() if one is tcp else one.recv(99)
print(heard)
"""


def inside(container: dict, script: str, *arguments: object) -> subprocess.Popen:
    """Python in a container's network namespace, without its other walls."""
    return subprocess.Popen(
        ["nsenter", "-t", str(container["State"]["Pid"]), "-n", sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def make_networks(client, until: float) -> None:
    while time.monotonic() < until:
        client.networks.create(f"ci-test-churn-{secrets.token_hex(4)}").remove()


def heard_by(client, called: dict, caller: dict, address: str) -> tuple[int, int]:
    """How much `caller` sent, and how much of it arrived, while networks came and went."""
    listener = inside(called, LISTEN)
    assert listener.stdout is not None
    assert listener.stdout.readline() == "up\n"
    until = time.monotonic() + CHURN_SECONDS
    churn = [threading.Thread(target=make_networks, args=(client, until)) for _ in range(2)]
    for thread in churn:
        thread.start()
    sent, _ = inside(caller, CALL, address, CHURN_SECONDS).communicate(timeout=60)
    for thread in churn:
        thread.join()
    heard, _ = listener.communicate("end", timeout=30)
    return int(sent), int(heard)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nsenter") is None, reason="root enters namespaces")
def test_nothing_passes_between_two_steps_while_networks_come_and_go(
    executor, make_job, objects, docker_engine, docker_image, walled
):
    """One in a room that was ready, one with a namespace of its own, both on the one network."""
    step = run("stand", "echo up; sleep 60", image=docker_image)
    jobs = [make_job(step), make_job(step)]
    with standing(executor, jobs[0]), standing(executor, jobs[1]):
        walled.reload()
        rooms = {one["Name"]: one["IPv4Address"].partition("/")[0] for one in walled.attrs["Containers"].values()}
        containers = [objects.container_of(job) for job in jobs]
        spaces = {os.readlink(f"/proc/{one['State']['Pid']}/ns/net"): one for one in containers}
        assert len(spaces) == 2
        addresses = [_address(one, spaces) for one in containers]
        assert set(addresses) <= set(rooms.values())
        control = heard_by(docker_engine, containers[0], containers[0], addresses[0])
        outcome = heard_by(docker_engine, containers[0], containers[1], addresses[0])
    assert control[1] > 100, control
    assert outcome[0] > 1000
    assert outcome[1] == 0, outcome


def _address(container: dict, spaces: dict) -> str:
    shown = subprocess.run(
        ["nsenter", "-t", str(container["State"]["Pid"]), "-n", "hostname", "-I"], capture_output=True, text=True
    )
    assert spaces
    return shown.stdout.split()[0]


def test_who_stands_with_others_cannot_forge_frames_and_is_not_told_by_name(
    executor, make_job, docker_engine, objects, docker_image, walled
):
    services = [ServiceSpec(name="database", image=docker_image)]
    jobs = [make_job(run("x", "echo up; sleep 60", service="database"), services=services) for _ in range(6)]
    with contextlib.ExitStack() as stack:
        for job in jobs:
            stack.enter_context(standing(executor, job))
        walled.reload()
        on_it = [docker_engine.containers.get(name) for name in walled.attrs["Containers"]]
    own = [one for one in on_it if not one.name.startswith("ci-room")]
    assert own  # more steps than rooms
    for one in on_it:
        assert "ALL" in one.attrs["HostConfig"]["CapDrop"]
        assert not {"NET_RAW", "NET_ADMIN", "SYS_ADMIN"} & {*(one.attrs["HostConfig"]["CapAdd"] or [])}
        (endpoint,) = one.attrs["NetworkSettings"]["Networks"].values()
        assert set(endpoint["Aliases"]) <= {one.short_id, HOSTNAME}  # and no name that a project chose


def test_parallel_steps_never_share_a_namespace(executor, make_job, docker_image, walled):
    step, heard = run("look", f"{NAMESPACE}; sleep 1", image=docker_image), []
    with executor.workspace(make_job(parallel("all", step, step, step)), Stop(), lambda _: None) as workspace:
        threads = [threading.Thread(target=workspace.run, args=(step, heard.append, Stop())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(b"".join(heard).decode().split())) == 3


def test_no_job_gets_a_room_that_another_had(executor, make_job, objects, docker_image, walled):
    """One after the other, each in a room that waited or in a namespace of its own."""
    step, held = run("stand", "echo up; sleep 60", image=docker_image), []
    for _ in range(3):
        job = make_job(step)
        with standing(executor, job):
            held.append(objects.container_of(job)["HostConfig"]["NetworkMode"])
    rooms = [mode for mode in held if mode.startswith("container:")]
    assert rooms
    assert len(set(rooms)) == len(rooms)


def test_serial_steps_take_turns_in_a_room_and_find_nothing_of_each_other(perform, docker_image, walled):
    leave = f"{NAMESPACE}; (setsid sh -c 'nc -l -p 7000; sleep 99' &); sleep 0.3"
    look = f"{NAMESPACE}; echo x | nc -w 1 127.0.0.1 7000 || true; grep -c :1B58 /proc/net/tcp || true"

    [(_, first), (result, second)] = perform(
        run("leave", leave, image=docker_image), run("look", look, image=docker_image)
    )

    assert result.outcome is Outcome.PASSED, second
    assert first.split()[0] == second.split()[0]
    assert second.splitlines()[-1] == "0"


class OpenEngine(Engine):
    """An engine that does not keep containers of a network apart, whatever it is asked for."""

    def create_network(self, name, labels, subnet="", options=None):
        return super().create_network(name, labels, subnet)


@pytest.mark.parametrize(("kind", "is_walled"), [(Engine, True), (OpenEngine, False)])
def test_walls_are_tried_before_anything_stands_behind_them(docker_engine, docker_image, kind, is_walled):
    engine, instance = kind(""), f"test-{secrets.token_hex(4)}"
    name = f"ci-steps-{instance}"
    try:
        walls = raise_walls(engine, name, pause.ensure(engine), {"ciservice.instance": instance})
        assert bool(walls) is is_walled
        assert walls is None or "nameserver" in walls.resolver
        assert bool(docker_engine.networks.list(names=[name])) is is_walled
        assert docker_engine.containers.list(all=True, filters={"label": f"ciservice.instance={instance}"}) == []
    finally:
        engine.remove_network(name)
        engine.close()
