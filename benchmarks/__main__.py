"""`python -m benchmarks [--only NAME ...] [--quick]`: measures, prints the table, writes docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import machine, report
from benchmarks.buildbot.measure import measured
from benchmarks.embedded import many, output, seen, side_by_side, steps
from benchmarks.growth import rows as grown
from benchmarks.hosted import doors
from benchmarks.messages import rows as messages
from benchmarks.rows import Row
from benchmarks.world import World

PAGE = machine.ROOT / "docs" / "performance.md"

MEASUREMENTS: dict[str, Callable[[World], Iterator[Row]]] = {
    "memory": many.at_rest,  # first, while nothing was built yet but the demo
    "first-line": steps.first_line,
    "five-containers": steps.five_containers,
    "five-runs": steps.five_runs,
    "parallel": steps.four_sleeps,
    "hundred-builds": many.hundred_builds,
    "million-lines": output.million_lines,
    "much-output": output.much_output,
    "throughput": side_by_side.throughput,
    "tails": side_by_side.tails,
    "seen": seen.program,
    "browser": seen.browser,
    "thousand": seen.thousand,
    "webhooks": doors.webhooks,
    "list": doors.lists,
    "page": doors.page,
    "growth": grown.growth,
    "runners": grown.runners,
    "claims": grown.claims,
    "messages": messages.flood,
}


def main() -> int:
    """Measure what was asked for; 1 where a measurement broke."""
    asked = _asked()
    rows: list[Row] = []
    broken = 0
    with World(quick=asked.quick) as world:
        if asked.buildbot:
            world.buildbot = measured(world, asked.buildbot)
            print(f"Buildbot: {world.buildbot}", flush=True)
        for name in asked.only or MEASUREMENTS:
            began = time.monotonic()
            try:
                for row in MEASUREMENTS[name](world):
                    rows.append(row)
                    print(report.table([row]).splitlines()[-1], flush=True)
            except Exception:
                broken += 1
                traceback.print_exc()
            print(f"  {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    beside = "\nBuildbot was measured in the same run, before ours." if asked.buildbot else ""
    text = f"{machine.described(quick=asked.quick)}{beside}\n\n{report.table(rows)}"
    print(f"\n{text}")
    if not asked.only and not asked.dry:
        report.write_between_marks(PAGE, text)
    return 1 if broken else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="may be given again")
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works")
    parser.add_argument(
        "--buildbot",
        type=Path,
        metavar="VENV",
        help="measure Buildbot as well; it is installed there, if it is not yet",
    )
    parser.add_argument("--dry", action="store_true", help="print only; docs/performance.md stays as it is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
