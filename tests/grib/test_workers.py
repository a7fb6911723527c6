"""Two worker processes over one folder of GRIB files: both see what comes and goes, one index between them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import eccodes
import httpx
import pytest

from providers.grib.frames import Frame, scan
from providers.grib.headers import Range
from providers.grib.sources import fingerprint, open_source
from tests.cli.test_serve import SOON, Running, serving, wait_until
from tests.grib.test_datasets import ERA5, PLACE, by_day

PATIENCE = 60.0
"""Seconds; 5 are promised on a machine that is not busy with other tests."""
LOOKS = 3.0
"""Seconds in which a worker with time to spare looks at its folder again, and at a file that has lain still."""


@dataclass
class Site:
    """A server of a folder, and of every day the whole file as it comes from elsewhere."""

    server: Running
    workers: list[int]
    folder: Path
    index: Path
    days: list[Path]

    def hours(self) -> dict[int, list[float]]:
        """The values that each worker answers with, on connections of their own."""
        found: dict[int, list[float]] = {}
        end = time.monotonic() + PATIENCE
        while len(found) < len(self.workers):
            assert time.monotonic() < end, f"only {sorted(found)} of {self.workers} answer"
            with httpx.Client(timeout=PATIENCE) as client:
                answer = client.get(f"{self.server.url}/collections/days/{PLACE}")
                assert answer.status_code == 200, answer.text
                found[self.worker_of(answer)] = answer.json()["ranges"]["2t"]["values"]
        return found

    def worker_of(self, answer: httpx.Response) -> int:
        """The process at the other end of a connection that is still open."""
        stream = answer.extensions["network_stream"]
        ports = [stream.get_extra_info(name)[1] for name in ("server_addr", "client_addr")]
        inodes = [
            row[9]
            for row in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
            if [int(address.rpartition(":")[2], 16) for address in row[1:3]] == ports
        ]
        (worker,) = (pid for pid in self.workers if f"socket:[{inodes[0]}]" in open_files(pid))
        return worker

    def wait_for(self, count: int) -> dict[int, list[float]]:
        """What each worker answers with once all have so many hours; tells how long each took."""
        started = time.monotonic()
        waited: dict[int, float] = {}
        while len(waited) < len(self.workers):
            found = self.hours()
            now = time.monotonic() - started
            lengths = {worker: len(values) for worker, values in found.items()}
            assert now < PATIENCE, f"not {count} hours on each: {lengths}"
            waited |= {
                worker: now
                for worker, length in lengths.items()
                if length == count and worker not in waited
            }
            time.sleep(0.05)
        print(f"{count} hours after", *(f"{seconds:.1f} s" for seconds in waited.values()))
        for _ in range(5):
            found = self.hours()
            assert [len(values) for values in found.values()] == [count] * len(self.workers)
        return found

    def stays(self, count: int, until: Callable[[], bool]) -> None:
        """No worker has more or fewer hours, until something is so and for some looks more."""
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, "never looked at"
            assert {len(values) for values in self.hours().values()} == {count}
        end = time.monotonic() + LOOKS
        while time.monotonic() < end:
            assert {len(values) for values in self.hours().values()} == {count}

    def indexed(self) -> dict[str, int]:
        """Names of the files that the index has, with their bytes when it was made."""
        with contextlib.closing(sqlite3.connect(f"file:{self.index}?mode=ro", uri=True)) as index:
            rows = index.execute("SELECT location, size FROM files").fetchall()
        return {Path(location).name: size for location, size in rows}


def open_files(pid: int) -> set[str]:
    """What the open files of a process are: paths, and inodes of sockets."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(os.readlink(link))  # noqa: PTH115 (no path, where it is a socket)
    return found


def messages(path: Path) -> list[Range]:
    """Offset and length of every message of a file."""
    source = open_source(str(path), fingerprint(str(path)))
    return [item.ranges[0] for item in scan(source) if isinstance(item, Frame)]


def nearest(path: Path) -> list[float]:
    """The values of all messages at the place that is asked for, by ecCodes."""
    found, body = [], path.read_bytes()
    for offset, length in messages(path):
        handle = eccodes.codes_new_from_message(body[offset : offset + length])
        found.append(eccodes.codes_grib_find_nearest(handle, 51.5, 0.0)[0].value)
        eccodes.codes_release(handle)
    return found


@pytest.fixture
def site(grib_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """Two workers that serve three days; in the end both are still there, and nothing was amiss."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "days"
    elsewhere.mkdir()
    folder.mkdir()
    for name, body in list(by_day(grib_folder / ERA5).items())[:8]:
        (elsewhere / f"{name}.grib").write_bytes(body)
    days = sorted(elsewhere.iterdir())
    for day in days[:3]:
        shutil.copy(day, folder)
    with serving(tmp_path, str(folder), "--workers", "2") as server:
        wait_until(lambda: len(server.family()) == 3)
        workers = sorted(pid for pid in server.family() if pid != server.process.pid)
        index = tmp_path / "state/grib-index.sqlite"
        site = Site(server, workers, folder, index, days)
        site.wait_for(72)
        yield site
        assert sorted(server.family()) == sorted([server.process.pid, *workers])  # none has died
        assert all(str(index) in open_files(pid) for pid in workers)
        server.process.terminate()
        _, errors = server.process.communicate(timeout=SOON)
    assert server.process.returncode == 0
    assert "Traceback" not in errors
    assert "GRIB index" not in errors  # neither given up nor put aside as damaged
    with contextlib.closing(sqlite3.connect(index)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_new_day_is_served_by_both_workers(site: Site) -> None:
    shutil.copy(site.days[3], site.folder)
    truth = [value for day in site.days[:4] for value in nearest(day)]
    for values in site.wait_for(96).values():
        assert values == pytest.approx(truth, abs=1e-3)
    assert site.indexed() == {day.name: day.stat().st_size for day in site.days[:4]}
    for day in site.days[4:]:
        shutil.copy(day, site.folder)
    first, second = site.wait_for(8 * 24).values()
    assert first == second
    assert set(site.indexed()) == {day.name for day in site.days}
    (site.folder / site.days[0].name).unlink()
    first, second = site.wait_for(7 * 24).values()
    assert first == second == pytest.approx(truth[24:] + first[72:], abs=1e-3)


def test_a_day_that_is_being_copied_is_served_by_no_worker_until_it_is_whole(site: Site) -> None:
    day = site.days[3]
    with day.open("rb") as whole, (site.folder / day.name).open("wb", buffering=0) as copy:
        for count, (offset, length) in enumerate(messages(day)):
            copy.write(whole.read(offset + length // 2 - copy.tell()))
            assert {len(values) for values in site.hours().values()} == {72}
            if count in (11, 23):  # the copy stands still long enough to be taken for whole
                size = copy.tell()
                site.stays(72, lambda size=size: site.indexed().get(day.name) == size)  # type: ignore[misc]
        copy.write(whole.read())
    site.wait_for(96)
    assert site.indexed()[day.name] == day.stat().st_size
