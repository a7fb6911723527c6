"""Vectors with known true bearings as components along the axes of a projection, by moving points along them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPEED = 7.0


def bearings(shape: tuple[int, ...]) -> Array:
    """True bearings that go all the way round over the cells."""
    return (np.arange(np.prod(shape)) * 37.0 % 360.0).reshape(shape)


def on_grid(crs: pyproj.CRS, lon: Array, lat: Array, bearing: Array) -> tuple[Array, Array]:
    """Components along x and y of vectors of :data:`SPEED` with a true bearing."""
    geod = pyproj.Geod(ellps="sphere") if crs.is_geographic else crs.get_geod()
    assert geod is not None
    far_lon, far_lat, _ = geod.fwd(lon, lat, bearing, np.full(lon.shape, 50.0))
    forward = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = forward.transform(lon, lat)
    far_x, far_y = forward.transform(far_lon, far_lat)
    along_x, along_y = np.asarray(far_x) - x, np.asarray(far_y) - y
    if crs.is_geographic:  # degrees of a rotated pole: those of longitude are shorter
        along_x = (along_x + 180.0) % 360.0 - 180.0
        along_x *= np.cos(np.radians(y))
    length = np.hypot(along_x, along_y)
    return SPEED * along_x / length, SPEED * along_y / length


def apart(one: NDArray[Any], other: NDArray[Any]) -> Array:
    """Degrees between directions."""
    return np.abs((one.astype(np.float64) - other + 180.0) % 360.0 - 180.0)
