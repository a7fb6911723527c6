"""GRIB files that are measured: very many small messages, and one field of very many cells on two grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
from numpy.typing import NDArray

from ogcapi.demo import grib

PARAMETERS = ("t", "u", "v", "q", "z")
LEVELS = (*range(1000, 850, -25), 850, *range(800, 350, -50), 300, 200, 100, 50)
STEPS = range(100)
NUMBER, LEVEL = 1280, 10
"""Of the octahedral grid (6.6 million cells), and of refinement of HEALPix (nside 1024, 12.6 million cells)."""
_PACKING = {"packingType": "grid_ccsds", "bitsPerValue": 16}


@dataclass(frozen=True)
class GribData:
    """Paths of what was written."""

    many: Path
    octahedral: Path
    healpix: Path


def write(folder: Path) -> GribData:
    """10,000 messages of 5° (100 steps, 20 levels, 5 parameters), a field on O1280 and one on HEALPix."""
    data = GribData(folder / "many.grib2", folder / "o1280.grib2", folder / "h1024.grib2")
    _write_many(data.many)
    for path, (keys, lon, lat) in (
        (data.octahedral, grib.octahedral(NUMBER)),
        (data.healpix, grib.healpix(LEVEL)),
    ):
        with grib.template(_header(keys)) as shared:
            path.write_bytes(_message(shared, temperatures(lon, lat), {"shortName": "2t"}))
    return data


def temperatures(lon: NDArray[Any], lat: NDArray[Any]) -> NDArray[np.float32]:
    """Waves of a few lengths and noise that does not pack away."""
    x, y = np.radians(lon).astype(np.float32), np.radians(lat).astype(np.float32)
    waves = 288 - 45 * np.sin(y) ** 2 + 6 * np.cos(y) * np.sin(5 * x)
    noise = np.random.default_rng(1).random(waves.shape, np.float32)
    return np.asarray(waves + 0.1 * noise, np.float32)


def _header(keys: Mapping[str, Any]) -> dict[str, Any]:
    return grib.header(**keys, dataDate=20240101, dataTime=0)


def _message(shared: int, values: NDArray[Any], keys: Mapping[str, Any]) -> bytes:
    handle = eccodes.codes_clone(shared)
    try:
        for name, value in {**keys, **_PACKING}.items():
            eccodes.codes_set(handle, name, value)
        eccodes.codes_set_values(handle, values.astype(np.float64).ravel())
        encoded: bytes = eccodes.codes_get_message(handle)
        return encoded
    finally:
        eccodes.codes_release(handle)


def _write_many(path: Path) -> None:
    keys, lon, lat = grib.regular(5.0)
    field = temperatures(lon, lat)
    with path.open("wb") as file:
        for parameter in PARAMETERS:
            own = {"typeOfLevel": "isobaricInhPa", "shortName": parameter}
            with grib.template({**_header(keys), **own}) as shared:
                for at, level in enumerate(LEVELS):
                    eccodes.codes_set(shared, "level", level)
                    for step in STEPS:
                        values = np.roll(field, step, axis=1) - 3 * at
                        file.write(_message(shared, values, {"step": step}))
