"""The headers of a GRIB message (WMO FM 92, editions 1 and 2), read without its values.

Octets are counted from 0 here; the standard counts them from 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

from .sources import Readable

Range = tuple[int, int]
"""Offset and length."""

END = b"7777"
_EPOCH = datetime(1970, 1, 1)
_LARGEST = 4 << 20
"""Bytes of a section before the values; a longer one is taken for damaged."""
_CALENDAR = frozenset(range(3, 8))
"""Units of time of no fixed length: month, year, decade, normal, century (code tables 4 and 4.4)."""

_HAS_GRID, _HAS_BITMAP = 0x80, 0x40
_LARGE_MESSAGE, _LARGE_UNIT = 0x800000, 120
"""ECMWF: a GRIB 1 message that is too long for 23 bits counts its length in 120 bytes."""

_AFTER = {0: (1,), 1: (2, 3), 2: (3,), 3: (4,), 4: (5,), 5: (6,), 6: (7,), 7: (2, 3, 4)}
"""Sections of GRIB 2 that may follow a section (FM 92, 92.1.2)."""

UNIT_OF_TIME = {
    **dict.fromkeys((*range(16), 60, 61), 17),
    **dict.fromkeys((40, 41, 42, 43), 19),
    **dict.fromkeys((76, 77, 78, 79), 20),
    **dict.fromkeys((70, 71, 72, 73), 22),
    **dict.fromkeys((62, 63), 23),
    **dict.fromkeys((99, 100, 101, 102), 25),
    **dict.fromkeys((103, 104, 110, 111), 28),
    **dict.fromkeys((44, 45, 46, 47, 50, 85), 30),
    **dict.fromkeys((82, 83, 84), 31),
    **dict.fromkeys((48, 49), 41),
    **dict.fromkeys((80, 81), 42),
}
"""Octet of section 4 with the unit of the forecast time, by product definition template."""
END_OF_INTERVAL = {
    8: 34, 9: 47, 10: 35, 11: 37, 12: 36, 13: 68, 14: 64, 42: 36, 43: 39, 46: 47, 47: 50, 61: 44, 62: 40, 63: 43,
    72: 39, 73: 42, 78: 37, 79: 40, 82: 48, 83: 51, 84: 51, 85: 50, 110: 45, 111: 48,
}  # fmt: skip
"""Octet of section 4 where the date begins at which the interval ends, by product definition template."""
_MINUTE = 60_000_000
_UNITS = {
    0: _MINUTE, 1: 60 * _MINUTE, 2: 1440 * _MINUTE, 10: 180 * _MINUTE, 11: 360 * _MINUTE, 12: 720 * _MINUTE,
}  # fmt: skip
"""Microseconds in the units of time that both editions number alike (code tables 4 and 4.4)."""
_PRECISION = {1: 32, 2: 64, 3: 128}
_WITH_BITS = frozenset({0, 1, 2, 3, 40, 41, 42, 50, 51, 53, 61, 200, 40000, 40010, 50002})
"""Data representation templates whose octet 19 is the number of bits of a packed value."""
_WIDTHS = {
    **dict.fromkeys(_WITH_BITS, (19,)), 2: (19, 35, 36, 46), 3: (19, 35, 36, 46, 48),
}  # fmt: skip
"""Octets of section 5 with a number of bits; the last of template 3 one of octets."""
_WIDEST = 64
_NO_LIST = 255
_LEAST = {
    **dict.fromkeys((0, 4, 5, 50), 32), **dict.fromkeys((1, 3, 8), 40), **dict.fromkeys((10, 14, 60, 70), 42),
    **dict.fromkeys((20, 24), 42), **dict.fromkeys((30, 34, 80), 52),
}  # fmt: skip
"""Bytes of section 2 by the type of the grid (code table 6), its lists and reserved octets left out."""
_COMPLEX = (2, 3)
_JPEG = (40, 40000)
_IMAGE = struct.Struct(">HHHH8I HB")
"""The start of a JPEG 2000 code stream (ISO/IEC 15444-1, A.5.1): its size is that of the image less its offset."""


CUT_OFF = "it is cut off"
"""How the reason begins where the file ends inside a message."""


class Broken(ValueError):
    """A message that cannot be read, with the reason."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a key has the step of an instant, and how long that is in microseconds."""

    at: int
    length: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the values. ``reference`` is in microseconds since 1970, UTC.

    ``key`` is the same for messages that differ in their values, their packing's numbers and their reference time
    alone; the end of an interval stands in it relative to the reference time. Where steps follow the calendar the
    reference time is part of it. ``bits`` are those of a packed value, 0 where all values are the same or nobody knows.
    ``step`` is None for intervals and where nobody knows.
    """

    edition: int
    reference: int
    key: bytes
    key_digest: str
    bits: int
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: the ranges that make it a message of its own."""

    ranges: tuple[Range, ...]
    header: Header


def message_at(window: Readable, start: int) -> tuple[int, list[Field | Broken]]:
    """Where the message at ``start`` ends, and its fields; raises Broken."""
    if window.size - start < 16:
        raise Broken(CUT_OFF)
    head = window.read(start, 16)
    edition = head[7]
    if edition == 1:
        end, fields = _edition_1(window, start, int.from_bytes(head[4:7]))
    elif edition == 2:
        end = start + int.from_bytes(head[8:16])
        _check_end(window, start, end)
        fields = list(_edition_2(window, start, end, head[6]))
    else:
        raise Broken(f"edition {edition} of GRIB is not known")
    if window.read(end - 4, 4) != END:
        raise Broken("it does not end with 7777")
    return end, fields


def _check_end(window: Readable, start: int, end: int) -> None:
    if end > window.size:
        raise Broken(f"{CUT_OFF}: {window.size - start} of {end - start} bytes are there")
    if end - start < 20:
        raise Broken(f"its length of {end - start} bytes is wrong")


# GRIB 1


@dataclass(frozen=True, slots=True)
class Sections1:
    """Sections of a GRIB 1 message: 1 and 2 as they are, the ranges of 3 (bitmap) and 4 (values)."""

    product: bytes
    grid: bytes
    bitmap: Range | None
    values: Range
    end: int


def sections_1(window: Readable, start: int, length: int) -> Sections1:
    """The sections of the GRIB 1 message at ``start``, by the length that its section 0 says; raises Broken."""
    is_large = bool(length & _LARGE_MESSAGE)
    end = window.size if is_large else start + length
    if not is_large:
        _check_end(window, start, end)
    product = _section_1(window, start + 8, end, 1)
    if len(product) < 28:
        raise Broken("section 1 is too short")
    at = start + 8 + len(product)
    flags = product[7]
    grid, bitmap = b"", None
    if flags & _HAS_GRID:
        grid = _section_1(window, at, end, 2)
        _check_list(grid)
        at += len(grid)
    if flags & _HAS_BITMAP:
        bitmap = (at, _length_1(window, at, end, 3))
        at += bitmap[1]
    if end - at < 16:
        raise Broken("section 4 is missing")
    size = int.from_bytes(window.read(at, 3))
    if is_large:
        length &= _LARGE_MESSAGE - 1
        if size < _LARGE_UNIT:
            length = length * _LARGE_UNIT - size + 4
        else:
            length |= _LARGE_MESSAGE
        end = start + length
        _check_end(window, start, end)
        size = end - 4 - at if size < _LARGE_UNIT else size
    if size < 11 or at + size > end - 4:
        raise Broken("section 4 does not fit into it")
    return Sections1(product, grid, bitmap, (at, size), end)


def _check_list(grid: bytes) -> None:
    """Raises Broken where the lists of section 2 are not in it: ecCodes would look for them elsewhere."""
    if len(grid) < 6 or len(grid) < _LEAST.get(grid[5], 0):
        raise Broken("section 2 is too short")
    count, at = grid[3], grid[4]
    if at == _NO_LIST:
        at = len(grid) + 1 if count else 1
    if at - 1 + 4 * count > len(grid):
        raise Broken("the lists of section 2 do not fit into it")


def _length_1(window: Readable, at: int, end: int, number: int) -> int:
    length = int.from_bytes(window.read(at, 3)) if end - at >= 3 else 0
    if length < 3 or at + length > end - 4:
        raise Broken(f"section {number} does not fit into it")
    return length


def _section_1(window: Readable, at: int, end: int, number: int) -> bytes:
    length = _length_1(window, at, end, number)
    if length > _LARGEST:
        raise Broken(f"section {number} is too long")
    return window.read(at, length)


def _edition_1(window: Readable, start: int, length: int) -> tuple[int, list[Field | Broken]]:
    sections = sections_1(window, start, length)
    at, size = sections.values
    values = window.read(at, min(size, 14))
    product = sections.product
    reference, is_plain = _reference_1(product[12:17] + product[24:25])
    masked = bytearray(product)
    masked[7] &= ~_HAS_BITMAP
    if is_plain and product[17] not in _CALENDAR:
        masked[12:17] = bytes(5)
        masked[24] = 0
    if values[10] > _WIDEST:
        raise Broken(f"its values are packed in {values[10]} bits")
    flags = values[3] & 0xF0
    extended = values[13] if flags & 0x50 and not flags & 0x80 and len(values) == 14 else 0
    key = b"".join((b"\1", masked, sections.grid, bytes((flags, extended))))
    header = Header(1, reference, key, _digest(key), values[10], _step_1(product))
    return sections.end, [Field(((start, sections.end - start),), header)]


def _step_1(product: bytes) -> Step | None:
    """The step of a forecast (time range indicator 0, and 10 for long ones); the key begins with the edition."""
    unit, indicator = _UNITS.get(product[17]), product[20]
    if unit is None or indicator not in (0, 10):
        return None
    length = 1 if indicator == 0 else 2
    return Step(1 + 18, length, int.from_bytes(product[18 : 18 + length]) * unit)


@lru_cache(maxsize=4096)
def _reference_1(octets: bytes) -> tuple[int, bool]:
    year, month, day, hour, minute, century = octets
    if year == 255:
        raise Broken("its reference time has no year")
    return _microseconds(100 * (century - 1) + year, month, day, hour, minute, 0)


# GRIB 2


def _edition_2(window: Readable, start: int, end: int, discipline: int) -> Iterator[Field | Broken]:
    """Fields of a GRIB 2 message; those after the first say only in what they differ from the one before."""
    sections: dict[int, Range] = {}
    bitmap: Range | None = None
    at, last, count = start + 16, 0, 0
    while at != end - 4:
        number, length = section_2(window, at, end)
        if number not in _AFTER[last]:
            raise Broken(f"section {number} follows section {last}")
        sections[number] = (at, length)
        last = number
        at += length
        if number == 6:
            indicator = window.read(sections[6][0] + 5, 1)[0] if length > 5 else 255
            if indicator == 0:
                bitmap = sections[6]
            elif indicator == 254:
                sections[6] = bitmap or (-1, 0)
        elif number == 7:
            count += 1
            yield _field_2(window, sections, start, end, discipline, count == 1 and at == end - 4)
    if last != 7:
        raise Broken("its values are missing")


def section_2(window: Readable, at: int, end: int) -> tuple[int, int]:
    """Number and length of the GRIB 2 section that begins at ``at``; raises Broken."""
    if end - at < 9:
        raise Broken("its sections do not add up to its length")
    length, number = struct.unpack(">IB", window.read(at, 5))
    if not 1 <= number <= 7:
        raise Broken(f"there is no section {number}")
    if length < 5 or at + length > end - 4:
        raise Broken(f"section {number} does not fit into it")
    return number, length


def _field_2(
    window: Readable,
    sections: dict[int, Range],
    start: int,
    end: int,
    discipline: int,
    is_single: bool,
) -> Field | Broken:
    if sections[6][0] < 0:
        return Broken("it refers to a bitmap that is not there")
    try:
        header = _header_2(window, sections, discipline)
    except Broken as error:
        if is_single:
            raise
        return error
    if is_single:
        return Field(((start, end - start),), header)
    ordered = [(start, 16), *(sections[number] for number in sorted(sections)), (end - 4, 4)]
    return Field(_merged(ordered), header)


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    """Ranges that follow each other made one."""
    merged = [ranges[0]]
    for offset, length in ranges[1:]:
        before, size = merged[-1]
        if before + size == offset:
            merged[-1] = (before, size + length)
        else:
            merged.append((offset, length))
    return tuple(merged)


def _header_2(window: Readable, sections: dict[int, Range], discipline: int) -> Header:
    identification = bytearray(_metadata_2(window, sections, 1, 21))
    grid = _metadata_2(window, sections, 3, 14)
    product = bytearray(_metadata_2(window, sections, 4, 9))
    packing = window.read(sections[5][0], min(sections[5][1], 49))
    _check_packing(packing, int.from_bytes(grid[6:10]))
    if int.from_bytes(packing[9:11]) in _JPEG:
        _check_image(window.read(*_at_most(sections[7], 5 + _IMAGE.size)), packing)
    reference, is_plain = _reference_2(bytes(identification[12:19]))
    if is_plain and _mask_interval(product, reference):
        identification[12:19] = bytes(7)
    local = _metadata_2(window, sections, 2, 5) if 2 in sections else b""
    key = b"".join((bytes((2, discipline)), identification, local, grid, product, packing[9:11]))
    step = _step_2(product, 2 + len(identification) + len(local) + len(grid))
    return Header(2, reference, key, _digest(key), _bits_2(packing), step)


def _check_packing(packing: bytes, points: int) -> None:
    """Raises Broken for numbers at which ecCodes ends the process."""
    if len(packing) < 11:
        raise Broken("section 5 is too short")
    values, template = struct.unpack(">IH", packing[5:11])
    if values > points:
        raise Broken(f"it has {values} values for {points} points")
    if template in _COMPLEX and int.from_bytes(packing[31:35]) > values:
        raise Broken("its values are packed in more groups than there are values")
    widths = [packing[at] for at in _WIDTHS.get(template, ()) if at < len(packing)]
    if max(widths, default=0) > _WIDEST:
        raise Broken(f"its values are packed in {max(widths)} bits")


def _at_most(section: Range, length: int) -> Range:
    return section[0], min(section[1], length)


def _check_image(values: bytes, packing: bytes) -> None:
    """Raises Broken for a picture of more points than values, or of another kind: ecCodes would write beyond them."""
    if len(packing) < 20 or not packing[19]:
        return
    if len(values) < 5 + _IMAGE.size:
        raise Broken("its JPEG 2000 image is cut off")
    start, size, _, _, x, y, left, top, *_, components, depth = _IMAGE.unpack(values[5:])
    if (start, size) != (0xFF4F, 0xFF51) or components != 1 or depth >> 7:
        raise Broken("its JPEG 2000 image is damaged")
    count = int.from_bytes(packing[5:9])
    if (x - left) * (y - top) > count:
        raise Broken(f"its JPEG 2000 image has {x - left} × {y - top} points for {count} values")


def _step_2(product: bytes | bytearray, start: int) -> Step | None:
    """The forecast time of section 4, which begins at ``start`` of the key."""
    template = int.from_bytes(product[7:9])
    at = UNIT_OF_TIME.get(template)
    if at is None or template in END_OF_INTERVAL or len(product) < at + 5:
        return None
    unit, count = _UNITS.get(product[at]), int.from_bytes(product[at + 1 : at + 5])
    if unit is None or count >> 31:
        return None
    return Step(start + at + 1, 4, count * unit)


def _metadata_2(window: Readable, sections: dict[int, Range], number: int, least: int) -> bytes:
    offset, length = sections[number]
    if length < least:
        raise Broken(f"section {number} is too short")
    if length > _LARGEST:
        raise Broken(f"section {number} is too long")
    return window.read(offset, length)


def _mask_interval(product: bytearray, reference: int) -> bool:
    """Makes the end of the interval relative to the reference time; False where that cannot be taken out of section 4.

    The template has to be one whose octets are known, and no step in it may follow the calendar.
    """
    template = int.from_bytes(product[7:9])
    unit = UNIT_OF_TIME.get(template)
    if unit is None or len(product) <= unit or product[unit] in _CALENDAR:
        return False
    end = END_OF_INTERVAL.get(template)
    if end is None:
        return True
    ranges = product[end + 7] if len(product) > end + 12 else 0
    specifications = product[end + 12 : end + 12 + 12 * ranges]
    if not ranges or len(specifications) < 12 * ranges:
        return False
    if not _CALENDAR.isdisjoint((*specifications[2::12], *specifications[7::12])):
        return False
    try:
        finish, is_plain = _reference_2(bytes(product[end : end + 7]))
    except Broken:
        return False
    if not is_plain:
        return False
    product[end : end + 7] = struct.pack(">q", finish - reference)
    return True


@lru_cache(maxsize=4096)
def _reference_2(octets: bytes) -> tuple[int, bool]:
    return _microseconds(*struct.unpack(">HBBBBB", octets))


def _bits_2(packing: bytes) -> int:
    template = int.from_bytes(packing[9:11])
    if template == 4:
        return _PRECISION.get(packing[11], 64) if len(packing) > 11 else 64
    return packing[19] if template in _WITH_BITS and len(packing) > 19 else 0


# both


def _microseconds(
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> tuple[int, bool]:
    """Microseconds since 1970, and whether all numbers are within the clock and the calendar; raises Broken.

    As ecCodes reads them: a missing hour is noon, a missing minute or second is none. Day 0 (monthly means) is the
    first of the month.
    """
    is_plain = day > 0 and hour < 24 and minute < 60 and second < 60
    text = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}"
    hour = 12 if hour == 255 else hour
    minute = 0 if minute == 255 else minute
    second = 0 if second == 255 else second
    if hour > 24 or minute > 60 or second > 60:
        raise Broken(f"its reference time {text} is none")
    try:
        date = datetime(year, month, max(day, 1))
    except ValueError as error:
        raise Broken(f"its reference time {text} is none") from error
    time = date + timedelta(hours=hour, minutes=minute, seconds=second) - _EPOCH
    return round(time.total_seconds()) * 1_000_000, is_plain


def _digest(key: bytes) -> str:
    return blake2b(key, digest_size=16).hexdigest()
