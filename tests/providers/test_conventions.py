"""Conventions of real files that once gave wrong places, wrong times or no answer at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np
import pyproj
import pytest
import zarr

from config.errors import InvalidParameter, NoData
from providers.axes import Axis, AxisKind
from providers.build import Built, build_cubes
from providers.cf.calendar import decode_times, iso_times
from providers.chunks import ChunkCache
from providers.cube import Cube, Query
from providers.formats import NETCDF
from providers.formats.coveragejson import document
from providers.grids import Bbox
from providers.queries import map_plan, times
from providers.ranges import time_range
from providers.readers.base import OpenFile, RawGroup
from providers.readers.netcdf import NetcdfReader
from providers.readers.zarr import ZarrReader
from tests.providers.memory import LAT, LON, cubes_of, raw

DAYS = {"standard_name": "time", "units": "days since 2020-01-01"}
PLACES: list[Any] = [
    ("lat", ("lat",), [50.0, 40.0], LAT),
    ("lon", ("lon",), [0.0, 10.0, 20.0], LON),
]


def cube_of(*items: Any, attributes: Mapping[str, Any] | None = None) -> Cube:
    (cube,) = cubes_of(items, attributes)
    return cube


def built(*items: Any) -> Built:
    variables = {name: raw(name, dims, values, facts) for name, dims, values, facts in items}
    group = RawGroup("", variables, {}, frozenset(variables))
    file = OpenFile("memory", (group,), "1", lambda: None)
    return build_cubes(file, ChunkCache(1 << 20), version="1")


def over_time(values: Any, facts: Mapping[str, Any], dtype: str | None = None) -> list[Any]:
    count = len(values)
    data = np.arange(count * 6.0).reshape(count, 2, 3)
    time = ("time", ("time",), np.asarray(values, dtype), facts)
    return [time, *PLACES, ("v", ("time", "lat", "lon"), data, {})]


def asked(cube: Cube, datetime: str) -> dict[str, Any]:
    return document(cube.select(Query(valid_time=times(cube, datetime))))


def as_netcdf(cube: Cube, query: Query | None = None) -> netCDF4.Dataset:
    body = NETCDF.write(cube.select(query or Query()))
    return netCDF4.Dataset("answer.nc", memory=body)


@pytest.mark.parametrize("dims", [(), ("step",)])
def test_a_range_of_analyses_from_cfgrib_gave_one_value(dims: tuple[str, ...]) -> None:
    reference = {**DAYS, "standard_name": "forecast_reference_time"}
    period = {"standard_name": "forecast_period", "units": "hours"}
    items = over_time([0, 1, 2], reference)
    values = items[-1][2].reshape(3, *([1] * len(dims)), 2, 3)
    items[-1] = ("v", ("time", *dims, "lat", "lon"), values, {})
    step = ("step", dims, [6.0] if dims else 6.0, period)
    valid = ("valid_time", ("time",), [0.25, 1.25, 2.25], DAYS)
    answer = asked(cube_of(*items, step, valid), "2020-01-01/2020-01-02")
    assert answer["domain"]["axes"]["t"]["values"] == [
        "2020-01-01T06:00:00Z",
        "2020-01-02T06:00:00Z",
    ]
    assert answer["ranges"]["v"]["values"].tolist() == np.arange(12.0).tolist()


def test_datetime_was_ignored_where_only_reference_times_are_left() -> None:
    cube = cube_of(*over_time([0, 1, 2], {**DAYS, "standard_name": "forecast_reference_time"}))
    assert asked(cube, "2020-01-02")["domain"]["axes"]["t"]["values"] == ["2020-01-02T00:00:00Z"]


def track(values: Any = (0.0, 1.0, 2.0, 3.0)) -> Cube:
    return cube_of(
        ("time", ("time",), np.asarray(values), DAYS),
        ("lat", ("time",), [0.0, 1.0, 2.0, 3.0], LAT),
        ("lon", ("time",), [10.0, 11.0, 12.0, 13.0], LON),
        ("sst", ("time",), [5.0, 6.0, 7.0, 8.0], {}),
    )


def test_datetime_was_ignored_on_a_ships_track() -> None:
    answer = asked(track(), "2020-01-02/2020-01-03")
    assert answer["domain"]["domainType"] == "Trajectory"
    composite = answer["domain"]["axes"]["composite"]
    assert composite["coordinates"] == ["t", "x", "y"]
    assert composite["values"] == [
        ["2020-01-02T00:00:00Z", 11.0, 1.0],
        ["2020-01-03T00:00:00Z", 12.0, 2.0],
    ]
    assert answer["ranges"]["sst"]["values"].tolist() == [6.0, 7.0]
    with pytest.raises(NoData):
        asked(track(), "1850-01-01")


def test_the_times_of_a_track_were_lost_in_netcdf() -> None:
    file = as_netcdf(track([0.0, np.nan, 2.0, 3.0]))
    assert file["sst"].coordinates == "time lat lon"
    assert file["time"].units == "seconds since 1970-01-01 00:00:00"
    days = (file["time"][:] - 1_577_836_800) // 86_400
    assert days.tolist() == [0, None, 2, 3]


def test_a_map_of_a_track_refuses_a_time_rather_than_ignore_it() -> None:
    cube = track()
    with pytest.raises(InvalidParameter, match="own time"):
        map_plan(cube, Query(valid_time=times(cube, "2020-01-02")))


def test_the_times_of_a_swath_are_those_of_its_lines() -> None:
    lat, lon = np.mgrid[0:3, 0:4].astype(float)
    cube = cube_of(
        ("time", ("line",), [0.0, 1.0, 2.0], DAYS),
        ("latitude", ("line", "pixel"), lat, LAT),
        ("longitude", ("line", "pixel"), lon, LON),
        ("v", ("line", "pixel"), np.arange(12.0).reshape(3, 4), {}),
    )
    assert asked(cube, "2020-01-02")["ranges"]["v"]["values"].tolist() == [4.0, 5.0, 6.0, 7.0]


@pytest.mark.parametrize("unit", ["s", "ns", "D", "M"])
def test_native_datetimes_of_zarr_3_were_numbers(tmp_path: Any, unit: str) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=3)
    days = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], f"M8[{unit}]")
    for name, dims, values, facts in over_time(days, {}):
        item = root.create_array(name, data=np.asarray(values), dimension_names=dims)
        item.attrs.update(facts)
    file = ZarrReader().open(str(tmp_path / "a.zarr"))
    (cube,) = build_cubes(file, ChunkCache(1 << 20), version="1").cubes
    assert asked(cube, "2020-02")["domain"]["axes"]["t"]["values"] == ["2020-02-01T00:00:00Z"]
    assert as_netcdf(cube)["time"].units.startswith("seconds since")


@pytest.mark.parametrize(
    "units", ["day as %Y%m%d.%f", "hours from 2000-01-01", "days after 2000-01-01"]
)
def test_times_that_are_not_understood_were_an_axis_of_numbers(units: str) -> None:
    found = built(*over_time([0.0, 1.0], {"units": units}))
    assert not found.cubes
    assert units in found.refusals[0].reason


def test_nanoseconds_are_times() -> None:
    got = decode_times(np.array([0, 10**9 + 1999]), "nanoseconds since 2020-01-01", "standard")
    assert iso_times(got, "standard") == ["2020-01-01T00:00:00Z", "2020-01-01T00:00:01.000001Z"]


GEOSTATIONARY = {
    "grid_mapping_name": "geostationary", "perspective_point_height": 35786023.0,
    "semi_major_axis": 6378137.0, "semi_minor_axis": 6356752.31414, "sweep_angle_axis": "x",
    "longitude_of_projection_origin": -75.0, "latitude_of_projection_origin": 0.0,
}  # fmt: skip
POLAR = {
    "grid_mapping_name": "polar_stereographic", "straight_vertical_longitude_from_pole": -45.0,
    "latitude_of_projection_origin": 90.0, "standard_parallel": 70.0,
    "semi_major_axis": 6378273.0, "semi_minor_axis": 6356889.44891,
}  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "units", "step", "metres"),
    [(GEOSTATIONARY, "rad", 0.01, 35786023.0), (POLAR, "km", 100.0, 1000.0)],
)
def test_a_projection_in_radians_or_kilometres_was_one_metre_wide(
    mapping: dict[str, Any], units: str, step: float, metres: float
) -> None:
    x, y = step * np.arange(1.0, 6), step * np.arange(6.0, 1, -1)
    cube = cube_of(
        ("y", ("y",), y, {"standard_name": "projection_y_coordinate", "units": units}),
        ("x", ("x",), x, {"standard_name": "projection_x_coordinate", "units": units}),
        ("crs", (), 0, mapping),
        ("v", ("y", "x"), np.arange(25.0).reshape(5, 5), {"grid_mapping": "crs"}),
    )
    crs = pyproj.CRS.from_cf(mapping)
    to_degrees = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    lon, lat = to_degrees.transform(x[3] * metres, y[1] * metres)
    assert cube.grid.locate(lon, lat) == 8


def test_a_projection_in_an_unknown_unit_is_refused() -> None:
    found = built(
        ("y", ("y",), [0.0, 1.0], {"units": "furlong"}),
        ("x", ("x",), [0.0, 1.0], {"units": "furlong"}),
        ("crs", (), 0, POLAR),
        ("v", ("y", "x"), np.zeros((2, 2)), {"grid_mapping": "crs"}),
    )
    assert any("furlong" in refusal.reason for refusal in found.refusals)


def test_ragged_variables_were_listed_and_then_failed(tmp_path: Any) -> None:
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for name, facts in (("lat", LAT), ("lon", LON)):
            file.createDimension(name, 2)
            file.createVariable(name, "f8", (name,)).setncatts(facts)
            file[name][:] = [1.0, 2.0]
        file.createVariable("v", "f4", ("lat", "lon"))[:] = 1.0
        ragged = file.createVLType(np.float32, "ragged")
        file.createVariable("r", ragged, ("lat", "lon"))[0, 0] = np.zeros(3, "f4")
    found = build_cubes(
        NetcdfReader().open(str(tmp_path / "a.nc")), ChunkCache(1 << 20), version="1"
    )
    assert [list(cube.variables) for cube in found.cubes] == [["v"]]
    assert [refusal.name for refusal in found.refusals] == ["r"]


def axis(*values: Any, dtype: str | None = None) -> Axis:
    return Axis("a", AxisKind.OTHER, np.asarray(values, dtype), dim="a")


@pytest.mark.parametrize(
    ("known", "value", "position"),
    [
        (axis(*range(6000)), 6003, []),
        (axis(10001, 10003, 10020), 10010, []),
        (axis(850.0, 500.0), 500.4, []),
        (axis(850.0, 500.0), 500, [1]),
        (axis(0.50164622, 1.55585527), 0.5016, [0]),
        (axis(0.50164622, 1.55585527), 0.5, [0]),
        (axis(0.50164622, 1.55585527), 0.7, []),
    ],
)
def test_an_index_beyond_the_end_answered_with_the_last(
    known: Axis, value: float, position: list[int]
) -> None:
    assert known.at(value).tolist() == position


def test_coordinates_in_single_precision_lost_the_rim_of_a_box() -> None:
    lat, lon = np.linspace(40, 41, 11, dtype="f4"), np.linspace(100, 101, 11, dtype="f4")
    cube = cube_of(
        ("lat", ("lat",), lat, LAT),
        ("lon", ("lon",), lon, LON),
        ("v", ("lat", "lon"), np.zeros((11, 11)), {}),
    )
    selection = cube.grid.cover(Bbox(100.1, 40.2, 100.3, 40.4))
    assert selection.x.tolist() == [100.1, 100.2, 100.3]
    assert selection.y.tolist() == [40.2, 40.3, 40.4]


@pytest.mark.parametrize("missing", [np.nan, 1e20, 1e9 * 365])
def test_the_unwritten_end_of_a_time_axis_hid_the_whole_variable(missing: float) -> None:
    cube = cube_of(*over_time([missing, 0.0, 1.0, missing], DAYS))
    answer = asked(cube, "../..")
    assert answer["domain"]["axes"]["t"]["values"] == [
        "2020-01-01T00:00:00Z",
        "2020-01-02T00:00:00Z",
    ]
    assert answer["ranges"]["v"]["values"].tolist() == np.arange(6.0, 18).tolist()


def test_times_of_ten_microseconds_were_one_time() -> None:
    values = np.array([0, 1e-5, 2e-5])
    got = decode_times(values, "seconds since 2020-01-01", "standard")
    assert np.diff(got).tolist() == [10, 10]
    assert len(np.unique(decode_times(values / 60, "minutes since 2020-01-01", "standard"))) == 3


def test_microseconds_came_back_one_less_in_netcdf() -> None:
    facts = {"units": "microseconds since 2020-01-01"}
    file = as_netcdf(cube_of(*over_time([0, 1, 2, 3], facts, "i8")))
    assert file["time"].units.startswith("microseconds since")
    assert np.diff(file["time"][:]).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("units", "calendar"),
    [
        ("days since 0000-01-01", "noleap"),
        ("days since 0000-01-01", "standard"),
        ("days since -2191-03-01", "proleptic_gregorian"),
        ("days since 12000-01-01", "noleap"),
    ],
)
def test_a_year_of_the_extent_was_no_time_to_ask_for(units: str, calendar: str) -> None:
    cube = cube_of(*over_time([15, 45], {"units": units, "calendar": calendar}))
    assert cube.time is not None
    for position, label in enumerate(cube.time.labels()):
        assert time_range(label, calendar).low == cube.time.values[position]


def test_months_of_iri_have_thirty_days() -> None:
    got = decode_times(np.array([0.5, 1.5]), "months since 1960-01-01", "360_day")
    assert iso_times(got, "360_day") == ["1960-01-16T00:00:00Z", "1960-02-16T00:00:00Z"]


@pytest.mark.parametrize("steps", [1, 2])
def test_coordinates_stored_once_per_time_were_no_place(steps: int) -> None:
    lat, lon = (np.stack([part] * steps) for part in np.mgrid[40:43, 5:9].astype(float))
    values = np.arange(steps * 12.0).reshape(steps, 3, 4)
    items = [
        ("XTIME", ("Time",), np.arange(float(steps)), DAYS),
        ("XLAT", ("Time", "sn", "we"), lat, {"units": "degree_north"}),
        ("XLONG", ("Time", "sn", "we"), lon, {"units": "degree_east"}),
        ("T2", ("Time", "sn", "we"), values, {"coordinates": "XLONG XLAT XTIME"}),
    ]
    cube = cube_of(*items)
    assert list(cube.variables) == ["T2"]
    assert cube.grid.locate(7.0, 41.0) == 6


def test_a_grid_that_moves_is_refused() -> None:
    lat, lon = np.mgrid[40:43, 5:9].astype(float)
    found = built(
        ("XLAT", ("Time", "sn", "we"), np.stack([lat, lat + 1]), {"units": "degree_north"}),
        ("XLONG", ("Time", "sn", "we"), np.stack([lon, lon]), {"units": "degree_east"}),
        ("T2", ("Time", "sn", "we"), np.zeros((2, 3, 4)), {"coordinates": "XLONG XLAT"}),
    )
    assert "moves with time" in {refusal.name: refusal.reason for refusal in found.refusals}["T2"]


def test_zarr_2_masked_the_equator_and_hid_booleans(tmp_path: Any) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    flags = np.arange(9).reshape(3, 3) % 2 == 0
    for name, dims, values, facts in (
        ("lat", ["lat"], np.array([10.0, 0.0, -10.0]), LAT),
        ("lon", ["lon"], np.array([0.0, 10.0, 20.0]), LON),
        ("b", ["lat", "lon"], flags, {}),
    ):
        item = root.create_array(name, data=values)
        item.attrs.update({"_ARRAY_DIMENSIONS": dims, **facts})
    file = ZarrReader().open(str(tmp_path / "a.zarr"))
    (cube,) = build_cubes(file, ChunkCache(1 << 20), version="1").cubes
    assert cube.select(Query()).values["b"].tolist() == flags.astype(int).tolist()
    assert cube.variables["b"].categories == {0: "false", 1: "true"}
