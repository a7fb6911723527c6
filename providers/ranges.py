"""Ranges of a request as values of the axes of a cube, from the words that OGC APIs use for them.

Every error names its parameter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from config.errors import InvalidParameter
from providers.axes import Axis, AxisKind
from providers.cf.calendar import DAY, micros_of, month_after
from providers.cube import Cube, Range

_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_LONGEST_NUMBER = 64
_DATE = re.compile(
    r"^(?P<year>\d{4}|[+-]\d{4,6}|\d{5,6}(?=-))(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[Tt ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?)?)?)?$",
    re.ASCII,
)
_DATETIME_FORMS = ["2020-01-31", "2020-01-31T12:00:00Z", "start/end", "../end", "start/.."]
_LON = {"lon", "long", "longitude", "x", "e"}
_LAT = {"lat", "latitude", "y", "n"}


def number(text: str, parameter: str, *, allowed: str = "a number") -> float:
    """A finite number."""
    if len(text) > _LONGEST_NUMBER or not re.fullmatch(_NUMBER, text.strip()):
        raise InvalidParameter(
            f"{parameter}: {text.strip()[:40]!r} is not a number",
            parameter=parameter,
            allowed=[allowed],
        )
    value = float(text)
    if not math.isfinite(value):
        raise InvalidParameter(
            f"{parameter}: {text.strip()[:40]!r} is too large",
            parameter=parameter,
            allowed=[allowed],
        )
    return value


def time_range(text: str, calendar: str, parameter: str = "datetime") -> Range:
    """``datetime``: an instant, a period named by a partial date, or an interval (RFC 3339, OGC Common)."""
    cleaned = text.strip().strip('"')
    parts = cleaned.split("/")
    if len(parts) > 2 or not cleaned:
        raise _bad_time(text, parameter)
    if len(parts) == 1:
        low, high = _period(parts[0], calendar, parameter)
        return Range(low, high)
    start = None if parts[0] in ("..", "") else _period(parts[0], calendar, parameter)[0]
    end = None if parts[1] in ("..", "") else _period(parts[1], calendar, parameter)[1]
    if start is None and end is None and cleaned not in ("../..", "/"):
        raise _bad_time(text, parameter)
    if start is not None and end is not None and start > end:
        raise InvalidParameter(
            f"{parameter}: the interval ends before it starts",
            parameter=parameter,
            allowed=["start/end"],
        )
    return Range(start, end)


def _bad_time(text: str, parameter: str) -> InvalidParameter:
    return InvalidParameter(
        f"{parameter}: {text[:60]!r} is not a time", parameter=parameter, allowed=_DATETIME_FORMS
    )


def _period(text: str, calendar: str, parameter: str) -> tuple[int, int]:
    """First and last microsecond that a (partial) date names."""
    match = _DATE.match(text.strip())
    if match is None:
        raise _bad_time(text, parameter)
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    if not 1 <= month <= 12:
        raise _bad_time(text, parameter)
    try:
        start = micros_of(calendar, year, month, day)
        if match["month"] is None:
            return start, micros_of(calendar, year + 1, 1, 1) - 1
        if match["day"] is None:
            return start, micros_of(calendar, *month_after(year, month), 1) - 1
    except InvalidParameter as error:
        raise InvalidParameter(
            f"{parameter}: {text[:60]!r} is not a day of the {calendar} calendar",
            parameter=parameter,
            allowed=error.allowed,
        ) from error
    if match["hour"] is None:
        return start, start + DAY - 1
    return _instant(match, start, text, parameter)


def _instant(match: re.Match[str], start: int, text: str, parameter: str) -> tuple[int, int]:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise _bad_time(text, parameter)
    moment = start + ((hour * 60 + minute) * 60 + second) * 1_000_000
    moment += int((match["fraction"] or "0").ljust(6, "0")[:6])
    zone = match["zone"]
    if zone and zone not in "Zz":
        if int(zone[1:3]) > 23 or int(zone[-2:]) > 59:
            raise _bad_time(text, parameter)
        offset = int(zone[1:3]) * 60 + int(zone[-2:])
        moment -= (1 if zone[0] == "+" else -1) * offset * 60_000_000
    return moment, moment


@dataclass(frozen=True)
class Subset:
    """One ``axis(low:high)`` of a request, still as text."""

    axis: str
    low: str
    high: str | None
    positions: tuple[str, ...] = ()
    """All of them, for several positions by comma (19-087, multi-slicing)."""


@dataclass(frozen=True)
class Domain:
    """Ranges of a request on a cube: the horizontal ones apart from the rest."""

    lon: Range | None
    lat: Range | None
    ranges: dict[str, Range | tuple[Any, ...]]


def domain(items: Iterable[Subset], cube: Cube) -> Domain:
    """Subsets matched to the axes of a cube; raises InvalidParameter naming the axes there are."""
    lon: Range | None = None
    lat: Range | None = None
    ranges: dict[str, Range | tuple[Any, ...]] = {}
    for item in items:
        axis = _axis(item.axis, cube)
        if axis is not None:
            _once(item, axis.name in ranges)
            ranges[axis.name] = (
                _several(axis, item.positions)
                if item.positions
                else axis_range(axis, item.low, item.high, "subset")
            )
        elif item.positions:
            raise InvalidParameter(
                f"subset: {item.axis} takes one position or low:high",
                parameter="subset",
                allowed=[f"{item.axis}(low:high)"],
            )
        elif item.axis.lower() in _LON:
            _once(item, lon is not None)
            lon = _degrees(item)
            if not all(-360 <= bound <= 540 for bound in (lon.low, lon.high) if bound is not None):
                raise InvalidParameter(
                    "subset: longitudes are -360 to 540",
                    parameter="subset",
                    allowed=["Lon(-180:180)"],
                )
        elif item.axis.lower() in _LAT:
            _once(item, lat is not None)
            lat = _degrees(item)
            if not all(-90 <= bound <= 90 for bound in (lat.low, lat.high) if bound is not None):
                raise InvalidParameter(
                    "subset: latitudes are -90 to 90", parameter="subset", allowed=["Lat(-90:90)"]
                )
            if lat.low is not None and lat.high is not None and lat.low > lat.high:
                raise InvalidParameter(
                    "subset: Lat low:high has low first",
                    parameter="subset",
                    allowed=["Lat(low:high)"],
                )
        elif item.axis.lower() in ("time", "datetime", "t") and cube.valid_times is not None:
            ranges["time"] = _time_bounds(item.low, item.high, cube.valid_times[1], "subset")
        else:
            raise InvalidParameter(
                f"subset: no axis {item.axis!r}",
                parameter="subset",
                allowed=["Lon", "Lat", *axis_names(cube)],
            )
    return Domain(lon, lat, ranges)


def _several(axis: Axis, positions: tuple[str, ...]) -> tuple[Any, ...]:
    """Values of several positions; of a date, all times in it."""
    found: list[Any] = []
    for text in positions:
        wanted = axis_range(axis, text, None, "subset")
        if axis.is_time:
            found += axis.values[axis.between(wanted.low, wanted.high)].tolist()
        else:
            found.append(wanted.low)
    return tuple(found)


def _once(item: Subset, is_known: bool) -> None:
    """An axis has several names (``level`` and ``z``): each axis may be given by one of them."""
    if is_known:
        raise InvalidParameter(
            f"subset: axis {item.axis} twice, under two names",
            parameter="subset",
            allowed=["each axis once"],
        )


def axis_names(cube: Cube) -> list[str]:
    """Names of the axes that ``subset`` takes beside Lon and Lat."""
    names = list(cube.axes)
    return ["time", *names] if cube.time is None and cube.valid_times is not None else names


def _axis(name: str, cube: Cube) -> Axis | None:
    exact = next((axis for axis in cube.axes.values() if axis.name.lower() == name.lower()), None)
    return exact or next((axis for axis in cube.axes.values() if axis.answers_to(name)), None)


def _degrees(item: Subset) -> Range:
    low = None if item.low == "*" else number(item.low, "subset")
    if item.high is None:
        if low is None:
            return Range(None, None)
        return Range(low, low)
    return Range(low, None if item.high == "*" else number(item.high, "subset"))


def axis_range(axis: Axis, low: str, high: str | None, parameter: str) -> Range:
    """A range in the values of an axis."""
    if axis.is_time:
        return _time_bounds(low, high, axis.calendar or "standard", parameter)
    if axis.is_text:
        if high is not None:
            raise InvalidParameter(
                f"{parameter}: axis {axis.name} has names, not ranges",
                parameter=parameter,
                allowed=axis.labels()[:50],
            )
        return Range(low, low)
    read = _duration if axis.kind is AxisKind.STEP else lambda text, name: number(text, name)
    first = None if low == "*" else read(low, parameter)
    if high is None:
        return Range(first, first)
    last = None if high == "*" else read(high, parameter)
    if first is not None and last is not None and first > last:
        first, last = last, first
    return Range(first, last)


def _time_bounds(low: str, high: str | None, calendar: str, parameter: str) -> Range:
    if high is None:
        return Range(None, None) if low == "*" else time_range(low, calendar, parameter)
    start = ".." if low == "*" else low
    end = ".." if high == "*" else high
    return time_range(f"{start}/{end}", calendar, parameter)


_DURATION = re.compile(
    r"^P(?:(?P<d>\d{1,18})D)?(?:T(?:(?P<h>\d{1,18})H)?(?:(?P<m>\d{1,18})M)?(?:(?P<s>\d{1,18})S)?)?$",
    re.ASCII,
)
_LONGEST = 1 << 62
"""Microseconds: what an axis of times can be compared with."""


def _duration(text: str, parameter: str) -> int:
    """A forecast step in microseconds: hours as a number, or an ISO 8601 duration."""
    allowed = "hours, or a duration such as PT6H"
    match = _DURATION.match(text.strip().upper())
    if match and any(match.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        found: float = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000
    else:
        found = number(text, parameter, allowed=allowed) * 3_600_000_000
    if abs(found) >= _LONGEST:
        raise InvalidParameter(
            f"{parameter}: {text.strip()[:40]!r} is too long",
            parameter=parameter,
            allowed=[allowed],
        )
    return round(found)


def levels(text: str, axis: Axis) -> list[float]:
    """EDR ``z``: values asked for, each to be matched to the axis (EDR 1.1 clause 8.2.5)."""
    repeat = len(text) <= 3 * _LONGEST_NUMBER and re.fullmatch(
        rf"[Rr]([1-9][0-9]{{0,3}})/({_NUMBER})/({_NUMBER})", text.strip()
    )
    if repeat:
        count, start, step = int(repeat[1]), number(repeat[2], "z"), number(repeat[3], "z")
        return [start + step * index for index in range(count)]
    return [
        number(part, "z", allowed="500, 500,850, 1000/500 or R5/1000/-100")
        for part in text.split(",")
    ]


def level_range(text: str, axis: Axis) -> Range | list[float]:
    """EDR ``z`` as a range ``low/high`` or a list of levels."""
    parts = text.split("/")
    if len(parts) == 2 and not text.strip().upper().startswith("R"):
        low, high = (None if part.strip() == ".." else number(part, "z") for part in parts)
        if low is not None and high is not None and low > high:
            low, high = high, low
        return Range(low, high)
    found = levels(text, axis)
    return Range(found[0], found[0]) if len(found) == 1 else found
