"""Where every GRIB message is and what it is: a file is looked through once, however often it is opened.

What many messages share (everything but values and reference time) is a template, kept once under the digest of the
headers it was read from, for all files.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray

from ..readers.base import Location
from .frames import Damage, Frame, header_message, scan
from .headers import Range
from .shelf import Entry, Shelf
from .sources import ByteSource
from .steps import Steps
from .windows import Window

Describe = Callable[[bytes], dict[str, Any]]
"""Says what a message is from its headers, in terms JSON has; raises ValueError with a reason for people."""
Template = Mapping[str, Any]

_COLUMNS = {
    "number": "q",
    "offset": "q",
    "length": "q",
    "reference": "q",
    "template": "i",
    "bits": "B",
}
_STORED = {name: np.dtype(f"<{code}") for name, code in _COLUMNS.items()}
_GROWING = ("number", "offset", "reference")
"""Columns that are stored as differences, which pack better."""
_MEMO = 200_000
"""Templates that a process keeps at hand."""
_SAMPLES, _SAMPLE = 16, 256
"""Messages, and bytes of each, by which a file that grew is known to have grown at its end alone."""


@dataclass(frozen=True)
class FileIndex:
    """The readable fields of one file as columns, and what else is in it as damages.

    ``number`` counts fields and damaged messages from 1 in the order of the file, up to ``total``. ``offset`` and
    ``length`` are those of a message; where it holds several fields ``pieces`` has the ranges of each, by position.
    ``template`` is a position in ``templates``; ``reference`` is in microseconds since 1970, UTC; ``bits`` are those
    of a packed value.
    """

    total: int
    number: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    template: NDArray[np.int32]
    templates: tuple[Template, ...]
    reference: NDArray[np.int64]
    bits: NDArray[np.uint8]
    pieces: Mapping[int, tuple[Range, ...]]
    damages: tuple[Damage, ...]

    def ranges(self, row: int) -> tuple[Range, ...]:
        """The bytes of one field, for :func:`providers.grib.frames.message_bytes`."""
        whole = ((int(self.offset[row]), int(self.length[row])),)
        return self.pieces.get(row, whole)


class GribIndex:
    """The index of all files of a server, kept in the SQLite file ``path``, or in memory where that is None.

    Safe for several threads and processes. ``version`` is to change when ``describe`` says something else of the same
    message. An index that cannot be kept costs time, never an answer.
    """

    def __init__(self, path: Path | None, *, version: str = "") -> None:
        self._shelf = Shelf(path, f"{eccodes.codes_get_api_version()}/{version}")
        self._templates: dict[bytes, Template | str] = {}
        self._steps = Steps()
        self._guard = threading.Lock()
        self._building: dict[Location, tuple[threading.Lock, list[None]]] = {}

    def file(
        self,
        location: Location,
        fingerprint: str,
        source_factory: Callable[[], ByteSource],
        describe: Describe,
    ) -> FileIndex:
        """The messages of a file as of this fingerprint; raises SourceUnavailable when it cannot be read.

        ``describe`` is called for kinds of message that no file had before (:mod:`.steps`); where it raises
        ValueError the messages of that kind are damages.
        """
        with self._one_at_a_time(location):
            entry = self._shelf.get(location)
            before = None if entry is None else self._unpacked(entry)
            if entry is not None and before is not None and entry.fingerprint == fingerprint:
                return before
            with source_factory().held() as held:
                window = Window(held)
                builder = _Builder(window, lambda frame: self._template(describe, window, frame))
                if entry is not None and before is not None and len(before.number):
                    builder.continues(entry, before, fingerprint)
                builder.build()
                found = builder.index()
                entry = builder.entry(fingerprint, found)
            self._shelf.put(location, entry, builder.content)
            return found

    def close(self) -> None:
        """Lets go of the database; a later use opens it again."""
        self._shelf.close()

    @contextmanager
    def _one_at_a_time(self, location: Location) -> Iterator[None]:
        """Threads that want the same file wait for the first of them."""
        with self._guard:
            lock, users = self._building.setdefault(location, (threading.Lock(), []))
            users.append(None)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                users.pop()
                if not users:
                    del self._building[location]

    def _template(self, describe: Describe, window: Window, frame: Frame) -> Template | str:
        """What a kind of message is, or the reason why it is refused."""
        digest = bytes.fromhex(frame.header.key_digest)
        known = self._known([digest]).get(digest)
        if known is not None:
            return known
        known = self._steps.derived(frame.header)
        if known is None:
            content: dict[str, Any] | str
            try:
                content = describe(header_message(window, frame))
            except (ValueError, eccodes.CodesInternalError) as error:
                content = str(error) or type(error).__name__
            known = orjson.loads(orjson.dumps(content))
            self._steps.learn(frame.header, known)
        self._remember({digest: known})
        return known

    def _known(self, digests: list[bytes]) -> dict[bytes, Template | str]:
        """Those of some templates that any file had before."""
        memo = self._templates
        found = {digest: memo[digest] for digest in digests if digest in memo}
        missing = [digest for digest in digests if digest not in found]
        if missing:
            stored = self._shelf.templates(missing)
            new = {digest: orjson.loads(content) for digest, content in stored.items()}
            self._remember(new)
            found.update(new)
        return found

    def _remember(self, templates: Mapping[bytes, Template | str]) -> None:
        if len(self._templates) > _MEMO:
            self._templates = {}
        self._templates.update(templates)

    def _unpacked(self, entry: Entry) -> FileIndex | None:
        """An index as it was kept; None where it is not whole."""
        digests = entry.digests
        try:
            known = self._known(digests)
            contents = [known[digest] for digest in digests]
            extra = orjson.loads(entry.extra)
            return FileIndex(
                total=entry.total,
                templates=tuple(content for content in contents if not isinstance(content, str)),
                pieces={
                    row: tuple((offset, length) for offset, length in ranges)
                    for row, ranges in extra["pieces"]
                },
                damages=tuple(Damage(*damage) for damage in extra["damages"]),
                **_unpack(entry.columns),
            )
        except (KeyError, TypeError, ValueError, zstandard.ZstdError):
            return None


class _Builder:
    """Gathers the messages of one file."""

    def __init__(self, window: Window, template: Callable[[Frame], Template | str]) -> None:
        self._window = window
        self._template = template
        self._columns = {name: array(code) for name, code in _COLUMNS.items()}
        self._kinds: dict[str, int | str] = {}
        self._contents: dict[bytes, Template | str] = {}
        self._templates: list[Template] = []
        self._pieces: dict[int, tuple[Range, ...]] = {}
        self._damages: list[Damage] = []
        self._total = 0
        self._start = 0

    def continues(self, entry: Entry, before: FileIndex, fingerprint: str) -> None:
        """Takes over what is known of the file if only more was appended to it since."""
        window = self._window
        is_same_file = entry.fingerprint.rpartition("-")[2] == fingerprint.rpartition("-")[2]
        if window.is_remote or not is_same_file or window.size <= entry.size:
            return
        if _sample(window, before) != entry.sample:
            return
        end = int(before.offset[-1] + before.length[-1])
        self._start = end
        self._damages = [damage for damage in before.damages if damage.offset < end]
        numbers = [damage.number for damage in self._damages if damage.number is not None]
        self._total = max(int(before.number[-1]), *numbers, 0)
        for name, column in self._columns.items():
            column.frombytes(getattr(before, name).astype(_COLUMNS[name]).tobytes())
        self._pieces = dict(before.pieces)
        for digest, template in zip(entry.digests, before.templates, strict=False):
            self._contents[digest] = template
            self._kinds[digest.hex()] = len(self._templates)
            self._templates.append(template)

    def build(self) -> None:
        """Finds all messages; raises SourceUnavailable."""
        for item in scan(self._window, self._start, self._total):
            self._total = item.number or self._total
            if isinstance(item, Damage):
                self._damages.append(item)
            else:
                self._add(item)

    def _add(self, frame: Frame) -> None:
        header = frame.header
        kind = self._kinds.get(header.key_digest)
        if kind is None:
            kind = self._kinds[header.key_digest] = self._new(frame)
        offset = frame.ranges[0][0]
        length = sum(frame.ranges[-1]) - offset
        if isinstance(kind, str):
            self._damages.append(Damage(frame.number, offset, length, kind))
            return
        columns = self._columns
        if len(frame.ranges) > 1:
            self._pieces[len(columns["number"])] = frame.ranges
        columns["number"].append(frame.number)
        columns["offset"].append(offset)
        columns["length"].append(length)
        columns["reference"].append(header.reference)
        columns["template"].append(kind)
        columns["bits"].append(header.bits)

    def _new(self, frame: Frame) -> int | str:
        content = self._template(frame)
        self._contents[bytes.fromhex(frame.header.key_digest)] = content
        if isinstance(content, str):
            return content
        self._templates.append(content)
        return len(self._templates) - 1

    def index(self) -> FileIndex:
        arrays: dict[str, Any] = {
            name: np.frombuffer(column, _COLUMNS[name]) for name, column in self._columns.items()
        }
        for values in arrays.values():
            values.flags.writeable = False
        return FileIndex(
            total=self._total,
            templates=tuple(self._templates),
            pieces=self._pieces,
            damages=tuple(self._damages),
            **arrays,
        )

    def entry(self, fingerprint: str, index: FileIndex) -> Entry:
        """What is kept of the file. Templates stand in the order of their positions, refused ones at the end."""
        served = [key for key, content in self._contents.items() if not isinstance(content, str)]
        refused = [key for key, content in self._contents.items() if isinstance(content, str)]
        extra = {
            "pieces": list(index.pieces.items()),
            "damages": [(d.number, d.offset, d.length, d.reason) for d in index.damages],
        }
        return Entry(
            fingerprint,
            self._window.size,
            index.total,
            _pack(index),
            b"".join(served + refused),
            orjson.dumps(extra),
            _sample(self._window, index),
        )

    def content(self, digest: bytes) -> bytes:
        """A template of this file as it is kept."""
        return orjson.dumps(self._contents[digest])


def _pack(index: FileIndex) -> bytes:
    columns = []
    for name, kind in _STORED.items():
        values = getattr(index, name)
        if name in _GROWING:
            values = np.diff(values, prepend=0)
        columns.append(values.astype(kind).tobytes())
    return zstandard.ZstdCompressor(level=3).compress(b"".join(columns))


def _unpack(packed: bytes) -> dict[str, Any]:
    """The columns as they were; raises ValueError or ZstdError."""
    data = zstandard.ZstdDecompressor().decompress(packed)
    count, rest = divmod(len(data), sum(kind.itemsize for kind in _STORED.values()))
    if rest:
        raise ValueError("columns of unequal lengths")
    columns: dict[str, Any] = {}
    at = 0
    for name, kind in _STORED.items():
        values = np.frombuffer(data, kind, count, at).astype(_COLUMNS[name], copy=False)
        at += kind.itemsize * count
        columns[name] = np.cumsum(values) if name in _GROWING else values
        columns[name].flags.writeable = False
    return columns


def _sample(window: Window, index: FileIndex) -> bytes:
    """Digest of the first bytes of some messages, first and last among them."""
    count = len(index.number)
    digest = blake2b(digest_size=16)
    if window.is_remote or not count:
        return b""
    for row in np.unique(np.linspace(0, count - 1, _SAMPLES).astype(int)):
        offset, length = int(index.offset[row]), int(index.length[row])
        digest.update(window.source.read(offset, min(length, _SAMPLE)))
    return digest.digest()
