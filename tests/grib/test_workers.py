"""Two worker processes over one folder of GRIB files: both see what comes and goes, one index between them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.test_serve import Running, serving
from tests.grib.test_datasets import ERA5, PLACE, by_day

PATIENCE = 60.0
"""Seconds; 5 are promised on a machine that is not busy with other tests."""


@contextmanager
def only(server: Running, worker: int) -> Iterator[None]:
    """All other workers stand still, so that this one answers."""
    others = [pid for pid in workers(server) if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def workers(server: Running) -> list[int]:
    return sorted(pid for pid in server.family() if pid != server.process.pid)


def days_of(server: Running, worker: int) -> float:
    """How many days of hours a worker serves; a connection that a standing worker took is tried again."""
    with only(server, worker):
        for _ in range(100):
            try:
                answer = httpx.get(f"{server.url}/collections/days/{PLACE}", timeout=0.5)
            except httpx.TimeoutException:
                continue
            assert answer.status_code == 200, answer.text
            return len(answer.json()["ranges"]["2t"]["values"]) / 24
    pytest.fail("the worker does not answer")


def wait_for(server: Running, count: int) -> dict[int, float]:
    """Seconds until each worker serves so many days."""
    started, waited = time.monotonic(), {}
    while len(waited) < 2:
        assert time.monotonic() < started + PATIENCE, f"not {count} days on both: {waited}"
        for worker in workers(server):
            if worker not in waited and days_of(server, worker) == count:
                waited[worker] = time.monotonic() - started
        time.sleep(0.1)
    return waited


def test_a_new_day_is_served_by_both_workers(grib_folder: Path, tmp_path: Path) -> None:
    days = by_day(grib_folder / ERA5)
    folder = tmp_path / "days"
    folder.mkdir()
    names = list(days)
    for name in names[:3]:
        (folder / f"{name}.grib").write_bytes(days[name])
    with serving(tmp_path, str(folder), "--workers", "2") as server:
        assert len(workers(server)) == 2
        wait_for(server, 3)
        half = folder / f"{names[3]}.grib"
        half.write_bytes(days[names[3]][:-700])  # a copy that is not finished
        time.sleep(3)
        assert {days_of(server, worker) for worker in workers(server)} == {3}
        half.write_bytes(days[names[3]])
        print("seconds until a new day is on each worker", wait_for(server, 4))
        for name in names[4:8]:
            shutil.copy(_written(tmp_path / f"{name}.part", days[name]), folder / f"{name}.grib")
        wait_for(server, 8)
        half.unlink()
        print("seconds until a day is gone on each worker", wait_for(server, 7))
        assert len(workers(server)) == 2  # none has died and been replaced


def _written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path
