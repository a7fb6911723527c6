"""Byte-bounded cache of decompressed chunks, and reading any selection through it.

Maps, coverages and position queries share one cache: what one has decoded the next does not read again. Chunks are
kept packed as stored (an int16 costs half a float32) and are never written to.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from .readers.base import Raw, RawVariable

Indexer = slice | NDArray[np.int64]
ChunkKey = tuple[str, str, tuple[int, ...]]

_DIRECT_RATIO = 16
"""Contiguous data are read around the cache when the chunks touched hold this many times the cells asked for."""


class ChunkCache:
    """Chunks by (source version, variable, chunk position); several threads never load the same chunk twice."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._chunks: LRUCache[ChunkKey, Raw] = LRUCache(
            max(capacity, 1), getsizeof=lambda chunk: chunk.nbytes
        )
        self._loading: dict[ChunkKey, Future[Raw]] = {}
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Bytes held now."""
        return int(self._chunks.currsize)

    def peek(self, key: ChunkKey) -> Raw | None:
        """The chunk if it is here."""
        with self._lock:
            return self._chunks.get(key)

    def get(self, key: ChunkKey, load: Callable[[], Raw]) -> Raw:
        """The chunk, loaded once however many threads ask."""
        with self._lock:
            chunk = self._chunks.get(key)
            if chunk is not None:
                return chunk
            future = self._loading.get(key)
            mine = future is None
            if future is None:
                future = self._loading[key] = Future()
        if not mine:
            return future.result()
        try:
            chunk = load()
            if getattr(chunk.base, "nbytes", 0) > chunk.nbytes:  # a view would keep all of it alive
                chunk = chunk.copy()
            chunk.flags.writeable = False
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            future.set_exception(error)
            raise
        with self._lock:
            if chunk.nbytes <= self.capacity // 2:
                self._chunks[key] = chunk
            del self._loading[key]
        future.set_result(chunk)
        return chunk


@dataclass(frozen=True)
class _Axis:
    """One dimension of a read: for each chunk touched, where it lies and which cells go where in the answer."""

    size: int
    parts: tuple[tuple[int, Any, Any], ...]
    """(chunk position, indexer inside the chunk, indexer in the answer)."""


class ChunkedReader:
    """Orthogonal reading of one variable through a cache."""

    def __init__(self, variable: RawVariable, version: str, cache: ChunkCache) -> None:
        self._variable = variable
        self._version = version
        self._cache = cache

    def read(self, indexers: Sequence[Indexer]) -> Raw:
        """Cells at the outer product of the indexers (one per dimension), still packed.

        Slices have non-negative bounds and step one; index arrays may repeat and be in any order.
        """
        variable = self._variable
        if not variable.shape:
            return variable.source.load((), ())
        axes = [
            _split(indexer, chunk) for indexer, chunk in zip(indexers, variable.chunks, strict=True)
        ]
        shape = tuple(axis.size for axis in axes)
        if 0 in shape:
            return np.empty(shape, variable.dtype)
        if variable.contiguous and self._is_sparse(axes, shape):
            return self._read_direct(indexers)
        parts = list(itertools.product(*(axis.parts for axis in axes)))
        if len(parts) == 1:
            return self._take(parts[0])
        out = np.empty(shape, variable.dtype)
        for part in parts:
            out[_open(tuple(piece[2] for piece in part))] = self._take(part)
        return out

    def _take(self, part: tuple[tuple[int, Any, Any], ...]) -> Raw:
        position = tuple(piece[0] for piece in part)
        return _pick(self._chunk(position), tuple(piece[1] for piece in part))

    def _chunk(self, position: tuple[int, ...]) -> Raw:
        variable = self._variable
        start = tuple(at * chunk for at, chunk in zip(position, variable.chunks, strict=True))
        stop = tuple(
            min(begin + chunk, size)
            for begin, chunk, size in zip(start, variable.chunks, variable.shape, strict=True)
        )
        return self._cache.get(
            (self._version, variable.name, position), lambda: variable.source.load(start, stop)
        )

    def _is_sparse(self, axes: list[_Axis], shape: tuple[int, ...]) -> bool:
        touched = np.prod([len(axis.parts) for axis in axes]) * np.prod(self._variable.chunks)
        return bool(
            touched > _DIRECT_RATIO * np.prod(shape)
            and touched * self._variable.dtype.itemsize > 4 << 20
        )

    def _read_direct(self, indexers: Sequence[Indexer]) -> Raw:
        """The smallest block that holds the cells, without keeping it."""
        starts, stops, inside = [], [], []
        for indexer in indexers:
            if isinstance(indexer, slice):
                starts.append(indexer.start)
                stops.append(indexer.stop)
                inside.append(slice(0, indexer.stop - indexer.start))
            else:
                starts.append(int(indexer.min()))
                stops.append(int(indexer.max()) + 1)
                inside.append(indexer - starts[-1])
        block = self._variable.source.load(tuple(starts), tuple(stops))
        return _pick(block, tuple(inside))


def _split(indexer: Indexer, chunk: int) -> _Axis:
    if not isinstance(indexer, slice) and _is_run(indexer):
        indexer = slice(int(indexer[0]), int(indexer[-1]) + 1)
    if isinstance(indexer, slice):
        start, stop = indexer.start, indexer.stop
        parts = []
        for position in range(start // chunk, -(-stop // chunk)) if stop > start else ():
            low, high = max(start, position * chunk), min(stop, (position + 1) * chunk)
            inner = slice(low - position * chunk, high - position * chunk)
            parts.append((position, inner, slice(low - start, high - start)))
        return _Axis(max(stop - start, 0), tuple(parts))
    if not len(indexer):
        return _Axis(0, ())
    at = int(indexer.min()) // chunk
    if at == int(indexer.max()) // chunk:
        return _Axis(len(indexer), ((at, indexer - at * chunk, slice(0, len(indexer))),))
    positions = indexer // chunk
    split = []
    for found in np.flatnonzero(np.bincount(positions)):
        where = np.flatnonzero(positions == found)
        split.append((int(found), indexer[where] - int(found) * chunk, where))
    return _Axis(len(indexer), tuple(split))


def _is_run(indexer: NDArray[np.int64]) -> bool:
    """Consecutive positions: a slice in disguise."""
    if len(indexer) < 2:
        return len(indexer) == 1
    return bool(indexer[-1] - indexer[0] + 1 == len(indexer) and (np.diff(indexer) == 1).all())


def _pick(chunk: Raw, indexers: tuple[Any, ...]) -> Raw:
    """Cells of a chunk at the outer product of indexers: slices first, then one axis after the other."""
    block = chunk[tuple(item if isinstance(item, slice) else slice(None) for item in indexers)]
    arrays = [axis for axis, item in enumerate(indexers) if not isinstance(item, slice)]
    for axis in sorted(arrays, key=lambda axis: len(indexers[axis]) / chunk.shape[axis]):
        block = block.take(indexers[axis], axis)
    return block


def _open(indexers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Indexers for NumPy: as they are while at most one is an array, else an open mesh."""
    if sum(not isinstance(indexer, slice) for indexer in indexers) < 2:
        return indexers
    mesh: list[Any] = []
    count = len(indexers)
    for axis, indexer in enumerate(indexers):
        if isinstance(indexer, slice):
            indexer = np.arange(indexer.start, indexer.stop)
        shape = [1] * count
        shape[axis] = -1
        mesh.append(np.asarray(indexer).reshape(shape))
    return tuple(mesh)
