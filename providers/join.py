"""Many files as one dataset: joined along their axes by what their metadata say, never by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alike import common, differs, same_axis, same_grid, same_place
from .axes import Axis, AxisKind, ordered_axes, regular_step
from .cube import Cube, Variable
from .fields import JoinedField, Part
from .readers import OpenFile

_IDENTITY = (
    "experiment_id",
    "source_id",
    "variant_label",
    "expver",
    "model_id",
    "ensemble_id",
    "frequency",
)
"""Facts that tell versions of the same thing apart: files that differ in one never join."""
_HEIGHTS = (AxisKind.Z, AxisKind.OTHER)
"""Kinds of scalar coordinates that belong to one variable (height of 2 m), not to the whole file."""


@dataclass(frozen=True)
class Member:
    """One cube of one file, on its way into a dataset. ``order`` decides which file wins where two overlap."""

    location: str
    cube: Cube
    order: tuple[Any, ...]
    identity: Mapping[str, str] = field(default_factory=dict)
    """What :func:`identity_of` found in variables of the file."""

    def fact(self, name: str) -> str | None:
        """What the file says it is: by a variable, else by an attribute."""
        stated = self.identity.get(name, self.cube.attributes.get(name))
        return None if stated is None else str(stated)


@dataclass(frozen=True)
class Joined:
    """A cube of a dataset with its name: the file's stem, or nothing for one made of many."""

    name: str
    cube: Cube
    pieces: tuple[str, ...]


def identity_of(file: OpenFile) -> dict[str, str]:
    """Facts of :data:`_IDENTITY` that a file states in a variable (``expver``), not as an axis of its data."""
    found: dict[str, str] = {}
    for name in _IDENTITY:
        for group in file.groups:
            raw = group.variables.get(name)
            if raw is not None and len(raw.dims) < 2 and raw.dims != (name,):
                texts = {_plain(value) for value in np.ravel(raw.read_all())}
                found.setdefault(name, ", ".join(sorted(texts)))
    return found


def _plain(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip("\x00 ")


def join(members: Sequence[Member]) -> list[Joined]:
    """Cubes of a dataset. Files that share a variable join first, then variables on the same axes come together."""
    groups: list[list[Member]] = []
    for member in sorted(members, key=lambda member: member.order):
        for group in groups:
            if _share(group, [member]) and _joinable(group, [member]):
                group.append(member)
                break
        else:
            groups.append([member])
    merged: list[list[list[Member]]] = []
    for group in groups:
        for others in merged:
            flat = [member for other in others for member in other]
            if _joinable(flat, group) and all(_same_axes(other, group) for other in others):
                others.append(group)
                break
        else:
            merged.append([group])
    done = [_with_own_heights(groups) for groups in merged]
    return [
        _joined(group, _told_apart(group, done[:position])) for position, group in enumerate(done)
    ]


def _same_cell_times(one: Cube, other: Cube) -> bool:
    """Tracks and swaths join only where each cell has the same time in both."""
    ours, theirs = one.cell_times, other.cell_times
    if ours is None or theirs is None:
        return ours is theirs
    return np.array_equal(ours.values, theirs.values)


def _share(one: Sequence[Member], other: Sequence[Member]) -> bool:
    return any(common(a.cube, b.cube) for a in one for b in other)


def _joinable(one: Sequence[Member], other: Sequence[Member]) -> bool:
    """Whether no file of one group contradicts a file of the other."""
    first = one[0].cube
    for member in other:
        cube = member.cube
        if first.dims != cube.dims or not same_grid(first.grid, cube.grid):
            return False
        if not _same_cell_times(first, cube):
            return False
        if _difference(one[0], member) is not None:
            return False
    for a in one:
        for b in other:
            for name in common(a.cube, b.cube):
                if differs(a.cube, b.cube, name):
                    return False
            if same_place(a.cube, b.cube):
                return False
    return all(
        same_axis(first.axes[name], member.cube.axes[name])
        for member in other
        for name in first.axes.keys() & member.cube.axes.keys()
    )


def _difference(one: Member, other: Member) -> str | None:
    """The fact in which two files say that they are versions of the same thing."""
    for name in _IDENTITY:
        ours, theirs = one.fact(name), other.fact(name)
        if ours is not None and theirs is not None and ours != theirs:
            return name
    return None


def _told_apart(group: Sequence[Member], before: Sequence[Sequence[Member]]) -> tuple[str, ...]:
    """What kept a group from joining an earlier one that holds the same variables."""
    for other in before:
        name = _difference(other[0], group[0])
        if name is not None and _share(other, group):
            return (
                f"{name}: {group[0].fact(name)} ({PurePath(group[0].location).name}) is kept apart from "
                f"{other[0].fact(name)} ({PurePath(other[0].location).name})",
            )
    return ()


def _same_axes(one: Sequence[Member], other: Sequence[Member]) -> bool:
    """Whether variables of two groups run over the same axes, heights of single variables apart."""
    ours, theirs = _values_of(one), _values_of(other)
    if _long(one, ours) != _long(other, theirs):
        shared = {name for member in one for name in member.cube.axes} & theirs.keys()
        longer = _long(one, ours) ^ _long(other, theirs)
        return longer <= shared and all(ours[name] & theirs[name] for name in longer)
    return True


def _values_of(group: Sequence[Member]) -> dict[str, set[Any]]:
    values: dict[str, set[Any]] = {}
    for member in group:
        for name, axis in member.cube.axes.items():
            values.setdefault(name, set()).update(axis.values.tolist())
    return values


def _long(group: Sequence[Member], values: Mapping[str, set[Any]]) -> set[str]:
    """Axes that are more than one height of one variable."""
    return {
        name
        for member in group
        for name, axis in member.cube.axes.items()
        if axis.dim is not None or axis.kind not in _HEIGHTS or len(values[name]) > 1
    }


def _with_own_heights(groups: Sequence[list[Member]]) -> list[Member]:
    """The members of groups that come together. Single heights of one name that differ get names of their own."""
    values = [_values_of(group) for group in groups]
    names = dict.fromkeys(name for found in values for name in found)
    renamed: list[str] = []
    for name in names:
        own = [found[name] for found in values if name in found]
        alone = all(name not in _long(g, v) for g, v in zip(groups, values, strict=True))
        if alone and any(found != own[0] for found in own):
            renamed.append(name)
    members = [member for group in groups for member in group]
    if not renamed:
        return sorted(members, key=lambda member: member.order)
    members = [replace(member, cube=_renamed(member.cube, renamed)) for member in members]
    return sorted(members, key=lambda member: member.order)


def _renamed(cube: Cube, names: Sequence[str]) -> Cube:
    """The cube with scalar axes named after their value: ``height_2m``."""
    new = {name: _own_name(cube.axes[name]) for name in names if name in cube.axes}
    axes = {
        new.get(name, name): replace(axis, name=new[name], source_name=new[name])
        if name in new
        else axis
        for name, axis in cube.axes.items()
    }
    variables = {
        name: replace(variable, axes=tuple(new.get(axis, axis) for axis in variable.axes))
        for name, variable in cube.variables.items()
    }
    return replace(cube, axes=axes, variables=variables)


def _own_name(axis: Axis) -> str:
    value = axis.labels()[0]
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    unit = axis.units if axis.units and axis.units.isalpha() else ""
    return "".join(c if c.isalnum() else "_" for c in f"{axis.name}_{text}{unit}")


def _joined(group: Sequence[Member], notes: tuple[str, ...]) -> Joined:
    pieces = tuple(
        f"{member.location}|{name}" for member in group for name in member.cube.variables
    )
    if len(group) == 1:
        cube = group[0].cube
        cube = replace(cube, warnings=(*cube.warnings, *notes)) if notes else cube
        return Joined(PurePath(group[0].location.rstrip("/")).stem, cube, pieces)
    cubes = _aligned([member.cube for member in group])
    names = dict.fromkeys(name for cube in cubes for name in cube.axes)
    owners = {name: [cube.axes[name] for cube in cubes if name in cube.axes] for name in names}
    union = {name: _union(owners[name]) for name in names}
    spread = {name for name in names if _is_spread(union[name], owners[name])}
    axes = {
        name: replace(axis, dim=axis.dim or name) if name in spread else owners[name][0]
        for name, axis in union.items()
    }
    variables = {
        name: _join_variable(name, cubes, axes, spread)
        for name in dict.fromkeys(name for cube in cubes for name in cube.variables)
    }
    version = hashlib.sha256("".join(cube.version for cube in cubes).encode()).hexdigest()[:20]
    found = _reports(variables, axes, spread)
    joined = replace(
        cubes[-1],
        axes={name: axes[name] for name in ordered_axes(list(axes.values()))},
        variables=variables,
        version=version,
        warnings=(*found, *notes, *(warning for cube in cubes for warning in cube.warnings)),
        coarser=tuple(_joined_levels(group)),
    )
    return Joined("", joined, pieces)


def _joined_levels(group: Sequence[Member]) -> Iterable[Cube]:
    """Overviews of the files joined as the files are, as many as all of them have alike."""
    for levels in zip(*(member.cube.coarser for member in group), strict=False):
        first = levels[0]
        if not all(
            same_grid(first.grid, level.grid) and first.attributes == level.attributes
            for level in levels
        ):
            return
        members = [replace(m, cube=level) for m, level in zip(group, levels, strict=True)]
        yield _joined(members, ()).cube


def _aligned(cubes: Sequence[Cube]) -> list[Cube]:
    """Values of axes that differ by the rounding of single precision alone become the more exact ones."""
    exact: dict[str, NDArray[Any]] = {}
    for cube in cubes:
        for name, axis in cube.axes.items():
            if axis.values.dtype == np.float64:
                exact[name] = np.union1d(exact.get(name, axis.values[:0]), axis.values)
    result = []
    for cube in cubes:
        axes = {
            name: replace(axis, values=_exact(axis.values, exact[name]))
            if name in exact and axis.values.dtype == np.float32
            else axis
            for name, axis in cube.axes.items()
        }
        result.append(replace(cube, axes=axes))
    return result


def _exact(values: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    wide = values.astype(np.float64)
    at = np.searchsorted(known, wide).clip(1, max(len(known) - 1, 1))
    low, high = known[at - 1], known[np.minimum(at, len(known) - 1)]
    nearest = np.where(np.abs(wide - low) <= np.abs(wide - high), low, high)
    return np.where(np.isclose(wide, nearest, rtol=1e-6, atol=0), nearest, wide)


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


def _reports(
    variables: Mapping[str, Variable], axes: Mapping[str, Axis], spread: set[str]
) -> Iterable[str]:
    """Overlaps and gaps along the joined axes, for ``inspect``."""
    for name in sorted(spread):
        axis = axes[name]
        counts = [_overlapped(variable, str(axis.dim)) for variable in variables.values()]
        if axis.kind is AxisKind.TIME and max(counts):
            yield f"{name}: {max(counts)} values are in more than one file; the later file answers"
        if axis.is_time and axis.size > 2 and regular_step(np.sort(axis.values)) is None:
            steps = np.diff(np.sort(axis.values))
            usual = np.median(steps)
            gaps = int((steps > 1.5 * usual).sum())
            if gaps and usual < 27 * 86_400_000_000:
                yield f"{name}: {gaps} gap{'s' if gaps > 1 else ''} in the series"


def _overlapped(variable: Variable, dim: str) -> int:
    """Positions along a dimension where several files hold the same cells of a variable."""
    joined = variable.field
    if not isinstance(joined, JoinedField) or dim not in joined.joined_dims:
        return 0
    held = joined.held
    others = tuple(axis for axis, name in enumerate(joined.joined_dims) if name != dim)
    return int((held > 1).any(axis=others).sum())
