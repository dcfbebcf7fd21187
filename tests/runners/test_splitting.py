"""Files of tests shared out among copies."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.contract import Outcome, SplitSpec, Stop
from runners.engine import execute
from runners.executors import make_executor
from runners.gathering import Found
from runners.splitting import shares
from tests.runners.jobs import Recorder, run

PATHS = st.text("abcdefg/._-", min_size=1, max_size=12)
FILES = st.dictionaries(PATHS, st.integers(0, 10**9), max_size=60)


@given(files=FILES, total=st.integers(1, 50), data=st.data())
def test_every_file_is_in_exactly_one_share_whatever_is_known(files, total, data):
    names = st.sampled_from(sorted(files)) if files else PATHS
    seconds = data.draw(st.dictionaries(names | PATHS, st.floats(0, 1e6)))
    found = [Found(path, size) for path, size in files.items()]
    split = shares(found, seconds, total)
    assert len(split) == total
    assert sorted(path for share in split for path in share) == sorted(files)
    assert split == shares(found[::-1], dict(reversed(seconds.items())), total), "the same on every copy"


def test_the_longest_go_first_and_unknown_ones_count_as_the_median():
    files = [Found(path, 1) for path in "abcde"]
    # a 10 | b 4, e (the median) 3.5, c 3 | then d 3, to who has the least
    assert shares(files, {"a": 10, "b": 4, "c": 3, "d": 3}, 2) == [["a", "d"], ["b", "c", "e"]]


def test_without_timings_size_decides():
    assert shares([Found("a", 900), Found("b", 500), Found("c", 500)], {}, 2) == [["a"], ["b", "c"]]


def test_classes_stand_for_their_files():
    files = [Found("src/test/java/com/shop/ATest.java", 1), Found("src/b.py", 9), Found("src/c.py", 9)]
    assert shares(files, {"com.shop.ATest": 9, "src/b.py": 4, "src/c.py": 4}, 2)[0] == [files[0].path]


@pytest.fixture
def go(make_settings, make_job, tmp_path):
    """Runs a script as one copy, in a checkout of these files; the result and what it printed."""
    executor = make_executor(make_settings("process"))
    executor.open()
    (tmp_path / "project" / ".git").mkdir(parents=True)

    def go(script, files, **split):
        for name in files:
            (tmp_path / "project" / name).write_text("")
        job = make_job(run("one", script))
        pipeline = dataclasses.replace(job.pipeline, split=SplitSpec(patterns=("test_*",), **split))
        recorder = Recorder()
        result = execute(dataclasses.replace(job, pipeline=pipeline), executor, recorder, Stop())
        return result, recorder.text(0)

    yield go
    executor.close()


def test_a_step_sees_its_share_as_a_variable_and_as_a_list(go):
    script = 'eval "set -- $CI_TESTS"; printf "<%s>" "$@"; cat "$CI_TESTS_FILE"'
    seconds = {"test_c": 9.0, "test_a b.py": 1.0}
    result, said = go(script, ["test_a b.py", "test_c", "other"], index=1, total=2, seconds=seconds)
    assert result.outcome is Outcome.PASSED
    assert said == "Tests: 1 of 2 files, shared out by the seconds of 2\n<test_a b.py>test_a b.py\n"


def test_the_two_copies_have_everything_between_them(go):
    said = [go('cat "$CI_TESTS_FILE"', ["test_1", "test_2", "test_3"], index=n, total=2)[1] for n in range(2)]
    assert sorted(line for text in said for line in text.splitlines() if "Tests:" not in line) == [
        "test_1",
        "test_2",
        "test_3",
    ]


def test_a_copy_without_a_share_does_nothing(go):
    result, said = go("echo ran", ["test_1"], index=1, total=2)
    assert result.outcome is Outcome.PASSED
    assert "ran" not in said


def test_a_pattern_that_fits_nothing_fails(go):
    result, _ = go("echo ran", ["other"], index=0, total=2)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "one: `split`: no file of the commit fits test_*.")


def test_a_share_that_is_too_long_for_a_variable_is_only_in_the_list(go):
    files = [f"test_{'x' * 230}{number:04}" for number in range(500)]
    result, said = go('echo "[${CI_TESTS-none}]"; wc -l < "$CI_TESTS_FILE"', files, index=0, total=1)
    assert result.outcome is Outcome.PASSED
    assert said.endswith("[none]\n500\n")
