"""Times of the week: how they are written, and when they open, also where clocks are put on and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builds.pipeline.delivery import Window
from builds.pipeline.windows import is_open, opens_at, read_window

VIENNA, NEW_YORK = "Europe/Vienna", "America/New_York"
MINUTE, DAY = timedelta(minutes=1), 24 * 60


def at(text: str, zone: str = "UTC") -> datetime:
    """A moment on the clock of a zone; an hour that is there twice is meant the first time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def opens(text: str, now: datetime, *freezes: tuple[datetime, datetime]) -> datetime | None:
    return opens_at([read_window(text)] if text else [], freezes, now)


@pytest.mark.parametrize(
    ("text", "days", "start", "end", "zone"),
    [
        ("Mon-Thu 18:00-10:00 Europe/Vienna", "0123", 18 * 60, 10 * 60, VIENNA),
        ("Mon,Wed,Fri 09:00-17:00", "024", 9 * 60, 17 * 60, "UTC"),
        ("daily 02:00-04:00 UTC", "0123456", 120, 240, "UTC"),
        ("02:00-04:00", "0123456", 120, 240, "UTC"),
        ("Sat-Sun", "56", 0, DAY, "UTC"),
        ("fri - mon America/New_York", "0456", 0, DAY, NEW_YORK),
        ("Thursday, sunday 9:05–24:00 europe/vienna", "36", 9 * 60 + 5, DAY, VIENNA),  # noqa: RUF001
        ("Tues,Thur 00:00-00:00", "13", 0, 0, "UTC"),
        ("Fri 22:00-Mon 06:00", "4", 22 * 60, 3 * DAY + 6 * 60, "UTC"),
        ("Mon 12:00 - Mon 10:00 Europe/Vienna", "0", 12 * 60, 7 * DAY + 10 * 60, VIENNA),
        ("Mon 10:00-Mon 12:00", "0", 10 * 60, 12 * 60, "UTC"),
    ],
)
def test_what_can_be_written(text, days, start, end, zone):
    window = read_window(text)
    assert ("".join(str(day) for day in window.days), window.start, window.end, window.zone) == (days, start, end, zone)
    assert read_window(window.text) == window


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a window is written as one of"),
        ("always", "`always` is no day of the week: write Mon,"),
        ("Mo 09:00-17:00", "`Mo` is no day"),
        ("Mon-Tue-Wed", "is no range of days: write it as Mon-Thu"),
        ("Mon 25:00-26:00", "`25:00` is no time of the day: write 00:00 to 23:59"),
        ("Mon 24:00-08:00", "`24:00` is no time of the day"),
        ("Mon 08:00-24:01", "write 00:00 to 24:00"),
        ("Mon 9-17", "such as 18:00-10:00"),
        ("Mon 09:00", "has no end"),
        ("Mon 9am-5pm", "no time of the day"),
        ("Mon 09:00-17:00 Europe/Viena", "does not exist: did you mean `Europe/Vienna`?"),
        ("Mon 09:00-17:00 ../../etc/passwd", "does not exist: write one such as UTC"),
        ("Mon 09:00-17:00 localtime", "does not exist"),
        ("Mon 09:00-17:00 UTC please", "is no window"),
        ("Mon " * 50_000, "a window is written as"),
        ("Mon\x1b[31m", "is no day"),
        ("-", "is no day"),
    ],
)
def test_what_cannot_is_said_with_its_remedy(text, problem):
    with pytest.raises(ValueError) as caught:
        read_window(text)
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text(max_size=120))
def test_any_text_is_a_window_or_says_why_not(text):
    said = ""
    try:
        window = read_window(text)
    except ValueError as problem:
        said = str(problem)
    assert said.isprintable()
    assert said or opens_at([window], (), at("2026-11-24 12:00")) is not None


EVENING = "Mon-Thu 18:00-10:00 Europe/Vienna"


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        ("2026-11-23 09:00", "2026-11-23 18:00"),  # a Monday: Sunday's evening is none
        ("2026-11-23 18:00", "2026-11-23 18:00"),
        ("2026-11-24 09:59:59.999", "2026-11-24 09:59:59.999"),
        ("2026-11-24 10:00", "2026-11-24 18:00"),
        ("2026-11-27 09:00", "2026-11-27 09:00"),  # a Friday, in Thursday's
        ("2026-11-27 10:00", "2026-11-30 18:00"),
    ],
)
def test_a_window_over_midnight(now, moment):
    assert opens(EVENING, at(now, VIENNA)) == at(moment, VIENNA)
    assert opens(EVENING, at(now, VIENNA)).tzinfo is UTC


def test_a_window_over_days():
    weekend = "Fri 22:00-Mon 06:00"
    assert opens(weekend, at("2026-11-27 21:00")) == at("2026-11-27 22:00")
    assert opens(weekend, at("2026-11-30 05:59")) == at("2026-11-30 05:59")
    assert opens(weekend, at("2026-11-30 06:00")) == at("2026-12-04 22:00")


def test_several_windows_are_open_where_one_of_them_is():
    windows = [read_window("Mon 10:00-11:00"), read_window("Tue 08:00-09:00 Europe/Vienna")]
    assert opens_at(windows, (), at("2026-11-23 10:59")) == at("2026-11-23 10:59")
    assert opens_at(windows, (), at("2026-11-23 11:00")) == at("2026-11-24 07:00")


def test_freezes():
    now, day = at("2026-12-24 12:30:15.5"), timedelta(days=1)
    assert opens("", now) == now
    assert opens("", now, (now, now + day)) == now + day
    assert (
        opens("", now, (now, now + day), (now + day, now + 2 * day), (now + 9 * day, now + 10 * day)) == now + 2 * day
    )
    assert opens("", now, (now - day, now), (now + day, now + 2 * day)) == now, "over, and not yet"
    assert opens("daily 02:00-04:00", now, (now, at("2026-12-27 03:00"))) == at("2026-12-27 03:00")
    assert opens("daily 02:00-04:00", now, (now, at("2026-12-27 04:00"))) == at("2026-12-28 02:00")
    assert opens("", now, (now, now + 400 * day)) is None


# Clocks go on at 02:00 and back at 03:00 in Vienna (2026-03-29, 2026-10-25), at 02:00 and 02:00 in New York.
@pytest.mark.parametrize(
    ("text", "now", "moment"),
    [
        # 02:30 does not exist: it opens when the clock goes on from 02:00 to 03:00.
        (f"daily 02:30-05:00 {VIENNA}", "2026-03-29 00:00", "2026-03-29 01:00"),
        (f"daily 02:30-05:00 {NEW_YORK}", "2026-03-08 00:00", "2026-03-08 07:00"),
        (f"daily 02:00-05:00 {VIENNA}", "2026-03-29 00:00", "2026-03-29 01:00"),
        # What lies wholly in that hour is not there.
        (f"daily 02:15-02:45 {VIENNA}", "2026-03-29 00:00", "2026-03-30 00:15"),
        # A window over that night is an hour shorter.
        (f"Sat 22:00-04:00 {VIENNA}", "2026-03-29 01:59", "2026-03-29 01:59"),
        (f"Sat 22:00-04:00 {VIENNA}", "2026-03-29 02:00", "2026-04-04 20:00"),
        # 02:15 is there twice, and open both times.
        (f"daily 02:15-02:45 {VIENNA}", "2026-10-24 22:00", "2026-10-25 00:15"),
        (f"daily 02:15-02:45 {VIENNA}", "2026-10-25 00:45", "2026-10-25 01:15"),
        (f"daily 02:15-02:45 {VIENNA}", "2026-10-25 01:45", "2026-10-26 01:15"),
        (f"daily 01:15-01:45 {NEW_YORK}", "2026-11-01 05:45", "2026-11-01 06:15"),
        # One that ends in that hour opens again when the clock goes back into it.
        (f"daily 00:00-02:30 {VIENNA}", "2026-10-25 00:30", "2026-10-25 01:00"),
        (f"daily 00:00-01:30 {NEW_YORK}", "2026-11-01 05:30", "2026-11-01 06:00"),
        # A window over that night is an hour longer.
        (f"Sat 22:00-04:00 {VIENNA}", "2026-10-25 02:59", "2026-10-25 02:59"),
        (f"Sat 22:00-04:00 {VIENNA}", "2026-10-25 03:00", "2026-10-31 21:00"),
        # Six in the evening stays six in the evening.
        (f"Sun 18:00-20:00 {VIENNA}", "2026-03-28 12:00", "2026-03-29 16:00"),
        (f"Sun 18:00-20:00 {VIENNA}", "2026-10-24 12:00", "2026-10-25 17:00"),
        # Samoa had no 30th of December in 2011.
        ("Fri 10:00-12:00 Pacific/Apia", "2011-12-29 12:00", "2012-01-05 20:00"),
    ],
)
def test_where_clocks_are_put_on_and_back(text, now, moment):
    assert opens(text, at(now)) == at(moment)


def wall_says(window: Window, now: datetime) -> bool:
    """Another way to reckon it: every beginning of the last eight days, on a clock that knows no zones."""
    there = now.astimezone(ZoneInfo(window.zone)).replace(tzinfo=None)
    length = timedelta(minutes=window.end - window.start + (0 if window.end > window.start else DAY))
    begins = [
        datetime.combine(there.date() - timedelta(days=back), time()) + timedelta(minutes=window.start)
        for back in range(9)
        if (there.date() - timedelta(days=back)).weekday() in window.days
    ]
    return any(begin <= there < begin + length for begin in begins)


CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)]
minutes = st.integers(0, DAY - 1)
windows = st.builds(
    Window,
    days=st.sets(st.integers(0, 6), min_size=1, max_size=2).map(lambda days: tuple(sorted(days))),
    start=minutes,
    end=st.one_of(minutes, st.integers(DAY, 3 * DAY)),
    zone=st.sampled_from([VIENNA, NEW_YORK, "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
moments = st.builds(
    lambda day, back, seconds: datetime.combine(day, time(), tzinfo=UTC) - timedelta(days=back, seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-2, 3),
    st.integers(0, 86_399),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(windows, min_size=1, max_size=3), moments, st.lists(st.tuples(minutes, minutes), max_size=2))
@example([read_window(f"daily 02:30-03:30 {VIENNA}")], at("2026-03-29 00:12:30"), [])
def test_it_opens_at_the_first_moment_that_is_open(some, now, lengths):
    freezes = [(now + timedelta(minutes=a), now + timedelta(minutes=a + b * 3)) for a, b in lengths]
    moment = opens_at(some, freezes, now)
    assert moment is not None

    def fits(when: datetime) -> bool:
        return any(wall_says(window, when) for window in some) and not any(a <= when < b for a, b in freezes)

    assert fits(moment)
    assert is_open(some, moment)
    minute = now
    while minute < moment:
        assert not fits(minute), f"{minute} was open already"
        minute += MINUTE


@given(windows, moments)
def test_open_is_what_the_clock_on_the_wall_says(window, now):
    assert is_open([window], now) == wall_says(window, now)
