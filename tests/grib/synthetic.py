"""GRIB messages made with ecCodes from its samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import eccodes
import numpy as np
from numpy.typing import ArrayLike

from providers.grib.keys import LOCK

GRID: dict[str, Any] = {"Ni": 12, "Nj": 7, "latitudeOfFirstGridPointInDegrees": 90,
        "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 330,
        "iDirectionIncrementInDegrees": 30, "jDirectionIncrementInDegrees": 30}  # fmt: skip


def message(
    values: ArrayLike = 1.0, *, sample: str = "regular_ll_sfc_grib2", grid: Any = None, **keys: Any
) -> bytes:
    """One message; ``keys`` are set in order after the grid, one number makes a field of it."""
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        try:
            for name, value in {**(GRID if grid is None else grid), **keys}.items():
                eccodes.codes_set(handle, name, value)
            field = np.asarray(values, np.float64)
            if not field.ndim:
                field = np.full(_cells(GRID if grid is None else grid, handle), field)
            eccodes.codes_set_values(handle, np.ascontiguousarray(field))
            return bytes(eccodes.codes_get_message(handle))
        finally:
            eccodes.codes_release(handle)


def _cells(grid: Any, handle: int) -> int:
    if "Ni" in grid:
        return int(grid["Ni"] * grid["Nj"])
    return int(eccodes.codes_get_size(handle, "values"))


def write(path: Path, *messages: bytes) -> Path:
    """A file of messages one after the other."""
    path.write_bytes(b"".join(messages))
    return path
