"""Which variables of a file share a cube, and what the cubes of one file are called."""

from __future__ import annotations

from dataclasses import dataclass

from .axes import Axis, AxisKind
from .cf.horizontal import Placement
from .readers.base import RawVariable


@dataclass(frozen=True)
class Placed:
    """A data variable with its grid and axes."""

    raw: RawVariable
    placement: Placement
    axes: tuple[Axis, ...]


def compatible(members: list[Placed], item: Placed) -> bool:
    first = members[0].placement
    if first.grid is not item.placement.grid or first.dims != item.placement.dims:
        return False
    known = {axis.name: axis for member in members for axis in member.axes}
    if any(axis.name in known and not _same_axis(known[axis.name], axis) for axis in item.axes):
        return False
    kinds: dict[AxisKind, Axis] = {
        axis.kind: axis
        for axis in known.values()
        if axis.kind is not AxisKind.OTHER and axis.dim is not None
    }
    return all(
        axis.dim is None or axis.kind not in kinds or _same_axis(kinds[axis.kind], axis)
        for axis in item.axes
    )


def _same_axis(one: Axis, other: Axis) -> bool:
    """Whether two axes of one group come from the same coordinate."""
    return (one.dim, one.source_name) == (other.dim, other.source_name)


def keys_of(groups: list[list[Placed]]) -> list[str]:
    """A readable suffix per cube: what sets it apart — its own dimensions, else its grid."""
    if len(groups) < 2:
        return ["" for _ in groups]
    everywhere = set.intersection(
        *({dim for item in members for dim in item.raw.dims} for members in groups)
    )
    keys: list[str] = []
    for members in groups:
        dims = [dim for item in members for dim in item.raw.dims if dim not in everywhere]
        unique = list(dict.fromkeys(dims))
        level = next(
            (axis for item in members for axis in item.axes if axis.kind is AxisKind.Z), None
        )
        word = (
            level.source_name if level is not None and level.dim in unique else "-".join(unique[:2])
        )
        key = str(word or "sfc").lower()
        if key in keys:
            key = f"{key}-{members[0].placement.grid.kind}"
        while key in keys:
            key = f"{key}-{members[0].raw.name.lower()}"
        keys.append(key)
    return keys
