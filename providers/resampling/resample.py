"""An answer on the cells of another grid, read only where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from config.errors import InvalidParameter

from ..coverage import Block, Coverage, LazyValues
from ..fields import Values
from ..grids import Grid, Selection
from ..grids.base import Floats, Ints
from ..semantics.directions import to_directions, to_vectors
from ..variables import Variable, VariableKind
from .blocks import BLOCK_METHODS, Reducer
from .places import Places, coordinates, missing_like

Method = Literal["nearest", "bilinear", "mean", "min", "max", "mode"]
METHODS: tuple[Method, ...] = ("nearest", "bilinear", "mean", "min", "max", "mode")


def resampled(
    coverage: Coverage, grid: Grid, selection: Selection, method: Method = "nearest"
) -> Coverage:
    """The answer on cells of ``grid``; what lies outside of its own cells is missing.

    ``nearest`` takes the cell that holds the centre of the new one, ``bilinear`` weights the cells around it (those
    without a value leave their weight to the others), ``mean``, ``min``, ``max`` and ``mode`` reduce the cells in it.
    Categories are always taken by nearest or mode, directions as unit vectors. Raises InvalidParameter for cells that
    carry their own times.
    """
    if coverage.cell_times is not None or coverage.cell_heights is not None:
        raise InvalidParameter(
            "resampling: cells carry their own times", parameter="crs", allowed=["native cells"]
        )
    reader = _Reader(coverage, grid, selection, method)
    variables = {variable.id: variable for variable in coverage.variables}
    lead = {
        name: tuple(coverage.axes[axis].size for axis in item.axes)
        for name, item in variables.items()
    }
    values = LazyValues(
        {name: lead[name] + selection.shape for name in variables},
        lambda name, block: reader.read(variables[name], block),
        {name: missing_like(coverage.dtype(item)) for name, item in variables.items()},
    )
    return replace(
        coverage, values=values, grid=grid, selection=selection, resampling=method, crs=None
    )


class _Reader:
    def __init__(
        self, coverage: Coverage, grid: Grid, selection: Selection, method: Method
    ) -> None:
        self._coverage = coverage
        self._selection = selection
        self._method = method
        self._places = Places(coverage)
        self._reducer = Reducer(coverage, grid, selection)
        self._found: Mapping[Any, tuple[Ints, Floats]] = {}

    def read(self, variable: Variable, block: Block) -> Values:
        lead, cells = block[: len(variable.axes)], block[len(variable.axes) :]
        part = self._selection.part(cells)
        if self._method in BLOCK_METHODS:
            values = self._reducer.read(variable, lead, cells, part, self._method)
        else:
            values = self._taken(variable, lead, cells, part)
        return values.reshape(*values.shape[:-1], *part.shape)

    def _taken(self, variable: Variable, lead: Block, cells: Block, part: Selection) -> Values:
        """Values from the cells around each new one."""
        is_bilinear = self._method == "bilinear" and variable.kind is not VariableKind.CATEGORY
        at, weights = self._around(cells, part, is_bilinear)
        dtype = missing_like(self._coverage.dtype(variable))
        if not (at >= 0).any():
            shape = tuple(step.stop - step.start for step in lead)
            return np.full((*shape, len(at)), np.nan, dtype)
        values, at = self._places.read(variable, lead, at)
        if not is_bilinear:
            found = values[..., at[:, 0]].astype(dtype, copy=False)
            return np.where(at[:, 0] >= 0, found, np.nan).astype(dtype, copy=False)
        return _weighted(variable, values, at, weights).astype(dtype)

    def _around(self, cells: Block, part: Selection, is_bilinear: bool) -> tuple[Ints, Floats]:
        """Positions in the answer and weights, shape (new cells, cells around); kept for the next field."""
        key = (*((step.start, step.stop) for step in cells), is_bilinear)
        kept = self._found.get(key)
        if kept is None:
            lon, lat = coordinates(part)
            grid = self._coverage.grid
            if is_bilinear:
                index, weights = grid.neighbours(lon, lat)
            else:
                index, weights = grid.locate(lon, lat)[:, None], np.ones((len(lon), 1))
            kept = self._places.of(index), weights
            self._found = {key: kept}
        return kept


def _weighted(variable: Variable, values: Values, at: Ints, weights: Floats) -> Values:
    around = values[..., at]
    share = np.where(np.isnan(around) | (at < 0), 0.0, weights)
    total = share.sum(axis=-1)
    is_direction = variable.kind is VariableKind.DIRECTION
    parts = to_vectors(around, variable.units) if is_direction else around
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.where(share > 0, parts, 0.0) * share).sum(axis=-1) / total
        mean = np.where(total > 0, mean, np.nan)
    return to_directions(mean, variable.units) if is_direction else mean
