"""The index of GRIB files: what it says, what it keeps, and what it survives."""

from __future__ import annotations

import logging
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import pytest

from config.errors import SourceUnavailable
from providers.grib import shelf, sources
from providers.grib.frames import Damage, header_message, message_bytes, scan
from providers.grib.index import FileIndex, GribIndex
from providers.grib.keys import LOCK, Unreadable, describe, opened

COLUMNS = ("number", "offset", "length", "template", "reference", "bits")


class Counter:
    """Describes messages, and counts how often it is asked."""

    def __init__(self, said: Callable[[bytes], dict[str, Any]] = describe) -> None:
        self.count = 0
        self._said = said

    def __call__(self, message: bytes) -> dict[str, Any]:
        self.count += 1
        return self._said(message)


class Counting:
    """A local file that counts the bytes read of it."""

    is_remote = False

    def __init__(self, path: Path, mark: str) -> None:
        self._source = sources.open_source(str(path), mark)
        self.size = self._source.size
        self.count = 0

    def read(self, offset: int, length: int) -> bytes:
        self.count += length
        return self._source.read(offset, length)

    def held(self) -> Any:
        from contextlib import nullcontext

        return nullcontext(self)


def look(
    index: GribIndex, path: Path, said: Callable[[bytes], dict[str, Any]] = describe
) -> FileIndex:
    mark = sources.fingerprint(str(path))
    return index.file(str(path), mark, lambda: sources.open_source(str(path), mark), said)


def same(one: FileIndex, two: FileIndex) -> bool:
    return (
        (one.total, one.templates, one.pieces, one.damages)
        == (two.total, two.templates, two.pieces, two.damages)
        and all(np.array_equal(getattr(one, name), getattr(two, name)) for name in COLUMNS)
        and all(getattr(one, name).dtype == getattr(two, name).dtype for name in COLUMNS)
    )  # fmt: skip


def message(sample: str = "regular_ll_sfc_grib2", **keys: Any) -> bytes:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        for name, value in keys.items():
            eccodes.codes_set(handle, name, value)
        data = bytes(eccodes.codes_get_message(handle))
        eccodes.codes_release(handle)
        return data


def at_level(level: int) -> bytes:
    return message(typeOfLevel="isobaricInhPa", level=level)


def unwanted(_: bytes) -> dict[str, Any]:
    raise AssertionError("described again")


def test_every_sample_file_by_index_and_by_eccodes(grib_files: list[Path], tmp_path: Path) -> None:
    for path in grib_files:
        found = look(GribIndex(tmp_path / "i.sqlite"), path)
        assert same(found, look(GribIndex(tmp_path / "i.sqlite"), path, unwanted))
        assert found.total == len(found.number) + len(found.damages)
        if "corrupted" in path.name:
            assert [damage.number for damage in found.damages] == [1]
            continue
        with path.open("rb") as file:
            assert found.total == eccodes.codes_count_in_file(file)
        source = sources.open_source(str(path), sources.fingerprint(str(path)))
        for row in range(0, len(found.number), 11):
            whole = message_bytes(source, found.ranges(row))
            assert describe(whole) == found.templates[found.template[row]]
            with opened(whole) as handle:
                day = eccodes.codes_get_string(handle, "dataDate")
            assert str(np.datetime64(int(found.reference[row]), "us"))[:10].replace("-", "") == day


def test_an_hourly_month_is_one_template(grib_folder: Path) -> None:
    said = Counter()
    found = look(GribIndex(None), grib_folder / "era5_2t_uk_hourly_2019-03.grib", said)
    assert (said.count, len(found.templates), len(found.number)) == (1, 1, 744)
    hours = np.diff(found.reference) / 3.6e9
    assert (hours == 1).all()
    assert np.datetime64(int(found.reference[0]), "us") == np.datetime64("2019-03-01")


def test_templates_are_shared_by_files(grib_folder: Path, tmp_path: Path) -> None:
    data = (grib_folder / "era5_2t_uk_hourly_2019-03.grib").read_bytes()
    said = Counter()
    index = GribIndex(tmp_path / "i.sqlite")
    for day in range(31):
        (tmp_path / f"{day}.grib").write_bytes(data[day * 24 * 3360 : (day + 1) * 24 * 3360])
        look(index, tmp_path / f"{day}.grib", said)
    assert said.count == 1
    fresh = GribIndex(tmp_path / "i.sqlite")
    files = [look(fresh, tmp_path / f"{day}.grib", unwanted) for day in range(31)]
    assert len({id(file.templates[0]) for file in files}) == 1


def test_a_changed_file_is_looked_through_again(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message() * 3)
    index = GribIndex(tmp_path / "i.sqlite")
    assert look(index, path).total == 3
    path.write_bytes(message(shortName="tp") * 2)
    found = look(index, path)
    assert (found.total, found.templates[0]["name"]) == (2, "tp")


def test_of_an_appended_file_only_the_new_end_is_scanned(tmp_path: Path) -> None:
    one = message("regular_ll_sfc_grib2", shortName="2t")
    path = tmp_path / "a.grib"
    path.write_bytes(one * 5000 + one[:50])
    index = GribIndex(tmp_path / "i.sqlite")
    before = look(index, path)
    assert (before.total, [damage.number for damage in before.damages]) == (5001, [5001])
    with path.open("ab") as file:
        file.write(one[50:] + message(shortName="msl") * 2 + one)
    mark = sources.fingerprint(str(path))
    source = Counting(path, mark)
    found = index.file(str(path), mark, lambda: source, describe)
    assert source.count < 20_000
    assert (found.total, found.damages) == (5004, ())
    assert found.number.tolist() == list(range(1, 5005))
    assert same(found, look(GribIndex(None), path))
    assert same(found, look(GribIndex(tmp_path / "i.sqlite"), path, unwanted))


def test_damage_before_the_appended_end_stays(tmp_path: Path) -> None:
    one = message()
    path = tmp_path / "a.grib"
    path.write_bytes(one + one[:90] + one + one[:60])
    index = GribIndex(None)
    look(index, path)
    with path.open("ab") as file:
        file.write(one * 2)
    assert same(look(index, path), look(GribIndex(None), path))


def test_a_longer_file_with_other_messages_is_scanned_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(at_level(2) * 9)
    index = GribIndex(None)
    look(index, path)
    with path.open("r+b") as file:
        file.write(at_level(2) * 4 + at_level(9) * 8)
    found = look(index, path)
    assert same(found, look(GribIndex(None), path))
    assert len(found.templates) == 2


def test_a_kind_of_message_that_cannot_be_described_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    good, bad = at_level(2), at_level(9)
    path.write_bytes(good + bad + good + bad)

    def said(data: bytes) -> dict[str, Any]:
        with opened(data) as handle:
            if eccodes.codes_get_long(handle, "level") == 9:
                raise Unreadable("nine is not liked")
        return {"level": 2}

    counter = Counter(said)
    found = look(GribIndex(tmp_path / "i.sqlite"), path, counter)
    assert counter.count == 2
    assert found.number.tolist() == [1, 3]
    assert found.damages == (
        Damage(2, len(good), len(bad), "nine is not liked"),
        Damage(4, 3 * len(good), len(bad), "nine is not liked"),
    )
    assert same(found, look(GribIndex(tmp_path / "i.sqlite"), path, unwanted))


def test_messages_with_several_fields_keep_their_pieces(tmp_path: Path) -> None:
    def body(data: bytes) -> bytes:
        return data[16:-4]

    one = message(shortName="u")
    second = body(message(shortName="v"))[21:]
    joined = body(one) + second + b"7777"
    joined = one[:8] + (16 + len(joined)).to_bytes(8) + joined
    path = tmp_path / "a.grib"
    path.write_bytes(one + joined + one)
    found = look(GribIndex(tmp_path / "i.sqlite"), path)
    assert found.total == 4
    assert set(found.pieces) == {1, 2}
    assert found.offset.tolist() == [0, len(one), len(one), len(one) + len(joined)]
    kept = look(GribIndex(tmp_path / "i.sqlite"), path, unwanted)
    assert same(found, kept)
    source = sources.open_source(str(path), sources.fingerprint(str(path)))
    names = [describe(message_bytes(source, kept.ranges(row)))["name"] for row in range(4)]
    assert names == ["u", "u", "v", "u"]


def test_a_file_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        GribIndex(None).file(
            "none", "1-2-3", lambda: sources.open_source(str(tmp_path / "none"), "1-2-3"), describe
        )


# what is kept


def test_another_version_empties_the_index(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message())
    look(GribIndex(tmp_path / "i.sqlite", version="1"), path)
    said = Counter()
    look(GribIndex(tmp_path / "i.sqlite", version="1"), path, said)
    assert said.count == 0
    look(GribIndex(tmp_path / "i.sqlite", version="2"), path, said)
    assert said.count == 1


@pytest.mark.parametrize("how", ["garbage", "middle", "empty", "other"])
def test_a_damaged_database_is_put_aside_and_built_again(
    tmp_path: Path, grib_folder: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "i.sqlite"
    first = GribIndex(database)
    paths = sorted(grib_folder.glob("ifs_*"))
    expected = [look(first, path) for path in paths]
    first.close()
    data = bytearray(database.read_bytes())
    if how == "garbage":
        data[:] = b"no database at all" * 500
    elif how == "middle":
        data[4096:] = b"\x55" * (len(data) - 4096)
    elif how == "empty":
        data.clear()
    if how == "other":
        database.unlink()
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE files (location TEXT)")
        connection.close()
    else:
        database.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        again = GribIndex(database)
        assert all(same(one, look(again, path)) for one, path in zip(expected, paths, strict=True))
    again.close()
    fresh = GribIndex(database)
    assert all(
        same(one, look(fresh, path, unwanted)) for one, path in zip(expected, paths, strict=True)
    )
    assert (database.with_name("i.sqlite.damaged")).exists() is (how in ("garbage", "middle"))
    assert len(caplog.records) <= 2


def test_a_damaged_entry_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message() * 4)
    expected = look(GribIndex(tmp_path / "i.sqlite"), path)
    for column in ("columns", "extra", "templates"):
        with sqlite3.connect(tmp_path / "i.sqlite") as connection:
            connection.execute(f"UPDATE files SET {column} = x'0102030405060708'")
        connection.close()
        assert same(look(GribIndex(tmp_path / "i.sqlite"), path), expected)
    with sqlite3.connect(tmp_path / "i.sqlite") as connection:
        connection.execute("DELETE FROM templates")
    connection.close()
    assert same(look(GribIndex(tmp_path / "i.sqlite"), path), expected)
    assert same(look(GribIndex(tmp_path / "i.sqlite"), path, unwanted), expected)


def test_a_folder_that_cannot_be_written_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message() * 4)
    (tmp_path / "file").write_text("no folder")
    for place in (
        tmp_path / "file" / "i.sqlite",
        Path("/proc/none/i.sqlite"),
        Path("/proc/i.sqlite"),
    ):
        caplog.clear()
        index = GribIndex(place)
        said = Counter()
        for _ in range(3):
            assert look(index, path, said).total == 4
        assert said.count == 1
        assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_database_that_another_process_writes_to_is_not_waited_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shelf, "_BUSY_SECONDS", 0.2)
    path, other = tmp_path / "a.grib", tmp_path / "b.grib"
    path.write_bytes(message())
    other.write_bytes(message() * 2)
    index = GribIndex(tmp_path / "i.sqlite")
    look(index, path)
    blocking = sqlite3.connect(tmp_path / "i.sqlite", isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    assert look(index, path, unwanted).total == 1
    assert look(index, other).total == 2
    blocking.execute("ROLLBACK")
    blocking.close()
    assert look(GribIndex(tmp_path / "i.sqlite"), other).total == 2
    assert not caplog.records


def test_entries_of_files_that_are_gone_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = GribIndex(tmp_path / "i.sqlite")
    for number in range(5):
        (tmp_path / f"{number}.grib").write_bytes(at_level(number + 1))
        look(index, tmp_path / f"{number}.grib")
    (tmp_path / "3.grib").unlink()
    monkeypatch.setattr(shelf, "_HOUR", 0)
    (tmp_path / "new.grib").write_bytes(at_level(1))
    look(index, tmp_path / "new.grib")
    index.close()
    with sqlite3.connect(tmp_path / "i.sqlite") as connection:
        files = {row[0] for row in connection.execute("SELECT location FROM files")}
        (templates,) = connection.execute("SELECT count(*) FROM templates").fetchone()
    connection.close()
    assert str(tmp_path / "3.grib") not in files
    assert (len(files), templates) == (5, 4)
    monkeypatch.setattr(shelf, "_FILES", 2)
    (tmp_path / "last.grib").write_bytes(at_level(2))
    look(index, tmp_path / "last.grib")
    index.close()
    with sqlite3.connect(tmp_path / "i.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (2,)
    connection.close()


# at the same time


def test_threads_that_want_one_file_scan_it_once(tmp_path: Path, grib_folder: Path) -> None:
    said = Counter()
    index = GribIndex(tmp_path / "i.sqlite")
    paths = sorted(grib_folder.glob("ifs_*"))
    results: list[list[FileIndex]] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append([look(index, path, said) for path in paths])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors
    assert len(results) == 8
    for result in results[1:]:
        assert all(same(one, two) for one, two in zip(results[0], result, strict=True))
    kinds = [len(found.templates) for found in results[0]]
    assert max(kinds) < said.count <= sum(kinds)
    assert not index._building


def _build(database: Path, paths: list[Path], out: Any) -> None:
    index = GribIndex(database)
    found = [look(index, path) for path in paths]
    out.put([(len(one.number), one.total, int(one.offset.sum())) for one in found])
    index.close()


def test_processes_build_one_index_together(tmp_path: Path, grib_files: list[Path]) -> None:
    spawn = multiprocessing.get_context("spawn")
    out: Any = spawn.Queue()
    database = tmp_path / "i.sqlite"
    orders = (grib_files, grib_files, grib_files[::-1])
    processes = [
        spawn.Process(target=_build, args=(database, list(order), out)) for order in orders
    ]
    for process in processes:
        process.start()
    results = [out.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    results = [sorted(result) for result in results]
    assert results[0] == results[1] == results[2]
    index = GribIndex(database)
    found = [look(index, path, unwanted) for path in grib_files]
    assert (
        sorted((len(one.number), one.total, int(one.offset.sum())) for one in found) == results[0]
    )


def test_an_index_goes_on_after_a_fork(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from providers.grib import sources\n"
        "from providers.grib.index import GribIndex\n"
        "def look(name):\n"
        "    mark = sources.fingerprint(name)\n"
        "    return index.file(name, mark, lambda: sources.open_source(name, mark), lambda m: {})\n"
        "index = GribIndex(Path(sys.argv[1]))\n"
        "assert look(sys.argv[2]).total == 3\n"
        "child = os.fork()\n"
        "assert look(sys.argv[3]).total == 5\n"
        "assert look(sys.argv[2]).total == 3\n"
        "if child: sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    one, two = tmp_path / "a.grib", tmp_path / "b.grib"
    one.write_bytes(message() * 3)
    two.write_bytes(message() * 5)
    command = [sys.executable, "-c", code, str(tmp_path / "i.sqlite"), str(one), str(two)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


# speed


def test_ten_thousand_messages(tmp_path: Path) -> None:
    path = tmp_path / "many.grib"
    kinds = [message("regular_ll_sfc_grib1", level=level) for level in range(100)]
    path.write_bytes(b"".join(kinds) * 100)
    index = GribIndex(tmp_path / "i.sqlite")
    start = time.thread_time()
    found = look(index, path, lambda data: {"length": len(data)})
    cold = time.thread_time() - start
    assert (found.total, len(found.templates)) == (10_000, 100)
    fresh = GribIndex(tmp_path / "i.sqlite")
    look(fresh, path, unwanted)
    times = []
    for _ in range(5):
        start = time.thread_time()
        look(fresh, path, unwanted)
        times.append(time.thread_time() - start)
    assert cold < 2
    assert min(times) < 0.01


# ecCodes


def test_the_libraries_of_eccodes_stay_out_of_sight() -> None:
    """A process ended in "double free": PROJ and SQLite were those that came with ecCodes."""
    code = (
        "import sys\n"
        "if 'first' in sys.argv: import providers.grib.keys, eccodes\n"
        "import sqlite3, pyproj\n"
        "print(sqlite3.sqlite_version, pyproj.Transformer.from_crs(4326, 3035).transform(50, 10))\n"
    )
    answers = []
    for order in ("first", "without"):
        done = subprocess.run(
            [sys.executable, "-c", code, order],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout)
    assert answers[0] == answers[1]


def test_header_messages_are_what_is_described(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message())
    seen: list[bytes] = []

    def said(data: bytes) -> dict[str, Any]:
        seen.append(data)
        return {}

    look(GribIndex(None), path, said)
    source = sources.open_source(str(path), sources.fingerprint(str(path)))
    (frame,) = scan(source)
    assert not isinstance(frame, Damage)
    assert seen == [header_message(source, frame)]
