"""The SQLite file behind the GRIB index: entries of files, and templates by the digest of their headers.

It holds only what can be found again: damaged, it is put aside; where it cannot be written, memory takes its place.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..readers.base import Location

_log = logging.getLogger(__name__)

_SCHEMA = 1
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE templates (digest BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE files (
    location TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, size INTEGER NOT NULL, total INTEGER NOT NULL,
    columns BLOB NOT NULL, templates BLOB NOT NULL, extra BLOB NOT NULL, sample BLOB NOT NULL, used INTEGER NOT NULL
);
CREATE INDEX files_used ON files (used);
"""
_BUSY_SECONDS = 15.0
_DIGEST = 16
_AT_ONCE = 500
"""Parameters of one statement; the least any build of SQLite allows is 999."""
_DAY, _HOUR = 86_400, 3_600
_KEPT_DAYS = 90
"""Entries of remote files are dropped when so long nobody asked for them."""
_FILES = 100_000
"""Entries kept at most; those unused for longest go first."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_left_to_parents: list[sqlite3.Connection] = []
"""Connections that came along with a fork: closing them would be felt by the process that made them."""


@dataclass(frozen=True)
class Entry:
    """What is kept of one file: packed columns, digests of its templates one after another, JSON of the rest.

    ``sample`` is a digest of some of its headers, ``size`` its bytes.
    """

    fingerprint: str
    size: int
    total: int
    columns: bytes
    templates: bytes
    extra: bytes
    sample: bytes

    @property
    def digests(self) -> list[bytes]:
        return split(self.templates)


def split(digests: bytes) -> list[bytes]:
    """Digests that were joined."""
    return [digests[at : at + _DIGEST] for at in range(0, len(digests), _DIGEST)]


class Shelf:
    """Entries and templates, kept in the file ``path`` (None: in memory) as long as ``version`` is the same."""

    def __init__(self, path: Path | None, version: str) -> None:
        self._path = path
        self._version = f"{_SCHEMA}/{version}"
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def get(self, location: Location) -> Entry | None:
        """The entry of a file, as it was put last."""

        def read(connection: sqlite3.Connection) -> Entry | None:
            row = connection.execute(
                "SELECT fingerprint, size, total, columns, templates, extra, sample, used FROM files"
                " WHERE location = ?",
                (location,),
            ).fetchone()
            if row is None:
                return None
            now = int(time.time())
            if now - row[-1] > _DAY:
                connection.execute("UPDATE files SET used = ? WHERE location = ?", (now, location))
            return Entry(*row[:-1])

        return self._run(read, None)

    def templates(self, digests: list[bytes]) -> dict[bytes, bytes]:
        """The contents of those templates that are there."""
        return self._run(lambda connection: _templates(connection, digests), {})

    def put(self, location: Location, entry: Entry, content: Callable[[bytes], bytes]) -> None:
        """Keeps an entry, with the content of the templates that are not there yet."""

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                digests = entry.digests
                missing = set(digests) - _present(connection, digests)
                connection.executemany(
                    "INSERT OR IGNORE INTO templates VALUES (?, ?)",
                    ((digest, content(digest)) for digest in missing),
                )
                connection.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        location, entry.fingerprint, entry.size, entry.total, entry.columns, entry.templates,
                        entry.extra, entry.sample, int(time.time()),
                    ),
                )  # fmt: skip
                is_due = _is_due(connection)
            if is_due:
                _prune(connection)

        self._run(write, None)

    def close(self) -> None:
        """Closes the connection; the next use opens another."""
        with self._guard:
            self._close()

    def _run[T](self, operation: Callable[[sqlite3.Connection], T], default: T) -> T:
        """The result of an operation, ``default`` where the database is not to be had."""
        with self._guard:
            for attempt in range(3):
                try:
                    return operation(self._opened())
                except sqlite3.Error as error:
                    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                    if code in _BUSY:
                        return default
                    self._close()
                    if code not in _DAMAGED:
                        self._give_up(error)
                    elif attempt:  # another process may have put it aside already: look again first
                        self._put_aside()
        return default

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._process != os.getpid():
            _left_to_parents.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._process = os.getpid()
            self._connection = self._connect()
            self._prepare(self._connection)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        name = ":memory:"
        if self._path is not None:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                self._give_up(error)
            else:
                name = str(self._path)
        return sqlite3.connect(
            name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection) == self._version:
            return
        with _transaction(connection):
            if _version(connection) == self._version:
                return
            for table in ("about", "templates", "files"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES ('version', ?)", (self._version,))

    def _close(self) -> None:
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
            self._connection = None

    def _give_up(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        _log.warning("the GRIB index cannot be kept in %s (%s): in memory", self._path, reason)
        self._path = None

    def _put_aside(self) -> None:
        if self._path is None:
            return
        _log.warning("the GRIB index %s is damaged: it is built again", self._path)
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            self._give_up(error)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone()
    if found is None:
        return None
    row = connection.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
    return None if row is None else str(row[0])


def _select(
    connection: sqlite3.Connection, what: str, digests: list[bytes]
) -> Iterator[tuple[bytes, ...]]:
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        yield from connection.execute(
            f"SELECT {what} FROM templates WHERE digest IN ({marks})", some
        )


def _present(connection: sqlite3.Connection, digests: list[bytes]) -> set[bytes]:
    return {row[0] for row in _select(connection, "digest", digests)}


def _templates(connection: sqlite3.Connection, digests: list[bytes]) -> dict[bytes, bytes]:
    return {row[0]: row[1] for row in _select(connection, "digest, content", digests)}


def _is_due(connection: sqlite3.Connection) -> bool:
    """Whether an hour has passed since entries were looked through; if so the caller is to do it."""
    row = connection.execute("SELECT value FROM about WHERE name = 'pruned'").fetchone()
    now = time.time()
    if row is not None and now - float(row[0]) < _HOUR:
        return False
    connection.execute("INSERT OR REPLACE INTO about VALUES ('pruned', ?)", (str(now),))
    return row is not None


def _prune(connection: sqlite3.Connection) -> None:
    """Drops entries of files that are gone, unused for long or too many, and the templates only they had."""
    rows = connection.execute("SELECT location, used FROM files ORDER BY used DESC").fetchall()
    gone = [location for location, _ in rows[_FILES:]]
    gone += [location for location, used in rows[:_FILES] if _is_gone(location, used)]
    if not gone:
        return
    with _transaction(connection):
        connection.executemany("DELETE FROM files WHERE location = ?", ((name,) for name in gone))
        used = _used_templates(connection)
        stored = connection.execute("SELECT digest FROM templates")
        unused = [row for row in stored if row[0] not in used]
        connection.executemany("DELETE FROM templates WHERE digest = ?", unused)


def _is_gone(location: Location, used: int) -> bool:
    if "://" in location:
        return time.time() - used > _KEPT_DAYS * _DAY
    return not Path(location).exists()


def _used_templates(connection: sqlite3.Connection) -> set[bytes]:
    found: set[bytes] = set()
    for (digests,) in connection.execute("SELECT templates FROM files"):
        found.update(split(digests))
    return found
