"""Where the axes of a grid point: what turns grid-relative components to true north."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import pyproj
from numpy.typing import NDArray

from ..cf.projections import is_rotated
from ..grids import CurvilinearGrid, Grid
from ..grids.base import Floats, Ints, to_unit_sphere

_FEW, _MANY = 4096, 4_000_000
"""Cells for which angles are computed anew each time, and for which all of a grid are kept (16 MB)."""
_METRES, _DEGREES = 10.0, 1e-4
"""Lengths of the steps along the y axis of a projection by which its direction is measured."""


class Orientation(Protocol):
    """Bearing of the y axis of a grid."""

    def north(self, cells: Ints) -> Floats:
        """Angle from true north to the grid's y axis in degrees, clockwise, at cells by flat index."""


class TrueNorth:
    """Axes along parallels and meridians."""

    def north(self, cells: Ints) -> Floats:
        return np.zeros(len(cells))


class ProjectedNorth:
    """The y axis of a projection or of a rotated pole."""

    def __init__(self, grid: Grid, crs: pyproj.CRS) -> None:
        self._grid = grid
        self._crs = crs

    def north(self, cells: Ints) -> Floats:
        if self._grid.size > _MANY or (len(cells) <= _FEW and "_all" not in self.__dict__):
            return self._at(cells)
        return self._all[cells]

    @cached_property
    def _all(self) -> NDArray[np.float32]:
        return self._at(np.arange(self._grid.size)).astype(np.float32)

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs("OGC:CRS84", self._crs, always_xy=True)

    @property
    def _step(self) -> float:
        if self._crs.is_geographic:
            return _DEGREES
        axes = self._crs.axis_info
        return _METRES / (axes[0].unit_conversion_factor if axes else 1.0)

    def _at(self, cells: Ints) -> Floats:
        """Measured by a small step up the y axis (down it, where the projection ends)."""
        lon, lat = self._grid.centres(cells)
        x, y = self._transformer.transform(lon, lat)
        x, y = np.asarray(x), np.asarray(y)
        start = self._tangent_points(x, y)
        with np.errstate(invalid="ignore"):
            away = self._tangent_points(x, y + self._step) - start
            back = start - self._tangent_points(x, y - self._step)
            found = np.where(np.isfinite(away).all(axis=-1)[..., None], away, back)
        lam, phi = np.radians(lon), np.radians(lat)
        east = np.stack((-np.sin(lam), np.cos(lam), np.zeros_like(lam)), axis=-1)
        north = np.stack(
            (-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)), axis=-1
        )
        return np.degrees(np.arctan2((found * east).sum(-1), (found * north).sum(-1)))

    def _tangent_points(self, x: Floats, y: Floats) -> Floats:
        """Points of the projection on the ellipsoid of the projection, in units of its equatorial radius."""
        lon, lat = self._transformer.transform(x, y, direction="INVERSE")
        lon = np.where(np.isfinite(lon), lon, np.nan)
        lat = np.where(np.isfinite(lat), lat, np.nan)
        eccentricity = _eccentricity(self._crs)
        radius = 1 / np.sqrt(1 - eccentricity * np.sin(np.radians(lat)) ** 2)
        points = to_unit_sphere(lon, lat) * radius[..., None]
        points[..., 2] *= 1 - eccentricity
        return points


class CurvilinearNorth:
    """Axes along the rows and columns of a mesh: the x axis points to the next centre of the row."""

    def __init__(self, grid: CurvilinearGrid) -> None:
        self._grid = grid

    def north(self, cells: Ints) -> Floats:
        row, column = np.divmod(cells, self._grid.shape[1])
        last = self._grid.shape[1] - 1
        before = self._points(row, np.maximum(column - 1, 0))
        here = self._points(row, column)
        after = self._points(row, np.minimum(column + 1, last))
        with np.errstate(invalid="ignore"):
            whole = after - before
            half = np.where(np.isfinite(after - here).all(-1)[:, None], after - here, here - before)
            along = np.where(np.isfinite(whole).all(-1)[:, None], whole, half)
        lon, lat = self._grid.centres(cells)
        lam, phi = np.radians(lon), np.radians(lat)
        east = -np.sin(lam) * along[:, 0] + np.cos(lam) * along[:, 1]
        north = (
            -np.sin(phi) * (np.cos(lam) * along[:, 0] + np.sin(lam) * along[:, 1])
            + np.cos(phi) * along[:, 2]
        )
        return -np.degrees(np.arctan2(north, east))

    def _points(self, row: Ints, column: Ints) -> Floats:
        return to_unit_sphere(*self._grid.centres(row * self._grid.shape[1] + column))


def orientation_of(grid: Grid, crs: str | None) -> Orientation | None:
    """Where the axes of a grid point; None for scattered cells, which do not lie along any."""
    projection = pyproj.CRS.from_user_input(crs) if crs is not None else None
    if projection is not None and not (projection.is_geographic and not is_rotated(projection)):
        return ProjectedNorth(grid, projection)
    if isinstance(grid, CurvilinearGrid):
        return CurvilinearNorth(grid)
    return None if grid.kind == "points" else TrueNorth()


def _eccentricity(crs: pyproj.CRS) -> float:
    """The first eccentricity of the ellipsoid, squared; 0 for spheres, and where a rotated pole turns angles alone."""
    ellipsoid = None if crs.is_geographic else crs.ellipsoid
    inverse = 0.0 if ellipsoid is None else ellipsoid.inverse_flattening
    flattening = 1 / inverse if inverse else 0.0
    return flattening * (2 - flattening)
