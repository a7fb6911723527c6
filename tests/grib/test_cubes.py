"""Which cubes, variables and axes messages make: every one of them is served or named with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ogcapi.inspect import report
from providers.cube import Cube, Query, Range
from providers.store import Dataset, NothingToServe, Source, Store
from tests.grib.synthetic import GRID, message, write

DAY = 86_400_000_000
HOUR = DAY // 24


def opened(*paths: Path) -> Dataset:
    return Store().dataset(Source(tuple(str(path) for path in paths)))


def only(path: Path) -> Cube:
    """The one cube of a file all of whose messages are served."""
    found = opened(path)
    assert found.messages[0] == found.messages[1], found.refusals
    assert len(found.cubes) == 1, [item.cube.key for item in found.cubes]
    return found.cubes[0].cube


def keys(found: Dataset) -> set[str]:
    return {item.cube.key for item in found.cubes}


def value(cube: Cube, name: str, **at: int) -> float:
    """The first cell of a variable at positions of its dimensions."""
    field = cube.variables[name].field
    indexers = {dim: slice(at.get(dim, 0), at.get(dim, 0) + 1) for dim in field.dims}
    return float(field.read(indexers).ravel()[0])


def pressure(value: float, level: float, **more: object) -> bytes:
    return message(
        value, sample="regular_ll_pl_grib2", shortName="t", dataDate=20240101, level=level, **more
    )


def test_times_of_analyses_are_an_axis_of_valid_time(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.grib2",
        *(message(n, shortName="2t", dataDate=20240101, dataTime=n * 100) for n in (2, 0, 1)),
    )
    cube = only(path)
    assert cube.axes["time"].labels() == [f"2024-01-01T0{n}:00:00Z" for n in range(3)]
    assert [value(cube, "2t", time=n) for n in range(3)] == [0, 1, 2]
    assert cube.axes["height"].values.tolist() == [2]


def test_levels_in_hpa_and_in_pa_are_one_axis(tmp_path: Path) -> None:
    high = message(
        7.0, sample="regular_ll_pl_grib2", shortName="t", dataDate=20240101,
        typeOfLevel="isobaricInPa", level=50,
    )  # fmt: skip
    cube = only(write(tmp_path / "a.grib2", pressure(5, 500), high, pressure(8, 850)))
    axis = cube.axes["pressure"]
    assert axis.values.tolist() == [850, 500, 0.5]
    assert (axis.units, axis.positive) == ("hPa", "down")
    assert value(cube, "t", pressure=2) == 7


def test_control_and_perturbed_members_are_one_axis(tmp_path: Path) -> None:
    members = [
        message(
            n, sample="regular_ll_sfc_grib1", shortName="2t", dataDate=20240101, stream="enfo",
            type="pf" if n else "cf", number=n,
        )
        for n in range(3)
    ]  # fmt: skip
    cube = only(write(tmp_path / "a.grib", *members))
    assert cube.axes["member"].values.tolist() == [0, 1, 2]
    assert "control" in (cube.axes["member"].title or "")
    assert [value(cube, "2t", member=n) for n in range(3)] == [0, 1, 2]


def test_number_0_of_a_deterministic_run_is_no_member(tmp_path: Path) -> None:
    one = message(1, sample="regular_ll_sfc_grib1", shortName="2t", dataDate=20240101, type="an")
    assert "member" not in only(write(tmp_path / "a.grib", one)).axes


def test_steps_make_a_forecast_and_ranges_have_bounds(tmp_path: Path) -> None:
    rain = [
        message(n, shortName="tp", dataDate=20240101, stepType="accum", stepRange=f"0-{n}")
        for n in (6, 12)
    ]
    wind = [message(n, shortName="10u", dataDate=20240101, stepRange=str(n)) for n in (0, 6, 12)]
    cube = only(write(tmp_path / "a.grib2", *rain, *wind))
    assert cube.is_forecast
    step = cube.axes["step"]
    assert step.values.tolist() == [0, 6 * HOUR, 12 * HOUR]
    assert step.bounds is not None
    assert step.bounds.tolist() == [[0, 0], [0, 6 * HOUR], [0, 12 * HOUR]]
    assert cube.variables["tp"].kind.value == "accumulated"
    assert cube.variables["10u"].kind.value == "instantaneous"
    assert np.isnan(value(cube, "tp", step=0))


def test_intervals_that_end_together_but_differ_are_apart(tmp_path: Path) -> None:
    rain = message(1, shortName="tp", dataDate=20240101, stepType="accum", stepRange="0-6")
    gust = message(2, shortName="10fg", dataDate=20240101, stepType="max", stepRange="3-6")
    found = opened(write(tmp_path / "a.grib2", rain, gust))
    assert found.messages == (2, 2)
    assert len(found.cubes) == 2
    bounds = {
        name: item.cube.axes["time"].bounds for item in found.cubes for name in item.cube.variables
    }
    assert all(edge is not None for edge in bounds.values())
    lengths = {name: int(np.diff(edge).item()) for name, edge in bounds.items() if edge is not None}
    assert sorted(lengths.values()) == [3 * HOUR, 6 * HOUR]


def test_several_intervals_of_one_parameter_are_several_variables(tmp_path: Path) -> None:
    ranges = ["0-6", "0-12", "6-12"]
    rain = [
        message(n, shortName="tp", dataDate=20240101, stepType="accum", stepRange=text)
        for n, text in enumerate(ranges)
    ]
    found = opened(write(tmp_path / "a.grib2", *rain))
    assert found.messages == (3, 3)
    names = {name for item in found.cubes for name in item.cube.variables}
    assert len(names) == 2 or len(found.cubes) == 2


def test_instants_and_averages_of_one_parameter_are_two_variables(tmp_path: Path) -> None:
    flux = [
        message(1, shortName="2t", dataDate=20240101, stepRange="6"),
        message(2, shortName="2t", dataDate=20240101, stepType="avg", stepRange="0-6"),
    ]
    found = opened(write(tmp_path / "a.grib2", *flux))
    assert found.messages == (2, 2)
    values = {
        variable.kind.value: value(item.cube, name)
        for item in found.cubes
        for name, variable in item.cube.variables.items()
    }
    assert values == {"instantaneous": 1, "mean": 2}


def test_steps_in_minutes_and_in_months(tmp_path: Path) -> None:
    minutes = [
        message(n, shortName="2t", dataDate=20240101, stepUnits="m", stepRange=str(n))
        for n in (0, 15, 90)
    ]
    cube = only(write(tmp_path / "minutes.grib2", *minutes))
    assert cube.axes["step"].labels() == ["PT0S", "PT15M", "PT1H30M"]
    months = [
        message(
            n, shortName="2t", dataDate=20240131, indicatorOfUnitOfTimeRange=3, forecastTime=n
        )
        for n in (1, 2)
    ]  # fmt: skip
    cube = only(write(tmp_path / "months.grib2", *months))
    assert cube.axes["step"].labels() == ["P29D", "P60D"], "29 February, 31 March"


def test_sparse_cubes_do_not_take_the_room_of_their_holes(tmp_path: Path) -> None:
    diagonal = [
        message(
            n, shortName="2t", dataDate=20240101 + n, stepRange=str(24 * n),
            productDefinitionTemplateNumber=1, perturbationNumber=n,
        )
        for n in range(20)
    ]  # fmt: skip
    cube = only(write(tmp_path / "a.grib2", *diagonal))
    field = cube.variables["2t"].field
    assert field.shape == (20, 20, 20, 7, 12)
    assert len(field.flat) == 20  # type: ignore[attr-defined]
    assert value(cube, "2t", member=7, reference_time=7, step=7) == 7
    assert np.isnan(value(cube, "2t", member=7, reference_time=7, step=8))


def test_two_grids_are_two_collections(tmp_path: Path) -> None:
    coarse = {"Ni": 6, "iDirectionIncrementInDegrees": 60, "longitudeOfLastGridPointInDegrees": 300,
              "Nj": 4, "jDirectionIncrementInDegrees": 60, "latitudeOfFirstGridPointInDegrees": 90,
              "latitudeOfLastGridPointInDegrees": -90}  # fmt: skip
    found = opened(
        write(
            tmp_path / "a.grib2",
            message(1, shortName="2t", dataDate=20240101),
            message(2, shortName="2t", dataDate=20240101, grid=coarse),
        )
    )
    assert found.messages == (2, 2)
    assert keys(found) == {"30p0", "60p0"}


def test_surface_pressure_and_model_levels_are_named_by_their_kind(tmp_path: Path) -> None:
    found = opened(
        write(
            tmp_path / "a.grib2",
            message(1, shortName="2t", dataDate=20240101),
            pressure(2, 500),
            message(
                3,
                sample="regular_ll_pl_grib2",
                shortName="t",
                dataDate=20240101,
                typeOfLevel="hybrid",
                level=4,
            ),
        )
    )
    assert found.messages == (3, 3)
    assert keys(found) == {"sfc", "pl", "ml"}


def test_experiment_versions_never_merge(tmp_path: Path) -> None:
    versions = [
        message(
            n, sample="regular_ll_sfc_grib1", shortName="2t", dataDate=20240101 + n, expver=expver
        )
        for n, expver in enumerate(("0001", "0005"))
    ]  # fmt: skip
    folder = tmp_path / "era"
    folder.mkdir()
    for n, text in enumerate(versions):
        write(folder / f"{n}.grib", text)
    found = opened(folder)
    assert found.messages == (2, 2)
    assert keys(found) == {"0001", "0005"}


def test_a_field_that_is_there_twice_is_named(tmp_path: Path) -> None:
    again = [message(n, shortName="2t", dataDate=20240101) for n in (1, 2)]
    found = opened(write(tmp_path / "a.grib2", *again))
    assert found.messages == (2, 1)
    assert [(item.name, item.count) for item in found.refusals] == [("message 1", 1)]
    assert value(found.cubes[0].cube, "2t") == 2


def test_a_parameter_without_a_name_keeps_its_numbers(tmp_path: Path) -> None:
    unknown = message(
        3, discipline=0, parameterCategory=1, parameterNumber=220, dataDate=20240101
    )  # fmt: skip
    cube = only(write(tmp_path / "a.grib2", unknown))
    assert set(cube.variables) == {"d0c1n220"}


def test_values_that_look_like_missing_are_kept(tmp_path: Path) -> None:
    field = np.full(84, 9999.0)
    field[3] = 1.0
    cube = only(write(tmp_path / "a.grib2", message(field, shortName="2t", dataDate=20240101)))
    read = cube.variables["2t"].field.read({})
    assert np.isfinite(read).all()
    assert read.ravel()[0] == pytest.approx(9999.0)


def test_bitmaps_are_missing(tmp_path: Path) -> None:
    field = np.arange(84.0)
    field[5] = 9999.0
    one = message(field, shortName="2t", dataDate=20240101, bitmapPresent=1)
    read = only(write(tmp_path / "a.grib2", one)).variables["2t"].field.read({}).ravel()
    assert np.flatnonzero(np.isnan(read)).tolist() == [5]


def test_a_plain_datetime_is_answered_by_the_newest_run(tmp_path: Path) -> None:
    runs = [
        message(
            run + step / 100, shortName="2t", dataDate=20240101, dataTime=run * 100,
            stepRange=str(step), bitsPerValue=24,
        )
        for run in (0, 12)
        for step in (0, 6, 12, 18)
    ]  # fmt: skip
    cube = only(write(tmp_path / "a.grib2", *runs))
    at = cube.axes["reference_time"].values[1] + 6 * HOUR
    answer = cube.select(Query(valid_time=Range(at, at)))
    assert answer.run == "2024-01-01T12:00:00Z"
    assert answer.values["2t"].ravel()[0] == pytest.approx(12.06, abs=1e-3)
    first = cube.axes["reference_time"].values[0]
    other = cube.select(
        Query(valid_time=Range(at, at), ranges={"reference_time": Range(first, first)})
    )
    assert other.run == "2024-01-01T00:00:00Z"
    assert other.values["2t"].ravel()[0] == pytest.approx(0.18, abs=1e-3)


def test_spectral_fields_are_refused_with_the_reason(tmp_path: Path) -> None:
    spectral = message(1.0, sample="sh_pl_grib2", grid={}, shortName="t", dataDate=20240101)
    path = write(tmp_path / "a.grib2", spectral)
    with pytest.raises(NothingToServe, match="spectral"):
        opened(path)
    found = opened(write(tmp_path / "b.grib2", spectral, pressure(1, 500)))
    assert found.messages == (2, 1)
    assert [item.name for item in found.refusals] == ["message 1"]


def test_a_file_that_is_still_being_copied_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    whole = [message(n, shortName="2t", dataDate=20240101 + n) for n in range(3)]
    write(folder / "1.grib2", *whole[:1])
    (folder / "2.grib2").write_bytes(whole[1] + whole[2][:100])
    found = opened(folder)
    assert found.cubes[0].cube.axes["time"].size == 1
    assert any("incomplete" in item.reason for item in found.refusals)
    write(folder / "2.grib2", *whole[1:])
    assert opened(folder).cubes[0].cube.axes["time"].size == 3


def test_grids_of_one_spacing_are_as_many_collections(tmp_path: Path) -> None:
    """By their size, and where that is the same too by their key: none may take the place of another."""
    north = {**GRID, "Nj": 4, "latitudeOfLastGridPointInDegrees": 0}
    south = {**GRID, "Nj": 4, "latitudeOfFirstGridPointInDegrees": 0}
    grids = (GRID, north, south)
    path = write(
        tmp_path / "a.grib2",
        *(message(n, shortName="2t", dataDate=20240101, grid=grid) for n, grid in enumerate(grids)),
    )
    assert len(keys(opened(path))) == 3
    served = report(str(path))
    assert served["messages"] == {"total": 3, "served": 3, "refused": 0}
    assert len({item["id"] for item in served["collections"]}) == 3


def test_reduced_grids_are_called_by_their_number(grib_folder: Path, tmp_path: Path) -> None:
    both = [grib_folder / f"ifs_2t_octahedral_{name}" for name in ("o32.grib1", "o160.grib")]
    path = write(tmp_path / "a.grib", *(file.read_bytes() for file in both))
    assert {key.rpartition("-")[2] for key in keys(opened(path))} == {"o32", "o160"}
