"""A server process under load and under large answers: no error, no growth, little memory."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.cli.test_serve import Running, serving
from tests.http.samples import write_all

MEGABYTE = 1 << 20
THREADS = 64
ROWS, COLUMNS = 721, 1440
QUERIES = (
    "coverage?bbox={west},0,{east},30&f={form}",
    "coverage?bbox={west},0,{east},30&f={form}&width=7&height=5",
    "coverage?bbox={west},20,{east},60&f={form}&crs=EPSG:3035&width=9&height=8",
    "cube?bbox={west},-30,{east},30&f={form}",
    "position?coords=MULTIPOINT(({west} 10),({east} 20))&f={edr}",
    "area?coords=POLYGON(({west} 0,{east} 0,{east} 40,{west} 0))&f={edr}",
    "radius?coords=POINT({west} 40)&within=2000&within-units=km&f={edr}",
    "trajectory?coords=LINESTRING({west} 0,{east} 40)&f={edr}",
    "map?width=64&height=32&bbox={west},-40,{east},40",
    "area/estimate?coords=POLYGON(({west} 0,{east} 0,{east} 40,{west} 0))",
    "?f=html",
)


def memory(server: Running) -> int:
    """Bytes resident in the largest process of a server."""
    largest = 0
    for pid in server.family():
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            largest = max(largest, pages * 4096)
    return largest


def address(order: random.Random) -> str:
    name = order.choice(("levels", "chunked", "surface", "climate", "healpix", "forecast"))
    west = order.randrange(-170, 120, 10)
    form = order.choice(("json", "netcdf", "csv", "parquet"))
    query = order.choice(QUERIES).format(
        west=west, east=west + 50, form=form, edr=order.choice(("json", "geojson", "csv"))
    )
    return f"/collections/{name}/{query}" if query[0] != "?" else f"/collections/{name}{query}"


def hammer(server: Running, seconds: float) -> tuple[Counter[int], list[int]]:
    """Statuses of the answers to 64 clients, and the memory at ten moments."""
    end, seen, curve = time.monotonic() + seconds, Counter[int](), []
    lock = threading.Lock()

    def ask(number: int) -> None:
        order = random.Random(number)
        with httpx.Client(timeout=120) as client:
            while time.monotonic() < end:
                status = client.get(server.url + address(order)).status_code
                with lock:
                    seen[status] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(ask, number) for number in range(THREADS)]
        for _ in range(10):
            time.sleep(seconds / 10)
            curve.append(memory(server) // MEGABYTE)
        for future in asked:
            future.result()
    return seen, curve


def check_load(folder: Path, seconds: float) -> None:
    write_all(folder / "data")
    with serving(folder, "data", "--workers", "1") as server:
        before = sorted(server.family())
        seen, curve = hammer(server, seconds)
        print(f"{sum(seen.values())} answers in {seconds:g} s: {dict(seen)}; MB: {curve}")
        assert sorted(server.family()) == before  # no process has died
    assert not [status for status in seen if status >= 500], seen
    assert seen[200] > 0.7 * sum(seen.values())
    assert seen[200] > 100
    assert curve[-1] < 1.35 * max(curve[2:5]) + 30, curve


def test_a_minute_of_mixed_load(tmp_path: Path) -> None:
    check_load(tmp_path, 60)


@pytest.mark.soak
def test_ten_minutes_of_mixed_load(tmp_path: Path) -> None:
    check_load(tmp_path, 600)


@contextlib.contextmanager
def peak(server: Running) -> Iterator[list[int]]:
    """Most megabytes that a server grows by meanwhile, in a list."""
    idle, found, over = memory(server), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            found[0] = max(found[0], (memory(server) - idle) // MEGABYTE)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def write_days(path: Path, days: int) -> None:
    """Global fields of a quarter of a degree, a chunk each."""
    base = np.random.default_rng(0).normal(280, 10, (ROWS, COLUMNS)).astype(np.float32).round(1)
    times = pd.date_range("2020-01-01", periods=days)
    for start in range(0, days, 20):
        part = times[start : start + 20]
        fields = np.stack([base + day % 7 for day in range(start, start + len(part))])
        dataset = xr.Dataset(
            {"t2m": (("time", "lat", "lon"), fields, {"units": "K"})},
            {
                "time": part,
                "lat": ("lat", np.linspace(90, -90, ROWS), {"units": "degrees_north"}),
                "lon": ("lon", np.arange(COLUMNS) / 4, {"units": "degrees_east"}),
            },
        )
        if start == 0:
            chunks = {"t2m": {"chunks": (1, ROWS, COLUMNS)}}
            units = {"time": {"units": "hours since 2020-01-01"}}
            dataset.to_zarr(path, encoding=chunks | units, zarr_format=2)
        else:
            dataset.to_zarr(path, append_dim="time", zarr_format=2)


def check_memory(folder: Path, days: int) -> None:
    write_days(folder / "days.zarr", days)
    settings = {
        "OGCAPI_LIMITS__CELLS": "1000000000",
        "OGCAPI_LIMITS__CELLS_READ": "1000000000",
        "OGCAPI_CACHE_BYTES": str(64 * MEGABYTE),
    }
    ten = "datetime=2020-01-01/2020-01-10"
    limits = {
        f"f=json&{ten}": 300,
        f"f=csv&{ten}": 300,
        f"f=parquet&{ten}": 300,
        "f=netcdf": 512,
        "f=netcdf&resolution=time(P1M)": 512,
    }
    with serving(folder, "days.zarr", "--workers", "1", **settings) as server:
        server.get("/collections/days/position?coords=POINT(0 0)&datetime=2020-01-01")
        for query, limit in limits.items():
            size = 0
            url = f"{server.url}/collections/days/coverage?{query}"
            with peak(server) as grown, httpx.stream("GET", url, timeout=600) as answer:
                assert answer.status_code == 200
                for piece in answer.iter_raw():
                    size += len(piece)
            print(f"{query}: {size / 1e6:.0f} MB sent, {grown[0]} MB above idle")
            assert size > 5e6
            assert grown[0] < limit, query


def test_large_answers_take_little_memory(tmp_path: Path) -> None:
    """41.5 MB of values as text and Parquet, 250 MB as NetCDF."""
    check_memory(tmp_path, 60)


@pytest.mark.soak
def test_two_gigabytes_take_little_memory(tmp_path: Path) -> None:
    check_memory(tmp_path, 500)
