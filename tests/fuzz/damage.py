"""Damaged copies of files: what half-finished copies, bad disks and broken writers leave behind, by a seed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


def damaged(seed: int, originals: Mapping[str, Sequence[Path]], folder: Path) -> Path:
    """A damaged copy of one of the originals, in ``folder``; its name tells the seed, the original and the damage."""
    order = random.Random(seed)
    kinds = sorted(originals)
    kind = kinds[seed % len(kinds)]
    original = order.choice(originals[kind])
    if kind == "zarr":
        copy = folder / f"{seed:06d}-{original.stem}.zarr"
        shutil.copytree(original, copy)
        _damage_store(order, copy)
        return copy
    data = bytearray(original.read_bytes())
    damages = _FILES if kind != "grib" else _FILES + _MESSAGES
    chosen = order.choice(damages)
    data = chosen(order, data)
    copy = folder / f"{seed:06d}-{chosen.__name__.strip('_')}-{original.name}"
    copy.write_bytes(data)
    return copy


# files


def _cut(order: random.Random, data: bytearray) -> bytearray:
    return data[: order.randrange(8, len(data))]


def _flipped(order: random.Random, data: bytearray) -> bytearray:
    for _ in range(order.choice((1, 2, 8, 64))):
        data[order.randrange(len(data))] ^= 1 << order.randrange(8)
    return data


def _flipped_head(order: random.Random, data: bytearray) -> bytearray:
    """Bits of the first two kilobytes, where most formats say what is in them."""
    for _ in range(order.choice((1, 2, 4, 16))):
        data[order.randrange(8, min(2048, len(data)))] ^= 1 << order.randrange(8)
    return data


def _number(order: random.Random, data: bytearray) -> bytearray:
    """A length, size or offset that is none."""
    width = order.choice((2, 4, 8))
    value = order.choice((0, 1, 0x7F, 0x80, 0xFF))
    at = order.randrange(8, min(2048, len(data)) - width)
    filler = order.choice((0, 0xFF, value))
    words = [bytes([value] + [filler] * (width - 1)), bytes([filler] * (width - 1) + [value])]
    data[at : at + width] = order.choice(words)
    return data


def _blank(order: random.Random, data: bytearray) -> bytearray:
    """A block that was never written."""
    start = order.randrange(len(data))
    length = min(order.choice((16, 512, 4096)), len(data) - start)
    data[start : start + length] = bytes([order.choice((0, 0xFF))]) * length
    return data


def _noise(order: random.Random, data: bytearray) -> bytearray:
    start = order.randrange(8, len(data))
    length = min(order.choice((16, 512, 4096)), len(data) - start)
    data[start : start + length] = order.randbytes(length)
    return data


def _missing(order: random.Random, data: bytearray) -> bytearray:
    """Bytes that were lost, or are there twice."""
    start = order.randrange(8, len(data))
    length = order.choice((1, 4, 100))
    if order.random() < 0.5:
        del data[start : start + length]
    else:
        data[start:start] = data[start : start + length]
    return data


_FILES: tuple[Callable[[random.Random, bytearray], bytearray], ...] = (
    _cut, _flipped, _flipped_head, _number, _blank, _noise, _missing,
)  # fmt: skip


# messages


def _header(order: random.Random, data: bytearray, change: Callable[[int], None]) -> bytearray:
    """Changes some bytes among the first of a message, its word and edition left alone."""
    starts, at = [], data.find(b"GRIB")
    while at >= 0:
        starts.append(at)
        at = data.find(b"GRIB", at + 4)
    start = order.choice(starts)
    end = min(start + 240, len(data))
    for _ in range(order.choice((1, 1, 2, 4))):
        change(order.randrange(start + 8, end))
    return data


def _flipped_keys(order: random.Random, data: bytearray) -> bytearray:
    def change(at: int) -> None:
        data[at] ^= 1 << order.randrange(8)

    return _header(order, data, change)


def _extreme_keys(order: random.Random, data: bytearray) -> bytearray:
    def change(at: int) -> None:
        data[at] = order.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))

    return _header(order, data, change)


def _keys_of_another(order: random.Random, data: bytearray) -> bytearray:
    """Headers of one place, values of another."""

    def change(at: int) -> None:
        length = order.choice((1, 2, 4))
        source = order.randrange(len(data) - length)
        data[at : at + length] = data[source : source + length]

    return _header(order, data, change)


_MESSAGES = (_flipped_keys, _extreme_keys, _keys_of_another, _flipped_keys, _extreme_keys)


# stores

_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 1e308, 2**31, 2**63, 2**70, "", "x", "nan", "Infinity", [], {}, [None], [-1], [0, 0],
    [2**40, 2**40, 2**40], [[[]]], {"a": {"b": {}}}, ["lat", "lat"], "<f8", "|O", ">i2", "float128", "\ud83d\ude00",
)  # fmt: skip


def _damage_store(order: random.Random, store: Path) -> None:
    files = sorted(path for path in store.rglob("*") if path.is_file())
    metadata = [path for path in files if path.name in _METADATA]
    if order.random() < 0.3:
        path = order.choice(files)
        path.write_bytes(order.choice(_FILES)(order, bytearray(path.read_bytes().ljust(64))))
        return
    path = order.choice(metadata)
    text = path.read_bytes()
    chosen = order.randrange(8)
    if chosen == 0:
        path.write_bytes(text[: order.randrange(len(text))])
    elif chosen == 1:
        path.unlink()
    elif chosen == 2:
        depth = order.choice((100, 5_000, 200_000))
        path.write_bytes(b'{"a":' + b"[" * depth + b"]" * depth + b"}")
    elif chosen == 3:
        at = order.randrange(len(text))
        path.write_bytes(text[:at] + b"\xff\xfe\x80" + text[at + 3 :])
    else:
        document = orjson.loads(text)
        for _ in range(order.choice((1, 1, 2, 3))):
            _replace(order, document)
        path.write_text(_json(document), encoding="utf-8")


def _replace(order: random.Random, document: Any) -> None:
    """One value somewhere in a document replaced, removed or doubled."""
    places = [
        (holder, key)
        for holder in _holders(document)
        for key in (holder if isinstance(holder, dict) else range(len(holder)))
    ]  # fmt: skip
    if not places:
        return
    holder, key = order.choice(places)
    what = order.random()
    if what < 0.15:
        del holder[key]
    elif what < 0.3 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * order.choice((-1, 1000, 10**9, 10**15))
    elif what < 0.4 and isinstance(holder[key], list):
        holder[key] = holder[key] * 2
    else:
        holder[key] = order.choice(_WRONG)


def _holders(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(holder for item in inner for holder in _holders(item))]


def _json(document: Any) -> str:
    import json

    return json.dumps(document)
