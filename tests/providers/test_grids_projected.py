"""Grids in the plane of a projection, and reduced rows: large ones, and how NetCDF and Zarr tell them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyproj
import pytest

from config.errors import TooLarge
from providers.alike import same_grid
from providers.cube import Query
from providers.grids import (
    EARTH_RADIUS,
    Bbox,
    CurvilinearGrid,
    Grid,
    HealpixGrid,
    PointGrid,
    ProjectedGrid,
    RectilinearGrid,
    ReducedGaussianGrid,
)
from providers.grids.reduced import gaussian_latitudes
from providers.queries import one_cell
from tests.providers.memory import cubes_of
from tests.providers.test_grids import GEOS, ROTATED, cells_in, octahedral, unit

TILE = ProjectedGrid("EPSG:32633", (10, 0, 3e5, 0, -10, 5.3e6), (36_000, 36_000))
LAMBERT = {
    "grid_mapping_name": "lambert_conformal_conic", "standard_parallel": [49.0, 60.0], "earth_radius": 6371229.0,
    "latitude_of_projection_origin": 50.0, "longitude_of_central_meridian": 8.0,
}  # fmt: skip
POLE = {
    "grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": 39.25,
    "grid_north_pole_longitude": -162.0, "earth_radius": 6371229.0,
}  # fmt: skip


def milliseconds(call: Any, times: int = 5) -> float:
    """Of computing: what else the machine does meanwhile does not count."""
    taken = []
    for _ in range(times):
        start = time.thread_time()
        call()
        taken.append(time.thread_time() - start)
    return min(taken) * 1e3


# very many cells


def test_a_small_box_of_a_billion_cells_is_found_without_looking_at_them() -> None:
    box = Bbox(14.0, 46.0, 14.01, 46.01)
    taken = milliseconds(lambda: TILE.cover(box), 2)
    selection = TILE.cover(box)
    to_plane = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:32633", always_xy=True)
    x, y = to_plane.transform([14.0, 14.01, 14.0, 14.01], [46.0, 46.0, 46.01, 46.01])
    columns = np.arange(int((min(x) - 3e5) / 10) - 3, int((max(x) - 3e5) / 10) + 3)
    rows = np.arange(int((5.3e6 - max(y)) / 10) - 3, int((5.3e6 - min(y)) / 10) + 3)
    cells = (rows[:, None] * 36_000 + columns).ravel()
    lon, lat = TILE.centres(cells)
    inside = (abs(lon - 14.005) <= 0.005 + 1e-6) & (abs(lat - 46.005) <= 0.005 + 1e-6)
    block = [np.arange(part.start, part.stop) for part in selection.indexers]  # type: ignore[union-attr]
    found = (block[0][:, None] * 36_000 + block[1]).ravel()[selection.pick]
    np.testing.assert_array_equal(found, cells[inside])
    assert taken < 500


def test_points_among_a_billion_cells_are_found_in_milliseconds() -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(13, 16, 65_536), rng.uniform(45, 47.5, 65_536)
    assert milliseconds(lambda: TILE.locate(lon, lat)) < 200
    found = TILE.locate(lon, lat)
    x, y = TILE.centres(found)
    away = np.linalg.norm(unit(lon, lat) - unit(x, y), axis=-1) * EARTH_RADIUS
    assert away.max() < 5 * np.sqrt(2) * 1.01


def test_an_octahedral_grid_finds_points_in_milliseconds() -> None:
    grid = octahedral(1280)
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-180, 180, 65_536), rng.uniform(-90, 90, 65_536)
    assert milliseconds(lambda: grid.locate(lon, lat)) < 100
    assert grid.name == "O1280"


@pytest.mark.parametrize("box", [None, Bbox(-180, -90, 180, 90), Bbox(0, 40, 30, 60)])
def test_a_box_of_too_many_cells_is_refused_before_their_places_are_computed(
    box: Bbox | None,
) -> None:
    start = time.thread_time()
    with pytest.raises(TooLarge, match="about 1296000000 cells"):
        TILE.cover(box)
    assert time.thread_time() - start < 2


def test_whether_a_box_meets_a_billion_cells_is_known_at_once() -> None:
    boxes = {
        Bbox(-180, -90, 180, 90): True, Bbox(14, 46, 14.0001, 46.0001): True, Bbox(0, 40, 30, 60): True,
        Bbox(100, 40, 130, 60): False, Bbox(17.5, 46, 17.6, 46.1): False,
    }  # fmt: skip
    assert {box: TILE.meets(box) for box in boxes} == boxes


# from space


def disc() -> ProjectedGrid:
    return ProjectedGrid(GEOS, (3e4, 0, -5568e3, 0, -3e4, 5568e3), (371, 371))


def test_what_the_satellite_does_not_see_is_in_no_cell() -> None:
    grid = disc()
    assert (grid.locate([0, 0, 180, 85, -85], [90, -90, 0, 0, 0]) == -1).all()
    lon, lat = grid.centres()
    seen = np.isfinite(lon)
    assert 0.7 < seen.mean() < 0.8
    assert (grid.locate(lon[seen], lat[seen]) == np.flatnonzero(seen)).all()
    angle = np.degrees(np.arccos(unit(lon[seen], lat[seen])[:, 0]))
    assert angle.max() < 81.4


def test_a_disc_covers_the_cells_that_are_on_the_earth() -> None:
    grid = disc()
    selection = grid.cover(None)
    assert sorted(cells_in(grid, selection)) == list(np.flatnonzero(np.isfinite(grid.centres()[0])))
    assert np.isfinite(selection.x).all()
    areas = grid.areas()
    assert np.isfinite(areas).all()
    assert (areas[~np.isfinite(grid.centres()[0])] == 0).all()
    cap = 2 * np.pi * EARTH_RADIUS**2 * (1 - np.cos(np.radians(81.3)))
    assert areas.sum() == pytest.approx(cap, rel=0.08)  # cells at the limb are cut
    index, weight = grid.neighbours(*(part[np.isfinite(part)] for part in grid.centres()))
    np.testing.assert_allclose(weight.sum(axis=1), 1)
    assert np.isfinite(grid.centres(np.where(index < 0, index.max(), index))[0]).all()


# exact numbers


def test_cells_of_an_equal_area_projection_have_one_area() -> None:
    grid = ProjectedGrid(
        "+proj=laea +lat_0=52 +lon_0=10 +R=6371229", (1e4, 0, -5e5, 0, -1e4, 5e5), (100, 100)
    )
    np.testing.assert_allclose(grid.areas(), 1e8, rtol=1e-5)


def test_interpolation_in_the_plane_is_linear() -> None:
    grid = ProjectedGrid("EPSG:3035", (1e4, 0, 4e6, 0, -1e4, 3e6), (40, 50))
    row, column = np.divmod(np.arange(grid.size), 50)
    field = 3.0 * column - 2.0 * row
    rng = np.random.default_rng(1)
    x, y = rng.uniform(1, 49, 500), rng.uniform(1, 39, 500)
    index, weight = grid.neighbours(*grid.to_lonlat(x, y))
    np.testing.assert_allclose(
        (field[index] * weight).sum(axis=1), 3 * (x - 0.5) - 2 * (y - 0.5), atol=1e-5
    )


def test_interpolation_between_reduced_rows_follows_latitude_and_longitude() -> None:
    grid = octahedral(24)
    lon, lat = grid.centres()
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-180, 540, 2000), rng.uniform(-85, 85, 2000)
    index, weight = grid.neighbours(x, y)
    np.testing.assert_allclose((lat[index] * weight).sum(axis=1), y, atol=1e-9)
    wave = np.sin(np.radians(2 * lon))
    np.testing.assert_allclose(
        (wave[index] * weight).sum(axis=1), np.sin(np.radians(2 * x)), atol=0.07
    )


def test_one_cell_of_a_projection_keeps_its_place() -> None:
    x, y = 8e5 + 1e4 * np.arange(6), 1e5 - 1e4 * np.arange(5)
    (cube,) = cubes_of([*plane_items(x, y), ("m", (), 0, LAMBERT)])
    assert isinstance(cube.grid, ProjectedGrid)
    cell = 2 * 6 + 3
    lon, lat = cube.grid.centres(np.array([cell]))
    selection = one_cell(cube, cell, float(lon[0]))
    assert (selection.x[0], selection.y[0]) == (lon[0], lat[0])
    coverage = cube.select(
        Query(bbox=Bbox(lon[0] - 0.01, lat[0] - 0.01, lon[0] + 0.01, lat[0] + 0.01))
    )
    assert coverage.values["v"].ravel().tolist() == [cell]


# the same grid


def test_a_projection_is_the_same_however_its_text_and_numbers_are_rounded() -> None:
    affine = (1e4, 0, -5e5, 0, -1e4, 5e5)
    one = ProjectedGrid("+proj=lcc +lat_1=50 +lat_0=50 +lon_0=8 +R=6371229", affine, (100, 100))
    two = ProjectedGrid(
        pyproj.CRS.from_cf({**LAMBERT, "standard_parallel": 50.0}),
        (1e4 + 0.3, *affine[1:]),
        (100, 100),
    )
    assert one.key != two.key
    assert same_grid(one, two)
    moved = ProjectedGrid(one.crs, (1e4, 0, -5e5 + 2e3, 0, -1e4, 5e5), (100, 100))
    assert not same_grid(one, moved)
    other = ProjectedGrid("+proj=lcc +lat_1=50 +lat_0=50 +lon_0=9 +R=6371229", affine, (100, 100))
    assert not same_grid(one, other)


# NetCDF and Zarr


def plane_items(x: Any, y: Any, values: Any = None) -> list[Any]:
    field = np.arange(float(len(x) * len(y))).reshape(len(y), len(x)) if values is None else values
    return [
        ("x", ("x",), x, {"standard_name": "projection_x_coordinate", "units": "m"}),
        ("y", ("y",), y, {"standard_name": "projection_y_coordinate", "units": "m"}),
        ("v", ("y", "x"), field, {"grid_mapping": "m"}),
    ]


def grid_in(*items: Any) -> Grid:
    (cube,) = cubes_of(items)
    return cube.grid


@pytest.mark.parametrize("mapping", [LAMBERT, POLE], ids=["lambert", "rotated_pole"])
def test_even_x_and_y_are_where_pyproj_puts_them(mapping: dict[str, Any]) -> None:
    scale = 1.0 if mapping is LAMBERT else 1e-5
    x, y = scale * (-3e5 + 25e3 * np.arange(20)), scale * (4e5 - 25e3 * np.arange(15))
    items = plane_items(x.astype(np.float32), y.astype(np.float32))
    if mapping is POLE:
        items = [
            ("x", ("x",), x.astype(np.float32), {"standard_name": "grid_longitude", "units": "degrees"}),
            ("y", ("y",), y.astype(np.float32), {"standard_name": "grid_latitude", "units": "degrees"}),
            items[-1],
        ]  # fmt: skip
    (cube,) = cubes_of([*items, ("m", (), 0, mapping)])
    assert isinstance(cube.grid, ProjectedGrid)
    assert cube.native_crs is not None
    to_lonlat = pyproj.Transformer.from_crs(
        pyproj.CRS.from_cf(mapping), "OGC:CRS84", always_xy=True
    )
    mesh = np.meshgrid(x, y)
    expected = to_lonlat.transform(*(part.ravel() for part in mesh))
    np.testing.assert_allclose(cube.grid.centres(), expected, atol=1e-5)
    assert cube.grid.describe()["grid_mapping"]["grid_mapping_name"] == mapping["grid_mapping_name"]


def test_uneven_x_stays_a_mesh() -> None:
    x, y = np.array([0.0, 1e4, 3e4, 7e4]), 1e4 * np.arange(5.0)
    assert isinstance(grid_in(*plane_items(x, y), ("m", (), 0, LAMBERT)), CurvilinearGrid)


def test_a_turned_affine_is_a_grid() -> None:
    mapping = {**LAMBERT, "GeoTransform": "300000 8000 6000 5000000 6000 -8000"}
    mapping |= {"crs_wkt": pyproj.CRS.from_epsg(32633).to_wkt()}
    field = np.zeros((30, 20))
    grid = grid_in(("v", ("y", "x"), field, {"grid_mapping": "m"}), ("m", (), 0, mapping))
    assert isinstance(grid, ProjectedGrid)
    assert grid.affine == (8e3, 6e3, 3e5, 6e3, -8e3, 5e6)


def cells(grid: Grid, dtype: str = "f8") -> list[Any]:
    lon, lat = grid.centres()
    return [
        ("lat", ("values",), lat.astype(dtype), {"units": "degrees_north"}),
        ("lon", ("values",), lon.astype(dtype), {"units": "degrees_east"}),
        ("v", ("values",), np.arange(float(grid.size)), {}),
    ]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("turn", [0.0, 180.0])
def test_rows_of_cells_are_known_by_their_coordinates(dtype: str, turn: float) -> None:
    stated = octahedral(32)
    items = cells(stated, dtype)
    lon = (items[1][2] + turn) % 360 - turn
    items[1] = ("lon", ("values",), lon.astype(dtype), {"units": "degrees_east"})
    grid = grid_in(*items)
    assert isinstance(grid, ReducedGaussianGrid)
    assert grid.name == "O32"
    assert same_grid(grid, stated)


def test_cells_without_rows_stay_points() -> None:
    turn = np.arange(3000) * 137.508
    mesh = PointGrid(turn % 360, np.degrees(np.arcsin(1 - 2 * (np.arange(3000) + 0.5) / 3000)))
    assert isinstance(grid_in(*cells(mesh)), PointGrid)
    ring = HealpixGrid(8, nested=False)  # its rows are even too, but turned
    lat = np.repeat([10.0, 20.0, 30.0], 4)
    stations = PointGrid(np.tile([0.0, 10.0, 30.0, 80.0], 3), lat)
    assert isinstance(grid_in(*cells(stations)), PointGrid)
    assert isinstance(grid_in(*cells(ring)), PointGrid)


def test_points_of_each_row_make_a_grid_without_coordinates_of_cells() -> None:
    stated = octahedral(16)
    field = np.arange(float(stated.size))
    cfgrib = {"GRIB_N": 16, "GRIB_pl": stated.counts, "GRIB_gridType": "reduced_gg"}
    grid = grid_in(("v", ("values",), field, cfgrib))
    assert grid.key == stated.key
    cdo = [
        ("lat", ("lat",), gaussian_latitudes(16), {"units": "degrees_north"}),
        ("reduced_points", ("lat",), stated.counts.astype("i4"), {"long_name": "number of longitudes"}),
        ("v", ("rgrid",), field, {"CDI_grid_type": "gaussian_reduced"}),
    ]  # fmt: skip
    cubes = [cube for cube in cubes_of(cdo) if "v" in cube.variables]
    assert [cube.grid.key for cube in cubes] == [stated.key]


# what is none


@pytest.mark.parametrize(
    ("lat", "counts", "options"),
    [
        ([10, 10], [4, 4], {}),
        ([10, 95], [4, 4], {}),
        ([10, 20], [4, -1], {}),
        ([10, 20], [0, 0], {}),
        ([10, 20, 30], [4, 4], {}),
        ([10, float("nan")], [4, 4], {}),
        ([10, 20], [4, 4], {"step": 100}),
        ([10, 20], [4, 4], {"step": -1}),
        ([10, 20], [4, 4], {"first": float("nan")}),
    ],
)
def test_reduced_rows_that_make_no_grid_are_refused(lat: Any, counts: Any, options: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        ReducedGaussianGrid(lat, counts, **options)


@pytest.mark.parametrize(
    "affine", [(0, 0, 0, 0, 0, 0), (1, 1, 0, 1, 1, 0), (1, 0, float("nan"), 0, 1, 0)]
)
def test_an_affine_without_an_inverse_is_refused(affine: Any) -> None:
    with pytest.raises(ValueError, match="inverted"):
        ProjectedGrid(ROTATED, affine, (2, 2))


def test_gaussian_latitudes_are_the_roots_of_legendre_polynomials() -> None:
    roots, _ = np.polynomial.legendre.leggauss(160)
    np.testing.assert_allclose(
        gaussian_latitudes(80), np.degrees(np.arcsin(roots[::-1])), atol=1e-10
    )


def test_rows_of_a_full_grid_match_the_regular_one() -> None:
    lat = gaussian_latitudes(16)
    reduced = ReducedGaussianGrid(lat, np.full(32, 64))
    regular = RectilinearGrid(lat, np.arange(64) * 5.625)
    rng = np.random.default_rng(1)
    lon, y = rng.uniform(-400, 700, 20_000), rng.uniform(-90, 90, 20_000)
    np.testing.assert_array_equal(reduced.locate(lon, y), regular.locate(lon, y))
    np.testing.assert_allclose(reduced.areas(), regular.areas())
    assert reduced.name is None
