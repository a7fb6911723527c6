"""GeoTIFF and Cloud-Optimized GeoTIFF (OGC 19-008r4, 21-026): one band per variable and position of its axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.shutil import copy
from rasterio.windows import Window as Pixels

from ..coverage import Coverage
from ..grids import ProjectedGrid
from ..grids.base import Window
from ..variables import Variable, VariableKind
from .base import Format
from .spool import Spool

_MOST_BANDS = 4096
_ROOM = 1 << 20
_TIFF_TYPES = "?bBhHiIfd"
_FACTS = ("long_name", "standard_name", "cell_methods")


def write(coverage: Coverage) -> bytes:
    """The coverage as a TIFF in memory."""
    with MemoryFile() as memory:
        with memory.open(**_profile(coverage)) as dataset:
            _describe(dataset, coverage)
            dataset.write(_stacked(coverage))
        return bytes(memory.getbuffer())


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same, written slab by slab into a file and then sent."""
    return spool.sent(coverage.nbytes + _ROOM, lambda path: _fill(coverage, path), ".tif")


def write_cog(coverage: Coverage) -> bytes:
    """The coverage in tiles with overviews."""
    with MemoryFile(write(coverage)) as plain, MemoryFile() as memory:
        _copy_cog(coverage, plain.name, memory.name)
        return bytes(memory.getbuffer())


def stream_cog(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same through two files."""

    def fill(path: Path) -> None:
        plain = path.with_name("plain.tif")
        _fill(coverage, plain)
        _copy_cog(coverage, str(plain), str(path))

    return spool.sent(3 * coverage.nbytes + _ROOM, fill, ".tif")


def refuses(coverage: Coverage) -> str | None:
    """Why a coverage is no TIFF."""
    count = sum(_positions(coverage, variable) for variable in coverage.variables)
    if count > _MOST_BANDS:
        return f"{count} bands; at most {_MOST_BANDS}"
    if coverage.cell_times is not None or coverage.cell_heights is not None:
        return "cells carry their own times"
    return None


def _positions(coverage: Coverage, variable: Variable) -> int:
    return int(np.prod([coverage.axes[name].size for name in variable.axes], dtype=np.int64))


def _fill(coverage: Coverage, path: Path) -> None:
    with rasterio.open(path, "w", **_profile(coverage)) as dataset:
        _describe(dataset, coverage)
        is_flipped, (rows, _) = _is_flipped(coverage), coverage.selection.shape
        first = 1
        for variable in coverage.variables:
            lead = [coverage.axes[name].size for name in variable.axes]
            for block, values in coverage.slabs(variable):
                down, across = block[-2:]
                for at, image in _images(block, values, lead):
                    top = rows - down.stop if is_flipped else down.start
                    window = Pixels(across.start, top, image.shape[1], image.shape[0])
                    dataset.write(image[::-1] if is_flipped else image, first + at, window=window)
            first += int(np.prod(lead, dtype=np.int64))


def _images(
    block: tuple[slice, ...], values: NDArray[Any], lead: list[int]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The number of the band among the variable's, and its pixels."""
    ranges = [range(part.start, part.stop) for part in block[: len(lead)]]
    images = values.reshape(-1, *values.shape[-2:])
    for image, at in zip(images, itertools.product(*ranges), strict=True):
        yield int(np.ravel_multi_index(at, lead)) if lead else 0, image


def _stacked(coverage: Coverage) -> NDArray[Any]:
    """All bands, rows from north to south."""
    shape = coverage.selection.shape
    parts = [coverage.values[item.id].reshape(-1, *shape) for item in coverage.variables]
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    whole = whole[:, ::-1] if _is_flipped(coverage) else whole
    return np.ascontiguousarray(whole.astype(_dtype(coverage), copy=False))


def _dtype(coverage: Coverage) -> np.dtype[Any]:
    """One type that holds the values of all variables."""
    common = np.result_type(*(coverage.dtype(item) for item in coverage.variables))
    if common.char in _TIFF_TYPES:
        return np.dtype(np.uint8) if common.kind == "b" else common
    return np.dtype(np.float32) if common.itemsize < 4 else np.dtype(np.float64)


def _is_flipped(coverage: Coverage) -> bool:
    """Whether rows run northward, as in a TIFF they must not."""
    selection = coverage.selection
    if isinstance(selection, Window):
        return _projected(selection).affine[4] > 0
    return len(selection.y) > 1 and bool(selection.y[0] < selection.y[-1])


def _projected(window: Window) -> ProjectedGrid:
    assert isinstance(window.grid, ProjectedGrid)
    return window.grid


def _profile(coverage: Coverage) -> dict[str, Any]:
    rows, columns = coverage.selection.shape
    dtype = _dtype(coverage)
    crs, transform = _place(coverage)
    bands = sum(_positions(coverage, variable) for variable in coverage.variables)
    profile = {
        "driver": "GTiff", "width": columns, "height": rows, "count": bands, "dtype": dtype, "crs": crs,
        "transform": transform, "compress": "deflate", "zlevel": 1, "predictor": 3 if dtype.kind == "f" else 2,
        "interleave": "band", "bigtiff": "if_safer",
    }  # fmt: skip
    if dtype.kind == "f":
        profile["nodata"] = np.nan
    return profile


def _place(coverage: Coverage) -> tuple[Any, Affine]:
    """CRS and transform, rows from north to south."""
    selection = coverage.selection
    if isinstance(selection, Window):
        grid = _projected(selection)
        west, south, east, north = grid.bounds(selection.rows, selection.columns)
        rows, columns = selection.shape
        affine = Affine((east - west) / columns, 0, west, 0, (south - north) / rows, north)
        if grid.affine[0] < 0:
            affine = Affine(grid.affine[0], 0, east, 0, affine.e, north)
        return rasterio.CRS.from_wkt(grid.crs.to_wkt()), affine
    wide, high = coverage.grid.spacing
    x, y = selection.x, selection.y
    wide = float(x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else wide
    high = abs(float(y[-1] - y[0])) / (len(y) - 1) if len(y) > 1 else high
    west, north = float(x[0]) - wide / 2, float(max(y[0], y[-1])) + high / 2
    return rasterio.CRS.from_epsg(4326), Affine(wide, 0, west, 0, -high, north)


def _describe(dataset: DatasetWriter, coverage: Coverage) -> None:
    """Names, units and positions of bands; where the data come from."""
    texts = {name: value for name, value in coverage.attributes.items() if isinstance(value, str)}
    if coverage.resampling is not None:
        texts["resampling"] = coverage.resampling
    if coverage.run is not None:
        texts["reference_time"] = coverage.run
    dataset.update_tags(**texts)
    names, units = [], []
    for variable in coverage.variables:
        axes = [coverage.axes[name] for name in variable.axes]
        facts = {
            name: str(variable.attributes[name]) for name in _FACTS if name in variable.attributes
        }
        labels = [axis.labels() for axis in axes]
        for at in itertools.product(*labels):
            place = {axis.name: str(label) for axis, label in zip(axes, at, strict=True)}
            shown = [str(label) for axis, label in zip(axes, at, strict=True) if axis.size > 1]
            names.append(" ".join([variable.id, *shown]))
            units.append(variable.units or "")
            dataset.update_tags(len(names), variable=variable.id, **facts, **place)
    dataset.descriptions = tuple(names)
    dataset.units = tuple(units)


def _copy_cog(coverage: Coverage, source: str, target: str) -> None:
    kinds = {variable.kind for variable in coverage.variables}
    method = "nearest" if VariableKind.CATEGORY in kinds else "average"
    copy(
        source, target, driver="COG", compress="deflate", overview_resampling=method, blocksize=512
    )


_TYPE = "image/tiff; application=geotiff"
GEOTIFF = Format(
    name="geotiff",
    media_type=_TYPE,
    title="GeoTIFF",
    write=write,
    suffix=".tif",
    accepts=("image/tiff", "application/x-geotiff"),
    stream=stream,
    needs_raster=True,
    refuses=refuses,
)
COG = Format(
    name="cog",
    media_type=f"{_TYPE}; profile=cloud-optimized",
    title="Cloud-Optimized GeoTIFF",
    write=write_cog,
    suffix=".tif",
    stream=stream_cog,
    needs_raster=True,
    refuses=refuses,
)
