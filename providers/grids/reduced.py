"""Latitude rows of different numbers of points: reduced and octahedral Gaussian grids, reduced latitude-longitude."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .base import EARTH_RADIUS, Bbox, Floats, Grid, Ints, Selection, as_points, in_frame, wrap180
from .rectilinear import TOLERANCE, as_indexer, close_caps, middle_edges, typical_step

_NEAR = 1e-6
"""Degrees (0.1 m) that a box reaches farther than its sides."""
_STEPS = 4
"""Of Newton, whose first guess is good to some thousandths of a row."""


@lru_cache(maxsize=16)
def gaussian_latitudes(number: int) -> Floats:
    """The 2 ``number`` latitudes of a Gaussian grid from north to south: roots of the Legendre polynomial."""
    rows = 2 * number
    root = np.cos(np.pi * (np.arange(1, number + 1) - 0.25) / (rows + 0.5))
    for _ in range(_STEPS):
        before, value = np.ones_like(root), root
        for degree in range(2, rows + 1):
            before, value = (
                value,
                ((2 * degree - 1) * root * value - (degree - 1) * before) / degree,
            )
        slope = rows * (before - root * value) / (1.0 - root * root)
        root = root - value / slope
    north = np.degrees(np.arcsin(root))
    found = np.concatenate((north, -north[::-1]))
    found.flags.writeable = False
    return found


class ReducedGaussianGrid(Grid):
    """Rows of evenly spaced cells along one array dimension, row after row, each with its own number of them.

    ``lat`` has one latitude per row, in any order and with any spacing; ``counts`` the cells of each row (0 for a
    row that a limited area does not have); ``first`` the longitude of the first cell, for all rows or for each;
    ``step`` the degrees between cells, without it those of full circles. Cells run east. A cell reaches half-way to
    the next row and column; outer rows of full circles reach the poles when they are about half a row away.

    Raises ValueError for latitudes that repeat, are not finite or beyond the poles, and for rows of more than a circle.
    """

    kind = "reduced_gaussian"
    cost: ClassVar[int] = 2

    def __init__(
        self,
        lat: ArrayLike,
        counts: ArrayLike,
        *,
        first: ArrayLike = 0.0,
        step: ArrayLike | None = None,
    ) -> None:
        self.lat = np.array(lat, np.float64, ndmin=1)
        self.counts = np.array(counts, np.int64, ndmin=1)
        if self.lat.ndim != 1 or self.counts.shape != self.lat.shape or not self.counts.sum():
            raise ValueError("reduced rows need one latitude and one count each, and cells")
        if not np.isfinite(self.lat).all() or np.abs(self.lat).max() > 90 + 1e-3:
            raise ValueError("latitudes that are missing or beyond the poles")
        if self.counts.min() < 0:
            raise ValueError("rows with less than no cells")
        rows = self.lat.shape
        self._first = np.broadcast_to(np.asarray(first, np.float64), rows)
        circle = 360.0 / np.maximum(self.counts, 1)
        self._step = circle if step is None else np.broadcast_to(np.asarray(step, np.float64), rows)
        if not (self._step > 0).all() or not np.isfinite(self._first).all():
            raise ValueError("rows without first longitudes or with steps that are not positive")
        if (self._step * self.counts > 360.0 + self._step / 100).any():
            raise ValueError("rows of more than 360 degrees")
        self._is_ring = np.abs(self._step - circle) * self.counts < self._step / 100
        self._step = np.where(self._is_ring, circle, self._step)
        self._starts = np.concatenate(([0], np.cumsum(self.counts)))
        self.shape = (int(self._starts[-1]),)
        self._order = np.argsort(self.lat, kind="stable")
        self._rows = self.lat[self._order]
        if (np.diff(self._rows) <= 0).any():
            raise ValueError("latitudes that repeat")
        row_step = typical_step(self._rows)
        self._row_edges = middle_edges(self._rows, row_step).clip(-90.0, 90.0)
        if self._is_ring[self._order[[0, -1]]].all():
            close_caps(self._row_edges, row_step)

    def _row_of(self, lat: Floats) -> Ints:
        """Position of each latitude in the sorted rows, -1 outside."""
        position = np.searchsorted(self._row_edges, lat, "right") - 1
        last = len(self._rows) - 1
        position = np.where(
            (position > last) & (lat <= self._row_edges[-1] + TOLERANCE), last, position
        )
        position = np.where((position < 0) & (lat >= self._row_edges[0] - TOLERANCE), 0, position)
        return np.where(position > last, -1, position)

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        known = np.isfinite(x)
        position = self._row_of(y)  # rows of an open mesh are looked up once
        row = self._order[position]
        column = self._column(row, np.where(known, x, 0.0))
        found = (position >= 0) & known & (column >= 0)
        return np.where(found, self._starts[row] + column, -1)

    def _column(self, row: Ints, lon: Floats) -> Ints:
        """Column of longitudes in their rows, -1 where the row does not reach them."""
        step, count = self._step[row], self.counts[row]
        away = (lon - self._first[row]) / step + 0.5
        turn = 360.0 / step
        away = away - turn * np.floor((away + TOLERANCE / step) / turn)
        column = np.maximum(np.floor(away), 0.0).astype(np.int64)
        if self._all_rings:
            return np.where(column >= count, 0, column)
        rim = (column == count) & (away - count <= TOLERANCE / step)
        column = np.where(rim, count - 1, column)
        column = np.where(self._is_ring[row] & (column > count), 0, column)
        return np.where(column < count, column, -1)

    @cached_property
    def _all_rings(self) -> bool:
        return bool(self._is_ring.all() and self.counts.min() > 0)

    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        """Two cells in each of the two rows around a point, bilinear; outside of the centres, the nearest ones."""
        x, y = (part.ravel() for part in as_points(lon, lat))
        inside = self.locate(x, y) >= 0
        x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
        south = np.clip(np.searchsorted(self._rows, y, "right") - 1, 0, max(len(self._rows) - 2, 0))
        north = np.minimum(south + 1, len(self._rows) - 1)
        height = np.maximum(self._rows[north] - self._rows[south], 1e-12)
        share = np.clip((y - self._rows[south]) / height, 0.0, 1.0)
        lower, upper = self._order[south], self._order[north]
        share = np.where(
            self.counts[upper] == 0, 0.0, np.where(self.counts[lower] == 0, 1.0, share)
        )
        parts = [
            self._pair(row, x, weight) for row, weight in ((lower, 1.0 - share), (upper, share))
        ]
        index, weight = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        weight = np.where(inside[:, None], weight, 0.0)
        return np.where(inside[:, None] & (weight > 0), index, -1), weight

    def _pair(self, row: Ints, lon: Floats, weight: Floats) -> tuple[Ints, Floats]:
        """The two cells of a row around a longitude, shape (points, 2); the row's weight is shared between them."""
        count, step = self.counts[row], self._step[row]
        away = (lon - self._first[row]) / step
        turn = 360.0 / step
        away = away - turn * np.floor((away + 0.5 + TOLERANCE / step) / turn)
        limit = np.maximum(count - 1, 0)
        ring = self._is_ring[row]
        away = np.where(ring, away, np.clip(away, 0.0, limit))
        left = np.floor(away)
        share = away - left
        left = left.astype(np.int64)
        ends = np.where(ring, np.maximum(count, 1), np.iinfo(np.int64).max)
        columns = np.stack((left % ends, np.where(ring, (left + 1) % ends, left + 1)), -1)
        columns = np.minimum(columns, limit[:, None])
        shares = np.stack((1.0 - share, share), -1) * weight[:, None]
        return self._starts[row][:, None] + columns, shares

    def _place(self, index: ArrayLike | None) -> tuple[Ints, Ints]:
        """Row and column of cells."""
        if index is None:
            row = np.repeat(np.arange(len(self.lat)), self.counts)
            return row, np.arange(self.size) - self._starts[row]
        flat = np.asarray(index, np.int64)
        row = np.searchsorted(self._starts, flat, "right") - 1
        return row, flat - self._starts[row]

    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        row, column = self._place(index)
        return self._first[row] + column * self._step[row], self.lat[row]

    @cached_property
    def _sides(self) -> tuple[Floats, Floats]:
        """South and north edge of each row, in array order."""
        south, north = np.empty_like(self.lat), np.empty_like(self.lat)
        south[self._order], north[self._order] = self._row_edges[:-1], self._row_edges[1:]
        return south, north

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        row, column = self._place(np.atleast_1d(np.asarray(index)))
        south, north = (side[row] for side in self._sides)
        west = self._first[row] + (column - 0.5) * self._step[row]
        east = west + self._step[row]
        return np.stack((west, east, east, west), -1), np.stack((south, south, north, north), -1)

    def areas(self, index: ArrayLike | None = None) -> Floats:
        row, _ = self._place(index)
        south, north = self._sides
        band = np.sin(np.radians(north)) - np.sin(np.radians(south))
        return (EARTH_RADIUS**2 * np.radians(self._step) * band)[row]

    def cover(self, bbox: Bbox | None) -> Selection:
        if bbox is None or bbox.is_global:
            lon, lat = self.centres()
            x = lon if bbox is None else in_frame(lon, bbox.west)
            return Selection((slice(0, self.size),), x, lat, separable=False)
        inside = (self._rows >= bbox.south - _NEAR) & (self._rows <= bbox.north + _NEAR)
        row, column, count, turn = self._runs(np.sort(self._order[inside]), bbox)
        if not count.sum():
            return self._around(bbox)
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        rows, columns = np.repeat(row, count), np.repeat(column, count) + within
        x = self._first[rows] + columns * self._step[rows] + np.repeat(turn, count)
        return Selection(
            (as_indexer(self._starts[rows] + columns),), x, self.lat[rows], separable=False
        )

    def _runs(self, rows: Ints, bbox: Bbox) -> tuple[Ints, Ints, Ints, Floats]:
        """Runs of cells of a box, in array order: row, first column, number of them, whole turns to the box."""
        step, first, counts = self._step[rows], self._first[rows], self.counts[rows]
        west, east = bbox.west - _NEAR, bbox.west + bbox.width + _NEAR
        if bbox.width >= 360.0:
            east = west + 360.0 - 1e-9
        turns = np.ceil((west - first - step * counts) / 360.0)[:, None] + np.arange(3)
        start = first[:, None] + 360.0 * turns
        low = np.ceil((west - start) / step[:, None]).clip(0, counts[:, None])
        high = (np.floor((east - start) / step[:, None]) + 1).clip(low, counts[:, None])
        row = np.broadcast_to(rows[:, None], low.shape)
        low, high, turns = (
            low.ravel().astype(np.int64),
            high.ravel().astype(np.int64),
            turns.ravel(),
        )
        order = np.lexsort((low, row.ravel()))
        order = order[(high > low)[order]]
        return row.ravel()[order], low[order], (high - low)[order], 360.0 * turns[order]

    def _around(self, bbox: Bbox) -> Selection:
        """The cell around the middle of a box without centres."""
        middle = bbox.west + bbox.width / 2
        index = self.locate([middle], [(bbox.south + bbox.north) / 2])
        index = index[index >= 0]
        lon, lat = self.centres(index)
        return Selection((as_indexer(index),), in_frame(lon, middle - 180.0), lat, separable=False)

    @cached_property
    def extent(self) -> Bbox:
        used = self.counts > 0
        south, north = (side[used] for side in self._sides)
        west = (self._first - self._step / 2)[used]
        starts = in_frame(west, float(west[0]) - 180.0)
        ends = starts + (self._step * self.counts)[used]
        left, width = float(starts.min()), float(ends.max() - starts.min())
        if self._is_ring[used].any() or width >= 360.0 - 1e-6:
            return Bbox(-180.0, float(south.min()), 180.0, float(north.max()))
        left = float(wrap180(np.array([left]))[0])
        right = left + width
        return Bbox(
            left, float(south.min()), right if right <= 180 else right - 360.0, float(north.max())
        )

    @property
    def spacing(self) -> tuple[float, float]:
        """Of the row with the most cells, which is at the equator."""
        return float(self._step[self.counts > 0].min()), typical_step(self._rows)

    @property
    def name(self) -> str | None:
        """``O1280`` (octahedral) or ``N320``: an even number of full circles over the whole sphere, None for others."""
        half = len(self.lat) // 2
        if len(self.lat) % 2 or not self._all_rings or np.ptp(self.counts) == 0:
            return None
        if np.abs(np.sort(self.lat)[::-1] - gaussian_latitudes(half)).max() > 1e-3:
            return None
        if self.extent != Bbox(-180.0, -90.0, 180.0, 90.0):
            return None
        rows = self.counts[self._order]
        octahedral = 20 + 4 * np.arange(half)
        is_octahedral = np.array_equal(rows, np.concatenate((octahedral, octahedral[::-1])))
        return f"{'O' if is_octahedral else 'N'}{half}"

    def describe(self) -> dict[str, Any]:
        return {
            "type": self.kind,
            "name": self.name,
            "rows": len(self.lat),
            "cells": self.size,
            "latitude": {"first": float(self.lat[0]), "last": float(self.lat[-1])},
            "spacing": [round(value, 6) for value in self.spacing],
        }

    def _identity(self) -> tuple[Any, ...]:
        return (
            np.round(self.lat, 6),
            self.counts,
            np.round(self._first, 6),
            np.round(self._step, 6),
        )
