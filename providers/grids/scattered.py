"""Cells found by their distance: curvilinear meshes, unstructured cells, stations and swaths.

A KD-tree on the unit sphere answers ``locate``; a point farther from the nearest centre than that cell's own radius
is outside. Where a cell ends is not stored in such data, so the radius comes from its neighbours.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .base import (
    EARTH_RADIUS,
    Bbox,
    Floats,
    Grid,
    Ints,
    Selection,
    Window,
    as_points,
    in_frame,
    spans,
    to_unit_sphere,
)
from .blocks import picked
from .rectilinear import as_indexer

STATION_RADIUS = np.radians(0.25)
"""Chord on the unit sphere within which a lone point answers for its surroundings (28 km)."""


_FEWEST_CELLS = 64
"""Fewer points than these are stations, however evenly they lie."""
_SEAM = 5.0
"""A neighbour this many times farther than the one on the other side, and than is usual in the mesh, is across a
fold or seam (or has no coordinates of its own)."""


class ScatteredGrid(Grid):
    """What curvilinear and point grids share: centres, a tree, a radius per cell."""

    cost = 8

    def __init__(self, lon: Floats, lat: Floats) -> None:
        if lon.shape != lat.shape:
            raise ValueError("longitudes and latitudes have different shapes")
        self.shape = lon.shape
        self._lon, self._lat = lon.ravel().astype(np.float64), lat.ravel().astype(np.float64)
        with np.errstate(invalid="ignore"):
            good = np.isfinite(self._lon) & np.isfinite(self._lat)
            good &= (np.abs(self._lat) <= 90 + 1e-3) & (np.abs(self._lon) <= 720)
        self._known = np.flatnonzero(good)
        if not len(self._known):
            raise ValueError("no cell has coordinates")
        known_lon, known_lat = self._lon[self._known], self._lat[self._known]
        if len(known_lon) > 3 and np.ptp(known_lon) == 0 and np.ptp(known_lat) == 0:
            raise ValueError("all cells have the same coordinates")

    @cached_property
    def _tree(self) -> Any:
        # imported here: half a second that servers of regular grids alone need not wait
        from scipy.spatial import cKDTree

        return cKDTree(to_unit_sphere(self._lon[self._known], self._lat[self._known]))

    @cached_property
    def _radius(self) -> Floats:
        """Chord per known cell beyond which a point is outside."""
        return self._radii()

    def _radii(self) -> Floats:
        raise NotImplementedError

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        x, y = as_points(lon, lat)
        found = np.full(x.shape, -1, np.int64)
        finite = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)
        points = to_unit_sphere(x[finite], y[finite])
        distance, nearest = self._tree.query(points)
        inside = distance <= self._radius[nearest] + 1e-12
        cells = np.where(inside, self._known[nearest], -1)
        left = np.flatnonzero(~inside & (distance <= self._farthest))
        if len(left):
            cells[left] = self._within_reach(points[left])
        found[finite] = cells
        return found

    @cached_property
    def _farthest(self) -> float:
        return float(self._radius.max())

    def _within_reach(self, points: Floats) -> Ints:
        """Of the next neighbours the nearest whose radius holds the point, -1 where none does.

        Where a mesh is stretched the nearest centre may belong to a small cell beside the large one that holds the
        point.
        """
        count = min(8, len(self._known))
        distance, nearest = self._tree.query(points, k=list(range(1, count + 1)))
        holds = distance <= self._radius[nearest] + 1e-12
        first = np.argmax(holds, axis=1)
        chosen = self._known[nearest[np.arange(len(points)), first]]
        return np.where(holds.any(axis=1), chosen, -1)

    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        """The (up to) four nearest cells, weighted by inverse distance."""
        x, y = (part.ravel() for part in as_points(lon, lat))
        inside = (self.locate(x, y) >= 0)[:, None]
        points = to_unit_sphere(np.where(inside[:, 0], x, 0.0), np.where(inside[:, 0], y, 0.0))
        count = min(4, len(self._known))
        distance, nearest = self._tree.query(points, k=list(range(1, count + 1)))
        weight = 1.0 / np.maximum(distance, 1e-12)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.where(inside, self._known[nearest], -1), np.where(inside, weight, 0.0)

    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        if index is None:
            return self._lon, self._lat
        return self._lon[np.asarray(index)], self._lat[np.asarray(index)]

    def cover(self, bbox: Bbox | None) -> Selection:
        if bbox is None or bbox.is_global:
            flat = self._known
            x = self._lon[flat] if bbox is None else in_frame(self._lon[flat], bbox.west)
        else:
            flat, x = self._covered(bbox)
        return self._selection(flat, x)

    def _covered(self, bbox: Bbox) -> tuple[Ints, Floats]:
        lon, lat = self._lon[self._known], self._lat[self._known]
        moved = in_frame(lon, bbox.west - 1e-6)
        inside = (lat >= bbox.south - 1e-6) & (lat <= bbox.north + 1e-6)
        if bbox.width < 360:
            inside &= moved <= bbox.west + bbox.width + 1e-6
        if inside.any():
            return self._known[inside], moved[inside]
        middle = bbox.west + bbox.width / 2
        flat = self.locate([middle], [(bbox.south + bbox.north) / 2])
        flat = flat[flat >= 0]
        return flat, in_frame(self._lon[flat], middle - 180.0)

    def _selection(self, flat: Ints, x: Floats) -> Selection:
        """Read the smallest block of array rows and columns that holds the cells, then pick them."""
        y = self._lat[flat]
        if len(self.shape) == 1:
            return Selection((as_indexer(flat),), x, y, separable=False)
        return picked(flat, self.shape, x, y)

    @cached_property
    def extent(self) -> Bbox:
        lon, lat = self._lon[self._known], self._lat[self._known]
        west, east = spans(lon)
        margin_x, margin_y = self._margin
        south, north = float(lat.min()) - margin_y, float(lat.max()) + margin_y
        south = -90.0 if self._holds_pole(-90.0) else max(south, -90.0)
        north = 90.0 if self._holds_pole(90.0) else min(north, 90.0)
        if east - west + 2 * margin_x >= 360 - 1e-6 or south == -90 or north == 90:
            west, east = -180.0, 180.0
        else:
            west, east = west - margin_x, east + margin_x
            west, east = (
                (west if west >= -180 else west + 360),
                (east if east <= 180 else east - 360),
            )
        return Bbox(float(west), float(south), float(east), float(north))

    def _holds_pole(self, pole: float) -> bool:
        """A limited area across a pole covers every longitude."""
        farthest = np.sign(pole) * self._lat[self._known]
        return bool(farthest.max() > 60 and self.locate([0.0], [pole])[0] >= 0)

    @property
    def _margin(self) -> tuple[float, float]:
        """Half a cell in degrees beyond the outermost centres."""
        half = float(np.degrees(np.median(self._radius))) / np.sqrt(2.0)
        middle = float(np.median(self._lat[self._known]))
        return half / max(np.cos(np.radians(middle)), 0.1), half

    @cached_property
    def spacing(self) -> tuple[float, float]:
        step = round(float(np.degrees(np.median(self._radius)) * np.sqrt(2.0)), 6)
        return step, step

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        """A square of the cell's radius around its centre: the data do not say more."""
        index = np.atleast_1d(np.asarray(index))
        half = np.degrees(self._radius_of(index)) / np.sqrt(2.0)
        x, y = self.centres(index)
        stretch = half / np.maximum(np.cos(np.radians(y)), 1e-6)
        corners_x = np.stack((x - stretch, x + stretch, x + stretch, x - stretch), -1)
        corners_y = np.stack((y - half, y - half, y + half, y + half), -1).clip(-90.0, 90.0)
        return corners_x, corners_y

    def areas(self, index: ArrayLike | None = None) -> Floats:
        index = np.arange(self.size) if index is None else np.asarray(index)
        return 2.0 * (self._radius_of(index) * EARTH_RADIUS) ** 2

    def _radius_of(self, index: Ints) -> Floats:
        radius = np.zeros(self.size)
        radius[self._known] = self._radius
        return radius[index]

    def _identity(self) -> tuple[Any, ...]:
        return (self.shape, np.round(self._lon, 6), np.round(self._lat, 6))


class CurvilinearGrid(ScatteredGrid):
    """2-D longitudes and latitudes over two array dimensions (ocean models, rotated poles, projections)."""

    kind = "curvilinear"

    def __init__(self, lon: ArrayLike, lat: ArrayLike) -> None:
        x, y = as_points(lon, lat)
        if x.ndim != 2:
            raise ValueError("curvilinear coordinates need two dimensions")
        super().__init__(x, y)

    def _radii(self) -> Floats:
        points = to_unit_sphere(self._lon, self._lat).reshape(*self.shape, 3)
        along_x = _cell_step(points, axis=1)
        along_y = _cell_step(points, axis=0)
        radius = 0.5 * np.hypot(along_x, along_y) * 1.05
        return radius.ravel()[self._known]

    def window(self, bbox: Bbox | None) -> Selection:
        """The rectangle of rows and columns around the cells of a box."""
        if bbox is None or bbox.is_global:
            rows, columns = self.shape
            return Window(self, slice(0, rows), slice(0, columns))
        found = self.cover(bbox)
        return Window(self, *found.indexers) if found.size else found

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        """Corners half-way to the diagonal neighbours, extrapolated at the rim."""
        index = np.atleast_1d(np.asarray(index))
        corners = self._corners
        row, column = np.divmod(index, self.shape[1])
        quad = np.stack(
            (
                corners[row, column],
                corners[row, column + 1],
                corners[row + 1, column + 1],
                corners[row + 1, column],
            ),
            axis=1,
        )
        x = np.degrees(np.arctan2(quad[..., 1], quad[..., 0]))
        y = np.degrees(np.arcsin(np.clip(quad[..., 2], -1.0, 1.0)))
        centre = self._lon[index][:, None]
        return centre + (x - centre + 180.0) % 360.0 - 180.0, y

    @cached_property
    def _corners(self) -> Floats:
        """Unit vectors of cell corners, shape (rows + 1, columns + 1, 3)."""
        points = to_unit_sphere(self._lon, self._lat).reshape(*self.shape, 3)
        padded = _extrapolate(_extrapolate(points, 0), 1)
        corner = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
        return corner / np.linalg.norm(corner, axis=-1, keepdims=True)

    def areas(self, index: ArrayLike | None = None) -> Floats:
        """Area of the quadrilateral between the corners, as two flat triangles."""
        index = np.arange(self.size) if index is None else np.asarray(index)
        x, y = self.edges(index.ravel())
        corner = to_unit_sphere(x, y)
        first = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        second = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 0])
        flat = (np.linalg.norm(first, axis=-1) + np.linalg.norm(second, axis=-1)) / 2
        return (flat * EARTH_RADIUS**2).reshape(index.shape)

    def describe(self) -> dict[str, Any]:
        return {"type": self.kind, "shape": list(self.shape), "spacing": list(self.spacing)}


class PointGrid(ScatteredGrid):
    """Cells along one dimension: ICON and other unstructured meshes, stations, swaths.

    ``radius`` (degrees) says how far a point answers; without it a mesh takes it from its neighbours, and a handful of
    points takes a quarter of a degree.
    """

    kind = "points"

    def __init__(self, lon: ArrayLike, lat: ArrayLike, *, radius: float | None = None) -> None:
        x, y = as_points(np.atleast_1d(lon), np.atleast_1d(lat))
        super().__init__(x.ravel(), y.ravel())
        self._stated = None if radius is None else float(np.radians(radius))

    @property
    def is_sparse(self) -> bool:
        """Lone points (stations), which do not cover the area between them."""
        return not self._is_mesh

    @cached_property
    def _typical(self) -> Floats:
        """Median distance of each point to its six nearest neighbours, as a chord."""
        places, back = np.unique(
            self._lon[self._known] + 1j * self._lat[self._known], return_inverse=True
        )
        tree = self._tree
        # among many points at one place, looking for others takes for ever
        crowded = len(places) < len(back)
        if crowded:
            tree = type(tree)(to_unit_sphere(places.real, places.imag))
        distance, _ = tree.query(tree.data, k=7)
        away = np.where(distance[:, 1:] > 1e-9, distance[:, 1:], np.inf)
        typical = np.median(away, axis=1)
        found = np.where(np.isfinite(typical), typical, STATION_RADIUS)
        return found[back.ravel()] if crowded else found

    @cached_property
    def _is_mesh(self) -> bool:
        """Whether the points lie evenly enough to be the centres of cells that tile an area."""
        if self._stated is not None or len(self._known) < _FEWEST_CELLS:
            return False
        return bool(np.percentile(self._typical, 90) < 3 * np.median(self._typical))

    @property
    def _margin(self) -> tuple[float, float]:
        return (0.0, 0.0) if self.is_sparse else super()._margin

    def _radii(self) -> Floats:
        if self._is_mesh:
            return self._typical
        return np.full(len(self._known), STATION_RADIUS if self._stated is None else self._stated)

    def describe(self) -> dict[str, Any]:
        return {"type": self.kind, "shape": list(self.shape)}

    def _identity(self) -> tuple[Any, ...]:
        return (*super()._identity(), self._stated)


def _cell_step(points: Floats, axis: int) -> Floats:
    """Distance to the next centre along an axis, taking the farther side unless it is a fold or a seam."""
    if points.shape[axis] < 2:
        return np.full(points.shape[:2], 2.0 * STATION_RADIUS)
    step = np.linalg.norm(np.diff(points, axis=axis), axis=-1)
    edge = np.take(step, [0], axis), np.take(step, [-1], axis)
    before = np.concatenate((edge[0], step), axis)
    after = np.concatenate((step, edge[1]), axis)
    with np.errstate(invalid="ignore"):
        wide, narrow = np.fmax(before, after), np.fmin(before, after)
        narrow = np.where(narrow > 0, narrow, wide)
        seam = (wide > _SEAM * narrow) & (wide > _SEAM * np.nanmedian(wide))
        step = np.where(seam, 2.0 * narrow, wide)
        return np.nan_to_num(step, nan=0.0)


def _extrapolate(points: Floats, axis: int) -> Floats:
    """One more row (or column) on both sides, continuing the last step."""
    count = points.shape[axis]
    first, second = np.take(points, [0], axis), np.take(points, [min(1, count - 1)], axis)
    last, before = np.take(points, [-1], axis), np.take(points, [max(count - 2, 0)], axis)
    return np.concatenate((2 * first - second, points, 2 * last - before), axis)
