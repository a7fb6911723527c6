"""GeoTIFF and COG through the interface: positions, coverages and maps of the sample files equal rasterio."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from flask.testing import FlaskClient
from PIL import Image

from config.configuration import load_configuration
from config.settings import Settings
from ogcapi.app import create_app
from tests.http.coverages import array, axis, get_coverage, get_netcdf
from tests.http.samples import problem_of
from tests.providers.conftest import DATA
from tests.providers.rasters import Direct, raster

BANDS = {
    "climate": ("10_metre_u_wind_component", "2_metre_temperature"),
    "cover": ("band1",),
    "coast": ("band1",),
    "scene": ("red", "green", "blue"),
}
FILES = {
    "climate": "climate_dt_2t_10u_2040-01-02",
    "cover": "esa_worldcover_2021_n00e006",
    "coast": "sentinel2_b01_t34_600m",
    "scene": "sentinel2_tci_t34_100m",
}


@dataclass(frozen=True)
class Site:
    """A server of all sample files, and one of them once more without its CRS."""

    client: FlaskClient
    folder: Path

    def direct(self, name: str) -> Direct:
        return Direct(
            self.folder / f"{FILES[name]}.tif", "EPSG:4326" if name == "climate" else None
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = (DATA / "raster").resolve()
    if not data.is_dir():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    folder = tmp_path_factory.mktemp("cog")
    lines = [
        f"  {name}: {{type: collection, source: {data / file}.tif{', crs: EPSG:4326' * (name == 'climate')}}}"
        for name, file in FILES.items()
    ]
    lines.append(f"  nowhere: {{type: collection, source: {data / FILES['climate']}.tif}}")
    (folder / "server.yml").write_text("resources:\n" + "\n".join(lines) + "\n")
    app = create_app(Settings(state_dir=folder / "state"), configuration=load_configuration(folder))
    yield Site(app.test_client(), data)
    app.extensions["ogcapi"]["services"].store.close()


@pytest.mark.parametrize("name", FILES)
def test_positions_of_every_band_equal_rasterio(site: Site, name: str) -> None:
    direct = site.direct(name)
    for band, field in enumerate(BANDS[name], start=1):
        for lon, lat, (row, column) in zip(*direct.places(24, seed=band), strict=True):
            query = {"coords": f"POINT({float(lon)!r} {float(lat)!r})", "parameter-name": field}
            answer = site.client.get(f"/collections/{name}/position", query_string=query)
            assert answer.status_code == 200, answer.text
            (value,) = answer.get_json()["ranges"][field]["values"]
            wanted = direct.value(band, row, column)
            assert value == wanted or (value is None and np.isnan(wanted))


@pytest.mark.parametrize("name", ["climate", "cover"])
def test_a_coverage_of_every_band_equals_rasterio(site: Site, name: str) -> None:
    direct = site.direct(name)
    box = "3.2,40.1,30.4,60" if name == "climate" else "6.73,0.33,6.732,0.3315"
    document = get_coverage(site.client, f"/collections/{name}/coverage", bbox=box)
    lon, lat = np.meshgrid(axis(document, "x"), axis(document, "y"))
    row, column, _ = direct.cells(lon, lat)
    assert row.size >= 300
    for band, field in enumerate(BANDS[name], start=1):
        picked = [
            direct.value(band, r, c)
            for r, c in zip(row.ravel()[::7], column.ravel()[::7], strict=True)
        ]
        values = array(document, field).squeeze().transpose("y", "x").to_numpy().ravel()[::7]
        np.testing.assert_array_equal(values, picked)


@pytest.mark.parametrize("name", ["coast", "scene"])
def test_a_projected_coverage_has_every_cell_of_the_box(site: Site, name: str) -> None:
    direct = site.direct(name)
    stored = get_netcdf(site.client, f"/collections/{name}/coverage", bbox="23.6,31.9,23.7,32")
    lon, lat = stored["lon"].to_numpy().ravel(), stored["lat"].to_numpy().ravel()
    row, column, _ = direct.cells(lon, lat)
    assert (row >= 0).all()
    for band, field in enumerate(BANDS[name], start=1):
        found = stored[field].to_numpy().astype(float).ravel()
        wanted = direct.values(band)[row, column]
        fill = stored[field].attrs.get("_FillValue")
        found = np.where(found == fill, np.nan, found) if fill is not None else found
        np.testing.assert_array_equal(found, wanted)


def test_a_coverage_of_all_cells_of_a_huge_file_is_too_large(site: Site) -> None:
    assert "limit" in problem_of(site.client.get("/collections/cover/coverage"), 413)["detail"]


def test_land_cover_is_drawn_in_the_colours_of_the_file(site: Site) -> None:
    box = "6.6,0.2,6.8,0.4"
    answer = site.client.get(f"/collections/cover/map?bbox={box}&width=256&height=256")
    assert answer.mimetype == "image/png"
    image = np.array(Image.open(io.BytesIO(answer.data)).convert("RGBA"))
    with rasterio.open(site.direct("cover").path) as dataset:
        table = dataset.colormap(1)
    shown = {
        tuple(int(part) for part in colour) for colour in np.unique(image.reshape(-1, 4), axis=0)
    }
    assert len(shown) > 3
    assert {colour for colour in shown if colour[3]} <= set(table.values())


def test_pixels_of_a_map_are_the_classes_of_their_cells(site: Site) -> None:
    direct = site.direct("cover")
    pixels = raster((6.73, 0.33, 6.735, 0.335), 64, 64)
    box = ",".join(str(part) for part in pixels.bounds)
    answer = site.client.get(f"/collections/cover/map?bbox={box}&width=64&height=64")
    image = np.array(Image.open(io.BytesIO(answer.data)).convert("RGBA"))
    x, y = pixels.centres()
    with rasterio.open(direct.path) as dataset:
        table = dataset.colormap(1)
    for at in range(0, 64, 5):
        row, column, rim = direct.cells(x[at], y[63 - at])
        if rim > 1e-6:
            wanted = table[int(direct.value(1, int(row), int(column)))]
            assert tuple(image[63 - at, at]) == wanted


def test_a_file_without_crs_is_down_with_the_key_that_helps(site: Site) -> None:
    problem = problem_of(site.client.get("/collections/nowhere/map"), 503)
    assert "crs: EPSG:4326" in problem["detail"]
    assert str(site.folder) not in problem["detail"]
    assert site.client.get("/collections/climate/map").status_code == 200


def test_the_classes_are_in_the_schema(site: Site) -> None:
    schema = site.client.get("/collections/cover/schema?f=json").get_json()
    field = schema["properties"]["band1"]
    assert field["enum"] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100]
    assert field["x-ogcapi:categories"]["80"] == "Permanent_water_bodies"
