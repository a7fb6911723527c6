"""Many files as one dataset: joined along their axes by what their metadata say, never by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Axis, AxisKind, ordered_axes, regular_step
from .cube import Cube, Variable
from .fields import JoinedField, Part

_IDENTITY = (
    "experiment_id",
    "source_id",
    "variant_label",
    "expver",
    "model_id",
    "ensemble_id",
    "frequency",
)
"""Global attributes that tell versions of the same thing apart: files that differ in one never join."""


@dataclass(frozen=True)
class Member:
    """One cube of one file, on its way into a dataset. ``order`` decides which file wins where two overlap."""

    location: str
    cube: Cube
    order: tuple[Any, ...]


def join(members: Sequence[Member]) -> list[tuple[str, Cube]]:
    """Cubes of a dataset, each with the name it should carry: the file's stem, or nothing for one made of many."""
    groups: list[list[Member]] = []
    for member in sorted(members, key=lambda member: member.order):
        for group in groups:
            if _joinable(group, member):
                group.append(member)
                break
        else:
            groups.append([member])
    return [_joined(group) for group in groups]


def _joinable(group: list[Member], member: Member) -> bool:
    first = group[0].cube
    cube = member.cube
    if (
        first.grid.key != cube.grid.key
        or first.dims != cube.dims
        or _signature(first) != _signature(cube)
    ):
        return False
    for name in _IDENTITY:
        ours, theirs = first.attributes.get(name), cube.attributes.get(name)
        if ours is not None and theirs is not None and str(ours) != str(theirs):
            return False
    shared = [other for other in group if set(other.cube.variables) & set(cube.variables)]
    for other in shared:
        if any(
            _differs(other.cube.variables[name], cube.variables[name])
            for name in _common(other.cube, cube)
        ):
            return False
        if _same_place(other.cube, cube):
            return False
    return True


def _common(one: Cube, other: Cube) -> set[str]:
    return set(one.variables) & set(other.variables)


def _differs(one: Variable, other: Variable) -> bool:
    """The same name for different things."""
    return (
        one.units != other.units
        or one.axes != other.axes
        or one.standard_name != other.standard_name
    )


def _same_place(one: Cube, other: Cube) -> bool:
    """Both hold the same cells of a shared variable: two versions, not two pieces."""
    for name in _common(one, other):
        axes = one.variables[name].axes
        if all(np.array_equal(one.axes[axis].values, other.axes[axis].values) for axis in axes):
            return True
    return False


def _signature(cube: Cube) -> tuple[Any, ...]:
    return tuple(
        sorted(
            (axis.name, axis.kind.value, axis.units or "", axis.calendar or "")
            for axis in cube.axes.values()
        )
    )


def _joined(group: list[Member]) -> tuple[str, Cube]:
    if len(group) == 1:
        return PurePath(group[0].location.rstrip("/")).stem, group[0].cube
    cubes = [member.cube for member in group]
    union = {name: _union([cube.axes[name] for cube in cubes]) for name in cubes[0].axes}
    spread = {
        name for name in union if _is_spread(union[name], [cube.axes[name] for cube in cubes])
    }
    axes = {
        name: replace(axis, dim=axis.dim or name) if name in spread else cubes[0].axes[name]
        for name, axis in union.items()
    }
    names = list(dict.fromkeys(name for cube in cubes for name in cube.variables))
    variables = {name: _join_variable(name, cubes, axes, spread) for name in names}
    version = hashlib.sha256("".join(cube.version for cube in cubes).encode()).hexdigest()[:20]
    warnings = tuple(_reports(group, axes, spread)) + tuple(
        w for cube in cubes for w in cube.warnings
    )
    joined = replace(
        cubes[-1],
        axes={name: axes[name] for name in ordered_axes(list(axes.values()))},
        variables=variables,
        version=version,
        warnings=warnings,
    )
    return "", joined


def _union(axes: Sequence[Axis]) -> Axis:
    """All values once, ascending, or descending where every file descends."""
    values = np.unique(np.concatenate([axis.values for axis in axes]))
    if all(len(axis.values) > 1 and axis.values[0] > axis.values[-1] for axis in axes):
        values = values[::-1]
    dim = next((axis.dim for axis in axes if axis.dim is not None), None)
    return replace(axes[0], values=values, bounds=_union_bounds(axes, values), dim=dim)


def _union_bounds(axes: Sequence[Axis], values: NDArray[Any]) -> NDArray[Any] | None:
    known: dict[Any, Any] = {}
    for axis in axes:
        if axis.bounds is None:
            return None
        known.update(zip(axis.values, axis.bounds, strict=True))
    return np.array([known[value] for value in values])


def _is_spread(union: Axis, axes: Sequence[Axis]) -> bool:
    """Whether files differ along an axis."""
    return any(
        len(axis.values) != len(union.values) or not np.array_equal(axis.values, union.values)
        for axis in axes
    ) or any(axis.dim is None for axis in axes) != all(axis.dim is None for axis in axes)


def _join_variable(
    name: str, cubes: Sequence[Cube], axes: Mapping[str, Axis], spread: set[str]
) -> Variable:
    holders = [cube for cube in cubes if name in cube.variables]
    latest = holders[-1].variables[name]
    joined = [axis for axis in latest.axes if axis in spread]
    if not joined:
        return latest
    dims = {axis: str(axes[axis].dim) for axis in joined}
    own = {dim for cube in holders for dim in cube.variables[name].field.dims}
    order = [dims[axis] for axis in latest.axes if axis in joined and dims[axis] not in own]
    field_dims = tuple(order) + next(
        cube.variables[name].field.dims
        for cube in holders
        if set(cube.variables[name].field.dims) == own
    )
    parts = [_part(cube, name, axes, joined, dims) for cube in holders]
    sizes = {dims[axis]: axes[axis].size for axis in joined}
    example = holders[0].variables[name].field
    plain = dict(zip(example.dims, example.shape, strict=True))
    shape = tuple(sizes.get(dim) or plain[dim] for dim in field_dims)
    return replace(latest, field=JoinedField(field_dims, shape, parts))


def _part(
    cube: Cube, name: str, axes: Mapping[str, Axis], joined: Sequence[str], dims: Mapping[str, str]
) -> Part:
    positions: dict[str, NDArray[np.int64]] = {}
    expand: set[str] = set()
    for axis_name in joined:
        union, own = axes[axis_name], cube.axes[axis_name]
        order = np.argsort(union.values, kind="stable")
        positions[dims[axis_name]] = order[np.searchsorted(union.values[order], own.values)]
        if own.dim is None:
            expand.add(dims[axis_name])
    return Part(cube.variables[name].field, positions, frozenset(expand))


def _reports(group: Sequence[Member], axes: Mapping[str, Axis], spread: set[str]) -> Iterable[str]:
    """Gaps and overlaps along the joined axes, for ``inspect``."""
    for name in spread:
        axis = axes[name]
        count = sum(member.cube.axes[name].size for member in group)
        if axis.kind is AxisKind.TIME and count > axis.size and len(spread) == 1:
            yield f"{name}: {count - axis.size} values are in more than one file; the later file answers"
        if axis.is_time and axis.size > 2 and regular_step(np.sort(axis.values)) is None:
            steps = np.diff(np.sort(axis.values))
            usual = np.median(steps)
            gaps = int((steps > 1.5 * usual).sum())
            if gaps and usual < 27 * 86_400_000_000:
                yield f"{name}: {gaps} gap{'s' if gaps > 1 else ''} in the series"
