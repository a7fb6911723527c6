"""Reading here and there in a file in few reads: a piece of it kept in memory, and more of it when reads are near."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from config.errors import SourceUnavailable

from .sources import ByteSource

_LOCAL = (16 << 10, 256 << 10, 128 << 10)
_REMOTE = (64 << 10, 4 << 20, 1 << 20)
"""Bytes read when the next read is far from the last one, when it is near, and what near is."""


class Window:
    """A source that reads ahead; for one thread."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.size = source.size
        self.is_remote = source.is_remote
        self._few, self._many, self._near = _REMOTE if source.is_remote else _LOCAL
        self._start, self._end = 0, 0
        self._data = b""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes; raises SourceUnavailable beyond the end of the file."""
        if not (self._start <= offset and offset + length <= self._end):
            self._move(offset, length)
        at = offset - self._start
        return self._data[at : at + length]

    def aside(self, offset: int, length: int) -> bytes:
        """The same bytes; what is at hand stays at hand."""
        if self._start <= offset and offset + length <= self._end:
            return self.read(offset, length)
        return self.source.read(offset, length)

    def held(self) -> AbstractContextManager[ByteSource]:
        return nullcontext(self)

    def find(self, mark: bytes, offset: int) -> int:
        """Where ``mark`` is next, the size of the file when nowhere."""
        while offset + len(mark) <= self.size:
            if not (self._start <= offset and offset + len(mark) <= self._end):
                self._move(offset, len(mark))
            at = self._data.find(mark, offset - self._start)
            if at >= 0:
                return self._start + at
            offset = self._end - len(mark) + 1
        return self.size

    def _move(self, offset: int, length: int) -> None:
        left = self.size - offset
        if offset < 0 or length > left:
            raise SourceUnavailable(f"the file ends at byte {self.size}")
        is_near = 0 <= offset - self._start <= self._end - self._start + self._near
        ahead = self._many if is_near else self._few
        self._data = self.source.read(offset, min(max(length, ahead), left))
        self._start, self._end = offset, offset + len(self._data)
