"""`python -m benchmarks.soak --minutes 20 --seed 1 [--form hosted]`: prints what it did and what held; 1 where something broke."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.soak.soak import Outcome, Plan, Soak


def main() -> int:
    """Soak once; the folder stays where something broke."""
    asked = _asked()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("stopped; nothing is judged"))
    folder = Path(tempfile.mkdtemp(prefix="ci-soak-", dir="/tmp"))
    print(f"soaking for {asked.minutes:g} minutes with seed {asked.seed} ({asked.form}) in {folder}", flush=True)
    docker = asked.executor == "docker"
    soak = Soak(Plan(seconds=asked.minutes * 60, seed=asked.seed, form=asked.form, docker=docker), folder)
    broke = False
    try:
        outcome = soak.run()
        broke = bool(outcome.broken)
        print(described(outcome), flush=True)
    except Exception:
        broke = True
        raise
    finally:
        soak.close(keep=broke)
        if broke:
            print(f"kept: {folder} (diary.jsonl, service.log, kept/); again: SEED={asked.seed}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(broke)


def described(outcome: Outcome) -> str:
    """What was done, what fell, how it ended, what was checked and what broke, for people."""
    memory = [
        f"  {role:<8}{minutes:5.1f} minutes, {mebibytes:.0f} MiB at the end, {slope:+.0f} MiB an hour when warm"
        for role, (minutes, mebibytes, slope) in sorted(outcome.memory.items())
    ]
    broken = [f"  {sentence}" for sentence in outcome.broken] or ["  nothing"]
    return "\n".join(
        [
            *_counts("done", outcome.done),
            *_counts("misfortunes", outcome.fallen),
            *_counts("ends", outcome.outcomes),
            *_counts("checked, and held", outcome.checks),
            f"  the slowest answer of the web took {outcome.slowest_answer:.2f} s",
            "memory of the process of each kind that lived longest",
            *memory,
            f"broken: {len(outcome.broken)}",
            *broken,
        ]
    )


def _counts(title: str, counts: Counter[str]) -> list[str]:
    return [title, *(f"  {count:7,}  {what}" for what, count in sorted(counts.items()))]


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) % 100_000, help="the same events in the same order"
    )
    parser.add_argument("--form", choices=("embedded", "hosted"), default="embedded")
    parser.add_argument("--executor", choices=("docker", "process"), default="docker")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
