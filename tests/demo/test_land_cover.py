"""The Cloud-Optimized GeoTIFFs of the demo, as rasterio and a plain reader of TIFF directories see them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio

from ogcapi.demo.fields import make_weather
from ogcapi.demo.land import land_fraction
from ogcapi.demo.land_cover import CLASSES, cover_classes, relief, write_land_cover, write_relief

SEED = 20260101
FILES = ("land_cover.tif", "relief.tif")
CODES = {item.code for item in CLASSES}
_SIZES = {3: ("H", 2), 4: ("I", 4), 16: ("Q", 8)}


@dataclass(frozen=True)
class Directory:
    """An image file directory: where it stands, and its tags of whole numbers."""

    offset: int
    tags: dict[int, tuple[int, ...]]

    @property
    def width(self) -> int:
        return self.tags[256][0]

    @property
    def tiles(self) -> list[int]:
        """Offsets of the tiles that hold anything."""
        return [offset for offset in self.tags[324] if offset]


def directories(path: Path) -> list[Directory]:
    """The directories of a classic little-endian TIFF in the order of their chain."""
    content = path.read_bytes()
    assert content[:4] == b"II*\x00"
    (offset,) = struct.unpack_from("<I", content, 4)
    found = []
    while offset:
        (count,) = struct.unpack_from("<H", content, offset)
        tags = {}
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from("<HHI", content, entry)
            if kind in _SIZES:
                letter, size = _SIZES[kind]
                at = entry + 8
                if number * size > 4:
                    (at,) = struct.unpack_from("<I", content, at)
                tags[tag] = struct.unpack_from(f"<{number}{letter}", content, at)
        found.append(Directory(offset, tags))
        (offset,) = struct.unpack_from("<I", content, offset + 2 + 12 * count)
    return found


@pytest.mark.parametrize("name", FILES)
def test_tiles_overviews_and_order_are_those_of_a_cog(demo: Path, name: str) -> None:
    found = directories(demo / name)
    widths = [item.width for item in found]
    assert len(found) >= 3
    assert widths == [-(-widths[0] // 2**level) for level in range(len(found))]
    assert widths[-1] <= 512
    assert all((item.tags[322], item.tags[323]) == ((512,), (512,)) for item in found)
    offsets = [item.offset for item in found]
    assert offsets == sorted(offsets)
    assert max(offsets) < min(offset for item in found for offset in item.tiles)
    for fine, coarse in pairwise(found):
        assert min(fine.tiles) > max(coarse.tiles)  # the coarsest image comes first


@pytest.mark.parametrize(("name", "resampling"), [(FILES[0], "mode"), (FILES[1], "average")])
def test_gdal_knows_the_layout(demo: Path, name: str, resampling: str) -> None:
    with rasterio.open(demo / name) as file:
        structure = file.tags(ns="IMAGE_STRUCTURE")
        assert structure["LAYOUT"] == "COG"
        assert structure["OVERVIEW_RESAMPLING"].lower() == resampling
        assert file.block_shapes == [(512, 512)]
        assert file.files == [str(demo / name)]


@pytest.mark.parametrize("name", FILES)
def test_the_place_on_earth_is_plain(demo: Path, name: str) -> None:
    with rasterio.open(demo / name) as file:
        assert pyproj.CRS(file.crs.to_wkt()).to_epsg() == 4326
        assert tuple(file.bounds) == (-180, -90, 180, 90)
        assert (file.transform.b, file.transform.d, file.gcps[0]) == (0, 0, [])
        assert file.transform.a == -file.transform.e == 360 / file.width
        assert file.tags()["AREA_OR_POINT"] == "Area"


def test_land_cover_has_only_its_classes_at_every_level(demo: Path) -> None:
    with rasterio.open(demo / "land_cover.tif") as file:
        levels = len(file.overviews(1))
        assert (file.dtypes, file.nodata) == (("uint8",), 0)
        assert set(np.unique(file.read(1)).tolist()) == CODES
    for level in range(levels):
        with rasterio.open(demo / "land_cover.tif", overview_level=level) as file:
            assert set(np.unique(file.read(1)).tolist()) <= CODES


def test_land_cover_names_and_paints_its_classes(demo: Path) -> None:
    with rasterio.open(demo / "land_cover.tif") as file:
        table = file.colormap(1)
        legend = dict(line.split(None, 1) for line in file.tags()["legend"].splitlines())
        assert file.descriptions == ("land_cover",)
    assert {code: table[code] for code in CODES} == {
        item.code: (*item.colour, 255) for item in CLASSES
    }
    assert legend == {str(item.code): item.name for item in CLASSES}


def test_land_cover_fits_the_land_of_the_weather(demo: Path) -> None:
    with rasterio.open(demo / "land_cover.tif") as file:
        values = file.read(1)
        rows, columns = np.random.default_rng(2).integers(0, values.shape, (500, 2)).T
        lon, lat = (np.asarray(xy, np.float32) for xy in file.xy(rows, columns))
    np.testing.assert_array_equal(values[rows, columns], cover_classes(lon, lat))
    np.testing.assert_array_equal(values[rows, columns] == 80, land_fraction(lon, lat) < 0.5)


@pytest.mark.parametrize(
    ("name", "longitude", "latitude", "code"),
    [
        ("Amazon", -62.0, -5.0, 10), ("Sahara", 8.0, 25.0, 60), ("Greenland", -42.0, 73.0, 70),
        ("Antarctica", 60.0, -80.0, 70), ("Atlantic", -35.0, 30.0, 80),
    ],
)  # fmt: skip
def test_land_cover_is_earthlike(name, longitude, latitude, code) -> None:
    around = np.linspace(-1, 1, 9, dtype=np.float32)
    found = cover_classes(longitude + around[None, :], latitude + around[:, None])
    assert np.mean(found == code) > 0.8


def test_relief_is_that_of_weather_and_ocean(demo: Path) -> None:
    with rasterio.open(demo / "relief.tif") as file:
        values = file.read(1)
        assert (file.dtypes, file.units, file.nodata) == (("int16",), ("m",), None)
        rows, columns = np.random.default_rng(3).integers(0, values.shape, (500, 2)).T
        lon, lat = (np.asarray(xy, np.float32) for xy in file.xy(rows, columns))
    site = make_weather(SEED).at(lon, lat)
    on_land = site.land >= 0.5
    np.testing.assert_allclose(values[rows, columns], relief(lon, lat), atol=0.51)
    np.testing.assert_allclose(values[rows, columns][on_land], site.height[on_land], atol=0.51)
    assert values.min() < -4000
    assert values.max() > 3000


@pytest.mark.parametrize(
    ("name", "write"), [(FILES[0], write_land_cover), (FILES[1], write_relief)]
)
def test_equal_seeds_give_equal_files(demo: Path, tmp_path: Path, name: str, write) -> None:
    write(tmp_path / name, make_weather(SEED))
    assert (tmp_path / name).read_bytes() == (demo / name).read_bytes()
