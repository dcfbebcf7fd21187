"""Steps that print much: until the build has ended with the log stored and its last lines readable."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Spread, in_turns
from benchmarks.processes import forget_peak, peak_rss_bytes
from benchmarks.raw import IMAGE
from benchmarks.rows import Row, Target
from benchmarks.subject import Subject
from benchmarks.world import World

LINE_BYTES = 50
FILE_LINES = 10_000
LAYOUT = "pipelines:\n  test:\n    image: %s\n    steps:\n      - run: cat $(yes lines.txt | head -n %d)\n"


def million_lines(world: World) -> Iterator[Row]:
    """50 MB in a million lines, and the most memory that the runner ever had."""
    rows = _measure(world, times=world.times(100, 10))
    raw, ours, peaks = rows
    what = f"a step printing {world.times(1_000_000, 100_000):,} lines (50 bytes each): push to stored and readable by line"
    yield Row(
        what=what, raw=raw, ours=ours, target=Target(limit=1.5), buildbot=world.buildbot.get("million-lines", "14.1 s")
    )
    yield Row(what="the runner's memory meanwhile, peak RSS", ours=peaks, unit="MiB", target=Target(limit=100))


def much_output(world: World) -> Iterator[Row]:
    """200 MB, stored whole (LOG_CAP_MB=1024)."""
    raw, ours, _ = _measure(world, times=world.times(400, 40))
    what = f"{world.times(200, 20)} MB of output: push to stored and readable by line"
    yield Row(what=what, raw=raw, ours=ours, target=Target(limit=2.5), buildbot="54 s")


def _measure(world: World, *, times: int) -> tuple[Spread, Spread, Spread]:
    """`times` the file of 10,000 lines."""
    subject, peaks = world.subject, []
    subject.put({"lines.txt": lines_file()})
    (subject.clone / "ciservice.yml").write_text(LAYOUT % (IMAGE, times))
    subject.add()
    subject.push()  # so that the raw work finds the files, too

    def ours() -> float:
        runner = subject.runner_pid()
        forget_peak(runner)
        subject.touch()
        seconds = _push(subject, times)
        peaks.append(peak_rss_bytes(runner) / 1024**2)
        return seconds

    count = times * FILE_LINES * LINE_BYTES
    command = ("sh", "-c", f"cat $(yes lines.txt | head -n {times})")
    raws, seconds = in_turns(world.times(5, 1), lambda: world.raw.output(*command, count=count), ours)
    return Spread.of(raws), Spread.of(seconds), Spread.of(peaks[1:])


def _push(subject: Subject, times: int) -> float:
    followed = subject.push()
    (step,) = subject.steps(followed.build)
    last = times * FILE_LINES - 1
    text = subject.get(
        f"{subject.api}/builds/{followed.build['uuid']}/steps/{step['uuid']}/log?from_line={last}&limit=1"
    )
    assert text.decode() == f"{_line(FILE_LINES - 1)}\n", text
    return followed.finished


def lines_file() -> str:
    """10,000 numbered lines of 50 bytes."""
    return "".join(f"{_line(number)}\n" for number in range(1, FILE_LINES + 1))


def _line(number: int) -> str:
    return f"{number:06d} a line as long as those of most builds".ljust(LINE_BYTES - 1, ".")
