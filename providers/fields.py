"""Values of one variable, read lazily: from one file, or joined from many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .cf.packing import Packing
from .chunks import ChunkedReader, Indexer
from .readers.base import RawVariable

Values = NDArray[Any]


class Field(Protocol):
    """Values over named dimensions; missing is NaN. One with holes is a :class:`SparseField` too."""

    @property
    def dims(self) -> tuple[str, ...]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def chunks(self) -> tuple[int, ...]:
        """Sizes of the blocks that are read as a whole; of files joined, those of the first."""

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        """Values at the outer product of the indexers, dimensions in their own order; a dimension left out is whole."""


class SparseField(Field, Protocol):
    """A field of many pieces (files, messages) that may lack some combinations of its dimensions."""

    def counts(
        self, dims: tuple[str, ...], within: Mapping[str, NDArray[np.int64]] | None = None
    ) -> NDArray[np.int64] | None:
        """How many combinations of the other dimensions are stored, per combination of ``dims``.

        One axis per dimension named, in that order, of length 1 for one that pieces do not lie along (each holds all
        of it). ``within`` counts at some positions of other dimensions only; dimensions that pieces do not lie along
        do not count. Stored twice counts once. None: nothing is missing.
        """


@dataclass(frozen=True)
class StoredField:
    """A variable of one file."""

    variable: RawVariable
    packing: Packing
    reader: ChunkedReader = field(repr=False)

    @property
    def dims(self) -> tuple[str, ...]:
        return self.variable.dims

    @property
    def shape(self) -> tuple[int, ...]:
        return self.variable.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.packing.values

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.variable.chunks

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        wanted = [
            indexers.get(dim, slice(0, size))
            for dim, size in zip(self.variable.dims, self.variable.shape, strict=True)
        ]
        return self.packing.unpack(self.reader.read(wanted))


@dataclass(frozen=True)
class Part:
    """Where one file's field lies in a joined one: for each joined dimension, the positions its entries take.

    ``expand`` are joined dimensions the file itself does not have (a scalar coordinate).
    """

    field: Field
    positions: Mapping[str, NDArray[np.int64]]
    expand: frozenset[str] = frozenset()


@dataclass(frozen=True)
class JoinedField:
    """Many files as one variable. Where parts overlap the last one wins; where none is, values are missing."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    parts: Sequence[Part]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type where nothing is missing; as in one file, whole numbers some of which are missing come as float."""
        types = {part.field.dtype for part in self.parts}
        common = np.result_type(*types)
        return common if common.kind == "f" or self.is_full else np.result_type(common, np.float32)

    @property
    def chunks(self) -> tuple[int, ...]:
        first = self.parts[0].field
        own = dict(zip(first.dims, first.chunks, strict=True))
        return tuple(own.get(dim, 1) for dim in self.dims)

    @cached_property
    def is_full(self) -> bool:
        """Every cell of the joined dimensions comes from some file."""
        return bool(self.present.all())

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Which combinations of the joined dimensions exist, in the order of :attr:`joined_dims`."""
        return self.held > 0

    @property
    def held(self) -> NDArray[np.int64]:
        """How many parts hold each combination of the joined dimensions."""
        sizes = [self.shape[self.dims.index(dim)] for dim in self.joined_dims]
        counts = np.zeros(sizes, np.int64)
        for part in self.parts:
            counts[np.ix_(*(part.positions[dim] for dim in self.joined_dims))] += 1
        return counts

    @property
    def joined_dims(self) -> tuple[str, ...]:
        return tuple(dim for dim in self.dims if dim in self.parts[0].positions)

    def counts(
        self, dims: tuple[str, ...], within: Mapping[str, NDArray[np.int64]] | None = None
    ) -> NDArray[np.int64] | None:
        """See :class:`SparseField`; pieces are files."""
        if self.is_full:
            return None
        present = self.present
        for axis, dim in enumerate(self.joined_dims):
            if within is not None and dim in within and dim not in dims:
                present = present.take(within[dim], axis)
        others = tuple(axis for axis, dim in enumerate(self.joined_dims) if dim not in dims)
        counts = present.sum(axis=others, dtype=np.int64)
        own = [dim for dim in self.joined_dims if dim in dims]
        counts = counts.transpose([own.index(dim) for dim in dims if dim in own])
        shape = list(counts.shape)
        return counts.reshape([shape.pop(0) if dim in own else 1 for dim in dims])

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        wanted = {
            dim: _positions(indexers.get(dim, slice(0, size)))
            for dim, size in zip(self.dims, self.shape, strict=True)
            if dim in self.joined_dims
        }
        kept = {dim: indexer for dim, indexer in indexers.items() if dim not in wanted}
        shape = tuple(
            len(wanted[dim]) if dim in wanted else _length(indexers.get(dim), size)
            for dim, size in zip(self.dims, self.shape, strict=True)
        )
        out: Values | None = None
        for part in self.parts:
            matches = {dim: _match(part.positions[dim], wanted[dim]) for dim in wanted}
            if any(not len(where) for where, _ in matches.values()):
                continue
            block = self._read_part(part, matches, kept)
            dtype = _holding(self.dtype if out is None else out.dtype, block)
            if out is None and block.shape == shape:
                out = block if block.dtype == dtype else block.astype(dtype)
                continue
            if out is None:
                out = _missing(shape, dtype)
            elif out.dtype != dtype or not out.flags.writeable:
                out = out.astype(dtype)
            target = [np.arange(size) for size in shape]
            for dim, (where, _) in matches.items():
                target[self.dims.index(dim)] = where
            out[np.ix_(*target)] = block
        return _missing(shape, np.result_type(self.dtype, np.float32)) if out is None else out

    def _read_part(
        self,
        part: Part,
        matches: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
        kept: Mapping[str, Indexer],
    ) -> Values:
        """The part's cells with dimensions in the joined order."""
        inner: dict[str, Indexer] = dict(kept)
        inner.update({dim: at for dim, (_, at) in matches.items() if dim not in part.expand})
        block = part.field.read(inner)
        own = list(part.field.dims)
        order = [own.index(dim) for dim in self.dims if dim in own]
        block = block.transpose(order)
        for axis, dim in enumerate(self.dims):
            if dim in part.expand:
                block = np.expand_dims(block, axis)
        return block


def _holding(dtype: np.dtype[Any], block: Values) -> np.dtype[Any]:
    """The type that holds both: a block of whole numbers with missing values is float."""
    return np.result_type(dtype, block.dtype) if block.dtype.kind == "f" else dtype


def _missing(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Values:
    """Missing everywhere; whole numbers cannot say so, and are overwritten because a file has every cell."""
    return np.full(shape, np.nan if dtype.kind == "f" else 0, dtype)


def _positions(indexer: Indexer) -> NDArray[np.int64]:
    return np.arange(indexer.start, indexer.stop) if isinstance(indexer, slice) else indexer


def _length(indexer: Indexer | None, size: int) -> int:
    if indexer is None:
        return size
    return indexer.stop - indexer.start if isinstance(indexer, slice) else len(indexer)


def _match(
    available: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where wanted positions are available: places in the answer, and places in the part."""
    order = np.argsort(available, kind="stable")
    ranked = available[order]
    at = np.searchsorted(ranked, wanted).clip(0, max(len(ranked) - 1, 0))
    hit = ranked[at] == wanted if len(ranked) else np.zeros(len(wanted), bool)
    return np.flatnonzero(hit), order[at[hit]]
