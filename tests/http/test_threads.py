"""Many threads, one process: every answer is the one that a single client gets.

S3: NetCDF in and out under 16 threads ended the interpreter.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.http.samples import Site, pressure_levels, server

THREADS = 16
REQUESTS = 8_000
FOREIGN = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))


def addresses(client: FlaskClient) -> list[str]:
    """Requests of every kind; small ones, for there are many."""
    found = [
        "/", "/?f=html", "/collections", "/collections?f=html", "/collections/levels", "/conformance", "/openapi",
        "/collections?bbox=0,0,10,10&limit=3", "/collections/levels/schema", "/collections/levels/queryables?f=html",
        "/collections/nothing", "/collections/levels/coverage?bbox=1", "/static/style.css",
    ]  # fmt: skip
    for name in ("levels", "chunked", "surface", "climate", "healpix", "forecast", "height"):
        base = f"/collections/{name}"
        found += [
            f"{base}/position?coords=POINT({lon} {lat})"
            for lon in (-170, 5, 100)
            for lat in (-40, 30)
        ]
        found += [
            f"{base}/cube?bbox={west},0,{west + 30},30{form}"
            for west in (-40, 100)
            for form in ("", "&f=netcdf")
        ]
        found += [f"{base}/map?width=24&height=12", f"{base}/map?width=16&height=16&bbox=0,0,40,40"]
    found.append(
        "/collections/levels/coverage?bbox=0,0,60,60&f=netcdf&datetime=2020-01-01T06:00:00Z"
    )
    found.append("/collections/chunked/coverage?f=netcdf&subset=level(500),Lat(0)")
    return found


def foreign_addresses(client: FlaskClient) -> list[str]:
    """Maps and small boxes of whatever collections there are."""
    found = []
    for item in client.get("/collections").get_json()["collections"]:
        base = f"/collections/{item['id']}"
        found += [base, f"{base}/map?width=16&height=8"]
        west, south, east, north = item["extent"]["spatial"]["bbox"][0]
        lon, lat = (west + east) / 2, (south + north) / 2
        found += [
            f"{base}/position?coords=POINT({lon:.2f} {lat:.2f}){form}" for form in ("", "&f=netcdf")
        ]
    return found


def body_of(client: FlaskClient, address: str) -> tuple[int, bytes]:
    answer = client.get(address)
    if answer.status_code >= 400:
        return answer.status_code, answer.get_json()[
            "detail"
        ].encode()  # the rest has the request's id
    return answer.status_code, answer.data


def hammer(app: Flask, paths: list[str], *, seed: int, total: int) -> Counter[int]:
    """``total`` requests from many threads in orders of their own, each compared with the serial answer."""
    expected = {address: body_of(app.test_client(), address) for address in paths}
    again = {address: body_of(app.test_client(), address) for address in paths}
    assert [a for a in paths if again[a] != expected[a]] == [], (
        "not even serial answers are the same"
    )
    wrong: list[str] = []
    counts: list[Counter[int]] = []
    start = threading.Barrier(THREADS)

    def client_of(number: int) -> None:
        client, order = app.test_client(), random.Random(seed + number)
        seen: Counter[int] = Counter()
        start.wait(30)
        for _ in range(total // THREADS):
            address = order.choice(paths)
            found = body_of(client, address)
            seen[found[0]] += 1
            if found != expected[address]:
                wrong.append(f"{address}: {found[0]} {found[1][:80]!r}")
        counts.append(seen)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # threads change places often: what can go wrong, goes wrong
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(client_of, number) for number in range(THREADS)]:
                done.result(timeout=1200)
    finally:
        sys.setswitchinterval(interval)
    assert not wrong, f"{len(wrong)} wrong, such as\n" + "\n".join(wrong[:5])
    return sum(counts, Counter())


def test_s3_sixteen_threads_get_what_one_client_gets(site: Site) -> None:
    seen = hammer(site.app, addresses(site.client), seed=1, total=REQUESTS)
    assert sum(seen.values()) == REQUESTS // THREADS * THREADS
    assert not [status for status in seen if status >= 500]
    assert seen[200] > 0.8 * REQUESTS


@pytest.mark.soak
def test_s3_sixteen_threads_for_a_long_time(site: Site) -> None:
    """Two thousand requests from each of sixteen threads."""
    seen = hammer(site.app, addresses(site.client), seed=3, total=16 * 2000)
    assert not [status for status in seen if status >= 500]
    assert seen[200] > 0.8 * 16 * 2000


def test_s3_real_netcdf_files_under_threads(tmp_path: Path) -> None:
    files = sorted((FOREIGN / "netcdf").glob("*.nc")) if FOREIGN.exists() else []
    names = {"coads_sst_winds_monthly", "rotated_pole_mslp", "nemo_tos_curvilinear_2015-01", "era5_daily_five_cities",
             "cmems_baltic_thetao_so_daily", "hadgem_a1b_north_america"}  # fmt: skip
    chosen = [str(file) for file in files if file.stem in names]
    if not chosen:
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    app = server(tmp_path, chosen)
    seen = hammer(app, foreign_addresses(app.test_client()), seed=2, total=REQUESTS // 8)
    assert not [status for status in seen if status >= 500]


def test_files_that_change_under_threads_never_make_a_server_error(tmp_path: Path) -> None:
    """One thread replaces the file over and over; readers see one version or the other, whole."""
    path = tmp_path / "levels.nc"
    pressure_levels(shift=0.0).to_netcdf(path)
    app = server(tmp_path / "state", [str(path)], check_interval=0.05)
    address = "/collections/levels/position?coords=POINT(0 0)&parameter-name=t&z=500"
    versions = []
    for shift in (0.0, 0.25):
        pressure_levels(shift=shift).to_netcdf(tmp_path / f".{shift}")
        versions.append((tmp_path / f".{shift}").read_bytes())
    allowed = {tuple(t * 1e6 + 50090 + shift for t in range(4)) for shift in (0.0, 0.25)}
    stop, wrong, seen = threading.Event(), [], set()

    def read() -> None:
        client = app.test_client()
        while not stop.is_set():
            answer = client.get(address)
            if answer.status_code == 503 and "changed while" in answer.get_json()["detail"]:
                continue  # says so, and to ask again
            values = (
                tuple(answer.get_json()["ranges"]["t"]["values"])
                if answer.status_code == 200
                else ()
            )
            seen.add(values)
            if values not in allowed:
                wrong.append(f"{answer.status_code} {answer.get_data(as_text=True)[:200]}")

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    started, turn = time.monotonic(), 0
    while (lasted := time.monotonic() - started) < 4 or (seen != allowed and lasted < 120):
        new = tmp_path / ".new"
        new.write_bytes(versions[turn % 2])
        new.replace(path)
        turn += 1
        time.sleep(
            0.1 * random.Random(turn).randint(1, 10)
        )  # long enough to be opened even under load
    stop.set()
    for reader in readers:
        reader.join(30)
    assert not wrong, wrong[:3]
    assert seen == allowed  # both versions were seen
