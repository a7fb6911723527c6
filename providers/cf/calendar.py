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
}
"""CF 4.4.1 calendar names and the canonical one of each."""

_EPOCH = "microseconds since 1970-01-01 00:00:00"
_UNIT = {
    "microsecond": 1,
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

_SINCE = re.compile(r"^\s*(?P<unit>[a-zA-Z_]+?)s?\s+since\s+(?P<reference>.+?)\s*$", re.IGNORECASE)
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
    return match is not None and match["unit"].lower() in {*_UNIT, "month", "year", "common_year"}


def duration_unit(units: Any) -> int | None:
    """Microseconds in a unit of duration (``hours``), None where the text is none."""
    if not isinstance(units, str):
        return None
    text = units.strip().lower()
    return _UNIT.get(text) or _UNIT.get(text.removesuffix("s"))


def decode_times(values: ArrayLike, units: str, calendar: str) -> NDArray[np.int64]:
    """Numbers in CF units to microseconds; NaN becomes the smallest integer.

    Months and years are calendar months and years when whole, as their users mean them; raises ValueError otherwise.
    """
    match = _SINCE.match(units)
    if match is None:
        raise ValueError(f"units {units!r} are not a time")
    numbers = np.asarray(
        values, dtype=np.float64 if np.asarray(values).dtype.kind == "f" else np.int64
    )
    unit = match["unit"].lower()
    if unit in ("month", "year", "common_year"):
        return _decode_months(numbers, unit, match["reference"], calendar)
    if unit not in _UNIT:
        raise ValueError(f"unknown unit of time {unit!r}")
    origin = _reference(match["reference"], calendar)
    step = _UNIT[unit]
    if numbers.dtype.kind == "i":
        return np.asarray(origin + numbers * step, np.int64)
    whole = np.floor(numbers)
    missing = ~np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        micros = np.where(missing, 0, whole).astype(np.int64) * step
        micros += np.where(missing, 0, np.round((numbers - whole) * step)).astype(np.int64)
    return np.where(missing, np.iinfo(np.int64).min, origin + _tidy(micros))


def _tidy(micros: Micros) -> Micros:
    """Take off rounding noise of fractional days and hours: within 50 µs of a second is that second."""
    nearest = np.round(micros / 1_000_000).astype(np.int64) * 1_000_000
    return np.where(np.abs(micros - nearest) <= 50, nearest, micros).astype(np.int64)


@lru_cache(maxsize=256)
def _reference(reference: str, calendar: str) -> int:
    try:
        date = cftime.num2date(0, f"seconds since {reference}", calendar=calendar)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"reference time {reference!r} cannot be read") from error
    return to_micros(date, calendar)


def _decode_months(numbers: NDArray[Any], unit: str, reference: str, calendar: str) -> Micros:
    if not np.array_equal(numbers, np.round(numbers)):
        raise ValueError(f"fractional {unit}s since a date have no exact length")
    start = cftime.num2date(0, f"days since {reference}", calendar=calendar)
    result = np.empty(numbers.shape, np.int64)
    for index, number in np.ndenumerate(numbers):
        months = int(number) * (1 if unit == "month" else 12)
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        result[index] = to_micros(start.replace(year=year, month=month + 1), calendar)
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
    )
    return int(cftime.date2num(moved, _EPOCH, calendar=calendar))


def micros_of(calendar: str, year: int, month: int, day: int) -> int:
    """Microseconds at the start of a day; raises InvalidParameter where the calendar has no such day."""
    try:
        return to_micros(cftime.datetime(year, month, day, calendar=calendar), calendar)
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
    dates = cftime.num2date(flat, _EPOCH, calendar=calendar)
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
