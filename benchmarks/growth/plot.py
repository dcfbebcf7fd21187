"""docs/growth.svg: what one build costs, over what grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.growth.bench import Cost

TITLES = {"history": "builds in the history", "queue": "jobs waiting", "viewers": "viewers"}
MEASURES = (
    ("our CPU, ms", lambda cost: cost.cpu_ms),
    ("SQL statements", lambda cost: cost.statements),
    ("push to finished, s", lambda cost: cost.median),
)


def draw(found: Mapping[str, Sequence[tuple[int, Cost]]], path: Path) -> None:
    """A column for each thing that grows, a row for each measure; every axis of a measure begins at nought."""
    mpl.rcParams["svg.hashsalt"] = "ciservice"  # the same figures give the same file
    mpl.rcParams["font.size"] = 8
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(len(MEASURES), len(found), sharex="col", sharey="row")
    for row, (label, measure) in enumerate(MEASURES):
        highest = max(measure(cost) for costs in found.values() for _, cost in costs)
        for column, (name, costs) in enumerate(found.items()):
            axis = axes[row][column]
            axis.plot(range(len(costs)), [measure(cost) for _, cost in costs], marker="o", color="#2563eb")
            axis.set_xticks(range(len(costs)), [f"{count:,}" for count, _ in costs])
            axis.set_ylim(0, highest * 1.15)
            axis.grid(axis="y", alpha=0.3)
            if not column:
                axis.set_ylabel(label)
            if row == len(MEASURES) - 1:
                axis.set_xlabel(TITLES[name])
    figure.suptitle("What one build costs, when there is ten times more of everything else")
    figure.savefig(path, metadata={"Date": None})
