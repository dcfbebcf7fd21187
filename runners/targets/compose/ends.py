"""The engine as a Unix socket of this machine, whatever way leads to it: Compose in its walls has no network and no keys."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from runners.targets.contract import TargetError
from runners.targets.docker.host import Host

_CHUNK = 65536
_LOOK_SECONDS = 0.2


@contextlib.contextmanager
def socket_of(host: Host, folder: Path) -> Iterator[Path]:
    """The path of a socket that leads to the host's engine while the block runs."""
    if host.tls is None:
        yield Path(host.url.removeprefix("unix://"))
        return
    path, over = folder / "engine.sock", threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        acceptor = threading.Thread(target=_accept, args=(listener, host, over), name="engine", daemon=True)
        acceptor.start()
        try:
            yield path
        finally:
            over.set()
            acceptor.join()


def _accept(listener: socket.socket, host: Host, over: threading.Event) -> None:
    threads = []
    while not over.is_set():
        if select.select([listener], [], [], _LOOK_SECONDS)[0]:
            client = listener.accept()[0]
            threads.append(threading.Thread(target=_serve, args=(client, host, over), name="engine", daemon=True))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _serve(client: socket.socket, host: Host, over: threading.Event) -> None:
    with client, contextlib.suppress(OSError, TargetError), _connected(host) as engine:
        while not over.is_set():
            ready = [engine] if engine.pending() else select.select([client, engine], [], [], _LOOK_SECONDS)[0]
            for one in ready:
                if not (chunk := one.recv(_CHUNK)):
                    return
                (client if one is engine else engine).sendall(chunk)


def _connected(host: Host) -> ssl.SSLSocket:
    assert host.tls is not None
    where = urlsplit(host.url)
    context = ssl.create_default_context(cafile=str(host.tls / "ca.pem"))
    context.load_cert_chain(host.tls / "cert.pem", host.tls / "key.pem")
    name = str(where.hostname)
    plain = host.dial(f"{name}:{where.port or 2376}")
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except OSError:
        plain.close()
        raise
