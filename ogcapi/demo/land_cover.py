"""The two Cloud-Optimized GeoTIFFs of the demo: classes of land cover, heights of land and sea bed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.transform import from_origin

from ogcapi.demo.fields import Weather
from ogcapi.demo.land import Floats, land_fraction, sea_depth, terrain_height
from ogcapi.demo.metadata import dataset_attributes

COVER_STEP, RELIEF_STEP = 0.125, 0.25  # degrees
TILE = 512


class CoverClass(NamedTuple):
    """A class of land cover: its stored code, its name, its colour."""

    code: int
    name: str
    colour: tuple[int, int, int]


# Codes and names are those of ESA WorldCover, so that its legends and styles fit.
CLASSES = (
    CoverClass(10, "Tree cover", (28, 107, 48)),
    CoverClass(20, "Shrubland", (214, 168, 72)),
    CoverClass(30, "Grassland", (190, 209, 102)),
    CoverClass(40, "Cropland", (232, 130, 168)),
    CoverClass(60, "Bare / sparse vegetation", (196, 184, 165)),
    CoverClass(70, "Snow and ice", (240, 244, 250)),
    CoverClass(80, "Permanent water bodies", (36, 99, 168)),
    CoverClass(90, "Herbaceous wetland", (64, 170, 170)),
    CoverClass(100, "Moss and lichen", (236, 222, 170)),
)
NO_DATA = 0


def write_land_cover(path: Path, weather: Weather) -> None:
    """Classes of the whole Earth as bytes with a colour table; coarser levels by majority."""
    classes = cover_classes(*_centres(COVER_STEP))
    legend = "\n".join(f"{item.code}  {item.name}" for item in CLASSES)
    with _create(path, classes, COVER_STEP, "mode", nodata=NO_DATA) as file:
        file.write(classes, 1)
        file.write_colormap(1, {item.code: (*item.colour, 255) for item in CLASSES})
        file.set_band_description(1, "land_cover")
        file.update_tags(1, long_name="Land cover", standard_name="land_cover_lccs")
        _tag(file, "Demo land cover: classes on a grid of 1/8 degree", {"legend": legend})


def write_relief(path: Path, weather: Weather) -> None:
    """Heights above mean sea level in whole metres, the sea bed below 0; coarser levels by mean."""
    heights = np.rint(relief(*_centres(RELIEF_STEP))).astype(np.int16)
    with _create(path, heights, RELIEF_STEP, "average", predictor=2) as file:
        file.write(heights, 1)
        file.set_band_description(1, "height")
        file.set_band_unit(1, "m")
        file.update_tags(
            1, long_name="Height of land and sea bed", standard_name="height_above_mean_sea_level"
        )
        _tag(file, "Demo relief: heights on a grid of 1/4 degree", {})


def cover_classes(longitude: Floats, latitude: Floats) -> NDArray[np.uint8]:
    """Codes of ``CLASSES`` at places in degrees, which broadcast: by height, warmth and wetness."""
    land = land_fraction(longitude, latitude)
    height = terrain_height(longitude, latitude, land)
    grain = _grain(longitude, latitude)
    warmth = _yearly_temperature(longitude, latitude, height) + grain
    wetness = _wetness(longitude, latitude) + np.float32(0.08) * grain
    rules = (
        (land < 0.5, 80), (warmth < -11.0, 70), (warmth < -4.0, 100),
        (wetness < 0.22, 60), (wetness < 0.38, 20), (grain > 1.45, 90),
        ((warmth > 6.0) & (wetness < 0.72) & (grain > -0.35) & (height < 900.0), 40),
        (wetness < 0.55, 30),
    )  # fmt: skip
    codes = np.select([rule for rule, _ in rules], [np.uint8(code) for _, code in rules], 10)
    return codes.astype(np.uint8)


def relief(longitude: Floats, latitude: Floats) -> Floats:
    """Metres above mean sea level: the terrain of the weather, the sea bed of the ocean."""
    land = land_fraction(longitude, latitude)
    height = terrain_height(longitude, latitude, land)
    return np.where(land < 0.5, -sea_depth(longitude, latitude), height)


def _centres(step: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A row of longitudes from 180 west and a column of latitudes from 90 north, in degrees."""
    longitude = -180.0 + step * (np.arange(round(360 / step)) + 0.5)
    latitude = 90.0 - step * (np.arange(round(180 / step)) + 0.5)
    return longitude[None, :].astype(np.float32), latitude[:, None].astype(np.float32)


def _create(
    path: Path, values: NDArray[Any], step: float, resampling: str, **options: Any
) -> DatasetWriter:
    """A file of the driver COG in longitude and latitude, written when it is closed."""
    rows, columns = values.shape
    return rasterio.open(
        path, "w", driver="COG", width=columns, height=rows, count=1, dtype=values.dtype,
        crs="EPSG:4326", transform=from_origin(-180.0, 90.0, step, step), blocksize=TILE,
        compress="deflate", level=9, overview_resampling=resampling, num_threads=1, **options,
    )  # fmt: skip


def _tag(file: DatasetWriter, title: str, more: Mapping[str, str]) -> None:
    attributes = dataset_attributes(title, "CF-1.11")
    del attributes["Conventions"]  # a TIFF follows none of them
    file.update_tags(**attributes, **more)


def _yearly_temperature(longitude: Floats, latitude: Floats, height: Floats) -> Floats:
    """Degrees Celsius at the ground in the mean of a year."""
    mild = np.float32(5.0) * np.exp(1.8 * (np.cos(np.deg2rad(longitude + 5.0)) - 1.0))
    mild = mild * np.exp(-(((latitude - np.float32(60.0)) / np.float32(14.0)) ** 2))
    sun = np.float32(27.5) - np.float32(42.0) * np.sin(np.deg2rad(latitude)) ** 2
    sun = sun - np.float32(9.0) * np.exp(-(((latitude + np.float32(85.0)) / 22.0) ** 2))
    warmth: Floats = sun + mild - np.float32(0.0055) * height
    return warmth


def _wetness(longitude: Floats, latitude: Floats) -> Floats:
    """0 in deserts to about 1 in the belt of tropical rain; storm tracks lie between."""

    def band(centre: float, width: float) -> Floats:
        return np.exp(-(((latitude - np.float32(centre)) / np.float32(width)) ** 2))

    def near(centre: float, sharpness: float) -> Floats:
        return np.exp(np.float32(sharpness) * (np.cos(np.deg2rad(longitude - centre)) - 1.0))

    # Summer rain on the eastern sides of Asia and the Americas, where the western sides have deserts.
    north = (near(112.0, 3.0) + near(-80.0, 3.0)) * band(26.0, 13.0)
    south = (near(-60.0, 3.0) + near(-48.0, 6.0)) * band(-24.0, 13.0)
    monsoon = np.float32(0.45) * (north + south)
    wetness: Floats = band(-1.0, 13.0) + np.float32(0.68) * (band(54, 15) + band(-48, 14)) + monsoon
    return wetness


def _grain(longitude: Floats, latitude: Floats) -> Floats:
    """A texture of a few degrees around 0, about -2 to 2; whole waves around the Earth."""
    x, y = np.deg2rad(longitude), np.deg2rad(latitude)
    x, y = x + 0.06 * np.sin(11 * y + 3 * x), y + 0.06 * np.sin(7 * x - 5 * y)
    grain: Floats = (
        np.sin(37 * x + 0.4) * np.cos(43 * y) + np.sin(83 * x) * np.sin(71 * y + 1.3)
        + np.float32(0.6) * np.cos(151 * x + 2.1) * np.sin(163 * y)
    )  # fmt: skip
    return grain
