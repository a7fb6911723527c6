"""Latitude rows by longitude columns, in any order, from any origin, with equal or unequal spacing."""

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
    Indexer,
    Ints,
    Selection,
    as_points,
    in_frame,
    wrap180,
)

TOLERANCE = 1e-6
"""Degrees (0.1 m): rounding of coordinates near 0; the sides of a box reach a hundredth of a cell farther."""


class RectilinearGrid(Grid):
    """1-D latitudes by 1-D longitudes; array order (latitude, longitude).

    Longitudes may start anywhere (-180, 0, 180, 350), run west or east, and wrap in the middle of the list. A last
    column that repeats the first meridian is known as such and is never returned twice. Raises ValueError for
    coordinates that are not monotonic, not finite, or beyond the poles.
    """

    kind = "rectilinear"

    def __init__(
        self, lat: ArrayLike, lon: ArrayLike, *, lone: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        """``lone``: degrees that a cell is wide and high where it is the only one from west to east, south to north."""
        self.lat = np.array(lat, dtype=np.float64, ndmin=1)
        self.lon = np.array(lon, dtype=np.float64, ndmin=1)
        if not (np.isfinite(self.lat).all() and np.isfinite(self.lon).all()):
            raise ValueError("coordinates with missing values")
        if not (len(self.lat) and len(self.lon)):
            raise ValueError("no cells")
        if np.abs(self.lat).max() > 90 + 1e-3:
            raise ValueError("latitudes beyond the poles")
        self.shape = (len(self.lat), len(self.lon))
        self._row_order, self._rows = _sorted_rows(self.lat)
        self._column_order, self._columns = _sorted_columns(self.lon)
        step = typical_step(self._columns) if len(self._columns) > 1 else lone[0]
        height = typical_step(self._rows) if len(self._rows) > 1 else lone[1]
        self._step = (step, height)
        span = self._columns[-1] - self._columns[0]
        self.repeated = len(self._columns) > 2 and abs(span - 360.0) < min(
            TOLERANCE * 10, step / 100
        )
        if span > 360.0 + step / 100 and not self.repeated:
            raise ValueError("longitudes span more than 360 degrees")
        if self.repeated:
            self._column_order = self._column_order[:-1]
            self._columns = self._columns[:-1]
        count = len(self._columns)
        self.periodic = count > 1 and abs(count * step - 360.0) < step * 0.51
        self._row_edges = middle_edges(self._rows, height).clip(-90.0, 90.0)
        self._column_edges = middle_edges(self._columns, step)
        if self.periodic:
            middle = (self._columns[-1] + self._columns[0] + 360.0) / 2
            self._column_edges[0], self._column_edges[-1] = middle - 360.0, middle
            close_caps(self._row_edges, height)

    def locate_rows(self, lat: Floats) -> Ints:
        """Row of each latitude, -1 outside; a latitude between the last row and a near pole is in that row."""
        return self._row_order_lookup(_bin(self._row_edges, lat))

    def locate_columns(self, lon: Floats) -> Ints:
        """Column of each longitude, -1 outside."""
        moved = in_frame(lon, float(self._column_edges[0]))
        position = _bin(self._column_edges, moved)
        if self.periodic:
            position = np.where((position < 0) & np.isfinite(moved), 0, position)
        return np.where(position < 0, -1, self._column_order[position])

    def _row_order_lookup(self, position: Ints) -> Ints:
        return np.where(position < 0, -1, self._row_order[position])

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        x, y = as_points(lon, lat)
        row, column = self.locate_rows(y), self.locate_columns(x)
        return np.where((row < 0) | (column < 0), -1, row * self.shape[1] + column)

    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        """The four cells around each point with bilinear weights; outside of the centres, the nearest ones."""
        x, y = (part.ravel() for part in as_points(lon, lat))
        columns, column_weights = self._column_pair(x)
        rows, row_weights = _pair(self._rows, y)
        inside = self.locate(x, y) >= 0
        row_index = self._row_order[rows]
        column_index = self._column_order[columns]
        index = row_index[:, :, None] * self.shape[1] + column_index[:, None, :]
        weight = row_weights[:, :, None] * column_weights[:, None, :]
        flat_index = np.where(inside[:, None], index.reshape(len(x), 4), -1)
        flat_weight = np.where(inside[:, None], weight.reshape(len(x), 4), 0.0)
        return flat_index, flat_weight

    def _column_pair(self, lon: Floats) -> tuple[Ints, Floats]:
        if not self.periodic:
            return _pair(self._columns, in_frame(lon, float(self._column_edges[0])))
        ring = np.append(self._columns, self._columns[0] + 360.0)
        pair, weights = _pair(ring, in_frame(lon, float(ring[0])))
        return pair % len(self._columns), weights

    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        if index is None:
            x, y = np.meshgrid(self.lon, self.lat)
            return x.ravel(), y.ravel()
        row, column = np.divmod(np.asarray(index), self.shape[1])
        return self.lon[column], self.lat[row]

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        row, column = np.divmod(np.atleast_1d(np.asarray(index)), self.shape[1])
        row_position = _inverse(self._row_order, self.shape[0])[row]
        column_position = _inverse(self._column_order, self.shape[1], repeated=self.repeated)[
            column
        ]
        south, north = self._row_edges[row_position], self._row_edges[row_position + 1]
        west, east = self._column_edges[column_position], self._column_edges[column_position + 1]
        return np.stack((west, east, east, west), -1), np.stack((south, south, north, north), -1)

    def areas(self, index: ArrayLike | None = None) -> Floats:
        index = np.arange(self.size) if index is None else np.asarray(index)
        x, y = self.edges(index.ravel())
        band = np.sin(np.radians(y[:, 2])) - np.sin(np.radians(y[:, 0]))
        area = EARTH_RADIUS**2 * np.radians(x[:, 1] - x[:, 0]) * band
        if self.repeated:
            area = np.where(index.ravel() % self.shape[1] == self._repeated_column, 0.0, area)
        return area.reshape(index.shape)

    @cached_property
    def _repeated_column(self) -> int:
        return int(np.setdiff1d(np.arange(self.shape[1]), self._column_order)[0])

    def cover(self, bbox: Bbox | None) -> Selection:
        if bbox is None:
            return self._all()
        rows = self._covered_rows(bbox.south, bbox.north)
        columns, x = self._covered_columns(bbox)
        return Selection((as_indexer(rows), as_indexer(columns)), x, self.lat[rows], separable=True)

    def _all(self) -> Selection:
        columns = np.sort(self._column_order)
        return Selection(
            (slice(0, self.shape[0]), as_indexer(columns)), self._unwrapped[columns], self.lat, True
        )

    @cached_property
    def _unwrapped(self) -> Floats:
        """Longitudes in array order without jumps."""
        return _unwrap(self.lon)

    def _covered_rows(self, south: float, north: float) -> Ints:
        """Rows in array order."""
        reach = max(TOLERANCE, typical_step(self._rows) / 100)
        low = np.searchsorted(self._rows, south - reach, "left")
        high = np.searchsorted(self._rows, north + reach, "right")
        if high <= low:
            inside = self.locate_rows(np.array([(south + north) / 2]))
            return inside[inside >= 0]
        rows = self._row_order[low:high]
        return rows if self._row_order[0] < self._row_order[-1] else rows[::-1]

    def _covered_columns(self, bbox: Bbox) -> tuple[Ints, Floats]:
        """Columns going east from the west side of the box, with their longitudes in the frame of the box."""
        width = bbox.width
        reach = max(TOLERANCE, typical_step(self._columns) / 100)
        moved = in_frame(self._columns, bbox.west - reach)
        inside = np.flatnonzero(moved <= bbox.west + width + reach)
        if width >= 360:
            inside = np.arange(len(moved))
        if not len(inside):
            middle = bbox.west + width / 2
            column = self.locate_columns(np.array([middle]))
            column = column[column >= 0]
            return column, in_frame(self.lon[column], middle - 180.0)
        inside = inside[np.argsort(moved[inside], kind="stable")]
        return self._column_order[inside], moved[inside]

    @cached_property
    def extent(self) -> Bbox:
        south, north = float(self._row_edges[0]), float(self._row_edges[-1])
        if self.periodic:
            return Bbox(-180.0, south, 180.0, north)
        west = float(wrap180(self._column_edges[:1])[0])
        east = west + float(self._column_edges[-1] - self._column_edges[0])
        return Bbox(west, south, east if east <= 180.0 else east - 360.0, north)

    @property
    def spacing(self) -> tuple[float, float]:
        return self._step

    @property
    def west(self) -> float:
        """Smallest longitude of the grid's own list, without jumps: where it begins going east."""
        return float(self._columns[0])

    def describe(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "shape": list(self.shape),
            "latitude": {"first": float(self.lat[0]), "last": float(self.lat[-1])},
            "longitude": {"first": float(self.lon[0]), "last": float(self.lon[-1])},
            "spacing": [round(value, 6) for value in self.spacing],
            "periodic": self.periodic,
        }

    def _identity(self) -> tuple[Any, ...]:
        lone = self._step if 1 in self.shape else ()
        return (self.shape, np.round(self.lat, 6), np.round(self.lon, 6), lone)


def _sorted_rows(lat: Floats) -> tuple[Ints, Floats]:
    """Order that sorts latitudes ascending, and the sorted latitudes."""
    step = np.diff(lat)
    if not ((step > 0).all() or (step < 0).all()):
        raise ValueError("latitudes are not monotonic")
    order = np.arange(len(lat), dtype=np.int64)
    if len(lat) > 1 and lat[0] > lat[-1]:
        order = order[::-1]
    return order, lat[order]


def _unwrap(lon: Floats) -> Floats:
    """Longitudes without the jump of 360 degrees that a list such as 180..359, 0..179 has."""
    step = np.diff(lon)
    jumps = np.zeros(len(lon))
    jumps[1:] = np.cumsum(np.where(np.abs(step) > 180.0, -360.0 * np.sign(step), 0.0))
    return lon + jumps


def _sorted_columns(lon: Floats) -> tuple[Ints, Floats]:
    """Order that sorts longitudes eastward without a jump, and those longitudes, starting in -180..180."""
    unwrapped = _unwrap(lon)
    step = np.diff(unwrapped)
    if not ((step > 0).all() or (step < 0).all()):
        raise ValueError("longitudes are not monotonic")
    order = np.arange(len(lon), dtype=np.int64)
    if len(lon) > 1 and unwrapped[0] > unwrapped[-1]:
        order = order[::-1]
    return order, unwrapped[order]


def typical_step(sorted_values: Floats) -> float:
    return float(np.median(np.diff(sorted_values))) if len(sorted_values) > 1 else 1.0


def middle_edges(values: Floats, step: float) -> Floats:
    """Cell boundaries half-way between centres; half a step beyond the outer ones."""
    middle = (values[1:] + values[:-1]) / 2
    first = values[0] - (values[1] - values[0] if len(values) > 1 else step) / 2
    last = values[-1] + (values[-1] - values[-2] if len(values) > 1 else step) / 2
    return np.concatenate(([first], middle, [last]))


def close_caps(edges: Floats, step: float) -> None:
    """Let the outer rows of Gaussian latitudes reach the poles: they end a quarter of a step before them."""
    if edges[0] + 90.0 < 0.4 * step:
        edges[0] = -90.0
    if 90.0 - edges[-1] < 0.4 * step:
        edges[-1] = 90.0


def _bin(edges: Floats, values: Floats) -> Ints:
    """Cell of each value: ``edges[i] <= value < edges[i + 1]``, the last closed; -1 outside."""
    position = np.searchsorted(edges, values, "right").astype(np.int64) - 1
    count = len(edges) - 1
    position = np.where(
        (position == count) & (values <= edges[-1] + TOLERANCE), count - 1, position
    )
    position = np.where((position < 0) & (values >= edges[0] - TOLERANCE), 0, position)
    return np.where((position >= 0) & (position < count) & np.isfinite(values), position, -1)


def _pair(values: Floats, targets: Floats) -> tuple[Ints, Floats]:
    """The two positions around each target in ascending ``values`` and their linear weights, clamped at the ends."""
    if len(values) == 1:
        return np.zeros((len(targets), 2), np.int64), np.tile([1.0, 0.0], (len(targets), 1))
    left = np.clip(np.searchsorted(values, targets, "right") - 1, 0, len(values) - 2)
    share = np.clip((targets - values[left]) / (values[left + 1] - values[left]), 0.0, 1.0)
    return np.stack((left, left + 1), -1), np.stack((1.0 - share, share), -1)


def _inverse(order: Ints, size: int, *, repeated: bool = False) -> Ints:
    """Position of each array index in sorted order; a repeated column stands where the first one does."""
    inverse = np.zeros(size, np.int64)
    inverse[order] = np.arange(len(order))
    if repeated:
        missing = np.setdiff1d(np.arange(size), order)
        inverse[missing] = 0
    return inverse


def as_indexer(index: Ints) -> Indexer:
    """A slice where the indices are consecutive (reading a slice is cheaper), else the indices."""
    if len(index) and index[-1] - index[0] + 1 == len(index) and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index
