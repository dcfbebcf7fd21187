"""Runs one git command on this host: no configuration but ours, bounded time and output, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runners.contract import Stop
from runners.errors import CheckoutError
from runners.walls import TRIES, walls_fell

PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"
MOST_OUTPUT = 64 * 1024 * 1024
MOST_ERRORS = 8 * 1024

# Every one of these is a way in: hooks and monitors run commands, `file` reads this host, redirects leave the
# address that was checked. Damaged or crafted objects are refused on arrival.
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "http.followRedirects": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "safe.directory": "*",
}

# git goes on without a pack that it cannot read, and gives an answer that lacks it.
_DAMAGE = re.compile(rb"^error: (pack)?file .*pack/.*", re.MULTILINE)
# What old tools wrote and git has minded ever since: many honest repositories have some of it.
_HARMLESS = (
    *("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail"),
    *("missingSpaceBeforeDate", "missingSpaceBeforeEmail", "zeroPaddedDate", "zeroPaddedFilemode", "multipleAuthors"),
    *("missingTaggerEntry", "badTagName", "nulInCommit"),
)
FSCK_SETTINGS = {f"fetch.fsck.{name}": "ignore" for name in _HARMLESS}


class GitFailed(Exception):
    """git ended with an error; `text` is the end of what it said, which a stranger may have written."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"git ended with {code}")
        self.code = code
        self.text = text


class GitStopped(CheckoutError):
    """The order to stop came."""


class GitTimedOut(Exception):
    """The limit passed."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What ends a command from outside: a moment of the monotonic clock, and perhaps an order."""

    deadline: float
    stop: Stop | None = None

    @classmethod
    def of(cls, seconds: float, stop: Stop | None = None) -> Bounds:
        """From now on."""
        return cls(deadline=time.monotonic() + seconds, stop=stop)

    @property
    def seconds_left(self) -> float:
        """Never below 0."""
        return max(self.deadline - time.monotonic(), 0.0)

    @property
    def is_stopped(self) -> bool:
        """Whether the order came."""
        return self.stop is not None and self.stop.reason is not None

    def check(self) -> None:
        """GitStopped or GitTimedOut where it is over."""
        if self.is_stopped:
            raise GitStopped("Stopped while the commit was fetched.")
        if self.seconds_left <= 0:
            raise GitTimedOut

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the bounds."""
        seconds = min(seconds, self.seconds_left)
        if self.stop is None:
            time.sleep(seconds)
        else:
            self.stop.wait(seconds)
        self.check()


@dataclass(frozen=True, kw_only=True)
class GitCommand:
    """What to run: arguments after `git`, and what of the configuration and environment it needs beside ours."""

    arguments: Sequence[str]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    given: bytes = b""  # its standard input
    walls: Sequence[str] = ()  # what to start it with: bwrap and its options


def git_argv(arguments: Sequence[str], settings: Mapping[str, str] | None = None) -> list[str]:
    """The command line with our configuration in front."""
    merged = {**_SETTINGS, **(settings or {})}
    return ["git", *(part for name, value in merged.items() for part in ("-c", f"{name}={value}")), *arguments]


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """All that git may see of this process's world; by default no protocol is allowed at all."""
    return {
        "PATH": PATH,
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        **(extra or {}),
    }


def run_git(command: GitCommand, bounds: Bounds) -> bytes:
    """Its standard output. GitFailed, GitTimedOut and GitStopped otherwise; its children never outlive it."""
    for _ in range(TRIES):
        bounds.check()
        code, out, errors = _run_once(command, bounds)
        if not (command.walls and walls_fell(code, errors)):
            break
    bounds.check()
    if code or _DAMAGE.search(errors):
        raise GitFailed(code, errors.decode(errors="replace"))
    return out


def _run_once(command: GitCommand, bounds: Bounds) -> tuple[int, bytes, bytes]:
    with _start(command) as process:
        # Children keep the pipes open, so the reading ends when the last of them is gone.
        forget = bounds.stop.on_order(lambda _: kill_group(process)) if bounds.stop else lambda: None
        try:
            out, errors = _converse(process, command.given, bounds)
        finally:
            forget()
            kill_group(process)
        return process.wait(), out, errors


def _start(command: GitCommand) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [*command.walls, *git_argv(command.arguments, command.settings)],
            cwd=command.folder,
            env=git_environment(command.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CheckoutError(f"git could not be started on the runner: {error.strerror} ({error.filename}).") from None


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End it with all of its children; it leads a group of its own and is not waited for yet."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _converse(process: subprocess.Popen[bytes], given: bytes, bounds: Bounds) -> tuple[bytes, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(given)
    out, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, errors)
        while selector.get_map():
            ready = selector.select(bounds.seconds_left)
            if not ready and bounds.seconds_left <= 0:
                raise GitTimedOut
            for key, _ in ready:
                if not (data := os.read(key.fd, 65536)):
                    selector.unregister(key.fileobj)
                key.data.extend(data)
            del errors[:-MOST_ERRORS]  # a remote may talk without end
            if len(out) > MOST_OUTPUT:
                raise GitFailed(0, "too much output")
    return bytes(out), bytes(errors)
