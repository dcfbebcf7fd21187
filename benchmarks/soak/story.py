"""What happens, in which order and after which pauses: all of it decided by a seed, before anything happens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.soak.kinds import KINDS

PROJECTS = 3
BRANCHES = ("main", "main", "feature/one", "feature/two", "fix-3")
MANNERS = {"once": 10, "doubled": 4, "dropped": 1}
# What falls on what, how often, and for how long at least and at most (seconds).
FAULTS: dict[str, tuple[int, float, float]] = {
    "kill runner": (6, 0, 0),
    "kill worker": (3, 0, 0),
    "kill web": (2, 0, 0),
    "kill beat": (1, 0, 0),
    "kill redis": (3, 0, 0),
    "freeze runner": (3, 3, 30),
    "freeze worker": (2, 3, 15),
    "freeze web": (1, 2, 6),
    "freeze redis": (1, 2, 6),
    "drain runner": (3, 0, 0),
    "drain worker": (1, 0, 0),
    "drain web": (1, 0, 0),
    "fill disk": (2, 3, 15),
    "restart postgres": (3, 0, 8),
    "cut power": (1, 0, 2),
}


@dataclass(frozen=True, kw_only=True)
class Push:
    """Somebody pushes. `cancel_after`: seconds until somebody stops its build; `retried`: and builds it again at the end."""

    number: int
    pause: float
    project: int
    branch: str
    kind: str
    manner: str
    cancel_after: float | None
    retried: bool


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Misfortune. `chance` picks which process of several, `seconds` is how long it lasts."""

    number: int
    pause: float
    what: str
    chance: float
    seconds: float


def pushes(seed: int, *, docker: bool, pause: float) -> Iterator[Push]:
    """Pushes without end, `pause` seconds apart on average."""
    chance = random.Random(f"pushes {seed}")
    kinds = [kind for kind in KINDS if docker or not kind.needs_docker]
    number = 0
    while True:
        number += 1
        (kind,) = chance.choices(kinds, [kind.weight for kind in kinds])
        branch = "main" if kind.deploys else chance.choice(BRANCHES)
        (manner,) = chance.choices(list(MANNERS), list(MANNERS.values()))
        yield Push(
            number=number,
            pause=chance.expovariate(1 / pause),
            project=chance.randrange(PROJECTS),
            branch=branch,
            kind=kind.name,
            manner=manner,
            cancel_after=chance.uniform(0, 15) if chance.random() < 0.1 else None,
            retried=chance.random() < 0.08,
        )


def faults(seed: int, possible: set[str], *, least: float, most: float) -> Iterator[Fault]:
    """Misfortunes without end, of those that are possible here, with pauses between `least` and `most` seconds."""
    chance = random.Random(f"faults {seed}")
    names = [name for name in FAULTS if name in possible]
    number = 0
    while True:
        number += 1
        (what,) = chance.choices(names, [FAULTS[name][0] for name in names])
        _, shortest, longest = FAULTS[what]
        yield Fault(
            number=number,
            pause=chance.uniform(least, most),
            what=what,
            chance=chance.random(),
            seconds=chance.uniform(shortest, longest),
        )
