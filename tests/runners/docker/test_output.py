"""What a container prints arrives whole and unchanged, however it prints it."""

from __future__ import annotations

import socket

import pytest

from runners.contract import Outcome, ServiceSpec, StepSpec, Stop
from runners.executors.docker.output import MOST_LINE_BYTES, MOST_SERVICE_BYTES, ServiceOutput, StepOutput
from runners.executors.docker.streams import Attachment
from tests.runners.jobs import run
from tests.servers import wait_until


def frame(payload: bytes, kind: int = 1) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@pytest.mark.docker
def test_the_tail_of_an_instant_exit_is_never_lost(perform, docker_image):
    """Some of them in containers of their own, which end as soon as they begin."""
    own = StepSpec(name="own", image=docker_image, command=("printf", "tail"))

    outcomes = perform(*[own] * 6, *[run("shared", "printf tail")] * 44)

    assert [text for _, text in outcomes] == ["tail"] * 50


@pytest.mark.docker
@pytest.mark.parametrize("own_image", [False, True])
def test_one_line_of_fifty_megabytes(executor, make_job, docker_image, own_image):
    step, stop, sizes = run("line", "head -c 50000000 /dev/zero", image=docker_image if own_image else ""), Stop(), []

    def listen(data: bytes) -> None:
        assert data.count(0) == len(data)
        sizes.append(len(data))

    with executor.workspace(make_job(step), stop, lambda _: None) as workspace:
        result = workspace.run(step, listen, stop)

    assert (result.outcome, sum(sizes)) == (Outcome.PASSED, 50_000_000)


@pytest.mark.docker
def test_a_listener_that_breaks_ends_the_step_and_leaves_nothing(executor, make_job, objects, docker_image):
    step = StepSpec(name="loop", service="app", command=("yes",))
    job = make_job(step, services=[ServiceSpec(name="app", image=docker_image)])

    def broken(_: bytes) -> None:
        raise ZeroDivisionError

    with executor.workspace(job, Stop(), lambda _: None) as workspace, pytest.raises(ZeroDivisionError):
        workspace.run(step, broken, Stop())

    wait_until(lambda: not objects.of_job(job), seconds=30, what="the removal of what belongs to the job")


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    attachment = Attachment(ours)
    yield attachment, theirs
    attachment.close()
    theirs.close()


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 1000])
def test_frames_come_out_whole_however_they_are_cut(pair, size):
    attachment, theirs = pair
    sent = frame(b"one ") + frame(b"", kind=2) + frame(b"two\x00" * 5, kind=2) + frame(b"\xff" * 300)
    heard = b""

    for at in range(0, len(sent), size):
        theirs.sendall(sent[at : at + size])
        heard += attachment.read(0.01) or b""

    assert heard == b"one " + b"two\x00" * 5 + b"\xff" * 300


def test_silence_is_told_from_the_end(pair):
    attachment, theirs = pair

    assert attachment.read(0.01) is None
    theirs.sendall(frame(b"last"))
    theirs.shutdown(socket.SHUT_RDWR)
    assert [attachment.read(1), attachment.read(1)] == [b"last", b""]


def test_a_service_waits_for_the_end_of_the_steps_line():
    heard: list[bytes] = []
    output = StepOutput(heard.append)
    redis = ServiceOutput(output, "redis")

    output.write(b"half a ")
    redis.feed(b"ready\nmore")
    output.write(b"line\n")
    redis.end()
    output.close()
    output.write(b"too late")

    assert b"".join(heard) == b"half a line\nredis | ready\nredis | more\n"


def test_a_service_does_not_wait_for_ever():
    heard: list[bytes] = []
    output = StepOutput(heard.append)
    output.write(b"prompt> ")

    ServiceOutput(output, "db").feed(b"x" * 99 + b"\n" * 1000)

    assert b"".join(heard).startswith(b"prompt> ") or heard == [b"prompt> "]
    output.close()
    assert b"".join(heard).startswith(b"prompt> \ndb | xxx")


def test_a_chatty_service_is_cut_off_and_the_log_says_so():
    heard: list[bytes] = []
    service = ServiceOutput(StepOutput(heard.append), "db")

    for _ in range(MOST_SERVICE_BYTES // MOST_LINE_BYTES + 50):
        service.feed(b"x" * MOST_LINE_BYTES)

    assert sum(map(len, heard)) < 1.1 * MOST_SERVICE_BYTES
    assert heard[-1].endswith(b"db | (the further output of this service is left out)\n")
