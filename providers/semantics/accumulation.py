"""Amounts per interval from amounts since the start of a forecast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from config.errors import InvalidParameter

from ..axes import Axis, AxisKind
from ..cube import Coverage, Variable, VariableKind

Positions = NDArray[np.int64]


def deaccumulate(coverage: Coverage, name: str) -> Coverage:
    """An answer of one accumulated variable as amounts between its successive steps, bounds of the axis with it.

    Intervals that begin where another one begins are accumulated from there, and the shorter one is taken off; those
    that follow each other are amounts already. A step at which nothing has been accumulated yet is left out. Means
    over intervals are returned as they are. Raises InvalidParameter for anything else, and where the data do not
    state their intervals.
    """
    variable = next((item for item in coverage.variables if item.id == name), None)
    if variable is None:
        names = [item.id for item in coverage.variables]
        raise InvalidParameter(f"parameter: no field {name[:60]!r}", parameter="parameter", allowed=names)  # fmt: skip
    if variable.kind is VariableKind.MEAN:
        return coverage
    if variable.kind is not VariableKind.SUM:
        raise _refused(variable, f"is {variable.kind.value}, not accumulated")
    axis_name, axis, bounds = _intervals(coverage, variable)
    kept, before, edges = _differences(variable, bounds)
    at = variable.axes.index(axis_name)
    values = coverage.values[name]
    taken = values.take(kept, axis=at)
    has_before = before >= 0
    if has_before.any():
        shape = [1] * values.ndim
        shape[at] = len(kept)
        earlier = values.take(np.where(has_before, before, 0), axis=at)
        taken = np.where(has_before.reshape(shape), taken - earlier, taken)
    axes = {key: item for key, item in coverage.axes.items() if key in variable.axes}
    axes[axis_name] = replace(axis.take(kept), bounds=edges)
    return replace(coverage, variables=(variable,), values={name: taken}, axes=axes)


def _refused(variable: Variable, reason: str) -> InvalidParameter:
    return InvalidParameter(
        f"deaccumulate: {variable.id} {reason}", parameter="deaccumulate", allowed=[]
    )


def _intervals(coverage: Coverage, variable: Variable) -> tuple[str, Axis, NDArray[np.int64]]:
    """The axis whose bounds are the intervals: valid time or step."""
    for name in variable.axes:
        axis = coverage.axes[name]
        if axis.kind in (AxisKind.TIME, AxisKind.STEP) and axis.bounds is not None:
            return name, axis, np.sort(axis.bounds, axis=1)
    raise _refused(variable, "does not state its intervals (no bounds of time)")


def _differences(
    variable: Variable, bounds: NDArray[np.int64]
) -> tuple[Positions, Positions, NDArray[np.int64]]:
    """Positions of intervals in the order of the axis, the position of what to take off (-1: nothing), new bounds."""
    kept: list[int] = []
    before: list[int] = []
    edges: list[tuple[int, int]] = []
    for position, (low, high) in enumerate(bounds.tolist()):
        if high <= low:
            continue
        inside = np.flatnonzero(
            (bounds[:, 0] == low) & (bounds[:, 1] > low) & (bounds[:, 1] < high)
        )
        earlier = int(inside[np.argmax(bounds[inside, 1])]) if len(inside) else -1
        kept.append(position)
        before.append(earlier)
        edges.append((int(bounds[earlier, 1]) if len(inside) else low, high))
    found = np.array(edges, np.int64).reshape(-1, 2)
    order = np.argsort(found[:, 0], kind="stable")
    if not kept or (found[order][1:, 0] < found[order][:-1, 1]).any():
        raise _refused(variable, "has intervals that overlap without a common start")
    return np.array(kept), np.array(before), found
