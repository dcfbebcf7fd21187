"""The way to a Docker engine, and to what stands beside it: a Unix socket, TLS, or a tunnel of SSH."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docker.tls import TLSConfig

from runners.errors import EngineError, RunnerError, SpecError
from runners.executors.docker.engine import Refused
from runners.targets import reach
from runners.targets.contract import Delivery, TargetError
from runners.targets.docker.engine_settings import EngineSettings, Tls
from runners.targets.docker.remote import Remote
from runners.targets.docker.tunnel import tunnel

SOCKET = "/var/run/docker.sock"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Host:
    """A reached host: `url` and `tls` (a folder of ca.pem, cert.pem, key.pem) lead to its engine, also for programs."""

    url: str
    tls: Path | None
    dial: Callable[[str], socket.socket]  # a connection to "host:port" or "/path", as the host sees it

    def engine(self) -> Remote:
        """A connection to the engine; TargetError where none answers."""
        config = None
        if self.tls is not None:
            cert, key = str(self.tls / "cert.pem"), str(self.tls / "key.pem")
            config = TLSConfig(client_cert=(cert, key), ca_cert=str(self.tls / "ca.pem"), verify=True)
        try:
            return Remote(self.url, config)
        except EngineError as error:
            raise TargetError(f"The Docker engine does not answer: {error.__cause__ or error}") from error


@contextlib.contextmanager
def reached(settings: EngineSettings, delivery: Delivery, beside: Sequence[str] = ()) -> Iterator[Host]:
    """The way to the host while the block runs; `beside` are further addresses that will be dialled there."""
    with tempfile.TemporaryDirectory(prefix="ci-target-") as name, as_target_errors():
        folder = Path(name)
        if settings.host.startswith("unix://"):
            path = settings.host.removeprefix("unix://")
            _check_path(path, delivery)
            yield Host(settings.host, None, lambda address: _dial(address, delivery))
        elif settings.host.startswith("tcp://"):
            yield _over_tls(settings, delivery, folder)
        else:
            key = settings.ssh_key or delivery.ssh_key
            with tunnel(settings, key, delivery.allowed_hosts, (SOCKET, *beside), folder) as ends:
                yield Host(f"unix://{ends[SOCKET]}", None, lambda address: _unix(str(ends[address])))


@contextlib.contextmanager
def opened(host: Host) -> Iterator[Remote]:
    """The host's engine while the block runs."""
    engine = host.engine()
    try:
        yield engine
    finally:
        engine.close()


@contextlib.contextmanager
def as_target_errors() -> Iterator[None]:
    """What the engine or a registry could not do, as the step's own failure."""
    try:
        yield
    except (RunnerError, SpecError) as error:
        raise TargetError(str(error)) from error
    except Refused as error:
        raise TargetError(f"The Docker engine refuses: {error}") from error


def _over_tls(settings: EngineSettings, delivery: Delivery, folder: Path) -> Host:
    address = _address(settings.host)
    if settings.tls is None:
        raise TargetError(
            f"host: {settings.host} needs `tls` with ca, cert and key: whoever reaches an engine without it is its"
            " master. Or use ssh://."
        )
    reach.check(*address, delivery.allowed_hosts)
    _write(folder, settings.tls)
    return Host(settings.host, folder, lambda where: _dial(where, delivery))


def _write(folder: Path, tls: Tls) -> None:
    for name, text in (("ca.pem", tls.ca), ("cert.pem", tls.cert), ("key.pem", tls.key)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text if text.endswith("\n") else f"{text}\n")


def _address(host: str) -> tuple[str, int]:
    try:
        parts = urlsplit(host)
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    if not name:
        raise TargetError(f"host: {host} is no address; write tcp://name:2376.")
    return name, port or 2376


def _check_path(path: str, delivery: Delivery) -> None:
    if not reach.Fence(delivery.allowed_hosts).lets_path(path):
        raise reach.OutOfReachError(
            f"host: the Docker engine at {path} is the runner's own, which only whoever runs this service can open to"
            f" deployments: {reach.SETTING}={path}."
        )


def _dial(address: str, delivery: Delivery) -> socket.socket:
    if address.startswith("/"):
        _check_path(address, delivery)
        return _unix(address)
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise TargetError(f"{address} is no address: write host:port, or the path of a Unix socket.")
    return reach.connect(host.strip("[]"), int(port), delivery.allowed_hosts, seconds=ANSWER_SECONDS)


def _unix(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(ANSWER_SECONDS)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise TargetError(f"{path} cannot be reached: {error.strerror or error}.") from None
    except TargetError:
        sock.close()
        raise
    return sock
