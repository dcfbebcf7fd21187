"""F26: a registry that takes the call and never answers: the engine gives up, we say so, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from runners.contract import Stop, StopReason
from runners.errors import ImageError
from runners.executors.docker.engine import Engine
from runners.executors.docker.pull import pull_stubbornly

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.fixture
def silent():
    """The address of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as held:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.enter_context(server.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def engine(docker_engine):
    engine = Engine("")
    yield engine
    engine.close()


def test_it_is_given_up_with_the_reason(silent, engine):
    """One try takes the engine about 25 s; who is told to stop makes no other."""
    stop, said = Stop(), []
    stop.order(StopReason.CANCELLED)
    with pytest.raises(ImageError) as caught:
        pull_stubbornly(engine, f"{silent}/x:latest", said.append, stop, {})
    told = str(caught.value)
    assert f"The image {silent}/x:latest could not be pulled: {silent} does not answer (" in told, told
    assert (caught.value.retry, said) == (True, [])
