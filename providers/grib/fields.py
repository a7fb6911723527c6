"""Values of a variable whose pieces are GRIB messages: decoded when asked for, missing where no message is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import eccodes
import numpy as np
from numpy.typing import NDArray

from config.errors import SourceUnavailable

from ..chunks import ChunkCache, Indexer
from ..fields import Values
from ..readers.base import OpenFile
from .frames import message_bytes
from .grids import GribGrid
from .headers import CUT_OFF
from .index import FileIndex
from .keys import opened
from .sources import ByteSource

Ints = NDArray[np.int64]

_MISSING = 1e37
"""Stands for missing values while ecCodes decodes; no physical quantity comes near it."""
_DOUBLE = np.dtype(np.float64)
_FEW, _LARGE = 16, 100_000
"""So few cells of so large a message are taken out of it without decoding the rest, where the packing allows it."""
_DIRECT = ("grid_simple", "grid_ieee")
_PLAIN = ("grid_simple", "grid_ccsds")
"""Packings that ecCodes decodes to single precision too, and in which only a bitmap says what is missing."""


@dataclass(frozen=True)
class GribFile(OpenFile):
    """A file of GRIB messages: where they are, and its bytes."""

    source: ByteSource
    index: FileIndex
    version: str

    def message(self, row: int) -> bytes:
        """One whole message, complete in itself."""
        return message_bytes(self.source, self.index.ranges(row))

    def refuse_incomplete(self) -> None:
        """Raises SourceUnavailable for a file that ends inside a message: it is still being copied."""
        last = self.index.damages[-1] if self.index.damages else None
        if last is not None and last.reason.startswith(CUT_OFF):
            raise SourceUnavailable(
                f"incomplete: it ends inside message {last.number}; is it still being copied?"
            )

    def template(self, row: int) -> Mapping[str, Any]:
        """The keys of one message."""
        return self.index.templates[int(self.index.template[row])]


@dataclass(frozen=True)
class Messages:
    """The messages of a dataset, decoded through the cache of chunks; ``grids`` by the digest of the grid section."""

    files: Sequence[GribFile]
    cache: ChunkCache
    grids: Mapping[str, GribGrid]

    def read(self, file: int, row: int, dtype: np.dtype[Any], cells: tuple[Indexer, ...]) -> Values:
        """Values of one message at the outer product of the indexers of the grid's dimensions."""
        source = self.files[file]
        grid = self.grids[source.template(row)["grid"]]
        key = (source.version, "message", (row,))
        if self._is_direct(source, row, grid, cells) and self.cache.peek(key) is None:
            return self._elements(source, row, grid, dtype, cells)
        values = self.cache.get(
            key, lambda: self._whole(source, row, grid, dtype).astype(dtype, copy=False)
        )
        return _pick(values, cells)

    def _is_direct(
        self, source: GribFile, row: int, grid: GribGrid, cells: tuple[Indexer, ...]
    ) -> bool:
        if grid.grid.size < _LARGE:
            return False
        count = np.prod([_length(indexer) for indexer in cells])
        return bool(count <= _FEW) and source.template(row)["packing"] in _DIRECT

    def _whole(
        self, source: GribFile, row: int, grid: GribGrid, dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        values = decoded(source, row, dtype)
        if len(values) != grid.grid.size:
            number = int(source.index.number[row])
            raise SourceUnavailable(
                f"message {number} holds {len(values)} values for a grid of {grid.grid.size} cells"
            )
        return grid.array(values)

    def _elements(
        self,
        source: GribFile,
        row: int,
        grid: GribGrid,
        dtype: np.dtype[Any],
        cells: tuple[Indexer, ...],
    ) -> Values:
        parts = [_positions(indexer) for indexer in cells]
        flat = np.ravel_multi_index(np.meshgrid(*parts, indexing="ij"), grid.grid.shape)
        found = decoded(source, row, dtype, grid.positions(flat.ravel()))
        return found.reshape(flat.shape).astype(dtype)


def decoded(
    source: GribFile,
    row: int,
    dtype: np.dtype[Any] = _DOUBLE,
    elements: Ints | None = None,
) -> NDArray[Any]:
    """All values of a message, or those at some positions, in the order of the message; missing is NaN.

    They come as float32 where that is ``dtype`` and saves work, else as float64. Raises SourceUnavailable.
    """
    message = source.message(row)
    is_plain = source.template(row)["packing"] in _PLAIN
    try:
        with opened(message) as handle:
            has_missing = not is_plain or bool(eccodes.codes_get_long(handle, "bitmapPresent"))
            if has_missing:
                eccodes.codes_set(handle, "missingValue", _MISSING)
            if elements is not None:
                found = eccodes.codes_get_elements(handle, "values", elements.tolist())
                values = np.array(found, np.float64)
            elif is_plain and dtype == np.float32:
                values = eccodes.codes_get_float_array(handle, "values")
            else:
                values = eccodes.codes_get_double_array(handle, "values")
    except (ValueError, MemoryError, eccodes.CodesInternalError) as error:
        number = int(source.index.number[row])
        raise SourceUnavailable(f"message {number} cannot be decoded: {error}") from error
    if has_missing:
        values[values == values.dtype.type(_MISSING)] = np.nan
    return values


@dataclass(frozen=True)
class GribField:
    """One variable over ``dims``: those of messages (``sizes``), then those of the grid (``cells``).

    ``flat`` are the positions in the product of ``sizes`` that have a message, ascending; ``file`` and ``row`` say
    which. What is not there takes no room.
    """

    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    cells: tuple[int, ...]
    dtype: np.dtype[Any]
    messages: Messages
    flat: Ints
    file: NDArray[np.int32]
    row: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sizes + self.cells

    @property
    def chunks(self) -> tuple[int, ...]:
        """One message."""
        return (1,) * len(self.sizes) + self.cells

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        wanted = [
            _positions(indexers.get(dim, slice(0, size)))
            for dim, size in zip(self.dims, self.sizes, strict=False)
        ]
        cells = tuple(
            indexers.get(dim, slice(0, size))
            for dim, size in zip(self.dims[len(self.sizes) :], self.cells, strict=True)
        )
        flat: Ints = np.zeros((), np.int64)
        for positions, size in zip(wanted, self.sizes, strict=True):
            flat = flat[..., None] * size + positions
        outer, inner = flat.shape, tuple(_length(indexer) for indexer in cells)
        flat = flat.ravel()
        at = np.searchsorted(self.flat, flat).clip(0, len(self.flat) - 1)
        hits = np.flatnonzero(self.flat[at] == flat)
        if len(flat) == 1 and len(hits):
            return self._message(int(at[0]), cells).reshape(outer + inner)
        out = np.full((len(flat), *inner), np.nan, self.dtype)
        for hit in hits:
            out[hit] = self._message(int(at[hit]), cells)
        return out.reshape(outer + inner)

    def _message(self, at: int, cells: tuple[Indexer, ...]) -> Values:
        return self.messages.read(int(self.file[at]), int(self.row[at]), self.dtype, cells)

    def counts(self, dims: Sequence[str], within: Mapping[str, Ints] | None = None) -> Ints:
        """How many messages there are at each combination of some of the message dimensions.

        ``within`` are positions on others, at which alone they count (see :class:`~providers.fields.SparseField`).
        """
        own = self.dims[: len(self.sizes)]
        there = np.ones(len(self.flat), bool)
        for dim, positions in (within or {}).items():
            if dim in own and dim not in dims:
                wanted = np.zeros(self.sizes[own.index(dim)], bool)
                wanted[positions] = True
                there &= wanted[self._places[own.index(dim)]]
        if not dims:
            return np.array(np.count_nonzero(there))
        sizes = [self.sizes[own.index(dim)] for dim in dims]
        places = [self._places[own.index(dim)][there] for dim in dims]
        flat = np.ravel_multi_index(places, sizes)
        return np.bincount(flat, minlength=int(np.prod(sizes))).reshape(sizes)

    @cached_property
    def _places(self) -> tuple[Ints, ...]:
        return tuple(np.unravel_index(self.flat, self.sizes)) if self.sizes else ()

    @property
    def joined_dims(self) -> tuple[str, ...]:
        """Dimensions along which messages may be missing."""
        return self.dims[: len(self.sizes)]


def _pick(values: Values, cells: tuple[Indexer, ...]) -> Values:
    if all(isinstance(indexer, slice) for indexer in cells):
        return values[cells]
    if len(cells) == 1:
        return values.take(_positions(cells[0]))
    return values[np.ix_(*(_positions(indexer) for indexer in cells))]


def _positions(indexer: Indexer) -> Ints:
    return np.arange(indexer.start, indexer.stop) if isinstance(indexer, slice) else indexer


def _length(indexer: Indexer) -> int:
    return indexer.stop - indexer.start if isinstance(indexer, slice) else len(indexer)
