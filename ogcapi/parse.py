"""From query strings to typed values: the only place that reads them. Every error names its parameter."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import shapely.errors

from config.errors import InvalidParameter
from providers.axes import Axis, AxisKind
from providers.cf.calendar import DAY, micros_of, month_after
from providers.crs import CRS84, Crs, parse_crs, to_crs84
from providers.cube import Cube, Range
from providers.grids import Bbox

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_DATE = re.compile(
    r"^(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[Tt ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?)?)?)?$",
    re.ASCII,
)
_SUBSET = re.compile(r"^\s*(?P<axis>[A-Za-z_][\w.:-]*)\s*\((?P<value>[^()]*)\)\s*$")
_DATETIME_FORMS = ["2020-01-31", "2020-01-31T12:00:00Z", "start/end", "../end", "start/.."]
_LON = {"lon", "long", "longitude", "x", "e"}
_LAT = {"lat", "latitude", "y", "n"}


def number(text: str, parameter: str, *, allowed: str = "a number") -> float:
    """A finite number."""
    if not re.fullmatch(_NUMBER, text.strip()):
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


def integer(
    text: str | None, parameter: str, *, low: int, high: int, default: int | None = None
) -> int | None:
    """A whole number within bounds, ``default`` where the parameter is absent."""
    if text is None:
        return default
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()) or not low <= int(text) <= high:
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is not a whole number from {low} to {high}",
            parameter=parameter,
            allowed=[f"{low} to {high}"],
        )
    return int(text)


def boolean(text: str | None, parameter: str, *, default: bool) -> bool:
    """``true`` or ``false``."""
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is neither true nor false",
            parameter=parameter,
            allowed=["true", "false"],
        )
    return text.lower() == "true"


def colour(text: str | None, parameter: str) -> tuple[int, int, int] | None:
    """``0xRRGGBB``, ``#RRGGBB`` or ``RRGGBB``."""
    if text is None:
        return None
    match = re.fullmatch(r"(?:0[xX]|#)?([0-9A-Fa-f]{6})", text)
    if match is None:
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is not a colour",
            parameter=parameter,
            allowed=["0xRRGGBB", "#RRGGBB"],
        )
    value = int(match[1], 16)
    return value >> 16, value >> 8 & 255, value & 255


@dataclass(frozen=True)
class Box:
    """A parsed ``bbox``: degrees, the vertical range of the six-number form, and the corners as they were given."""

    degrees: Bbox
    vertical: Range | None
    corners: tuple[float, float, float, float]
    crs: Crs


def box(text: str | None, crs_text: str | None) -> Box | None:
    """``bbox`` in ``bbox-crs`` (CRS84 by default); None when absent."""
    crs = parse_crs(crs_text or CRS84, "bbox-crs")
    if text is None:
        if crs_text is not None:
            raise InvalidParameter(
                "bbox-crs: there is no bbox", parameter="bbox-crs", allowed=["together with bbox"]
            )
        return None
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise InvalidParameter(
            f"bbox: {len(parts)} values instead of 4 (or 6 with height)",
            parameter="bbox",
            allowed=["west,south,east,north", "west,south,low,east,north,high"],
        )
    values = [number(part, "bbox", allowed="four or six numbers") for part in parts]
    vertical = None
    if len(values) == 6:
        vertical = Range(min(values[2], values[5]), max(values[2], values[5]))
        values = [values[0], values[1], values[3], values[4]]
    corners = (values[0], values[1], values[2], values[3])
    return Box(to_crs84(corners, crs), vertical, corners, crs)


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
    if not 1 <= month <= 12 or year == 0:
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


def subsets(values: Iterable[str]) -> list[Subset]:
    """``subset=`` of OGC API Coverages and Maps: repeated, or several in one value by comma."""
    found: list[Subset] = []
    for value in values:
        for part in _split_subsets(value):
            match = _SUBSET.match(part)
            if match is None:
                raise InvalidParameter(
                    f"subset: {part.strip()[:60]!r} is not axis(low:high)",
                    parameter="subset",
                    allowed=["axis(low:high)", "axis(position)"],
                )
            low, high = _bounds(match["value"])
            if any(other.axis.lower() == match["axis"].lower() for other in found):
                raise InvalidParameter(
                    f"subset: axis {match['axis']} twice",
                    parameter="subset",
                    allowed=["each axis once"],
                )
            found.append(Subset(match["axis"], low, high))
    return found


def _split_subsets(value: str) -> list[str]:
    return re.split(r",(?![^(]*\))", value)


def _bounds(text: str) -> tuple[str, str | None]:
    """Low and high of ``low:high``; times in quotes keep their colons."""
    cleaned = text.strip()
    quoted = re.fullmatch(r'\s*("[^"]*"|\*)\s*:\s*("[^"]*"|\*)\s*', cleaned)
    if quoted:
        return quoted[1].strip('"'), quoted[2].strip('"')
    if cleaned.startswith('"') and cleaned.endswith('"') and cleaned.count('"') == 2:
        return cleaned.strip('"'), None
    parts = cleaned.split(":")
    if len(parts) == 2 and not re.fullmatch(r".*[Tt ]\d{2}", parts[0]):
        return parts[0].strip(), parts[1].strip()
    if len(parts) > 2:
        times = re.fullmatch(r"(\*|\d{4}[^:]*(?::\d{2}){0,2}[^:]*?):(\*|\d{4}-.*)", cleaned)
        if times:
            return times[1], times[2]
    return cleaned, None


@dataclass(frozen=True)
class Domain:
    """Ranges of a request on a cube: the horizontal ones apart from the rest."""

    lon: Range | None
    lat: Range | None
    ranges: dict[str, Range]


def domain(items: Iterable[Subset], cube: Cube) -> Domain:
    """Subsets matched to the axes of a cube; raises InvalidParameter naming the axes there are."""
    lon: Range | None = None
    lat: Range | None = None
    ranges: dict[str, Range] = {}
    for item in items:
        axis = _axis(item.axis, cube)
        if axis is not None:
            _once(item, axis.name in ranges)
            ranges[axis.name] = axis_range(axis, item.low, item.high, "subset")
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
        elif item.axis.lower() in ("time", "datetime", "t") and cube.is_forecast:
            reference = cube.axes["reference_time"]
            ranges["time"] = _time_bounds(
                item.low, item.high, reference.calendar or "standard", "subset"
            )
        else:
            raise InvalidParameter(
                f"subset: no axis {item.axis!r}",
                parameter="subset",
                allowed=["Lon", "Lat", *axis_names(cube)],
            )
    return Domain(lon, lat, ranges)


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
    return ["time", *names] if cube.is_forecast else names


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


def variables(text: str | None, cube: Cube, parameter: str) -> tuple[str, ...]:
    """Names of fields; all of them when absent."""
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in cube.variables]
    if unknown:
        raise InvalidParameter(
            f"{parameter}: no field {unknown[0][:60]!r}",
            parameter=parameter,
            allowed=cube.variables,
        )
    return tuple(dict.fromkeys(names))


def points(text: str, crs: Crs) -> list[tuple[float, float, float | None]]:
    """``coords`` of an EDR position query: (lon, lat, z) of POINT or MULTIPOINT in WKT."""
    if "\0" in text:  # the end of the text for the library below
        raise _bad_point(text)
    try:
        with np.errstate(over="ignore"):
            geometry = shapely.from_wkt(text)
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise _bad_point(text) from error
    if geometry is None or geometry.is_empty or geometry.geom_type not in ("Point", "MultiPoint"):
        raise _bad_point(text)
    found = []
    for point in shapely.get_parts(geometry):
        if crs.swap:
            lon, lat = crs.to_lonlat(point.y, point.x)
        else:
            lon, lat = crs.to_lonlat(point.x, point.y)
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lat) <= 90 and abs(lon) <= 540):
            raise InvalidParameter(
                "coords: latitudes are -90 to 90, longitudes -180 to 180",
                parameter="coords",
                allowed=["POINT(lon lat)"],
            )
        found.append((float(lon), float(lat), float(point.z) if point.has_z else None))
    return found


def _bad_point(text: str) -> InvalidParameter:
    return InvalidParameter(
        f"coords: {text[:60]!r} is not a point in WKT",
        parameter="coords",
        allowed=["POINT(lon lat)", "MULTIPOINT(lon lat, …)"],
    )


def levels(text: str, axis: Axis) -> list[float]:
    """EDR ``z``: values asked for, each to be matched to the axis (EDR 1.1 clause 8.2.5)."""
    repeat = re.fullmatch(rf"[Rr]([1-9][0-9]{{0,3}})/({_NUMBER})/({_NUMBER})", text.strip())
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


def scalar(value: Any) -> str:
    """Text of a value for messages."""
    return f"{value:g}" if isinstance(value, float) else str(value)
