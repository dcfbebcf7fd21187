"""The watch over time limits: whatever is taken off the list is stopped."""

import time

from runners.contract import Stop, StopReason
from runners.watchdog import Watchdog


def test_a_step_that_prints_while_it_is_judged_does_not_slip_out_of_the_watch() -> None:
    earlier, later = Stop(), Stop()
    watchdog = Watchdog()
    with watchdog.watching(earlier, silence=60) as first, watchdog.watching(later, silence=60) as second:
        first.heard = second.heard = time.monotonic() - 120
        earlier.on_order(lambda _: second.touch())  # both are over: the later one prints before its turn comes
        with watchdog:
            assert later.wait(5)
    assert (earlier.reason, later.reason) == (StopReason.SILENT, StopReason.SILENT)


def test_a_step_that_prints_in_time_stays_watched() -> None:
    silent, timed = Stop(), Stop()
    watchdog = Watchdog()
    with watchdog.watching(silent, silence=60) as loud, watchdog.watching(timed, seconds=60, silence=60) as old:
        loud.heard = old.heard = time.monotonic() - 120
        loud.touch()
        old.touch()
        old.deadline = time.monotonic()
        with watchdog:
            assert timed.wait(5)
    assert (silent.reason, timed.reason) == (None, StopReason.TIMED_OUT)
