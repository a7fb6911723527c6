"""Means, extremes and sums that mean something: by area, by length of interval, around the circle, never of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.stats import circmean

from config.errors import InvalidParameter
from providers.axes import AxisKind
from providers.cube import Coverage, Query, VariableKind
from providers.grids import Bbox
from providers.semantics.accumulation import deaccumulate
from providers.semantics.reducing import reduce
from providers.store import Source, Store
from tests.providers.memory import LAT, LON, cubes_of

HOUR = 3_600_000_000
LATS, LONS = np.array([60.0, 30.0, 0.0]), np.array([0.0, 10.0])
WIND = {"standard_name": "wind_from_direction", "units": "degree"}
CLASSES = {"flag_values": np.array([1, 2, 3]), "flag_meanings": "a b c"}


def series(
    values: ArrayLike,
    *,
    times: Sequence[float] | None = None,
    bounds: ArrayLike | None = None,
    kind: str = "time",
    **attributes: Any,
) -> Coverage:
    """Values over (time, lat, lon); one number per time means everywhere."""
    array = np.asarray(values)
    if array.ndim == 1:
        array = np.broadcast_to(array[:, None, None], (len(array), 3, 2))
    hours = np.arange(len(array), dtype=float) if times is None else np.asarray(times, float)
    step = {"standard_name": "forecast_period", "units": "hours"}
    facts: Mapping[str, Any] = (
        step if kind == "step" else {"standard_name": "time", "units": "hours since 2026-01-01"}
    )
    items: list[Any] = [
        ("lat", ("lat",), LATS, LAT),
        ("lon", ("lon",), LONS, LON),
        (kind, (kind,), hours, facts if bounds is None else {**facts, "bounds": "edges"}),
        ("v", (kind, "lat", "lon"), array, attributes),
    ]
    if bounds is not None:
        items.append(("edges", (kind, "nv"), np.asarray(bounds, float), {}))
    if kind == "step":
        reference = {"standard_name": "forecast_reference_time", "units": "hours since 2026-01-01"}
        items.append(("reference", (), 0.0, reference))
    (cube,) = cubes_of(items)
    return cube.select(Query())


def first(coverage: Coverage) -> NDArray[Any]:
    return coverage.values["v"][..., 0, 0].ravel()


def test_wave_direction_at_359_and_1_averages_to_0() -> None:
    found = reduce(series([359.0, 1.0], **WIND), "time", "mean")
    np.testing.assert_allclose(first(found), [0.0], atol=1e-9)
    assert found.variables[0].kind is VariableKind.DIRECTION


@pytest.mark.parametrize("angles", [[350, 30, 10], [90, 180], [181, 179, 180], [10, 20, 300, 340]])
def test_means_of_directions_equal_another_circular_mean(angles: list[float]) -> None:
    found = first(reduce(series(np.array(angles, float), **WIND), "time", "mean"))
    assert abs((found[0] - circmean(angles, high=360) + 180) % 360 - 180) < 1e-6
    assert 0 <= found[0] < 360


def test_directions_that_cancel_have_no_mean() -> None:
    assert np.isnan(first(reduce(series([0.0, 180.0], **WIND), "time", "mean"))).all()


@pytest.mark.parametrize("method", ["min", "max", "sum", "std", "mode"])
def test_directions_only_have_a_mean(method: Any) -> None:
    with pytest.raises(InvalidParameter) as raised:
        reduce(series([0.0, 90.0], **WIND), "time", method)
    assert raised.value.allowed == ["mean"]


def test_classes_only_have_a_mode() -> None:
    coverage = series(np.array([1, 3, 3, 2], np.int16), **CLASSES)
    assert first(reduce(coverage, "time", "mode")).tolist() == [3]
    for method in ("mean", "min", "sum"):
        with pytest.raises(InvalidParameter) as raised:
            reduce(coverage, "time", method)  # type: ignore[arg-type]
        assert raised.value.allowed == ["mode"]


def test_the_mode_over_cells_goes_by_area() -> None:
    """Three classes with two cells each: those at the equator are the largest."""
    values = np.array([[[1, 1], [2, 2], [3, 3]]], np.int16)
    coverage = series(values, **CLASSES)
    assert reduce(coverage, "cells", "mode").values["v"].ravel().tolist() == [3]


def test_numbers_have_no_mode() -> None:
    with pytest.raises(InvalidParameter):
        reduce(series([1.0, 2.0]), "time", "mode")


@pytest.mark.parametrize("method", ["mean", "min", "max", "sum", "std"])
def test_numbers_over_time_equal_numpy(method: str) -> None:
    values = np.random.default_rng(2).normal(size=(7, 3, 2))
    values[2, 0, 0] = values[:, 2, 1] = np.nan
    found = reduce(series(values), "time", method)  # type: ignore[arg-type]
    expected = getattr(np, f"nan{method}")(values[:, :2], axis=0)
    np.testing.assert_allclose(found.values["v"][0, :2], expected, rtol=1e-12)
    assert np.isnan(found.values["v"][0, 2]).tolist() == [False, True]


def test_means_over_time_go_by_the_length_of_intervals() -> None:
    """Monthly means of January and February 2026: 31 and 28 days."""
    bounds = np.array([[0, 31], [31, 59]]) * 24.0
    coverage = series([10.0, 20.0], times=[360, 1080], bounds=bounds, cell_methods="time: mean")
    found = reduce(coverage, "time", "mean")
    np.testing.assert_allclose(first(found), [(31 * 10 + 28 * 20) / 59])
    assert found.axes["time"].bounds is not None
    assert np.diff(found.axes["time"].bounds).tolist() == [[59 * 24 * HOUR]]
    assert found.variables[0].attributes["cell_methods"] == "time: mean time: mean"
    assert found.variables[0].kind is VariableKind.MEAN
    directions = series([0.0, 90.0], times=[1, 4], bounds=[[0, 1], [1, 4]], **WIND)
    weighted = np.degrees(np.arctan2(3, 1))
    np.testing.assert_allclose(first(reduce(directions, "time", "mean")), [weighted], rtol=1e-6)


def test_points_in_time_and_climatologies_count_once_each() -> None:
    bounds = [[0, 1], [1, 4]]
    points = series([10.0, 20.0], times=[1, 4], bounds=bounds, cell_methods="time: point")
    found = reduce(points, "time", "mean")
    np.testing.assert_allclose(first(found), [15.0])
    assert found.variables[0].attributes["cell_methods"] == "time: mean"
    methods = "time: mean within years time: mean over years"
    climate = series(
        [10.0, 20.0], times=[1, 4], bounds=[[0, 900], [800, 4000]], cell_methods=methods
    )
    np.testing.assert_allclose(first(reduce(climate, "time", "mean")), [15.0])


def test_amounts_add_up_and_their_mean_is_per_interval() -> None:
    rain = series(
        [1.0, 2.0, 6.0],
        times=[6, 12, 24],
        bounds=[[0, 6], [6, 12], [12, 24]],
        cell_methods="time: sum",
    )
    total = reduce(rain, "time", "sum")
    np.testing.assert_allclose(first(total), [9.0])
    assert total.variables[0].kind is VariableKind.SUM
    np.testing.assert_allclose(first(reduce(rain, "time", "mean")), [3.0])


@pytest.mark.parametrize("method", ["sum", "mean"])
@pytest.mark.parametrize("methods", ["time: sum", "time: mean"])
def test_intervals_that_overlap_are_not_counted_twice(method: Any, methods: str) -> None:
    since_start = series([1.0, 3.0], times=[6, 12], bounds=[[0, 6], [0, 12]], cell_methods=methods)
    with pytest.raises(InvalidParameter, match="overlap"):
        reduce(since_start, "time", method)
    assert first(reduce(since_start, "time", "max")).tolist() == [3.0]


def test_means_over_cells_go_by_area() -> None:
    values = np.arange(6.0).reshape(1, 3, 2)
    found = reduce(series(values), "cells", "mean")
    edges = np.radians([75.0, 45.0, 15.0, -15.0])
    band = np.sin(edges[:-1]) - np.sin(edges[1:])
    expected = (values[0].mean(axis=1) * band).sum() / band.sum()
    np.testing.assert_allclose(found.values["v"], [[expected]])
    assert found.selection.size == 1
    assert found.variables[0].attributes["cell_methods"] == "area: mean"
    assert found.variables[0].kind is VariableKind.INSTANT


def test_missing_cells_leave_their_area_out() -> None:
    values = np.array([[[1.0, np.nan], [np.nan, np.nan], [np.nan, 5.0]]])
    edges = np.radians([75.0, 45.0, 15.0, -15.0])
    band = np.sin(edges[:-1]) - np.sin(edges[1:])
    expected = (1 * band[0] + 5 * band[2]) / (band[0] + band[2])
    np.testing.assert_allclose(reduce(series(values), "cells", "mean").values["v"], [[expected]])
    assert np.isnan(reduce(series(values * np.nan), "cells", "mean").values["v"]).all()


def test_extremes_of_whole_numbers_stay_whole() -> None:
    found = reduce(series(np.array([3, 1, 2], np.int32)), "time", "max")
    assert found.values["v"].dtype == np.int32


def test_axes_other_than_time_and_height_go() -> None:
    member = {"standard_name": "realization"}
    level = {"standard_name": "air_pressure", "units": "hPa"}
    values = np.arange(24.0).reshape(2, 2, 3, 2)
    (cube,) = cubes_of(
        [
            ("lat", ("lat",), LATS, LAT),
            ("lon", ("lon",), LONS, LON),
            ("number", ("number",), np.array([0, 1]), member),
            ("level", ("level",), np.array([1000.0, 500.0]), level),
            ("v", ("number", "level", "lat", "lon"), values, {}),
            ("orography", ("lat", "lon"), values[0, 0], {}),
        ]
    )
    coverage = cube.select(Query())
    mean = reduce(coverage, "member", "mean")
    np.testing.assert_allclose(mean.values["v"], values.mean(axis=0))
    assert (set(mean.axes), mean.variables[0].axes) == ({"level"}, ("level",))
    np.testing.assert_allclose(mean.values["orography"], values[0, 0])
    assert reduce(coverage, "number", "mean").axes.keys() == mean.axes.keys()
    levels = reduce(mean, "level", "max")
    axis = levels.axes["level"]
    assert (axis.kind, axis.bounds.tolist()) == (AxisKind.Z, [[500.0, 1000.0]])  # type: ignore[union-attr]
    with pytest.raises(InvalidParameter) as raised:
        reduce(coverage, "depth", "mean")
    assert raised.value.allowed == ["member", "level", "cells"]


def test_amounts_since_the_start_become_amounts_per_step() -> None:
    amounts = np.random.default_rng(4).uniform(size=(5, 3, 2)).astype(np.float32)
    ends = np.array([3.0, 6.0, 9.0, 15.0, 24.0])
    bounds = np.stack((np.zeros(5), ends), axis=1)
    since_start = np.cumsum(amounts, axis=0)
    rain = series(
        since_start, times=list(ends), bounds=bounds, kind="step", cell_methods="time: sum"
    )
    found = deaccumulate(rain, "v")
    by_hand = np.diff(since_start, axis=0, prepend=np.zeros((1, 3, 2), np.float32))
    np.testing.assert_array_equal(found.values["v"].reshape(5, 3, 2), by_hand)
    (axis,) = (item for item in found.axes.values() if item.kind is AxisKind.TIME)
    start = int(np.datetime64("2026-01-01", "us").astype(np.int64))
    assert axis.bounds is not None
    edges = (axis.bounds - start) / HOUR
    assert edges.tolist() == [[0, 3], [3, 6], [6, 9], [9, 15], [15, 24]]
    assert ((axis.values - start) / HOUR).tolist() == ends.tolist()
    np.testing.assert_allclose(
        first(reduce(found, "time", "sum")), since_start[-1, 0, 0], rtol=1e-6
    )


def test_a_step_at_which_nothing_has_accumulated_is_left_out() -> None:
    rain = series(
        [0.0, 1.0, 4.0],
        times=[0, 6, 12],
        bounds=[[0, 0], [0, 6], [0, 12]],
        cell_methods="time: sum",
    )
    assert first(deaccumulate(rain, "v")).tolist() == [1.0, 3.0]


def test_accumulations_that_begin_anew_are_taken_apart_from_each_start() -> None:
    """As in reanalyses: from 06 and 18 UTC, twelve hours each; and amounts that are per step already."""
    bounds = [[6, 9], [6, 12], [18, 21], [18, 24]]
    rain = series(
        [1.0, 3.0, 10.0, 11.0], times=[9, 12, 21, 24], bounds=bounds, cell_methods="time: sum"
    )
    assert first(deaccumulate(rain, "v")).tolist() == [1.0, 2.0, 10.0, 1.0]
    plain = series([1.0, 3.0], times=[1, 2], bounds=[[0, 1], [1, 2]], cell_methods="time: sum")
    assert first(deaccumulate(plain, "v")).tolist() == [1.0, 3.0]


def test_means_over_intervals_are_left_as_they_are() -> None:
    mean = series([1.0, 3.0], times=[6, 12], bounds=[[0, 6], [0, 12]], cell_methods="time: mean")
    assert deaccumulate(mean, "v") is mean


def test_what_is_not_accumulated_or_does_not_say_since_when_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="instantaneous"):
        deaccumulate(series([1.0, 2.0]), "v")
    with pytest.raises(InvalidParameter, match="bounds"):
        deaccumulate(series([1.0, 2.0], cell_methods="time: sum"), "v")
    with pytest.raises(InvalidParameter, match="overlap"):
        deaccumulate(
            series([1.0, 2.0], times=[6, 9], bounds=[[0, 6], [3, 9]], cell_methods="time: sum"), "v"
        )
    with pytest.raises(InvalidParameter) as raised:
        deaccumulate(series([1.0, 2.0]), "w")
    assert raised.value.allowed == ["v"]


def test_wave_directions_of_a_real_file_over_a_day(netcdf_folder: Path) -> None:
    store = Store()
    path = netcdf_folder / "cmems_nws_waves_2017-10-28.nc"
    (named,) = store.dataset(Source((str(path),))).cubes
    coverage = named.cube.select(Query(("VMDR",), Bbox(2, 52, 4, 54)))
    found = reduce(coverage, "time", "mean").values["VMDR"][0]
    stored = coverage.values["VMDR"].astype(np.float64)
    expected = circmean(stored, high=360, axis=0)
    known = np.isfinite(stored).all(axis=0)
    assert known.sum() > 50
    assert np.abs((found[known] - expected[known] + 180) % 360 - 180).max() < 1e-3
    store.close()
