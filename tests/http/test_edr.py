"""EDR queries against brute force: every cell by its centre, geodesics by pyproj, polygons by shapely."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from covjson_pydantic.coverage import Coverage as CoverageModel
from covjson_pydantic.coverage import CoverageCollection as CollectionModel
from flask.testing import FlaskClient

from providers.cube import Cube
from providers.store import Source, Store
from tests.http.samples import LEVELS, Site, problem_of, value_at

GEOD = pyproj.Geod(ellps="WGS84")
GRIDS = ("levels", "healpix", "chunked")


def ask(client: FlaskClient, address: str, status: int = 200) -> Any:
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:500]
    return answer.get_json() if status == 200 else None


def cells_of(document: dict[str, Any]) -> list[tuple[float, float]]:
    """Places of a coverage of points, longitudes in -180..180."""
    axes = document["domain"]["axes"]
    if "composite" in axes:
        names = axes["composite"]["coordinates"]
        x, y = names.index("x"), names.index("y")
        found = [(item[x], item[y]) for item in axes["composite"]["values"]]
    else:
        found = [(axes["x"]["values"][0], axes["y"]["values"][0])]
    return [(round((x + 180) % 360 - 180, 5), round(y, 5)) for x, y in found]


def centres(site: Site, name: str) -> tuple[Any, Any]:
    path = next(Path(site.folder).rglob(f"{name}.*"))
    cube: Cube = Store().dataset(Source((str(path),))).cubes[0].cube
    lon, lat = cube.grid.centres()
    return (np.asarray(lon) + 180) % 360 - 180, np.asarray(lat)


def sorted_cells(lon: Any, lat: Any) -> list[tuple[float, float]]:
    return sorted((round(float(x), 5), round(float(y), 5)) for x, y in zip(lon, lat, strict=True))


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("radius", [900, 2500])
@pytest.mark.parametrize("place", [(10.0, 45.0), (178.0, -20.0), (0.0, 88.5)])
def test_radius_holds_the_cells_within(
    site: Site, name: str, radius: int, place: tuple[float, float]
) -> None:
    lon, lat = centres(site, name)
    _, _, away = GEOD.inv(np.full(len(lon), place[0]), np.full(len(lon), place[1]), lon, lat)
    inside = away <= radius * 1000
    document = ask(
        site.client,
        f"/collections/{name}/radius?coords=POINT({place[0]} {place[1]})&within={radius}&within-units=km"
        "&parameter-name=t",
    )
    assert inside.any()
    assert sorted(cells_of(document)) == sorted_cells(lon[inside], lat[inside])


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(
    "wkt",
    [
        "POLYGON((-20.3 10.2, 60.1 15.7, 40.3 60.9, -30.2 55.1, -20.3 10.2))",
        "POLYGON((-20.3 10.2, 60.1 15.7, 40.3 60.9, -30.2 55.1, -20.3 10.2),(0 30, 20 30, 20 50, 0 50, 0 30))",
        "MULTIPOLYGON(((-20 10.1, 30 10.1, 30 50.2, -20 10.1)),((100 -40.3, 150 -40.3, 150 -10.1, 100 -40.3)))",
        "POLYGON((160.3 -30.1, 200.2 -30.1, 200.2 30.3, 160.3 -30.1))",
    ],
)
def test_area_holds_the_cells_inside(site: Site, name: str, wkt: str) -> None:
    lon, lat = centres(site, name)
    area = shapely.from_wkt(wkt)
    inside = np.zeros(len(lon), bool)
    for turn in (-360, 0, 360):
        inside |= shapely.intersects_xy(area, lon + turn, lat)
    document = ask(site.client, f"/collections/{name}/area?coords={wkt}&parameter-name=t")
    assert inside.sum() > 2
    assert sorted(cells_of(document)) == sorted_cells(lon[inside], lat[inside])


def test_values_of_an_area_are_those_of_its_cells(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/area?coords=POLYGON((0 0,70 0,70 50,0 0))&parameter-name=t&z=500"
        "&datetime=2020-01-01T06:00:00Z",
    )
    values = document["ranges"]["t"]["values"]
    for (lon, lat), value in zip(cells_of(document), values, strict=True):
        assert value == pytest.approx(value_at(1, 500, lat, lon), rel=1e-7)


def test_a_tiny_area_takes_the_cell_around_it(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/area?coords=POLYGON((14 41,14.1 41,14.1 41.1,14 41))&parameter-name=t",
    )
    assert cells_of(document) == [(15.0, 40.0)]


def test_a_path_crosses_its_cells_in_order(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/trajectory?coords=LINESTRING(0 0,60 0,60 40)&parameter-name=t&z=850"
        "&datetime=2020-01-01T00:00:00Z",
    )
    found = cells_of(document)
    assert found[:5] == [(0, 0), (15, 0), (30, 0), (45, 0), (60, 0)]
    assert found[5:] == [(60, 10), (60, 20), (60, 30), (60, 40)]
    values = document["ranges"]["t"]["values"]
    assert values == pytest.approx([value_at(0, 850, lat, lon) for lon, lat in found])


def test_a_path_over_the_antimeridian_and_back(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/trajectory?coords=LINESTRING(150 0,210 0,150 0)&parameter-name=t&z=850"
        "&datetime=2020-01-01T00:00:00Z",
    )
    lon = [x for x, _ in cells_of(document)]
    assert lon == [150, 165, -180, -165, -150, -165, -180, 165, 150]


@pytest.mark.parametrize("name", ["levels", "chunked"])
def test_paths_in_four_dimensions(site: Site, name: str) -> None:
    """Each cell has the time and the level nearest to where the path is then."""
    start = pd.Timestamp("2020-01-01").timestamp()
    wkt = f"LINESTRINGZM(0 0 1000 {start},90 0 500 {start + 18 * 3600})"
    document = ask(site.client, f"/collections/{name}/trajectory?coords={wkt}&parameter-name=t")
    CoverageModel.model_validate_json(json.dumps(document))
    assert document["domain"]["domainType"] == "Trajectory"
    composite = document["domain"]["axes"]["composite"]
    assert composite["coordinates"] == ["t", "x", "y", "z"]
    values = document["ranges"]["t"]["values"]
    for (time, lon, lat, level), value in zip(composite["values"], values, strict=True):
        share = lon / 90
        expected_time = int(np.argmin(np.abs(np.arange(4) - 3 * share)))
        step = int((pd.Timestamp(time) - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("6h"))
        assert abs(step - 3 * share) <= 0.51, (lon, expected_time)
        assert abs(level - (1000 - 500 * share)) <= np.abs(LEVELS - (1000 - 500 * share)).min() + 20
        assert value == pytest.approx(value_at(step, level, lat, lon), rel=1e-7)
    assert len(values) == 7


@pytest.mark.parametrize("name", GRIDS)
def test_a_corridor_is_the_cells_near_the_path(site: Site, name: str) -> None:
    lon, lat = centres(site, name)
    path = GEOD.inv_intermediate(-20.3, 10.1, 60.2, 50.4, npts=4_000)
    near = np.zeros(len(lon), bool)
    for at, (x, y) in enumerate(zip(lon, lat, strict=True)):
        _, _, away = GEOD.inv(np.full(4_000, x), np.full(4_000, y), path.lons, path.lats)
        near[at] = np.min(away) <= 800_000
    document = ask(
        site.client,
        f"/collections/{name}/corridor?coords=LINESTRING(-20.3 10.1,60.2 50.4)&corridor-width=1600&width-units=km"
        "&corridor-height=100&height-units=hPa&parameter-name=t",
    )
    found = set(cells_of(document))
    expected = set(sorted_cells(lon[near], lat[near]))
    assert len(found ^ expected) <= 1  # a cell right at the rim


def test_a_corridor_with_heights_takes_the_levels_it_reaches(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/corridor?coords=LINESTRINGZ(0 0 900,40 0 900)&corridor-width=100&width-units=km"
        "&corridor-height=200&height-units=hPa&parameter-name=t",
    )
    assert document["domain"]["axes"]["z"]["values"] == [1000.0, 850.0]
    problem_of(
        site.client.get(
            "/collections/levels/corridor?coords=LINESTRINGZ(0 0 900,40 0 900)&corridor-width=100&width-units=km"
            "&corridor-height=200&height-units=m"
        ),
        400,
        "height-units",
    )


def test_cubes_may_be_resampled(site: Site) -> None:
    document = ask(
        site.client,
        "/collections/levels/cube?bbox=0,0,60,40&resolution-x=3&resolution-y=2&parameter-name=t&z=500",
    )
    axes = document["domain"]["axes"]
    assert (axes["x"]["values"], axes["y"]["values"]) == ([10, 30, 50], [30, 10])
    assert document["ogcapi:resampling"] == "nearest"


def test_instances_are_runs(site: Site) -> None:
    listed = ask(site.client, "/collections/forecast/instances")["instances"]
    assert [item["id"] for item in listed] == ["20200101T120000Z", "20200101T000000Z"]
    assert listed[0]["extent"]["temporal"]["interval"] == [
        ["2020-01-01T12:00:00Z", "2020-01-02T00:00:00Z"]
    ]
    older = ask(
        site.client,
        "/collections/forecast/instances/20200101T000000Z/position?coords=POINT(0 0)",
    )
    assert older["domain"]["axes"]["t"]["values"][0] == "2020-01-01T00:00:00Z"
    plain = ask(
        site.client,
        '/collections/forecast/position?coords=POINT(0 0)&subset=reference_time("2020-01-01T00:00:00Z")',
    )
    assert older["ranges"] == plain["ranges"]
    queries = ask(site.client, "/collections/forecast/instances/20200101T000000Z")["data_queries"]
    assert "/instances/20200101T000000Z/cube" in queries["cube"]["link"]["href"]
    for path in ("instances/20200102T000000Z", "instances/x/position?coords=POINT(0 0)"):
        problem_of(site.client.get(f"/collections/forecast/{path}"), 404, "instanceId")
    problem_of(site.client.get("/collections/levels/instances"), 404)


@pytest.mark.parametrize(
    "query",
    [
        "position?coords=MULTIPOINT((0 0),(30 40))",
        "radius?coords=POINT(0 0)&within=2000&within-units=km",
        "area?coords=POLYGON((0 0,70 0,70 50,0 0))",
        "cube?bbox=0,0,40,40",
        "trajectory?coords=LINESTRING(0 0,60 0)",
        "corridor?coords=LINESTRING(0 0,60 0)&corridor-width=900&width-units=km&corridor-height=1&height-units=hPa",
    ],
)
@pytest.mark.parametrize("name", ["levels", "healpix", "forecast", "climate", "height"])
def test_every_format_of_every_query(site: Site, query: str, name: str) -> None:
    if name == "height" and "corridor" in query:
        query = query.replace("hPa", "m")
    address = f"/collections/{name}/{query}"
    document = ask(site.client, f"{address}&f=json")
    if name not in ("forecast", "climate"):  # the model knows neither members nor calendars
        model = CollectionModel if document["type"] == "CoverageCollection" else CoverageModel
        model.model_validate_json(json.dumps(document))
    features = ask(site.client, f"{address}&f=geojson")["features"]
    assert features
    assert all(shapely.geometry.shape(item["geometry"]).is_valid for item in features)
    rows = site.client.get(f"{address}&f=csv").data.decode().splitlines()
    assert len(rows) == len(features) + 1
    parquet = site.client.get(f"{address}&f=parquet")
    assert parquet.data[:4] == b"PAR1"
    if "MULTI" not in query:
        assert site.client.get(f"{address}&f=netcdf").data[1:4] == b"HDF"


@pytest.mark.parametrize("kind", ["json", "form"])
def test_post_takes_the_same_parameters(site: Site, kind: str) -> None:
    wkt = "POLYGON((0 0,70 0,70 50,0 0))"
    asked = {"coords": wkt, "parameter-name": "t", "f": "json"}
    expected = site.client.get("/collections/levels/area", query_string=asked).data
    body: dict[str, Any] = {"json": asked} if kind == "json" else {"data": asked}
    answer = site.client.post("/collections/levels/area", **body)
    assert answer.status_code == 200, answer.text
    assert answer.data == expected


def test_bad_bodies_are_refused(site: Site) -> None:
    path = "/collections/levels/area"
    problem_of(site.client.post(path, data=b"{", content_type="application/json"), 400, "body")
    problem_of(site.client.post(path, data=b"[1]", content_type="application/json"), 400, "body")
    problem_of(site.client.post(path, data=b"a", content_type="text/plain"), 415, "Content-Type")
    problem_of(site.client.post(path, json={"coords": {"a": 1}}), 400, "coords")
    problem_of(site.client.post(path, json={"cords": "x"}), 400, "cords")
    problem_of(site.client.post("/collections/levels/coverage", json={}), 405)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("area", "coords"),
        ("area?coords=POINT(0 0)", "coords"),
        ("area?coords=POLYGON((0 0,1 1,1 0,0 1,0 0))", "coords"),
        ("area?coords=POLYGON((0 0,1 1,0 100,0 0))", "coords"),
        ("radius?coords=POINT(0 0)", "within"),
        ("radius?coords=POINT(0 0)&within=10", "within-units"),
        ("radius?coords=POINT(0 0)&within=10&within-units=parsec", "within-units"),
        ("radius?coords=POINT(0 0)&within=-1&within-units=km", "within"),
        ("radius?coords=POINT(0 0)&within=x&within-units=km", "within"),
        ("trajectory?coords=POINT(0 0)", "coords"),
        ("trajectory?coords=LINESTRING(0 0)", "coords"),
        ("trajectory?coords=LINESTRINGM(0 0 1,1 1 2)&datetime=2020", "datetime"),
        ("trajectory?coords=LINESTRINGZ(0 0 1,1 1 2)&z=500", "z"),
        ("corridor?coords=LINESTRING(0 0,1 1)", "corridor-width"),
        ("corridor?coords=LINESTRING(0 0,1 1)&corridor-width=1&width-units=km", "corridor-height"),
        ("cube", "bbox"),
        ("cube?bbox=0,0,1,1&resolution-x=-1", "resolution-x"),
        ("cube?bbox=0,0,1,1&resolution-x=a", "resolution-x"),
        ("position?coords=POINT(0 0)&crs=EPSG:3857", "crs"),
    ],
)
def test_what_cannot_be_is_refused_by_name(site: Site, query: str, parameter: str) -> None:
    problem_of(site.client.get(f"/collections/levels/{query}"), 400, parameter)


def test_paths_that_are_too_long_and_times_outside(site: Site) -> None:
    ask(site.client, "/collections/levels/trajectory?coords=LINESTRINGM(0 0 1,1 1 2)", 204)
    ask(site.client, "/collections/levels/trajectory?coords=LINESTRINGZ(0 0 5000,1 1 6000)", 204)


def test_the_collection_tells_its_queries(site: Site) -> None:
    document = ask(site.client, "/collections/forecast")
    queries = document["data_queries"]
    assert set(queries) == {
        "position", "radius", "area", "cube", "trajectory", "corridor", "instances",
    }  # fmt: skip
    assert "km" in queries["radius"]["link"]["variables"]["within_units"]
    assert "instances" not in ask(site.client, "/collections/levels")["data_queries"]


def test_geometries_have_a_limit(site: Site) -> None:
    line = ",".join(f"{n % 100} {n % 50}" for n in range(20_001))
    answer = site.client.post(
        "/collections/levels/trajectory", json={"coords": f"LINESTRING({line})"}
    )
    problem_of(answer, 400, "coords")


def test_pages_of_runs_are_for_people(site: Site) -> None:
    for path in ("instances", "instances/20200101T000000Z"):
        page = site.client.get(f"/collections/forecast/{path}?f=html")
        assert page.mimetype == "text/html"
        assert "20200101T000000Z" in page.text
