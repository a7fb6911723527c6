"""Values at points: nearest and interpolated, as the kind of each variable allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import circmean

from config.errors import InvalidParameter, NoData
from providers.cube import Cube, Query, Range
from providers.grids import CurvilinearGrid
from providers.semantics import sampling
from providers.semantics.sampling import sample
from providers.store import Source, Store
from tests.providers.memory import LAT, LON, cubes_of

LATS, LONS = np.linspace(60.0, 30.0, 16), np.linspace(-10.0, 30.0, 21)


def cube(values: NDArray[Any], **attributes: Any) -> Cube:
    dims = ("level", "lat", "lon")[3 - values.ndim :]
    coordinates = [("lat", ("lat",), LATS, LAT), ("lon", ("lon",), LONS, LON)]
    if values.ndim == 3:
        facts = {"standard_name": "air_pressure", "units": "hPa"}
        coordinates.append(("level", ("level",), np.array([1000.0, 500.0]), facts))
    (made,) = cubes_of([*coordinates, ("v", dims, values, {"units": "K", **attributes})])
    return made


def points(count: int, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    return random.uniform(-9.5, 29.5, count), random.uniform(30.5, 59.5, count)


def noise(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(5).normal(size=shape)


def test_bilinear_values_equal_another_interpolation() -> None:
    values = noise(2, 16, 21)
    lon, lat = points(300)
    found = sample(cube(values), Query(), lon, lat, "bilinear")
    assert found.values["v"].shape == (2, 300)
    for level in range(2):
        other = RegularGridInterpolator((LATS[::-1], LONS), values[level, ::-1])
        np.testing.assert_allclose(found.values["v"][level], other((lat, lon)), rtol=1e-9)
    assert found.methods == {"v": "bilinear"}


def test_nearest_values_are_those_of_the_cell() -> None:
    values = noise(16, 21)
    lon, lat = points(300)
    found = sample(cube(values), Query(), lon + 360.0, lat)
    row = np.abs(LATS[:, None] - lat).argmin(axis=0)
    column = np.abs(LONS[:, None] - lon).argmin(axis=0)
    assert found.values["v"].tolist() == values[row, column].tolist()


def test_a_query_chooses_levels_and_variables() -> None:
    values = noise(2, 16, 21)
    found = sample(cube(values), Query(("v",), ranges={"level": Range(500, 500)}), [0.0], [48.0])
    assert found.values["v"].tolist() == [[values[1, 6, 5]]]
    assert found.axes["level"].values.tolist() == [500]


def test_points_outside_are_missing_and_none_inside_is_no_data() -> None:
    found = sample(cube(noise(16, 21)), Query(), [0.0, 100.0], [45.0, 45.0], "bilinear")
    assert np.isnan(found.values["v"]).tolist() == [False, True]
    with pytest.raises(NoData):
        sample(cube(noise(16, 21)), Query(), [100.0], [45.0])
    with pytest.raises(InvalidParameter, match="cubic"):
        sample(cube(noise(16, 21)), Query(), [0.0], [45.0], "cubic")  # type: ignore[arg-type]


def test_cells_without_a_value_leave_their_weight_to_the_others() -> None:
    values = np.full((16, 21), np.nan)
    values[6, 5], values[6, 6] = 10.0, 20.0  # 48 N, 0 and 2 E; the row south of it is missing
    found = sample(cube(values), Query(), [0.5, 0.5, 10.5], [47.0, 48.0, 40.0], "bilinear")
    np.testing.assert_allclose(found.values["v"], [12.5, 12.5, np.nan])


@pytest.mark.parametrize(
    ("west", "east", "expected"), [(359.0, 1.0, 0.0), (350.0, 20.0, 5.0), (90.0, 180.0, 135.0)]
)
def test_directions_are_interpolated_around_the_circle(
    west: float, east: float, expected: float
) -> None:
    values = np.full((16, 21), west)
    values[:, 6:] = east
    found = sample(
        cube(values, standard_name="wind_from_direction", units="degree"),
        Query(),
        [1.0],
        [48.0],
        "bilinear",
    )
    assert abs((found.values["v"][0] - expected + 180) % 360 - 180) < 1e-6
    assert 0 <= found.values["v"][0] < 360


def test_directions_that_cancel_have_no_mean() -> None:
    values = np.full((16, 21), 0.0)
    values[:, 6:] = 180.0
    found = sample(
        cube(values, standard_name="wind_from_direction", units="degree"),
        Query(),
        [1.0],
        [48.0],
        "bilinear",
    )
    assert np.isnan(found.values["v"][0])


def test_directions_in_radians_stay_in_radians() -> None:
    values = np.full((16, 21), 2 * np.pi - 0.2)
    values[:, 6:] = 0.4
    found = sample(
        cube(values, standard_name="wind_from_direction", units="rad"),
        Query(),
        [1.0],
        [48.0],
        "bilinear",
    )
    np.testing.assert_allclose(found.values["v"], [0.1], atol=1e-6)


def test_categories_are_never_interpolated() -> None:
    values = np.random.default_rng(1).choice([1, 5, 9], size=(16, 21)).astype(np.int16)
    flags = {"flag_values": np.array([1, 5, 9]), "flag_meanings": "water forest town"}
    lon, lat = points(200)
    found = sample(cube(values, **flags), Query(), lon, lat, "bilinear")
    assert found.methods == {"v": "nearest"}
    assert found.values["v"].dtype.kind == "i"
    assert set(found.values["v"].tolist()) <= {1, 5, 9}
    assert (
        found.values["v"].tolist()
        == sample(cube(values, **flags), Query(), lon, lat).values["v"].tolist()
    )


def test_many_points_far_apart_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(2, 16, 21)
    lon, lat = points(300)
    whole = sample(cube(values), Query(), lon, lat).values["v"]
    monkeypatch.setattr(sampling, "_BLOCK", 10)
    monkeypatch.setattr(sampling, "_BATCH", 7)
    assert sample(cube(values), Query(), lon, lat).values["v"].tolist() == whole.tolist()


def test_meshes_are_sampled_too() -> None:
    values = noise(16, 21)
    plain = cube(values)
    lon, lat = np.meshgrid(LONS, LATS)
    mesh = replace(plain, grid=CurvilinearGrid(lon, lat))
    x, y = points(100)
    nearest = sample(mesh, Query(), x, y).values["v"]
    agree = nearest == sample(plain, Query(), x, y).values["v"]
    assert agree.mean() > 0.9, "cells of a mesh are those with the nearest centre"
    around = sample(mesh, Query(), x, y, "bilinear").values["v"]
    assert (np.abs(around) <= np.abs(values).max()).all()


def test_cells_with_times_of_their_own_answer_for_the_time_asked_for() -> None:
    hours = np.array([0.0, 1.0, 2.0])
    time = {"standard_name": "time", "units": "hours since 2026-01-01"}
    (track,) = cubes_of(
        [
            ("lat", ("obs",), np.array([40.0, 41.0, 42.0]), LAT),
            ("lon", ("obs",), np.array([0.0, 1.0, 2.0]), LON),
            ("time", ("obs",), hours, time),
            ("v", ("obs",), np.array([5.0, 6.0, 7.0]), {"coordinates": "time lat lon"}),
        ]
    )
    start = int(np.datetime64("2026-01-01T01", "us").astype(np.int64))
    asked = Query(valid_time=Range(start, start))
    found = sample(track, asked, [0.0, 1.0, 2.0], [40.0, 41.0, 42.0])
    np.testing.assert_array_equal(found.values["v"], [np.nan, 6.0, np.nan])


def test_wave_directions_of_a_real_file_between_cells(netcdf_folder: Path) -> None:
    """Half-way between two cells of a row: the circular mean of both."""
    store = Store()
    path = netcdf_folder / "cmems_nws_waves_2017-10-28.nc"
    (named,) = store.dataset(Source((str(path),))).cubes
    waves = named.cube
    everything = waves.select(Query(("VMDR",)))
    stored, lon, lat = everything.values["VMDR"], everything.selection.x, everything.selection.y
    row, checked = len(lat) // 2, 0
    for column in range(len(lon) - 1):
        pair = stored[:, row, column : column + 2].astype(np.float64)
        if np.isnan(pair).any():
            continue
        middle = (lon[column] + lon[column + 1]) / 2
        found = sample(waves, Query(("VMDR",)), [middle], [lat[row]], "bilinear").values["VMDR"][
            :, 0
        ]
        expected = circmean(pair, high=360, axis=1)
        assert np.abs((found - expected + 180) % 360 - 180).max() < 0.05
        checked += 1
    assert checked > 10
    store.close()
