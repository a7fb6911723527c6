"""The same answer, the same bytes: HDF5 stamps the root group with the time of writing; here it is taken out.

HDF5 File Format Specification 3.0: superblock (II.A), version 2 object header (IV.A.1.b), checksums by Jenkins'
lookup3 (``H5_checksum_lookup3``).
"""

from __future__ import annotations

import mmap
from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_TIMES_STORED = 0x20
_ATTRIBUTE_PHASES_STORED = 0x10
_MASK = 0xFFFFFFFF


def without_times(body: bytes) -> bytes:
    """An HDF5 file with the four times of its root group set to zero; any other layout comes back unchanged."""
    found = _timeless_root(body)
    if found is None:
        return body
    at, header = found
    return b"".join((body[:at], header, body[at + len(header) :]))


def erase_times(path: Path) -> None:
    """The same in a file on disk."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as body:
        found = _timeless_root(body)
        if found is not None:
            at, header = found
            body[at : at + len(header)] = header


def _timeless_root(body: bytes | mmap.mmap) -> tuple[int, bytes] | None:
    """Where the root group's header is, and what it is without times; None for another layout."""
    if body[:8] != _SIGNATURE or body[8] not in (2, 3) or body[9] != 8:
        return None
    root = int.from_bytes(body[36:44], "little")
    if body[root : root + 5] != b"OHDR\x02":
        return None
    flags = body[root + 5]
    if not flags & _TIMES_STORED:
        return None
    width = 1 << (flags & 3)
    size_at = root + 6 + 16 + (4 if flags & _ATTRIBUTE_PHASES_STORED else 0)
    end = size_at + width + int.from_bytes(body[size_at : size_at + width], "little")
    if end + 4 > len(body):
        return None
    header = bytearray(body[root:end])
    if lookup3(bytes(header)) != int.from_bytes(body[end : end + 4], "little"):
        return None
    header[6:22] = bytes(16)
    return root, bytes(header) + lookup3(bytes(header)).to_bytes(4, "little")


def lookup3(data: bytes) -> int:
    """Bob Jenkins' ``hashlittle`` with initial value 0."""
    length = len(data)
    a = b = c = (0xDEADBEEF + length) & _MASK
    padded = data + bytes(-length % 12)
    words = [int.from_bytes(padded[at : at + 4], "little") for at in range(0, len(padded), 4)]
    if not words:
        return c
    for at in range(0, len(words) - 3, 3):
        a, b, c = _mix(
            (a + words[at]) & _MASK, (b + words[at + 1]) & _MASK, (c + words[at + 2]) & _MASK
        )
    a, b, c = ((x + y) & _MASK for x, y in zip((a, b, c), words[-3:], strict=True))
    return _final(a, b, c)


def _turn(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    a, c = ((a - c) & _MASK) ^ _turn(c, 4), (c + b) & _MASK
    b, a = ((b - a) & _MASK) ^ _turn(a, 6), (a + c) & _MASK
    c, b = ((c - b) & _MASK) ^ _turn(b, 8), (b + a) & _MASK
    a, c = ((a - c) & _MASK) ^ _turn(c, 16), (c + b) & _MASK
    b, a = ((b - a) & _MASK) ^ _turn(a, 19), (a + c) & _MASK
    c, b = ((c - b) & _MASK) ^ _turn(b, 4), (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    c = ((c ^ b) - _turn(b, 14)) & _MASK
    a = ((a ^ c) - _turn(c, 11)) & _MASK
    b = ((b ^ a) - _turn(a, 25)) & _MASK
    c = ((c ^ b) - _turn(b, 16)) & _MASK
    a = ((a ^ c) - _turn(c, 4)) & _MASK
    b = ((b ^ a) - _turn(a, 14)) & _MASK
    return ((c ^ b) - _turn(b, 24)) & _MASK
