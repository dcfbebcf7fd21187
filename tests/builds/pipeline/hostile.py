"""Runs one file per forked process under limits of the kernel, and prints what became of each as JSON.

Run as a program by test_hostile.py: a fresh process with one thread can fork safely, a test runner cannot. Reads
{name: {path: text}} from its standard input; writes {name: outcome}, where the outcome is what `make` said, "a plan",
"killed by signal N" (SIGXCPU: too slow) or the exception that escaped (MemoryError: too large).
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

from builds.pipeline.make import make
from builds.pipeline.plan import ConfigError, PlanContext

STATM = Path("/proc/self/statm")  # of Linux; elsewhere only time is limited
CPU_SECONDS = 1
MEMORY_BYTES = 100 * 1024 * 1024


def outcome(files: Mapping[str, str]) -> str:
    """What `make` says of the files."""
    try:
        make(files, PlanContext(branch="main", commit="a" * 40))
    except ConfigError as error:
        return str(error)
    except BaseException as error:
        return f"escaped: {type(error).__name__}"
    return "a plan"


def limited(files: Mapping[str, str]) -> str:
    """The same in a child that may use one second of CPU and 100 MiB more than it starts with."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if STATM.exists():
            most = int(STATM.read_text().split()[0]) * resource.getpagesize() + MEMORY_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        os.write(writer, outcome(files)[:60_000].encode(errors="replace"))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return f"killed by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said


if __name__ == "__main__":
    cases = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    json.dump({name: limited(files) for name, files in cases.items()}, sys.stdout)
