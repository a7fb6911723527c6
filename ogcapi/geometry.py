"""``coords`` of EDR queries: geometries in WKT, in degrees of CRS84 whatever CRS they came in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
import shapely.errors
from shapely.geometry.base import BaseGeometry

from config.errors import InvalidParameter
from providers.crs import Crs
from providers.edr.paths import Path
from providers.queries import Point

_LONGEST = 1 << 20
_MOST_POINTS = 20_000
_LENGTHS = {
    "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0,
    "km": 1000.0, "kilometre": 1000.0, "kilometres": 1000.0, "kilometer": 1000.0, "kilometers": 1000.0,
    "mi": 1609.344, "mile": 1609.344, "miles": 1609.344,
    "nmi": 1852.0, "nm": 1852.0, "nautical_mile": 1852.0, "nautical_miles": 1852.0,
    "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
}  # fmt: skip
LENGTH_UNITS = ("km", "m", "mi", "nmi", "ft")


def metres(value: float, unit: str | None, parameter: str) -> float:
    """A length in metres; raises InvalidParameter for units that are none."""
    factor = _LENGTHS.get((unit or "").strip().lower())
    if factor is None:
        raise InvalidParameter(
            f"{parameter}: {(unit or '')[:40]!r} is not a unit of length",
            parameter=parameter,
            allowed=LENGTH_UNITS,
        )
    return value * factor


def points(text: str, crs: Crs) -> list[Point]:
    """(lon, lat, z) of POINT or MULTIPOINT."""
    geometry = _read(text, ("Point", "MultiPoint"), "POINT(lon lat)")
    found: list[Point] = []
    for point in shapely.get_parts(geometry):
        lon, lat = _degrees(np.array([point.x]), np.array([point.y]), crs)
        height = float(point.z) if point.has_z and np.isfinite(point.z) else None
        found.append((float(lon[0]), float(lat[0]), height))
    return found


def area(text: str, crs: Crs) -> BaseGeometry:
    """POLYGON or MULTIPOLYGON, in the plane of longitudes and latitudes."""
    allowed = "POLYGON((lon lat, …))"
    geometry = _read(text, ("Polygon", "MultiPolygon"), allowed)
    placed = shapely.transform(
        shapely.force_2d(geometry),
        lambda pairs: np.stack(_degrees(pairs[:, 0], pairs[:, 1], crs), -1),
    )
    if not shapely.is_valid(placed):
        reason = shapely.is_valid_reason(placed).split("[")[0]
        raise InvalidParameter(
            f"coords: not a valid polygon: {reason}", parameter="coords", allowed=[allowed]
        )
    return placed


def paths(text: str, crs: Crs) -> list[Path]:
    """LINESTRING or MULTILINESTRING, with Z (height) and M (seconds since 1970) where they are given."""
    geometry = _read(text, ("LineString", "MultiLineString"), "LINESTRING(lon lat, …)")
    return [_path(line, crs) for line in shapely.get_parts(geometry)]


def _path(line: BaseGeometry, crs: Crs) -> Path:
    numbers = shapely.get_coordinates(line, include_z=True, include_m=True)
    lon, lat = _degrees(numbers[:, 0], numbers[:, 1], crs)
    height, time = numbers[:, 2], numbers[:, 3]
    for values, there, letter in ((height, line.has_z, "Z"), (time, line.has_m, "M")):
        if there and not np.isfinite(values).all():
            raise InvalidParameter(
                f"coords: {letter} is missing at some point",
                parameter="coords",
                allowed=["LINESTRINGZM(lon lat z m, …)"],
            )
    if line.has_m and np.abs(time).max() > 1e12:
        raise InvalidParameter(
            "coords: M is seconds since 1970",
            parameter="coords",
            allowed=["LINESTRINGM(lon lat m)"],
        )
    return Path(lon, lat, height if line.has_z else None, time * 1e6 if line.has_m else None)


def _read(text: str, kinds: Sequence[str], allowed: str) -> BaseGeometry:
    """A geometry of some kinds; raises InvalidParameter for others and for what is none."""
    wrong = InvalidParameter(
        f"coords: {text[:60]!r} is not {' or '.join(kinds)} in WKT",
        parameter="coords",
        allowed=[allowed, f"MULTI{allowed}"],
    )
    if "\0" in text or len(text) > _LONGEST:  # the end of the text for the library
        raise wrong
    try:
        with np.errstate(over="ignore"):
            geometry = shapely.from_wkt(text)
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise wrong from error
    if geometry is None or geometry.is_empty or geometry.geom_type not in kinds:
        raise wrong
    if shapely.get_num_coordinates(geometry) > _MOST_POINTS:
        raise InvalidParameter(
            f"coords: more than {_MOST_POINTS} points",
            parameter="coords",
            allowed=[f"{_MOST_POINTS} points"],
        )
    return geometry


def _degrees(first: np.ndarray, second: np.ndarray, crs: Crs) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes; raises InvalidParameter for places off the Earth."""
    lon, lat = crs.to_lonlat(second, first) if crs.swap else crs.to_lonlat(first, second)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90) & (np.abs(lon) <= 540)
    if not good.all():
        raise InvalidParameter(
            "coords: latitudes are -90 to 90, longitudes -180 to 180",
            parameter="coords",
            allowed=["lon lat"],
        )
    return np.asarray(lon, np.float64), np.asarray(lat, np.float64)
