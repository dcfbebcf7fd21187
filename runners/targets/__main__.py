"""The process that delivers: a request on its standard input, the log on its standard output, the answer on a pipe.

python -m runners.targets NUMBER_OF_THE_PIPE [FOLDER_THAT_GOES_WHERE_THE_RUNNER_IS_GONE]

After the request the runner sends a sign of life every second. Where none comes any more, the runner is gone or frozen,
and somebody else may have been told to deliver: the process ends itself and all of its group at once.
"""

from __future__ import annotations

import logging
import os
import select
import shutil
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import NoReturn

from runners.targets.perform import perform
from runners.targets.reach import Fence
from runners.targets.request import FOLDER_PREFIX, Answer, Request

SILENCE_SECONDS = 12.0  # before the shortest usual lease ends, and somebody else may decide
_CHUNK = 65536


def main() -> NoReturn:
    """Ends with 0 where it went. No thread that a library left behind is waited for."""
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    runner = _take_standard_input()
    _be_quiet()
    request = Request.from_json(_line(runner))
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    threading.Thread(target=_watch, args=(runner, folder), name="watch", daemon=True).start()
    Fence(request.delivery.allowed_hosts).guard()
    answer = perform(request, _tell)
    _tell_why(answer)
    os.write(pipe, answer.to_json().encode())
    os._exit(0 if answer.passed else 1)


def _take_standard_input() -> int:
    """The runner's pipe under another number: programs that a target starts must not drink from it."""
    runner = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return runner


def _be_quiet() -> None:
    """Libraries log tracebacks, which may hold secrets."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    threading.excepthook = lambda args: _tell(f"A thread broke: {args.exc_type.__name__}")


def _line(handle: int) -> bytes:
    """Up to the first end of a line; what comes behind are signs of life."""
    parts = []
    while chunk := os.read(handle, _CHUNK):
        head, end, _ = chunk.partition(b"\n")
        parts.append(head)
        if end:
            return b"".join(parts)
    sys.exit(1)


def _watch(handle: int, folder: Path | None) -> None:
    while select.select([handle], [], [], SILENCE_SECONDS)[0] and os.read(handle, _CHUNK):
        pass
    # It may hold keys. The name is looked at, too: what is removed here must never be anybody's home.
    if folder is not None and folder.name.startswith(FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell_why(answer: Answer) -> None:
    if answer.reason and not answer.is_spec:  # that the runner says itself
        _tell(answer.reason)


if __name__ == "__main__":
    main()
