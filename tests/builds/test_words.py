"""How times and exit codes are said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builds.states import Status
from builds.words import DRAWN, ago_words, duration, exit_words, shape
from deployments.states import DeploymentStatus


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (0.4, "0.4s"),
        (0.96, "1.0s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (134, "2m 14s"),
        (3780, "1h 03m"),
        (180_000, "2d 2h"),
        (-3, "0s"),
    ],
)
def test_durations(seconds, said):
    assert duration(seconds) == said
    assert duration(timedelta(seconds=seconds)) == said


def test_no_duration():
    assert duration(None) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "just now"), (200, "3 min ago"), (7300, "2 h ago"), (90_000, "yesterday"), (900_000, "10 days ago")],
)
def test_ago(seconds, said):
    assert ago_words(seconds) == said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, ""),
        (0, "exit 0: success"),
        (1, "exit 1"),
        (137, "exit 137: killed (SIGKILL), often because memory ran out"),
        (141, "exit 141: ended by SIGPIPE"),
        (159, "exit 159: ended by SIGSYS"),
        (255, "exit 255"),
    ],
)
def test_exit_codes(code, said):
    assert exit_words(code) == said


def test_every_state_has_a_drawing():
    for status in [*Status, *DeploymentStatus]:
        if status != DeploymentStatus.CANCELLED:
            assert shape(status) in DRAWN, status
