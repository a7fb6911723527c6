"""Where the cells of a grid stand in an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coverage import Block, Coverage
from ..cube import flat_cells
from ..fields import Values
from ..grids import Selection
from ..grids.base import Floats, Indexer, Ints
from ..variables import Variable

Lookup = Callable[[Ints], Ints]


class Places:
    """The cells of an answer by their flat index in its grid, read in the smallest block that holds them."""

    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage
        self._shape = coverage.selection.shape
        self._find = _lookup(coverage.selection, coverage.grid.shape)

    def of(self, cells: Ints) -> Ints:
        """Positions in the flattened answer, -1 for cells that are not in it (and for -1)."""
        return np.where(cells < 0, -1, self._find(np.maximum(cells, 0)))

    def read(self, variable: Variable, lead: Block, positions: Ints) -> tuple[Values, Ints]:
        """A block (…, cells) that holds positions, and where in it they are; some position must not be negative."""
        known = positions[positions >= 0]
        low, high = int(known.min()), int(known.max())
        if len(self._shape) == 1:
            values = self._coverage.block(variable, (*lead, slice(low, high + 1)))
            return values, np.where(positions < 0, -1, positions - low)
        width = self._shape[1]
        top, bottom = low // width, high // width
        columns = known % width
        left, right = int(columns.min()), int(columns.max())
        block = (slice(top, bottom + 1), slice(left, right + 1))
        values = self._coverage.block(variable, (*lead, *block))
        row, column = np.divmod(positions, width)
        found = (row - top) * (right + 1 - left) + column - left
        return values.reshape(*values.shape[:-2], -1), np.where(positions < 0, -1, found)


def _lookup(selection: Selection, shape: tuple[int, ...]) -> Lookup:
    """Flat cell → position in the flattened selection, -1 where it is not."""
    if selection.pick is not None or len(selection.indexers) != len(shape):
        return among(flat_cells(selection, shape))
    if len(shape) == 1:
        return _inverse(selection.indexers[0])
    rows, columns = map(_inverse, selection.indexers)
    width = selection.shape[-1] if len(selection.shape) == 2 else _length(selection.indexers[1])

    def find(cells: Ints) -> Ints:
        row, column = np.divmod(cells, shape[1])
        row, column = rows(row), columns(column)
        return np.where((row < 0) | (column < 0), -1, row * width + column)

    return find


def _inverse(indexer: Indexer) -> Lookup:
    if isinstance(indexer, slice):
        start, stop = indexer.start, indexer.stop
        return lambda at: np.where((at >= start) & (at < stop), at - start, -1)
    return among(indexer)


def among(cells: NDArray[np.int64]) -> Lookup:
    """Position of each number in a list of numbers, -1 where it is not in it."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]

    def find(wanted: Ints) -> Ints:
        at = np.searchsorted(ordered, wanted).clip(0, max(len(ordered) - 1, 0))
        return np.where(ordered[at] == wanted, order[at], -1)

    return find


def _length(indexer: Indexer) -> int:
    return indexer.stop - indexer.start if isinstance(indexer, slice) else len(indexer)


def coordinates(selection: Selection) -> tuple[Floats, Floats]:
    """Longitude and latitude of every cell of a selection, flattened."""
    if not selection.separable:
        return np.asarray(selection.x).reshape(-1), np.asarray(selection.y).reshape(-1)
    x, y = np.meshgrid(selection.x, selection.y)
    return x.reshape(-1), y.reshape(-1)


def missing_like(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that holds missing values as well."""
    return np.result_type(dtype, np.float32)
