"""What is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import zarr
from flask.testing import FlaskClient
from pygeoapi.plugin import load_plugin

from providers.crs import parse_crs
from providers.render import Pixels
from providers.store import Source, Store
from tests.benchmarks import floors, grib_rows, peer, raster_rows
from tests.benchmarks.asking import MERCATOR, Parts, app, getting, map_path
from tests.benchmarks.data import EUROPE, Data, write
from tests.benchmarks.measure import Row, Work

NAMES = (
    "open a 0.25° Zarr, nothing kept",
    "process start to first answer",
    "`/`, JSON",
    "`/position`, 744 steps, chunk decoded",
    "`/position`, 744 steps, chunk kept",
    "`/cube` Europe 141×161, CoverageJSON, chunk decoded",
    "`/cube` Europe 141×161, CoverageJSON, chunk kept",
    "`/cube` Europe 141×161, NetCDF, chunk kept",
    "`/map` 256×256, 0.25°, chunk decoded",
    "`/map` 256×256, 0.25°, chunk kept",
    "`/map` 256×256, HEALPix nside 128, chunk kept",
    "`/collections`, 1 collection",
    "`/collections`, 500 collections",
    *grib_rows.NAMES,
    *raster_rows.NAMES,
)
_BOX = ",".join(f"{value:g}" for value in EUROPE)
_FIRST = "datetime=2024-01-01T00:00:00Z"
_ONE_TIME = "2024-01-01T00:00:00/2024-01-01T00:30:00"
_POSITION = "/collections/series/position?coords=POINT(10 50)&f=json"
_CUBE = f"/collections/world/cube?bbox={_BOX}&datetime={_ONE_TIME}"


def rows(folder: Path) -> Sequence[Row]:
    """Every row over data written into ``folder``, in the order of :data:`NAMES`."""
    data = write(folder)
    stores = [str(path) for path in (data.series, data.world, data.healpix)]
    kept = app(folder / "kept", stores)
    decoding = app(folder / "decoding", stores, cache_bytes=0)
    stock = peer.client(folder, "stores", {"series": data.series, "world": data.world})
    made = [
        _open_row(data),
        _start_row(folder, data),
        (getting(kept, "/?f=json"), getting(floors.bare(), "/"), getting(stock, "/?f=json")),
        *_position_rows(data, kept, decoding, stock),
        *_cube_rows(data, kept, decoding, stock),
        *_map_rows(data, kept, decoding),
        *(_collections_row(folder, data.tiny[:count]) for count in (1, len(data.tiny))),
        *grib_rows.rows(folder),
        *raster_rows.rows(folder),
    ]
    return [Row(name, *parts) for name, parts in zip(NAMES, made, strict=True)]


def _open_row(data: Data) -> Parts:
    source = Source((str(data.world),))
    return (
        lambda: Store().dataset(source),
        partial(floors.opened, data.world),
        lambda: load_plugin("provider", peer.definition("coverage", data.world)),
    )


def _start_row(folder: Path, data: Data) -> Parts:
    def running(code: str) -> Work:
        def run() -> None:
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr

        return run

    ours = f"""
from pathlib import Path
from config.settings import Settings
from ogcapi.app import create_app
app = create_app(Settings(state_dir=Path({str(folder / "start")!r})), paths=[{str(data.series)!r}])
assert app.test_client().get({_POSITION!r}).status_code == 200
"""
    floor = f"""
import flask, netCDF4, numpy, orjson, zarr
zarr.open_group({str(data.series)!r}, mode="r")["t2m"][:, 0, 0]
"""
    stock = f"""
from pathlib import Path
from tests.benchmarks import peer
client = peer.client(Path({str(folder)!r}), "start", {{"series": Path({str(data.series)!r})}})
assert client.get({_POSITION!r}).status_code == 200
"""
    return running(ours), running(floor), running(stock), 3


def _position_rows(
    data: Data, kept: FlaskClient, decoding: FlaskClient, stock: FlaskClient
) -> list[Parts]:
    array: Any = zarr.open_array(data.series / "t2m", mode="r")
    row, column = round((EUROPE[3] - 50) * 4), round((10 - EUROPE[0]) * 4)
    times = [
        f"{np.datetime64('2024-01-01T00:00:00') + np.timedelta64(i, 'h')}Z" for i in range(744)
    ]
    chunk = array[:, row : row + 16, column : column + 16]
    return [
        (
            getting(decoding, _POSITION),
            lambda: floors.series(array[:, row, column], times),
            getting(stock, _POSITION),
        ),
        (
            getting(kept, _POSITION),
            lambda: floors.series(chunk[:, 0, 0], times),
            getting(stock, _POSITION),
        ),
    ]


def _cube_rows(
    data: Data, kept: FlaskClient, decoding: FlaskClient, stock: FlaskClient
) -> list[Parts]:
    array: Any = zarr.open_array(data.world / "t2m", mode="r")
    west, south, east, north = EUROPE
    rows_ = slice(round((90 - north) * 4), round((90 - south) * 4) + 1)
    columns = slice(round((west + 180) * 4), round((east + 180) * 4) + 1)
    chunk = array[0]
    asked = f"{_CUBE}&f=json"
    stock_netcdf = (
        f"/collections/world/coverage?f=netcdf&properties=t2m&bbox={_BOX}&datetime={_ONE_TIME}"
    )
    return [
        (
            getting(decoding, asked),
            lambda: floors.europe(array[0, rows_, columns]),
            getting(stock, asked),
        ),
        (
            getting(kept, asked),
            lambda: floors.europe(chunk[rows_, columns]),
            getting(stock, asked),
        ),
        (
            getting(kept, f"{_CUBE}&f=netcdf"),
            lambda: floors.netcdf(chunk[rows_, columns]),
            getting(stock, stock_netcdf),
        ),
    ]


def _map_rows(data: Data, kept: FlaskClient, decoding: FlaskClient) -> list[Parts]:
    array: Any = zarr.open_array(data.world / "t2m", mode="r")
    cells: Any = zarr.open_array(data.healpix / "t2m", mode="r")
    pixels = Pixels(parse_crs("EPSG:3857", "crs"), MERCATOR, 256, 256)
    lon, lat = pixels.lonlat()
    grid = np.ix_(
        np.round((90 - lat[:, 0]) * 4).astype(int), np.round((lon[0] + 180) * 4).astype(int)
    )
    dataset = Store().dataset(Source((str(data.healpix),)))
    index = dataset.cubes[0].cube.grid.locate(lon, lat)
    chunk, field = array[0], cells[0]
    world, healpix = (f"{map_path(name)}&{_FIRST}" for name in ("world", "healpix"))
    return [
        (getting(decoding, world), lambda: floors.picture(array[0][grid])),
        (getting(kept, world), lambda: floors.picture(chunk[grid])),
        (getting(kept, healpix), lambda: floors.picture(field[index])),
    ]


def _collections_row(folder: Path, paths: Sequence[Path]) -> Parts:
    name = f"list{len(paths)}"
    client = app(folder / name, [str(path) for path in paths])
    stock = peer.client(folder, name, {path.stem: path for path in paths})
    get = getting(client, "/collections?f=json")
    document = orjson.loads(get())  # type: ignore[arg-type]
    assert len(document["collections"]) == len(paths)
    floor: Callable[[], bytes] = partial(orjson.dumps, document)
    calls = None if len(paths) == 1 else 1
    return get, floor, getting(stock, "/collections?f=json"), None, calls
