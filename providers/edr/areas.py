"""Cells inside of polygons, circles and corridors, by their centres."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from config.errors import NoData
from providers.cube import Cube, flat_cells
from providers.grids import Bbox, Selection
from providers.grids.base import Floats, Ints, as_points, in_frame, to_unit_sphere
from providers.semantics.sampling import selection_of

_GEOD = pyproj.Geod(ellps="WGS84")
_RADIUS = 6_371_009.0
_FLATTENING = 0.01
"""Share by which a distance on the mean sphere may differ from that on the ellipsoid."""
_POLE = 89.0
"""Circles that reach this far north or south are looked for on all longitudes."""
_DEGREE = 110_574.0
"""Metres of a degree of latitude at the equator, where it is shortest."""


def in_polygon(cube: Cube, area: BaseGeometry) -> Selection:
    """Cells whose centre is in a polygon or several (EDR 1.1, 8.2.4), its rim included.

    A polygon narrower than the cells takes the cell in its middle. Longitudes go on over 180 degrees in the polygon's
    own frame. Raises NoData where no cell is.
    """
    west, south, east, north = area.bounds
    cells, x, y = _candidates(cube, Bbox(west, south, east, north))
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, x, y)
    if inside.any():
        return _taken(cube, cells[inside], x[inside])
    middle = shapely.point_on_surface(area)
    return _single(cube, middle.x, middle.y)


def in_circle(cube: Cube, lon: float, lat: float, radius: float) -> Selection:
    """Cells whose centre is at most ``radius`` metres away along the ellipsoid (8.2.2), or the one around the point."""
    reach = radius / _DEGREE + 1e-6
    if abs(lat) + reach >= _POLE:
        box = Bbox(-180.0, max(lat - reach, -90.0), 180.0, min(lat + reach, 90.0))
    else:
        wide = reach / np.cos(np.radians(abs(lat) + reach))
        box = (
            Bbox(lon - wide, lat - reach, lon + wide, lat + reach)
            if wide < 180
            else Bbox(-180.0, lat - reach, 180.0, lat + reach)
        )
    cells, x, y = _candidates(cube, box)
    if len(cells):
        angle = (
            np.linalg.norm(to_unit_sphere(x, y) - to_unit_sphere(*as_points(lon, lat)), axis=-1) / 2
        )
        about = 2 * _RADIUS * np.arcsin(np.minimum(angle, 1.0))
        inside = about <= radius
        unsure = np.flatnonzero(np.abs(about - radius) <= _FLATTENING * radius)
        centre = np.full(len(unsure), lon), np.full(len(unsure), lat)
        _, _, away = _GEOD.inv(*centre, x[unsure], y[unsure])
        inside[unsure] = away <= radius
        if inside.any():
            return _taken(cube, cells[inside], in_frame(x[inside], lon - 180.0))
    return _single(cube, lon, lat)


def near_path(cube: Cube, lon: Floats, lat: Floats, distance: float) -> Selection:
    """Cells whose centre is at most ``distance`` metres from a path of points near to each other (8.2.8)."""
    reach = distance / _DEGREE
    south, north = float(lat.min()) - reach, float(lat.max()) + reach
    if max(abs(south), abs(north)) >= _POLE:
        box = Bbox(-180.0, max(south, -90.0), 180.0, min(north, 90.0))
    else:
        wide = reach / np.cos(np.radians(max(abs(south), abs(north))))
        west, east = float(lon.min()) - wide, float(lon.max()) + wide
        box = Bbox(west, south, east, north) if east - west < 360 else Bbox(-180, south, 180, north)
    cells, x, y = _candidates(cube, box)
    inside = _within(x, y, lon, lat, distance)
    if not inside.any():
        return _single(cube, float(lon[0]), float(lat[0]))
    return _taken(cube, cells[inside], in_frame(x[inside], float(lon.min()) - 180.0))


def _within(x: Floats, y: Floats, lon: Floats, lat: Floats, distance: float) -> NDArray[np.bool_]:
    """Which places are near a path: candidates by a tree on the unit sphere, then measured along the ellipsoid."""
    if not len(x):
        return np.zeros(0, bool)
    chord, nearest = cKDTree(to_unit_sphere(lon, lat)).query(to_unit_sphere(x, y))
    inside = np.asarray(chord * 6_400_000.0 <= distance * 1.02)
    at = np.flatnonzero(inside)
    _, _, away = _GEOD.inv(x[at], y[at], lon[nearest[at]], lat[nearest[at]])
    inside[at] = away <= distance
    return inside


def _candidates(cube: Cube, box: Bbox) -> tuple[Ints, Floats, Floats]:
    """Cells around a box: flat index, longitude in its frame, latitude."""
    found = cube.grid.cover(box)
    if not found.size:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    cells = flat_cells(found, cube.grid.shape)
    if not found.separable:
        return cells, np.asarray(found.x), np.asarray(found.y)
    x, y = np.meshgrid(found.x, found.y)
    return cells, x.reshape(-1), y.reshape(-1)


def _taken(cube: Cube, cells: Ints, x: Floats) -> Selection:
    found = selection_of(cube, cells)
    return Selection(found.indexers, x, found.y, separable=False, pick=found.pick)


def _single(cube: Cube, lon: float, lat: float) -> Selection:
    """The cell that holds a point; raises NoData."""
    cell = int(cube.grid.locate(lon, lat))
    if cell < 0:
        raise NoData("coords: no cells there", parameter="coords")
    cells = np.array([cell])
    x, _ = cube.grid.centres(cells)
    return _taken(cube, cells, in_frame(x, lon - 180.0))
