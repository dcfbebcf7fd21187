"""A living shell in the pipeline's container, which runs one script after another without the cost of an exec.

What it is told comes by its standard input; each script is a `sh -e` of its own, with its own variables, both output
streams as one, and no input. When it ended the shell prints a word that no output can foretell, the exit code, and
whether the script left processes behind: a shell that shares its output with such processes is not used again.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runners.executors.docker.mounts import WORKSPACE
from runners.executors.docker.streams import Attachment

SHELL = "/bin/sh"
TOKEN = "CISERVICE_STEP"  # noqa: S105 - the variable by which the processes of a step are found
LOOK_SECONDS = 1.0

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Variables that some shell does not let be set, and would end over.
_FIXED = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "GROUPS", "LINENO", "PPID", "SHELLOPTS", "UID"})
# Who has lost its parent is a child of the first process, whose children the kernel lists.
_ORPHANS = "{ read -r %s </proc/1/task/1/children; } 2>/dev/null"


@dataclass(frozen=True)
class Finished:
    """How a script ended."""

    exit_code: int
    is_clean: bool  # it left no process behind


class Session:
    """One shell. One thread uses it at a time."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment

    def run(
        self,
        program: str,
        variables: Mapping[str, str],
        write: Callable[[bytes], None],
        is_given_up: Callable[[], bool],
    ) -> Finished | None:
        """Run shell text and pass its output on; None where the shell ended before it, or the step was given up."""
        word = secrets.token_hex(16)
        try:
            self._attachment.write(_order(program, variables, word).encode())
        except OSError:
            return None
        scanner = _Scanner(word.encode())
        while (data := self._attachment.read(LOOK_SECONDS)) != b"":
            if data is not None and (output := scanner.feed(data)):
                write(output)
            if scanner.finished is not None:
                return scanner.finished
            if data is None and is_given_up():
                return None
        if rest := scanner.rest():
            write(rest)
        return None

    def close(self) -> None:
        """Leave it: an exec's shell ends, what it left behind goes on unheard."""
        self._attachment.close()


def as_program(script: str | None, command: tuple[str, ...] | None) -> str:
    """The shell words that become a script or a command."""
    if script is not None:
        return f"exec {SHELL} -e -c {shlex.quote(script)}"
    return "exec " + " ".join(shlex.quote(word) for word in command or ("true",))


def _order(program: str, variables: Mapping[str, str], word: str) -> str:
    exports = " ".join(_assigned(variables, lambda name: name not in _FIXED))
    guarded = "".join(
        f"(export {one}) 2>/dev/null && export {one}; " for one in _assigned(variables, lambda name: name in _FIXED)
    )
    return (
        f"{_ORPHANS % 'before'}; "
        f"( cd {WORKSPACE} || exit; {guarded}export {exports}; {program} ) </dev/null 2>&1; code=$?; "
        f"{_ORPHANS % 'after'}; "
        '[ -n "$before" ] && [ "$before" = "$after" ]; '
        f"printf '%s:%s:%s;' {word} $code $?\n"
    )


def _assigned(variables: Mapping[str, str], is_meant: Callable[[str], bool]) -> list[str]:
    return [
        f"{name}={shlex.quote(value)}" for name, value in variables.items() if _NAME.fullmatch(name) and is_meant(name)
    ]


class _Scanner:
    """Finds the word in the output. Holds back only what could be its beginning."""

    def __init__(self, word: bytes) -> None:
        self._word = word
        self._held = b""
        self._tail: bytes | None = None
        self.finished: Finished | None = None

    def feed(self, data: bytes) -> bytes:
        """The output in `data` that is certainly the script's."""
        if self._tail is not None:
            self._tail += data
            self._conclude()
            return b""
        data = self._held + data
        at = data.find(self._word)
        if at >= 0:
            self._held, self._tail = b"", data[at + len(self._word) :]
            self._conclude()
            return data[:at]
        keep = next((n for n in range(len(self._word) - 1, 0, -1) if data.endswith(self._word[:n])), 0)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def rest(self) -> bytes:
        """What was held back in vain."""
        return self._held

    def _conclude(self) -> None:
        facts, end, _ = (self._tail or b"").partition(b";")
        if end:
            _, code, is_changed = facts.split(b":")
            self.finished = Finished(int(code), is_clean=is_changed == b"0")
