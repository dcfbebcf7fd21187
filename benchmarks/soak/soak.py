"""The whole: an instance, people, misfortune and watchers, side by side; then rest, the judge, and what is left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import story
from benchmarks.soak.diary import Diary
from benchmarks.soak.disk import Disk
from benchmarks.soak.display import Display
from benchmarks.soak.house import Form, House
from benchmarks.soak.judge import judge
from benchmarks.soak.misfortune import Misfortune
from benchmarks.soak.people import People
from benchmarks.soak.watch import Invariants, Memory, Web, left_on_engine, left_processes
from tests.servers import wait_until

GRACE_SECONDS = 60  # for what ended jobs left behind


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What kind of soak.

    `pause`: seconds between pushes on average; `least` to `most` between misfortunes; `calm`: the most that everything
    takes to end when nothing falls any more.
    """

    seconds: float
    seed: int
    form: Form = "embedded"
    docker: bool = True
    pause: float = 3.0
    least: float = 4.0
    most: float = 14.0
    calm: float = 420.0


@dataclass
class Outcome:
    """What was done and what held."""

    done: Counter[str]
    fallen: Counter[str]
    checks: Counter[str]
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    memory: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    slowest_answer: float = 0.0


class Soak:
    """`run` once; everything it made is in `folder`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self.diary = Diary(folder / "diary.jsonl")
        self._stop = threading.Event()
        self._ends = threading.Event()
        disk = folder / "disk"
        self._disk = Disk(disk) if Disk.is_possible() else None
        data = (disk if self._disk else folder) / "data"
        self._house = House(folder, data, form=plan.form, docker=plan.docker)

    def run(self) -> Outcome:
        """Soak, wait for calm, judge; the outcome says what broke."""
        try:
            self._house.start()
            return self._run()
        finally:
            self._stop.set()
            self._ends.set()
            self._house.close()
            self.diary.close()

    def close(self, *, keep: bool) -> None:
        """Let the disk go; with `keep` what was on it is copied beside the rest first."""
        if self._disk:
            if keep:
                self._disk.keep(self._folder / "kept")
            self._disk.remove()

    def _run(self) -> Outcome:
        plan, house = self._plan, self._house
        people = People(house, self.diary, self._folder, stop=self._stop)
        misfortune = Misfortune(house, self._disk, self.diary, stop=self._stop)
        web = Web(house, self.diary, misfortune, stop=self._ends)
        invariants = Invariants(house, self.diary, stop=self._ends)
        memory = Memory(house, stop=self._ends)
        falls = story.faults(plan.seed, misfortune.possible, least=plan.least, most=plan.most)
        pushes = story.pushes(plan.seed, docker=plan.docker, pause=plan.pause)
        display = Display(lambda: self._line(people, misfortune), stop=self._ends)
        watchers = [web.run, invariants.run, memory.run, lambda: self._look(people), display.run]
        with _threads(self.diary, *watchers, stop=self._ends):
            with _threads(self.diary, lambda: people.run(pushes), lambda: misfortune.run(falls), stop=self._stop):
                self._stop.wait(plan.seconds)
            people.close()
            self.diary.note("nothing falls any more")
            self._wait_for_calm(invariants)
        outcome = self._judge(people)
        outcome.memory, outcome.slowest_answer = memory.slopes(), web.slowest
        outcome.broken += memory.broken()
        self._leave(outcome)
        return outcome

    def _look(self, people: People) -> None:
        while not self._ends.wait(2):
            people.look()

    def _wait_for_calm(self, invariants: Invariants) -> None:
        """Everything ends by itself; a person says what became of deployments that nobody knows about."""
        end, unfinished = time.monotonic() + self._plan.calm, ""
        while time.monotonic() < end:
            time.sleep(min(3, self._plan.calm / 20))
            invariants.look()
            try:
                left = self._house.call("unfinished")
            except RuntimeError as error:
                unfinished = str(error)
                continue
            if not any(left.values()):
                return
            unfinished = f"{left} are unfinished"
        self.diary.broke(f"not calm after {self._plan.calm:g} s: {unfinished}")

    def _judge(self, people: People) -> Outcome:
        ledger = [line for path in self._house.ledgers.glob("*/ledger") for line in path.read_text().splitlines()]
        verdict = judge(people.pushed, self._house.call("told"), ledger, self.diary)
        for sentence in verdict.broken:
            self.diary.broke(sentence)
        diary = self.diary
        return Outcome(
            done=diary.done,
            fallen=diary.fallen,
            checks=diary.checks + verdict.checked,
            outcomes=verdict.outcomes,
            broken=diary.broken,
        )

    def _leave(self, outcome: Outcome) -> None:
        """Nothing of ended jobs is left, then nothing of the instance."""
        label = self._house.label
        if self._plan.docker:
            self._until_gone(lambda: left_on_engine(label, only_jobs=True), "of jobs that ended", outcome)
        if not self._house.stop():
            outcome.broken.append("it did not stop by itself")
        if self._plan.docker:
            self._until_gone(lambda: left_on_engine(label, only_jobs=False), "after its end", outcome)
        self._until_gone(lambda: left_processes(self._house.data_dir), "after its end", outcome)

    def _until_gone(self, left, when: str, outcome: Outcome) -> None:
        try:
            wait_until(lambda: not left(), seconds=GRACE_SECONDS, what="the rest to go")
            outcome.checks["left-overs looked for"] += 1
        except AssertionError:
            outcome.broken.append(f"left {when}: {', '.join(left())}")

    def _line(self, people: People, misfortune: Misfortune) -> str:
        states = Counter(pushed.build.get("state", "not heard of") for pushed in people.pushed)
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        seconds = int(time.time() - self.diary.began)
        return (
            f"{seconds // 60}:{seconds % 60:02} | {len(people.pushed)} pushed: {told} | {self.diary.fallen.total()} misfortunes"
            f"{f', now {misfortune.now}' if misfortune.now else ''} | broken: {len(self.diary.broken)}"
        )


@contextlib.contextmanager
def _threads(diary: Diary, *works, stop: threading.Event) -> Iterator[None]:
    """Run beside the block; at its end `stop` is set, and they are waited for."""

    def guarded(work) -> None:
        try:
            work()
        except Exception as error:
            diary.broke(f"the soak itself stumbled: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
