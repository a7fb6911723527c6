"""TIFF files made for tests, and what rasterio and pyproj alone say of any: the cell of a point and its value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from affine import Affine
from numpy.typing import ArrayLike, NDArray

from providers.crs import CRS84, parse_crs
from providers.cube import Cube, Query
from providers.queries import plan_at
from providers.render import Pixels, Renderer
from providers.store import Source, Store

Doubles = NDArray[np.float64]
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"


def write(
    path: Path,
    bands: ArrayLike,
    *,
    crs: Any = "EPSG:4326",
    transform: Affine | None = None,
    tags: dict[str, Any] | None = None,
    **profile: Any,
) -> Path:
    """A TIFF of one band (rows, columns) or several; south-east of 10°E 50°N in steps of half a degree by default."""
    array = np.asarray(bands)
    array = array[None] if array.ndim == 2 else array
    place = {} if crs is None else {"crs": crs}
    with rasterio.open(
        path, "w", driver="GTiff", count=array.shape[0], height=array.shape[1],
        width=array.shape[2], dtype=array.dtype, **place,
        transform=transform or Affine(0.5, 0, 10, 0, -0.5, 50), **profile,
    ) as dataset:  # fmt: skip
        dataset.write(array)
        dataset.update_tags(**(tags or {}))
    return path


def numbered(rows: int, columns: int, dtype: Any = np.float32) -> NDArray[Any]:
    """No two cells are alike (as long as the type can tell)."""
    return np.arange(rows * columns).reshape(rows, columns).astype(dtype)


def open_cubes(path: Path, **hints: Any) -> tuple[Cube, ...]:
    return tuple(named.cube for named in Store().dataset(Source((str(path),), hints)).cubes)


def open_cube(path: Path, **hints: Any) -> Cube:
    (cube,) = open_cubes(path, **hints)
    return cube


@dataclass(frozen=True)
class Direct:
    """A file read with rasterio alone. ``crs`` is stated for a file without one; ``level`` an overview."""

    path: Path
    crs: str | None = None
    level: int | None = None

    def _open(self) -> Any:
        options = {} if self.level is None else {"overview_level": self.level}
        return rasterio.open(self.path, **options)

    @cached_property
    def _place(self) -> tuple[Affine, tuple[int, int], pyproj.Transformer, bool]:
        with self._open() as dataset:
            crs = pyproj.CRS(self.crs or dataset.crs.to_wkt())
            to_crs = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
            return dataset.transform, dataset.shape, to_crs, crs.is_geographic

    def cells(self, lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.int64], ...]:
        """Row and column of the cell of each point, -1 outside; and how far the point is from the rim of the cell."""
        affine, shape, to_crs, geographic = self._place
        x, y = to_crs.transform(np.asarray(lon, float), np.asarray(lat, float))
        if geographic:
            west = min(
                (affine @ corner)[0]
                for corner in ((0, 0), (0, shape[0]), (shape[1], 0), shape[::-1])
            )
            x = x + 360 * np.ceil((west - x) / 360)
        with np.errstate(invalid="ignore"):
            column, row = ~affine @ (np.asarray(x), np.asarray(y))
            inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
        rim = np.where(
            inside, np.minimum(abs(row - np.round(row)), abs(column - np.round(column))), 1
        )
        row, column = (np.where(inside, axis, -1).astype(np.int64) for axis in (row, column))
        return row, column, rim

    def values(self, band: int) -> Doubles:
        """A whole band, NaN where it is missing."""
        with self._open() as dataset:
            found = dataset.read(band, masked=True).astype(np.float64).filled(np.nan)
            result: Doubles = found * dataset.scales[band - 1] + dataset.offsets[band - 1]
            return result

    def value(self, band: int, row: int, column: int) -> float:
        with self._open() as dataset:
            window = ((row, row + 1), (column, column + 1))
            found = dataset.read(band, window=window, masked=True).astype(np.float64)
            (value,) = found.filled(np.nan).ravel()
            return float(value * dataset.scales[band - 1] + dataset.offsets[band - 1])

    def places(self, count: int, seed: int = 7) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
        """Longitude and latitude of points within random cells, away from their rims; and (row, column) of each."""
        affine, shape, to_crs, _ = self._place
        random = np.random.default_rng(seed)
        cells = np.stack([random.integers(0, size, count) for size in shape], -1)
        part = random.uniform(0.1, 0.9, (2, count))
        x, y = affine @ (cells[:, 1] + part[0], cells[:, 0] + part[1])
        lon, lat = to_crs.transform(x, y, direction="INVERSE")
        kept = np.abs(lat) <= 90
        return np.asarray(lon)[kept], np.asarray(lat)[kept], cells[kept]


def value_at(cube: Cube, name: str, lon: float, lat: float) -> float:
    """What a position query answers; NaN where there is nothing."""
    plan = plan_at(cube, Query((name,)), (lon, lat, None))
    return np.nan if plan is None else float(np.ravel(cube.read(plan).values[name])[0])


def raster(
    bounds: tuple[float, float, float, float], width: int = 96, height: int = 96, crs: str = CRS84
) -> Pixels:
    return Pixels(parse_crs(crs, "crs"), bounds, width, height)


def drawn(cube: Cube, name: str, pixels: Pixels) -> Doubles:
    """Values of a map, all axes at their first position."""
    first = {axis: np.array([0]) for axis in cube.axes}
    return np.asarray(Renderer().values(cube, cube.variables[name], first, pixels), np.float64)


def expected(direct: Direct, band: int, pixels: Pixels) -> tuple[Doubles, NDArray[np.bool_]]:
    """The same by brute force; and which pixels are not so near to a rim that rounding decides."""
    x, y = np.meshgrid(*pixels.centres())
    to_degrees = pyproj.Transformer.from_crs(pixels.crs.crs, "OGC:CRS84", always_xy=True)
    row, column, rim = direct.cells(*to_degrees.transform(x, y))
    values = direct.values(band)
    return np.where(row >= 0, values[row, column], np.nan), rim > 1e-6
