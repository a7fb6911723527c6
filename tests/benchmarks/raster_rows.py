"""What is measured of cloud-optimised GeoTIFF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds

from tests.benchmarks import floors
from tests.benchmarks.asking import MERCATOR, Parts, app, getting, map_path

NAMES = (
    "`/map` 256×256, COG 8192×8192, decoded",
    "`/map` 256×256, COG 8192×8192, kept",
)
SIDE = 8192


def rows(folder: Path) -> Sequence[Parts]:
    """The parts of every row, in the order of :data:`NAMES`; the map shows the whole image."""
    path = folder / "cog.tif"
    _write(path)
    kept = app(folder / "cog-kept", [str(path)])
    decoding = app(folder / "cog-decoding", [str(path)], cache_bytes=0)
    values = _decimated(path)
    asked = map_path("cog")
    return [
        (getting(decoding, asked), lambda: floors.picture(_decimated(path))),
        (getting(kept, asked), lambda: floors.picture(values)),
    ]


def _decimated(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        values: NDArray[Any] = dataset.read(1, out_shape=(256, 256))
    return values


def _write(path: Path) -> None:
    """Whole kelvins with some noise over the tile that is asked for, with overviews."""
    y, x = np.linspace(0, 60, SIDE, dtype="f4")[:, None], np.linspace(0, 50, SIDE, dtype="f4")
    values = (30 * np.sin(x) * np.cos(y) + 270).astype(np.uint16)
    values += np.random.default_rng(1).integers(0, 4, values.shape, np.uint16)
    transform = from_bounds(*MERCATOR, SIDE, SIDE)
    with MemoryFile() as file:
        with file.open(
            driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16", crs="EPSG:3857",
            transform=transform,
        ) as dataset:  # fmt: skip
            dataset.write(values, 1)
        with file.open() as dataset:
            rasterio.shutil.copy(
                dataset, path, driver="COG", compress="DEFLATE", level=1, predictor=2,
                overview_resampling="nearest", num_threads="all_cpus",
            )  # fmt: skip
