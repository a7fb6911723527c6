"""Every awkward store reads as exactly the cells, axes, times and missing values that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from numpy.typing import NDArray

from providers.axes import Axis, AxisKind
from providers.cube import Coverage, Cube, Query, Range
from providers.store import Dataset, Source, Store
from tests.fixtures_nasty import NASTY, Truth

MESHES = {"projected_3035", "geozarr_3035", "rotated_pole", "curvilinear_nav"}
"""Stores whose longitude and latitude cannot be told apart by dimension."""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    opened = Store(check_interval=0.0)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=sorted(NASTY))
def opened(
    request: pytest.FixtureRequest, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Dataset, Truth]:
    built = NASTY[request.param](tmp_path_factory.mktemp(request.param))
    return request.param, store.dataset(Source((str(built.path),))), built.truth


def cube_with(dataset: Dataset, name: str) -> Cube:
    found = [item.cube for item in dataset.cubes if name in item.cube.variables]
    assert len(found) == 1, f"{name} is in {len(found)} cubes; refused: {dataset.refusals}"
    return found[0]


def whole(cube: Cube, name: str) -> Coverage:
    """All runs and all cells of a variable."""
    ranges = {"reference_time": Range(None, None)} if cube.is_forecast else {}
    if "reference_time" in cube.axes:
        ranges = {"reference_time": Range(None, None)}
    return cube.select(Query((name,), ranges=ranges))


def is_time(axis: Axis) -> bool:
    return axis.kind is AxisKind.TIME


def place_of(truth: Truth) -> dict[tuple[float, float], int]:
    """First flat index of each place of the truth."""
    places: dict[tuple[float, float], int] = {}
    for index, (lon, lat) in enumerate(zip(truth.lon.ravel(), truth.lat.ravel(), strict=True)):
        places.setdefault(_place(lon, lat), index)
    return places


def _place(lon: float, lat: float) -> tuple[float, float]:
    turned = round((float(lon) + 180.0) % 360.0 - 180.0, 5)
    return (-180.0 if turned == 180.0 else turned) + 0.0, round(float(lat), 5) + 0.0


def cells_of(coverage: Coverage) -> list[tuple[float, float]]:
    selection = coverage.selection
    if selection.separable:
        return [_place(x, y) for y, x in product(selection.y, selection.x)]
    return [_place(x, y) for x, y in zip(selection.x, selection.y, strict=True)]


def expected(truth: Truth, name: str, axes: list[Axis], cells: list[int]) -> NDArray[Any]:
    """Values of the truth over the axes (scalar ones of length 1), then the cells asked for."""
    dims = truth.dims[name]
    own = [axis.dim for axis in axes if axis.dim is not None]
    assert sorted([*own, *truth.cells]) == sorted(dims), (own, truth.cells, dims)
    values = truth.values[name].transpose([dims.index(dim) for dim in (*own, *truth.cells)])
    outer = [values.shape[own.index(axis.dim)] if axis.dim else 1 for axis in axes]
    return values.reshape(*outer, -1)[..., cells]


def test_every_cell_is_there_once_with_its_value(opened: tuple[str, Dataset, Truth]) -> None:
    _, dataset, truth = opened
    places = place_of(truth)
    for name in truth.values:
        cube = cube_with(dataset, name)
        coverage = whole(cube, name)
        found = cells_of(coverage)
        assert len(found) == len(set(found))
        assert set(found) == set(places)
        axes = [cube.axes[axis] for axis in coverage.variables[0].axes]
        wanted = expected(truth, name, axes, [places[cell] for cell in found])
        values = coverage.values[name].reshape(wanted.shape)
        np.testing.assert_array_equal(np.isnan(values), np.isnan(wanted))
        np.testing.assert_allclose(values, wanted, rtol=3e-7)


def test_a_point_query_hits_the_cell_of_its_centre(opened: tuple[str, Dataset, Truth]) -> None:
    _, dataset, truth = opened
    name = next(iter(truth.values))
    grid = cube_with(dataset, name).grid
    index = grid.locate(truth.lon.ravel(), truth.lat.ravel())
    assert (index >= 0).all()
    found = [_place(*pair) for pair in zip(*grid.centres(index), strict=True)]
    assert found == [
        _place(*pair) for pair in zip(truth.lon.ravel(), truth.lat.ravel(), strict=True)
    ]


def test_the_grid_is_of_the_kind_the_metadata_say(opened: tuple[str, Dataset, Truth]) -> None:
    name, dataset, truth = opened
    cube = cube_with(dataset, next(iter(truth.values)))
    description = cube.grid.describe()
    if truth.healpix:
        level, scheme = truth.healpix
        assert description["type"] == "healpix"
        assert (description["refinement_level"], description["indexing_scheme"]) == (level, scheme)
    elif name in MESHES:
        assert description["type"] in ("curvilinear", "projected")
    elif len(truth.cells) == 2 or name == "scalar_latitude":
        assert description["type"] == "rectilinear"
    else:
        assert description["type"] == "points"
    if truth.crs:
        assert cube.native_crs is not None
        assert pyproj.CRS(cube.native_crs) == pyproj.CRS(truth.crs)


def test_valid_times_and_calendar_are_those_of_the_file(
    opened: tuple[str, Dataset, Truth],
) -> None:
    _, dataset, truth = opened
    name = next(iter(truth.values))
    cube = cube_with(dataset, name)
    axes = {axis.kind: axis for axis in cube.axes.values()}
    if truth.reference_times is not None:
        reference = axes[AxisKind.REFERENCE_TIME]
        assert bare(reference) == list(map(str, truth.reference_times))
    if cube.is_forecast:
        assert truth.times.ndim == 2
        return
    assert axes[AxisKind.TIME].calendar == truth.calendar
    assert bare(axes[AxisKind.TIME]) == [str(time) for time in np.atleast_1d(truth.times)]


def bare(axis: Axis) -> list[str]:
    return [label.removesuffix("Z") for label in axis.labels()]


def test_other_axes_keep_their_values(opened: tuple[str, Dataset, Truth]) -> None:
    _, dataset, truth = opened
    known = {axis.source_name: axis for item in dataset.cubes for axis in item.cube.axes.values()}
    for name, values in truth.axes.items():
        axis = known[name]
        stored = axis.values / 3.6e9 if axis.kind is AxisKind.STEP else axis.values
        np.testing.assert_allclose(stored, np.atleast_1d(values))


def test_what_is_no_field_is_refused_with_a_reason(opened: tuple[str, Dataset, Truth]) -> None:
    _, dataset, truth = opened
    served = {name for item in dataset.cubes for name in item.cube.variables}
    assert served == set(truth.values)
    reasons = {refusal.name: refusal.reason for refusal in dataset.refusals}
    assert set(truth.not_fields) == set(reasons)
    assert all(reasons.values())


@pytest.mark.parametrize("name", ["cfgrib_runs", "reference_time_axis"])
def test_the_newest_run_that_holds_a_time_answers(name: str, store: Store, tmp_path: Path) -> None:
    built = NASTY[name](tmp_path)
    variable = next(iter(built.truth.values))
    cube = cube_with(store.dataset(Source((str(built.path),))), variable)
    assert built.truth.newest
    for time, index in built.truth.newest.items():
        micros = int(np.datetime64(time, "us").astype(np.int64))
        coverage = cube.select(Query((variable,), valid_time=Range(micros, micros)))
        run = str(np.asarray(built.truth.reference_times)[index[0]])
        assert coverage.run == f"{run}Z"
        wanted = built.truth.values[variable][index]
        np.testing.assert_allclose(coverage.values[variable].reshape(wanted.shape), wanted)
        assert [bare(axis) for axis in coverage.axes.values() if is_time(axis)] == [[time]]


@pytest.mark.parametrize("name", ["cfgrib_runs", "reference_time_axis"])
def test_an_older_run_can_be_chosen(name: str, store: Store, tmp_path: Path) -> None:
    built = NASTY[name](tmp_path)
    variable = next(iter(built.truth.values))
    cube = cube_with(store.dataset(Source((str(built.path),))), variable)
    first = int(cube.axes["reference_time"].values[0])
    coverage = cube.select(Query((variable,), ranges={"reference_time": Range(first, first)}))
    wanted = built.truth.values[variable][0]
    np.testing.assert_allclose(coverage.values[variable].reshape(wanted.shape), wanted)
