"""Reduced Gaussian grids in NetCDF and Zarr: known by their coordinates, or by the number of points of each row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..grids import ReducedGaussianGrid
from ..grids.base import Floats
from ..grids.reduced import gaussian_latitudes
from ..readers.base import RawVariable
from .coordinates import NoGrid, degrees, is_latitude
from .packing import coordinate_values

_FEWEST = 4
"""Cells of a row: fewer points at one latitude may be stations."""
_ROUNDED = 1e-4
"""Degrees that longitudes in single precision may be off."""


def rows_of(lon: Floats, lat: Floats) -> ReducedGaussianGrid | None:
    """Cells in rows of one latitude after the other, each evenly around the Earth; None where they are not.

    All rows begin at one meridian, with the centre or with the edge of their first cell.
    """
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()) or len(lat) < 2 * _FEWEST:
        return None
    starts = np.flatnonzero(np.diff(lat, prepend=np.nan))
    counts = np.diff(np.append(starts, len(lat)))
    steps = np.diff(lat[starts])
    if counts.min() < _FEWEST or len(starts) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        return None
    first = np.where(np.abs(lon[starts]) < _ROUNDED, 0.0, lon[starts])
    if not (_is_common(first) or _is_common(first - 180.0 / counts)):
        return None  # rings of HEALPix and the like
    grid = ReducedGaussianGrid(lat[starts], counts, first=first)
    away = (grid.centres()[0] - lon + 180.0) % 360.0 - 180.0
    return grid if np.abs(away).max() < _ROUNDED else None


def _is_common(first: Floats) -> bool:
    away = (first - first[0] + 180.0) % 360.0 - 180.0
    return bool(np.abs(away).max() < _ROUNDED)


def counted_rows(
    variable: RawVariable, variables: Mapping[str, RawVariable]
) -> tuple[ReducedGaussianGrid, str, frozenset[str]] | None:
    """The grid of a variable without a place for each cell, the dimension it is on, and the coordinates used.

    From the attributes ``GRIB_N`` and ``GRIB_pl`` of cfgrib, or a variable ``reduced_points`` over latitudes (CDO).
    """
    attributes = variable.attributes
    if "GRIB_pl" in attributes and "GRIB_N" in attributes:
        counts = np.ravel(attributes["GRIB_pl"]).astype(np.int64)
        lat = gaussian_latitudes(int(np.ravel(attributes["GRIB_N"])[0]))
        if attributes.get("GRIB_jScansPositively"):
            lat = lat[::-1]
        return _on_a_dimension(variable, lat, counts, frozenset())
    points = variables.get("reduced_points")
    if points is None or len(points.dims) != 1:
        return None
    rows = (item for item in variables.values() if item.dims == points.dims and is_latitude(item))
    latitude = next(rows, None)
    if latitude is None:
        return None
    counts = np.asarray(coordinate_values(points)).astype(np.int64)
    used = frozenset((points.name, latitude.name))
    return _on_a_dimension(variable, degrees(latitude), counts, used)


def _on_a_dimension(
    variable: RawVariable, lat: Floats, counts: np.ndarray, used: frozenset[str]
) -> tuple[ReducedGaussianGrid, str, frozenset[str]] | None:
    cells = int(counts.sum())
    dims = [dim for dim, size in zip(variable.dims, variable.shape, strict=True) if size == cells]
    if not dims:
        return None
    if len(lat) != len(counts):
        raise NoGrid(f"{len(counts)} rows of a reduced grid, but {len(lat)} latitudes")
    return ReducedGaussianGrid(lat, counts), dims[-1], used
