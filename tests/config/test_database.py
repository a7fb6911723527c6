"""The state database: ids stay, also when many processes ask at once."""

import os
import stat
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from config.database import collection_ids, generations, memory_database, metadata, open_database
from config.errors import ConfigurationError, Unprocessable
from config.settings import Settings


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(state_dir=folder / "state", **changes)


def test_nothing_is_written_before_the_first_use(tmp_path):
    database = open_database(settings(tmp_path))
    assert not (tmp_path / "state").exists()
    assert database.generation("catalogue") == 0
    assert (tmp_path / "state" / "state.sqlite").exists()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_sqlite_is_set_up_for_many_processes(tmp_path):
    with open_database(settings(tmp_path)).engine.connect() as connection:
        value = lambda name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # noqa: E731
        assert value("journal_mode") == "wal"
        assert value("busy_timeout") >= 10_000
        assert value("foreign_keys") == 1


def test_an_assigned_id_never_changes(tmp_path):
    first = open_database(settings(tmp_path))
    assert first.assign_id("scope", "a.grib", "pl", ["a", "a-pl"]) == "a"
    first.close()
    second = open_database(settings(tmp_path))
    assert second.assign_id("scope", "a.grib", "pl", ["other"]) == "a"
    assert second.assign_id("scope", "a.grib", "pl", []) == "a"


def test_a_taken_id_gives_way_to_the_next_candidate():
    database = memory_database()
    assert database.assign_id("scope", "x/a.nc", "", ["a", "x-a"]) == "a"
    assert database.assign_id("scope", "y/a.nc", "", ["a", "y-a"]) == "y-a"
    assert database.ids_of("scope", "y/a.nc") == {"": "y-a"}
    with pytest.raises(Unprocessable, match="a, y-a"):
        database.assign_id("scope", "z/a.nc", "", ["a", "y-a"])


def test_an_id_whose_owner_is_gone_is_free_and_of_no_other():
    database = memory_database()
    assert database.assign_id("scope", "x/a.nc", "", ["a"]) == "a"
    kept = database.assign_id("scope", "y/a.nc", "", ["a", "y-a"], is_gone=lambda _: False)
    taken = database.assign_id("scope", "z/a.nc", "", ["a"], is_gone=lambda path: path == "x/a.nc")
    assert (kept, taken) == ("y-a", "a")
    assert database.ids_of("scope", "x/a.nc") == {}


def test_a_cube_known_by_other_pieces_keeps_its_id_and_no_other_cubes_key():
    database = memory_database()
    database.assign_id("scope", "folder", "day1|", ["folder"], pieces="one")
    database.assign_id("scope", "folder", "other|", ["other"], pieces="two")
    database.rebind_id("scope", "folder", cube_key="|", pieces="one, three")
    database.rebind_id("scope", "other", cube_key="|", pieces="four")
    rows = {row.id: (row.cube_key, row.pieces) for row in database.ids_in("scope")}
    assert rows == {"folder": ("|", "one, three"), "other": ("other|", "four")}


def test_scopes_do_not_see_each_other():
    database = memory_database()
    assert database.assign_id("one", "a.nc", "", ["a", "x-a"]) == "a"
    assert database.assign_id("two", "b/a.nc", "", ["a", "b-a"]) == "a"
    assert database.ids_of("one", "b/a.nc") == {}


def test_generations_count_up_per_name():
    database = memory_database()
    assert [database.bump("catalogue"), database.bump("catalogue")] == [1, 2]
    assert (database.generation("catalogue"), database.generation("other")) == (2, 0)


def test_a_transaction_that_fails_leaves_nothing():
    database = memory_database()
    with pytest.raises(RuntimeError), database.begin() as connection:
        connection.execute(sa.insert(generations).values(name="half", value=9))
        raise RuntimeError
    assert database.generation("half") == 0


def test_memory_databases_are_apart_and_serve_threads():
    first, second = memory_database(), memory_database()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: first.bump("n"), range(100)))
    assert (first.generation("n"), second.generation("n")) == (100, 0)


def _start_and_assign(folder: Path, number: int, url: str | None = None) -> tuple[str, str]:
    database = open_database(settings(folder, database_url=url))
    database.bump("starts")
    same = database.assign_id("scope", "shared", "cube", [f"wanted-{number}"])
    own = database.assign_id(
        "scope", f"source-{number}", "", ["name", *(f"name-{i}" for i in range(9))]
    )
    return same, own


def test_processes_that_start_together_agree(tmp_path):
    with ProcessPoolExecutor(6, mp_context=get_context("spawn")) as processes:
        answers = list(processes.map(_start_and_assign, [tmp_path] * 6, range(6)))
    assert len({same for same, _ in answers}) == 1
    assert len({own for _, own in answers}) == 6
    assert open_database(settings(tmp_path)).generation("starts") == 6


def test_a_database_opened_before_a_fork_serves_the_child(tmp_path):
    database = open_database(settings(tmp_path))
    database.bump("n")
    child = os.fork()
    if child == 0:
        os._exit(database.bump("n"))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert database.generation("n") == 2


def test_migrations_make_the_tables_the_code_knows():
    with memory_database().engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.sorted_tables:
            found = {column["name"] for column in inspector.get_columns(table.name)}
            assert found == set(table.columns.keys()), table.name
        unique = inspector.get_unique_constraints(collection_ids.name)
        assert [constraint["column_names"] for constraint in unique] == [["scope", "id"]]


def test_a_database_of_a_newer_server_is_refused(tmp_path):
    database = open_database(settings(tmp_path))
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="another version"):
        open_database(settings(tmp_path)).generation("n")


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError, match="file is not a database"):
        open_database(settings(tmp_path)).generation("n")


@pytest.mark.parametrize(
    ("url", "reason"),
    [("mysql://u:secret@h/d", "allowed: sqlite, postgresql"), ("nonsense", "not a database URL")],
)
def test_a_database_url_that_cannot_be_used_is_named(tmp_path, url, reason):
    with pytest.raises(ConfigurationError, match=reason) as raised:
        open_database(settings(tmp_path, database_url=url))
    assert raised.value.key == "database_url"
    assert "secret" not in str(raised.value)


def test_an_unreachable_server_is_named_without_its_password(tmp_path):
    url = "postgresql://user:secret@127.0.0.1:1/state"
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1") as raised:
        open_database(settings(tmp_path, database_url=url)).generation("n")
    assert "secret" not in str(raised.value)


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of an empty schema of its own on the server of POSTGRES_URL."""
    url = make_url(os.environ["POSTGRES_URL"]).set(drivername="postgresql+psycopg")
    schema = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    own = url.update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))
    engine.dispose()


@pytest.mark.services
@pytest.mark.skipif("POSTGRES_URL" not in os.environ, reason="POSTGRES_URL is not set")
def test_postgresql_gives_the_same_answers_to_processes_that_start_together(tmp_path, postgresql):
    count = 6
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as processes:
        answers = list(
            processes.map(_start_and_assign, [tmp_path] * count, range(count), [postgresql] * count)
        )
    assert len({same for same, _ in answers}) == 1
    assert len({own for _, own in answers}) == count
    database = open_database(settings(tmp_path, database_url=postgresql))
    assert database.generation("starts") == count
    with pytest.raises(Unprocessable):
        database.assign_id("scope", "other", "", [own for _, own in answers])
