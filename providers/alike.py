"""Whether parts of two files are the same thing, however each was written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Axis
from .cube import Cube
from .grids import Grid, ProjectedGrid
from .grids.base import to_unit_sphere
from .units import ucum

_GREGORIAN = {"standard", "proleptic_gregorian"}
_GREGORIAN_SWITCH = -12_219_292_800_000_000
"""1582-10-15: from here on the two calendars are one."""


def same_grid(one: Grid, other: Grid) -> bool:
    """The same cells, however the coordinates were rounded when they were written."""
    if one.key == other.key:
        return True
    if one.kind != other.kind or one.shape != other.shape or one.size < 2:
        return False
    if one.kind == "healpix":
        return False
    if isinstance(one, ProjectedGrid) and isinstance(other, ProjectedGrid):
        return _same_plane(one, other)
    for ours, theirs in zip(one.centres(), other.centres(), strict=True):
        steps = np.abs(np.diff(ours))
        steps = steps[steps > 1e-9]
        spacing = float(np.median(steps)) if len(steps) else 0.0
        close = np.isclose(ours, theirs, rtol=0, atol=min(spacing / 100, 1e-3), equal_nan=True)
        if not close.all():
            return False
    return True


def _same_plane(one: ProjectedGrid, other: ProjectedGrid) -> bool:
    """Corner and middle cells at the same places: two texts can state one CRS, and affines are rounded."""
    rows, columns = (np.array([0, size // 2, size - 1]) for size in one.shape)
    cells = (rows[:, None] * one.shape[1] + columns).ravel()
    ours, theirs = (to_unit_sphere(*grid.centres(cells)) for grid in (one, other))
    near = np.radians(min(min(one.spacing) / 100, 1e-3))
    apart = np.linalg.norm(ours - theirs, axis=-1)
    return bool((np.isfinite(ours) == np.isfinite(theirs)).all() and np.nanmax(apart) < near)


def common(one: Cube, other: Cube) -> set[str]:
    """Names of variables that both hold."""
    return set(one.variables) & set(other.variables)


def differs(one: Cube, other: Cube, name: str) -> bool:
    """The same name for different things."""
    ours, theirs = one.variables[name], other.variables[name]
    return (
        not same_units(ours.units, theirs.units)
        or ours.axes != theirs.axes
        or ours.standard_name != theirs.standard_name
    )


def same_units(one: str | None, other: str | None) -> bool:
    if one == other or one is None or other is None:
        return one == other
    code = ucum(one)
    return code is not None and code == ucum(other)


def same_axis(one: Axis, other: Axis) -> bool:
    """Whether values of two axes may stand on one."""
    if one.kind is not other.kind or not same_units(one.units or "", other.units or ""):
        return False
    if one.calendar == other.calendar:
        return True
    both = {one.calendar, other.calendar} == _GREGORIAN
    return both and min(one.values.min(), other.values.min()) >= _GREGORIAN_SWITCH


def same_place(one: Cube, other: Cube) -> bool:
    """Both hold the same cells of a shared variable: two versions, not two pieces."""
    for name in common(one, other):
        axes = one.variables[name].axes
        if all(_equal(one.axes[axis].values, other.axes[axis].values) for axis in axes):
            return True
    return False


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == other.dtype.kind == "f" and one.dtype != other.dtype:
        return bool(np.isclose(one, other, rtol=1e-6, atol=0).all())
    return np.array_equal(one, other)
