"""Times in every CF calendar: decoded as cftime decodes them, written as people read them."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import InvalidParameter
from providers.axes import iso_duration, regular_step
from providers.cf.calendar import (
    CALENDARS,
    canonical_calendar,
    decode_times,
    duration_unit,
    is_time_unit,
    iso_times,
    micros_of,
)
from providers.ranges import time_range
from tests.providers.direct import micros

CANONICAL = sorted(set(CALENDARS.values()))
any_calendar = st.sampled_from(CANONICAL)
MISSING = np.iinfo(np.int64).min


def iso(date: cftime.datetime) -> str:
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}T{date.hour:02d}:{date.minute:02d}:{date.second:02d}Z"


@given(
    any_calendar,
    st.sampled_from(["days", "hours", "minutes", "seconds"]),
    st.sampled_from(["1970-01-01", "1850-01-01 00:00:00", "2000-03-01 12:30:00", "1582-10-01"]),
    st.lists(st.integers(-50_000, 50_000), min_size=1, max_size=6),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_whole_units_decode_as_cftime_does(
    calendar: str, unit: str, start: str, numbers: list[int]
) -> None:
    units = f"{unit} since {start}"
    dates = cftime.num2date(numbers, units, calendar)
    for stored in (np.array(numbers), np.array(numbers, np.float64)):
        got = decode_times(stored, units, calendar)
        assert got.tolist() == [micros(date) for date in dates]
    assert iso_times(got, calendar) == [iso(date) for date in dates]


@given(any_calendar, st.integers(0, 2_000_000))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_minutes_as_fractions_of_days_keep_their_minute(calendar: str, minutes: int) -> None:
    got = decode_times(np.array([minutes / 1440]), "days since 1950-01-01", calendar)
    assert (
        got.tolist()
        == decode_times(np.array([minutes]), "minutes since 1950-01-01", calendar).tolist()
    )


@pytest.mark.parametrize(
    ("units", "first"),
    [
        ("hours since 1900-01-01 00:00:0.0", "1900-01-01T00:00:00Z"),
        ("days since 2001-1-1", "2001-01-01T00:00:00Z"),
        ("seconds since 1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("Hours since 2026-01-01 02:00:00 +02:00", "2026-01-01T00:00:00Z"),
        ("hours since 2026-01-01 00:00:00 -05:00", "2026-01-01T05:00:00Z"),
        ("days since 1950-01-01T00:00:00Z", "1950-01-01T00:00:00Z"),
        ("msec since 2020-01-01", "2020-01-01T00:00:00Z"),
        ("months since 2020-01-31", "2020-01-31T00:00:00Z"),
    ],
)
def test_spellings_of_units_that_people_use(units: str, first: str) -> None:
    assert is_time_unit(units)
    assert iso_times(decode_times(np.array([0]), units, "standard"), "standard") == [first]


def test_months_are_calendar_months() -> None:
    got = decode_times(np.array([0, 1, 12, 13]), "months since 2019-12-01", "standard")
    assert [text[:7] for text in iso_times(got, "standard")] == [
        "2019-12",
        "2020-01",
        "2020-12",
        "2021-01",
    ]


def test_a_month_after_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    got = decode_times(np.array([0, 1, 2, 3]), "months since 2020-01-31", "standard")
    assert [text[:10] for text in iso_times(got, "standard")] == [
        "2020-01-31",
        "2020-02-29",
        "2020-03-31",
        "2020-04-30",
    ]


def test_half_months_have_no_length() -> None:
    with pytest.raises(ValueError, match="fractional"):
        decode_times(np.array([0.5]), "months since 2020-01-01", "standard")


def test_missing_times_are_told_apart_from_dates() -> None:
    got = decode_times(np.array([np.nan, 1.0]), "days since 1970-01-01", "standard")
    assert got[0] == MISSING
    assert got[1] == 86_400_000_000


@pytest.mark.parametrize("units", ["K", "days", "fortnights since 2000-01-01", "", None, 5])
def test_what_is_no_time_unit(units: object) -> None:
    assert not is_time_unit(units)


def test_calendars_by_any_of_their_names() -> None:
    assert canonical_calendar(None) == "standard"
    assert canonical_calendar("Gregorian") == "standard"
    assert canonical_calendar("365_day") == "noleap"
    with pytest.raises(ValueError, match="martian"):
        canonical_calendar("martian")


def test_the_day_after_4_october_1582_depends_on_the_calendar() -> None:
    units, days = "days since 1582-10-04", np.array([0, 1])
    for calendar, after in (("standard", "15"), ("proleptic_gregorian", "05"), ("julian", "05")):
        got = iso_times(decode_times(days, units, calendar), calendar)
        assert [text[8:10] for text in got] == ["04", after]


def test_parts_of_seconds_survive() -> None:
    got = decode_times(np.array([1_500]), "milliseconds since 2020-01-01", "standard")
    for calendar in ("standard", "360_day"):
        assert iso_times(got, calendar)[0].endswith("01.5Z")


@pytest.mark.parametrize(
    ("calendar", "day"),
    [("noleap", (2020, 2, 29)), ("standard", (2020, 2, 30)), ("360_day", (2020, 1, 31))],
)
def test_a_day_the_calendar_lacks_is_refused(calendar: str, day: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidParameter, match="is not a day of"):
        micros_of(calendar, *day)
    with pytest.raises(InvalidParameter, match="is not a day of"):
        time_range("{:04d}-{:02d}-{:02d}".format(*day), calendar)


def test_30_february_can_be_asked_for_where_it_exists() -> None:
    wanted = time_range("2020-02-30", "360_day")
    assert iso_times(np.array([wanted.low]), "360_day") == ["2020-02-30T00:00:00Z"]
    whole = time_range("2020-02", "360_day")
    assert (whole.high - whole.low + 1) // 86_400_000_000 == 30


def test_bounds_of_years_before_1678_and_after_2262_do_not_overflow() -> None:
    got = decode_times(np.array([0]), "days since 0850-01-01", "proleptic_gregorian")
    assert iso_times(got, "proleptic_gregorian") == ["0850-01-01T00:00:00Z"]
    got = decode_times(np.array([0]), "days since 3000-06-01", "standard")
    assert iso_times(got, "standard") == ["3000-06-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("hours", "text"), [(0, "PT0S"), (6, "PT6H"), (60, "P2DT12H"), (24, "P1D"), (-0.5, "-PT30M")]
)
def test_steps_are_written_as_durations(hours: float, text: str) -> None:
    assert iso_duration(round(hours * 3_600_000_000)) == text


def test_units_of_steps() -> None:
    assert duration_unit("hours") == 3_600_000_000
    assert duration_unit("Days") == 86_400_000_000
    assert duration_unit("s") == 1_000_000
    assert duration_unit("K") is None


def test_even_spacing_is_known_as_such() -> None:
    assert regular_step(np.array([0, 6, 12])) == 6
    assert regular_step(np.array([0, 6, 13])) is None
    assert regular_step(np.array([0.0, 0.1, 0.2, 0.3])) == pytest.approx(0.1)
    assert regular_step(np.array([5])) is None
