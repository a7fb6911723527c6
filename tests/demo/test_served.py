"""The demo as ``make serve`` serves it: its configuration, and the answers of the GRIB and TIFF systems."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from flask.testing import FlaskClient
from PIL import Image

from config.configuration import load_configuration
from config.settings import Settings
from ogcapi.app import create_app
from ogcapi.demo import CONFIGURATION, DEMO
from ogcapi.demo.land_cover import CLASSES
from tests.demo.messages import Message, messages, places
from tests.http.coverages import array, axis

RUNS = {0: "2026-01-01T00:00:00Z", 12: "2026-01-01T12:00:00Z"}
SURFACE, LEVELS = "climate_dt_like_grib-sfc", "climate_dt_like_grib-pl"
FIELDS = [
    *(("octahedral_forecast", name) for name in ("2t", "10u", "10v", "msl", "tp")),
    *(("ensemble_forecast", name) for name in ("2t", "10u", "10v")),
    (SURFACE, "2t"), (LEVELS, "t"), ("land_cover", "land_cover"), ("relief", "height"),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, as other tests open the files of the demo themselves: see ``tests/private.py``."""
    return Path(shutil.copytree(demo, tmp_path_factory.mktemp("served") / "demo"))


@pytest.fixture(scope="module")
def client(served: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    settings = Settings(state_dir=tmp_path_factory.mktemp("state"))
    configuration = load_configuration(served / CONFIGURATION)
    return create_app(settings, configuration=configuration).test_client()


def values_at(client: FlaskClient, path: str, name: str, place: tuple[float, float], **query: str):
    """The values of a field in the cell around a place, by name of axis, where an axis has several."""
    asked = {"coords": f"POINT({place[0]} {place[1]})", "parameter-name": name, **query}
    answer = client.get(f"/collections/{path}/position", query_string=asked)
    assert answer.status_code == 200, (answer.status_code, answer.get_data(as_text=True)[:300])
    document = answer.get_json()
    found = array(document, name)
    found = found.squeeze([dim for dim in found.dims if found.sizes[dim] == 1], drop=True)
    assert abs(axis(document, "x")[0] - place[0]) < 1.5
    return found, answer.headers


def valid_time(run: int, step: int) -> str:
    when = np.datetime64("2026-01-01T00:00:00") + np.timedelta64(run + step, "h")
    return f"{when}Z"


def nearest(path: Path, longitude: float, latitude: float) -> int:
    """The position in a message of the point next to a place, by the coordinates of ecCodes."""
    lon, lat = (np.deg2rad(values) for values in places(path))
    x, y = np.deg2rad(longitude), np.deg2rad(latitude)
    cosine = np.sin(lat) * np.sin(y) + np.cos(lat) * np.cos(y) * np.cos(lon - x)
    return int(cosine.argmax())


def in_degrees(path: Path, position: int) -> tuple[float, float]:
    longitude, latitude = (float(values[position]) for values in places(path))
    return (longitude + 180) % 360 - 180, latitude


# the collections


def test_every_system_is_served_under_its_name(client: FlaskClient) -> None:
    listed = client.get("/collections").get_json()["collections"]
    single = {store.id for store in DEMO} - {"climate_dt_like_grib"}
    assert {item["id"] for item in listed} == single | {SURFACE, LEVELS}
    ready = client.get("/health/ready").get_json()
    assert ready["status"] == "ready"
    assert ready["unavailable"] == []


def test_every_collection_has_title_licence_and_attribution(client: FlaskClient) -> None:
    for item in client.get("/collections").get_json()["collections"]:
        document = client.get(f"/collections/{item['id']}").get_json()
        store = next(store for store in DEMO if document["id"].startswith(store.id))
        assert document["title"].startswith(store.title)
        assert document["license"] == "CC-BY-4.0"
        assert "synthetic" in document["attribution"]


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("octahedral_forecast", (RUNS[0], "2026-01-02T12:00:00Z")),
        ("ensemble_forecast", (RUNS[0], "2026-01-03T12:00:00Z")),
        (SURFACE, (RUNS[0], "2026-01-03T18:00:00Z")),
        (LEVELS, (RUNS[0], "2026-01-03T18:00:00Z")),
    ],
)
def test_times_are_valid_times(client: FlaskClient, name: str, interval: tuple[str, str]) -> None:
    extent = client.get(f"/collections/{name}").get_json()["extent"]
    assert extent["temporal"]["interval"] == [list(interval)]
    assert extent["spatial"]["bbox"][0] == [-180, -90, 180, 90]


@pytest.mark.parametrize("name", ["octahedral_forecast", "ensemble_forecast"])
def test_two_runs_are_one_collection(client: FlaskClient, name: str) -> None:
    extent = client.get(f"/collections/{name}").get_json()["extent"]
    assert extent["reference_time"]["interval"] == [list(RUNS.values())]


def test_control_and_members_are_one_axis(client: FlaskClient) -> None:
    extent = client.get("/collections/ensemble_forecast").get_json()["extent"]
    assert extent["member"]["interval"] == [[0, 8]]


# values


@pytest.mark.parametrize("name", ["2t", "10u", "msl"])
def test_a_point_of_the_octahedral_forecast(client: FlaskClient, served: Path, name: str) -> None:
    """Without a run the newest one answers."""
    path = served / "octahedral_forecast/2026010112.grib2"
    position = nearest(path, 11.3, 44.5)
    found, headers = values_at(client, "octahedral_forecast", name, in_degrees(path, position))
    expected = [item.values[position] for item in messages(path) if item["shortName"] == name]
    assert found.coords["t"].values.tolist() == [valid_time(12, step) for step in range(0, 25, 6)]
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert headers["OGC-Reference-Time"] == RUNS[12]


def test_precipitation_of_the_octahedral_forecast(client: FlaskClient, served: Path) -> None:
    path = served / "octahedral_forecast/2026010100.grib2"
    sums = [item for item in messages(path) if item["shortName"] == "tp"]
    position = int(sums[-1].values.argmax())
    found, _ = values_at(
        client, "octahedral_forecast", "tp", in_degrees(path, position),
        subset=f'reference_time("{RUNS[0]}")',
    )  # fmt: skip
    known = found.dropna("t")
    assert known.coords["t"].values.tolist() == [valid_time(0, step) for step in (6, 12, 18, 24)]
    np.testing.assert_allclose(known.values, [item.values[position] for item in sums], rtol=1e-5)


def member_values(found: list[Message], step: int, position: int) -> list[float]:
    chosen = [item for item in found if (item["shortName"], item["endStep"]) == ("2t", step)]
    return [item.values[position] for item in sorted(chosen, key=lambda item: item["number"])]


def test_all_members_of_a_time_come_from_the_newest_run_or_the_one_asked_for(
    client: FlaskClient, served: Path
) -> None:
    """2026-01-02T12Z is 24 hours after one run and 36 after the other."""
    files = {run: served / f"ensemble_forecast/20260101{run:02d}.grib2" for run in RUNS}
    position = nearest(files[0], 12.0, 48.0)
    place, when = in_degrees(files[0], position), valid_time(0, 36)
    for run, query in ((12, {}), (0, {"subset": f'reference_time("{RUNS[0]}")'})):
        found, headers = values_at(
            client, "ensemble_forecast", "2t", place, datetime=when, **query
        )  # fmt: skip
        assert found.coords["member"].values.tolist() == list(range(9))
        expected = member_values(messages(files[run]), 36 - run, position)
        np.testing.assert_allclose(found.values.ravel(), expected, rtol=1e-6)
        assert headers["OGC-Reference-Time"] == RUNS[run]


def test_a_profile_of_the_climate(client: FlaskClient, served: Path) -> None:
    path = served / "climate_dt_like_grib/20260102.grib2"
    position = nearest(path, -60.0, -33.0)
    noon = [item for item in messages(path) if item["dataTime"] == 1200]
    place, when = in_degrees(path, position), "2026-01-02T12:00:00Z"
    levels, _ = values_at(client, LEVELS, "t", place, datetime=when)
    expected = {float(m["level"]): m.values[position] for m in noon if m["shortName"] == "t"}
    told = dict(zip(map(float, levels.coords["z"].values), levels.values.ravel(), strict=True))
    assert told == pytest.approx(expected, rel=1e-6)
    ground, _ = values_at(client, SURFACE, "2t", place, datetime=when)
    assert float(ground.values.ravel()[0]) == pytest.approx(noon[0].values[position], rel=1e-6)


@pytest.mark.parametrize(("name", "band"), [("land_cover", "land_cover"), ("relief", "height")])
def test_a_point_of_the_rasters(client: FlaskClient, served: Path, name: str, band: str) -> None:
    with rasterio.open(served / f"{name}.tif") as file:
        for place in ((8.06, 25.06), (-62.06, -5.06), (172.3, -43.1), (0.1, -89.9)):
            (expected,) = file.sample([place])
            found, _ = values_at(client, name, band, place)
            assert found.values.ravel().tolist() == expected.tolist()


# maps


@pytest.mark.parametrize(("collection", "name"), FIELDS)
def test_a_map_shows_something(client: FlaskClient, collection: str, name: str) -> None:
    query = {"properties": name, "width": 240, "height": 120}
    if name == "tp":
        query["datetime"] = "2026-01-01T18:00:00Z"
    answer = client.get(f"/collections/{collection}/map", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    pixels = np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGBA"))
    assert pixels.shape == (120, 240, 4)
    assert (pixels[..., 3] == 255).mean() > 0.95
    colours = {tuple(pixel) for pixel in pixels.reshape(-1, 4)[:, :3].tolist()}
    if collection == "land_cover":
        assert {(36, 99, 168), (28, 107, 48)} < colours <= {item.colour for item in CLASSES}
    else:
        assert len(colours) > 20
