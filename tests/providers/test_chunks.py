"""Reading through the chunk cache is reading the array, whatever is asked for and by however many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from providers.chunks import ChunkCache, ChunkedReader, Indexer
from providers.readers.base import RawVariable
from tests.providers.memory import ArraySource, raw

MEGABYTE = 1 << 20


@st.composite
def arrays_with_indexers(
    draw: st.DrawFn,
) -> tuple[tuple[int, ...], tuple[int, ...], list[Indexer]]:
    """A shape, chunks that need not divide it, and per dimension a slice or positions in any order, repeated."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4)))
    chunks = tuple(draw(st.integers(1, size + 1)) for size in shape)
    indexers: list[Indexer] = []
    for size in shape:
        if draw(st.booleans()):
            start = draw(st.integers(0, size))
            indexers.append(slice(start, draw(st.integers(start, size))))
        else:
            positions = draw(st.lists(st.integers(0, size - 1), max_size=12))
            indexers.append(np.array(positions, np.int64))
    return shape, chunks, indexers


def whole_positions(indexer: Indexer, size: int) -> NDArray[np.int64]:
    return np.arange(size)[indexer]


@given(arrays_with_indexers(), st.booleans())
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_selection_equals_numpy(
    asked: tuple[tuple[int, ...], tuple[int, ...], list[Indexer]], contiguous: bool
) -> None:
    shape, chunks, indexers = asked
    array = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    variable = raw("v", tuple("abcd"[: len(shape)]), array, chunks=chunks, contiguous=contiguous)
    reader = ChunkedReader(variable, "1", ChunkCache(MEGABYTE))
    expected = array[
        np.ix_(*(whole_positions(*pair) for pair in zip(indexers, shape, strict=True)))
    ]
    for _ in range(2):  # from the source, then from the cache
        got = reader.read(indexers)
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, expected)


def big(contiguous: bool = True) -> RawVariable:
    """Blocks of 4 MB, of which a point needs four bytes."""
    array = np.arange(40 * 1024 * 1024, dtype=np.float32).reshape(40, 1024, 1024)
    return raw("v", ("t", "y", "x"), array, chunks=(1, 1024, 1024), contiguous=contiguous)


def test_a_point_in_a_large_contiguous_file_is_read_around_the_cache() -> None:
    variable = big()
    cache = ChunkCache(256 * MEGABYTE)
    positions = [np.arange(0, 40, 3), np.array([1000, 3]), np.array([5])]
    got = ChunkedReader(variable, "1", cache).read(positions)
    source = variable.source
    assert isinstance(source, ArraySource)
    np.testing.assert_array_equal(got, source.array[np.ix_(*positions)])
    assert cache.used == 0
    assert len(source.loads) == 1


def test_a_scalar_is_read() -> None:
    reader = ChunkedReader(raw("v", (), np.float32(7)), "1", ChunkCache(MEGABYTE))
    assert reader.read([]) == 7


def test_what_was_read_once_is_not_loaded_again() -> None:
    variable = raw("v", ("x",), np.arange(100), chunks=(10,))
    source = variable.source
    assert isinstance(source, ArraySource)
    reader = ChunkedReader(variable, "1", ChunkCache(MEGABYTE))
    reader.read([slice(5, 35)])
    reader.read([np.array([31, 8])])
    assert source.loads == {(0,): 1, (10,): 1, (20,): 1, (30,): 1}


def test_an_answer_cannot_spoil_the_cache() -> None:
    reader = ChunkedReader(raw("v", ("x",), np.arange(10)), "1", ChunkCache(MEGABYTE))
    first = reader.read([slice(0, 10)])
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 99
    np.testing.assert_array_equal(reader.read([slice(0, 10)]), np.arange(10))


def test_two_versions_of_a_file_do_not_share_chunks() -> None:
    cache = ChunkCache(MEGABYTE)
    old = ChunkedReader(raw("v", ("x",), np.zeros(5)), "1", cache)
    new = ChunkedReader(raw("v", ("x",), np.ones(5)), "2", cache)
    assert old.read([slice(0, 5)]).sum() == 0
    assert new.read([slice(0, 5)]).sum() == 5


class Slow:
    """Waits until every thread has asked, or fails the first time."""

    def __init__(self, gate: threading.Event, *, broken: bool = False) -> None:
        self.gate = gate
        self.broken = broken
        self.calls = 0

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> NDArray[Any]:
        self.calls += 1
        self.gate.wait(60)
        if self.broken:
            self.broken = False
            raise OSError("gone")
        return np.arange(start[0], stop[0])


def slow_variable(source: Slow) -> RawVariable:
    return RawVariable("v", ("x",), (10,), np.dtype(np.int64), (10,), {}, source)


def test_many_threads_load_a_chunk_once() -> None:
    gate = threading.Event()
    source = Slow(gate)
    reader = ChunkedReader(slow_variable(source), "1", ChunkCache(MEGABYTE))
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(reader.read, [slice(0, 10)]) for _ in range(8)]
        gate.set()
        for answer in answers:
            np.testing.assert_array_equal(answer.result(60), np.arange(10))
    assert source.calls == 1


def test_a_failed_load_is_told_and_tried_again_next_time() -> None:
    gate = threading.Event()
    source = Slow(gate, broken=True)
    reader = ChunkedReader(slow_variable(source), "1", ChunkCache(MEGABYTE))
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(reader.read, [slice(0, 10)])
        gate.set()
        with pytest.raises(OSError, match="gone"):
            failing.result(60)
    np.testing.assert_array_equal(reader.read([slice(0, 10)]), np.arange(10))


@pytest.mark.parametrize("capacity", [0, 100, 4000])
def test_the_cache_never_holds_more_bytes_than_allowed(capacity: int) -> None:
    cache = ChunkCache(capacity)
    array = np.arange(10_000, dtype=np.float64)
    reader = ChunkedReader(raw("v", ("x",), array, chunks=(100,)), "1", cache)
    for start in range(0, 10_000, 250):
        np.testing.assert_array_equal(
            reader.read([slice(start, start + 250)]), array[start : start + 250]
        )
        assert cache.used <= capacity
    assert cache.used > 0 or capacity < 1600


def test_a_view_does_not_keep_more_alive_than_is_counted() -> None:
    """A source may hand out a view into a larger block: what the cache keeps must be what it counts."""

    class Viewing:
        def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> NDArray[Any]:
            block = np.zeros(1_000_000)
            return block[start[0] : stop[0]]

    cache = ChunkCache(MEGABYTE)
    variable = RawVariable("v", ("x",), (10,), np.dtype(float), (10,), {}, Viewing())
    ChunkedReader(variable, "1", cache).read([slice(0, 10)])
    (kept,) = cache._chunks.values()
    assert kept.base is None or kept.base.nbytes <= kept.nbytes
