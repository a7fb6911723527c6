"""Chunks of the virtual Zarr group: their sizes, what stands for missing values, what is beyond the edge."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from providers.cf.packing import packing_of
from providers.chunks import ChunkCache, ChunkedReader
from providers.fields import Field, JoinedField, Part, StoredField
from providers.taken import TakenField
from providers.virtual_zarr import tree_of
from providers.virtual_zarr.arrays import in_memory
from providers.virtual_zarr.layout import chunk_shape
from providers.virtual_zarr.missing import stored_with_fill
from providers.virtual_zarr.tree import Chunk
from tests.providers.memory import LAT, LON, cubes_of, raw

SIZES = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=0, max_size=4
)  # fmt: skip


@given(SIZES, st.sampled_from([1, 2, 4, 8]), st.integers(1, 10**8))
def test_chunks_cover_the_array_and_keep_the_limits(
    sizes: list[tuple[int, int]], itemsize: int, most: int
) -> None:
    shape, source = (tuple(size[at] for size in sizes) for at in (0, 1))
    chunks = chunk_shape(shape, source, itemsize, most)
    assert all(1 <= chunk <= size for chunk, size in zip(chunks, shape, strict=True))
    assert math.prod(chunks) <= most
    assert math.prod(chunks) * itemsize <= 16 << 20
    whole = math.prod(shape)
    assert math.prod(chunks) >= min(whole, most, (256 << 10) // itemsize) // 16


@pytest.mark.parametrize(
    ("shape", "source", "expected"),
    [
        ((744, 721, 1440), (1, 721, 1440), (1, 721, 1440)),  # a message of usual size is a chunk
        ((24, 6599680), (1, 6599680), (1, 3299840)),  # O1280 in two
        ((4, 12 * 1024**2), (1, 12 * 1024**2), (1, 3 * 1024**2)),
        ((744, 33, 49), (1, 33, 49), (64, 33, 49)),  # small ones are put together
        ((744, 721, 1440), (744, 10, 10), (744, 10, 10)),  # time series stay time series
        ((), (), ()),
    ],
)
def test_chunks_follow_the_source(
    shape: tuple[int, ...], source: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert chunk_shape(shape, source, 4, 25_000_000) == expected


def stored(values: Any, fill: Any = None, **attributes: Any) -> StoredField:
    variable = raw("v", ("lon",), values, attributes, fill=fill)
    cache = ChunkCache(1 << 16)
    return StoredField(variable, packing_of(variable), ChunkedReader(variable, "1", cache))


def joined(*fields: Field) -> JoinedField:
    parts = [
        Part(field, {"lat": np.array([at])}, frozenset({"lat"})) for at, field in enumerate(fields)
    ]
    return JoinedField(("lat", "lon"), (len(fields), *fields[0].shape), parts)


WHOLE = np.arange(-2, 3, dtype=np.int16)


@pytest.mark.parametrize(
    ("field", "dtype", "fill"),
    [
        (stored(WHOLE), "<i2", None),
        (stored(WHOLE.astype(">i4")), "<i4", None),
        (stored(WHOLE, _FillValue=np.int16(-2)), "<i2", -2),
        (stored(WHOLE, fill=-32767), "<i2", -32767),
        (stored(WHOLE, valid_min=np.int16(-1)), "<i2", -32768),
        (stored(WHOLE, valid_max=np.int16(1)), "<i2", 32767),
        (stored(WHOLE.astype(np.int8), _Unsigned="true", _FillValue=np.int8(-2)), "|u1", 254),
        (TakenField(stored(WHOLE, _FillValue=np.int16(-2)), {"lon": np.array([0, 1])}), "<i2", -2),
        (joined(stored(WHOLE, _FillValue=np.int16(-2)), stored(WHOLE, _FillValue=np.int16(-2))), "<i2", -2),
        (joined(stored(WHOLE, _FillValue=np.int16(-2)), stored(WHOLE, _FillValue=np.int16(2))), "<i4", -(2**31)),
        (joined(stored(WHOLE, _FillValue=np.int16(-2)), stored(WHOLE, valid_min=np.int16(0))), "<i2", -2),
    ],
)  # fmt: skip
def test_what_is_missing_cannot_be_a_value(field: Field, dtype: str, fill: int | None) -> None:
    assert stored_with_fill(field) == (np.dtype(dtype), fill)


def test_numbers_that_may_be_missing_and_have_no_wider_type_are_floating_point() -> None:
    long = WHOLE.astype(np.int64)
    dtype, fill = stored_with_fill(joined(stored(long, _FillValue=-2), stored(long, _FillValue=2)))
    assert dtype == np.float64
    assert math.isnan(fill)


def test_files_that_disagree_on_the_fill_lose_nothing() -> None:
    field = joined(stored(WHOLE, _FillValue=np.int16(-2)), stored(WHOLE, _FillValue=np.int16(2)))
    (cube,) = cubes_of(
        [("lat", ("lat",), [0.0, 1.0], LAT), ("lon", ("lon",), np.arange(5.0), LON),
         ("v", ("lat", "lon"), np.zeros((2, 5), np.int16), {})]
    )  # fmt: skip
    cube = replace(cube, variables={"v": replace(cube.variables["v"], field=field)})
    content = zstandard.decompress(chunk(tree_of(cube, 10**6).find("v/c/0/0")))
    low = -(2**31)
    assert np.frombuffer(content, "<i4").tolist() == [low, -1, 0, 1, 2, -2, -1, 0, 1, low]


def chunk(found: Any) -> bytes:
    assert isinstance(found, Chunk)
    return found.read()


def test_chunks_at_the_edge_are_full_and_always_the_same_bytes() -> None:
    (cube,) = cubes_of(
        [("lat", ("lat",), np.arange(3.0), LAT), ("lon", ("lon",), np.arange(5.0), LON),
         ("v", ("lat", "lon"), np.arange(15, dtype=np.float32).reshape(3, 5), {})]
    )  # fmt: skip
    tree = tree_of(cube, 4)
    assert tree.arrays["v"].chunks == (1, 3)
    body = chunk(tree.find("v/2.1"))
    assert body == chunk(tree_of(cube, 4).find("v/c/2/1"))
    np.testing.assert_array_equal(
        np.frombuffer(zstandard.decompress(body), "<f4"), [13.0, 14.0, np.nan]
    )


def test_names_are_free_and_parts_of_addresses() -> None:
    names = ("lat", "crs", "x/y", "a?b", "__secret", "zarr.json", "ä")
    shape = (2, 2)
    (cube,) = cubes_of(
        [("latitude", ("latitude",), [0.0, 1.0], LAT), ("longitude", ("longitude",), [0.0, 1.0], LON),
         *((name, ("latitude", "longitude"), np.zeros(shape), {"units": "1"}) for name in names)]
    )  # fmt: skip
    tree = tree_of(cube, 100)
    fields = [name for name, array in tree.arrays.items() if array.dims == ("lat", "lon")]
    assert fields == ["lat_field", "crs_field", "x_y", "a_b", "secret_field", "zarr.json", "ä"]
    assert isinstance(tree.find("zarr.json/0.0"), Chunk)


def test_attributes_are_json() -> None:
    said = {
        "units": "K",
        "one": np.float32(1.5),
        "many": np.array([1, 2]),
        "nan": np.nan,
        "odd": {"a": 1},
        "bad": "\ud800",
    }
    (cube,) = cubes_of(
        [("lat", ("lat",), [0.0, 1.0], LAT), ("lon", ("lon",), [0.0, 1.0], LON),
         ("v", ("lat", "lon"), np.zeros((2, 2)), said)],
        {"title": "T", "inf": np.inf},
    )  # fmt: skip
    tree = tree_of(cube, 100)
    assert tree.attributes["title"] == "T"
    assert "inf" not in tree.attributes
    found = tree.arrays["v"].attributes
    assert found["one"] == 1.5
    assert found["many"] == [1, 2]
    assert not {"nan", "odd"} & set(found)
    assert found["bad"] == "?"


def test_text_is_encoded_by_its_own_codec() -> None:
    array = in_memory(("x",), np.array(["a", "grün"]), {})
    content = zstandard.decompress(array.encoded((0,)))
    assert content == b"\2\0\0\0\1\0\0\0a\5\0\0\0gr\xc3\xbcn"
    scalar = in_memory((), "b", {})
    assert zstandard.decompress(scalar.encoded(())) == b"\1\0\0\0\1\0\0\0b"
