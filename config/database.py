"""The state database: SQLite in the state folder, or PostgreSQL by URL.

Nothing is connected before the first use, and no connection outlives its block (``NullPool``), so a
``Database`` may be made before a fork and used after it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from config.errors import ConfigurationError, Unprocessable
from config.files import private_folder
from config.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 15_000
#: key of the advisory lock that lets one PostgreSQL session migrate at a time
MIGRATION_LOCK = 0x0D_E57_0C

metadata = sa.MetaData()

collection_ids = sa.Table(
    "collection_ids",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("cube_key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("pieces", sa.Text, nullable=False),
    sa.Column("assigned_at", sa.Text, nullable=False),
    sa.UniqueConstraint("scope", "id"),
)
generations = sa.Table(
    "generation",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)


@dataclass(frozen=True)
class AssignedId:
    """Whose an id is. ``pieces`` is what its cube was made of, in the words of whoever assigned it."""

    source: str
    cube_key: str
    id: str
    pieces: str


class Database:
    """The server's memory. Every method is one short transaction, safe between processes."""

    def __init__(self, engine: Engine, *, lock_file: Path | None) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._guard = threading.Lock()
        self._migrated = False

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, its schema brought up to date at the first use."""
        if not self._migrated:
            with self._guard:
                if not self._migrated:
                    self._migrate()
                    self._migrated = True
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that writes: committed when the block ends well, else rolled back."""
        with self.engine.connect() as connection:
            # SQLite takes the write lock at once: reading and then writing cannot deadlock
            connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def assign_id(
        self,
        scope: str,
        source: str,
        cube_key: str,
        wanted: Sequence[str],
        *,
        pieces: str = "",
        is_gone: Callable[[str], bool] | None = None,
    ) -> str:
        """The id of a cube of a source: the one it has, else the first of ``wanted`` that is free.

        A scope (one configuration, or all paths) has every id once. Once assigned an id stays with
        its source; only where ``is_gone`` says of the owner that it does not exist any more is the id
        free again. Raises ``Unprocessable`` when every candidate is taken.
        """
        row = {"scope": scope, "source": source, "cube_key": cube_key, "pieces": pieces}
        for candidate in wanted:
            found = self._id_of(scope, source, cube_key)
            if found is not None:
                return found
            if self._insert_id(row, candidate) or (
                is_gone is not None
                and self._release_id(scope, candidate, is_gone)
                and self._insert_id(row, candidate)
            ):
                return candidate
            # the id is another cube's, or another process has just named this cube
        found = self._id_of(scope, source, cube_key)
        if found is not None:
            return found
        raise Unprocessable(f"no free collection id among: {', '.join(wanted) or 'no candidate'}")

    def rebind_id(self, scope: str, collection_id: str, *, cube_key: str, pieces: str) -> None:
        """The cube of an id is now known by other pieces, and by this key where no other cube has it."""
        own = (collection_ids.c.scope == scope) & (collection_ids.c.id == collection_id)
        with self.begin() as connection:
            connection.execute(sa.update(collection_ids).where(own).values(pieces=pieces))
        try:
            with self.begin() as connection:
                connection.execute(sa.update(collection_ids).where(own).values(cube_key=cube_key))
        except IntegrityError:
            return  # the key only breaks ties between pieces

    def _insert_id(self, row: dict[str, str], candidate: str) -> bool:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            with self.begin() as connection:
                connection.execute(
                    sa.insert(collection_ids).values(**row, id=candidate, assigned_at=now)
                )
        except IntegrityError:
            return False
        return True

    def _release_id(self, scope: str, candidate: str, is_gone: Callable[[str], bool]) -> bool:
        own = (collection_ids.c.scope == scope) & (collection_ids.c.id == candidate)
        with self.engine.connect() as connection:
            owner = connection.execute(sa.select(collection_ids.c.source).where(own)).scalar()
        if owner is None or not is_gone(owner):
            return owner is None
        with self.begin() as connection:
            connection.execute(
                sa.delete(collection_ids).where(own, collection_ids.c.source == owner)
            )
        return True

    def ids_of(self, scope: str, source: str) -> dict[str, str]:
        """Cube key → collection id of every cube that the source ever had."""
        query = sa.select(collection_ids.c.cube_key, collection_ids.c.id).where(
            collection_ids.c.scope == scope, collection_ids.c.source == source
        )
        with self.engine.connect() as connection:
            return {row.cube_key: row.id for row in connection.execute(query)}

    def ids_in(self, scope: str) -> list[AssignedId]:
        """Everything that a scope ever named."""
        columns = collection_ids.c
        query = sa.select(columns.source, columns.cube_key, columns.id, columns.pieces).where(
            columns.scope == scope
        )
        with self.engine.connect() as connection:
            return [AssignedId(*row) for row in connection.execute(query)]

    def generation(self, name: str) -> int:
        """How often ``name`` was bumped; 0 when it never was."""
        query = sa.select(generations.c.value).where(generations.c.name == name)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar() or 0

    def bump(self, name: str) -> int:
        """Counts ``name`` up by one and returns the new value, for every process to see."""
        statement = sa.text(
            "INSERT INTO generation (name, value) VALUES (:name, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = generation.value + 1 RETURNING value"
        )
        with self.begin() as connection:
            return int(connection.execute(statement, {"name": name}).scalar_one())

    def close(self) -> None:
        """Closes what is open; the object may be used again."""
        self._engine.dispose()

    def _id_of(self, scope: str, source: str, cube_key: str) -> str | None:
        query = sa.select(collection_ids.c.id).where(
            collection_ids.c.scope == scope,
            collection_ids.c.source == source,
            collection_ids.c.cube_key == cube_key,
        )
        with self.engine.connect() as connection:
            return connection.execute(query).scalar()

    def _migrate(self) -> None:
        try:
            if self._lock_file is None:
                self._upgrade()
            else:
                private_folder(self._lock_file.parent)
                with FileLock(self._lock_file):
                    self._upgrade()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._unusable(getattr(error, "orig", None) or error) from error

    def _is_current(self) -> bool:
        """Whether the schema is the newest, without what a migration needs."""
        newest = max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return False
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return bool(found == newest)

    def _upgrade(self) -> None:
        if self._is_current():
            return
        # imported here: a command that never opens the database does not pay for alembic
        from alembic import command
        from alembic.config import Config
        from alembic.util.exc import CommandError

        configuration = Config()
        configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        if self._lock_file is not None:
            # kept in the file, so set once; outside of a transaction, under the lock that we hold
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            finally:
                raw.close()
        with self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(
                        sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK}
                    )
                configuration.attributes["connection"] = connection
                try:
                    command.upgrade(configuration, "head")
                except CommandError as error:
                    reason = f"it was written by another version of this server ({error})"
                    raise self._unusable(reason) from error

    def _unusable(self, reason: object) -> ConfigurationError:
        where = self._engine.url.render_as_string(hide_password=True)
        return ConfigurationError(f"cannot use the database {where}: {reason}", key="database_url")


def open_database(settings: Settings) -> Database:
    """The database of ``settings``; nothing is opened or written before the first use."""
    if settings.database_url is None:
        return _sqlite(URL.create("sqlite", database=str(settings.state_dir / "state.sqlite")))
    try:
        url = make_url(settings.database_url)
    except ArgumentError as error:
        raise ConfigurationError("is not a database URL", key="database_url") from error
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    if url.get_backend_name() != "postgresql":
        raise ConfigurationError(
            f"{url.get_backend_name()!r} is not supported; allowed: sqlite, postgresql",
            key="database_url",
        )
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"PostgreSQL needs the module {error.name!r}: install destine-ogcapi[postgresql]",
            key="database_url",
        ) from error
    return Database(engine, lock_file=None)


def memory_database() -> Database:
    """A database of the object's own, in memory: for tests, and commands that keep nothing."""
    return _sqlite(URL.create("sqlite", database=":memory:"))


def _sqlite(url: URL) -> Database:
    in_memory = url.database in (None, "", ":memory:")
    # the one connection of a memory database is handed to one thread after the other
    options = {"pool_size": 1, "max_overflow": 0} if in_memory else {}
    engine = sa.create_engine(
        url,
        poolclass=QueuePool if in_memory else NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        **options,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    lock_file = None if in_memory else Path(f"{url.database}.lock")
    return Database(engine, lock_file=lock_file)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
