"""GeoTIFF and COG answers read back by rasterio: values, places, names, from every class of grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from flask import Flask
from flask.testing import FlaskClient
from rasterio.io import MemoryFile

from config.settings import Limits
from providers import coverage as coverages
from tests.http.samples import LEVELS, Site, problem_of, server, value_at, write_all
from tests.providers.rasters import numbered
from tests.providers.rasters import write as write_raster

FORMS = ("geotiff", "cog")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiff") / "data"
    write_all(folder)
    place = Affine(1000.0, 0, 500_000, 0, -1000.0, 5_000_000)
    write_raster(folder / "utm.tif", numbered(40, 30), crs="EPSG:32633", transform=place)
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> FlaskClient:
    return server(
        folder.parent / "one", [str(path) for path in sorted(folder.iterdir())]
    ).test_client()


@pytest.fixture(scope="module")
def streamed(folder: Path) -> Iterator[Flask]:
    """The same with every answer written to a file, in slabs of 4 kB."""
    patch = pytest.MonkeyPatch()
    patch.setattr(coverages.Coverage.slabs, "__defaults__", (4096,))
    paths = [str(path) for path in sorted(folder.iterdir())]
    yield server(folder.parent / "two", paths, limits=Limits(bytes_buffered=1))
    patch.undo()


def opened(client: FlaskClient, address: str) -> tuple[Any, dict[str, Any]]:
    """Values and what else a file says."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("image/tiff; application=geotiff")
    with MemoryFile(answer.data) as memory, memory.open() as file:
        facts = {
            "crs": file.crs, "transform": file.transform, "names": file.descriptions, "units": file.units,
            "tags": [file.tags(band) for band in file.indexes], "nodata": file.nodata,
            "layout": file.tags(ns="IMAGE_STRUCTURE"), "overviews": file.overviews(1), "file": file.tags(),
        }  # fmt: skip
        return file.read(), facts


@pytest.mark.parametrize("form", FORMS)
def test_bands_are_fields_at_positions(client: FlaskClient, form: str) -> None:
    values, facts = opened(
        client,
        f"/collections/levels/coverage?f={form}&bbox=-30,-20,45,40&datetime=2020-01-01T06:00:00Z",
    )
    assert values.shape == (6, 7, 6)
    assert facts["crs"].to_epsg() == 4326
    assert facts["transform"] == Affine(15, 0, -37.5, 0, -10, 45)
    assert facts["names"] == tuple(f"{name} {level}" for name in "tu" for level in LEVELS)
    assert facts["units"][0] == "K"
    assert facts["tags"][1]["level"] == "850.0"
    assert facts["tags"][1]["time"] == "2020-01-01T06:00:00Z"
    assert np.isnan(facts["nodata"])
    for band, level in enumerate(LEVELS):
        for row in range(7):
            for column in range(6):
                lon, lat = facts["transform"] * (column + 0.5, row + 0.5)
                expected = value_at(1, level, lat, lon)
                assert values[band, row, column] == pytest.approx(expected, rel=1e-7)
    if form == "cog":
        assert facts["layout"]["LAYOUT"] == "COG"


@pytest.mark.parametrize("form", FORMS)
def test_a_projected_window_is_the_file_bit_for_bit(
    client: FlaskClient, form: str, folder: Path
) -> None:
    values, facts = opened(client, f"/collections/utm/coverage?f={form}")
    with rasterio.open(folder / "utm.tif") as file:
        assert facts["crs"] == file.crs
        assert facts["transform"] == file.transform
        np.testing.assert_array_equal(values, file.read())


def test_the_same_request_has_the_same_bytes(client: FlaskClient) -> None:
    for form in FORMS:
        address = f"/collections/levels/coverage?f={form}&bbox=-30,-20,45,40"
        assert client.get(address).data == client.get(address).data


def test_cells_that_are_no_raster_are_resampled_and_it_is_said(client: FlaskClient) -> None:
    answer = client.get("/collections/healpix/coverage?f=geotiff&bbox=0,0,60,60")
    assert answer.headers["OGC-Resampling"] == "nearest"
    values, facts = opened(client, "/collections/healpix/coverage?f=geotiff&bbox=0,0,60,60")
    assert facts["file"]["resampling"] == "nearest"
    assert np.isfinite(values).all()
    for row, column in ((0, 0), (3, 5), (values.shape[1] - 1, values.shape[2] - 1)):
        lon, lat = facts["transform"] * (column + 0.5, row + 0.5)
        address = f"/collections/healpix/position?coords=POINT({lon} {lat})&f=json"
        cell = client.get(address).get_json()
        assert values[0, row, column] == cell["ranges"]["t"]["values"][0]


@pytest.mark.parametrize("name", ["levels", "healpix", "forecast", "climate", "height", "utm"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "more", ["", "&bbox=-30,-20,45,40", "&bbox=0,30,40,60&crs=EPSG:3035&width=20&height=30"]
)
def test_streams_hold_the_same(
    client: FlaskClient, streamed: Flask, name: str, form: str, more: str
) -> None:
    address = f"/collections/{name}/coverage?f={form}{more}"
    if client.get(address).status_code == 204:
        assert streamed.test_client().get(address).status_code == 204
        return
    values, facts = opened(client, address)
    again, others = opened(streamed.test_client(), address)
    np.testing.assert_array_equal(values, again)
    facts.pop("nodata"), others.pop("nodata")
    assert facts == others


def test_what_a_tiff_cannot_hold_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from providers.formats import geotiff

    monkeypatch.setattr(geotiff, "_MOST_BANDS", 3)
    answer = site.client.get("/collections/levels/coverage?f=geotiff")
    problem = problem_of(answer, 400, "f")
    assert "bands" in problem["detail"]


def test_the_types_that_clients_ask_for(client: FlaskClient) -> None:
    for accept in (
        "image/tiff;application=geotiff",
        "image/tiff; application=geotiff",
        "application/x-geotiff",
        "image/tiff",
    ):
        answer = client.get(
            "/collections/levels/coverage?bbox=0,0,40,40", headers={"Accept": accept}
        )
        assert answer.content_type == "image/tiff; application=geotiff"
