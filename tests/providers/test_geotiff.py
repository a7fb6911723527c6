"""GeoTIFF and COG: what is served equals what rasterio and pyproj say."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling

from config.errors import SourceUnavailable
from providers.cube import Cube, Query, VariableKind
from providers.readers import raster_handles
from providers.readers.geotiff import GeotiffReader
from providers.readers.raster_handles import Handles, file_fingerprint
from providers.render import Renderer
from providers.store import Source, Store
from tests.providers.conftest import DATA
from tests.providers.rasters import (
    MERCATOR,
    Direct,
    drawn,
    expected,
    numbered,
    open_cube,
    open_cubes,
    raster,
    value_at,
    write,
)

FILES = {
    "climate_dt_2t_10u_2040-01-02": ("EPSG:4326", ("10_metre_u_wind_component", "2_metre_temperature")),
    "esa_worldcover_2021_n00e006": (None, ("band1",)),
    "sentinel2_b01_t34_600m": (None, ("band1",)),
    "sentinel2_tci_t34_100m": (None, ("red", "green", "blue")),
}  # fmt: skip


@pytest.fixture(scope="session")
def raster_folder() -> Path:
    """The folder of sample TIFF files."""
    folder = (DATA / "raster").resolve()
    if not folder.is_dir():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    return folder


@pytest.fixture(params=sorted(FILES))
def sample(request: pytest.FixtureRequest, raster_folder: Path) -> tuple[Cube, Direct]:
    path, (crs, names) = raster_folder / f"{request.param}.tif", FILES[request.param]
    cube = open_cube(path, **({} if crs is None else {"crs": crs}))
    assert tuple(cube.variables) == names
    return cube, Direct(path, crs)


# sample files


def test_points_of_every_band_equal_rasterio(sample: tuple[Cube, Direct]) -> None:
    cube, direct = sample
    for band, name in enumerate(cube.variables, start=1):
        for lon, lat, (row, column) in zip(*direct.places(30, seed=band), strict=True):
            value = direct.value(band, row, column)
            np.testing.assert_array_equal(value_at(cube, name, lon, lat), value)


def test_areas_of_every_band_equal_rasterio(sample: tuple[Cube, Direct]) -> None:
    cube, direct = sample
    height, width = cube.grid.shape
    top, left = height // 3, width // 3
    corners = np.array([top * width + left, (top + 19) * width + left + 19])
    x, y = cube.grid.centres(corners)
    box = type(cube.grid.extent)(x.min(), y.min(), x.max(), y.max())
    answer = cube.select(Query(bbox=box))
    lon, lat = answer.selection.x, answer.selection.y
    if answer.selection.separable:
        lon, lat = (part.ravel() for part in np.meshgrid(lon, lat))
    assert len(lon) >= 200
    row, column, _ = direct.cells(lon, lat)
    for band, name in enumerate(cube.variables, start=1):
        picked = [direct.value(band, r, c) for r, c in zip(row[::7], column[::7], strict=True)]
        np.testing.assert_array_equal(answer.values[name].ravel()[::7], picked)


@pytest.mark.parametrize("crs", [None, MERCATOR])
def test_maps_at_full_resolution_equal_a_computation_by_hand(
    sample: tuple[Cube, Direct], crs: str | None
) -> None:
    cube, direct = sample
    height, width = cube.grid.shape
    x, y = cube.grid.centres(np.array([height // 2 * width + width // 2]))
    reach = 40 * cube.grid.spacing[1]
    box = (x[0] - reach, y[0] - reach, x[0] + reach, y[0] + reach)
    pixels = raster(box)
    if crs is not None:
        to_crs = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True)
        pixels = raster((*to_crs.transform(*box[:2]), *to_crs.transform(*box[2:])), crs=crs)
    if height > 5000:
        pytest.skip("rasterio would read it whole; see the test of its maps")
    for band, name in enumerate(cube.variables, start=1):
        values, sure = expected(direct, band, pixels)
        assert sure.mean() > 0.9
        np.testing.assert_array_equal(drawn(cube, name, pixels)[sure], values[sure])


@pytest.mark.parametrize(
    ("name", "level", "side"),
    [("sentinel2_b01_t34_600m", 1, 40), ("sentinel2_tci_t34_100m", 1, 240), ("sentinel2_tci_t34_100m", 4, 32)],
)  # fmt: skip
def test_maps_zoomed_out_draw_the_overview(
    raster_folder: Path, name: str, level: int, side: int
) -> None:
    path = raster_folder / f"{name}.tif"
    cube, direct = open_cube(path), Direct(path)
    box = cube.grid.extent
    pixels = raster((box.west, box.south, box.east, box.north), side, side)
    row, column, rim = direct.cells(*np.meshgrid(*pixels.centres()))
    for band, field in enumerate(cube.variables, start=1):
        coarse = Direct(path, level=level).values(band)
        above = [
            np.floor((at + 0.5) * small / large).astype(int)
            for at, small, large in zip((row, column), coarse.shape, cube.grid.shape, strict=True)
        ]
        values = np.where(row >= 0, coarse[tuple(above)], np.nan)
        found = drawn(cube, field, pixels)
        np.testing.assert_array_equal(found[rim > 1e-6], values[rim > 1e-6])


def test_a_file_without_crs_says_which_key_would_help(raster_folder: Path) -> None:
    path = raster_folder / "climate_dt_2t_10u_2040-01-02.tif"
    with pytest.raises(SourceUnavailable, match="crs: EPSG:4326"):
        open_cube(path)
    cube = open_cube(path, crs="EPSG:4326")
    assert cube.grid.describe()["periodic"]
    assert cube.axes["time"].labels() == ["2040-01-02T00:00:00Z"]
    for lon in (-179.6, 359.8, 0.4, 180.0):
        assert np.isfinite(value_at(cube, "2_metre_temperature", lon, 89.9))
    assert cube.variables["2_metre_temperature"].units == "K"
    assert cube.variables["10_metre_u_wind_component"].standard_name == "eastward_wind"


# the land cover of 36,000 × 36,000 cells


@pytest.fixture(scope="module")
def land_cover(raster_folder: Path) -> tuple[Cube, Path]:
    path = raster_folder / "esa_worldcover_2021_n00e006.tif"
    return open_cube(path), path


LAND_COVER_BOXES = {
    "world": (-180.0, -90.0, 180.0, 90.0),
    "file": (6.0, 0.0, 9.0, 3.0),
    "island": (6.4, 0.0, 6.8, 0.4),
    "town": (6.70, 0.32, 6.74, 0.36),
    "cells": (6.730, 0.330, 6.734, 0.334),
}


@pytest.mark.parametrize("zoom", LAND_COVER_BOXES)
@pytest.mark.parametrize("side", [64, 256, 500])
def test_land_cover_shows_declared_classes_only(
    land_cover: tuple[Cube, Path], zoom: str, side: int
) -> None:
    cube, _ = land_cover
    assert cube.variables["band1"].kind is VariableKind.CATEGORY
    values = drawn(cube, "band1", raster(LAND_COVER_BOXES[zoom], side, side))
    declared = set(cube.variables["band1"].categories)
    assert set(np.unique(values[np.isfinite(values)])) <= declared
    if zoom == "cells":
        assert np.isfinite(values).any()


@pytest.mark.parametrize("zoom", ["island", "town", "cells"])
def test_land_cover_maps_equal_the_cells_of_the_level_drawn(
    land_cover: tuple[Cube, Path], zoom: str
) -> None:
    cube, path = land_cover
    pixels = raster(LAND_COVER_BOXES[zoom], 256, 256)
    found = drawn(cube, "band1", pixels)
    x, y = np.meshgrid(*pixels.centres())
    step = (pixels.bounds[2] - pixels.bounds[0]) / 256 / cube.grid.spacing[0]
    fitting = [
        number for number, factor in enumerate((2, 4, 8, 16, 32, 64)) if factor <= step * 1.1
    ]
    level = max(fitting, default=None)
    options = {} if level is None else {"overview_level": level}
    with rasterio.open(path, **options) as dataset:
        column, row = (np.floor(part).astype(int) for part in ~dataset.transform @ (x, y))
        window = ((row.min(), row.max() + 1), (column.min(), column.max() + 1))
        block = dataset.read(1, window=window, masked=True).astype(float).filled(np.nan)
        values = block[row - row.min(), column - column.min()]
    same = (found == values) | (np.isnan(found) & np.isnan(values))
    assert same.mean() > (0.999 if level is None else 0.99)


def test_land_cover_has_its_names_and_colours(land_cover: tuple[Cube, Path]) -> None:
    cube, path = land_cover
    variable = cube.variables["band1"]
    assert variable.categories[80] == "Permanent_water_bodies"
    with rasterio.open(path) as dataset:
        table = dataset.colormap(1)
    style = Renderer().style(cube, variable)
    codes = np.array([*variable.categories, np.nan, 33])
    colours = style.palette()[style.index(codes)]
    for code, colour in zip(codes[:-2], colours, strict=False):
        assert tuple(colour) == table[int(code)]
    assert not colours[-2:, 3].any()


_MEASURED = """
import sys
import numpy as np
from tests.providers.rasters import raster
from providers.render import Renderer
from providers.store import Source, Store

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

before = resident()
store = Store()
dataset = store.dataset(Source((sys.argv[1],)))
cube, renderer = dataset.cubes[0].cube, Renderer()
variable, first = cube.variables["band1"], {name: np.array([0]) for name in cube.axes}
for box in [(-180, -90, 180, 90), (6, 0, 9, 3), (6.4, 0, 6.8, 0.4), (6.73, 0.33, 6.74, 0.34)]:
    renderer.png(cube, variable, first, raster(box, 512, 512))
print(resident() - before)
"""


def test_land_cover_is_served_in_little_memory(raster_folder: Path) -> None:
    path = str(raster_folder / "esa_worldcover_2021_n00e006.tif")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, path], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert float(done.stdout) < 150


# places


_PLACES: dict[str, tuple[str, Affine]] = {
    "north-up": ("EPSG:4326", Affine(0.5, 0, 10, 0, -0.5, 50)),
    "south-up": ("EPSG:4326", Affine(0.5, 0, 10, 0, 0.5, 20)),
    "west-up": ("EPSG:4326", Affine(-0.5, 0, 40, 0, -0.5, 50)),
    "across the antimeridian": ("EPSG:4326", Affine(0.5, 0, 170, 0, -0.5, 10)),
    "0 to 360": ("EPSG:4326", Affine(6, 0, -3, 0, -3, 90)),
    "utm 1": ("EPSG:32601", Affine(4000, 0, 180_000, 0, -4000, 1_000_000)),
    "utm 60": ("EPSG:32660", Affine(4000, 0, 700_000, 0, -4000, 6_000_000)),
    "utm south": ("EPSG:32760", Affine(4000, 0, 700_000, 0, -4000, 4_000_000)),
    "polar": ("EPSG:3995", Affine(50_000, 0, -1_500_000, 0, -50_000, 1_500_000)),
    "south pole": ("EPSG:3031", Affine(50_000, 0, -1_500_000, 0, -50_000, 1_500_000)),
    "laea": ("EPSG:3035", Affine(20_000, 0, 4_000_000, 0, -20_000, 3_600_000)),
    "mercator": ("EPSG:3857", Affine(20_000, 0, 1_000_000, 0, -20_000, 6_600_000)),
    "skewed": ("EPSG:32633", Affine(1000, 250, 400_000, 180, -1000, 5_500_000)),
    "skewed degrees": ("EPSG:4326", Affine(0.4, 0.1, 10, 0.08, -0.4, 50)),
    "from Jakarta": ("EPSG:4804", Affine(0.05, 0, 11, 0, -0.05, -2)),
    "feet": ("EPSG:2263", Affine(500, 0, 900_000, 0, -500, 250_000)),
}


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("crs", [None, MERCATOR])
def test_every_place_answers_with_its_own_cell(tmp_path: Path, place: str, crs: str | None) -> None:
    stated, transform = _PLACES[place]
    path = write(tmp_path / "a.tif", numbered(60, 60), crs=stated, transform=transform)
    cube, direct = open_cube(path), Direct(path)
    for lon, lat, (row, column) in zip(*direct.places(40), strict=True):
        for turn in (0, 360, -360):
            assert value_at(cube, "band1", lon + turn, lat) == row * 60 + column
    box = cube.grid.extent
    east = box.west + box.width
    south, north = max(box.south, -84.0), min(box.north, 84.0)
    margin = box.width / 20
    pixels = raster((box.west - margin, south, east + margin, north))
    if crs is not None:
        corners = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True)
        _, y = corners.transform([0, 0], [south, north])
        metres = 20037508.342789244 / 180
        pixels = raster((box.west * metres, y[0], east * metres, y[1]), crs=crs)
    values, sure = expected(direct, 1, pixels)
    assert np.isfinite(values).mean() > 0.2
    np.testing.assert_array_equal(drawn(cube, "band1", pixels)[sure], values[sure])


def test_a_picture_without_any_place_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=9, width=9, dtype="uint8"
    ) as image:
        image.write(np.ones((1, 9, 9), np.uint8))
    with pytest.raises(SourceUnavailable, match="neither a transform nor ground control points"):
        open_cube(path)


def test_a_crs_that_is_not_on_the_earth_is_refused(tmp_path: Path) -> None:
    site = 'ENGCRS["Site",EDATUM["Peg"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    path = write(tmp_path / "a.tif", numbered(9, 9), crs=rasterio.CRS.from_wkt(site))
    with pytest.raises(SourceUnavailable, match="`crs` of the configuration"):
        open_cube(path)
    assert open_cube(path, crs="EPSG:3857").grid.size == 81


@pytest.mark.parametrize(
    ("crs", "transform", "reason"),
    [
        ("EPSG:4807", Affine(0.1, 0, 0, 0, -0.1, 55), "grads"),
        ("EPSG:32633", Affine(1e9, 0, 1e20, 0, -1e9, 1e20), "no cell"),
        ("EPSG:4326", Affine(1, 0, 0, 0, -1, 500), "beyond the poles"),
    ],
)
def test_cells_that_cannot_be_placed_are_refused(
    tmp_path: Path, crs: str, transform: Affine, reason: str
) -> None:
    path = write(tmp_path / "a.tif", numbered(9, 9), crs=crs, transform=transform)
    with pytest.raises(SourceUnavailable, match=reason):
        open_cube(path)


def _with_points(path: Path, bend: float) -> tuple[Path, Any]:
    """A picture of 80 × 100 cells placed by 30 points; ``bend`` is in degrees."""

    def place(row: Any, column: Any) -> tuple[Any, Any]:
        x = 10 + column * 0.05 + row * 0.01 + bend * np.sin(row / 30)
        return x, 50 - row * 0.05 + column * 0.005 + bend * np.cos(column / 40)

    points = [
        GroundControlPoint(row=r, col=c, x=place(r, c)[0], y=place(r, c)[1])
        for r in np.linspace(0, 80, 9)
        for c in np.linspace(0, 100, 11)
    ]
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=80, width=100, dtype="float32", gcps=points,
        crs="EPSG:4326",
    ) as image:  # fmt: skip
        image.write(numbered(80, 100)[None])
    return path, place


@pytest.mark.parametrize(("bend", "kind"), [(0.0, "affine"), (0.3, "curvilinear")])
def test_ground_control_points_place_the_cells(tmp_path: Path, bend: float, kind: str) -> None:
    path, place = _with_points(tmp_path / "swath.tif", bend)
    cube = open_cube(path)
    assert (cube.grid.kind == "curvilinear") == (kind == "curvilinear")
    random = np.random.default_rng(3)
    for row, column in random.integers(2, 78, (40, 2)):
        lon, lat = place(row + 0.5, column + 0.5)
        assert value_at(cube, "band1", lon, lat) == row * 100 + column


# bands


def test_bands_are_called_what_they_are_described_as(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.stack([numbered(8, 8)] * 6))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("B04", "Leaf area index", "twice", "twice", None, "lat")
        dataset.set_band_unit(2, "m2 m-2")
        dataset.update_tags(1, standard_name="toa_bidirectional_reflectance")
    cube = open_cube(path)
    assert list(cube.variables) == ["B04", "leaf_area_index", "band3", "band4", "band5", "band6"]
    assert cube.variables["leaf_area_index"].title == "Leaf area index"
    assert cube.variables["leaf_area_index"].units == "m2 m-2"
    assert cube.variables["B04"].standard_name == "toa_bidirectional_reflectance"


def test_scale_offset_and_nodata_of_each_band(tmp_path: Path) -> None:
    stored = numbered(8, 9, np.int16)
    stored[2, 3] = -9
    path = write(tmp_path / "a.tif", np.stack([stored, stored]), nodata=-9)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.01, 1.0), (273.15, 0.0)
    cube = open_cube(path)
    first, second = (cube.select(Query()).values[name] for name in ("band1", "band2"))
    wanted = np.where(stored == -9, np.nan, stored * 0.01 + 273.15)
    np.testing.assert_allclose(first.squeeze(), wanted, rtol=1e-12)
    np.testing.assert_array_equal(second.squeeze(), np.where(stored == -9, np.nan, stored))


@pytest.mark.parametrize("nodata", [np.nan, -9999.0, -3.4028234663852886e38, None])
def test_stray_nan_is_missing_whatever_nodata_is(tmp_path: Path, nodata: float | None) -> None:
    stored = numbered(8, 9)
    stored[1, 1] = np.nan
    if nodata is not None:
        stored[2, 3] = nodata
    path = write(tmp_path / "a.tif", stored, nodata=nodata)
    values = open_cube(path).select(Query()).values["band1"].squeeze()
    wanted = np.where((stored == nodata) | np.isnan(stored), np.nan, stored)
    np.testing.assert_array_equal(values, wanted)


def test_nodata_that_no_cell_can_hold_hides_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(16, 16, np.uint8))
    Path(f"{path}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>-1</NoDataValue></PAMRasterBand></PAMDataset>"
    )
    assert not np.isnan(open_cube(path).select(Query()).values["band1"].astype(float)).any()


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"],
)
def test_an_internal_mask_hides_cells(tmp_path: Path, dtype: str) -> None:
    stored = numbered(16, 16, dtype)
    shown = np.random.default_rng(1).random((16, 16)) > 0.3
    path = tmp_path / "a.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(path, stored)
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(shown)
    values = open_cube(path).select(Query()).values["band1"].squeeze()
    np.testing.assert_array_equal(values, np.where(shown, stored.astype(float), np.nan))


def test_alpha_is_no_field_but_hides_cells(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 255, (4, 20, 20)).astype(np.uint8)
    image[3] = np.where(image[3] > 100, 255, 0)
    path = write(tmp_path / "a.tif", image, photometric="RGB", alpha="yes")
    with rasterio.open(path) as dataset:
        assert dataset.colorinterp[3] is ColorInterp.alpha
    cube = open_cube(path)
    assert list(cube.variables) == ["red", "green", "blue"]
    values = cube.select(Query()).values["green"].squeeze()
    np.testing.assert_array_equal(values, np.where(image[3] == 0, np.nan, image[1].astype(float)))


def test_complex_bands_are_refused_and_the_rest_is_served(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(8, 8).astype(np.complex64))
    with pytest.raises(SourceUnavailable, match="complex numbers"):
        open_cube(path)


def test_a_colour_table_and_names_make_categories(tmp_path: Path) -> None:
    stored = (numbered(12, 12, np.uint8) // 36).astype(np.uint8)
    path = write(tmp_path / "a.tif", stored)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 0, 0, 255), 3: (0, 0, 200, 255)})
    variable = open_cube(path).variables["band1"]
    assert variable.kind is VariableKind.CATEGORY
    assert set(variable.categories) == {0, 1, 3}
    Path(f"{path}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category>Sea</Category>"
        "<Category>Dry land</Category><Category/><Category>Ice</Category></CategoryNames>"
        "</PAMRasterBand></PAMDataset>"
    )
    variable = open_cube(path).variables["band1"]
    assert variable.categories == {0: "Sea", 1: "Dry_land", 3: "Ice"}


def test_an_attribute_table_names_categories(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(12, 12, np.uint8))
    field = "<FieldDefn index='{}'><Name>{}</Name><Type>0</Type><Usage>{}</Usage></FieldDefn>"
    Path(f"{path}.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><GDALRasterAttributeTable>"
        + field.format(0, "Value", 5) + field.format(1, "Class", 2)
        + "<Row index='0'><F>11</F><F>Open Water</F></Row><Row index='1'><F>41</F><F>Forest</F></Row>"
        "</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )  # fmt: skip
    assert open_cube(path).variables["band1"].categories == {11: "Open_Water", 41: "Forest"}


# times


@pytest.mark.parametrize(
    ("tags", "bands", "time"),
    [
        ({"TIFFTAG_DATETIME": "2021:05:04 01:02:03"}, [{}, {}], None),
        ({"time": "2021-05-04T06:00:00Z"}, [{}, {}], "2021-05-04T06:00:00Z"),
        ({"time_coverage_start": "2021-05-01", "time_coverage_end": "2021-06-01"}, [{}, {}], "2021-05-01T00:00:00Z"),
        ({}, [{"GRIB_VALID_TIME": "1577836800 sec UTC"}] * 2, "2020-01-01T00:00:00Z"),
        ({"time#units": "hours since 2000-01-01"}, [{"NETCDF_DIM_time": "6"}] * 2, "2000-01-01T06:00:00Z"),
        ({"time#units": "days since 2000-01-01"}, [{"NETCDF_DIM_time": "1"}, {"NETCDF_DIM_time": "2"}], None),
        ({"class": "od", "stream": "oper", "date": "20240229", "time": "1200"}, [{}, {}], "2024-02-29T12:00:00Z"),
        ({"class": "od", "stream": "oper", "date": "20240229", "time": "1200", "step": "6"}, [{}, {}], None),
        ({"time": "0"}, [{}, {}], None),
    ],
)  # fmt: skip
def test_a_time_is_known_where_tags_say_it_without_doubt(
    tmp_path: Path, tags: dict[str, str], bands: list[dict[str, str]], time: str | None
) -> None:
    path = write(tmp_path / "a.tif", np.stack([numbered(8, 8)] * 2), tags=tags)
    with rasterio.open(path, "r+") as dataset:
        for number, own in enumerate(bands, start=1):
            dataset.update_tags(number, **own)
    cube = open_cube(path)
    assert [cube.axes["time"].labels()[0] if "time" in cube.axes else None] == [time]
    assert list(cube.variables) == ["band1", "band2"]


def test_files_of_several_times_are_one_series(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in (1, 2, 3):
        path = write(
            folder / f"{day}.tif", numbered(40, 40) + 10_000 * day, tags={"time": f"2021-05-0{day}"}
        )
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.nearest)
    (named,) = Store().dataset(Source((str(folder),))).cubes
    cube = named.cube
    assert cube.axes["time"].size == 3
    box = cube.grid.extent
    for side, name in ((200, "full"), (10, "overview")):
        for day in (1, 2, 3):
            pixels = raster((box.west, box.south, box.east, box.north), side, side)
            values = Renderer().values(
                cube, cube.variables["band1"], {"time": np.array([day - 1])}, pixels
            )
            assert (values // 10_000 == day).all(), name


def test_files_beside_an_image_are_part_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    path = write(folder / "a.tif", numbered(64, 64))
    Path(f"{path}.aux.xml").write_text("<PAMDataset/>")
    path.with_suffix(".tfw").write_text("1")
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.nearest)
    assert Path(f"{path}.ovr").exists()
    store = Store()
    found = store.dataset(Source((str(folder),)))
    assert found.refusals == ()
    (named,) = found.cubes
    assert len(named.cube.coarser) == 2


# containers


@pytest.mark.parametrize(
    "profile",
    [
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"tiled": True, "blockxsize": 128, "blockysize": 64, "compress": "deflate", "predictor": 2},
        {"blockysize": 1},
        {"blockysize": 300, "compress": "lzw"},
        {"BIGTIFF": "YES", "compress": "zstd"},
        {"ENDIANNESS": "BIG"},
        {"interleave": "pixel", "tiled": True},
        {"interleave": "band", "tiled": True},
    ],
)
def test_every_layout_reads_the_same(tmp_path: Path, profile: dict[str, Any]) -> None:
    stored = np.stack([numbered(300, 500, np.uint16), numbered(300, 500, np.uint16)[::-1]])
    step = Affine(0.01, 0, 10, 0, -0.01, 50)
    cube = open_cube(write(tmp_path / "a.tif", stored, transform=step, **profile))
    answer = cube.select(Query())
    for name, band in zip(("band1", "band2"), stored, strict=True):
        np.testing.assert_array_equal(answer.values[name].squeeze(), band)


def test_each_page_is_a_cube_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(8, 8))
    write(path, numbered(20, 30) + 7, transform=Affine(1, 0, 0, 0, -1, 40), APPEND_SUBDATASET="YES")
    first, second = open_cubes(path)
    assert (first.key, second.key) == ("page1", "page2")
    assert value_at(first, "band1", 10.2, 49.8) == 0
    assert value_at(second, "band1", 0.5, 39.5) == 7


def test_a_file_cut_off_says_so_instead_of_zeros(tmp_path: Path) -> None:
    stored = np.random.default_rng(5).random((512, 512)).astype(np.float32)
    path = write(
        tmp_path / "a.tif", stored, transform=Affine(0.01, 0, 0, 0, -0.01, 40), tiled=True,
        blockxsize=256, blockysize=256, compress="deflate",
    )  # fmt: skip
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 200_000])
    try:
        cube = open_cube(path)
    except SourceUnavailable as error:
        assert "GeoTIFF" in error.detail  # noqa: PT017
        return
    with pytest.raises(SourceUnavailable, match="cannot be read") as caught:
        cube.select(Query())
    assert str(tmp_path) not in caught.value.detail


@pytest.mark.parametrize("kept", [0, 3, 4, 8, 60, 150, 300])
def test_a_header_cut_off_is_refused_with_a_reason(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "a.tif", numbered(64, 64))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceUnavailable) as caught:
        open_cube(path).select(Query())
    assert str(tmp_path) not in caught.value.detail


def test_flipped_bytes_end_in_an_answer_or_a_reason(tmp_path: Path) -> None:
    profile = {"compress": "deflate", "tiled": True, "blockxsize": 32, "blockysize": 32}
    whole = write(tmp_path / "a.tif", numbered(64, 64), **profile).read_bytes()
    random = np.random.default_rng(11)
    for number in range(60):
        broken = bytearray(whole)
        for at in random.integers(0, min(len(broken), 600), 3):
            broken[at] = random.integers(0, 256)
        path = tmp_path / f"{number}.tif"
        path.write_bytes(bytes(broken))
        try:
            for cube in open_cubes(path):
                box = cube.grid.extent
                drawn(
                    cube,
                    next(iter(cube.variables)),
                    raster((box.west, box.south, box.east, box.north), 8, 8),
                )
        except SourceUnavailable as error:
            assert error.detail  # noqa: PT017


def test_a_file_replaced_while_open_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(64, 64))
    store = Store(cache_bytes=0)
    cube = store.dataset(Source((str(path),))).cubes[0].cube
    assert value_at(cube, "band1", 10.2, 49.8) == 0
    write(path, numbered(64, 64) + 5)
    with pytest.raises(SourceUnavailable, match="changed"):
        value_at(cube, "band1", 10.2, 49.8)


def test_sixteen_threads_read_what_one_reads(raster_folder: Path) -> None:
    path = raster_folder / "sentinel2_tci_t34_100m.tif"
    store = Store(cache_bytes=2 << 20)
    cube = store.dataset(Source((str(path),))).cubes[0].cube
    bands = [Direct(path).values(band) for band in (1, 2, 3)]
    names = list(cube.variables)

    def read(seed: int) -> bool:
        random = np.random.default_rng(seed)
        good = True
        for _ in range(30):
            band = int(random.integers(3))
            row, column = (int(part) for part in random.integers(0, 1030, 2))
            field = cube.variables[names[band]].field
            block = field.read({"y": slice(row, row + 64), "x": slice(column, column + 64)})
            wanted = bands[band][row : row + 64, column : column + 64]
            good &= np.array_equal(block.astype(float), wanted, equal_nan=True)
        return good

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(64)))


def test_a_file_forgotten_while_handles_are_handed_out_stops_nothing(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.tif", numbered(8, 8)))

    def forget() -> None:
        handles = Handles(path, file_fingerprint(path))
        with handles.borrow():
            pass
        with raster_handles._lock:  # as when garbage is collected just then
            del handles
            gc.collect()

    thread = threading.Thread(target=forget, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_handles_are_closed_with_their_file(tmp_path: Path) -> None:
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))
    for number in range(100):
        path = str(write(tmp_path / f"{number}.tif", numbered(8, 8)))
        file = GeotiffReader().open(path)
        file.groups[0].variables["band1"].read_all()
        if number % 2:
            file.close()
    del file
    assert len(list(open_files.iterdir())) <= before + 64
    gc.collect()
    GeotiffReader().open(path).close()
    assert len(list(open_files.iterdir())) <= before + 2


# overviews


def _classes(tmp_path: Path, method: Resampling) -> Path:
    """A random map of the classes 10, 30 and 90, of which no two have a class as their mean, with overviews."""
    random = np.random.default_rng(4)
    stored = random.choice(np.array([10, 30, 90], np.uint8), (512, 512))
    path = write(
        tmp_path / "classes.tif", stored, transform=Affine(0.01, 0, 10, 0, -0.01, 50), tiled=True,
        blockxsize=64, blockysize=64, tags={"legend": "10 Trees\n30 Grass\n90 Wetland\n"},
    )  # fmt: skip
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], method)
    return path


@pytest.mark.parametrize("method", ["nearest", "mode", "average", "bilinear"])
@pytest.mark.parametrize("side", [512, 256, 128, 40])
def test_maps_of_classes_show_only_classes(tmp_path: Path, method: str, side: int) -> None:
    cube = open_cube(_classes(tmp_path, Resampling[method]))
    assert [level.grid.shape[0] for level in cube.coarser] == [256, 128, 64]
    values = drawn(cube, "band1", raster((10, 44.88, 15.12, 50), side, side))
    assert set(np.unique(values)) <= {10.0, 30.0, 90.0}


def test_means_are_drawn_where_values_have_means(tmp_path: Path) -> None:
    stored = np.random.default_rng(4).random((512, 512)).astype(np.float32)
    path = write(tmp_path / "a.tif", stored, transform=Affine(0.01, 0, 10, 0, -0.01, 50))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], Resampling.average)
    pixels = raster((10, 44.88, 15.12, 50), 64, 64)
    wanted, sure = expected(Direct(path, level=2), 1, pixels)
    np.testing.assert_array_equal(drawn(open_cube(path), "band1", pixels)[sure], wanted[sure])


def test_a_huge_turned_image_without_overviews_is_drawn_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=36_000, width=36_000, dtype="uint8", tiled=True,
        blockxsize=1024, blockysize=1024, SPARSE_OK="TRUE", compress="deflate", crs="EPSG:32633",
        transform=Affine(10, 0, 300_000, 0, -10, 5_500_000),
    ) as dataset:  # fmt: skip
        block = np.full((1, 1024, 1024), 7, np.uint8)
        dataset.write(block, window=((20_480, 21_504), (10_240, 11_264)))
    script = _HUGE.replace("PATH", repr(str(path)))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    grown, seven, outside = (float(part) for part in done.stdout.split())
    assert grown < 200
    assert seven > 0
    assert outside == 0


_HUGE = """
import resource
import numpy as np
from providers.store import Source, Store
from tests.providers.rasters import drawn, raster

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cube = Store(cache_bytes=32 << 20).dataset(Source((PATH,))).cubes[0].cube
values = drawn(cube, "band1", raster((11, 45, 18, 51), 256, 256))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
print(grown, (values == 7).sum(), ((values != 7) & (values != 0) & ~np.isnan(values)).sum())
"""
