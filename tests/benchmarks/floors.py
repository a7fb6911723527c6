"""The least anyone must do for an answer, in the same process and with the same libraries."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import orjson
import zarr
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from providers.readers.netcdf import LOCK
from tests.benchmarks.data import EUROPE

_GREY = bytes(level for level in range(256) for _ in range(3))


def bare() -> FlaskClient:
    """An application that answers ``/`` and knows nothing else, through the same test client."""
    app = Flask("bare", static_folder=None)
    app.add_url_rule("/", "root", lambda: b"{}")
    return app.test_client()


def opened(path: Path) -> object:
    """The group and its coordinates."""
    group = zarr.open_group(path, mode="r")
    return [group[name][:] for name in ("time", "lat", "lon")]  # type: ignore[index]


def series(column: NDArray[Any], times: list[str]) -> bytes:
    return orjson.dumps(
        {"t": times, "values": np.ascontiguousarray(column)}, option=orjson.OPT_SERIALIZE_NUMPY
    )


def europe(block: NDArray[Any]) -> bytes:
    """Values of a block as JSON."""
    flat = np.ascontiguousarray(block).reshape(-1)
    return orjson.dumps({"values": flat}, option=orjson.OPT_SERIALIZE_NUMPY)


def netcdf(block: NDArray[Any]) -> bytes:
    """A block with its coordinates as a NetCDF-4 file in memory."""
    west, south, east, north = EUROPE
    with LOCK:
        dataset = netCDF4.Dataset("floor.nc", "w", memory=1 << 20)
        dataset.set_fill_off()
        for name, values in (
            ("lat", np.linspace(north, south, block.shape[0])),
            ("lon", np.linspace(west, east, block.shape[1])),
        ):
            dataset.createDimension(name, len(values))
            dataset.createVariable(name, "f8", (name,))[:] = values
        dataset.createVariable("t2m", "f4", ("lat", "lon"))[:] = block
        return bytes(dataset.close())


def picture(values: NDArray[Any]) -> bytes:
    """A field scaled to a palette PNG."""
    index = ((values - 233.15) * (253 / 80) + 1.5).clip(1, 254).astype(np.uint8)
    image = Image.fromarray(index, "P")
    image.putpalette(_GREY, "RGB")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
