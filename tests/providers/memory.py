"""Cubes over arrays in memory: what the store gives, without a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from providers.build import build_cubes
from providers.chunks import ChunkCache
from providers.cube import Cube
from providers.readers.base import OpenFile, RawGroup, RawVariable

Items = Sequence[tuple[str, tuple[str, ...], ArrayLike, Mapping[str, Any]]]


@dataclass
class ArraySource:
    """Blocks of an array; ``loads`` counts how often each was asked for."""

    array: NDArray[Any]
    loads: dict[tuple[int, ...], int] = field(default_factory=dict)

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> NDArray[Any]:
        self.loads[start] = self.loads.get(start, 0) + 1
        block: NDArray[Any] = self.array[
            tuple(slice(*pair) for pair in zip(start, stop, strict=True))
        ]
        return block.copy()


def raw(
    name: str,
    dims: tuple[str, ...],
    values: ArrayLike,
    attributes: Mapping[str, Any] | None = None,
    *,
    chunks: tuple[int, ...] | None = None,
    contiguous: bool = False,
    fill: Any = None,
) -> RawVariable:
    """A stored variable; one chunk unless told otherwise."""
    array = np.asarray(values)
    return RawVariable(
        name, dims, array.shape, array.dtype, chunks or tuple(max(size, 1) for size in array.shape),
        attributes or {}, ArraySource(array), contiguous, fill,
    )  # fmt: skip


def cubes_of(items: Items, attributes: Mapping[str, Any] | None = None) -> list[Cube]:
    variables = {name: raw(name, dims, values, facts) for name, dims, values, facts in items}
    group = RawGroup("", variables, attributes or {}, frozenset(variables))
    file = OpenFile("memory", (group,), "1", lambda: None)
    return list(build_cubes(file, ChunkCache(1 << 20), version="1").cubes)


LAT = {"standard_name": "latitude", "units": "degrees_north"}
LON = {"standard_name": "longitude", "units": "degrees_east"}


def rectilinear_cube(lat: ArrayLike, lon: ArrayLike, values: ArrayLike) -> Cube:
    """One timeless variable ``v`` over (lat, lon)."""
    (cube,) = cubes_of(
        [
            ("lat", ("lat",), lat, LAT),
            ("lon", ("lon",), lon, LON),
            ("v", ("lat", "lon"), values, {}),
        ]
    )
    return cube
