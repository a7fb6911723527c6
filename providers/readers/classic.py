"""How long a classic NetCDF file must be: netCDF-C reads zeros where a half-copied one ends too early."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
"""Bytes of a value by ``nc_type``."""
_STREAMING = {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}


class _Header:
    """Reads a header in order (NetCDF classic format specification; versions 1, 2 and 5)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        magic = self._bytes(4)
        self._count, self._offset = {1: (">I", ">I"), 2: (">I", ">Q"), 5: (">Q", ">Q")}[magic[3]]

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise EOFError
        return found

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def count(self) -> int:
        return self._number(self._count)

    def offset(self) -> int:
        return self._number(self._offset)

    def type_size(self) -> int:
        return _SIZES[self._number(">I")]

    def skip_padded(self, count: int) -> None:
        self._file.seek(-(-count // 4) * 4, 1)

    def elements(self) -> range:
        """The elements of a list, after its tag."""
        self._number(">I")
        return range(self.count())

    def skip_attributes(self) -> None:
        for _ in self.elements():
            self.skip_padded(self.count())
            size = self.type_size()
            self.skip_padded(size * self.count())


def missing_bytes(path: Path) -> int:
    """By how many bytes the file is shorter than its header says; 0 where it is whole or being streamed.

    Raises EOFError when it ends inside the header, KeyError or struct.error when that is not one.
    """
    with path.open("rb") as file:
        header = _Header(file)
        records = header.count()
        lengths = []
        for _ in header.elements():
            header.skip_padded(header.count())
            lengths.append(header.count())
        header.skip_attributes()
        fixed, by_record = _variables(header, lengths)
    end = max((begin + size for begin, size in fixed), default=0)
    if by_record and records not in _STREAMING and records:
        padded = sum(-(-size // 4) * 4 for _, size in by_record)
        step = by_record[0][1] if len(by_record) == 1 else padded
        last = max(begin + size for begin, size in by_record)
        end = max(end, last + (records - 1) * step)
    return max(0, end - path.stat().st_size)


def _variables(
    header: _Header, lengths: list[int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where each variable begins and its bytes (of one record): the fixed ones, and those with records."""
    fixed: list[tuple[int, int]] = []
    by_record: list[tuple[int, int]] = []
    for _ in header.elements():
        header.skip_padded(header.count())
        shape = [lengths[header.count()] for _ in range(header.count())]
        header.skip_attributes()
        size = header.type_size()
        header.count()
        begin = header.offset()
        has_records = bool(shape) and shape[0] == 0
        size *= math.prod(shape[1:] if has_records else shape)
        (by_record if has_records else fixed).append((begin, size))
    return fixed, by_record
