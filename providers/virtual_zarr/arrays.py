"""An array of the tree: its metadata, and chunks encoded as both versions of Zarr store them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard
from numcodecs.vlen import VLenUTF8
from numpy.typing import NDArray

from ..coverage import Block
from ..readers.base import readable_chunks

ZSTD_LEVEL = 1


def never(block: Block) -> bool:
    """For arrays that have all of their chunks."""
    return False


@dataclass(frozen=True)
class Array:
    """``dtype`` is little-endian, or object for text. ``fill`` stands for missing values, None where none are.

    ``read`` gives the values of a block, where missing may also be NaN; ``is_hole`` tells of a block without reading
    it that nothing is stored there.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    attributes: Mapping[str, Any]
    read: Callable[[Block], NDArray[Any]]
    fill: Any = None
    is_hole: Callable[[Block], bool] = never

    @property
    def is_text(self) -> bool:
        return self.dtype.kind == "O"

    @property
    def counts(self) -> tuple[int, ...]:
        """How many chunks there are along each dimension."""
        return tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def cells(self) -> int:
        """Cells of one chunk."""
        return math.prod(self.chunks)

    @property
    def padding(self) -> Any:
        """What stands where nothing is: beyond the edges, and in chunks that are not there."""
        if self.is_text:
            return ""
        if self.fill is not None:
            return self.fill
        return float("nan") if self.dtype.kind == "f" else 0

    def block(self, position: tuple[int, ...]) -> Block:
        """What a chunk covers of the array."""
        return tuple(
            slice(at * chunk, min((at + 1) * chunk, size))
            for at, chunk, size in zip(position, self.chunks, self.shape, strict=True)
        )

    def encoded(self, position: tuple[int, ...]) -> bytes:
        """A chunk in full size, in C order, compressed; always the same bytes for the same values."""
        values = self.read(self.block(position))
        if self.dtype.kind in "iu" and values.dtype.kind == "f":
            values = np.where(np.isnan(values), self.padding, values)
        values = values.astype(self.dtype, copy=False)
        if values.shape != self.chunks:
            room = [(0, all_ - some) for all_, some in zip(self.chunks, values.shape, strict=True)]
            values = np.pad(values, room, constant_values=self.padding)
        content = (
            VLenUTF8().encode(values.ravel()) if self.is_text else np.ascontiguousarray(values).data
        )
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(content)


def in_memory(dims: tuple[str, ...], values: Any, attributes: Mapping[str, Any]) -> Array:
    """An array of values that are there; text comes as objects."""
    array = np.asarray(values)
    array = array.astype(object if array.dtype.kind in "OU" else array.dtype.newbyteorder("<"))
    return Array(
        dims,
        array.shape,
        array.dtype,
        readable_chunks(array.shape, array.dtype.itemsize),
        attributes,
        lambda block: np.asarray(array[block], array.dtype),
    )
