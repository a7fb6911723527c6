"""Cubes over arrays in memory: what the store gives, without a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from providers.build import build_cubes
from providers.chunks import ChunkCache
from providers.cube import Cube, Variable
from providers.grids import Grid
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


@dataclass(frozen=True)
class PieceField:
    """Values over ``dims``, the first ones in pieces (messages) of which only those in ``mask`` exist."""

    dims: tuple[str, ...]
    values: NDArray[np.float64]
    mask: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    def read(self, indexers: Mapping[str, Any]) -> NDArray[np.float64]:
        wide = self.mask.reshape(self.mask.shape + (1,) * (self.values.ndim - self.mask.ndim))
        block = np.where(wide, self.values, np.nan)
        for axis, dim in enumerate(self.dims):
            if dim in indexers:
                at = indexers[dim]
                block = block.take(np.r_[at] if isinstance(at, slice) else at, axis)
        return block

    def counts(
        self, dims: tuple[str, ...], within: Mapping[str, NDArray[np.int64]] | None = None
    ) -> NDArray[np.int64]:
        mask, own = self.mask, self.dims[: self.mask.ndim]
        for dim, at in (within or {}).items():
            mask = mask.take(at, own.index(dim)) if dim in own else mask
        others = tuple(axis for axis, dim in enumerate(own) if dim not in dims)
        kept = [dim for dim in own if dim in dims]
        return mask.sum(axis=others, dtype=np.int64).transpose([kept.index(dim) for dim in dims])


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


def cube_on(grid: Grid, values: NDArray[Any]) -> Cube:
    """One timeless variable ``t`` on the cells of any grid."""
    dims = ("y", "x") if values.ndim == 2 else ("cell",)
    field = PieceField(dims, values, np.ones(values.shape, bool))
    variable = Variable("t", field, ())
    return Cube("t", grid, dims, {}, {"t": variable}, {}, "1")
