"""Values on other cells against rasterio, xarray and brute force, on every class of grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.transform
import rasterio.warp
import xarray as xr
from affine import Affine

from providers.coverage import Coverage
from providers.cube import Cube, Query
from providers.fields import Values
from providers.grids import Bbox, CurvilinearGrid, HealpixGrid, PointGrid, ReducedGaussianGrid
from providers.grids.reduced import gaussian_latitudes
from providers.resampling import (
    even_degrees,
    even_plane,
    resampled,
    rows_and_columns,
    spread,
)
from providers.variables import VariableKind
from tests.providers.memory import LAT, LON, cube_on, cubes_of, rectilinear_cube
from tests.providers.rasters import numbered, open_cube
from tests.providers.rasters import write as write_raster

random = np.random.default_rng(11)


def field(rows: int, columns: int, *, holes: bool = True) -> Values:
    values = random.normal(280, 10, (rows, columns)).astype(np.float32)
    if holes:
        values[random.random((rows, columns)) < 0.05] = np.nan
    return values


def regular(values: Values, lat: Any, lon: Any, **facts: Any) -> Coverage:
    (cube,) = cubes_of(
        [
            ("lat", ("lat",), lat, LAT),
            ("lon", ("lon",), lon, LON),
            ("t", ("lat", "lon"), values, facts),
        ]
    )
    return cube.lazy(cube.plan(Query()))


def taken(coverage: Coverage) -> Values:
    return coverage.load().values[coverage.variables[0].id]


GLOBE_LAT, GLOBE_LON = np.arange(89.5, -90, -1.0), np.arange(0.5, 360, 1.0)


@pytest.mark.parametrize(("method", "reduce"), [("min", "min"), ("max", "max"), ("mean", "mean")])
def test_whole_blocks_equal_xarray_coarsen(method: Any, reduce: str) -> None:
    """Over rows so near to each other that the area does not tell (xarray does not weight)."""
    lat, lon = np.arange(0.0955, -0.1, -0.001), np.arange(10.0005, 10.4, 0.001)
    values = field(len(lat), len(lon))
    found = regular(values, lat, lon)
    box, columns, rows = spread(found)
    assert (columns, rows) == (len(lon), len(lat))
    size = 4
    answer = resampled(found, *even_degrees(box, columns // size, rows // size), method)
    blocks = xr.DataArray(values[: rows // size * size], dims=("y", "x")).coarsen(
        y=size, x=size, boundary="trim"
    )
    expected = getattr(blocks, reduce)().values
    np.testing.assert_allclose(taken(answer), expected, rtol=2e-6)


def test_means_keep_the_integral_over_the_sphere() -> None:
    values = field(180, 360, holes=False)
    found = regular(values, GLOBE_LAT, GLOBE_LON)
    answer = resampled(found, *even_degrees(Bbox(-180, -90, 180, 90), 51, 23), "mean")
    weights = np.cos(np.radians(GLOBE_LAT))[:, None] * np.ones(360)
    edges = np.sin(np.radians(np.linspace(90, -90, 24)))
    shares = -np.diff(edges)[:, None] * np.ones(51)
    assert np.average(taken(answer), weights=shares) == pytest.approx(
        np.average(values, weights=weights), abs=1e-3
    )


@pytest.mark.parametrize("frame", [-180.0, 0.0, -30.0])
def test_means_across_the_seam_are_those_anywhere(frame: float) -> None:
    """Cells that straddle 0 or 180 degrees count on both sides."""
    values = np.broadcast_to(np.cos(np.radians(GLOBE_LON - 77.0)), (180, 360)).astype(np.float32)
    found = regular(values, GLOBE_LAT, GLOBE_LON)
    box = Bbox(frame + 0.25, -90, frame + 360.25, 90)
    answer = taken(resampled(found, *even_degrees(box, 72, 36), "mean"))
    centres = box.west + 2.5 + 5 * np.arange(72)
    np.testing.assert_allclose(answer[18], np.cos(np.radians(centres - 77.0)), atol=2e-3)


@pytest.mark.parametrize("epsg", [3857, 3035, 32633])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_other_crs_agree_with_rasterio(tmp_path: Path, epsg: int, method: Any) -> None:
    values = np.add.outer(np.arange(80.0) ** 1.5, 3 * np.arange(120.0)).astype(np.float32)
    path = write_raster(tmp_path / "a.tif", values, transform=Affine(0.25, 0, 0, 0, -0.25, 60))
    cube = open_cube(path)
    found = cube.lazy(cube.plan(Query(), cube.grid.window(None)))
    crs = rasterio.CRS.from_epsg(epsg)
    bounds = rasterio.warp.transform_bounds("EPSG:4326", crs, 8.013, 45.007, 20.011, 55.009)
    rows, columns = 280, 200  # finer than stored: GDAL widens its kernel where cells are coarser
    grid, selection = even_plane(pyproj.CRS.from_epsg(epsg), bounds, columns, rows)
    answer = taken(resampled(found, grid, selection, method)).reshape(rows, columns)
    expected = np.full((rows, columns), np.nan, np.float32)
    rasterio.warp.reproject(
        values, expected, src_transform=Affine(0.25, 0, 0, 0, -0.25, 60), src_crs="EPSG:4326",
        dst_transform=rasterio.transform.from_bounds(*bounds, columns, rows), dst_crs=crs,
        resampling=rasterio.warp.Resampling[method], dst_nodata=np.nan, tolerance=0.0,
    )  # fmt: skip
    both = np.isfinite(expected) & np.isfinite(answer)
    assert both.mean() > 0.95
    if method == "nearest":  # at the edge between two cells either is right
        assert (answer == expected)[both].mean() > 0.999
    else:
        np.testing.assert_allclose(answer[both], expected[both], atol=0.05)


def scattered(kind: str) -> Cube:
    """A cube on a class of grid whose values are a smooth function of the place."""
    if kind == "healpix":
        grid: Any = HealpixGrid(32, nested=True)
    elif kind == "reduced":
        lat = gaussian_latitudes(32)
        grid = ReducedGaussianGrid(lat, [20 + 4 * min(n, 63 - n) for n in range(64)])
    elif kind == "curvilinear":
        x, y = np.meshgrid(np.linspace(-20, 40, 90), np.linspace(30, 70, 70))
        grid = CurvilinearGrid(x + 3 * np.sin(np.radians(5 * y)), y + np.sin(np.radians(6 * x)))
    else:
        places = np.random.default_rng(2)
        grid = PointGrid(places.uniform(-20, 40, 6000), places.uniform(30, 70, 6000))
    lon, lat = grid.centres()
    return cube_on(grid, smooth(lon, lat).reshape(grid.shape).astype(np.float32))


def smooth(lon: Any, lat: Any) -> Any:
    return 280 + 20 * np.cos(np.radians(lat)) * np.cos(np.radians(2 * lon))


@pytest.mark.parametrize("kind", ["healpix", "reduced", "curvilinear", "points"])
def test_nearest_is_the_cell_that_holds_the_place(kind: str) -> None:
    cube = scattered(kind)
    whole = cube.lazy(cube.plan(Query(), cube.grid.cover(None))).load()
    box = cube.lazy(cube.plan(Query(), cube.grid.cover(Bbox(-10, 35, 30, 65))))
    grid, selection = even_degrees(Bbox(-8, 37, 28, 63), 37, 29)
    answer = taken(resampled(box, grid, selection, "nearest"))
    x, y = np.meshgrid(selection.x, selection.y)
    cells = cube.grid.locate(x, y)
    values = whole.values["t"].reshape(-1)
    expected = np.where(cells >= 0, values[cells], np.nan)
    np.testing.assert_array_equal(answer, expected)
    assert np.isfinite(answer).mean() > 0.9


@pytest.mark.parametrize("kind", ["healpix", "reduced", "curvilinear", "points"])
def test_bilinear_follows_a_smooth_field(kind: str) -> None:
    cube = scattered(kind)
    box = cube.lazy(cube.plan(Query(), cube.grid.cover(Bbox(-15, 32, 35, 68))))
    grid, selection = even_degrees(Bbox(-8, 37, 28, 63), 37, 29)
    answer = taken(resampled(box, grid, selection, "bilinear"))
    expected = smooth(*np.meshgrid(selection.x, selection.y))
    assert np.nanmax(np.abs(answer - expected)) < 0.4
    assert np.isfinite(answer).mean() > 0.95


@pytest.mark.parametrize("kind", ["healpix", "reduced", "curvilinear", "points"])
@pytest.mark.parametrize("method", ["mean", "min", "max"])
def test_blocks_hold_the_cells_whose_centre_is_in_them(kind: str, method: Any) -> None:
    cube = scattered(kind)
    box = Bbox(-10.13, 35.07, 30.13, 65.03)
    found = cube.lazy(cube.plan(Query(), cube.grid.cover(box)))
    grid, selection = even_degrees(box, 5, 4)
    wide, high = box.width / 10, (box.north - box.south) / 8
    answer = taken(resampled(found, grid, selection, method))
    values, areas = (
        taken(found),
        cube.grid.areas(cube.grid.locate(found.selection.x, found.selection.y)),
    )
    x, y = np.asarray(found.selection.x), np.asarray(found.selection.y)
    for row in range(4):
        for column in range(5):
            inside = (np.abs((x - selection.x[column] + 180) % 360 - 180) < wide) & (
                np.abs(y - selection.y[row]) < high
            )
            assert inside.any()
            expected = {
                "mean": np.average(values[inside], weights=areas[inside]),
                "min": values[inside].min(),
                "max": values[inside].max(),
            }[method]
            assert answer[row, column] == pytest.approx(expected, rel=1e-5)


def test_categories_and_directions_keep_their_rules() -> None:
    codes = np.array([[1, 1, 2, 2], [1, 3, 2, 2]], np.uint8)
    lat, lon = np.array([0.0005, -0.0005]), 10 + 0.001 * np.arange(4)
    found = regular(
        codes, lat, lon, flag_values=np.array([1, 2, 3], np.uint8), flag_meanings="a b c"
    )
    assert found.variables[0].kind is VariableKind.CATEGORY
    box, _, _ = spread(found)
    answer = resampled(found, *even_degrees(box, 2, 1), "mean")
    assert taken(answer).tolist() == [[1.0, 2.0]]
    assert set(np.unique(taken(resampled(found, *even_degrees(box, 7, 5), "bilinear")))) <= {
        1,
        2,
        3,
    }
    winds = np.array([[359.0, 1.0, 90.0, 90.0]] * 2, np.float32)
    wind = regular(winds, lat, lon, standard_name="wind_from_direction", units="degree")
    mean = taken(resampled(wind, *even_degrees(box, 2, 1), "mean"))
    assert abs((mean[0, 0] + 180) % 360 - 180) < 1e-3
    assert mean[0, 1] == pytest.approx(90)


def test_blocks_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    """Any part of a resampled answer equals that part of the whole."""
    path = write_raster(tmp_path / "n.tif", numbered(90, 120))
    cube = open_cube(path)
    found = cube.lazy(cube.plan(Query(), cube.grid.window(None)))
    for method in ("nearest", "bilinear", "mean", "max"):
        answer = resampled(found, *even_degrees(Bbox(11, 6, 60, 49), 33, 21), method)  # type: ignore[arg-type]
        whole = taken(answer)
        part = answer.block(answer.variables[0], (slice(4, 9), slice(20, 31)))
        np.testing.assert_allclose(part, whole[4:9, 20:31], rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_means_on_uneven_rows_do_not_depend_on_the_slab(rows: int) -> None:
    """Edges of rows were taken between those of one slab: a streamed answer differed from a buffered one."""
    lat = np.array([80.0, 60.0, 30.0, 25.0, -10.0, -70.0])
    values = np.random.default_rng(0).random((6, 36))
    cube = rectilinear_cube(lat, np.arange(0.0, 360.0, 10.0), values)
    target = rows_and_columns(np.arange(0.0, 360.0, 30.0), lat, (30.0, 20.0))
    answer = resampled(cube.lazy(cube.plan(Query())), *target, "mean")
    (variable,) = answer.variables
    slabs = [
        answer.block(variable, (slice(start, min(start + rows, 6)), slice(0, 12)))
        for start in range(0, 6, rows)
    ]
    np.testing.assert_array_equal(np.concatenate(slabs), answer.load().values["v"])
