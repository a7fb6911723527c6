"""The only way to open data: one handle per source and version, change noticed, one cache of chunks."""

from __future__ import annotations

import glob
import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from config.errors import SourceUnavailable

from .build import Built, Refusal, build_cubes
from .chunks import ChunkCache
from .cube import Cube
from .grib.coordinates import cell_coordinates
from .grib.cubes import GribCubes, cubes_of
from .grib.fields import GribFile
from .join import Member, identity_of, join
from .readers import OpenFile, Reader
from .readers.registry import reader_for, readers_with

SETTLE = 2.0
"""Seconds a new or changed file of a folder must lie still before it is shown: half-copied files stay invisible."""

_NOTICEABLE = 0.05
_IGNORED_SUFFIXES = {
    ".tmp",
    ".part",
    ".partial",
    ".crdownload",
    ".filepart",
    ".aux",
    ".idx",
    ".index",
    ".md5",
    ".lock",
    ".ovr",
    ".msk",
    ".tfw",
}


@dataclass(frozen=True)
class Source:
    """Where data are: files, folders, globs or URLs, and what the configuration says of their grid."""

    paths: tuple[str, ...]
    hints: Mapping[str, Any] = field(default_factory=dict)
    reader: str | None = None
    """Name of the reader, where the content does not tell."""

    @property
    def key(self) -> str:
        """Identity of the source in the state database and in caches."""
        text = orjson.dumps(
            [self.paths, dict(self.hints), self.reader], option=orjson.OPT_SORT_KEYS, default=str
        )
        return hashlib.sha256(text).hexdigest()[:20]

    @property
    def is_single(self) -> bool:
        """One file or store, as opposed to a folder or glob whose members come and go."""
        if len(self.paths) != 1 or glob.has_magic(self.paths[0]):
            return False
        path = self.paths[0]
        return "://" in path or not Path(path).is_dir() or _is_store(path)


class NothingToServe(SourceUnavailable):
    """A source in which everything is refused; ``refusals`` say why."""

    def __init__(self, refusals: Sequence[Refusal], messages: tuple[int, int]) -> None:
        self.refusals = tuple(refusals)
        self.messages = messages
        first = f"nothing to serve: {refusals[0].name}: {refusals[0].reason}" if refusals else ""
        more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
        super().__init__(first + more or "holds no variables")

    def again(self) -> NothingToServe:
        return NothingToServe(self.refusals, self.messages)


@dataclass(frozen=True)
class NamedCube:
    """A cube of a dataset with the file stem it comes from, empty when it was joined from several files.

    ``pieces`` are ``location|variable`` of everything in it: they tell which cube is which when files come and go.
    """

    name: str
    cube: Cube
    pieces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One version of a source: immutable, and readable as long as somebody holds it."""

    cubes: tuple[NamedCube, ...]
    refusals: tuple[Refusal, ...]
    version: str
    files: tuple[OpenFile, ...]
    warnings: tuple[str, ...] = ()
    modified: float | None = None
    """When the newest local file changed, seconds since 1970."""
    messages: tuple[int, int] = (0, 0)
    """GRIB messages in its files, and how many of them are served; the others are in the refusals."""


_Opened = tuple[OpenFile, Built, Mapping[str, str]]


@dataclass
class _Entry:
    """What the store knows of a source."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    dataset: Dataset | None = None
    error: SourceUnavailable | None = None
    marks: tuple[tuple[str, str], ...] = ()
    checked: float = 0.0
    effort: float = 0.0
    """Seconds that looking for changes took."""
    pending: frozenset[str] = frozenset()


class Store:
    """Opens sources. ``cache_bytes`` bounds decoded chunks; a source is looked at again after ``check_interval`` s.

    ``state`` is the folder where the index of GRIB files is kept; without one it is made anew in every process.
    """

    def __init__(
        self,
        *,
        cache_bytes: int = 256 << 20,
        check_interval: float = 1.0,
        state: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = ChunkCache(cache_bytes)
        self._interval = check_interval
        self._readers = readers_with(state)
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._built: dict[tuple[str, str, str], _Opened] = {}

    def dataset(self, source: Source) -> Dataset:
        """The newest version of a source; raises SourceUnavailable with the reason when it cannot be opened."""
        with self._lock:
            entry = self._entries.setdefault(source.key, _Entry())
        now = self._clock()
        if entry.checked and now - entry.checked < self._pause(entry):
            return _result(entry)
        with entry.lock:
            if not entry.checked or self._clock() - entry.checked >= self._pause(entry):
                self._refresh(source, entry)
                entry.checked = self._clock()
        return _result(entry)

    def _reader(self, location: str, source: Source) -> Reader:
        return reader_for(location, source.reader, self._readers)

    def _pause(self, entry: _Entry) -> float:
        """Looking at a source of very many files takes a tenth of the time at most, but happens twice a minute."""
        if entry.effort < _NOTICEABLE:
            return self._interval
        return max(self._interval, min(10 * entry.effort, 30.0))

    def close(self) -> None:
        """Release every handle; datasets still held by a request stop working."""
        with self._lock:
            for file, _, _ in self._built.values():
                file.close()
            self._built.clear()
            self._entries.clear()

    def _refresh(self, source: Source, entry: _Entry) -> None:
        try:
            marks, problems, pending = self._look(source, entry)
            if entry.dataset is not None and marks == entry.marks and pending == entry.pending:
                return
            entry.dataset = self._assemble(source, marks, problems)
            entry.marks, entry.error, entry.pending = marks, None, pending
            self._forget_unused()
        except SourceUnavailable as error:
            entry.error, entry.dataset, entry.marks = error, None, ()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            entry.error, entry.dataset, entry.marks = (
                SourceUnavailable(f"cannot be read: {reason}"),
                None,
                (),
            )

    def _look(
        self, source: Source, entry: _Entry
    ) -> tuple[tuple[tuple[str, str], ...], list[Refusal], frozenset[str]]:
        """Locations with their fingerprints; what is not data; what is too new to be trusted."""
        marks: list[tuple[str, str]] = []
        problems: list[Refusal] = []
        pending: set[str] = set()
        known = dict(entry.marks)
        single = source.is_single
        entry.effort = 0.0
        for location in _locations(source):
            try:
                reader = self._reader(location, source)
                started = time.perf_counter()
                mark = reader.fingerprint(location)
                entry.effort += time.perf_counter() - started
            except SourceUnavailable as error:
                if single:
                    raise
                problems.append(Refusal(Path(location).name, error.detail))
                continue
            except FileNotFoundError:
                if single:
                    raise
                continue
            if (
                not single
                and known.get(location) != mark
                and not _is_settled(location, reader, mark, entry)
            ):
                pending.add(location)
                if location not in known:
                    continue
            marks.append((location, mark))
        if not marks and not pending:
            names = ", ".join(Path(path).name for path in source.paths)
            raise SourceUnavailable(f"no data found at {names}")
        return tuple(marks), problems, frozenset(pending)

    def _assemble(
        self, source: Source, marks: Sequence[tuple[str, str]], problems: list[Refusal]
    ) -> Dataset:
        members: list[Member] = []
        files: list[OpenFile] = []
        gribs: list[tuple[tuple[Any, ...], GribFile]] = []
        refusals = list(problems)
        for location, mark in marks:
            try:
                file, built, identity = self._open(source, location, mark)
                if isinstance(file, GribFile) and len(marks) > 1:
                    file.refuse_incomplete()
            except SourceUnavailable as error:
                if len(marks) == 1:
                    raise
                refusals.append(Refusal(Path(location).name, error.detail))
                continue
            files.append(file)
            prefix = "" if len(marks) == 1 else f"{Path(location).name}: "
            refusals += [replace(refusal, name=prefix + refusal.name) for refusal in built.refusals]
            order = (*_recency(location), location)
            if isinstance(file, GribFile):
                gribs.append((order, file))
            members += [Member(location, cube, order, identity) for cube in built.cubes]
        by_key: dict[str, list[Member]] = {}
        for member in members:
            by_key.setdefault(member.cube.key, []).append(member)
        cubes = [
            NamedCube(joined.name, joined.cube, joined.pieces)
            for group in by_key.values()
            for joined in join(group)
        ]
        messages = (0, 0)
        if gribs:
            pooled = self._pool([file for _, file in sorted(gribs, key=itemgetter(0))], source)
            name = Path(gribs[0][1].location).stem if len(gribs) == 1 else ""
            cubes += [NamedCube(name, item.cube, item.pieces) for item in pooled.cubes]
            refusals += pooled.refusals
            messages = (pooled.total, pooled.served)
        if not cubes:
            raise NothingToServe(refusals, messages)
        version = hashlib.sha256(repr(marks).encode()).hexdigest()[:20]
        warnings = tuple(warning for item in cubes for warning in item.cube.warnings)
        return Dataset(
            tuple(cubes),
            tuple(refusals),
            version,
            tuple(files),
            warnings,
            self._modified(source, files),
            messages,
        )

    def _pool(self, files: Sequence[GribFile], source: Source) -> GribCubes:
        """All GRIB messages of a source together, whichever files they are in."""
        return cubes_of(files, self.cache, coordinates=cell_coordinates(source.hints))

    def _open(self, source: Source, location: str, mark: str) -> _Opened:
        key = (source.key, location, mark)
        known = self._built.get(key)
        if known is None:
            file = self._reader(location, source).open(location)
            version = hashlib.sha256(f"{location}|{file.fingerprint}".encode()).hexdigest()[:20]
            try:
                built = build_cubes(file, self.cache, version=version, hints=source.hints)
            except Exception:
                file.close()
                raise
            known = self._built[key] = (file, built, identity_of(file))
        return known

    def _modified(self, source: Source, files: Sequence[OpenFile]) -> float | None:
        times: list[float] = []
        for file in files:
            try:
                when = self._reader(file.location, source).modified(file.location)
            except (SourceUnavailable, FileNotFoundError):
                continue  # it has just gone: the next look sees that
            times += [] if when is None else [when]
        return max(times, default=None)

    def _forget_unused(self) -> None:
        """Drop what no current dataset uses; the handle closes when the last request lets go of it."""
        with self._lock:
            used = {
                id(file)
                for entry in self._entries.values()
                if entry.dataset
                for file in entry.dataset.files
            }
            for key in [key for key, (file, _, _) in self._built.items() if id(file) not in used]:
                del self._built[key]


def _result(entry: _Entry) -> Dataset:
    if entry.dataset is not None:
        return entry.dataset
    if isinstance(entry.error, NothingToServe):
        raise entry.error.again()
    if entry.error is not None:
        raise SourceUnavailable(entry.error.detail)
    raise SourceUnavailable("not opened yet")


def _locations(source: Source) -> list[str]:
    """Every file or store of a source, in name order."""
    found: list[str] = []
    for path in source.paths:
        if "://" in path:
            found.append(path)
        elif glob.has_magic(path) and not Path(path).exists():
            found += [
                hit for hit in sorted(glob.glob(path, recursive=True)) if not _is_ignored(Path(hit))
            ]
        elif Path(path).is_dir() and not _is_store(path):
            found += _members(Path(path))
        elif Path(path).exists():
            found.append(path)
        else:
            raise SourceUnavailable(f"{Path(path).name}: no such file or folder")
    return list(dict.fromkeys(found))


def _members(folder: Path) -> list[str]:
    """Files and Zarr stores below a folder, hidden and temporary ones left out."""
    found: list[str] = []
    for child in sorted(folder.iterdir()):
        if _is_ignored(child):
            continue
        if child.is_dir() and not _is_store(str(child)):
            found += _members(child)
        else:
            found.append(str(child))
    return found


def _is_ignored(path: Path) -> bool:
    return (
        path.name.startswith((".", "_"))
        or path.name.endswith(("~", ".aux.xml"))
        or path.suffix.lower() in _IGNORED_SUFFIXES
    )


def _is_store(path: str) -> bool:
    return any(
        (Path(path) / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
    )


def _is_settled(location: str, reader: Reader, mark: str, entry: _Entry) -> bool:
    """Whether a new file has stopped growing. At the first look a short wait decides, later the next look does."""
    if "://" in location or time.time() - Path(location).stat().st_mtime >= SETTLE:
        return True
    if entry.checked:
        return False
    time.sleep(0.2)
    try:
        return reader.fingerprint(location) == mark
    except FileNotFoundError:
        return False


def _recency(location: str) -> tuple[Any, ...]:
    """Where files overlap the newer one answers."""
    return (0,) if "://" in location else (Path(location).stat().st_mtime_ns,)
