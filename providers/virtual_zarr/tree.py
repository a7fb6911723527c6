"""The tree of a cube: arrays of axes, cells and variables, and what stands under each key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.errors import NotFound

from ..axes import Axis
from ..cube import Cube
from ..formats.netcdf_axes import axis_values, bounds_values, time_units
from ..formats.netcdf_names import PAIR, RESERVED
from . import metadata
from .arrays import Array, in_memory
from .cells import cells_of
from .layout import chunk_shape
from .naming import Names, json_attributes
from .variables import data_array

_CONVENTIONS = "CF-1.13"
_NUMBER = r"(?:0|[1-9]\d{0,17})"
_CHUNK_2 = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})*")
_CHUNK_3 = re.compile(rf"c(?:/{_NUMBER})*")


@dataclass(frozen=True)
class Metadata:
    """A key whose value is a JSON document."""

    document: Mapping[str, Any]


@dataclass(frozen=True)
class Chunk:
    """A key whose value is a chunk."""

    array: Array
    position: tuple[int, ...]

    def read(self) -> bytes:
        """The chunk as it is stored."""
        return self.array.encoded(self.position)


Key = Metadata | Chunk


@dataclass(frozen=True)
class Tree:
    """One group of arrays. The same chunks stand under the keys of Zarr 2 and of Zarr 3."""

    arrays: Mapping[str, Array]
    attributes: Mapping[str, Any]

    def find(self, key: str) -> Key:
        """What stands under a key; raises NotFound, also for chunks of which nothing is stored."""
        document = metadata.of_group(key, self.attributes, self.arrays)
        name, _, rest = key.partition("/")
        array = self.arrays.get(name)
        if document is None and array is not None:
            document = metadata.of_array(rest, array)
            if document is None:
                return _chunk(array, rest)
        if document is None:
            raise _not_found(key)
        return Metadata(document)


def _chunk(array: Array, key: str) -> Chunk:
    if _CHUNK_3.fullmatch(key):
        position = tuple(int(part) for part in key.split("/")[1:])
    elif _CHUNK_2.fullmatch(key):
        position = tuple(int(part) for part in key.split("."))
        position = () if not array.shape and position == (0,) else position
    else:
        raise _not_found(key)
    counts = array.counts
    if len(position) != len(counts) or any(
        at >= count for at, count in zip(position, counts, strict=True)
    ):
        raise _not_found(key)
    if array.is_hole(array.block(position)):
        raise NotFound(f"nothing is stored in chunk {key}: all of it is missing", parameter="key")
    return Chunk(array, position)


def _not_found(key: str) -> NotFound:
    return NotFound(f"no key {key[:80]!r} in this Zarr group", parameter="key")


def tree_of(cube: Cube, most_cells: int) -> Tree:
    """All variables of a cube, each on its own axes, with their coordinates; chunks of ``most_cells`` at most."""
    cells = cells_of(cube)
    free = Names((*RESERVED, *cells.arrays))
    arrays = dict(cells.arrays)
    names: dict[str, str] = {}
    for axis in cube.axes.values():
        names[axis.name] = free.name(axis.name, "axis")
        arrays |= _axis_arrays(axis, names[axis.name], free)
    times = free.name("valid_time", "of_forecast") if cube.is_forecast else None
    if times is not None:
        arrays[times] = _valid_times(cube, names)
    beside = [name for name, array in arrays.items() if array.dims != (name,)]
    for variable in cube.variables.values():
        name = free.name(variable.id, "field")
        arrays[name] = data_array(cube, variable, names, cells, times)
    arrays = {name: _with_chunks(array, most_cells) for name, array in arrays.items()}
    said = json_attributes(cube.attributes)
    version = hashlib.sha256(cube.version.encode()).hexdigest()[:16]
    said |= {"Conventions": _CONVENTIONS, "data_version": version}
    if beside:
        said["coordinates"] = " ".join(beside)  # xarray: no fields, though nothing may name them
    return Tree(arrays, said)


def _with_chunks(array: Array, most_cells: int) -> Array:
    chunks = chunk_shape(array.shape, array.chunks, array.dtype.itemsize, most_cells)
    return replace(array, chunks=chunks)


def _axis_arrays(axis: Axis, name: str, free: Names) -> dict[str, Array]:
    """Values and bounds of an axis; a scalar one has no dimension."""
    values, said = axis_values(axis)
    attributes = json_attributes(said)
    if axis.dim is None:
        return {name: in_memory((), values[0], attributes)}
    if axis.bounds is None:
        return {name: in_memory((name,), values, attributes)}
    edges = free.name(f"{name}_bnds", "of_axis")
    return {
        name: in_memory((name,), values, {**attributes, "bounds": edges}),
        edges: in_memory((name, PAIR), bounds_values(axis), {}),
    }


def _valid_times(cube: Cube, names: Mapping[str, str]) -> Array:
    """Reference time plus step, over those of the two that are dimensions."""
    axes = [cube.axes[name] for name in ("reference_time", "step")]
    times = axes[0].values[:, None] + axes[1].values[None, :]
    units, factor = time_units(times)
    kept = [axis for axis in axes if axis.dim is not None]
    attributes = {
        "standard_name": "time",
        "units": units,
        "calendar": axes[0].calendar or "standard",
    }
    values = (times // factor).reshape([axis.size for axis in kept])
    return in_memory(tuple(names[axis.name] for axis in kept), values, attributes)
