"""The one time of a TIFF, where its tags say it without doubt.

``TIFFTAG_DATETIME`` is when the file was made, not when the data are of: it stays an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

Tags = Mapping[str, str]

_EPOCH = "seconds since 1970-01-01 00:00:00"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_INSTANTS = ("time", "valid_time", "datetime")
_INTERVALS = (("time_start", "time_end"), ("time_coverage_start", "time_coverage_end"))


@dataclass(frozen=True)
class Moment:
    """A time in CF words, with the bounds of the interval it stands for."""

    value: float
    units: str = _EPOCH
    calendar: str = "standard"
    bounds: tuple[float, float] | None = None


def moment_of(file: Tags, bands: Sequence[Tags]) -> Moment | None:
    """The time all bands share, by their tags, else by those of the file; None where they differ or say nothing."""
    own = [_of_band(file, band) for band in bands]
    if any(found is not None for found in own):
        return own[0] if len(set(own)) == 1 else None
    return _instant(file) or _mars(file) or _interval(file)


def _of_band(file: Tags, band: Tags) -> Moment | None:
    return _netcdf(file, band) or _grib(band) or _instant(band)


def _netcdf(file: Tags, band: Tags) -> Moment | None:
    """The time of a band that GDAL took from a netCDF file."""
    for name, text in band.items():
        dim = name.removeprefix("NETCDF_DIM_")
        units = file.get(f"{dim}#units", "")
        if dim != name and " since " in units and (value := _number(text)) is not None:
            return Moment(value, units, file.get(f"{dim}#calendar", "standard"))
    return None


def _grib(band: Tags) -> Moment | None:
    """Valid time of a band that GDAL took from a GRIB message: seconds since 1970."""
    value = _number(band.get("GRIB_VALID_TIME", "").partition(" ")[0])
    return None if value is None else Moment(value)


def _instant(tags: Tags) -> Moment | None:
    found = {_seconds(tags[name]) for name in _INSTANTS if name in tags} - {None}
    return Moment(found.pop() or 0.0) if len(found) == 1 else None


def _mars(tags: Tags) -> Moment | None:
    """MARS keys of a file: ``date`` and ``time`` are the valid time where no step goes on from there."""
    if not {"class", "stream", "date", "time"} <= tags.keys() or tags.get("step", "0") != "0":
        return None
    if not (re.fullmatch(r"\d{8}", tags["date"]) and re.fullmatch(r"\d{1,4}", tags["time"])):
        return None
    clock = int(tags["time"])
    hour, minute = divmod(clock, 100) if clock > 24 else (clock, 0)
    seconds = _seconds(f"{tags['date'][:4]}-{tags['date'][4:6]}-{tags['date'][6:]}")
    if seconds is None or hour > 24 or minute > 59:
        return None
    return Moment(seconds + 3600.0 * hour + 60.0 * minute)


def _interval(tags: Tags) -> Moment | None:
    for first, last in _INTERVALS:
        start, end = _seconds(tags.get(first, "")), _seconds(tags.get(last, ""))
        if start is not None and end is not None and start <= end:
            return Moment(start, bounds=(start, end) if start < end else None)
    return None


def _seconds(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date or time, UTC where it has no offset."""
    if not _ISO.fullmatch(text.strip()):
        return None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
