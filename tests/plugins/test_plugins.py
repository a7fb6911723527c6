"""The plugins inside a stock pygeoapi: its handlers answer with the values that netCDF4 reads from the files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from flask.testing import FlaskClient
from PIL import Image
from pygeoapi.config import validate_config
from pygeoapi.openapi import get_oas
from pygeoapi.plugin import load_plugin
from pygeoapi.provider.base import ProviderGenericError

from providers.plugins.shared import engine
from providers.readers.netcdf import LOCK
from tests.plugins.stock_server import collection, configuration, sample, stock_client
from tests.private import private_copy

WIND, ISOBARIC, CLIMATE, CURVED = (
    "coads_sst_winds_monthly.nc",
    "erainterim_uvz_monthly.nc",
    "hadgem_a1b_north_america.nc",
    "nemo_tos_curvilinear_2015-01.nc",
)
LEVEL = {"level": {"url": "https://example.org/level", "range": [200, 850]}}


def stored(name: str, variable: str) -> np.ndarray:
    """The whole variable as netCDF4 decodes it, missing values as NaN."""
    with LOCK, netCDF4.Dataset(private_copy(sample(name))) as dataset:
        return np.ma.filled(np.ma.asarray(dataset[variable][:], np.float64), np.nan)


def values(document: dict[str, Any], variable: str) -> np.ndarray:
    part = document["ranges"][variable]
    assert len(part["shape"]) == len(part["axisNames"])
    return np.array(part["values"], np.float64).reshape(part["shape"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    times = np.array(["2024-02-28", "2024-02-29", "2024-03-01"], "M8[ns]")
    data = np.arange(3 * 4 * 8, dtype=np.float32).reshape(3, 4, 8)
    data[0, 0, 0] = np.nan
    axes = {"time": times, "lat": [60.0, 20, -20, -60], "lon": np.arange(8) * 45.0}
    made = xr.DataArray(data, axes, name="t2m", attrs={"units": "K", "long_name": "Temperature"})
    made["lat"].attrs["units"], made["lon"].attrs["units"] = "degrees_north", "degrees_east"
    store = str(tmp_path_factory.mktemp("plugins") / "made.zarr")
    made.to_zarr(store, consolidated=False)
    return stock_client(
        wind=collection(sample(WIND)),
        isobaric=collection(sample(ISOBARIC), LEVEL),
        climate=collection(sample(CLIMATE)),
        curved=collection(sample(CURVED)),
        made=collection(store),
        lost=collection("/nowhere/lost.zarr"),
    )


def get(client: FlaskClient, path: str) -> dict[str, Any]:
    answer = client.get(f"/collections/{path}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def test_a_box_without_a_time_is_honoured(client: FlaskClient) -> None:
    document = get(client, "wind/coverage?bbox=21,-10,30,-1&properties=UWND")
    assert document["domain"]["axes"]["x"]["values"] == [21, 23, 25, 27, 29]
    assert document["domain"]["axes"]["y"]["values"] == [-9, -7, -5, -3, -1]
    np.testing.assert_allclose(
        values(document, "UWND"), stored(WIND, "UWND")[:, 40:45, 100:105], rtol=1e-6
    )


def test_a_box_across_the_antimeridian_runs_on(client: FlaskClient) -> None:
    document = get(client, "wind/coverage?bbox=176,0,-176,4&properties=SST")
    assert document["domain"]["axes"]["x"]["values"] == [177, 179, 181, 183]
    np.testing.assert_allclose(
        values(document, "SST"), stored(WIND, "SST")[:, 45:47][..., [178, 179, 0, 1]], rtol=1e-6
    )


def test_a_box_across_the_end_of_a_0_to_360_grid_runs_on(client: FlaskClient) -> None:
    document = get(client, "made/coverage?bbox=-50,10,50,70")
    assert document["domain"]["axes"]["x"]["values"] == [-45, 0, 45]
    found = values(document, "t2m")
    assert found[1].tolist() == [[32 + 7, 32, 33], [40 + 7, 40, 41]]
    assert np.isnan(found[0, 0, 1])
    assert document["ranges"]["t2m"]["values"][1] is None


def test_a_box_in_another_crs(client: FlaskClient) -> None:
    edge = 20037508.34 / 4
    path = f"made/coverage?bbox=0,0,{edge * 1.01},{edge}&bbox-crs=EPSG:3857"
    axes = get(client, path)["domain"]["axes"]
    assert axes["x"]["values"] == [0, 45]
    assert axes["y"]["values"] == [20]


def test_axes_beyond_x_y_and_time(client: FlaskClient) -> None:
    document = get(client, "isobaric/coverage?subset=level(200:500),month(7),Lon(0:3),Lat(0:3)")
    found = dict(
        zip(document["ranges"]["u"]["axisNames"], values(document, "u").shape, strict=True)
    )
    assert found == {"z": 2, "y": 5, "x": 5}
    with LOCK, netCDF4.Dataset(private_copy(sample(ISOBARIC))) as dataset:
        levels = np.flatnonzero(np.asarray(dataset["level"][:]) <= 500)
        lon = np.flatnonzero((dataset["longitude"][:] >= 0) & (dataset["longitude"][:] <= 3))
    direct = stored(ISOBARIC, "u")[1][levels][:, 116:121][..., lon]
    np.testing.assert_allclose(values(document, "u"), direct, rtol=1e-4)


def test_a_point_of_a_360_day_calendar(client: FlaskClient) -> None:
    document = get(client, "climate/position?coords=POINT(-93.75 40)")
    times = document["domain"]["axes"]["t"]["values"]
    row, column = 20, 22
    with LOCK, netCDF4.Dataset(private_copy(sample(CLIMATE))) as dataset:
        row = int(np.argmin(np.abs(dataset["latitude"][:] - 40)))
        column = int(np.argmin(np.abs(dataset["longitude"][:] - 266.25)))
    direct = stored(CLIMATE, "air_temperature")
    np.testing.assert_allclose(
        values(document, "air_temperature").ravel(), direct[:, row, column], rtol=1e-6
    )
    one = get(client, f"climate/position?coords=POINT(-93.75 40)&datetime={times[7]}")
    assert values(one, "air_temperature").ravel() == pytest.approx(direct[7, row, column])


def test_february_30_is_a_day_of_its_calendar(client: FlaskClient) -> None:
    path = "climate/cube?bbox=-94,40,-93,41&datetime=1860-02-30/1861-02-30"
    assert get(client, path)["domain"]["axes"]["t"]["values"] == ["1860-06-01T00:00:00Z"]
    assert client.get("/collections/made/coverage?datetime=2024-02-30").status_code == 400


def test_several_points_make_a_collection(client: FlaskClient) -> None:
    path = "made/position?coords=MULTIPOINT(0 60,-45 -60)&datetime=2024-02-29"
    document = get(client, path)
    assert document["type"] == "CoverageCollection"
    assert [values(part, "t2m").item() for part in document["coverages"]] == [32, 32 + 31]
    assert client.get("/collections/made/position?coords=LINESTRING(0 0,1 1)").status_code == 400


def test_a_cube_with_levels(client: FlaskClient) -> None:
    document = get(client, "isobaric/cube?bbox=0,0,3,3&z=500&parameter-name=z")
    assert document["domain"]["axes"]["z"]["values"] == [500]
    assert list(document["ranges"]) == ["z"]
    assert client.get("/collections/isobaric/cube?bbox=0,0,3,3&z=400").status_code == 204


def test_netcdf_reads_back(client: FlaskClient, tmp_path: Path) -> None:
    answer = client.get("/collections/made/coverage?f=NetCDF&bbox=0,10,50,70&datetime=2024-02-29")
    assert answer.mimetype == "application/x-netcdf"
    file = tmp_path / "answer.nc"
    file.write_bytes(answer.data)
    with LOCK, netCDF4.Dataset(private_copy(file)) as dataset:
        assert dataset["t2m"][:].ravel().tolist() == [32, 33, 40, 41]


def test_a_map_shows_the_cells_where_they_are(client: FlaskClient) -> None:
    def colours(path: str) -> np.ndarray:
        answer = client.get(f"/collections/made/{path}")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        return np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGBA"), int)

    picture = colours("map?bbox=-202.5,-80,157.5,80&width=8&height=4&datetime=2024-02-28")
    assert picture.shape == (4, 8, 4)
    assert (picture[..., 3] == 0).sum() == 1
    assert picture[0, 4, 3] == 0, "the missing value lies at 60 north, 0 east"
    style = colours("styles/t2m/map?bbox=-202.5,-80,157.5,80&width=8&height=4&datetime=2024-02-28")
    assert (style == picture).all()
    filled = "map?bbox=-202.5,-80,157.5,80&width=8&height=4&datetime=2024-02-28&transparent=false"
    assert colours(filled)[0, 4].tolist() == [255, 255, 255, 255]
    across = colours("map?bbox=160,-80,-160,80&width=4&height=4&datetime=2024-03-01")
    assert len(np.unique(across.reshape(-1, 4), axis=0)) == 4, "one column of cells"


def test_a_map_in_mercator_of_a_curvilinear_grid(client: FlaskClient) -> None:
    crs = "http://www.opengis.net/def/crs/EPSG/0/3857"
    answer = client.get(f"/collections/curved/map?bbox=-40,-40,0,40&crs={crs}&width=64&height=64")
    assert answer.headers["Content-Crs"].lower() == crs.lower()
    assert np.asarray(Image.open(io.BytesIO(answer.data)))[32, 4] > 0, "the Atlantic has values"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("made/coverage?f=GeoTIFF", 400),
        ("made/coverage?properties=nothing", 400),
        ("made/coverage?subset=depth(3)", 400),
        ("made/coverage?bbox=0,0,1,1&subset=Lon(0:1)", 400),
        ("made/coverage?subset=Lat(-100:100)", 400),
        ("made/coverage?datetime=yesterday", 400),
        ("made/coverage?datetime=1999", 204),
        ("made/position?coords=POINT(0 95)", 400),
        ("made/cube?bbox=0,0,1,1&z=500", 400),
        ("made/cube?bbox=0,0,1,1&parameter-name=t2m,none", 400),
        ("made/area?coords=POLYGON((0 0,1 0,1 1,0 0))", 400),
        ("made/styles/rainbow/map", 400),
        ("made/map?width=0", 400),
        ("made/map?width=100000&height=100000", 413),
        ("lost/coverage", 503),
        ("lost/position?coords=POINT(0 0)", 503),
    ],
)
def test_errors_have_the_status_a_client_expects(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.get(f"/collections/{path}")
    assert answer.status_code == status, answer.text
    assert "/nowhere" not in answer.text


@pytest.mark.parametrize("path", ["made/coverage", "made/position?coords=POINT(0 0)&", "made"])
def test_pages_of_pygeoapi_work(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/collections/{path}{'' if '?' in path else '?'}f=html")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_collections_say_what_the_data_are(client: FlaskClient) -> None:
    listed = {item["id"]: item for item in client.get("/collections").get_json()["collections"]}
    assert set(listed) == {"wind", "isobaric", "climate", "curved", "made"}
    made = listed["made"]
    assert made["extent"]["temporal"] == {
        "interval": [["2024-02-28T00:00:00Z", "2024-03-01T00:00:00Z"]],
        "grid": {"resolution": "P1D"},
    }
    assert [axis["cellsCount"] for axis in made["extent"]["spatial"]["grid"]] == [8, 4]
    assert set(made["data_queries"]) == {"position", "cube"}
    assert made["parameter_names"]["t2m"]["unit"]["symbol"]["value"] == "K"
    level = listed["isobaric"]["extent"]["level"]
    assert level["grid"] == {"cellsCount": 3, "coordinates": [200, 500, 850]}
    assert level["interval"] == [[200, 850]]
    fields = get(client, "made/schema")["properties"]
    assert fields["t2m"] == {"type": "number", "title": "Temperature", "x-ogc-unit": "K"}


def test_configuration_and_api_document_are_valid_to_pygeoapi() -> None:
    config = configuration(wind=collection(sample(WIND)))
    assert validate_config(config)
    paths = set(get_oas(config)["paths"])
    assert {f"/collections/wind/{view}" for view in ("coverage", "position", "cube", "map")} < paths


@pytest.mark.parametrize("kind", ["coverage", "edr", "map"])
def test_a_constructor_opens_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(type(engine().store), "dataset", lambda *args: opened.append(args))
    definitions = collection("/nowhere/at/all.zarr")["providers"]
    load_plugin("provider", next(item for item in definitions if item["type"] == kind))
    assert opened == []


def test_one_store_serves_the_process_and_a_fork_makes_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = engine()
    assert engine() is first
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child = engine()
    assert child.store is not first.store
    monkeypatch.undo()
    assert engine().process == os.getpid()


def test_several_cubes_are_told_apart_by_their_key(tmp_path: Path) -> None:
    variables = {}
    for name, spacing in (("coarse", 2.0), ("fine", 1.0)):
        for axis, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
            of_axis = f"{axis}_{name}"
            variables[of_axis] = (of_axis, [0.0, spacing], {"units": units})
        variables[name] = ((f"lat_{name}", f"lon_{name}"), np.ones((2, 2), np.float32))
    path = tmp_path / "two.nc"
    with LOCK:
        xr.Dataset(variables).to_netcdf(path)
    plain = collection(str(path))["providers"][0]
    with pytest.raises(ProviderGenericError, match="cube is one of") as caught:
        _ = load_plugin("provider", plain).fields
    keys = caught.value.message.rsplit("one of ")[1].split(", ")
    fields = [list(load_plugin("provider", plain | {"cube": key}).fields) for key in keys]
    assert sorted(fields) == [["coarse"], ["fine"]]
