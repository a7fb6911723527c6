"""A cube: variables on one grid with named axes, and reading any selection of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import InvalidParameter, NoData

from .axes import Axis, AxisKind
from .cf.calendar import MISSING
from .coverage import Block, Coverage, LazyValues
from .fields import Values
from .grids import Bbox, Grid, Selection
from .holdings import Holdings
from .runs import Chosen, Wanted, by_step, by_time
from .variables import Variable, VariableKind

__all__ = ["Coverage", "Cube", "Plan", "Query", "Range", "Variable", "VariableKind"]

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Range:
    """A stretch of an axis in its own values, bounds included; None is open. ``point`` asks for one value."""

    low: Any
    high: Any

    @property
    def is_point(self) -> bool:
        return self.low is not None and self.low == self.high


@dataclass(frozen=True)
class Query:
    """What to take of a cube. By axis name a range, or a list of single values; ``bbox`` in degrees."""

    variables: tuple[str, ...] = ()
    bbox: Bbox | None = None
    ranges: Mapping[str, Range | tuple[float, ...]] = dataclasses.field(default_factory=dict)
    valid_time: Range | None = None


@dataclass(frozen=True)
class Plan:
    """A query resolved to positions, from metadata only."""

    variables: tuple[Variable, ...]
    positions: Mapping[str, Positions]
    axes: Mapping[str, Axis]
    selection: Selection
    run: str | None = None

    @property
    def values(self) -> int:
        """How many numbers the answer holds."""
        return sum(self.shape(variable)[1] for variable in self.variables)

    @property
    def nbytes(self) -> int:
        """Size of those numbers in memory."""
        return sum(self.shape(variable)[1] * variable.dtype.itemsize for variable in self.variables)

    def shape(self, variable: Variable) -> tuple[tuple[int, ...], int]:
        """Shape of one variable's answer, and its product."""
        shape = tuple(len(self.positions[name]) for name in variable.axes) + self.selection.shape
        return shape, int(np.prod(shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Cube:
    """Variables on one grid. ``key`` tells the cubes of one dataset apart; ``dims`` are the grid's array dimensions."""

    key: str
    grid: Grid
    dims: tuple[str | None, ...]
    axes: Mapping[str, Axis]
    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any]
    version: str
    warnings: tuple[str, ...] = ()
    native_crs: str | None = None
    cell_times: Axis | None = None
    """Trajectories, profiles and swaths: one time per cell by flat index, MISSING where it is not known."""
    coarser: tuple[Cube, ...] = ()
    """The same variables on coarser cells of the same area (overviews), finest first: maps draw from them."""

    @property
    def time(self) -> Axis | None:
        """The axis of valid time, None for timeless data and for forecasts by run and step."""
        return self._first(AxisKind.TIME)

    @property
    def is_forecast(self) -> bool:
        """Valid time is reference time plus step, both axes."""
        reference, step = self._first(AxisKind.REFERENCE_TIME), self._first(AxisKind.STEP)
        return self.time is None and reference is not None and step is not None

    def _first(self, kind: AxisKind) -> Axis | None:
        found = [axis for axis in self.axes.values() if axis.kind is kind]
        return next((axis for axis in found if axis.dim is not None), found[0] if found else None)

    def axis(self, kind: AxisKind) -> Axis | None:
        """The axis of a kind. Only of ``other`` and of scalar heights a cube may have more than one."""
        return self._first(kind)

    @cached_property
    def valid_times(self) -> tuple[NDArray[np.int64], str] | None:
        """All valid times, ascending and unique, and their calendar."""
        if self.time is not None:
            return np.unique(self.time.values), self.time.calendar or "standard"
        if self.is_forecast:
            reference, step = self.axes["reference_time"], self.axes["step"]
            times = reference.values[:, None] + step.values[None, :]
            pieces = self._pieces_of_runs(tuple(self.variables.values()), "step", {})
            if pieces is not None:
                times = times[np.broadcast_to(pieces > 0, times.shape)]
            return np.unique(times), reference.calendar or "standard"
        if self.cell_times is not None:
            known = self.cell_times.values[self.cell_times.values != MISSING]
            return np.unique(known), self.cell_times.calendar or "standard"
        return None

    @cached_property
    def _holdings(self) -> Holdings:
        return Holdings(self.axes)

    def select(self, query: Query) -> Coverage:
        """Read what a query asks for; raises NoData when it selects nothing."""
        return self.read(self.plan(query))

    def plan(self, query: Query, selection: Selection | None = None) -> Plan:
        """Resolve a query from metadata; raises NoData when an axis or the box selects nothing.

        ``selection`` names the cells directly instead of by ``query.bbox``.
        """
        chosen = tuple(self.variables[name] for name in query.variables or self.variables)
        if selection is None:
            selection = self.grid.cover(query.bbox)
        if not selection.size:
            raise NoData("bbox: no cells there", parameter="bbox")
        if self.cell_times is not None and query.valid_time is not None:
            selection = self._at_times(self.cell_times, selection, query.valid_time)
        own = {name for variable in chosen for name in variable.axes}
        used = tuple(name for name in self.axes if name in own)
        chosen_run = self._choose_run(chosen, used, query)
        positions = dict(chosen_run.positions) if chosen_run else {}
        axes = dict(chosen_run.axes) if chosen_run else {}
        fixed = {*positions, *(name for name in used if _is_listed(query.ranges.get(name)))}
        for name in used:
            if name not in positions:
                positions[name] = self._some_positions(name, query)
        positions = self._holdings.held(chosen, positions, fixed)
        axes = {
            name: axes[name] if name in axes else self.axes[name].take(positions[name])
            for name in used
        }
        return Plan(chosen, positions, axes, selection, chosen_run.run if chosen_run else None)

    def _choose_run(
        self, variables: tuple[Variable, ...], used: tuple[str, ...], query: Query
    ) -> Chosen | None:
        """The run that answers, where runs are an axis: see :mod:`providers.runs`."""
        other = "step" if self.is_forecast else "time"
        if "reference_time" not in used or other not in used:
            return None
        reference, axis = self.axes["reference_time"], self.axes[other]
        if other == "time" and reference.size == 1:
            return None
        asked = {
            name: self._some_positions(name, query)
            for name in used
            if name in query.ranges and name not in ("reference_time", other)
        }
        pieces = self._pieces_of_runs(variables, other, asked)
        if pieces is not None and not pieces.any():
            name = next(iter(asked), "datetime")
            raise NoData(f"{name}: no values there", parameter=name)
        wanted = Wanted(
            self._positions(reference, query),
            self._positions(axis, query),
            query.valid_time,
            query.ranges.get("reference_time"),
        )
        return (by_step if other == "step" else by_time)(reference, axis, wanted, pieces)

    def _pieces_of_runs(
        self, variables: tuple[Variable, ...], other: str, asked: Mapping[str, Positions]
    ) -> NDArray[np.int64] | None:
        """What variables hold per (run, step or time), at the positions asked of other axes; None: all the same."""
        names = ("reference_time", other)
        owners = [variable for variable in variables if set(names) <= set(variable.axes)]
        return self._holdings.counts(owners, names, asked) if owners else None

    def _some_positions(self, name: str, query: Query) -> Positions:
        found = self._positions(self.axes[name], query)
        if not len(found):
            raise NoData(f"{name}: no values there", parameter=name)
        return found

    def _at_times(self, times: Axis, selection: Selection, wanted: Range) -> Selection:
        """The cells of a selection whose own time is in a range."""
        if not selection.indexers:
            raise InvalidParameter(
                "datetime: every cell has its own time; a map shows all of them",
                parameter="datetime",
                allowed=["no datetime"],
            )
        cells = flat_cells(selection, self.grid.shape)
        values = times.values[cells]
        inside = values != MISSING
        if wanted.low is not None:
            inside &= values >= wanted.low
        if wanted.high is not None:
            inside &= values <= wanted.high
        if not inside.any():
            raise NoData("datetime: no cells of that time there", parameter="datetime")
        if selection.separable:  # one cell of a 2-D grid
            return selection
        x, y = selection.x[inside], selection.y[inside]
        if selection.pick is not None:
            return replace(selection, x=x, y=y, pick=selection.pick[inside])
        return Selection((cells[inside],), x, y, separable=False)

    def _positions(self, axis: Axis, query: Query) -> Positions:
        if axis.kind is AxisKind.TIME and query.valid_time is not None:
            found = time_positions(axis, query.valid_time)
            wanted = query.ranges.get(axis.name)
            return (
                np.intersect1d(found, time_positions(axis, wanted))
                if isinstance(wanted, Range)
                else found
            )
        wanted = query.ranges.get(axis.name)
        if wanted is None:
            return np.arange(axis.size)
        if isinstance(wanted, tuple):
            return np.concatenate([axis.at(value) for value in wanted]).astype(np.int64)
        if wanted.is_point:
            return time_positions(axis, wanted) if axis.is_time else axis.at(wanted.low)
        if axis.is_text:
            raise InvalidParameter(
                f"subset: axis {axis.name} is a list of names, not a range",
                parameter="subset",
                allowed=axis.labels()[:50],
            )
        return axis.between(wanted.low, wanted.high)

    def read(self, plan: Plan) -> Coverage:
        """Read the values of a plan."""
        return self.lazy(plan).load()

    def lazy(self, plan: Plan) -> Coverage:
        """The answer of a plan; values are read when they are asked for."""
        variables = {variable.id: variable for variable in plan.variables}

        def read(name: str, block: Block) -> Values:
            variable = variables[name]
            lead = len(variable.axes)
            positions = {
                axis: plan.positions[axis][part]
                for axis, part in zip(variable.axes, block[:lead], strict=True)
            }
            return self.read_variable(variable, positions, plan.selection.part(block[lead:]))

        return Coverage(
            variables=plan.variables,
            values=LazyValues(
                {name: plan.shape(item)[0] for name, item in variables.items()}, read
            ),
            axes=plan.axes,
            selection=plan.selection,
            grid=self.grid,
            attributes=self.attributes,
            run=plan.run,
            crs=self.native_crs,
            cell_times=None
            if self.cell_times is None
            else self.cell_times.take(flat_cells(plan.selection, self.grid.shape)),
        )

    def read_variable(
        self, variable: Variable, positions: Mapping[str, Positions], selection: Selection
    ) -> Values:
        """Values of shape (positions of each axis…, cells of the selection)."""
        indexers: dict[str, Any] = {}
        for name in variable.axes:
            dim = self.axes[name].dim
            if dim is not None:
                indexers[dim] = positions[name]
        for dim, indexer in zip(self.dims, selection.indexers, strict=True):
            if dim is not None:
                indexers[dim] = indexer
        block = variable.field.read(indexers)
        block = self._arrange(variable, block)
        if selection.pick is not None:
            flat = block.reshape(*block.shape[: -len(self.dims)], -1)
            return flat[..., selection.pick]
        if len(selection.shape) == 1:
            return block.reshape(*block.shape[: block.ndim - len(self.dims)], -1)
        return block

    def _arrange(self, variable: Variable, block: Values) -> Values:
        """Dimensions in the order of the variable's axes, then those of the grid; missing ones with length 1."""
        wanted = [self.axes[name].dim for name in variable.axes] + list(self.dims)
        own = list(variable.field.dims)
        order = [own.index(dim) for dim in wanted if dim is not None]
        block = block.transpose(order) if order != list(range(len(order))) else block
        for axis, dim in enumerate(wanted):
            if dim is None:
                block = np.expand_dims(block, axis)
        return block


def flat_cells(selection: Selection, shape: tuple[int, ...]) -> Positions:
    """The flat index of every cell of a selection."""
    parts = [
        np.arange(part.start, part.stop) if isinstance(part, slice) else np.asarray(part)
        for part in selection.indexers
    ]
    block = np.ravel_multi_index(np.meshgrid(*parts, indexing="ij"), shape).ravel()
    return block if selection.pick is None else block[selection.pick]


def _is_listed(wanted: Range | tuple[float, ...] | None) -> bool:
    """Whether single values of an axis are asked for: they stay in the answer even where one of them is missing."""
    return isinstance(wanted, tuple) or (wanted is not None and wanted.is_point)


def time_positions(axis: Axis, wanted: Range) -> Positions:
    """Positions of times in a range; an instant inside a cell's bounds is that cell."""
    found = axis.between(wanted.low, wanted.high)
    if len(found) or not wanted.is_point or axis.bounds is None:
        return found
    low, high = axis.bounds.min(axis=1), axis.bounds.max(axis=1)
    return np.flatnonzero((low <= wanted.low) & (wanted.low < high))
