"""Coordinate reference systems of requests: names, axis order, boxes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from config.errors import InvalidParameter

from .grids import Bbox
from .grids.base import Floats

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_URI = re.compile(
    r"^(?:https?://www\.opengis\.net/def/crs/|urn:ogc:def:crs:)(?P<authority>[A-Za-z]+)[/:](?P<version>[^/:]*)[/:](?P<code>\w+)$"
)
_CURIE = re.compile(r"^(?P<open>\[)?(?P<authority>[A-Za-z]+):(?P<code>\w+)(?(open)\])$")


@dataclass(frozen=True)
class Crs:
    """A CRS that a client named. ``uri`` is its canonical name, ``swap`` tells that its first axis runs north."""

    uri: str
    crs: pyproj.CRS
    swap: bool

    @property
    def is_geographic(self) -> bool:
        return bool(self.crs.is_geographic)

    @cached_property
    def is_separable(self) -> bool:
        """Longitude depends on x alone and latitude on y alone: geographic and Mercator systems."""
        return self.is_geographic or self.crs.to_epsg() in (3857, 3395, 900913)

    def to_lonlat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude of points given x (east) first; NaN where there is none."""
        if (
            self.is_geographic
            and self.crs.prime_meridian
            and self.crs.prime_meridian.longitude == 0
        ):
            return np.asarray(x, np.float64), np.asarray(y, np.float64)
        lon, lat = _to_lonlat(self.uri).transform(x, y)
        lon, lat = np.asarray(lon), np.asarray(lat)
        good = np.isfinite(lon) & np.isfinite(lat)
        return np.where(good, lon, np.nan), np.where(good, lat, np.nan)

    def from_lonlat(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """x (east) and y of points; infinite where the CRS does not reach."""
        if self.is_geographic:
            return np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        x, y = _from_lonlat(self.uri).transform(lon, lat)
        return np.asarray(x), np.asarray(y)


@lru_cache(maxsize=64)
def _to_lonlat(uri: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(_pyproj(uri), "OGC:CRS84", always_xy=True)


@lru_cache(maxsize=64)
def _from_lonlat(uri: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("OGC:CRS84", _pyproj(uri), always_xy=True)


@lru_cache(maxsize=256)
def _pyproj(uri: str) -> pyproj.CRS:
    match = _URI.match(uri)
    assert match is not None
    authority, code = match["authority"].upper(), match["code"]
    return pyproj.CRS.from_user_input(f"{authority}:{code}")


@lru_cache(maxsize=256)
def parse_crs(text: str, parameter: str) -> Crs:
    """A CRS from a URI, URN, CURIE (``[EPSG:3857]``) or ``EPSG:3857``; raises InvalidParameter."""
    cleaned = text.strip()
    match = _URI.match(cleaned) or _CURIE.match(cleaned)
    allowed = [
        CRS84,
        "http://www.opengis.net/def/crs/EPSG/0/3857",
        "any http://www.opengis.net/def/crs/EPSG/0/…",
    ]
    if match is None:
        raise InvalidParameter(
            f"{parameter}: {cleaned[:80]!r} is not the name of a CRS",
            parameter=parameter,
            allowed=allowed,
        )
    authority, code = match["authority"].upper(), match["code"]
    if authority not in ("EPSG", "OGC", "CRS"):
        raise InvalidParameter(
            f"{parameter}: unknown authority {authority!r}", parameter=parameter, allowed=allowed
        )
    if authority in ("OGC", "CRS"):
        if code.upper() not in ("CRS84", "84"):
            raise InvalidParameter(
                f"{parameter}: unknown CRS {code!r}", parameter=parameter, allowed=allowed
            )
        uri = CRS84
    else:
        uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    try:
        crs = _pyproj(uri)
    except CRSError as error:
        raise InvalidParameter(
            f"{parameter}: EPSG has no CRS {code}", parameter=parameter, allowed=allowed
        ) from error
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) < 2:
        raise InvalidParameter(
            f"{parameter}: {code} is not a horizontal CRS", parameter=parameter, allowed=allowed
        )
    return Crs(uri, crs, uri != CRS84 and northing_first(crs))


def northing_first(crs: pyproj.CRS) -> bool:
    """Whether the first axis of a CRS is y; around a pole both run along meridians, and their names tell."""
    first, second = crs.axis_info[:2]
    if first.direction == second.direction:
        return first.name.lower().startswith("north")
    return first.direction.lower() in ("north", "south")


def to_crs84(values: tuple[float, float, float, float], crs: Crs, parameter: str = "bbox") -> Bbox:
    """A box in a CRS (in its own axis order) as the smallest box in degrees around it, edges densified."""
    west, south, east, north = _ordered(values, crs)
    if crs.is_geographic:
        return checked_box(Bbox(west, south, east, north), parameter)
    if west >= east or south >= north:
        raise InvalidParameter(
            f"{parameter}: lower corner first", parameter=parameter, allowed=["minx,miny,maxx,maxy"]
        )
    bounds = _lonlat_bounds(crs.uri, (west, south, east, north))
    if not np.isfinite(bounds).all():
        raise InvalidParameter(
            f"{parameter}: outside of {crs.uri}",
            parameter=parameter,
            allowed=["a box inside the CRS"],
        )
    return Bbox(bounds[0], max(bounds[1], -90.0), bounds[2], min(bounds[3], 90.0))


@lru_cache(maxsize=4096)
def _lonlat_bounds(
    uri: str, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    found = _to_lonlat(uri).transform_bounds(*box, densify_pts=41)
    return (float(found[0]), float(found[1]), float(found[2]), float(found[3]))


def from_crs84(box: Bbox, crs: Crs) -> tuple[float, float, float, float]:
    """The box in x, y of a CRS (x first, whatever its axis order)."""
    east = box.west + box.width if box.east <= box.west else box.east
    if crs.is_geographic:
        return (box.west, box.south, east, box.north)
    area = crs.crs.area_of_use
    west, south, north = box.west, box.south, box.north
    if area is not None:
        south, north = max(south, area.south), min(north, area.north)
        if area.west < area.east:
            west, east = max(west, area.west), min(east, area.east)
    if west >= east or south >= north:
        raise InvalidParameter(
            f"crs: the data lie outside of {crs.uri}", parameter="crs", allowed=[CRS84]
        )
    bounds = _from_lonlat(crs.uri).transform_bounds(west, south, east, north, densify_pts=41)
    return (float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3]))


def _ordered(
    values: tuple[float, float, float, float], crs: Crs
) -> tuple[float, float, float, float]:
    first, second, third, fourth = values
    return (second, first, fourth, third) if crs.swap else values


def ordered(
    values: tuple[float, float, float, float], crs: Crs
) -> tuple[float, float, float, float]:
    """Corners with x first, from the axis order of the CRS (and back: it is its own inverse)."""
    return _ordered(values, crs)


def checked_box(box: Bbox, parameter: str = "bbox") -> Bbox:
    """The box when it is one; raises InvalidParameter. West may exceed east (antimeridian)."""
    if not np.isfinite(box).all():
        raise InvalidParameter(
            f"{parameter}: four finite numbers",
            parameter=parameter,
            allowed=["west,south,east,north"],
        )
    if box.south > box.north:
        raise InvalidParameter(
            f"{parameter}: south {box.south:g} is north of {box.north:g}",
            parameter=parameter,
            allowed=["south <= north"],
        )
    if box.south < -90 or box.north > 90:
        raise InvalidParameter(
            f"{parameter}: latitudes are -90 to 90",
            parameter=parameter,
            allowed=["-90 <= south <= north <= 90"],
        )
    if min(box.west, box.east) < -360 or max(box.west, box.east) > 540:
        raise InvalidParameter(
            f"{parameter}: longitudes are -360 to 540", parameter=parameter, allowed=["-180 to 180"]
        )
    return box
