"""Values at points: the cell that holds each, or interpolated between the centres around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from config.errors import InvalidParameter, NoData

from ..axes import Axis
from ..cube import Cube, Query, Variable, VariableKind, flat_cells
from ..fields import Values
from ..grids import Selection
from ..grids.base import Floats, Ints, as_points
from .directions import to_directions, to_vectors

Method = Literal["nearest", "bilinear"]
METHODS: tuple[Method, ...] = ("nearest", "bilinear")

_BLOCK, _BATCH = 1 << 20, 256
"""Cells of a block that is read at once, and cells that are read together where points lie farther apart."""


@dataclass(frozen=True)
class Samples:
    """Values at points, of shape (positions of each axis…, points); missing where no cell holds the point."""

    variables: tuple[Variable, ...]
    values: Mapping[str, Values]
    axes: Mapping[str, Axis]
    lon: Floats
    lat: Floats
    methods: Mapping[str, Method]
    """How each variable was taken: categories are always the nearest cell."""
    run: str | None = None


def sample(
    cube: Cube, query: Query, lon: ArrayLike, lat: ArrayLike, method: Method = "nearest"
) -> Samples:
    """A cube at points; the box of the query is not used.

    ``bilinear`` weights the cells around a point (on meshes by their distance); those without a value leave their
    weight to the others. Directions are averaged as unit vectors. Raises NoData where no point is in the grid,
    InvalidParameter for another method.
    """
    if method not in METHODS:
        raise InvalidParameter(f"method: no {method!r}", parameter="method", allowed=METHODS)
    x, y = (part.ravel() for part in as_points(lon, lat))
    nearest: tuple[Ints, Floats] = cube.grid.locate(x, y)[:, None], np.ones((len(x), 1))
    around = cube.grid.neighbours(x, y) if method == "bilinear" else nearest
    cells = np.unique(np.concatenate((nearest[0].ravel(), around[0].ravel())))
    cells = cells[cells >= 0]
    if not len(cells):
        raise NoData("coords: no cells there", parameter="coords")
    plan = cube.plan(query, selection_of(cube, cells))
    if cube.cell_times is not None:  # cells have been left out whose own time is not asked for
        kept = flat_cells(plan.selection, cube.grid.shape)
        nearest, around = (
            (np.where(np.isin(index, kept), index, -1), weight)
            for index, weight in (nearest, around)
        )
    methods: dict[str, Method] = {}
    values: dict[str, Values] = {}
    for variable in plan.variables:
        is_nearest = method == "nearest" or variable.kind is VariableKind.CATEGORY
        methods[variable.id] = "nearest" if is_nearest else "bilinear"
        index, weight = nearest if is_nearest else around
        wanted = np.unique(index[index >= 0])
        stored = _read(cube, variable, plan.positions, wanted)
        at = np.searchsorted(wanted, index).clip(0, max(len(wanted) - 1, 0))
        weight = np.where(index >= 0, weight, 0.0)
        values[variable.id] = (
            _taken(stored, at[:, 0], index[:, 0] >= 0)
            if is_nearest
            else _weighted(variable, stored, at, weight)
        )
    return Samples(plan.variables, values, plan.axes, x, y, methods, plan.run)


def selection_of(cube: Cube, cells: Ints) -> Selection:
    """A selection of single cells by flat index: the rows and columns they lie on are read, and the cells picked."""
    x, y = cube.grid.centres(cells)
    shape = cube.grid.shape
    if len(shape) == 1:
        return Selection((cells,), x, y, separable=False)
    row, column = np.divmod(cells, shape[1])
    rows, columns = np.unique(row), np.unique(column)
    pick = np.searchsorted(rows, row) * len(columns) + np.searchsorted(columns, column)
    return Selection((rows, columns), x, y, separable=False, pick=pick)


def _read(
    cube: Cube, variable: Variable, positions: Mapping[str, NDArray[np.int64]], cells: Ints
) -> Values:
    """Values of shape (positions…, cells), points far apart on a large grid in several blocks."""
    blocks = [
        cube.read_variable(variable, positions, selection_of(cube, part))
        for part in _parts(cube, cells)
    ]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-1)


def _parts(cube: Cube, cells: Ints) -> Iterable[Ints]:
    shape = cube.grid.shape
    if len(shape) == 1 or len(cells) <= _BATCH:
        return [cells]
    row, column = np.divmod(cells, shape[1])
    if len(np.unique(row)) * len(np.unique(column)) <= _BLOCK:
        return [cells]
    return np.array_split(cells, -(-len(cells) // _BATCH))


def _taken(stored: Values, at: Ints, inside: NDArray[np.bool_]) -> Values:
    values = stored[..., at]
    if inside.all():
        return values
    return np.where(inside, values.astype(np.result_type(values, np.float32)), np.nan)


def _weighted(variable: Variable, stored: Values, at: Ints, weight: Floats) -> Values:
    around = stored[..., at]
    missing = np.isnan(around)
    weights = np.where(missing, 0.0, weight)
    total = weights.sum(axis=-1)
    is_direction = variable.kind is VariableKind.DIRECTION
    parts = to_vectors(around, variable.units) if is_direction else around
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.where(missing, 0.0, parts) * weights).sum(axis=-1) / total
        mean = np.where(total > 0, mean, np.nan)
    found = to_directions(mean, variable.units) if is_direction else mean
    return found.astype(np.result_type(stored.dtype, np.float32))
