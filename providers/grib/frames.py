"""Every GRIB message of a file, found by its headers alone: values are neither read nor decoded here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .headers import END, Broken, Header, Range, message_at, section_2, sections_1
from .sources import ByteSource
from .windows import Window

_BLANK = b"\0 \r\n\xff"
"""Bytes that files are padded with."""
_HEADING = 128
"""Fewer bytes between messages may be the heading or the end of a bulletin, which is none of our business."""
_CHUNK = 1 << 20
_NO_COLUMNS = b"\xff\xff"
_PACKING = 64
"""Bytes at the start of the values of GRIB 1 that say how they are packed, and some."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One field. ``number`` counts fields and damaged messages of a file from 1; ``ranges`` are its bytes in order."""

    number: int
    ranges: tuple[Range, ...]
    header: Header


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no readable message, and why; without a number where it is not certain that they were one."""

    number: int | None
    offset: int
    length: int
    reason: str


def scan(source: ByteSource, start: int = 0, number: int = 0) -> Iterator[Frame | Damage]:
    """All fields in the order of the file, from the byte ``start``, before which there were ``number`` of them.

    Both editions may be mixed, with padding and headings between messages. After a damaged message the search goes on
    right behind its first word. Raises SourceUnavailable when the file cannot be read or changes meanwhile.
    """
    with source.held() as held:
        yield from _scan(held if isinstance(held, Window) else Window(held), start, number)


def _scan(window: Window, start: int, number: int) -> Iterator[Frame | Damage]:
    at, broken = start, None
    while True:
        found = _next(window, at, is_expected=broken is None)
        if broken is not None:
            number, offset, reason = broken
            yield Damage(number, offset, found - offset, reason)
        elif found > at and _is_junk(window, at, found):
            yield Damage(None, at, found - at, f"{found - at} bytes that are no GRIB message")
        if found >= window.size:
            return
        try:
            end, fields = message_at(window, found)
        except Broken as error:
            broken = (number + 1, found, str(error))
            at = found + 4
            continue
        broken, at = None, end
        for field in fields:
            number += 1
            if isinstance(field, Broken):
                yield Damage(number, found, end - found, str(field))
            else:
                yield Frame(number, field.ranges, field.header)


def _next(window: Window, at: int, *, is_expected: bool) -> int:
    """Where the next message begins, the size of the file where none does.

    Where one is expected its edition does not matter; elsewhere the word may be part of a text.
    """
    found = window.find(b"GRIB", at)
    while found < window.size:
        if (is_expected and found == at) or window.size - found < 8:
            break
        if window.read(found + 7, 1)[0] < 32:
            break
        found = window.find(b"GRIB", found + 4)
    return found


def _is_junk(window: Window, start: int, end: int) -> bool:
    """Whether bytes between messages are more than padding and the heading of a bulletin."""
    count = 0
    for at in range(start, end, _CHUNK):
        data = window.aside(at, min(_CHUNK, end - at))
        count += len(data.translate(None, _BLANK))
        if count >= _HEADING or END in data:
            return True
    return False


def message_bytes(source: ByteSource, ranges: Sequence[Range]) -> bytes:
    """The message of one field, complete in itself; raises SourceUnavailable."""
    if len(ranges) == 1:
        return source.read(*ranges[0])
    with source.held() as held:
        joined = b"".join(held.read(*part) for part in ranges)
    return joined[:8] + len(joined).to_bytes(8) + joined[16:]


def header_message(source: ByteSource, frame: Frame) -> bytes:
    """A message of the same metadata as a field, without the values; raises SourceUnavailable.

    It has no bitmap and is short, but for reduced grids in GRIB 1: there zeros stand for the values.
    """
    if frame.header.edition == 1:
        return _header_message_1(source, *frame.ranges[0])
    return _header_message_2(_Joined(source, frame.ranges))


def _header_message_1(source: ByteSource, start: int, length: int) -> bytes:
    sections = sections_1(source, start, int.from_bytes(source.read(start + 4, 3)))
    offset, size = sections.values
    values = source.read(offset, min(size, _PACKING))
    if sections.grid[6:8] == _NO_COLUMNS:
        # where rows have points of their own ecCodes counts the values to tell how the rows are meant
        before = source.read(start, offset - start)
        return b"".join((before, values, bytes(start + length - 4 - offset - len(values)), END))
    product = bytearray(sections.product)
    product[7] &= 0xBF
    values = len(values).to_bytes(3) + values[3:]
    body = b"".join((product, sections.grid, values, END))
    return b"GRIB" + (8 + len(body)).to_bytes(3) + b"\1" + body


def _header_message_2(message: _Joined) -> bytes:
    parts = []
    at = 16
    while True:
        number, length = section_2(message, at, message.size)
        if number == 6:
            break
        parts.append(message.read(at, length))
        at += length
    body = b"".join((*parts, b"\0\0\0\6\6\xff", b"\0\0\0\5\7", END))
    return message.read(0, 8) + (16 + len(body)).to_bytes(8) + body


class _Joined:
    """Ranges of a source as one; no read may cross from one into another."""

    def __init__(self, source: ByteSource, ranges: Sequence[Range]) -> None:
        self._source = source
        self._ranges = ranges
        self.size = sum(length for _, length in ranges)

    def read(self, offset: int, length: int) -> bytes:
        for start, size in self._ranges:
            if offset < size:
                return self._source.read(start + offset, length)
            offset -= size
        return b""
