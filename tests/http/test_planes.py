"""``/coverage`` along the axes of projections: ``subset`` with E and N, ``subset-crs``, ``bbox`` in the data's CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from flask.testing import FlaskClient
from rasterio.io import MemoryFile
from rasterio.windows import from_bounds

from tests.http.samples import problem_of, server, write_all
from tests.providers.rasters import numbered
from tests.providers.rasters import write as write_raster

UTM = "/collections/utm/coverage?f=geotiff"
NEAR_POLE = "/collections/pole/coverage?f=geotiff"
EUROPE = "http://www.opengis.net/def/crs/EPSG/0/3035"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planes") / "data"
    write_all(folder)
    place = Affine(1000.0, 0, 500_000, 0, -1000.0, 5_000_000)
    write_raster(folder / "utm.tif", numbered(40, 30), crs="EPSG:32633", transform=place)
    place = Affine(10_000.0, 0, -600_000, 0, -10_000.0, -1_000_000)
    write_raster(folder / "pole.tif", numbered(40, 30), crs="EPSG:3413", transform=place)
    place = Affine(5000.0, 0, 4_000_000, 0, -5000.0, 3_000_000)
    write_raster(folder / "europe.tif", numbered(40, 30), crs="EPSG:3035", transform=place)
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> FlaskClient:
    paths = [str(path) for path in sorted(folder.iterdir())]
    return server(folder.parent / "state", paths).test_client()


def opened(client: FlaskClient, address: str) -> tuple[np.ndarray, tuple[float, ...], str]:
    """Values, bounds (x first) and the header that tells them."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.data) as memory, memory.open() as file:
        return file.read(1), tuple(file.bounds), answer.headers["Content-Bbox"]


@pytest.mark.parametrize(
    "asked",
    [
        "subset=E(503000:509000),N(4970000:4975000)",
        "subset=x(503000:509000)&subset=y(4970000:4975000)",
        "subset=N(4970000:4975000),E(503000:509000)&subset-crs=EPSG:32633",
        "bbox=503000,4970000,509000,4975000&bbox-crs=[EPSG:32633]",
    ],
)
def test_a_box_in_the_plane_of_the_data_is_cut_exactly(
    client: FlaskClient, folder: Path, asked: str
) -> None:
    values, bounds, header = opened(client, f"{UTM}&{asked}")
    wanted = (503_000, 4_970_000, 509_000, 4_975_000)
    with rasterio.open(folder / "utm.tif") as file:
        np.testing.assert_array_equal(
            values, file.read(1, window=from_bounds(*wanted, file.transform))
        )
    assert bounds == wanted
    assert [float(part) for part in header.split(",")] == list(wanted)


def test_the_axes_of_a_polar_projection_run_x_first(client: FlaskClient, folder: Path) -> None:
    """EPSG:3413 has two axes that run south: its boxes were read with x and y exchanged."""
    asked = (-550_000, -1_200_000, -450_000, -1_100_000)
    listed = ",".join(map(str, asked))
    values, bounds, header = opened(client, f"{NEAR_POLE}&bbox={listed}&bbox-crs=EPSG:3413")
    assert bounds == asked
    assert header == ",".join(f"{part:.9g}" for part in asked)
    with rasterio.open(folder / "pole.tif") as file:
        np.testing.assert_array_equal(
            values, file.read(1, window=from_bounds(*asked, file.transform))
        )


def test_boxes_keep_the_order_of_the_axes_of_their_crs(client: FlaskClient) -> None:
    """EPSG:3035 has northing first: in ``bbox`` and in ``Content-Bbox``."""
    asked = "2900000,4050000,2950000,4100000"
    _, bounds, header = opened(
        client, f"/collections/europe/coverage?f=geotiff&bbox={asked}&bbox-crs=EPSG:3035"
    )
    assert bounds == (4_050_000, 2_900_000, 4_100_000, 2_950_000)
    assert [float(part) for part in header.split(",")] == [float(part) for part in asked.split(",")]


def test_open_sides_and_positions(client: FlaskClient, folder: Path) -> None:
    with rasterio.open(folder / "utm.tif") as file:
        whole = file.read(1)
        west, north = file.bounds.left, file.bounds.top
    values, _, _ = opened(client, f"{UTM}&subset=E(*:{west + 2000})")
    np.testing.assert_array_equal(values, whole[:, :2])
    values, _, _ = opened(client, f"{UTM}&subset=E({west + 2300}),N({north - 3999})")
    np.testing.assert_array_equal(values, whole[3:4, 2:3])
    values, _, _ = opened(client, f"{UTM}&subset=E({west + 2300})")
    np.testing.assert_array_equal(values, whole[:, 2:3])


def test_a_plane_that_is_not_that_of_the_data(client: FlaskClient) -> None:
    asked = "E(4000000:5000000),N(2500000:3200000)"
    answer = client.get(
        f"/collections/levels/coverage?subset={asked}&subset-crs={EUROPE}&crs={EUROPE}"
        "&properties=t&width=10&height=7"
    )
    assert answer.status_code == 200, answer.text
    x = answer.json["domain"]["axes"]["x"]
    assert answer.headers["Content-Crs"] == f"<{EUROPE}>"
    assert answer.headers["Content-Bbox"] == "2500000,4000000,3200000,5000000"
    assert (
        x == {"start": 4_050_000.0, "stop": 4_950_000.0, "num": 10} or x["values"][0] == 4_050_000
    )


def test_degrees_of_projected_data_stay_degrees(client: FlaskClient) -> None:
    to_degrees = pyproj.Transformer.from_crs("EPSG:32633", "OGC:CRS84", always_xy=True)
    lon, lat = to_degrees.transform(505_500, 4_990_500)
    values, bounds, _ = opened(client, f"{UTM}&subset=Lon({lon}),Lat({lat})")
    assert values.shape == (1, 1)
    assert bounds == (505_000, 4_990_000, 506_000, 4_991_000)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/collections/levels/coverage?subset=Lon(1:5)&subset-crs=EPSG:3035", "subset-crs"),
        ("/collections/levels/coverage?subset-crs=EPSG:3035", "subset-crs"),
        ("/collections/levels/coverage?subset=Lon(1:5)&subset-crs=EPSG:nine", "subset-crs"),
        ("/collections/levels/coverage?subset=E(4000000)&subset-crs=EPSG:3035", "subset"),
        (f"{UTM}&subset=E(509000:503000)", "subset"),
        (f"{UTM}&subset=E(503000,504000)", "subset"),
        (f"{UTM}&subset=E(503000),x(504000)", "subset"),
        (f"{UTM}&subset=E(503000:504000)&bbox=14,44,15,45", "subset"),
        (f"{UTM}&subset=E(wide:503000)", "subset"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(client: FlaskClient, path: str, parameter: str) -> None:
    problem_of(client.get(path), 400, parameter)


def test_a_box_beside_the_data_is_empty(client: FlaskClient) -> None:
    assert client.get(f"{UTM}&subset=E(0:1000)").status_code == 204
    assert client.get(f"{UTM}&subset=N(9000000)").status_code == 204
