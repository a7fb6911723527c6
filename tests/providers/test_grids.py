"""Grids: any box gives exactly the cells it should, and every class keeps the promises of its interface."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import healpy
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

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
    Selection,
)
from providers.grids.base import wrap180
from providers.grids.reduced import gaussian_latitudes
from tests.providers.memory import rectilinear_cube

Doubles = NDArray[np.floating[Any]]
SPHERE = 4 * np.pi * EARTH_RADIUS**2
NEAR = 1e-6

# boxes on rectilinear cubes


@st.composite
def latitudes(draw: st.DrawFn) -> Doubles:
    """Regular or Gaussian, whole or limited, from either side."""
    count = draw(st.integers(1, 24))
    kind = draw(st.sampled_from(["regular", "gaussian", "limited", "unequal"]))
    if kind == "gaussian":
        values = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(2 * count)[0]))
    elif kind == "regular":
        values = np.linspace(-90, 90, count + 1)
    elif kind == "limited":
        start, step = draw(st.integers(-80, 60)), draw(st.sampled_from([0.25, 0.5, 1.0]))
        values = start + step * np.arange(count)
    else:
        steps = draw(st.lists(st.integers(1, 8), min_size=1, max_size=20))
        values = np.cumsum(steps) - 80.0
    return values[::-1].copy() if draw(st.booleans()) else values


@st.composite
def longitudes(draw: st.DrawFn) -> Doubles:
    """All the way around from anywhere, wrapped or not, the first meridian repeated or not; or a region."""
    start = draw(st.sampled_from([-180.0, 0.0, 180.0, 350.0, -7.5, 179.5, 0.125]))
    if draw(st.booleans()):
        count = draw(st.sampled_from([4, 12, 16, 36]))
        values = start + 360.0 / count * np.arange(count)
        if draw(st.booleans()):
            values = np.append(values, values[0] + 360.0)
        elif draw(st.booleans()):
            values = np.mod(values, 360.0)
    else:
        step = draw(st.sampled_from([0.25, 1.0, 2.5, 7.0]))
        values = start + step * np.arange(draw(st.integers(1, 30)))
    return values[::-1].copy() if draw(st.booleans()) else values


@st.composite
def boxes(draw: st.DrawFn, lat: Doubles, lon: Doubles) -> Bbox:
    """Corners anywhere or exactly on centres; west may exceed east."""
    west, east = (
        draw(st.one_of(st.floats(-360, 540), st.sampled_from(list(lon)), st.integers(-180, 360)))
        for _ in range(2)
    )
    if draw(st.booleans()) and west > east:
        west, east = east, west
    south, north = sorted(
        draw(st.one_of(st.floats(-90, 90), st.sampled_from(list(lat)))) for _ in range(2)
    )
    return Bbox(float(west), float(south), float(east), float(north))


def going_east(west: float, lon: Doubles, near: float = NEAR) -> Doubles:
    """Degrees from the west side of a box to each longitude, rounding just before it counting as on it."""
    away = (lon - west) % 360.0
    return np.where(away > 360.0 - near - 1e-9, away - 360.0, away)


def share(step: float) -> float:
    """How far the sides of a box reach beyond it: a hundredth of a cell."""
    return max(NEAR, step / 100)


def wanted_columns(lon: Doubles, box: Bbox) -> list[float]:
    """Distance from the west side of each column expected, ascending; every meridian once."""
    meridians = distinct(lon)
    near = share(typical_step(meridians))
    away = np.sort(going_east(box.west, meridians, near))
    inside = away[(away <= box.width + near) | (box.width >= 360)]
    if len(inside):
        return list(inside)
    middle = box.west + box.width / 2
    at = nearest_within(meridians, middle, typical_step(meridians))
    return (
        []
        if at is None
        else [float(going_east(middle - 180.0, meridians[[at]])[0] - 180 + box.width / 2)]
    )


def wanted_rows(lat: Doubles, lon: Doubles, box: Bbox) -> list[float]:
    near = share(float(np.median(np.diff(np.sort(lat)))) if len(lat) > 1 else 1.0)
    inside = lat[(lat >= box.south - near) & (lat <= box.north + near)]
    if len(inside):
        return list(inside)
    ordered = np.sort(lat)
    middle = (box.south + box.north) / 2
    edges = edges_of(ordered, lon)
    at = np.flatnonzero((edges[:-1] <= middle) & (middle <= edges[1:]))
    return [float(ordered[at[0]])] if len(at) else []


def edges_of(ordered: Doubles, lon: Doubles) -> Doubles:
    """Half-way between rows, half a step beyond the outer ones; around the globe a sliver at the pole joins them."""
    step = np.diff(ordered) if len(ordered) > 1 else np.ones(1)
    middle = (ordered[1:] + ordered[:-1]) / 2
    ends = [ordered[0] - step[0] / 2], [ordered[-1] + step[-1] / 2]
    edges: Doubles = np.concatenate((ends[0], middle, ends[1])).clip(-90, 90)
    meridians = distinct(lon)
    if len(meridians) > 1 and len(meridians) * typical_step(meridians) > 359:
        near = 0.4 * float(np.median(step))
        edges[0] = -90 if edges[0] + 90 < near else edges[0]
        edges[-1] = 90 if 90 - edges[-1] < near else edges[-1]
    return edges


def distinct(lon: Doubles) -> Doubles:
    turned = np.round(lon % 360.0, 6) % 360.0
    return lon[np.unique(turned, return_index=True)[1]]


def typical_step(meridians: Doubles) -> float:
    gaps = np.diff(np.sort(meridians % 360.0), append=np.min(meridians % 360.0) + 360.0)
    return float(np.min(gaps)) if len(meridians) > 1 else 1.0


def nearest_within(meridians: Doubles, middle: float, step: float) -> int | None:
    away = np.abs((meridians - middle + 180.0) % 360.0 - 180.0)
    return int(np.argmin(away)) if away.min() <= step / 2 + NEAR else None


@given(st.data(), latitudes(), longitudes())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_box_gives_exactly_its_cells(data: st.DataObject, lat: Doubles, lon: Doubles) -> None:
    box = data.draw(boxes(lat, lon))
    assume(not on_a_boundary(lat, lon, box))
    values = np.arange(len(lat) * len(lon), dtype=np.float64).reshape(len(lat), len(lon))
    cube = rectilinear_cube(lat, lon, values)
    selection = cube.grid.cover(box)
    rows, columns = wanted_rows(lat, lon, box), wanted_columns(lon, box)
    if not rows or not columns:
        assert selection.size == 0
        return
    np.testing.assert_allclose(np.sort(selection.y), np.sort(rows), atol=1e-9)
    np.testing.assert_allclose(selection.x - box.west, columns, atol=1e-5)
    assert (np.diff(selection.x) > 0).all()
    got = cube.read_variable(cube.variables["v"], {}, selection)
    assert got.shape == (len(selection.y), len(selection.x))
    for (row, y), (column, x) in product(enumerate(selection.y), enumerate(selection.x)):
        index = int(got[row, column])
        assert lat[index // len(lon)] == pytest.approx(y)
        assert abs(wrap180(np.array([lon[index % len(lon)] - x]))[0]) < 1e-5


def on_a_boundary(lat: Doubles, lon: Doubles, box: Bbox) -> bool:
    """The middle of the box, or a side of it, so close to a boundary that rounding decides."""
    middle = (box.south + box.north) / 2
    edges = edges_of(np.sort(lat), lon)
    if np.abs(edges - middle).min() < 1e-5:
        return True
    meridians = distinct(lon)
    step = typical_step(meridians)
    centre = box.west + box.width / 2
    away = np.abs((meridians - centre + 180.0) % 360.0 - 180.0)
    sides = np.abs(
        (meridians[:, None] - np.array([box.west, box.west + box.width]) + 180) % 360 - 180
    )
    tiny = (sides > 1e-9) & (sides < 1e-5)
    rows = np.abs(lat[:, None] - np.array([box.south, box.north]))
    close = (rows > 1e-9) & (rows < 1e-5)
    return bool(np.abs(away - step / 2).min() < 1e-5 or tiny.any() or close.any())


@pytest.mark.parametrize(
    ("lon", "box", "expected"),
    [
        (np.arange(-180.0, 180, 30), (170, 0, -170, 1), [180]),
        (np.arange(0.0, 360, 30), (-60, 0, 30, 1), [-60, -30, 0, 30]),
        (np.arange(180.0, 540, 30), (-40, 0, 40, 1), [-30, 0, 30]),
        (np.arange(350.0, 380), (-2, 0, 2, 1), [-2, -1, 0, 1, 2]),
        (np.arange(350.0, 380), (358, 0, 362, 1), [358, 359, 360, 361, 362]),
        (np.arange(0.0, 361, 90), (-180, 0, 180, 1), [-180, -90, 0, 90]),
        (np.arange(170.0, 191), (179, 0, -179, 1), [179, 180, 181]),
        (np.arange(170.0, 191), (-181, 0, -179, 1), [-181, -180, -179]),
    ],
)
def test_longitudes_come_back_in_the_frame_of_the_box(
    lon: Doubles, box: tuple[float, ...], expected: list[float]
) -> None:
    cube = rectilinear_cube([0.0, 1.0], lon, np.zeros((2, len(lon))))
    coverage = cube.select(Query(bbox=Bbox(*map(float, box))))
    assert coverage.selection.x.tolist() == expected  # to the last digit: no -2.6e-15


# every class


def _fibonacci(count: int) -> tuple[Doubles, Doubles]:
    index = np.arange(count)
    lat = np.degrees(np.arcsin(1 - (2 * index + 1) / count))
    return wrap180(index * 137.50776405), lat


def _stereographic(north: bool = True) -> tuple[Doubles, Doubles]:
    """A square mesh around a pole."""
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 21), np.linspace(-0.3, 0.3, 21))
    lat = 90 - 2 * np.degrees(np.arctan(np.hypot(x, y) / 2))
    return np.degrees(np.arctan2(x, -y)), lat if north else -lat


def _tilted(west: float) -> tuple[Doubles, Doubles]:
    column, row = np.meshgrid(np.arange(30.0), np.arange(20.0))
    return west + column + row / 4, -10 + row + column / 8


def gaussian(count: int) -> Doubles:
    return np.degrees(np.arcsin(np.polynomial.legendre.leggauss(count)[0]))[::-1].copy()


ROTATED = "+proj=ob_tran +o_proj=longlat +o_lat_p=39.25 +o_lon_p=0 +lon_0=18 +R=6371229 +type=crs"
GEOS = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +a=6378169 +b=6356583.8 +type=crs"


def octahedral(number: int) -> ReducedGaussianGrid:
    half = 20 + 4 * np.arange(number)
    return ReducedGaussianGrid(gaussian_latitudes(number), np.concatenate((half, half[::-1])))


def around(crs: str, lon: float, lat: float, step: float, shape: tuple[int, int]) -> ProjectedGrid:
    """Square cells of ``step`` around a place."""
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(lon, lat)
    left, top = x - step * shape[1] / 2, y + step * shape[0] / 2
    return ProjectedGrid(crs, (step, 0, left, 0, -step, top), shape)


GLOBAL: dict[str, Grid] = {
    "regular": RectilinearGrid(np.arange(90.0, -91, -5), np.arange(0.0, 360, 5)),
    "regular_cells": RectilinearGrid(np.arange(-87.5, 90, 5), np.arange(-177.5, 180, 5)),
    "regular_repeated": RectilinearGrid(np.arange(-90.0, 91, 10), np.arange(-180.0, 181, 10)),
    "regular_wrapped": RectilinearGrid(
        np.arange(-90.0, 91, 10), np.mod(np.arange(180.0, 540, 10), 360)
    ),
    "regular_westward": RectilinearGrid(np.arange(-90.0, 91, 10), np.arange(350.0, -1, -10)),
    "gaussian": RectilinearGrid(gaussian(64), np.arange(128) * 2.8125),
    "healpix_ring": HealpixGrid(8, nested=False),
    "healpix_nested": HealpixGrid(8, nested=True),
    "healpix_smallest": HealpixGrid(1, nested=True),
    "mesh": PointGrid(*_fibonacci(3000)),
    "octahedral": octahedral(16),
    "reduced": ReducedGaussianGrid(
        gaussian_latitudes(3)[::-1], [20, 24, 36, 36, 24, 20], first=[0, 3, 350, 0, 0, -8]
    ),
    "rotated_globe": ProjectedGrid(ROTATED, (10, 0, 0, 0, -10, 90), (18, 36)),
}
PARTIAL: dict[str, Grid] = {
    "region": RectilinearGrid(np.arange(30.0, 61), np.arange(-10.0, 41)),
    "region_over_the_dateline": RectilinearGrid(np.arange(-20.0, 0), np.arange(170.0, 191)),
    "region_350_to_379": RectilinearGrid(np.arange(40.0, 51), np.arange(350.0, 380)),
    "one_cell": RectilinearGrid([45.0], [10.0]),
    "tilted_mesh": CurvilinearGrid(*_tilted(0.0)),
    "tilted_mesh_over_the_dateline": CurvilinearGrid(*_tilted(165.0)),
    "mesh_around_the_north_pole": CurvilinearGrid(*_stereographic()),
    "mesh_around_the_south_pole": CurvilinearGrid(*_stereographic(north=False)),
    "stations": PointGrid([7.1, -21.9, 178.44, -171.77, 18.42], [50.7, 64.1, -18.1, -13.8, -33.9]),
    "healpix_some_cells": HealpixGrid(8, nested=True, cells=np.arange(100, 300)[::-1]),
    "healpix_scattered_cells": HealpixGrid(8, nested=False, cells=[700, 3, 5, 400]),
    "reduced_region": ReducedGaussianGrid(
        [40, 41, 42.5, 44, 45], [5, 6, 0, 7, 3], first=[350, 349, 0, 352, 2], step=[2, 2.5, 1, 3, 1]
    ),
    "reduced_region_over_the_dateline": ReducedGaussianGrid(
        [10, 5, 0, -5], [5, 6, 4, 7], first=[170, 171, 168, 175], step=5
    ),
    "lambert": around(
        "+proj=lcc +lat_1=49 +lat_2=60 +lat_0=50 +lon_0=8 +R=6371229", 8, 50, 5e4, (40, 50)
    ),
    "laea": around("EPSG:3035", 10, 52, 1e5, (45, 40)),
    "utm_over_the_dateline": around("EPSG:32601", 179.9, 60, 2e4, (40, 30)),
    "utm_south_over_the_dateline": around("EPSG:32760", -179.95, -17, 2e4, (40, 30)),
    "stereographic_north": around("EPSG:3413", 0, 90, 2e5, (30, 32)),
    "stereographic_south": around("EPSG:3031", 0, -90, 2e5, (30, 32)),
    "mercator_over_the_dateline": ProjectedGrid(
        "+proj=merc +lon_0=0 +R=6371229", (2e5, 0, 15e6, 0, -2e5, 4e6), (40, 50)
    ),
    "rotated_pole": ProjectedGrid(ROTATED, (1, 0, -30, 0, -1, 25), (50, 60)),
    "turned": ProjectedGrid("EPSG:32633", (8e3, 6e3, 3e5, 6e3, -8e3, 5e6), (60, 50)),
    "south_up": ProjectedGrid("EPSG:3857", (1e5, 0, 0, 0, 1e5, 0), (20, 30)),
}
EVERY = {**GLOBAL, **PARTIAL}
any_grid = pytest.mark.parametrize("grid", EVERY.values(), ids=EVERY)
global_grid = pytest.mark.parametrize("grid", GLOBAL.values(), ids=GLOBAL)


def random_points(count: int, seed: int = 7) -> tuple[Doubles, Doubles]:
    """Even over the sphere."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-180, 540, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))


def unit(lon: Any, lat: Any) -> Doubles:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), -1)


def same_place(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return bool(np.abs(unit(*one) - unit(*other)).max() < 1e-9)


@any_grid
def test_a_centre_lies_in_its_own_cell(grid: Grid) -> None:
    index = np.arange(grid.size)
    found = grid.locate(*grid.centres(index))
    assert (found >= 0).all()
    assert same_place(grid.centres(found), grid.centres(index))
    assert same_place(grid.centres(), grid.centres(index))


@any_grid
@pytest.mark.parametrize("turn", [-360.0, 360.0])
def test_a_full_turn_of_longitude_changes_nothing(grid: Grid, turn: float) -> None:
    lon, lat = random_points(2000)
    lon = np.round(lon * 4) / 4 + 0.1
    np.testing.assert_array_equal(grid.locate(lon, lat), grid.locate(lon + turn, lat))


@any_grid
def test_weights_sum_to_one_and_nothing_is_found_outside(grid: Grid) -> None:
    lon, lat = random_points(2000)
    index, weight = grid.neighbours(lon, lat)
    inside = grid.locate(lon, lat) >= 0
    assert index.shape == weight.shape == (2000, index.shape[1])
    assert inside.any() or grid.size < 10
    np.testing.assert_allclose(weight[inside].sum(axis=1), 1.0)
    assert (weight >= 0).all()
    assert (index < grid.size).all()
    assert (index[weight > 0] >= 0).all()
    assert (weight[index < 0] == 0).all()
    if not isinstance(grid, HealpixGrid):
        assert (index[~inside] == -1).all()


@any_grid
def test_neighbours_of_a_centre_give_its_own_value(grid: Grid) -> None:
    index = np.arange(grid.size)
    lon, lat = grid.centres(index)
    found, weight = grid.neighbours(lon, lat)
    value = unit(*grid.centres(np.where(found >= 0, found, 0))) * weight[..., None]
    np.testing.assert_allclose(value.sum(axis=1), unit(lon, lat), atol=1e-6)


@any_grid
def test_no_number_is_in_no_cell(grid: Grid) -> None:
    nan = float("nan")
    lon, lat = [nan, 0.0, nan, float("inf"), 0.0], [0.0, nan, nan, 0.0, float("-inf")]
    np.testing.assert_array_equal(grid.locate(lon, lat), -1)
    index, weight = grid.neighbours(lon, lat)
    np.testing.assert_array_equal(index, -1)
    np.testing.assert_array_equal(weight, 0)


@any_grid
def test_latitudes_beyond_the_poles_are_in_no_cell(grid: Grid) -> None:
    np.testing.assert_array_equal(grid.locate([0.0, 10.0], [90.5, -91.0]), -1)


@any_grid
def test_locate_keeps_the_shape_of_its_input(grid: Grid) -> None:
    assert grid.locate(10.0, 50.0).shape == ()
    assert grid.locate([[10.0], [20.0]], [[0.0, 1.0]]).shape == (2, 2)
    assert grid.locate([], []).shape == (0,)


@global_grid
def test_a_global_grid_has_no_holes(grid: Grid) -> None:
    lon, lat = random_points(5000)
    lon[:4], lat[:4] = [0, 77, -180, 180], [90, -90, 90, -90]
    lon[4:8], lat[4:8] = [180, -180, 179.999999, 360], [0, 0, 12, 89.99]
    assert (grid.locate(lon, lat) >= 0).all()
    assert grid.extent == Bbox(-180.0, -90.0, 180.0, 90.0)


@global_grid
def test_the_dateline_is_one_place(grid: Grid) -> None:
    lat = np.linspace(-89.3, 89.3, 50)
    np.testing.assert_array_equal(
        grid.locate(np.full(50, -180.0), lat), grid.locate(np.full(50, 180.0), lat)
    )


@pytest.mark.parametrize(
    "grid", [grid for grid in GLOBAL.values() if not isinstance(grid, PointGrid)]
)
def test_areas_of_a_global_grid_sum_to_the_sphere(grid: Grid) -> None:
    areas = grid.areas()
    assert areas.shape == (grid.size,)
    assert areas.sum() == pytest.approx(SPHERE, rel=1e-9)
    np.testing.assert_allclose(grid.areas(np.arange(grid.size)[::-1]), areas[::-1])


def test_areas_of_a_mesh_follow_its_cells() -> None:
    lat, lon = np.arange(-40.0, 41, 2), np.arange(0.0, 60, 2)
    mesh = CurvilinearGrid(*np.meshgrid(lon, lat))
    exact = RectilinearGrid(lat, lon).areas()
    np.testing.assert_allclose(mesh.areas(), exact, rtol=2e-3)


@any_grid
def test_edges_are_around_the_centre(grid: Grid) -> None:
    index = np.arange(grid.size)
    lon, lat = grid.centres(index)
    x, y = grid.edges(index)
    assert x.shape == y.shape
    assert len(x) == grid.size
    x = lon[:, None] + (x - lon[:, None] + 180) % 360 - 180
    if isinstance(grid, RectilinearGrid):
        assert (x.min(axis=1) <= lon).all()
        assert (x.max(axis=1) >= lon).all()
        assert (y.min(axis=1) <= lat).all()
        assert (y.max(axis=1) >= lat).all()
        return
    centre, corners = unit(lon, lat), unit(x, y)
    east = np.stack((-np.sin(np.radians(lon)), np.cos(np.radians(lon)), 0 * lon), -1)
    north = np.cross(centre, east)
    scale = (corners * centre[:, None]).sum(-1)
    plane = np.stack([(corners * axis[:, None]).sum(-1) / scale for axis in (east, north)], -1)
    polygons = shapely.polygons(plane)
    outside = ~shapely.intersects(polygons, shapely.Point(0, 0))
    if isinstance(grid, PointGrid):  # squares in degrees, which mean little at a pole
        outside &= np.abs(lat) < 85
    assert not outside.any(), np.flatnonzero(outside)


@any_grid
def test_the_extent_holds_every_centre(grid: Grid) -> None:
    box = grid.extent
    assert -180 <= box.west < 180
    assert -90 <= box.south <= box.north <= 90
    lon, lat = grid.centres()
    assert ((lat >= box.south - NEAR) & (lat <= box.north + NEAR)).all()
    assert (going_east(box.west, lon) <= box.width + NEAR).all()


def cells_in(grid: Grid, selection: Selection) -> list[int]:
    """Flat index of every selected cell, read as a reader would."""
    numbers = np.arange(grid.size).reshape(grid.shape)
    axes = [
        np.arange(size)[item] for size, item in zip(grid.shape, selection.indexers, strict=True)
    ]
    block = numbers[np.ix_(*axes)]
    flat = block.ravel() if selection.pick is None else block.ravel()[selection.pick]
    return [int(cell) for cell in flat]


SEARCHED: dict[str, Grid] = {
    **{name: grid for name, grid in EVERY.items() if not isinstance(grid, RectilinearGrid)},
    "reduced_fine": octahedral(200),
    "lambert_fine": around(
        "+proj=lcc +lat_1=49 +lat_0=50 +lon_0=8 +R=6371229", 8, 50, 8e3, (500, 600)
    ),
    "stereographic_fine": around("EPSG:3413", 0, 90, 1e4, (600, 700)),
    "utm_fine": around("EPSG:32601", 179.9, 60, 500, (600, 700)),
    "rotated_fine": ProjectedGrid(ROTATED, (0.1, 0, -30, 0, -0.1, 25), (500, 600)),
    "disc": ProjectedGrid(GEOS, (9e3, 0, -5568e3, 0, -9e3, 5568e3), (1237, 1237)),
    "healpix_fine_nested": HealpixGrid(128, nested=True),
    "healpix_fine_ring": HealpixGrid(128, nested=False),
}
corners = st.one_of(st.floats(-360, 540), st.integers(-180, 360).map(float))
parallels = st.one_of(st.floats(-90, 90), st.integers(-90, 90).map(float))


@pytest.mark.parametrize("grid", SEARCHED.values(), ids=SEARCHED)
@given(west=corners, east=corners, one=parallels, other=parallels)
@example(west=170.0, east=-170.0, one=-90.0, other=90.0)
@example(west=-180.0, east=180.0, one=80.0, other=90.0)
@example(west=10.0, east=10.01, one=45.0, other=45.01)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_box_on_cells_without_rows_gives_exactly_its_cells(
    grid: Grid, west: float, east: float, one: float, other: float
) -> None:
    box = Bbox(west, min(one, other), east, max(one, other))
    lon, lat = grid.centres()
    away = going_east(box.west, lon)
    inside = (away <= box.width + NEAR) | (box.width >= 360)
    expected = np.flatnonzero(inside & (lat >= box.south - NEAR) & (lat <= box.north + NEAR))
    selection = grid.cover(box)
    found = cells_in(grid, selection)
    if not len(expected):
        middle = grid.locate(box.west + box.width / 2, (box.south + box.north) / 2)
        expected = np.atleast_1d(middle)[np.atleast_1d(middle) >= 0]
    else:
        assert (selection.x >= box.west - 2 * NEAR).all()
        assert (selection.x <= box.west + box.width + 360 * (box.width >= 360) + 2 * NEAR).all()
    assert sorted(found) == list(expected)
    assert not found or same_place((selection.x, selection.y), (lon[found], lat[found]))


@any_grid
def test_no_box_means_every_cell_once(grid: Grid) -> None:
    selection = grid.cover(None)
    found = cells_in(grid, selection)
    assert len(found) == len(set(found))
    repeated = isinstance(grid, RectilinearGrid) and grid.repeated
    assert len(found) == grid.size - (grid.shape[0] if repeated else 0)


@any_grid
def test_the_key_tells_grids_apart(grid: Grid) -> None:
    assert sum(grid.key == other.key for other in EVERY.values()) == 1


# HEALPix as others count it


@pytest.mark.parametrize("nested", [False, True], ids=["ring", "nested"])
@pytest.mark.parametrize("nside", [1, 2, 16, 64])
def test_healpix_centres_are_those_of_healpy(nside: int, nested: bool) -> None:
    grid = HealpixGrid(nside, nested=nested)
    expected = healpy.pix2ang(nside, np.arange(12 * nside**2), nest=nested, lonlat=True)
    assert same_place(grid.centres(), expected)


@pytest.mark.parametrize("nested", [False, True], ids=["ring", "nested"])
@pytest.mark.parametrize("nside", [1, 32, 1024])
def test_healpix_finds_the_cells_that_healpy_finds(nside: int, nested: bool) -> None:
    lon, lat = random_points(100_000)
    lon[:6], lat[:6] = [0, 0, 180, -180, 359.99, 45], [90, -90, 0, 0, 1, 41.8]
    found = HealpixGrid(nside, nested=nested).locate(lon, lat)
    expected = healpy.ang2pix(nside, lon % 360, lat, nest=nested, lonlat=True)
    on_border = np.flatnonzero(found != expected)
    assert len(on_border) <= 4
    towards = np.stack(healpy.pix2vec(nside, found[on_border], nest=nested), -1)
    place = unit(lon[on_border], lat[on_border])
    moved = place + 1e-6 * (towards - place)  # rounding decides on a border, not next to it
    np.testing.assert_array_equal(healpy.vec2pix(nside, *moved.T, nest=nested), found[on_border])


@pytest.mark.parametrize("nested", [False, True], ids=["ring", "nested"])
def test_healpix_interpolates_as_well_as_healpy(nested: bool) -> None:
    grid = HealpixGrid(16, nested=nested)
    lon, lat = random_points(2000)
    index, weight = grid.neighbours(lon, lat)
    pixels, shares = healpy.get_interp_weights(16, lon % 360, lat, nest=nested, lonlat=True)
    centres = unit(*grid.centres())
    ours = (centres[index] * weight[..., None]).sum(axis=1)
    theirs = (centres[pixels] * shares[..., None]).sum(axis=0)
    exact = unit(lon, lat)
    assert np.abs(ours - exact).max() <= 2 * np.abs(theirs - exact).max()


def test_some_cells_of_healpix_answer_by_their_place_in_the_array() -> None:
    cells = np.array([300, 17, 40])
    grid = HealpixGrid(8, nested=True, cells=cells)
    lon, lat = healpy.pix2ang(8, np.array([17, 40, 300, 5]), nest=True, lonlat=True)
    np.testing.assert_array_equal(grid.locate(lon, lat), [1, 2, 0, -1])


# what is no grid


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ([0.0, 2.0, 1.0], [0.0, 1.0]),
        ([0.0, 1.0], [0.0, 5.0, 3.0]),
        ([0.0, float("nan")], [0.0]),
        ([91.0], [0.0]),
        ([], [0.0]),
        ([0.0], np.arange(0.0, 800, 10)),
    ],
)
def test_coordinates_that_are_no_grid_are_refused(lat: Any, lon: Any) -> None:
    with pytest.raises(ValueError, match=r"monotonic|missing|poles|cells|360"):
        RectilinearGrid(lat, lon)


@pytest.mark.parametrize("nside", [0, 3, 12, -4])
def test_an_nside_that_is_no_power_of_two_is_refused(nside: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        HealpixGrid(nside, nested=True)


def test_cell_ids_beyond_the_sphere_are_refused() -> None:
    with pytest.raises(ValueError, match="beyond"):
        HealpixGrid(2, nested=True, cells=[0, 48])
