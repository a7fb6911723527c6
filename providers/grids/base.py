"""Where cells are: the one interface every grid class has.

Longitudes and latitudes are degrees on WGS 84 (OGC:CRS84 order: longitude first). Any longitude is
accepted on input; ``-180 <= centre < 180`` or the grid's own range is never assumed by a caller.
A *flat index* numbers the cells of a grid in the C order of its array dimensions.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Indexer = slice | Ints

EARTH_RADIUS = 6_371_229.0
"""Metres; the sphere of the IFS, used where a grid needs areas or distances."""


class Bbox(NamedTuple):
    """A box in degrees. ``west > east`` crosses the antimeridian; ``west == -180, east == 180`` is the globe."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Degrees of longitude going east from ``west`` to ``east``, 0 to 360."""
        span = self.east - self.west
        if span >= 360:
            return 360.0
        return span if span >= 0 else span % 360.0

    @property
    def is_global(self) -> bool:
        return self.width >= 360 and self.south <= -90 and self.north >= 90


@dataclass(frozen=True)
class Selection:
    """Cells of a grid: how to read them and where their centres are.

    ``indexers`` (one per horizontal dimension) read a block; ``pick`` then takes cells out of the flattened
    block (``None``: all of it). ``separable`` selections are a grid of ``y`` (rows) by ``x`` (columns): ``x`` has
    one longitude per column (monotonic eastward, in the frame of the box asked for), ``y`` one latitude per row.
    Otherwise ``x`` and ``y`` have one entry per cell.
    """

    indexers: tuple[Indexer, ...]
    x: Floats
    y: Floats
    separable: bool
    pick: Ints | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the horizontal part of an answer: (rows, columns) or (cells,)."""
        return (len(self.y), len(self.x)) if self.separable else (len(self.x),)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def part(self, block: tuple[slice, ...]) -> Selection:
        """The cells of a block of :attr:`shape`."""
        if all(
            part.start == 0 and part.stop == size
            for part, size in zip(block, self.shape, strict=True)
        ):
            return self
        if self.separable:
            rows, columns = block
            indexers = tuple(map(_narrowed, self.indexers, block))
            return Selection(indexers, self.x[columns], self.y[rows], separable=True)
        (cells,) = block
        x, y = self.x[cells], self.y[cells]
        if len(self.indexers) == 1 and self.pick is None:
            return Selection((_narrowed(self.indexers[0], cells),), x, y, separable=False)
        flat = np.arange(cells.start, cells.stop) if self.pick is None else self.pick[cells]
        if len(self.indexers) == 1:
            return Selection(self.indexers, x, y, separable=False, pick=flat)
        width = _length(self.indexers[1])
        first, last = int(flat.min()) // width, int(flat.max()) // width
        indexers = (_narrowed(self.indexers[0], slice(first, last + 1)), self.indexers[1])
        return Selection(indexers, x, y, separable=False, pick=flat - first * width)


class Window(Selection):
    """A rectangle of rows and columns whose cells do not lie along parallels and meridians.

    ``x`` and ``y`` have one entry per cell, in C order, and are computed when they are asked for.
    """

    def __init__(self, grid: Grid, rows: Indexer, columns: Indexer) -> None:
        for name, value in (
            ("indexers", (rows, columns)), ("separable", False), ("pick", None),
            ("grid", grid), ("rows", rows), ("columns", columns),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    grid: Grid
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, ...]:
        return (_length(self.rows), _length(self.columns))

    @cached_property
    def _centres(self) -> tuple[Floats, Floats]:
        rows, columns = (np.arange(part.start, part.stop) for part in (self.rows, self.columns))
        return self.grid.centres((rows[:, None] * self.grid.shape[1] + columns).ravel())

    @property
    def x(self) -> Floats:
        return self._centres[0]

    @property
    def y(self) -> Floats:
        return self._centres[1]

    def part(self, block: tuple[slice, ...]) -> Selection:
        return Window(self.grid, *map(_narrowed, self.indexers, block))


def _length(indexer: Indexer) -> int:
    return indexer.stop - indexer.start if isinstance(indexer, slice) else len(indexer)


def _narrowed(indexer: Indexer, part: slice) -> Indexer:
    """Part of an indexer."""
    if isinstance(indexer, slice):
        return slice(indexer.start + part.start, indexer.start + part.stop)
    return indexer[part]


class Grid(ABC):
    """Cells on the sphere. Immutable; every method is vectorised and safe under threads."""

    kind: str
    shape: tuple[int, ...]
    cost: ClassVar[int] = 1
    """How many times dearer than on a regular grid it is to find the cell under a pixel."""

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @abstractmethod
    def locate(self, lon: ArrayLike, lat: ArrayLike) -> Ints:
        """Flat index of the cell that contains each point, -1 where no cell does."""

    @abstractmethod
    def neighbours(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Ints, Floats]:
        """Cells around each point for interpolation: indices and weights, shape (points, k).

        Weights sum to one; index -1 with weight 0 fills up where a point has fewer neighbours.
        """

    @abstractmethod
    def centres(self, index: ArrayLike | None = None) -> tuple[Floats, Floats]:
        """Longitude and latitude of cell centres (all cells when ``index`` is None)."""

    @abstractmethod
    def edges(self, index: ArrayLike) -> tuple[Floats, Floats]:
        """Corners of cells: longitudes and latitudes of shape (cells, corners)."""

    @abstractmethod
    def areas(self, index: ArrayLike | None = None) -> Floats:
        """Cell areas in m² on a sphere of :data:`EARTH_RADIUS`."""

    @abstractmethod
    def cover(self, bbox: Bbox | None) -> Selection:
        """Cells whose centre lies in the box (bounds included); the cell around it when no centre does.

        Empty where the box is outside of the grid.
        """

    def window(self, bbox: Bbox | None) -> Selection:
        """Cells of the box as an array: like :meth:`cover`, but the whole rectangle of rows and columns around them."""
        return self.cover(bbox)

    def meets(self, bbox: Bbox) -> bool:
        """Whether a box has cells: cheaper than :meth:`cover` where there are very many."""
        return self.cover(bbox).size > 0

    @property
    @abstractmethod
    def extent(self) -> Bbox:
        """Box of all cell edges, ``-180 <= west < 180``."""

    @property
    @abstractmethod
    def spacing(self) -> tuple[float, float]:
        """Typical distance between centres in degrees (longitude, latitude)."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The grid in words of CF: ``type`` and what identifies it."""

    @abstractmethod
    def _identity(self) -> tuple[Any, ...]:
        """Numbers and arrays that two grids share exactly when they are the same grid."""

    @cached_property
    def key(self) -> str:
        """Stable hash of the grid, for caches and for joining files."""
        digest = hashlib.sha256(self.kind.encode())
        for part in self._identity():
            if isinstance(part, np.ndarray):
                digest.update(np.ascontiguousarray(part).tobytes())
            else:
                digest.update(repr(part).encode())
        return digest.hexdigest()[:20]


def as_points(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Broadcast two coordinate arrays to float64."""
    x, y = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return x, y


def wrap180(lon: Floats) -> Floats:
    """Longitudes moved into -180 <= lon < 180."""
    return (np.asarray(lon, np.float64) + 180.0) % 360.0 - 180.0


def in_frame(lon: Floats, west: float) -> Floats:
    """Longitudes moved by whole turns into west <= lon < west + 360, tolerating rounding just below ``west``."""
    with np.errstate(invalid="ignore"):
        return np.asarray(lon + 360.0 * np.ceil((west - 1e-9 - lon) / 360.0))


def to_unit_sphere(lon: Floats, lat: Floats) -> Floats:
    """Points as unit vectors, shape (..., 3)."""
    lam, phi = np.radians(lon), np.radians(lat)
    cos_phi = np.cos(phi)
    return np.stack((cos_phi * np.cos(lam), cos_phi * np.sin(lam), np.sin(phi)), axis=-1)


def spans(lon: Floats) -> tuple[float, float]:
    """Shortest arc (west, east) that holds all longitudes; ``-180 <= west < 180``, ``east`` may exceed 180."""
    values = np.unique(wrap180(lon))
    if len(values) == 1:
        return float(values[0]), float(values[0])
    gaps = np.diff(np.append(values, values[0] + 360.0))
    widest = int(np.argmax(gaps))
    start = (widest + 1) % len(values)
    west = float(values[start])
    return west, west + 360.0 - float(gaps[widest])
