"""What HDF5 does not notice of a damaged file: it reads a heap for ever parts of which were never written."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_HEAP = b"GCOL\1\0\0\0"
"""Begins a collection of the global heap (HDF5 file format specification, III.E), of which its size follows."""
_OBJECT = struct.Struct("<HHIQ")
"""Index, references, reserved, size of an object."""
_SEARCHED = 16 << 20
"""Bytes at either end of a file that are searched: heaps of names and references are written first or last."""


def has_endless_heap(path: Path) -> bool:
    """Whether an object of no size, or of more than there is, stands in a global heap: HDF5 never comes to its end."""
    return any(_is_endless(data, at) for data in _ends(path) for at in _heaps(data))


def _ends(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        yield file.read(_SEARCHED)
        if size > _SEARCHED:
            file.seek(max(size - _SEARCHED, _SEARCHED))
            yield file.read(_SEARCHED)


def _heaps(data: bytes) -> Iterator[int]:
    at = data.find(_HEAP)
    while at >= 0:
        yield at
        at = data.find(_HEAP, at + len(_HEAP))


def _is_endless(data: bytes, start: int) -> bool:
    at = start + len(_HEAP) + 8
    end = start + int.from_bytes(data[start + len(_HEAP) : at], "little")
    while at + _OBJECT.size <= min(end, len(data)):
        index, _, _, size = _OBJECT.unpack_from(data, at)
        if (index == 0 and size == 0) or size > end - start:
            return True
        at += size if index == 0 else _OBJECT.size + -(-size // 8) * 8
    return False
