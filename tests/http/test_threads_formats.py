"""GRIB, NetCDF and GeoTIFF together under many threads: no crash, no server error, every body the serial one.

Each of the libraries underneath has a state of its own, and ecCodes and rasterio bring copies of PROJ that must not
meet.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.cli.test_serve import serving
from tests.fuzz.originals import packings
from tests.http.samples import server
from tests.http.test_threads import THREADS, hammer
from tests.providers.conftest import DATA

ROOT = Path(__file__).parents[2]
REQUESTS = 1_600
MANY = 16 * 2_000
CACHE = 2 << 20
"""Bytes: less than the files hold, so that chunks are decoded again."""
FILES = (
    "grib/climate_dt_2t_15deg.grib2", "grib/era5_healpix_h32_nested.grib2", "grib/era5_surface_and_soil_mix.grib",
    "grib/ifs_10u_reduced_gg_n48.grib", "grib/ifs_2t_missing_values.grib", "grib/ifs_2t_octahedral_o160.grib",
    "grib/ifs_ens_storm_2013-10-25.grib", "grib/ifs_healpix_h8_ring.grib2", "grib/ifs_t_mixed_level_types.grib",
    "grib/ifs_t_model_levels_gaussian.grib2", "grib/lambert_net_longwave.grib", "grib/ifs_z_spherical_harmonics.grib",
    "netcdf/coads_sst_winds_monthly.nc", "netcdf/cmems_nws_waves_2017-10-28.nc",
    "netcdf/nemo_tos_curvilinear_2015-01.nc", "netcdf/rotated_pole_mslp.nc", "netcdf/era5_wgust_global_0.25deg.nc",
    "raster/sentinel2_b01_t34_600m.tif", "raster/sentinel2_tci_t34_100m.tif", "raster/esa_worldcover_2021_n00e006.tif",
    "raster/climate_dt_2t_10u_2040-01-02.tif",
)  # fmt: skip
REFUSED = {"ifs_z_spherical_harmonics", "climate_dt_2t_10u_2040-01-02"}
"""Spectral coefficients, and a picture without a CRS."""


class Client(Protocol):
    def get(self, address: str) -> Any: ...


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Sample files of all formats, and GRIB 2 in every packing."""
    folder = DATA.resolve()
    if not folder.is_dir():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    made = packings(tmp_path_factory.mktemp("packings"))
    return [*(str(folder / name) for name in FILES), *map(str, made)]


def addresses(client: Client) -> list[str]:
    """Positions, boxes and maps of every collection, as CoverageJSON, NetCDF and PNG."""
    document = client.get("/collections").json
    found: list[str] = []
    for item in (document() if callable(document) else document)["collections"]:
        base = f"/collections/{item['id']}"
        if "extent" not in item:
            assert item["id"] in REFUSED
            found += [base, f"{base}/map?width=16&height=8"]
            continue
        west, south, east, north = item["extent"]["spatial"]["bbox"][0]
        lon, lat = (west + east) / 2, (south + north) / 2
        width, height = (east - west) / 200, (north - south) / 200
        box = f"bbox={lon - width:.3f},{lat - height:.3f},{lon + width:.3f},{lat + height:.3f}"
        time = _time(item)
        for form in ("", "&f=netcdf"):
            found += [
                f"{base}/position?coords=POINT({lon:.2f} {lat:.2f}){form}",
                f"{base}/cube?{box}{time}{form}",
                f"{base}/coverage?{box}{time}{form}",
            ]
        found += [f"{base}/map?width=32&height=16", f"{base}/map?width=24&height=24&{box}"]
    return found


def _time(item: dict[str, Any]) -> str:
    """The last time of a collection as a parameter; nothing where it has none."""
    interval = item["extent"].get("temporal", {}).get("interval", [[None, None]])[0]
    return f"&datetime={interval[1]}" if interval[1] else ""


@contextmanager
def memory(processes: Iterable[int] = ()) -> Iterator[list[int]]:
    """Resident megabytes of processes (else of this one), every half second."""
    pids = list(processes) or [os.getpid()]
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
            seen.append(sum(pages) * os.sysconf("SC_PAGE_SIZE") >> 20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def check_memory(seen: list[int]) -> None:
    """What is resident in the middle is so at the end: nothing is kept of requests."""
    first, middle, last = seen[0], seen[len(seen) // 2], seen[-1]
    print(f"\nresident: {first} MB at the start, {middle} in the middle, {last} at the end")
    assert last < middle * 1.1 + 32, seen


def check_answers(seen: Counter[int]) -> None:
    assert set(seen) <= {200, 204, 503}, seen
    assert seen[503] < 0.1 * seen.total()  # those of REFUSED
    assert seen[200] > 0.8 * seen.total()


def test_grib_netcdf_and_geotiff_together_under_threads(files: list[str], tmp_path: Path) -> None:
    app = server(tmp_path, files, cache_bytes=CACHE)
    paths = addresses(app.test_client())
    check_answers(hammer(app, paths, seed=4, total=REQUESTS))


@pytest.mark.soak
def test_grib_netcdf_and_geotiff_together_for_a_long_time(files: list[str], tmp_path: Path) -> None:
    """Two thousand requests from each of sixteen threads."""
    app = server(tmp_path, files, cache_bytes=CACHE)
    paths = addresses(app.test_client())
    with memory() as seen:
        check_answers(hammer(app, paths, seed=5, total=MANY))
    check_memory(seen)


@pytest.mark.soak
def test_two_workers_under_threads(files: list[str], tmp_path: Path) -> None:
    """The same over sockets: no worker ends before its time, and the server ends in peace."""
    arguments = [*files, "--workers", "2"]
    with serving(tmp_path, *arguments, OGCAPI_CACHE_BYTES=str(2 * CACHE)) as running:
        expected: dict[str, tuple[int, bytes]] = {}
        with httpx.Client(base_url=running.url, timeout=60) as client:
            for address in addresses(client):
                answer = client.get(address)
                expected[address] = answer.status_code, body(answer)
        family = sorted(running.family())
        with memory(family) as seen, ThreadPoolExecutor(THREADS) as pool:
            parts = [pool.submit(ask, running.url, expected, number) for number in range(THREADS)]
            counts = [part.result(timeout=1200) for part in parts]
        assert sorted(running.family()) == family
        running.process.terminate()
        _, errors = running.process.communicate(timeout=60)
        assert running.process.returncode == 0
    check_answers(sum(counts, Counter()))
    check_memory(seen)
    assert "Traceback" not in errors
    assert not [word for word in ("double free", "corrupted", "Segmentation") if word in errors]


def body(answer: httpx.Response) -> bytes:
    """What is the same each time: a problem has the id of its request."""
    return answer.json()["detail"].encode() if answer.is_error else answer.content


def ask(url: str, expected: dict[str, tuple[int, bytes]], number: int) -> Counter[int]:
    order, paths, seen = random.Random(number), list(expected), Counter[int]()
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(MANY // THREADS):
            address = order.choice(paths)
            answer = client.get(address)
            seen[answer.status_code] += 1
            assert (answer.status_code, body(answer)) == expected[address], address
    return seen


def test_the_colours_of_a_map_do_not_depend_on_what_was_asked_before(
    files: list[str], tmp_path: Path
) -> None:
    """Temperature on pressure levels had the range of that on model levels where it was drawn after it."""
    path = next(path for path in files if "mixed_level_types" in path)
    seen: list[dict[str, bytes]] = []
    for number in range(2):
        client = server(tmp_path / str(number), [path]).test_client()
        names = [item["id"] for item in client.get("/collections").get_json()["collections"]]
        order = names[::-1] if number else names
        seen.append(
            {name: client.get(f"/collections/{name}/map?width=32&height=16").data for name in order}
        )
    assert len(seen[0]) == 2
    assert seen[0] == seen[1]


ORDERS = (
    ("providers.store", "providers.crs", "rasterio"),
    ("pyproj", "providers.grib.fields", "rasterio", "sqlite3"),
    ("rasterio", "netCDF4", "providers.grib.grids", "pyproj"),
    ("providers.grib.library", "sqlite3", "netCDF4", "pyproj", "ogcapi.app"),
    ("ogcapi.cli", "ogcapi.demo", "providers.store"),
    ("config.database", "sqlalchemy", "providers.readers.grib", "providers.readers.geotiff"),
)
READ = """
import importlib, sys
for name in sys.argv[1].split(","):
    importlib.import_module(name)
from ogcapi.inspect import report
for path in sys.argv[2:]:
    assert report(path)["collections"], path
from config.settings import Settings
from ogcapi.app import create_app
import tempfile
from pathlib import Path
client = create_app(Settings(state_dir=Path(tempfile.mkdtemp())), paths=sys.argv[2:]).test_client()
for item in client.get("/collections").get_json()["collections"]:
    for crs in ("EPSG:3857", "EPSG:3035"):
        answer = client.get(f"/collections/{item['id']}/map?width=16&height=16&crs={crs}")
        assert answer.status_code in (200, 204), (item["id"], answer.data)
"""


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_process_that_reads_all_formats_ends_in_peace(
    order: tuple[str, ...], files: list[str], tmp_path: Path
) -> None:
    """ecCodes in the process once ended it with a double free, depending on what was imported before it."""
    chosen = [
        path
        for path in files
        if any(word in path for word in ("lambert", "h8_ring", "rotated_pole", "b01_t34"))
    ]
    command = [sys.executable, "-X", "faulthandler", "-c", READ, ",".join(order), *chosen]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OGCAPI_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "double free" not in done.stderr


@pytest.mark.parametrize("word", ["lambert", "h8_ring", "b01_t34", "rotated_pole"])
def test_inspect_ends_in_peace(word: str, files: list[str]) -> None:
    path = next(path for path in files if word in path)
    command = [sys.executable, "-c", "from ogcapi.cli import main; main()", "inspect", path]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "variable" in done.stdout
