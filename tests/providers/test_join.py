"""Folders of files: what belongs together is one dataset, what does not stays apart, and changes are seen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from config.errors import NoData, SourceUnavailable
from providers.cube import Coverage, Cube, Query, Range
from providers.store import Dataset, Source, Store
from tests.fixtures_nasty.store import TEMPERATURE, Var, lat_var, lon_var, time_var, write_nc

LAT, LON = np.array([50.0, 40.0, 30.0]), np.array([0.0, 10.0, 20.0, 30.0])
CELLS = (3, 4)
HOUR = 3_600_000_000
START = int(np.datetime64("2026-01-01", "us").astype(np.int64))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(check_interval=1e-9)
    yield opened
    opened.close()


def field(name: str, dims: Sequence[str], values: ArrayLike, **attributes: Any) -> Var:
    return Var(name, (*dims, "lat", "lon"), values, {**TEMPERATURE, **attributes}, -999.0)


def put(
    path: Path,
    variables: Sequence[Var],
    attributes: Mapping[str, Any] | None = None,
    *,
    age: float = 100.0,
) -> Path:
    """Write a file that has been lying still for ``age`` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_nc(path, [lat_var(LAT), lon_var(LON), *variables], attributes)
    return aged(path, age)


def aged(path: Path, age: float) -> Path:
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def of_hours(*hours: float) -> NDArray[np.float64]:
    """Values that are the hour everywhere."""
    return np.broadcast_to(np.array(hours, np.float64)[:, None, None], (len(hours), *CELLS)).copy()


def day(path: Path, first: int, **options: Any) -> Path:
    """Four times of a day; the value is the hour."""
    hours = np.arange(first, first + 24, 6)
    return put(path, [time_var(hours), field("t", ("time",), of_hours(*hours))], **options)


def one_cube(dataset: Dataset) -> Cube:
    assert len(dataset.cubes) == 1, [(item.name, item.cube.key) for item in dataset.cubes]
    return dataset.cubes[0].cube


def opened(store: Store, folder: Path) -> Cube:
    return one_cube(store.dataset(Source((str(folder),))))


def first_cell(coverage: Coverage, name: str = "t") -> list[float]:
    """Values of one cell over all other axes."""
    values = coverage.values[name]
    return [float(value) for value in values.reshape(-1, CELLS[0] * CELLS[1])[:, 0]]


def at(*hours: float) -> Range:
    return Range(int(START + hours[0] * HOUR), int(START + hours[-1] * HOUR))


def test_daily_files_are_one_series_whatever_their_names(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "c.nc", 0)
    day(tmp_path / "a.nc", 24)
    day(tmp_path / "sub/b.nc", 48)
    cube = opened(store, tmp_path)
    assert first_cell(cube.select(Query())) == list(range(0, 72, 6))
    assert cube.axes["time"].labels()[-1] == "2026-01-03T18:00:00Z"
    across = cube.select(Query(valid_time=at(12, 30)))
    assert first_cell(across) == [12, 18, 24, 30]
    assert not cube.warnings


def test_a_glob_takes_only_what_it_names(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "day1.nc", 0)
    day(tmp_path / "day2.nc", 24)
    day(tmp_path / "other.nc", 48)
    cube = one_cube(store.dataset(Source((str(tmp_path / "day*.nc"),))))
    assert cube.axes["time"].size == 8


def test_one_file_per_variable_is_one_cube(store: Store, tmp_path: Path) -> None:
    put(tmp_path / "t.nc", [time_var([0, 6]), field("t", ("time",), of_hours(0, 6))])
    put(tmp_path / "u.nc", [time_var([0, 6]), field("u", ("time",), of_hours(100, 106))])
    cube = opened(store, tmp_path)
    assert set(cube.variables) == {"t", "u"}
    coverage = cube.select(Query(valid_time=at(6)))
    assert (first_cell(coverage, "t"), first_cell(coverage, "u")) == ([6], [106])


def test_files_per_variable_and_day_join_both_ways(store: Store, tmp_path: Path) -> None:
    for name, shift in (("t", 0), ("u", 100)):
        for start in (0, 24):
            hours = np.arange(start, start + 24, 12)
            variables = [time_var(hours), field(name, ("time",), of_hours(*(hours + shift)))]
            put(tmp_path / f"{name}{start}.nc", variables)
    coverage = opened(store, tmp_path).select(Query())
    assert first_cell(coverage, "t") == [0, 12, 24, 36]
    assert first_cell(coverage, "u") == [100, 112, 124, 136]


@pytest.mark.parametrize("scalar", [True, False])
def test_levels_in_files_of_their_own_become_one_axis(
    store: Store, tmp_path: Path, scalar: bool
) -> None:
    facts = {"standard_name": "air_pressure", "units": "hPa", "positive": "down"}
    for level in (850, 500, 1000):
        dims = () if scalar else ("level",)
        values = np.full((2, *(1 for _ in dims), *CELLS), float(level))
        variables = [
            time_var([0, 6]),
            Var("level", dims, np.full((1,) * len(dims), float(level)), facts),
            field("t", ("time", *dims), values, coordinates="level"),
        ]
        put(tmp_path / f"{level}.nc", variables)
    cube = opened(store, tmp_path)
    assert sorted(cube.axes["level"].values) == [500, 850, 1000]
    for wanted in (500.0, 850.0, 1000.0):
        coverage = cube.select(Query(ranges={"level": Range(wanted, wanted)}))
        assert first_cell(coverage) == [wanted, wanted]


def test_members_in_files_of_their_own_become_one_axis(store: Store, tmp_path: Path) -> None:
    for number in (0, 2, 1):
        member = Var("number", (), np.int64(number), {"standard_name": "realization"})
        data = field("t", ("time",), of_hours(number, number), coordinates="number")
        put(tmp_path / f"{number}.nc", [time_var([0, 6]), member, data])
    cube = opened(store, tmp_path)
    assert cube.axes["member"].labels() == [0, 1, 2]
    assert first_cell(cube.select(Query(ranges={"member": Range(2, 2)}))) == [2, 2]


def run_file(path: Path, start: int, *, by_step: bool) -> Path:
    """A run of four steps of 6 h; values are 1000 × start + hour."""
    reference = Var("forecast_reference_time", (), np.float64(start),
                    {"standard_name": "forecast_reference_time",
                     "units": "hours since 2026-01-01"})  # fmt: skip
    steps = np.arange(0, 24, 6)
    values = of_hours(*(1000 * start + start + steps))
    if by_step:
        facts = {"standard_name": "forecast_period", "units": "hours"}
        axis, dim = Var("step", ("step",), steps.astype(float), facts), "step"
    else:
        axis, dim = time_var(start + steps), "time"
    data = field("t", (dim,), values, coordinates="forecast_reference_time")
    return put(path, [reference, axis, data])


@pytest.mark.parametrize("by_step", [True, False], ids=["step", "time"])
def test_the_newest_of_overlapping_runs_answers_and_says_so(
    store: Store, tmp_path: Path, by_step: bool
) -> None:
    run_file(tmp_path / "z_first.nc", 0, by_step=by_step)
    run_file(tmp_path / "a_second.nc", 12, by_step=by_step)
    cube = opened(store, tmp_path)
    old = cube.select(Query(valid_time=at(6)))
    assert (old.run, first_cell(old)) == ("2026-01-01T00:00:00Z", [6])
    both = cube.select(Query(valid_time=at(18)))
    assert (both.run, first_cell(both)) == ("2026-01-01T12:00:00Z", [12018])
    chosen = cube.select(Query(valid_time=at(18), ranges={"reference_time": at(0)}))
    assert (chosen.run, first_cell(chosen)) == ("2026-01-01T00:00:00Z", [18])
    with pytest.raises(NoData):
        cube.select(Query(valid_time=at(6), ranges={"reference_time": at(12)}))
    assert cube.valid_times is not None
    hours = (cube.valid_times[0] - START) // HOUR
    assert list(hours) == [0, 6, 12, 18, 24, 30]


def test_a_run_that_lacks_a_step_leaves_the_time_to_the_older_run(
    store: Store, tmp_path: Path
) -> None:
    run_file(tmp_path / "0.nc", 0, by_step=True)
    steps = Var("step", ("step",), np.array([0.0]),
                {"standard_name": "forecast_period", "units": "hours"})  # fmt: skip
    reference = Var("forecast_reference_time", (), np.float64(12),
                    {"standard_name": "forecast_reference_time",
                     "units": "hours since 2026-01-01"})  # fmt: skip
    data = field("t", ("step",), of_hours(12012), coordinates="forecast_reference_time")
    put(tmp_path / "12.nc", [reference, steps, data])
    cube = opened(store, tmp_path)
    assert first_cell(cube.select(Query(valid_time=at(12)))) == [12012]
    fallback = cube.select(Query(valid_time=at(18)))
    assert (fallback.run, first_cell(fallback)) == ("2026-01-01T00:00:00Z", [18])


def test_two_versions_of_the_same_data_are_never_merged(store: Store, tmp_path: Path) -> None:
    for name, shift in (("v1", 0), ("v2", 100)):
        put(
            tmp_path / f"{name}.nc",
            [time_var([0, 6]), field("t", ("time",), of_hours(0, 6) + shift)],
        )
    dataset = store.dataset(Source((str(tmp_path),)))
    found = {item.name: first_cell(item.cube.select(Query())) for item in dataset.cubes}
    assert found == {"v1": [0, 6], "v2": [100, 106]}


def test_era5_and_era5t_are_never_merged(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "jan.nc", 0, attributes={"expver": "0001"})
    day(tmp_path / "feb.nc", 24, attributes={"expver": "0005"})
    dataset = store.dataset(Source((str(tmp_path),)))
    assert {item.name for item in dataset.cubes} == {"jan", "feb"}


@pytest.mark.parametrize("difference", ["grid", "units", "calendar", "standard_name"])
def test_files_that_differ_in_meaning_are_never_merged(
    store: Store, tmp_path: Path, difference: str
) -> None:
    day(tmp_path / "one.nc", 0)
    axis = time_var([24, 30], calendar="noleap" if difference == "calendar" else "standard")
    facts = {"units": {"units": "degC"}, "standard_name": {"standard_name": "dew_point"}}
    data = field("t", ("time",), of_hours(24, 30), **facts.get(difference, {}))
    shift = 0.5 if difference == "grid" else 0.0
    path = tmp_path / "two.nc"
    write_nc(path, [lat_var(LAT + shift), lon_var(LON), axis, data])
    aged(path, 100)
    assert len(store.dataset(Source((str(tmp_path),))).cubes) == 2


def test_gaps_and_overlaps_are_reported(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "a.nc", 0)
    day(tmp_path / "b.nc", 72)
    day(tmp_path / "c.nc", 84)
    warnings = " / ".join(opened(store, tmp_path).warnings)
    assert "1 gap" in warnings
    assert "2 values are in more than one file" in warnings


def test_where_files_overlap_the_newer_one_answers(store: Store, tmp_path: Path) -> None:
    old, new = ("b.nc", 900.0), ("a.nc", 100.0)
    for (name, age), shift in ((old, 0), (new, 500)):
        first = 0 if shift == 0 else 12
        hours = np.arange(first, first + 24, 6)
        data = field("t", ("time",), of_hours(*(hours + shift)))
        put(tmp_path / name, [time_var(hours), data], age=age)
    assert first_cell(opened(store, tmp_path).select(Query())) == [0, 6, 512, 518, 524, 530]


def test_what_no_file_holds_is_missing_not_zero(store: Store, tmp_path: Path) -> None:
    facts = {"standard_name": "air_pressure", "units": "hPa"}
    for hour, level in ((0, 500.0), (6, 850.0)):
        values = np.full((1, 1, *CELLS), hour + 1, np.int32)
        data = Var("n", ("time", "level", "lat", "lon"), values, {"units": "1"})
        put(
            tmp_path / f"{hour}.nc",
            [time_var([hour]), Var("level", ("level",), [level], facts), data],
        )
    cube = opened(store, tmp_path)
    values = cube.select(Query()).values["n"]
    assert values.dtype.kind == "f"
    np.testing.assert_array_equal(values[..., 0, 0].ravel(), [1, np.nan, np.nan, 7])


@pytest.mark.parametrize(
    ("kind", "fill"), [("u1", 255), ("i2", -99), ("i8", -1), ("u4", 4_000_000_000)]
)
def test_missing_whole_numbers_of_daily_files_are_missing_not_zero(
    store: Store, tmp_path: Path, kind: str, fill: int
) -> None:
    for number in range(3):
        values = np.full((1, *CELLS), 1 + number, kind)
        values[0, 0, 0] = fill
        data = Var("m", ("time", "lat", "lon"), values, {"units": "1"}, fill)
        put(tmp_path / f"{number}.nc", [time_var([24 * number]), data])
    joined = opened(store, tmp_path).select(Query()).values["m"]
    alone = [
        one_cube(store.dataset(Source((str(tmp_path / f"{number}.nc"),))))
        .select(Query())
        .values["m"]
        for number in range(3)
    ]
    np.testing.assert_array_equal(joined, np.concatenate(alone))
    assert joined.dtype == alone[0].dtype
    assert np.isnan(joined[:, 0, 0]).all()


def cmip(path: Path, name: str, height: float | None, shift: float = 0.0, start: int = 0) -> None:
    facts = {"standard_name": "height", "units": "m", "positive": "up", "axis": "Z"}
    scalar = [] if height is None else [Var("height", (), np.float64(height), facts)]
    listed = {} if height is None else {"coordinates": "height"}
    values = of_hours(start + shift, start + 6 + shift)
    put(path, [time_var([start, start + 6]), *scalar, field(name, ("time",), values, **listed)])


def test_variables_at_heights_of_their_own_are_one_cube_without_nulls(
    store: Store, tmp_path: Path
) -> None:
    for start in (0, 12):
        cmip(tmp_path / f"tas_{start}.nc", "tas", 2.0, 0, start)
        cmip(tmp_path / f"uas_{start}.nc", "uas", 10.0, 100, start)
        cmip(tmp_path / f"pr_{start}.nc", "pr", None, 200, start)
    cube = opened(store, tmp_path)
    assert cube.variables["tas"].axes == ("time", "height_2m")
    assert cube.variables["uas"].axes == ("time", "height_10m")
    assert cube.variables["pr"].axes == ("time",)
    assert cube.axes["height_2m"].labels() == [2.0]
    coverage = cube.select(Query())
    assert first_cell(coverage, "tas") == [0, 6, 12, 18]
    assert first_cell(coverage, "uas") == [100, 106, 112, 118]
    assert first_cell(coverage, "pr") == [200, 206, 212, 218]


def test_variables_at_the_same_height_keep_its_name(store: Store, tmp_path: Path) -> None:
    cmip(tmp_path / "tas.nc", "tas", 2.0)
    cmip(tmp_path / "hurs.nc", "hurs", 2.0)
    cube = opened(store, tmp_path)
    assert {name: variable.axes for name, variable in cube.variables.items()} == {
        "tas": ("time", "height"),
        "hurs": ("time", "height"),
    }


def test_levels_in_files_of_their_own_join_for_each_variable(store: Store, tmp_path: Path) -> None:
    for number, (name, level) in enumerate([("t", 2.0), ("u", 10.0), ("t", 10.0), ("u", 2.0)]):
        cmip(tmp_path / f"{number}.nc", name, level, 1000 * level + (name == "u"))
    cube = opened(store, tmp_path)
    assert sorted(cube.axes["height"].values) == [2, 10]
    coverage = cube.select(Query(ranges={"height": Range(10.0, 10.0)}))
    assert first_cell(coverage, "t") == [10000, 10006]
    assert first_cell(coverage, "u") == [10001, 10007]


@pytest.mark.parametrize("scalar", [True, False], ids=["scalar", "along time"])
def test_era5_and_era5t_told_apart_by_a_variable_are_not_merged_and_it_is_said(
    store: Store, tmp_path: Path, scalar: bool
) -> None:
    for name, first, version in (("jan", 0, "0001"), ("feb", 24, "0005")):
        hours = np.arange(first, first + 24, 6)
        text = np.array(version if scalar else [version] * len(hours), object)
        expver = Var("expver", () if scalar else ("time",), text)
        data = field("t", ("time",), of_hours(*hours), coordinates="expver")
        put(tmp_path / f"{name}.nc", [time_var(hours), expver, data])
    dataset = store.dataset(Source((str(tmp_path),)))
    assert {item.name for item in dataset.cubes} == {"jan", "feb"}
    assert any("expver" in text and "0005" in text for text in dataset.warnings)


def test_coordinates_in_single_and_double_precision_are_one_grid(
    store: Store, tmp_path: Path
) -> None:
    lat, lon = np.arange(50.0, 40.0, -0.1), np.arange(100.0, 110.0, 0.1)
    level = {"standard_name": "depth", "units": "m"}
    for number, kind in enumerate(("f4", "f8", "f4")):
        values = np.full((1, 2, len(lat), len(lon)), float(number))
        depths = Var("depth", ("depth",), np.array([0.1, 0.7], kind), level)
        path = tmp_path / f"{number}.nc"
        variables = [lat_var(lat.astype(kind)), lon_var(lon.astype(kind)), depths]
        data = Var("t", ("time", "depth", "lat", "lon"), values, TEMPERATURE)
        write_nc(path, [*variables, time_var([6 * number]), data])
        aged(path, 100)
    cube = opened(store, tmp_path)
    assert list(cube.axes["depth"].values) == [0.1, 0.7]
    values = cube.select(Query()).values["t"]
    np.testing.assert_array_equal(values[:, :, 0, 0].max(axis=1), [0, 1, 2])
    assert not np.isnan(values).any()


def test_a_grid_shifted_by_a_fraction_of_its_cells_stays_apart(
    store: Store, tmp_path: Path
) -> None:
    day(tmp_path / "one.nc", 0)
    path = tmp_path / "two.nc"
    data = field("t", ("time",), of_hours(24))
    write_nc(path, [lat_var(LAT + 0.01), lon_var(LON), time_var([24]), data])
    aged(path, 100)
    assert len(store.dataset(Source((str(tmp_path),))).cubes) == 2


def test_gregorian_calendars_of_our_time_are_one(store: Store, tmp_path: Path) -> None:
    for number, calendar in enumerate(("standard", "proleptic_gregorian", "gregorian")):
        axis = time_var([24 * number], calendar=calendar)
        put(tmp_path / f"{number}.nc", [axis, field("t", ("time",), of_hours(number))])
    assert first_cell(opened(store, tmp_path).select(Query())) == [0, 1, 2]


def test_other_words_for_the_same_unit_join(store: Store, tmp_path: Path) -> None:
    for number, units in enumerate(("degC", "Celsius")):
        data = field("t", ("time",), of_hours(number), units=units)
        put(tmp_path / f"{number}.nc", [time_var([24 * number]), data])
    assert first_cell(opened(store, tmp_path).select(Query())) == [0, 1]


def test_files_of_variables_that_do_not_overlap_are_not_reported(
    store: Store, tmp_path: Path
) -> None:
    for name in ("t", "u"):
        for start in (0, 12):
            variables = [time_var([start, start + 6]), field(name, ("time",), of_hours(1, 2))]
            put(tmp_path / f"{name}{start}.nc", variables)
    assert not opened(store, tmp_path).warnings


def test_a_new_file_appears_without_a_restart(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "a.nc", 0)
    before = store.dataset(Source((str(tmp_path),)))
    assert one_cube(before).axes["time"].size == 4
    day(tmp_path / "b.nc", 24)
    after = store.dataset(Source((str(tmp_path),)))
    assert one_cube(after).axes["time"].size == 8
    assert after.version != before.version
    assert first_cell(one_cube(before).select(Query())) == [0, 6, 12, 18]


def test_a_half_copied_file_is_invisible_and_the_rest_is_served(
    store: Store, tmp_path: Path
) -> None:
    day(tmp_path / "a.nc", 0)
    whole = day(tmp_path / "b.nc", 24)
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) // 2])
    aged(whole, 100)
    dataset = store.dataset(Source((str(tmp_path),)))
    assert one_cube(dataset).axes["time"].size == 4
    assert [refusal.name for refusal in dataset.refusals] == ["b.nc"]
    assert "NetCDF" in dataset.refusals[0].reason
    whole.write_bytes(content)
    aged(whole, 50)
    assert opened(store, tmp_path).axes["time"].size == 8


def test_a_file_that_is_still_being_copied_waits(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "a.nc", 0)
    assert opened(store, tmp_path).axes["time"].size == 4
    fresh = day(tmp_path / "b.nc", 24, age=-60.0)  # written later than any look at it
    assert opened(store, tmp_path).axes["time"].size == 4
    aged(fresh, 100)
    assert opened(store, tmp_path).axes["time"].size == 8


@pytest.mark.parametrize("records", [True, False])
@pytest.mark.parametrize("version", ["CLASSIC", "64BIT_OFFSET", "64BIT_DATA"])
def test_a_classic_file_cut_off_at_its_end_is_not_read_as_zeros(
    store: Store, tmp_path: Path, version: str, records: bool
) -> None:
    path = tmp_path / "a.nc"
    _write_classic(path, version, records=records)
    source = Source((str(path),))
    assert first_cell(one_cube(store.dataset(source)).select(Query())) == [0, 6, 12]
    content = path.read_bytes()
    for length in (len(content) - 8, len(content) // 2, 20):
        path.write_bytes(content[:length])
        with pytest.raises(SourceUnavailable, match=r"missing|incomplete"):
            store.dataset(source)


def _write_classic(path: Path, version: str, *, records: bool) -> None:
    kind: Any = f"NETCDF3_{version}"
    with netCDF4.Dataset(path, "w", format=kind) as file:
        for name, size in (("lat", 3), ("lon", 4), ("time", None if records else 3)):
            file.createDimension(name, size)
        for var in (
            lat_var(LAT),
            lon_var(LON),
            time_var([0, 6, 12]),
            Var("flag", ("time",), np.array([1, 2, 3], np.int8)),
            field("t", ("time",), of_hours(0, 6, 12)),
        ):
            made = file.createVariable(var.name, var.values.dtype, var.dims)
            made.setncatts(dict(var.attributes))
            made[:] = var.values


@pytest.mark.parametrize("name", [".b.nc.Xk3", "b.nc.part", "b.nc.tmp", "~b.nc~", "_b.nc"])
def test_temporary_files_are_left_alone(store: Store, tmp_path: Path, name: str) -> None:
    day(tmp_path / "a.nc", 0)
    day(tmp_path / name, 24)
    dataset = store.dataset(Source((str(tmp_path),)))
    assert one_cube(dataset).axes["time"].size == 4
    assert not dataset.refusals


def test_a_file_replaced_by_rename_answers_with_its_new_values(
    store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "data.nc"
    day(target, 0)
    source = Source((str(target),))
    old = one_cube(store.dataset(source))
    assert first_cell(old.select(Query())) == [0, 6, 12, 18]
    day(tmp_path / "next.tmp", 24).replace(target)
    new = one_cube(store.dataset(source))
    assert first_cell(new.select(Query())) == [24, 30, 36, 42]
    assert new.version != old.version
    assert first_cell(old.select(Query())) == [0, 6, 12, 18]


def test_a_removed_file_takes_its_times_with_it(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "a.nc", 0)
    second = day(tmp_path / "b.nc", 24)
    assert opened(store, tmp_path).axes["time"].size == 8
    second.unlink()
    assert opened(store, tmp_path).axes["time"].size == 4


def test_a_single_file_that_goes_away_is_unavailable_and_comes_back(
    store: Store, tmp_path: Path
) -> None:
    path = day(tmp_path / "a.nc", 0)
    source = Source((str(path),))
    assert one_cube(store.dataset(source))
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(SourceUnavailable, match="no such file"):
        store.dataset(source)
    path.write_bytes(content)
    assert one_cube(store.dataset(source))


def test_an_empty_folder_says_that_it_is_empty(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no data found"):
        store.dataset(Source((str(tmp_path),)))


def test_what_is_no_data_is_named_beside_the_data(store: Store, tmp_path: Path) -> None:
    day(tmp_path / "a.nc", 0)
    (tmp_path / "README.txt").write_text("about the data")
    dataset = store.dataset(Source((str(tmp_path),)))
    assert one_cube(dataset)
    assert [refusal.name for refusal in dataset.refusals] == ["README.txt"]
    assert "not a format" in dataset.refusals[0].reason


def test_two_tracks_over_the_same_places_at_other_times_stay_two(tmp_path):
    """The second file's times must not stand for the first one's values."""
    for name, day in (("sst", 0), ("wind", 5)):
        xr.Dataset(
            {name: ("time", np.arange(4.0), {"units": "1", "coordinates": "lat lon"})},
            coords={
                "time": ("time", np.arange(4.0) + day, {"units": "days since 2020-01-01"}),
                "lat": ("time", np.arange(4.0), {"units": "degrees_north"}),
                "lon": ("time", np.arange(4.0), {"units": "degrees_east"}),
            },
        ).to_netcdf(tmp_path / f"{name}.nc")
    cubes = Store().dataset(Source((str(tmp_path),))).cubes
    assert sorted(tuple(item.cube.variables) for item in cubes) == [("sst",), ("wind",)]
