"""Time in any CF calendar as whole microseconds since 1970-01-01T00:00:00 *of that calendar*.

One integer per instant keeps comparison exact and fast in all calendars; only reading and writing a date needs to
know the calendar's rules (cftime).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import cftime
import numpy as np
from numpy.typing import ArrayLike, NDArray

from config.errors import InvalidParameter

Micros = NDArray[np.int64]

CALENDARS = {
    "standard": "standard",
    "gregorian": "standard",
    "proleptic_gregorian": "proleptic_gregorian",
    "noleap": "noleap",
    "365_day": "noleap",
    "all_leap": "all_leap",
    "366_day": "all_leap",
    "360_day": "360_day",
    "julian": "julian",
    "365": "noleap",
    "366": "all_leap",
    "360": "360_day",
}
"""CF 4.4.1 calendar names (and the bare lengths that IRI writes) and the canonical one of each."""

_EPOCH = "microseconds since 1970-01-01 00:00:00"
_UNIT = {
    "microsecond": 1,
    "usec": 1,
    "us": 1,
    "millisecond": 1_000,
    "msec": 1_000,
    "ms": 1_000,
    "second": 1_000_000,
    "sec": 1_000_000,
    "s": 1_000_000,
    "minute": 60_000_000,
    "min": 60_000_000,
    "hour": 3_600_000_000,
    "hr": 3_600_000_000,
    "h": 3_600_000_000,
    "day": 86_400_000_000,
    "d": 86_400_000_000,
    "week": 7 * 86_400_000_000,
}
_GREGORIAN_SWITCH = -12_219_292_800_000_000
"""1582-10-15: from here on the standard calendar is the proleptic one."""

_NANOSECONDS = ("nanosecond", "nsec", "ns")
_MONTHS = ("month", "year", "common_year")
_SINCE = re.compile(r"^\s*(?P<unit>[a-zA-Z_]+)\s+since\s+(?P<reference>.+?)\s*$", re.IGNORECASE)
_ALMOST = re.compile(r"^\s*(?P<unit>[a-zA-Z_]+)\s+(?:since|as|from|after|@)(?:\s|$)", re.IGNORECASE)
_COARSE = 60_000_000
"""Units from minutes on make instants by fractions, which are off by rounding."""
_FARTHEST = 9.2e18
"""Microseconds that fit an integer."""
MISSING = int(np.iinfo(np.int64).min)
"""Stands for a time that is missing."""
_YEARS = 290_000
"""Years before and after 0 that microseconds reach."""
DAY = 86_400_000_000


def canonical_calendar(name: str | None) -> str:
    """The canonical CF name; raises ValueError for one that CF does not know."""
    wanted = (name or "standard").strip().lower()
    if wanted not in CALENDARS:
        raise ValueError(f"unknown calendar {name!r}")
    return CALENDARS[wanted]


def is_time_unit(units: Any) -> bool:
    """Whether units read as ``UNIT since REFERENCE``."""
    match = _SINCE.match(units) if isinstance(units, str) else None
    return match is not None and _singular(match["unit"]) is not None


def is_almost_time_unit(units: Any) -> bool:
    """Whether units mean times in a way that is not understood: ``day as %Y%m%d.%f``, ``hours from 2000-01-01``."""
    match = _ALMOST.match(units) if isinstance(units, str) else None
    return match is not None and _singular(match["unit"]) is not None and not is_time_unit(units)


def _singular(word: str) -> str | None:
    """The unit of time that a word names, None where it names none."""
    known = {*_UNIT, *_NANOSECONDS, *_MONTHS}
    text = word.lower()
    return next((name for name in (text, text.removesuffix("s")) if name in known), None)


def duration_unit(units: Any) -> int | None:
    """Microseconds in a unit of duration (``hours``), None where the text is none."""
    if not isinstance(units, str):
        return None
    text = units.strip().lower()
    return _UNIT.get(text) or _UNIT.get(text.removesuffix("s"))


def decode_times(values: ArrayLike, units: str, calendar: str) -> NDArray[np.int64]:
    """Numbers in CF units to microseconds; NaN and what is too far away become :data:`MISSING`.

    Months and years are calendar months and years when whole, as their users mean them; raises ValueError otherwise.
    """
    match = _SINCE.match(units)
    unit = None if match is None else _singular(match["unit"])
    if match is None or unit is None:
        raise ValueError(f"units {units!r} are not a time")
    array = np.asarray(values)
    numbers = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
    if unit in _MONTHS:
        return _decode_months(numbers, unit, match["reference"], calendar)
    origin = _reference(match["reference"], calendar)
    if unit in _NANOSECONDS:
        numbers, unit = numbers // 1000, "microsecond"
    step = _UNIT[unit]
    with np.errstate(invalid="ignore", over="ignore"):
        reach = np.abs(numbers.astype(np.float64)) * step + abs(origin)
        missing = ~(reach < _FARTHEST)
    numbers = np.where(missing, 0, numbers)
    if numbers.dtype.kind == "i":
        micros = numbers * step
    else:
        whole = np.floor(numbers)
        micros = whole.astype(np.int64) * step
        micros += np.round((numbers - whole) * step).astype(np.int64)
        if step >= _COARSE:
            micros = _tidy(micros)
    return np.where(missing, MISSING, origin + micros).astype(np.int64)


def _tidy(micros: Micros) -> Micros:
    """Take off rounding noise of fractional days and hours: within 50 µs of a second is that second.

    Times that are that close to each other stay as they are.
    """
    nearest = np.round(micros / 1_000_000).astype(np.int64) * 1_000_000
    tidied = np.where(np.abs(micros - nearest) <= 50, nearest, micros).astype(np.int64)
    return tidied if len(np.unique(tidied)) == len(np.unique(micros)) else micros


@lru_cache(maxsize=256)
def _reference(reference: str, calendar: str) -> int:
    return to_micros(_reference_date(reference, calendar), calendar)


def _reference_date(reference: str, calendar: str) -> cftime.datetime:
    """The date that times count from. Years are counted as ISO 8601 does, with a year 0, in every calendar."""
    try:
        return cftime.num2date(
            0, f"seconds since {reference}", calendar=calendar, has_year_zero=True
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"reference time {reference!r} cannot be read") from error


def _decode_months(numbers: NDArray[Any], unit: str, reference: str, calendar: str) -> Micros:
    """Whole months keep the day of the reference, or take the last day of a month that is shorter."""
    start = _reference_date(reference, calendar)
    length = 1 if unit == "month" else 12
    if calendar == "360_day":
        origin, months = to_micros(start, calendar), np.asarray(numbers, np.float64) * length
        missing = ~(np.abs(months) < 12 * _YEARS)
        micros = _tidy(np.round(np.where(missing, 0, months) * 30 * DAY).astype(np.int64))
        return np.where(missing, MISSING, origin + micros).astype(np.int64)
    with np.errstate(invalid="ignore"):
        missing = ~(np.abs(numbers.astype(np.float64)) * length < 12 * _YEARS)
    numbers = np.where(missing, 0, numbers)
    if not np.array_equal(numbers, np.round(numbers)):
        raise ValueError(f"fractional {unit}s since a date have no exact length")
    result = np.full(numbers.shape, MISSING, np.int64)
    for index, number in np.ndenumerate(numbers):
        if missing[index]:
            continue
        year, month = divmod(start.year * 12 + start.month - 1 + int(number) * length, 12)
        first = start.replace(year=year, month=month + 1, day=1)
        day = min(start.day, first.daysinmonth)
        result[index] = to_micros(first.replace(day=day), calendar)
    return result


def to_micros(date: cftime.datetime, calendar: str) -> int:
    """Microseconds of a calendar date."""
    moved = cftime.datetime(
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.microsecond,
        calendar=calendar,
        has_year_zero=True,
    )
    return int(cftime.date2num(moved, _EPOCH, calendar=calendar, has_year_zero=True))


def micros_of(calendar: str, year: int, month: int, day: int) -> int:
    """Microseconds at the start of a day; raises InvalidParameter where the calendar has no such day."""
    try:
        if abs(year) > _YEARS:
            raise ValueError("beyond what microseconds reach")
        date = cftime.datetime(year, month, day, calendar=calendar, has_year_zero=True)
        return to_micros(date, calendar)
    except ValueError as error:
        raise InvalidParameter(
            f"datetime: {year:04d}-{month:02d}-{day:02d} is not a day of the {calendar} calendar",
            parameter="datetime",
            allowed=[f"days of the {calendar} calendar"],
        ) from error


def iso_times(micros: Micros, calendar: str) -> list[str]:
    """RFC 3339-like text, ``Z`` for calendars that are UTC days of this world, without offset for the others."""
    flat = np.asarray(micros, np.int64).ravel()
    if calendar == "proleptic_gregorian" or (
        calendar == "standard" and (not len(flat) or flat.min() >= _GREGORIAN_SWITCH)
    ):
        return _iso_numpy(flat)
    dates = cftime.num2date(flat, _EPOCH, calendar=calendar, has_year_zero=True)
    return [_iso_date(date) for date in np.atleast_1d(dates)]


def _iso_numpy(flat: Micros) -> list[str]:
    if not (flat % 1_000_000).any():
        texts = np.datetime_as_string(flat.astype("M8[us]").astype("M8[s]"), timezone="UTC")
        return list(texts.tolist())
    return [
        f"{text.rstrip('0').rstrip('.') if '.' in text else text}Z"
        for text in np.datetime_as_string(flat.astype("M8[us]"))
    ]


def _iso_date(date: cftime.datetime) -> str:
    text = (
        f"{date.year:04d}-{date.month:02d}-{date.day:02d}"
        f"T{date.hour:02d}:{date.minute:02d}:{date.second:02d}"
    )
    if date.microsecond:
        text += f".{date.microsecond:06d}".rstrip("0")
    return f"{text}Z"


def month_after(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)
