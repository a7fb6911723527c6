"""Even cells to resample onto: rows and columns of degrees, or of the plane of a CRS."""

from __future__ import annotations

import math

import numpy as np
import pyproj

from ..coverage import Coverage
from ..grids import Bbox, Grid, ProjectedGrid, RectilinearGrid, Selection
from ..grids.base import Floats, Window

_MOST = 1 << 16
"""Cells along one side."""


def even_degrees(box: Bbox, columns: int, rows: int) -> tuple[Grid, Selection]:
    """Rows from north to south and columns from west to east that fill a box."""
    width, height = box.width / columns, (box.north - box.south) / rows
    lon = box.west + width * (np.arange(columns) + 0.5)
    lat = box.north - height * (np.arange(rows) + 0.5)
    return rows_and_columns(lon, lat, (width, height))


def rows_and_columns(lon: Floats, lat: Floats, size: tuple[float, float]) -> tuple[Grid, Selection]:
    """All cells of longitudes by latitudes; ``size`` is their width and height where there is one alone."""
    block = (slice(0, len(lat)), slice(0, len(lon)))
    grid = RectilinearGrid(lat, lon, lone=size)
    return grid, Selection(block, lon, lat, separable=True)


def even_plane(
    crs: pyproj.CRS, bounds: tuple[float, float, float, float], columns: int, rows: int
) -> tuple[Grid, Selection]:
    """Rows from the top and columns from the left that fill a rectangle (x first) in the plane of a CRS."""
    left, bottom, right, top = bounds
    affine = ((right - left) / columns, 0.0, left, 0.0, (bottom - top) / rows, top)
    grid = ProjectedGrid(crs, affine, (rows, columns))
    return grid, Window(grid, slice(0, rows), slice(0, columns))


def spread(coverage: Coverage) -> tuple[Bbox, int, int]:
    """The box of an answer's cells in degrees, and how many columns and rows of its own spacing fill it."""
    selection = coverage.selection
    x, y = np.asarray(selection.x), np.asarray(selection.y)
    known = np.isfinite(x) if not selection.separable else slice(None)
    wide, high = coverage.grid.spacing
    if selection.separable:
        wide = float(np.ptp(x) / (len(x) - 1)) if len(x) > 1 else wide
        high = float(np.ptp(y) / (len(y) - 1)) if len(y) > 1 else high
    x, y = x[known], y[known] if not selection.separable else y
    west, east = float(x.min()) - wide / 2, float(x.max()) + wide / 2
    if east - west > 360.0:
        east = west + 360.0
    south, north = max(float(y.min()) - high / 2, -90.0), min(float(y.max()) + high / 2, 90.0)
    box = Bbox(west, south, east, north)
    if selection.separable:
        return box, len(x), len(y)
    return box, _count((east - west) / wide), _count((north - south) / high)


def _count(number: float) -> int:
    return min(_MOST, max(1, math.ceil(number - 0.01)))
