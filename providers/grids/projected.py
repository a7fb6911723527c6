"""Evenly spaced cells in a projection: places are computed when asked for, nothing is kept for each cell."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyproj
from numpy.typing import ArrayLike
from pyproj.enums import TransformDirection

from config.errors import TooLarge

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
from .blocks import cells_near, picked
from .outline import limb

_NEAR = 1e-6
"""Degrees (0.1 m) that a box reaches farther than its sides; also cells that a point may lie outside of the rim."""
_SAME = 1e-5
"""Chord on the unit sphere (60 m) between a point and its own image."""
_KEPT = 1 << 18
"""So few cells keep their centres once they were computed."""
_MOST = 1 << 25
"""Cells of one selection: their coordinates alone are half a gigabyte."""
_LATTICE = 64
"""Cells along each side of a grid that stand for all of them."""
_THIN = 61
"""One of so many of these cells tells how far apart centres are."""
_RIM = 512
"""Points along each side of the outline."""


class ProjectedGrid(Grid):
    """Rows and columns of one size in the plane of a CRS; array order (row, column).

    ``affine`` are the six numbers ``a, b, c, d, e, f`` of ``x = a column + b row + c`` and
    ``y = d column + e row + f``, in the units of the CRS and x before y whatever its axis order, for columns and rows
    counted from the outer corner of the first cell (the order of rasterio's ``Affine``). Rotated poles are such a CRS,
    with degrees. Cells beyond the projection (space around a disc) have no longitude and latitude.

    Raises ValueError for an affine that has no inverse, and for a CRS that is none.
    """

    kind = "projected"
    cost: ClassVar[int] = 4

    def __init__(self, crs: str | pyproj.CRS, affine: ArrayLike, shape: tuple[int, int]) -> None:
        self.crs = pyproj.CRS.from_user_input(crs)
        a, b, c, d, e, f = (float(number) for number in np.ravel(affine)[:6])
        self.affine = (a, b, c, d, e, f)
        self.shape = (int(shape[0]), int(shape[1]))
        self._determinant = a * e - b * d
        if not np.isfinite(self.affine).all() or self._determinant == 0:
            raise ValueError("an affine transform that cannot be inverted")
        if min(self.shape) < 1:
            raise ValueError("no cells")

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.crs, "OGC:CRS84", always_xy=True)

    @cached_property
    def _is_angular(self) -> bool:
        """Whether x and y are degrees: rotated poles."""
        return bool(self.crs.is_geographic)

    @cached_property
    def is_upright(self) -> bool:
        """Whether rows and columns lie along the axes of the CRS."""
        return self.affine[1] == 0 and self.affine[3] == 0

    @cached_property
    def _turn(self) -> float:
        """x of a whole turn in columns, 0 where x does not go around the Earth (or not along a row)."""
        if not self.is_upright:
            return 0.0
        if self._is_angular:
            return 360.0 / abs(self.affine[0])
        method = self._method
        if not ("mercator" in method or "cylindrical" in method):
            return 0.0
        if "transverse" in method or "oblique" in method:
            return 0.0
        x, _ = self._transformer.transform(
            np.arange(4.0), np.zeros(4), direction=TransformDirection.INVERSE
        )
        return float(abs(np.median(np.diff(x)) * 360.0 / self.affine[0]))

    @cached_property
    def _is_periodic(self) -> bool:
        return bool(self._turn and abs(self._turn - self.shape[1]) < 0.01)

    # places

    def to_lonlat(self, column: ArrayLike, row: ArrayLike) -> tuple[Floats, Floats]:
        """Longitudes and latitudes of positions counted from the outer corner of the first cell, NaN without one."""
        a, b, c, d, e, f = self.affine
        column, row = as_points(column, row)
        x, y = a * column + b * row + c, d * column + e * row + f
        if self._is_angular:
            y = np.clip(y, -90.0, 90.0)
        lon, lat = (np.asarray(part) for part in self._transformer.transform(x, y))
        known = np.isfinite(lon) & np.isfinite(lat)
        return np.where(known, lon, np.nan), np.where(known, lat, np.nan)

    def positions(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Column and row of points, counted from the outer corner of the first cell; NaN outside of the projection."""
        x, y = as_points(lon, lat)
        good = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)
        east, north = self._transformer.transform(
            np.where(good, x, np.inf),
            np.where(good, y, np.inf),
            direction=TransformDirection.INVERSE,
        )
        a, b, c, d, e, f = self.affine
        with np.errstate(invalid="ignore"):
            if self._is_angular and not self.is_upright:
                middle = c + (a * self.shape[1] + b * self.shape[0]) / 2
                east = middle + (np.asarray(east) - middle + 180.0) % 360.0 - 180.0
            east, north = np.asarray(east) - c, np.asarray(north) - f
            column = (e * east - b * north) / self._determinant
            row = (a * north - d * east) / self._determinant
            if self._turn:
                column = column - self._turn * np.floor((column + _NEAR) / self._turn)
        good &= np.isfinite(column) & np.isfinite(row)
        return np.where(good, column, np.nan), np.where(good, row, np.nan)

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        column, row = self.positions(lon, lat)
        found: Ints = self._cell(column, row)
        if self._is_whole and not self._is_view:
            return found
        at = np.flatnonzero(found >= 0)
        seen = self._is_seen(*(part.ravel()[at] for part in (*as_points(lon, lat), column, row)))
        seen &= np.isfinite(self.centres(found.ravel()[at])[0])
        found.ravel()[at[~seen]] = -1
        return found

    def _is_seen(self, lon: Floats, lat: Floats, column: Floats, row: Floats) -> Any:
        """Whether points are where their positions are, and not behind the Earth."""
        back = to_unit_sphere(*self.to_lonlat(column, row))
        with np.errstate(invalid="ignore"):
            return np.linalg.norm(back - to_unit_sphere(lon, lat), axis=-1) < _SAME

    @cached_property
    def _is_view(self) -> bool:
        """Whether two points of the Earth, one behind the other, may have one position."""
        method = self._method
        return any(word in method for word in ("geostationary", "perspective", "orthographic"))

    @cached_property
    def _method(self) -> str:
        operation = self.crs.coordinate_operation
        return "" if operation is None else operation.method_name.lower()

    def _cell(self, column: Floats, row: Floats) -> Ints:
        rows, columns = self.shape
        with np.errstate(invalid="ignore"):
            inside = (row >= -_NEAR) & (row <= rows + _NEAR)
            inside &= (column >= -_NEAR) & (column <= columns + _NEAR)
        at = [
            np.clip(np.floor(np.where(inside, part, 0.0)), 0, size - 1).astype(np.int64)
            for part, size in ((row, rows), (column, columns))
        ]
        return np.where(inside, at[0] * columns + at[1], -1)

    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        """The four cells around each point with bilinear weights in the plane; at the rim, the nearest ones."""
        column, row = self.positions(lon, lat)
        column, row = column.ravel(), row.ravel()
        inside = self.locate(lon, lat).ravel() >= 0
        rows, columns = self.shape
        upper, lower, down = _pair(np.where(inside, row, 0.5), rows)
        left, right, across = self._columns_around(np.where(inside, column, 0.5))
        index = np.stack(
            [at_row * columns + at for at_row in (upper, lower) for at in (left, right)], -1
        )
        weight: Floats = np.stack(
            [high * wide for high in (1 - down, down) for wide in (1 - across, across)], -1
        )
        weight = np.where(inside[:, None], weight, 0.0)
        if not self._is_whole:
            weight = self._without_space(index, weight)
        return np.where(weight > 0, index, -1), weight

    def _columns_around(self, column: Floats) -> tuple[Ints, Ints, Floats]:
        columns = self.shape[1]
        if not self._is_periodic:
            return _pair(column, columns)
        away = column - 0.5
        left = np.floor(away).astype(np.int64)
        return left % columns, (left + 1) % columns, away - left

    def _without_space(self, index: Ints, weight: Floats) -> Floats:
        """Weights without those of cells that have no place, which sum to one again."""
        weight = np.where(np.isfinite(self.centres(index)[0]), weight, 0.0)
        total = weight.sum(axis=1, keepdims=True)
        return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)

    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        if self.size <= _KEPT:
            lon, lat = self._centres
            return (lon, lat) if index is None else (lon[np.asarray(index)], lat[np.asarray(index)])
        return self._compute(np.arange(self.size) if index is None else np.asarray(index))

    @cached_property
    def _centres(self) -> tuple[Floats, Floats]:
        return self._compute(np.arange(self.size))

    def _compute(self, index: Ints) -> tuple[Floats, Floats]:
        row, column = np.divmod(index, self.shape[1])
        return self.to_lonlat(column + 0.5, row + 0.5)

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        """The four corners; one beyond the projection is at the centre."""
        index = np.atleast_1d(np.asarray(index))
        row, column = (part[:, None] for part in np.divmod(index, self.shape[1]))
        x, y = self.to_lonlat(column + np.array([0, 1, 1, 0]), row + np.array([0, 0, 1, 1]))
        lon, lat = (part[:, None] for part in self.centres(index))
        known = np.isfinite(x) & np.isfinite(lon)
        x, y = np.where(known, x, lon), np.where(known, y, lat)
        return lon + (x - lon + 180.0) % 360.0 - 180.0, y

    def areas(self, index: ArrayLike | None = None) -> Floats:
        """Rotated poles: exact; else of the quadrilateral between the corners, as two spherical triangles."""
        index = np.arange(self.size) if index is None else np.asarray(index)
        if self._is_angular and self.is_upright:
            return self._bands[index // self.shape[1]]
        corner = to_unit_sphere(*self.edges(index.ravel()))
        area = _triangle(*(corner[:, at] for at in (0, 1, 2)))
        area += _triangle(*(corner[:, at] for at in (0, 2, 3)))
        return np.nan_to_num(area * EARTH_RADIUS**2).reshape(index.shape)

    @cached_property
    def _bands(self) -> Floats:
        """Area of a cell of each row between two parallels of the rotated sphere."""
        _, _, _, _, e, f = self.affine
        sides = np.sin(np.radians(np.clip(f + e * np.arange(self.shape[0] + 1), -90.0, 90.0)))
        return EARTH_RADIUS**2 * np.radians(abs(self.affine[0])) * np.abs(np.diff(sides))

    # boxes

    def cover(self, bbox: Bbox | None) -> Selection:
        """See :meth:`Grid.cover`; raises TooLarge for more cells than one answer can hold."""
        if bbox is None or bbox.is_global:
            return self._all(bbox)
        flat = self._candidates(bbox)
        lon, lat = self.centres(flat)
        x = in_frame(lon, bbox.west - _NEAR)
        inside = _is_inside(x, lat, bbox)
        if not inside.any():
            middle = bbox.west + bbox.width / 2
            flat = self.locate([middle], [(bbox.south + bbox.north) / 2])
            flat = flat[flat >= 0]
            lon, lat = self.centres(flat)
            return picked(flat, self.shape, in_frame(lon, middle - 180.0), lat)
        return picked(flat[inside], self.shape, x[inside], lat[inside])

    def window(self, bbox: Bbox | None) -> Selection:
        """The rectangle of rows and columns around the cells of a box; no place is computed for the whole grid."""
        rows, columns = self.shape
        if bbox is None or bbox.is_global:
            return Window(self, slice(0, rows), slice(0, columns))
        if self.size <= _MOST:
            found = self.cover(bbox)
            return Window(self, *found.indexers) if found.size else found
        x = np.linspace(bbox.west, bbox.west + bbox.width, _LATTICE + 1)
        y = np.linspace(bbox.south, bbox.north, _LATTICE + 1)[:, None]
        column, row = self.positions(x, y)
        if not np.isfinite(column).any():
            return self.cover(bbox)
        sides = [
            (
                int(np.clip(np.nanmin(part), 0, size)),
                int(np.clip(np.ceil(np.nanmax(part)), 0, size)),
            )
            for part, size in ((row, rows), (column, columns))
        ]
        (top, bottom), (left, right) = sides
        if top == bottom or left == right:
            return picked(np.empty(0, np.int64), self.shape, np.empty(0), np.empty(0))
        return Window(self, slice(top, bottom), slice(left, right))

    def plane(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """x of columns and y of rows (cell centres) in the CRS; raises ValueError where the grid is turned."""
        if not self.is_upright:
            raise ValueError("rows and columns do not lie along the axes of the CRS")
        a, _, c, _, e, f = self.affine
        x: Floats = c + a * (np.arange(columns.start, columns.stop) + 0.5)
        y: Floats = f + e * (np.arange(rows.start, rows.stop) + 0.5)
        return x, y

    def bounds(self, rows: slice, columns: slice) -> tuple[float, float, float, float]:
        """Least and greatest x and y of the edges of rows and columns, as (x, y, x, y)."""
        a, _, c, _, e, f = self.affine
        x = sorted((c + a * columns.start, c + a * columns.stop))
        y = sorted((f + e * rows.start, f + e * rows.stop))
        return x[0], y[0], x[1], y[1]

    def meets(self, bbox: Bbox) -> bool:
        """Whether any cell is in the box."""
        lon, lat = self.centres(self._sampled)
        if _is_inside(in_frame(lon, bbox.west - _NEAR), lat, bbox).any():
            return True
        return super().meets(bbox)

    def _all(self, bbox: Bbox | None) -> Selection:
        if self.size > _MOST:
            raise _too_large(self.size)
        lon, lat = self.centres()
        x = lon if bbox is None else in_frame(lon, bbox.west)
        if self._is_whole:
            return Selection(tuple(slice(0, size) for size in self.shape), x, lat, separable=False)
        known = np.flatnonzero(np.isfinite(lon))
        return picked(known, self.shape, x[known], lat[known])

    def _candidates(self, bbox: Bbox) -> Ints:
        """Cells that may have their centre in the box, in array order."""
        if self.size <= _KEPT:
            return np.arange(self.size)
        if self.size > _MOST:
            lon, lat = self.centres(self._sampled)
            share = _is_inside(in_frame(lon, bbox.west - _NEAR), lat, bbox).mean()
            if share * self.size > _MOST:
                raise _too_large(int(share * self.size))
        return cells_near(self.shape, self.to_lonlat, bbox)

    @cached_property
    def _sampled(self) -> Ints:
        """Cells in even rows and columns over the whole grid, rims included."""
        rows, columns = (
            np.unique(np.linspace(0, size - 1, 4 * _LATTICE + 1).round().astype(np.int64))
            for size in self.shape
        )
        return (rows[:, None] * self.shape[1] + columns).ravel()

    @cached_property
    def _is_whole(self) -> bool:
        """Whether all cells have a longitude and a latitude, as far as those along the rim and a lattice tell."""
        return bool(np.isfinite(self.centres(self._sampled)[0]).all())

    @cached_property
    def extent(self) -> Bbox:
        lon, lat = self._outline()
        south, north = float(lat.min()), float(lat.max())
        south = -90.0 if self.locate([0.0], [-90.0])[0] >= 0 else south
        north = 90.0 if self.locate([0.0], [90.0])[0] >= 0 else north
        west, east = spans(lon)
        if self._is_periodic or south == -90 or north == 90 or east - west > 359.0:
            return Bbox(-180.0, south, 180.0, north)
        return Bbox(west, south, east if east <= 180 else east - 360.0, north)

    def _outline(self) -> tuple[Floats, Floats]:
        """Points around the grid, and around the part of it that is on the Earth; raises ValueError when none is."""
        rows, columns = self.shape
        along = np.linspace(0, 1, _RIM + 1)
        none, full = np.zeros_like(along), np.ones_like(along)
        column = np.concatenate((along, along, none, full)) * columns
        row = np.concatenate((none, full, along, along)) * rows
        points = [self.to_lonlat(column, row)]
        if not self._is_whole or not np.isfinite(points[0][0]).all():
            points.append(limb(self.to_lonlat, self.shape))
        lon, lat = (np.concatenate(part) for part in zip(*points, strict=True))
        known = np.isfinite(lon)
        if not known.any():
            raise ValueError("no cell has coordinates")
        return lon[known], lat[known]

    @cached_property
    def spacing(self) -> tuple[float, float]:
        """Medians over the grid of the angles between neighbours along rows and columns."""
        row, column = (part + 0.5 for part in np.divmod(self._sampled[::_THIN], self.shape[1]))
        steps = []
        for across, down in ((0.5, 0.0), (0.0, 0.5)):
            sides = [
                to_unit_sphere(*self.to_lonlat(column + sign * across, row + sign * down))
                for sign in (-1, 1)
            ]
            steps.append(np.linalg.norm(sides[1] - sides[0], axis=-1))
        x, y = (round(float(np.degrees(np.nanmedian(step))), 6) for step in steps)
        return x, y

    def describe(self) -> dict[str, Any]:
        """CF names of the grid mapping and its parameters, the code of the CRS where it has one, and the affine."""
        return {
            "type": self.kind,
            "shape": list(self.shape),
            **self._mapping,
            "affine": list(self.affine),
            "spacing": list(self.spacing),
        }

    @cached_property
    def uri(self) -> str | None:
        """The CRS as OGC names it, None where no authority has it."""
        authority = self.crs.to_authority(min_confidence=100)
        if authority is None:
            return None
        return f"http://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"

    @cached_property
    def _mapping(self) -> dict[str, Any]:
        authority = self.crs.to_authority(min_confidence=100)
        facts = {
            name: value
            for name, value in self.crs.to_cf().items()
            if name != "crs_wkt" and value not in ("unknown", "undefined")
        }
        return {"crs": ":".join(authority) if authority else None, "grid_mapping": facts}

    def _identity(self) -> tuple[Any, ...]:
        return (self.shape, np.round(self.affine, 9), self.crs.to_wkt())


def _pair(position: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """The two cells around positions counted from a side, and the weight of the second."""
    away = np.clip(position - 0.5, 0.0, size - 1)
    first = np.minimum(np.floor(away).astype(np.int64), max(size - 2, 0))
    return first, np.minimum(first + 1, size - 1), away - first


def _is_inside(x: Floats, lat: Floats, bbox: Bbox) -> Any:
    """Points in a box, longitudes in its frame."""
    with np.errstate(invalid="ignore"):
        inside = (lat >= bbox.south - _NEAR) & (lat <= bbox.north + _NEAR)
        if bbox.width < 360:
            inside &= x <= bbox.west + bbox.width + _NEAR
    return inside


def _triangle(one: Floats, two: Floats, three: Floats) -> Floats:
    """Spherical excess of triangles of unit vectors (Van Oosterom and Strackee 1983)."""
    volume = (one * np.cross(two - one, three - one)).sum(-1)
    around = 1.0 + (one * two).sum(-1) + (two * three).sum(-1) + (three * one).sum(-1)
    return 2.0 * np.arctan2(np.abs(volume), around)


def _too_large(cells: int) -> TooLarge:
    return TooLarge(f"the box holds about {cells} cells; one answer holds at most {_MOST}")
