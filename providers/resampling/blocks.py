"""Cells reduced over larger ones: each cell counts where its centre is; over parallels and meridians, by its share.

Means weight by area (``rasterio.warp``'s ``average`` counts pixels, as every cell of a plane has one size there).
Missing values do not count. Of categories there is the mode, directions are averaged as unit vectors.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..coverage import Block, Coverage
from ..cube import flat_cells
from ..fields import Values
from ..grids import Grid, Selection
from ..grids.base import Floats, Ints
from ..semantics.directions import to_directions, to_vectors
from ..variables import Variable, VariableKind
from .places import among, coordinates, missing_like

BLOCK_METHODS = ("mean", "min", "max", "mode")


class Reducer:
    """Cells of an answer reduced over the cells of a target."""

    def __init__(self, coverage: Coverage, grid: Grid, selection: Selection) -> None:
        self._coverage = coverage
        self._grid = grid
        self._selection = selection

    def read(
        self, variable: Variable, lead: Block, cells: Block, part: Selection, method: str
    ) -> Values:
        """Values (…, cells of ``part``) of the target, which are the block ``cells`` of it."""
        method = "mode" if variable.kind is VariableKind.CATEGORY else method
        if method == "mean" and self._coverage.selection.separable and part.separable:
            return self._shares(variable, lead, cells)
        return self._centres(variable, lead, part, method)

    def _shares(self, variable: Variable, lead: Block, cells: Block) -> Values:
        """Exact: the share of each source cell in each target cell, rows and columns apart."""
        source = self._coverage.selection
        old, new = self._coverage.grid.spacing, self._grid.spacing
        across, down = (slice(part.start, part.stop + 1) for part in (cells[1], cells[0]))
        stored, wanted = _edges(source.y, old[1]), _edges(self._selection.y, new[1])[down]
        rows = overlaps(_sines(stored), _sines(wanted))
        east, target = _edges(source.x, old[0]), _edges(self._selection.x, new[0])[across]
        columns = sum(overlaps(east + turn, target) for turn in (-360.0, 0.0, 360.0)).tocsr()
        used_rows, used_columns = (_used(matrix) for matrix in (rows, columns))
        block = (*lead, used_rows, used_columns)
        values = self._coverage.block(variable, block)
        rows, columns = rows[:, used_rows], columns[:, used_columns].T.tocsr()
        out = [
            _weighted_mean(variable, field, rows, columns)
            for field in values.reshape(-1, *values.shape[-2:])
        ]
        return np.stack(out).reshape(*values.shape[:-2], -1)

    def _centres(self, variable: Variable, lead: Block, part: Selection, method: str) -> Values:
        """Cells by their centre, each in the target cell that holds it."""
        count = part.size
        group = among(flat_cells(part, self._grid.shape))(self._targets)
        inside = np.flatnonzero((group >= 0) & (self._targets >= 0))
        shape = tuple(step.stop - step.start for step in lead)
        dtype = missing_like(self._coverage.dtype(variable))
        if not len(inside):
            return np.full((*shape, count), np.nan, dtype)
        whole = tuple(slice(0, size) for size in self._coverage.selection.shape)
        values = self._coverage.block(variable, (*lead, *whole))
        flat = values.reshape(-1, self._coverage.selection.size)[:, inside]
        group, weights = group[inside], self._areas[inside]
        out = [_grouped(variable, row, group, count, weights, method) for row in flat]
        return np.stack(out).reshape(*shape, count).astype(dtype)

    @cached_property
    def _targets(self) -> Ints:
        """The target cell of each source cell, -1 where it is outside."""
        return self._grid.locate(*coordinates(self._coverage.selection))

    @cached_property
    def _areas(self) -> Floats:
        cells = flat_cells(self._coverage.selection, self._coverage.grid.shape)
        return self._coverage.grid.areas(cells)


def overlaps(source: Floats, target: Floats) -> sparse.csr_matrix:
    """Length that each source interval (columns) shares with each target interval (rows); edges in any direction."""
    low, high = np.sort(np.stack((source[:-1], source[1:])), axis=0)
    start, stop = np.sort(np.stack((target[:-1], target[1:])), axis=0)
    shared = np.minimum(high[None], stop[:, None]) - np.maximum(low[None], start[:, None])
    return sparse.csr_matrix(np.where(shared > 1e-12, shared, 0.0))


def _edges(centres: Floats, size: float) -> Floats:
    """Edges halfway between centres, as far outside at the ends; of one cell alone by its size."""
    if len(centres) == 1:
        return np.array([centres[0] - size / 2, centres[0] + size / 2])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate(([2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]))


def _sines(latitudes: Floats) -> Floats:
    return np.asarray(np.sin(np.radians(latitudes.clip(-90.0, 90.0))))


def _used(matrix: sparse.csr_matrix) -> slice:
    columns = matrix.indices
    return slice(int(columns.min()), int(columns.max()) + 1) if len(columns) else slice(0, 1)


def _weighted_mean(
    variable: Variable, field: Values, rows: sparse.csr_matrix, columns: sparse.csr_matrix
) -> NDArray[Any]:
    is_direction = variable.kind is VariableKind.DIRECTION
    parts: NDArray[Any] = (
        to_vectors(field, variable.units) if is_direction else field.astype(np.float64)
    )
    there = ~np.isnan(field)
    total = rows @ there.astype(np.float64) @ columns
    summed = rows @ np.where(there, parts, 0.0) @ columns
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(total > 0, summed / total, np.nan)
    found = to_directions(mean, variable.units) if is_direction else mean
    return found.astype(missing_like(field.dtype))


def _grouped(
    variable: Variable, row: Values, group: Ints, count: int, weights: Floats, method: str
) -> NDArray[Any]:
    """One field reduced by group."""
    there = ~np.isnan(row)
    group, row, weights = group[there], row[there], weights[there]
    out = np.full(count, np.nan)
    if method == "mode":
        codes, number = np.unique(row, return_inverse=True)
        if len(codes):
            flat = np.bincount(group * len(codes) + number, weights, count * len(codes))
            votes = flat.reshape(count, len(codes))
            out = np.where(votes.max(axis=1) > 0, codes[votes.argmax(axis=1)], np.nan)
        return out
    if method in ("min", "max"):
        edge = np.inf if method == "min" else -np.inf
        found = np.full(count, edge)
        (np.minimum if method == "min" else np.maximum).at(found, group, row)
        return np.where(np.isfinite(found), found, np.nan)
    total = np.bincount(group, weights, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        if variable.kind is VariableKind.DIRECTION:
            parts = weights * to_vectors(row, variable.units)
            mean = np.bincount(group, parts.real, count).astype(np.complex128)
            mean += 1j * np.bincount(group, parts.imag, count)
            return to_directions(mean / total, variable.units)
        return np.where(total > 0, np.bincount(group, weights * row, count) / total, np.nan)
