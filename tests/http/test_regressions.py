"""Bugs that users of other servers met: one test each, named after what they saw.

W1…W14 were wrong answers, E1…E10 errors where an answer was due.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from flask.testing import FlaskClient

from config.configuration import load_configuration
from config.settings import Settings
from ogcapi.app import create_app
from tests.http.coverages import array, axis, dataset, get_coverage, get_netcdf, scalar
from tests.http.samples import LON, MERCATOR, Site, problem_of, server, surface, value_at

LEVELS = "/collections/levels/coverage"
POSITION = "/collections/levels/position"
NOON = "2020-01-01T12:00:00Z"


def values_are_where_they_belong(document: dict[str, Any]) -> None:
    """Every value of field t is that of its time, level, latitude and longitude."""
    found = array(document, "t")
    times = [str(time) for time in axis(document, "t")]
    hours = {time: int(time[11:13]) // 6 for time in times}
    levels = axis(document, "z")
    for time in times:
        for level in levels:
            for lat in axis(document, "y"):
                for lon in axis(document, "x"):
                    value = float(found.sel(t=time, z=level, y=lat, x=lon))
                    assert value == pytest.approx(
                        value_at(hours[time], level, lat, round(lon, 6)), rel=1e-9
                    )


def test_w1_bbox_alone_was_ignored(client: FlaskClient) -> None:
    document = get_coverage(client, LEVELS, bbox="30,0,60,20")
    assert axis(document, "x") == pytest.approx([30, 45, 60])
    assert axis(document, "y") == [20, 10, 0]
    values_are_where_they_belong(document)


def test_w2_netcdf_was_the_whole_stored_file_whatever_was_asked(
    site: Site, client: FlaskClient
) -> None:
    found = get_netcdf(client, LEVELS, bbox="30,0,60,20", datetime=NOON)
    assert found["t"].shape == (1, 3, 3, 3)
    assert found["time"].values[0] == np.datetime64("2020-01-01T12:00:00")
    answer = client.get(f"{LEVELS}?f=netcdf")
    assert answer.data != (site.folder / "data" / "levels.nc").read_bytes()
    assert dataset(answer)["t"].shape == (4, 3, 19, 24)


def test_w3_values_lay_in_other_cells_than_the_axes_said(client: FlaskClient) -> None:
    for name in ("levels", "chunked"):
        document = get_coverage(client, f"/collections/{name}/coverage", bbox="-60,-30,60,30")
        values_are_where_they_belong(document)


def test_w4_levels_and_members_made_more_values_than_the_shape_holds(client: FlaskClient) -> None:
    found = array(get_coverage(client, "/collections/forecast/coverage", bbox="0,0,30,10"), "t")
    assert found.sizes["member"] == 3
    assert found.size == 3 * 3 * 2 * 3


@pytest.mark.parametrize(
    ("bbox", "longitudes"), [("-20,0,20,30", [-15, 0, 15]), ("-30,0,-10,30", [-30, -15])]
)
def test_w5_west_of_greenwich_was_cut_off_or_empty(
    client: FlaskClient, bbox: str, longitudes: list[float]
) -> None:
    document = get_coverage(client, LEVELS, bbox=bbox)
    assert axis(document, "x") == pytest.approx(longitudes)
    values_are_where_they_belong(document)


def test_w6_a_position_west_of_greenwich_was_answered_from_greenwich(client: FlaskClient) -> None:
    document = get_coverage(client, POSITION, coords="POINT(-30 10)", z="500", datetime=NOON)
    assert scalar(document, "x") == pytest.approx(-30)
    assert document["ranges"]["t"]["values"] == [pytest.approx(value_at(2, 500, 10, 330))]


@pytest.mark.parametrize(
    "when", ["2020-01-01T06:00:00Z", "2020-01-01T07:00:00+01:00", "2020-01-01T06:00:00"]
)
def test_w7_a_position_at_an_instant_was_empty(client: FlaskClient, when: str) -> None:
    document = get_coverage(client, POSITION, coords="POINT(0 0)", z="500", datetime=when)
    assert axis(document, "t") == ["2020-01-01T06:00:00Z"]


def test_w7_a_date_is_all_times_of_the_day(client: FlaskClient) -> None:
    document = get_coverage(client, POSITION, coords="POINT(0 0)", z="500", datetime="2020-01-01")
    assert len(axis(document, "t")) == 4


def test_w8_dates_of_a_360_day_year_were_called_gregorian(client: FlaskClient) -> None:
    document = get_coverage(client, "/collections/climate/position", coords="POINT(0 0)")
    assert "2020-02-30T00:00:00Z" in axis(document, "t")
    (system,) = [
        r["system"] for r in document["domain"]["referencing"] if r["coordinates"] == ["t"]
    ]
    assert system["calendar"].endswith("/360_day")


def test_w11_what_the_server_cannot_do_was_ignored_in_silence(client: FlaskClient) -> None:
    for name in ("scale_factor", "scaleSize", "interpolation", "n"):
        problem_of(client.get(LEVELS, query_string={name: "2"}), 400, name)


def test_w12_a_box_in_another_crs_was_two_corners_in_the_wrong_order(client: FlaskClient) -> None:
    """EPSG:4326 has latitude first; a polar box bulges between its corners."""
    degrees = get_coverage(client, LEVELS, bbox="30,0,60,20")
    swapped = get_coverage(
        client, LEVELS, bbox="0,30,20,60", bbox_crs="http://www.opengis.net/def/crs/EPSG/0/4326"
    )
    assert axis(swapped, "x") == axis(degrees, "x")
    assert axis(swapped, "y") == axis(degrees, "y")
    polar = get_coverage(
        client,
        LEVELS,
        bbox="-3000000,-3000000,3000000,3000000",
        bbox_crs="EPSG:3413",
        datetime=NOON,
    )
    assert max(axis(polar, "y")) == 90  # the pole is inside, though no corner is near it
    assert len(axis(polar, "x")) == len(LON)


def test_w13_a_map_without_bbox_crs_is_longitude_first(client: FlaskClient) -> None:
    path = "/collections/height/map?width=30&height=20"
    plain = client.get(f"{path}&bbox=30,0,60,20").data
    named = client.get(f"{path}&bbox=30,0,60,20&bbox-crs=OGC:CRS84").data
    swapped = client.get(f"{path}&bbox=0,30,20,60&bbox-crs=EPSG:4326").data
    assert plain == named == swapped
    assert plain != client.get(f"{path}&bbox=0,30,20,60").data


def test_w14_the_extent_was_that_of_the_configuration_and_its_times_had_no_zone(
    client: FlaskClient,
) -> None:
    extent = client.get("/collections/levels").get_json()["extent"]
    assert extent["temporal"]["interval"] == [["2020-01-01T00:00:00Z", "2020-01-01T18:00:00Z"]]
    assert extent["spatial"]["bbox"] == [[-180, -90, 180, 90]]
    listed = client.get("/collections").get_json()["collections"]
    assert extent in [item["extent"] for item in listed]  # both documents say the same


@pytest.mark.parametrize(
    ("when", "hours"),
    [
        ("2020-01-01T06:00:00Z/2020-01-01T12:00:00Z", ["06", "12"]), ("2020-01-01T12:00:00Z/..", ["12", "18"]),
        ("../2020-01-01T06:00:00Z", ["00", "06"]), ("2020-01-01/..", ["00", "06", "12", "18"]), (NOON, ["12"]),
        ("2020", ["00", "06", "12", "18"]), ("2020-01", ["00", "06", "12", "18"]), ("../..", ["00", "06", "12", "18"]),
        ("2020-01-01T14:00:00+02:00", ["12"]), ("2020-01-01t12:00:00z", ["12"]),
        ("2020-01-01T11:59:59.5Z/..", ["12", "18"]),
    ],
)  # fmt: skip
def test_e1_e2_an_interval_or_an_instant_of_rfc_3339_was_a_server_error(
    client: FlaskClient, when: str, hours: list[str]
) -> None:
    document = get_coverage(client, LEVELS, bbox="0,0,15,10", datetime=when)
    assert [str(time)[11:13] for time in axis(document, "t")] == hours
    values_are_where_they_belong(document)


def test_e3_one_latitude_was_a_server_error(client: FlaskClient) -> None:
    for subset in ("lat(10)", "Lat(10)", "lat(10),lon(30)"):
        document = get_coverage(client, LEVELS, subset=subset)
        assert axis(document, "y") == [10]
        values_are_where_they_belong(document)


@pytest.mark.parametrize(
    "subset", ["level(850)", "z(850)", "level(850:850)", "level(800:900)", "level(900:800)"]
)
def test_e4_a_level_was_an_invalid_axis_name(client: FlaskClient, subset: str) -> None:
    document = get_coverage(client, LEVELS, subset=subset, bbox="0,0,15,10")
    assert axis(document, "z") == [850]
    values_are_where_they_belong(document)


def test_e4_every_other_axis_can_be_chosen_from_too(client: FlaskClient) -> None:
    forecast = get_coverage(
        client, "/collections/forecast/coverage", bbox="0,0,0,0",
        subset='member(1),reference_time("2020-01-01T00:00:00Z"),step(PT6H)',
    )  # fmt: skip
    assert axis(forecast, "t") == ["2020-01-01T06:00:00Z"]
    assert array(forecast, "t").values.ravel().tolist() == [1 * 3 * 456 + 1 * 456 + 9 * 24]
    named = get_coverage(client, "/collections/scenarios/coverage", subset="scenario(ssp585)")
    assert "ssp585" in json.dumps(named)
    assert len(named["ranges"]["t"]["values"]) == 456


def test_e5_a_bad_box_was_a_server_error(client: FlaskClient) -> None:
    problem_of(client.get(f"{LEVELS}?bbox=1,2,3"), 400, "bbox")


@pytest.mark.parametrize("dim", ["lat", "lon"])
def test_e6_a_store_of_one_latitude_or_one_longitude_could_not_be_opened(
    tmp_path: Path, dim: str
) -> None:
    surface().isel({dim: [3]}).to_netcdf(tmp_path / "line.nc")
    client = server(tmp_path / "state", [str(tmp_path / "line.nc")]).test_client()
    document = get_coverage(client, "/collections/line/coverage")
    assert len(axis(document, "y" if dim == "lat" else "x")) == 1
    assert client.get("/collections/line/map?width=20&height=10").mimetype == "image/png"


def test_e6_healpix_could_not_be_opened(client: FlaskClient) -> None:
    document = get_coverage(
        client,
        "/collections/healpix/position",
        coords="POINT(0 0)",
        datetime="2020-01-01T06:00:00Z",
    )
    assert document["ranges"]["t"]["values"] == [10_000 + 304]


@pytest.mark.parametrize("coords", ["POLYGON((0 0,10 0,10 10,0 0))", "LINESTRING(0 0,1 1)"])
def test_e7_a_position_that_is_a_polygon_was_a_server_error(
    client: FlaskClient, coords: str
) -> None:
    problem_of(client.get(POSITION, query_string={"coords": coords}), 400, "coords")


@pytest.mark.parametrize(
    "written",
    ["begin: 2020-01-01", "begin: 2020-01-01T00:00:00Z", "begin: '2020-01-01'", "begin: null"],
)
def test_e9_a_yaml_date_in_the_configuration_made_every_datetime_an_error(
    tmp_path: Path, written: str
) -> None:
    client = configured(tmp_path, f"extents: {{temporal: {{{written}, end: null}}}}")
    assert client.get("/collections/ours/coverage?datetime=2020-01-01T06:00:00Z").status_code == 200
    assert (
        client.get("/collections/points/items?datetime=2021-01-01T00:00:00Z/..").status_code == 200
    )


@pytest.mark.parametrize("when", ["2020-02-30", "2020-02-30T00:00:00Z", "2020-02-30/2020-02-30"])
def test_e10_the_30th_of_february_of_a_360_day_year_was_an_error(
    client: FlaskClient, when: str
) -> None:
    document = get_coverage(client, "/collections/climate/coverage", datetime=when, bbox="0,0,0,0")
    assert document["ranges"]["t"]["values"] == [2]
    problem_of(client.get("/collections/climate/coverage?datetime=2020-02-31"), 400, "datetime")
    problem_of(client.get(f"{LEVELS}?datetime=2020-02-30"), 400, "datetime")


def test_a_time_outside_of_the_extent_was_an_error_and_is_an_empty_answer(
    client: FlaskClient,
) -> None:
    for path in (LEVELS, f"{LEVELS}?f=netcdf", f"{POSITION}?coords=POINT(0 0)"):
        join = "&" if "?" in path else "?"
        assert client.get(f"{path}{join}datetime=1990-01-01").status_code == 204


def test_w9_a_filter_was_ignored_and_all_features_returned(tmp_path: Path) -> None:
    client = configured(tmp_path)
    answer = client.get("/collections/points/items", query_string={"filter": "n>5"})
    assert answer.status_code == 400 or [f["id"] for f in answer.get_json()["features"]] == [9]


def test_names_in_ranges_schema_and_parameters_are_the_same(client: FlaskClient) -> None:
    """3.5: the keys of CoverageJSON ranges were not the names of /schema."""
    schema = set(client.get("/collections/levels/schema").get_json()["properties"])
    document = get_coverage(client, LEVELS, bbox="0,0,0,0")
    collection = client.get("/collections/levels").get_json()
    assert schema == set(document["ranges"]) == set(document["parameters"]) == {"t", "u"}
    assert set(collection["parameter_names"]) == schema
    assert schema <= set(get_netcdf(client, LEVELS, bbox="0,0,0,0"))


def test_the_next_page_of_collections_keeps_what_was_asked(client: FlaskClient) -> None:
    """Paging links lost ``f`` and parameters; ``+`` of a time zone became a blank."""
    asked = {
        "limit": "2",
        "f": "json",
        "bbox": "-10.123456789,0,10,10",
        "datetime": "2020-01-01T00:00:00+00:00/..",
    }
    address: str | None = "/collections"
    query: dict[str, str] | None = asked
    seen: list[str] = []
    while address:
        answer = client.get(address, query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        document, query = answer.get_json(), None
        seen += [item["id"] for item in document["collections"]]
        following = [link for link in document["links"] if link["rel"] == "next"]
        address = following[0]["href"].removeprefix("http://localhost") if following else None
        assert address is None or ("f=json" in address and "10.123456789" in address)
    everything = client.get("/collections", query_string=asked | {"limit": "100"}).get_json()
    assert seen == [item["id"] for item in everything["collections"]]
    assert len(seen) == len(set(seen)) > 4


def test_a_map_in_mercator_of_a_box_in_degrees_is_that_box(client: FlaskClient) -> None:
    """3.5: a box symmetric about the equator came out stretched: rows follow latitude, not Mercator."""
    path = "/collections/surface/map?bbox=-180,-80,180,80&width=64&height=64"
    assert client.get(path).data != client.get(f"{path}&crs={MERCATOR}").data


def test_collections_of_a_grid_without_rows_were_a_server_error(tmp_path: Path) -> None:
    """Extents of curvilinear and rotated grids held numbers that JSON could not be made of."""
    lat, lon = np.meshgrid(np.arange(40.0, 50.0), np.arange(0.0, 12.0), indexing="ij")
    places = {
        "lat": (
            ("y", "x"),
            lat + lon / 20,
            {"units": "degrees_north", "standard_name": "latitude"},
        ),
        "lon": (
            ("y", "x"),
            lon + lat / 20,
            {"units": "degrees_east", "standard_name": "longitude"},
        ),
    }
    field = (("y", "x"), lat.astype("f4"), {"units": "K", "coordinates": "lat lon"})
    xr.Dataset({"t": field}, places).to_netcdf(tmp_path / "bent.nc")
    client = server(tmp_path / "state", [str(tmp_path / "bent.nc")]).test_client()
    ((west, south, east, north),) = client.get("/collections/bent").get_json()["extent"]["spatial"][
        "bbox"
    ]
    assert west < 2 < 13 < east + 1
    assert 39 < south < north < 51
    assert client.get("/collections?f=html").status_code == 200


def test_a_netcdf_answer_opens_with_the_library_and_has_a_crs(client: FlaskClient) -> None:
    answer = client.get(f"{LEVELS}?f=netcdf&bbox=0,0,15,10")
    with netCDF4.Dataset("x.nc", memory=answer.data) as stored:
        assert stored["lat"].standard_name == "latitude"
        assert stored["t"].standard_name == "air_temperature"
        assert stored["t"].units == "K"
    assert isinstance(dataset(answer), xr.Dataset)


def configured(folder: Path, more: str = "keywords: [sample]") -> FlaskClient:
    """A server of one data collection, one stock collection and one process."""
    points = [(1, 175), (9, -175), (3, 20)]
    features = [
        {
            "type": "Feature", "id": number, "properties": {"n": number},
            "geometry": {"type": "Point", "coordinates": [lon, 0]},
        }
        for number, lon in points
    ]  # fmt: skip
    (folder / "points.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    surface().to_netcdf(folder / "surface.nc")
    (folder / "server.yml").write_text(
        "metadata: {identification: {title: Both}}\n"
        "resources:\n"
        f"  ours: {{type: collection, title: Ours, source: surface.nc, {more}}}\n"
        "  points:\n"
        f"    {{type: collection, title: Points, description: Points, {more},\n"
        "     providers: [{type: feature, name: GeoJSON,\n"
        f"     data: {folder / 'points.geojson'}, id_field: id}}]}}\n"
        "  hello-world: {type: process, processor: {name: HelloWorld}}\n"
    )
    settings = Settings(state_dir=folder / "state")
    return create_app(settings, configuration=load_configuration(folder)).test_client()
