"""Steps in containers that print without measure or sense: everything is kept or counted, and the runner stays small."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from builds.states import Status
from tests.builds.queue import add_job
from tests.faults.harness import until_ended

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

MEBIBYTE = 1024 * 1024
MOST_MEMORY = 300 * MEBIBYTE  # of the runner's process at its worst moment; at rest it has about 120
MILLION, FLOOD, LINE = 1_000_000, 200_000_000, 50_000_000
BYTES = b"nul \x00, no letter \xff\xfe, half a letter \xc3, \xf0\x9f\x92\xa9 whole\r\nlast words"


def most_memory(pid: int) -> int:
    """The most bytes of memory that the process has ever had at one time."""
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found) * 1024


def test_the_worst_that_steps_print(house, instance, push, reader):
    octal = "".join(f"\\{byte:03o}" for byte in BYTES)
    build = push()
    job = add_job(
        build,
        f"seq 1 {MILLION}",
        f"yes 'a line of the flood' | head -c {FLOOD}",
        f"head -c {LINE} /dev/zero | tr '\\0' x",
        f"printf '{octal}'",
    )
    runner = house.runner()
    assert until_ended(build, seconds=150).status == Status.PASSED
    million, flood, line, odd = job.steps.all()

    assert [step.log_complete for step in (million, flood, line, odd)] == [True] * 4
    assert (million.log_lines, million.log_omitted_lines) == (MILLION, 0)
    expected = "".join(f"{number}\n" for number in range(1, MILLION + 1)).encode()
    assert hashlib.sha256(reader.log(million)).digest() == hashlib.sha256(expected).digest()
    assert (flood.log_bytes, flood.log_lines) == (FLOOD, FLOOD // 20)
    assert flood.log_omitted_lines > 0
    assert flood.log_lines - flood.log_omitted_lines == reader.log(flood).count(b"a line of the flood\n")
    assert line.log_bytes == LINE
    assert reader.log(line) == b"x" * LINE
    assert reader.log(odd) == BYTES
    assert most_memory(runner.pid) < MOST_MEMORY, "memory does not grow with what is printed"
