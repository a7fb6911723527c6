"""Answers as rows and columns at even distances, for formats that hold nothing else."""

from __future__ import annotations

import numpy as np

from config.errors import InvalidParameter

from .coverage import Coverage
from .grids import PointGrid, ProjectedGrid
from .grids.base import Floats, Window
from .resampling import even_degrees, resampled, spread

_EVEN = 0.01
"""Of a cell: so far rows and columns may stand from where they would be at even distances."""


def raster_of(coverage: Coverage) -> Coverage:
    """The same answer where its cells are such rows and columns already; else the nearest cells on even degrees.

    Raises InvalidParameter for stations, which do not fill an area.
    """
    if is_raster(coverage):
        return coverage
    if not fills_area(coverage):
        raise InvalidParameter(
            "f: stations do not make an image", parameter="f", allowed=["json", "netcdf", "csv"]
        )
    return resampled(coverage, *even_degrees(*spread(coverage)), "nearest")


def fills_area(coverage: Coverage) -> bool:
    """Whether cells fill an area: all but stations and other lone points."""
    return not (isinstance(coverage.grid, PointGrid) and coverage.grid.is_sparse)


def is_raster(coverage: Coverage) -> bool:
    """Whether the cells are rows and columns at even distances in a CRS."""
    selection = coverage.selection
    if isinstance(selection, Window):
        return isinstance(selection.grid, ProjectedGrid) and selection.grid.is_upright
    return selection.separable and _is_even(selection.x) and _is_even(selection.y)


def _is_even(centres: Floats) -> bool:
    if len(centres) < 3:
        return True
    even = np.linspace(centres[0], centres[-1], len(centres))
    return bool(np.abs(centres - even).max() <= _EVEN * abs(even[1] - even[0]))
