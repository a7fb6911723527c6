"""GDAL's own programs read our coverages: through the driver ``OGCAPI`` and as files over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from tests.cli.test_serve import Running, serving
from tests.http.samples import value_at, write_all
from tests.providers.rasters import write as write_raster

pytestmark = pytest.mark.services
PLACE = Affine(0.1, 0, -10, 0, -0.1, 60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gdal")
    write_all(folder)
    heights = np.random.default_rng(0).normal(500, 100, (300, 400)).astype(np.float32)
    write_raster(folder / "dem.tif", heights, transform=PLACE)
    write_raster(folder / "classes.tif", (heights % 7).astype(np.uint8), transform=PLACE)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    names = [path.name for path in sorted(folder.iterdir())]
    with serving(folder, *names, "--workers", "1") as running:
        yield running


def gdal(*arguments: str, folder: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA")}
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, cwd=folder,
        env=clean | {"GDAL_HTTP_TIMEOUT": "60"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def info(server: Running, name: str, folder: Path) -> dict[str, Any]:
    text = gdal("gdalinfo", "-json", f"OGCAPI:{server.url}/collections/{name}", folder=folder)
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.parametrize("name", ["dem", "classes"])
def test_a_window_is_the_store_bit_for_bit(
    server: Running, folder: Path, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "window.tif"
    gdal(
        "gdal_translate", "-q", "-srcwin", "37", "41", "300", "250",
        f"OGCAPI:{server.url}/collections/{name}", str(target), folder=tmp_path,
    )  # fmt: skip
    with rasterio.open(target) as found, rasterio.open(folder / f"{name}.tif") as stored:
        assert found.dtypes == stored.dtypes
        assert found.transform.almost_equals(PLACE @ Affine.translation(37, 41), 1e-9)
        np.testing.assert_array_equal(found.read(1), stored.read(1)[41:291, 37:337])


def test_gdal_knows_extent_resolution_and_type(server: Running, tmp_path: Path) -> None:
    found = info(server, "dem", tmp_path)
    assert found["size"] == [400, 300]
    assert found["geoTransform"] == pytest.approx([-10, 0.1, 0, 60, 0, -0.1])
    assert [band["type"] for band in found["bands"]] == ["Float32"]
    assert info(server, "classes", tmp_path)["bands"][0]["type"] == "Byte"
    levels = info(server, "levels", tmp_path)
    assert levels["size"] == [24, 19]
    assert len(levels["bands"]) == 2  # a band for each field


def test_global_data_stored_from_0_to_360(server: Running, tmp_path: Path) -> None:
    """Each field at the position a map shows: the newest time, the first level."""
    target = tmp_path / "levels.tif"
    gdal(
        "gdal_translate",
        "-q",
        f"OGCAPI:{server.url}/collections/levels",
        str(target),
        folder=tmp_path,
    )
    with rasterio.open(target) as found:
        values = found.read()
        for row in range(19):
            for column in range(24):
                lon, lat = found.transform * (column + 0.5, row + 0.5)
                expected = value_at(3, 1000.0, round(lat), round(lon))
                assert values[0, row, column] == pytest.approx(expected, rel=1e-7)
                assert values[1, row, column] == pytest.approx(-expected, rel=1e-7)


def test_grids_that_gdal_does_not_know(server: Running, tmp_path: Path) -> None:
    target = tmp_path / "healpix.tif"
    gdal(
        "gdal_translate",
        "-q",
        f"OGCAPI:{server.url}/collections/healpix",
        str(target),
        folder=tmp_path,
    )
    with rasterio.open(target) as found:
        values = found.read(1)
    assert np.isfinite(values).all()
    assert values.min() >= 10_000


def test_answers_are_files_over_http(server: Running, tmp_path: Path) -> None:
    address = f"/vsicurl_streaming/{server.url}/collections/dem/coverage?f=geotiff&bbox=0,40,10,50"
    text = gdal("gdalinfo", "-json", address, folder=tmp_path)
    assert json.loads(text)["size"] == [100, 100]
