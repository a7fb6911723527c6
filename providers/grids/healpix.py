"""HEALPix: equal-area cells of the sphere, ring or nested, the whole sphere or a list of cells."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import healpix_geo
import numpy as np
from numpy.typing import ArrayLike

from .base import EARTH_RADIUS, Bbox, Floats, Grid, Ints, Selection, as_points, in_frame, spans
from .rectilinear import as_indexer

_THREADS = 1
"""Threads of one call: requests already run in parallel."""


@lru_cache(maxsize=8)
def _coarse_centres(depth: int) -> tuple[Floats, Floats]:
    """Longitudes and latitudes of all cells of a refinement level, nested."""
    cells = np.arange(12 * 4**depth, dtype=np.uint64)
    lon, lat = healpix_geo.nested.healpix_to_lonlat(
        cells, depth, ellipsoid="sphere", num_threads=_THREADS
    )
    for part in (lon, lat):
        part.flags.writeable = False
    return lon, lat


class HealpixGrid(Grid):
    """``nside`` (a power of two), ``nested`` or ring order, and for a part of the sphere the ids of its cells.

    Raises ValueError for an ``nside`` that is not a power of two or ids beyond the sphere.
    """

    kind = "healpix"

    def __init__(self, nside: int, *, nested: bool, cells: ArrayLike | None = None) -> None:
        if nside < 1 or nside & (nside - 1) or nside > 2**29:
            raise ValueError(f"nside {nside} is not a power of two")
        self.nside = int(nside)
        self.level = self.nside.bit_length() - 1
        self.nested = nested
        self._scheme = healpix_geo.nested if nested else healpix_geo.ring
        full = 12 * self.nside**2
        self.cells = None if cells is None else np.asarray(cells).astype(np.int64).ravel()
        if (
            self.cells is not None
            and len(self.cells) == full
            and (self.cells == np.arange(full)).all()
        ):
            self.cells = None
        if (
            self.cells is not None
            and len(self.cells)
            and not 0 <= self.cells.min() <= self.cells.max() < full
        ):
            raise ValueError(f"cell ids beyond 0..{full - 1}")
        self.shape = (full if self.cells is None else len(self.cells),)

    @cached_property
    def _cell_order(self) -> tuple[Ints, Ints]:
        assert self.cells is not None
        order = np.argsort(self.cells, kind="stable")
        return order, self.cells[order]

    def _to_index(self, ids: Ints) -> Ints:
        """Position in the array of each cell id, -1 where the array does not hold it."""
        if self.cells is None:
            return ids
        order, known = self._cell_order
        if not len(known):
            return np.full(ids.shape, -1, np.int64)
        position = np.searchsorted(known, ids).clip(0, len(known) - 1)
        return np.where(known[position] == ids, order[position], -1)

    def _to_ids(self, index: ArrayLike | None) -> Ints:
        if index is None:
            return np.arange(self.size) if self.cells is None else self.cells
        flat = np.asarray(index, np.int64)
        return flat if self.cells is None else self.cells[flat]

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        x, y = as_points(lon, lat)
        finite = np.isfinite(x) & (np.abs(y) <= 90)
        if finite.all():
            return self._under(x, y)
        found = np.full(x.shape, -1, np.int64)
        found[finite] = self._under(x[finite], y[finite])
        return found

    def _under(self, x: Floats, y: Floats) -> Ints:
        turned = x.ravel() - 360.0 * np.floor(x.ravel() / 360.0)  # several times as fast as %
        ids = self._scheme.lonlat_to_healpix(
            turned, y.ravel(), self.level, ellipsoid="sphere", num_threads=_THREADS
        )
        return self._to_index(ids.view(np.int64)).reshape(x.shape)

    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        x, y = (part.ravel() for part in as_points(lon, lat))
        finite = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90)
        ids, weights = self._scheme.bilinear_interpolation(
            np.where(finite, x, 0.0) % 360.0,
            np.where(finite, y, 0.0),
            self.level,
            ellipsoid="sphere",
            num_threads=_THREADS,
        )
        index = self._to_index(np.asarray(ids.data).astype(np.int64))
        known = (index >= 0) & ~np.asarray(ids.mask) & finite[:, None]
        weight = np.where(known, np.asarray(weights.data), 0.0)
        total = weight.sum(axis=1, keepdims=True)
        weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
        return np.where(weight > 0, index, -1), weight

    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        ids = self._to_ids(index)
        lon, lat = self._scheme.healpix_to_lonlat(
            ids.ravel().astype(np.uint64), self.level, ellipsoid="sphere", num_threads=_THREADS
        )
        return lon.reshape(ids.shape), lat.reshape(ids.shape)

    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        ids = np.atleast_1d(self._to_ids(index))
        return self._scheme.vertices(
            ids.astype(np.uint64), self.level, ellipsoid="sphere", num_threads=_THREADS
        )

    def areas(self, index: ArrayLike | None = None) -> Floats:
        count = self.shape if index is None else np.asarray(index).shape
        return np.full(count, 4 * np.pi * EARTH_RADIUS**2 / (12 * self.nside**2))

    def cover(self, bbox: Bbox | None) -> Selection:
        if bbox is None or bbox.is_global:
            index = np.arange(self.size)
            lon, lat = self._all_centres
            x = lon if bbox is None else in_frame(lon, bbox.west)
            return Selection((slice(0, self.size),), x, lat, separable=False)
        index = self._candidates(bbox)
        lon, lat = self.centres(index)
        x = in_frame(lon, bbox.west - 1e-6)
        inside = (lat >= bbox.south - 1e-6) & (lat <= bbox.north + 1e-6)
        if bbox.width < 360:
            inside &= x <= bbox.west + bbox.width + 1e-6
        if not inside.any():
            middle = bbox.west + bbox.width / 2
            index = self.locate([middle], [(bbox.south + bbox.north) / 2])
            index = index[index >= 0]
            lon, lat = self.centres(index)
            return Selection(
                (as_indexer(index),), in_frame(lon, middle - 180.0), lat, separable=False
            )
        return Selection((as_indexer(index[inside]),), x[inside], lat[inside], separable=False)

    @cached_property
    def _all_centres(self) -> tuple[Floats, Floats]:
        return self.centres(None)

    def _candidates(self, bbox: Bbox) -> Ints:
        """Cells that may have their centre in the box, in array order: coarse cells first, then their children."""
        if self.cells is not None or self.nside <= 64:
            return np.arange(self.size)
        depth = min(5, self.level)
        lon, lat = _coarse_centres(depth)
        reach = 90.0 / 2**depth
        near = (lat >= bbox.south - reach) & (lat <= bbox.north + reach)
        stretch = reach / max(
            np.cos(np.radians(min(max(abs(bbox.south), abs(bbox.north)) + reach, 89.9))), 1e-3
        )
        if bbox.width + 2 * stretch < 360:
            near &= in_frame(lon, bbox.west - stretch) <= bbox.west + bbox.width + stretch
        children = 4 ** (self.level - depth)
        ids = (np.flatnonzero(near)[:, None] * children + np.arange(children)).ravel()
        if not self.nested:
            ids = np.asarray(healpix_geo.nested.to_ring(ids.astype(np.uint64), self.level)).astype(
                np.int64
            )
            ids.sort()
        return ids

    @cached_property
    def extent(self) -> Bbox:
        if self.cells is None:
            return Bbox(-180.0, -90.0, 180.0, 90.0)
        x, y = self.edges(np.arange(self.size))
        west, east = spans(x.ravel())
        if east - west > 360.0 - 2 * self.spacing[0] or np.abs(y).max() >= 90 - 1e-9:
            west, east = -180.0, 180.0
        return Bbox(west, float(y.min()), east if east <= 180 else east - 360.0, float(y.max()))

    @property
    def spacing(self) -> tuple[float, float]:
        step = float(np.degrees(np.sqrt(np.pi / 3) / self.nside))
        return step, step

    def describe(self) -> dict[str, Any]:
        """CF 1.13 grid mapping ``healpix``: refinement_level, indexing_scheme."""
        return {
            "type": self.kind,
            "refinement_level": self.level,
            "indexing_scheme": "nested" if self.nested else "ring",
            "nside": self.nside,
            "cells": self.size,
            "complete": self.cells is None,
        }

    def _identity(self) -> tuple[Any, ...]:
        return (self.nside, self.nested, self.cells if self.cells is not None else "all")
