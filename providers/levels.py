"""Which coarser cells (overviews) of a cube a map is drawn from, and whether they may stand for its values."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from .cube import Cube, Positions, Variable, VariableKind
from .grids import Selection
from .grids.base import Ints

_ABOUT = 1.15
"""A coarser cell may be this many pixels wide."""
_FAITHFUL = {"nearest", "mode"}
"""Ways to make overviews that invent no values."""
_SPOTS, _SPOT = 6, 6
"""Places where categories meet that are looked at, and coarser cells along the side of each."""
_ENOUGH = 50_000
"""Cells whose values tell the range of all."""
_MOST_COMPARED = 1 << 20


class Levels:
    """Chooses among :attr:`Cube.coarser`; remembers what it found out about categories."""

    def __init__(self) -> None:
        self._faithful: LRUCache[Any, bool] = LRUCache(4096)
        self._lock = threading.Lock()

    def for_step(self, cube: Cube, variable: Variable, step: float) -> tuple[Cube, Variable]:
        """The coarsest level whose cells are not wider than ``step`` cells of the cube (a pixel), and its variable."""
        return self._coarsest(cube, variable, lambda level: widening(cube, level) <= step * _ABOUT)

    def for_range(self, cube: Cube, variable: Variable) -> tuple[Cube, Variable]:
        """The coarsest level with cells enough to tell what the values span, and its variable."""
        return self._coarsest(cube, variable, lambda level: level.grid.size >= _ENOUGH)

    def _coarsest(
        self, cube: Cube, variable: Variable, fits: Callable[[Cube], bool]
    ) -> tuple[Cube, Variable]:
        for level in reversed(cube.coarser):
            if fits(level) and self._may_stand_for(cube, level, variable):
                return level, level.variables[variable.id]
        return cube, variable

    def _may_stand_for(self, cube: Cube, level: Cube, variable: Variable) -> bool:
        own = level.variables.get(variable.id)
        if own is None or own.axes != variable.axes:
            return False
        if variable.kind not in (VariableKind.CATEGORY, VariableKind.DIRECTION):
            return True
        method = level.attributes.get("overview_resampling")
        if method is not None:
            return method in _FAITHFUL
        key = (cube.version, level.version, variable.id)
        with self._lock:
            known = self._faithful.get(key)
        if known is None:
            known = _invents_nothing(cube, level, variable)
            with self._lock:
                self._faithful[key] = known
        return known


def widening(cube: Cube, level: Cube) -> float:
    """How many cells of the cube are as wide as one of the level."""
    return max(
        fine / coarse for fine, coarse in zip(cube.grid.shape, level.grid.shape, strict=True)
    )


def scaled(index: Ints, fine: int, coarse: int) -> Ints:
    """Rows (or columns) of a level that hold the middle of rows of the cube."""
    return index if fine == coarse else (2 * index + 1) * coarse // (2 * fine)


def _invents_nothing(cube: Cube, level: Cube, variable: Variable) -> bool:
    """Whether cells of a level where values meet hold a value of the cells they stand for."""
    positions: Mapping[str, Positions] = {
        name: np.array([cube.axes[name].size - 1]) for name in variable.axes
    }
    rows, columns = _meetings(level, variable, positions)
    spots = np.linspace(0, len(rows) - 1, min(_SPOTS, len(rows))).astype(np.int64)
    return all(
        _same_values(cube, level, variable, positions, int(rows[at]), int(columns[at]))
        for at in np.unique(spots)
    )


def _meetings(
    level: Cube, variable: Variable, positions: Mapping[str, Positions]
) -> tuple[Ints, Ints]:
    """Cells that differ from the next one; the middle cell where all are alike."""
    height, width = level.grid.shape
    most = int(np.sqrt(_MOST_COMPARED))
    top, left = max((height - most) // 2, 0), max((width - most) // 2, 0)
    block = _read(
        level, variable, positions, top, min(top + most, height), left, min(left + most, width)
    )
    differs = block[:, 1:] != block[:, :-1]
    if block.dtype.kind == "f":
        differs &= np.isfinite(block[:, 1:]) | np.isfinite(block[:, :-1])
    rows, columns = np.nonzero(differs)
    if not len(rows):
        return np.array([height // 2]), np.array([width // 2])
    return rows + top, columns + left


def _same_values(
    cube: Cube,
    level: Cube,
    variable: Variable,
    positions: Mapping[str, Positions],
    row: int,
    column: int,
) -> bool:
    """Each coarser cell of a spot has a value of the cells below it, those at its rim included."""
    (height, width), (own_height, own_width) = cube.grid.shape, level.grid.shape
    side = max(2, min(_SPOT, int(512 / widening(cube, level))))
    rows = range(row, min(row + side, own_height))
    columns = range(column, min(column + side, own_width))
    coarse = _read(level, variable, positions, row, rows.stop, column, columns.stop)
    tops = [(at * height // own_height, -(-(at + 1) * height // own_height)) for at in rows]
    lefts = [(at * width // own_width, -(-(at + 1) * width // own_width)) for at in columns]
    y0, x0 = max(tops[0][0] - 1, 0), max(lefts[0][0] - 1, 0)
    fine = _read(
        cube, variable, positions,
        y0, min(tops[-1][1] + 1, height), x0, min(lefts[-1][1] + 1, width),
    )  # fmt: skip
    for (top, bottom), values in zip(tops, coarse, strict=True):
        for (left, right), value in zip(lefts, values, strict=True):
            below = fine[
                max(top - y0 - 1, 0) : bottom - y0 + 1, max(left - x0 - 1, 0) : right - x0 + 1
            ]
            found = np.isnan(below).any() if value != value else (below == value).any()
            if not found:
                return False
    return True


def _read(
    cube: Cube,
    variable: Variable,
    positions: Mapping[str, Positions],
    top: int,
    bottom: int,
    left: int,
    right: int,
) -> NDArray[Any]:
    nowhere = np.zeros(0)
    selection = Selection(
        (slice(top, bottom), slice(left, right)), nowhere, nowhere, separable=True
    )
    block = cube.read_variable(cube.variables[variable.id], positions, selection)
    return block.reshape(bottom - top, right - left)
