"""A release on its way to hosts that are reached by SSH: everywhere sent and made ready, then switched in batches."""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.files import Files, gather, write_tar
from runners.targets.ssh.host import Access, Host
from runners.targets.ssh.keys import UnknownHostError, known_hosts, private_key
from runners.targets.ssh.release import Release, number_of, state_of
from runners.targets.ssh.settings import Settings

MOST_AT_ONCE = 16  # hosts that files are sent to
_MOST_NAMED = 20  # links that are left out

T = TypeVar("T")
R = TypeVar("R")


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """As the contract has it; a share is the first hosts of the list. No host is switched before all are ready."""
    tell = _in_turns(tell)
    with _hosts(settings, delivery, tell, settings.hosts[: _share(settings, delivery)]) as hosts:
        releases = _each(list(enumerate(hosts)), lambda one: Release(one[1], one[0], settings, delivery, tell))
        waiting = [release for release in releases if not release.is_live]
        for release in releases:
            if release.is_live:
                tell(f"[{release.host.name}] release {delivery.release} is live there already")
        _send(settings, delivery, tell, [release for release in waiting if not release.is_there])
        _each(waiting, Release.make_ready)
        size = settings.batch or len(waiting) or 1
        for start in range(0, len(waiting), size):
            _each(waiting[start : start + size], Release.go_live)
        _each(waiting, Release.prune)


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str]:
    """What the links of all hosts lead to, and what was restarted and checked there last, where that is another."""
    with _hosts(settings, delivery, tell, settings.hosts) as hosts:
        states = _each(hosts, lambda host: state_of(host, settings))
    for host, state in zip(settings.hosts, states, strict=True):
        doubt = f", but {state.live or 'nothing'} was the last that was checked" if state.live != state.current else ""
        tell(f"[{host}] {state.current or 'nothing'} is live{doubt}")
    names = {name for state in states for name in (state.current, state.live)}
    return frozenset(number for name in names if (number := number_of(name)))


def _share(settings: Settings, delivery: Delivery) -> int:
    """How many hosts: rounded up, so that the smallest share is one."""
    return max(math.ceil(len(settings.hosts) * delivery.percent / 100 - 1e-9), 1)


@contextmanager
def _hosts(settings: Settings, delivery: Delivery, tell: Tell, names: Sequence[str]) -> Iterator[list[Host]]:
    """Connections to all of them, or to none."""
    if not (settings.key or delivery.ssh_key):
        raise TargetError("key: the project has no key of its own here; give one as ${NAME} of a secret.")
    access = Access(
        user=settings.user,
        key=private_key(settings.key or delivery.ssh_key),
        known=known_hosts(settings.host_keys),
    )
    with ExitStack() as stack:
        found = _gathered(names, lambda name: stack.enter_context(_closing(Host.open(name, access, delivery))))
        strangers = [error for error in found if isinstance(error, UnknownHostError)]
        if strangers:
            raise _unknown(strangers, tell)
        yield _all_or_raise(found)


@contextmanager
def _closing(host: Host) -> Iterator[Host]:
    try:
        yield host
    finally:
        host.close()


def _unknown(errors: list[UnknownHostError], tell: Tell) -> TargetError:
    """What to write into the file, once somebody has compared it."""
    tell("These hosts showed keys that `host_keys` does not have:")
    tell("    host_keys:")
    for error in errors:
        tell(f'      - "{error.line}"  # {error.fingerprint}')
    tell(
        "Compare each fingerprint on its host (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then paste the lines."
    )
    first = str(errors[0]) if len(errors) == 1 else f"host_keys: no keys of {len(errors)} hosts are given."
    return TargetError(f"{first} The log has what to compare and to paste.")


def _send(settings: Settings, delivery: Delivery, tell: Tell, releases: Sequence[Release]) -> None:
    """Packed once for all."""
    if not releases:
        return
    files = gather(delivery.folder, settings.folder, settings.exclude)
    tell(f"Packing {len(files.files)} files of {files.size / (1 << 20):.1f} MiB")
    _tell_left_out(files, tell)
    with tempfile.TemporaryFile() as packed:  # without a name: nothing of it stays, however this ends
        write_tar(files, packed)
        packed.flush()
        size = packed.tell()
        _each(releases, lambda release: release.send(_reader(packed.fileno()), size))


def _reader(handle: int) -> Callable[[int], bytes]:
    """Reads a file from its beginning, beside others who do so."""
    offset = 0

    def read(most: int) -> bytes:
        nonlocal offset
        data = os.pread(handle, most, offset)
        offset += len(data)
        return data

    return read


def _tell_left_out(files: Files, tell: Tell) -> None:
    if files.left_out:
        shown = ", ".join(files.left_out[:_MOST_NAMED])
        more = f" and {len(files.left_out) - _MOST_NAMED} more" if len(files.left_out) > _MOST_NAMED else ""
        tell(f"Left out, since they lead out of the folder: {shown}{more}")


def _in_turns(tell: Tell) -> Tell:
    lock = threading.Lock()

    def told(line: str) -> None:
        with lock:
            tell(line)

    return told


def _each(ones: Sequence[T], work: Callable[[T], R]) -> list[R]:
    """Done for all at a time, in order; every one is let end, and then the first TargetError raised."""
    return _all_or_raise(_gathered(ones, work))


def _gathered(ones: Sequence[T], work: Callable[[T], R]) -> list[R | TargetError]:
    def attempt(one: T) -> R | TargetError:
        try:
            return work(one)
        except TargetError as error:
            return error

    if not ones:
        return []
    with ThreadPoolExecutor(min(len(ones), MOST_AT_ONCE), thread_name_prefix="host") as pool:
        return list(pool.map(attempt, ones))


def _all_or_raise(found: Sequence[R | TargetError]) -> list[R]:
    errors = [one for one in found if isinstance(one, TargetError)]
    if errors:
        more = f" (And {len(errors) - 1} more: {' '.join(map(str, errors[1:4]))})" if len(errors) > 1 else ""
        raise TargetError(f"{errors[0]}{more}")
    return [one for one in found if not isinstance(one, TargetError)]
