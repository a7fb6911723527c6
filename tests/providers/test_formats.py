"""What a format writes is what the coverage holds: values, places, times, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from covjson_pydantic.coverage import Coverage as CoverageModel
from covjson_pydantic.coverage import CoverageCollection as CollectionModel

from providers.axes import AxisKind
from providers.cube import Coverage, Cube, Query, Range
from providers.formats import COVERAGEJSON, FORMATS, NETCDF
from providers.queries import one_cell
from tests.providers.memory import LAT, LON, Items, cubes_of

TIME = {"standard_name": "time", "units": "hours since 2026-01-01"}
LEVEL = {"standard_name": "air_pressure", "units": "hPa", "positive": "down"}
HEALPIX = {"grid_mapping_name": "healpix", "refinement_level": 1, "indexing_scheme": "nested"}


def numbers(*shape: int, dtype: str = "f4") -> Any:
    values = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    if values.dtype.kind == "f":
        values.reshape(-1)[:: max(5, values.size // 3)] = np.nan
    return values


def cube_of(*items: Any, attributes: Mapping[str, Any] | None = None) -> Cube:
    (cube,) = cubes_of(items, attributes)
    return cube


RECTANGLE: Items = [("lat", ("lat",), [50.0, 40.0], LAT), ("lon", ("lon",), [350.0, 360, 370], LON)]
TIMES: Items = [("time", ("time",), [0.0, 6, 12], TIME)]
LEVELS: Items = [("level", ("level",), [1000.0, 500.0], LEVEL)]
STATIONS: Items = [
    ("lat", ("station",), [50.0, 64.0, -18.0], LAT),
    ("lon", ("station",), [7.0, -22.0, 178.0], LON),
]


def grid_of_everything() -> Coverage:
    dims = ("time", "level", "lat", "lon")
    return cube_of(
        *RECTANGLE, *TIMES, *LEVELS, ("t", dims, numbers(3, 2, 2, 3), {"units": "K"})
    ).select(Query())


def grid_without_axes() -> Coverage:
    return cube_of(*RECTANGLE, ("t", ("lat", "lon"), numbers(2, 3), {})).select(Query())


def grid_with_integers() -> Coverage:
    facts = {"flag_values": np.array([0, 1], "i1"), "flag_meanings": "sea land"}
    return cube_of(*RECTANGLE, ("m", ("lat", "lon"), numbers(2, 3, dtype="i2") % 2, facts)).select(
        Query()
    )


def grid_with_members() -> Coverage:
    member = ("number", ("number",), np.array([0, 1]), {"standard_name": "realization"})
    dims = ("number", "time", "lat", "lon")
    return cube_of(*RECTANGLE, *TIMES, member, ("t", dims, numbers(2, 3, 2, 3), {})).select(Query())


def forecast() -> Coverage:
    run = ("rt", ("rt",), [0.0, 6], {**TIME, "standard_name": "forecast_reference_time"})
    step = ("step", ("step",), [0.0, 6, 12], {"standard_name": "forecast_period", "units": "hours"})
    dims = ("rt", "step", "lat", "lon")
    return cube_of(*RECTANGLE, run, step, ("t", dims, numbers(2, 3, 2, 3), {})).select(Query())


def several_runs() -> Coverage:
    run = ("rt", ("rt",), [0.0, 6], {**TIME, "standard_name": "forecast_reference_time"})
    step = ("step", ("step",), [0.0, 6, 12], {"standard_name": "forecast_period", "units": "hours"})
    dims = ("rt", "step", "lat", "lon")
    cube = cube_of(*RECTANGLE, run, step, ("t", dims, numbers(2, 3, 2, 3), {}))
    return cube.select(Query(ranges={"reference_time": Range(None, None)}))


def multi_point() -> Coverage:
    return cube_of(*STATIONS, ("t", ("station",), numbers(3), {})).select(Query())


def multi_point_series() -> Coverage:
    return cube_of(*STATIONS, *TIMES, ("t", ("time", "station"), numbers(3, 3), {})).select(Query())


def multi_point_with_levels() -> Coverage:
    return cube_of(*STATIONS, *LEVELS, ("t", ("level", "station"), numbers(2, 3), {})).select(
        Query()
    )


def curvilinear() -> Coverage:
    x, y = np.meshgrid(np.arange(4.0), np.arange(3.0))
    places = ("lat", ("y", "x"), y + x / 10, LAT), ("lon", ("y", "x"), x + y / 10, LON)
    return cube_of(*places, *TIMES, ("t", ("time", "y", "x"), numbers(3, 3, 4), {})).select(Query())


def healpix() -> Coverage:
    mapping = ("healpix", (), np.int32(0), HEALPIX)
    data = ("t", ("time", "cell"), numbers(3, 48), {"grid_mapping": "healpix"})
    return cube_of(mapping, *TIMES, data).select(Query())


def _in_one_cell(cube: Cube, cell: int = 1) -> Coverage:
    return cube.read(cube.plan(Query(), one_cell(cube, cell, 0.0)))


def point() -> Coverage:
    return _in_one_cell(cube_of(*STATIONS, ("t", ("station",), numbers(3), {})))


def point_on_a_grid() -> Coverage:
    return _in_one_cell(cube_of(*RECTANGLE, ("t", ("lat", "lon"), numbers(2, 3), {})))


def point_series() -> Coverage:
    return _in_one_cell(cube_of(*STATIONS, *TIMES, ("t", ("time", "station"), numbers(3, 3), {})))


def vertical_profile() -> Coverage:
    return _in_one_cell(
        cube_of(*RECTANGLE, *LEVELS, ("t", ("level", "lat", "lon"), numbers(2, 2, 3), {}))
    )


def profile_series() -> Coverage:
    dims = ("time", "level", "lat", "lon")
    return _in_one_cell(cube_of(*RECTANGLE, *TIMES, *LEVELS, ("t", dims, numbers(3, 2, 2, 3), {})))


def one_cell_of_members() -> Coverage:
    member = ("number", ("number",), np.array([0, 1]), {"standard_name": "realization"})
    return _in_one_cell(cube_of(*STATIONS, member, ("t", ("number", "station"), numbers(2, 3), {})))


def variables_on_different_axes() -> Coverage:
    return cube_of(
        *RECTANGLE, *TIMES, *LEVELS,
        ("t", ("time", "level", "lat", "lon"), numbers(3, 2, 2, 3), {}),
        ("skt", ("time", "lat", "lon"), numbers(3, 2, 3), {}),
        ("z", ("lat", "lon"), numbers(2, 3, dtype="f8"), {}),
    ).select(Query())  # fmt: skip


def other_calendar() -> Coverage:
    times = (
        "time",
        ("time",),
        [58.0, 59.0],
        {"units": "days since 2020-01-01", "calendar": "360_day"},
    )
    return cube_of(*RECTANGLE, times, ("t", ("time", "lat", "lon"), numbers(2, 2, 3), {})).select(
        Query()
    )


def with_bounds() -> Coverage:
    times = ("time", ("time",), [12.0, 36.0], {**TIME, "bounds": "time_bnds"})
    bounds: Any = ("time_bnds", ("time", "nv"), [[0.0, 24.0], [24.0, 48.0]], {})
    data = ("t", ("time", "lat", "lon"), numbers(2, 2, 3), {"cell_methods": "time: mean"})
    return cube_of(*RECTANGLE, times, bounds, data).select(Query())


def unnamed_dimension() -> Coverage:
    return cube_of(*RECTANGLE, ("t", ("band", "lat", "lon"), numbers(2, 2, 3), {})).select(Query())


DOMAINS: dict[Callable[[], Coverage], str | None] = {
    grid_of_everything: "Grid", grid_without_axes: "Grid", grid_with_integers: "Grid",
    grid_with_members: None, forecast: "Grid", several_runs: None, multi_point: "MultiPoint",
    multi_point_series: "MultiPointSeries", multi_point_with_levels: None,
    curvilinear: "MultiPointSeries", healpix: "MultiPointSeries", point: "Point",
    point_on_a_grid: "Point", point_series: "PointSeries", vertical_profile: "VerticalProfile",
    profile_series: "Grid", one_cell_of_members: None, variables_on_different_axes: "Grid",
    other_calendar: "Grid", with_bounds: "Grid", unnamed_dimension: None,
}  # fmt: skip
REQUIRED = {
    "Grid": {"x", "y"}, "Point": {"x", "y"}, "PointSeries": {"x", "y", "t"},
    "VerticalProfile": {"x", "y", "z"}, "MultiPoint": {"composite"},
    "MultiPointSeries": {"composite", "t"},
}  # fmt: skip
any_coverage = pytest.mark.parametrize("make", DOMAINS, ids=lambda make: make.__name__)


def as_json(coverage: Coverage) -> Any:
    def refuse(text: str) -> Any:
        raise AssertionError(f"{text} is not JSON")

    return json.loads(COVERAGEJSON.write(coverage), parse_constant=refuse)


def parts_of(document: Any) -> list[Any]:
    return list(document["coverages"]) if document["type"] == "CoverageCollection" else [document]


@any_coverage
def test_coveragejson_agrees_with_its_own_shape(make: Callable[[], Coverage]) -> None:
    for part in parts_of(as_json(make())):
        axes = part["domain"]["axes"]
        lengths = {name: len(axis["values"]) for name, axis in axes.items()}
        for item in part["ranges"].values():
            assert item["type"] == "NdArray"
            assert item["dataType"] in ("float", "integer")
            assert len(item["axisNames"]) == len(set(item["axisNames"])) == len(item["shape"])
            assert len(item["values"]) == int(np.prod(item["shape"]))
            for name, length in zip(item["axisNames"], item["shape"], strict=True):
                assert lengths[name] == length
            assert all(lengths[name] == 1 for name in lengths if name not in item["axisNames"])


@any_coverage
def test_coveragejson_names_the_domain_it_is(make: Callable[[], Coverage]) -> None:
    for part in parts_of(as_json(make())):
        domain = part["domain"]
        assert domain.get("domainType") == DOMAINS[make]
        kind = domain.get("domainType")
        assert REQUIRED.get(kind, set()) <= set(domain["axes"])
        assert set(domain["axes"]) <= REQUIRED.get(kind, set()) | {"z", "t"} or kind is None
        referenced = {name for item in domain["referencing"] for name in item["coordinates"]}
        assert {"x", "y"} <= referenced
        assert {"t", "z"} & set(domain["axes"]) <= referenced


@any_coverage
def test_coveragejson_holds_the_values(make: Callable[[], Coverage]) -> None:
    coverage = make()
    written = {}
    for part in parts_of(as_json(coverage)):
        written.update(part["ranges"])
    for variable in coverage.variables:
        got = np.array(written[variable.id]["values"], np.float64)
        expected = coverage.values[variable.id].astype(np.float64).ravel()
        np.testing.assert_allclose(got, expected, rtol=1e-7)


BEYOND_OTHERS = {  # axes of other names are allowed, as is 30 February; this reader knows neither
    grid_with_members, several_runs, one_cell_of_members, unnamed_dimension, other_calendar,
}  # fmt: skip


@pytest.mark.parametrize(
    "make", [make for make in DOMAINS if make not in BEYOND_OTHERS], ids=lambda make: make.__name__
)
def test_coveragejson_is_read_by_another_implementation(make: Callable[[], Coverage]) -> None:
    document = as_json(make())
    model = CollectionModel if document["type"] == "CoverageCollection" else CoverageModel
    own = {name: value for name, value in document.items() if ":" not in name}
    if "coverages" in own:
        own["coverages"] = [
            {name: value for name, value in part.items() if ":" not in name}
            for part in own["coverages"]
        ]
    model.model_validate_json(json.dumps(own))


@any_coverage
def test_coveragejson_puts_every_cell_where_it_is(make: Callable[[], Coverage]) -> None:
    coverage = make()
    for part in parts_of(as_json(coverage)):
        axes = part["domain"]["axes"]
        if "composite" in axes:
            assert axes["composite"]["coordinates"] == ["x", "y"]
            x, y = np.array(axes["composite"]["values"]).T
        else:
            x, y = axes["x"]["values"], axes["y"]["values"]
        np.testing.assert_allclose(x, coverage.selection.x)
        np.testing.assert_allclose(y, coverage.selection.y)


def test_coveragejson_says_calendar_bounds_run_and_meaning() -> None:
    (part,) = parts_of(as_json(other_calendar()))
    assert part["domain"]["axes"]["t"]["values"] == ["2020-02-29T00:00:00Z", "2020-02-30T00:00:00Z"]
    systems = {item["coordinates"][0]: item["system"] for item in part["domain"]["referencing"]}
    assert systems["t"]["calendar"].startswith("http")
    assert systems["t"]["calendar"].endswith("360_day")
    bounds = as_json(with_bounds())["domain"]["axes"]["t"]["bounds"]
    assert bounds[:2] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    assert as_json(forecast())["ogcapi:reference_time"] == "2026-01-01T06:00:00Z"
    parameter = as_json(grid_with_integers())["parameters"]["m"]
    assert parameter["categoryEncoding"] == {"m:0": 0, "m:1": 1}
    assert "unit" not in parameter


@any_coverage
def test_netcdf_opens_in_xarray_with_the_same_numbers(
    make: Callable[[], Coverage], tmp_path: Path
) -> None:
    coverage = make()
    path = tmp_path / "answer.nc"
    path.write_bytes(NETCDF.write(coverage))
    file = xr.load_dataset(path)
    for variable in coverage.variables:
        got = file[variable.id]
        expected = coverage.values[variable.id]
        np.testing.assert_array_equal(got.values.ravel(), expected.ravel())
        assert got.dtype == expected.dtype
        for name in variable.axes:
            axis = coverage.axes[name]
            if axis.kind not in (AxisKind.TIME, AxisKind.REFERENCE_TIME, AxisKind.STEP):
                np.testing.assert_array_equal(np.atleast_1d(file[axis.name].values), axis.values)
    np.testing.assert_array_equal(file["lon"].values, coverage.selection.x)
    np.testing.assert_array_equal(file["lat"].values, coverage.selection.y)


@any_coverage
def test_netcdf_keeps_times_and_their_calendar(make: Callable[[], Coverage]) -> None:
    coverage = make()
    with netCDF4.Dataset("memory.nc", memory=NETCDF.write(coverage)) as file:
        for axis in coverage.axes.values():
            if axis.is_time:
                stored = file[axis.name]
                assert stored.calendar == axis.calendar
                dates: Any = netCDF4.num2date(stored[...], stored.units, stored.calendar)
                labels = [date.isoformat() + "Z" for date in np.atleast_1d(dates)]
                assert labels == axis.labels()
            if axis.bounds is not None and axis.dim is not None:
                assert file[file[axis.name].bounds].shape == (axis.size, 2)


def test_netcdf_of_healpix_names_its_cells() -> None:
    coverage = healpix()
    with netCDF4.Dataset("memory.nc", memory=NETCDF.write(coverage)) as file:
        assert file["healpix"].grid_mapping_name == "healpix"
        assert file["t"].grid_mapping == "healpix"
        np.testing.assert_array_equal(file["healpix_index"][:], np.arange(48))


@any_coverage
def test_our_netcdf_is_read_back_as_the_same_coverage(
    make: Callable[[], Coverage], tmp_path: Path
) -> None:
    from providers.store import Source, Store

    coverage = make()
    (tmp_path / "answer.nc").write_bytes(NETCDF.write(coverage))
    store = Store()
    dataset = store.dataset(Source((str(tmp_path / "answer.nc"),)))
    for variable in coverage.variables:
        (cube,) = [item.cube for item in dataset.cubes if variable.id in item.cube.variables]
        ranges = {"reference_time": Range(None, None)} if "reference_time" in cube.axes else {}
        again = cube.select(Query((variable.id,), ranges=ranges))
        np.testing.assert_array_equal(
            again.values[variable.id].ravel(), coverage.values[variable.id].ravel()
        )
    store.close()


def test_formats_have_distinct_names_and_types() -> None:
    assert len({item.name for item in FORMATS}) == len(FORMATS)
    types = [kind for item in FORMATS for kind in (item.media_type, *item.accepts)]
    assert len(types) == len(set(types))


def test_half_precision_was_an_error_in_netcdf() -> None:
    cube = cube_of(*RECTANGLE, ("v", ("lat", "lon"), numbers(2, 3, dtype="f2"), {}))
    with netCDF4.Dataset("a.nc", memory=NETCDF.write(cube.select(Query()))) as file:
        assert file["v"].dtype == np.float32
        np.testing.assert_array_equal(file["v"][:].filled(np.nan), numbers(2, 3))


@pytest.mark.parametrize("name", ["bnds", "cell", "lat", "lon", "time_bnds"])
def test_a_dimension_named_like_one_of_ours_was_an_error_in_netcdf(name: str) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    cube = cube_of(
        ("time", ("time",), [0, 1], {**TIME, "bounds": "tb"}),
        ("tb", ("time", "nv"), [[0, 1], [1, 2]], {}),
        ("la", ("station",), [10.0, 11.0, 12.0], LAT),
        ("lo", ("station",), [10.0, 11.0, 12.0], LON),
        ("v", ("time", "station", name), values, {"coordinates": "la lo"}),
    )
    with netCDF4.Dataset("a.nc", memory=NETCDF.write(cube.select(Query()))) as file:
        np.testing.assert_array_equal(file["v"][:], values.transpose(2, 0, 1))
        assert file[file["time"].bounds].shape == (2, 2)


def test_names_that_netcdf_forbids_were_an_error() -> None:
    facts = {"a/b": 1, " lead": "1", "trail ": "2", "huge": 2**70, "map": {"a": 1}, "mix": [1, "a"]}
    fields: list[Any] = [(name, ("lat", "lon"), numbers(2, 3), {}) for name in ("tmp ", "a/b")]
    cube = cube_of(*RECTANGLE, *fields, attributes=facts)
    with netCDF4.Dataset("a.nc", memory=NETCDF.write(cube.select(Query()))) as file:
        assert {"tmp", "a_b"} <= set(file.variables)
        assert set(file.ncattrs()) == {"a_b", "lead", "trail", "Conventions"}


@pytest.mark.parametrize("name", ["x", "y", "t", "z", "composite"])
def test_a_dimension_named_x_overwrote_the_longitudes(name: str) -> None:
    items = [
        ("time", ("time",), [0, 1], TIME),
        ("la", ("station",), [10.0, 11.0, 12.0], LAT),
        ("lo", ("station",), [20.0, 21.0, 22.0], LON),
        ("v", ("time", "station", name), np.zeros((2, 3, 4)), {"coordinates": "la lo"}),
    ]
    answer = json.loads(COVERAGEJSON.write(cube_of(*items).select(Query())))
    axes = answer["domain"]["axes"]
    assert set(axes) == {f"{name}_axis", "t", "composite"}
    assert axes["composite"]["values"] == [[20.0, 10.0], [21.0, 11.0], [22.0, 12.0]]
    assert answer["ranges"]["v"]["axisNames"] == [f"{name}_axis", "t", "composite"]
