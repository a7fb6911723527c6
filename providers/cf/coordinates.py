"""Latitudes and longitudes: which variables they are, and their values in degrees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..grids.base import Floats
from ..readers.base import ChunkSource, Raw, RawVariable
from .packing import coordinate_values


class NoGrid(ValueError):
    """A variable that cannot be placed on the Earth, with the reason."""


_NORTH = {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"}


_EAST = {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"}


_LAT_NAMES = {
    "lat",
    "latitude",
    "nav_lat",
    "lats",
    "xlat",
    "clat",
    "rlat2d",
    "tlat",
    "geolat",
    "lat_rho",
}


_LON_NAMES = {
    "lon",
    "longitude",
    "nav_lon",
    "lons",
    "xlong",
    "clon",
    "long",
    "tlong",
    "tlon",
    "geolon",
    "lon_rho",
}


def is_latitude(variable: RawVariable) -> bool:
    """Latitude by standard name, units, or (without either) name."""
    return _is_angle(variable, "latitude", _NORTH, _LAT_NAMES)


def is_longitude(variable: RawVariable) -> bool:
    """Longitude by standard name, units, or (without either) name."""
    return _is_angle(variable, "longitude", _EAST, _LON_NAMES)


def _is_angle(variable: RawVariable, standard: str, units: set[str], names: set[str]) -> bool:
    if variable.dtype.kind not in "iuf" or len(variable.dims) > 3:
        return False
    stated = variable.attributes.get("standard_name")
    if stated:
        return bool(stated == standard)
    unit = str(variable.attributes.get("units", "")).strip().lower()
    if unit in units:
        return True
    return variable.name.lower() in names and unit in (
        "",
        "degrees",
        "degree",
        "deg",
        "radian",
        "radians",
        "rad",
    )


def degrees(variable: RawVariable) -> Floats:
    """Coordinate values in degrees (ICON stores radians)."""
    values = unpacked(variable)
    unit = str(variable.attributes.get("units", "")).strip().lower()
    return np.degrees(values) if unit.startswith("rad") else values


def unpacked(variable: RawVariable) -> Floats:
    return np.asarray(coordinate_values(variable), np.float64)


@dataclass(frozen=True)
class _FirstStep:
    """Coordinates stored once per time (WRF, TROPOMI) as the ones of the first; NoGrid where they move."""

    name: str
    source: ChunkSource
    steps: int

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        first = self.source.load((0, *start), (1, *stop))[0]
        last = self.source.load((self.steps - 1, *start), (self.steps, *stop))[0]
        if not np.array_equal(first, last, equal_nan=first.dtype.kind == "f"):
            raise NoGrid(f"the coordinate {self.name} moves with time")
        return first


def steady(variable: RawVariable) -> RawVariable:
    """Coordinates over three dimensions without the first."""
    if len(variable.dims) != 3 or not variable.shape[0]:
        return variable
    return replace(
        variable,
        dims=variable.dims[1:],
        shape=variable.shape[1:],
        chunks=variable.chunks[1:],
        source=_FirstStep(variable.name, variable.source, variable.shape[0]),
    )
