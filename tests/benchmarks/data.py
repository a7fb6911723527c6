"""The data that are measured: written once per run into a temporary folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import zarr

FOLDERS = 500
"""Tiny files behind the long list of collections."""
EUROPE = (-10.0, 35.0, 30.0, 70.0)
"""West, south, east, north: 161 columns by 141 rows of a quarter of a degree."""
NSIDE = 128


@dataclass(frozen=True)
class Data:
    """Paths of what was written."""

    series: Path
    world: Path
    healpix: Path
    tiny: tuple[Path, ...]


def write(folder: Path) -> Data:
    """744 steps over Europe chunked by time, 4 steps of the globe chunked by field, HEALPix, and tiny files."""
    west, south, east, north = EUROPE
    lat, lon = np.arange(north, south - 0.01, -0.25), np.arange(west, east + 0.01, 0.25)
    data = Data(
        folder / "series.zarr",
        folder / "world.zarr",
        folder / "healpix.zarr",
        tuple(folder / f"tiny{number:03d}.nc" for number in range(FOLDERS)),
    )
    _write_store(data.series, 744, lat, lon, (744, 16, 16))
    world_lat, world_lon = np.linspace(90, -90, 721), np.arange(-180, 180, 0.25)
    _write_store(data.world, 4, world_lat, world_lon, (1, 721, 1440))
    _write_healpix(data.healpix)
    for path in data.tiny:
        _write_tiny(path)
    return data


def field(lon: np.ndarray, lat: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Temperatures with waves of several lengths and some noise, float32, to hundredths of a kelvin."""
    x, y = np.radians(lon), np.radians(lat)
    waves = 288 - 45 * np.sin(y) ** 2 + 6 * np.cos(y) * np.sin(5 * x + phase)
    noise = np.random.default_rng(1).normal(0, 0.05, waves.shape)
    return np.round(waves + 2 * np.sin(23 * x) * np.sin(19 * y) + noise, 2).astype(np.float32)


def _write_store(
    path: Path, steps: int, lat: np.ndarray, lon: np.ndarray, chunks: tuple[int, ...]
) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    _coordinate(group, "time", np.arange(steps), "hours since 2024-01-01 00:00:00", "time")
    _coordinate(group, "lat", lat, "degrees_north", "latitude")
    _coordinate(group, "lon", lon, "degrees_east", "longitude")
    shape = (steps, len(lat), len(lon))
    values = group.create_array("t2m", shape=shape, chunks=chunks, dtype="f4", fill_value=np.nan)
    values.attrs.update(_temperature(["time", "lat", "lon"]))
    values[:] = field(lon[None, None, :], lat[None, :, None], np.arange(steps)[:, None, None] / 24)
    zarr.consolidate_metadata(path)


def _temperature(dims: list[str]) -> dict[str, object]:
    names = {"standard_name": "air_temperature", "long_name": "2 metre temperature", "units": "K"}
    return {"_ARRAY_DIMENSIONS": dims, **names}


def _coordinate(
    group: zarr.Group, name: str, values: np.ndarray, units: str, standard: str
) -> None:
    array = group.create_array(name, data=values, fill_value=None)
    array.attrs.update(
        {"_ARRAY_DIMENSIONS": [name], "units": units, "standard_name": standard}
        | ({"calendar": "standard"} if name == "time" else {})
    )


def _write_healpix(path: Path) -> None:
    cells = 12 * NSIDE**2
    group = zarr.open_group(path, mode="w", zarr_format=2)
    _coordinate(group, "time", np.arange(4), "hours since 2024-01-01 00:00:00", "time")
    crs = group.create_array("crs", data=np.int32(0))
    level = NSIDE.bit_length() - 1
    crs.attrs.update(
        {
            "_ARRAY_DIMENSIONS": [],
            "grid_mapping_name": "healpix",
            "refinement_level": level,
            "indexing_scheme": "nested",
        }
    )
    values = group.create_array("t2m", shape=(4, cells), chunks=(1, cells), dtype="f4")
    values.attrs.update(_temperature(["time", "cell"]) | {"grid_mapping": "crs"})
    place = np.linspace(-180, 180, cells)
    values[:] = field(place[None, :], place[None, ::-1] / 2, np.arange(4)[:, None])
    zarr.consolidate_metadata(path)


def _write_tiny(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as dataset:
        for name, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
            dataset.createDimension(name, 3)
            variable = dataset.createVariable(name, "f8", (name,))
            variable.units = units
            variable[:] = [0.0, 1.0, 2.0]
        dataset.createDimension("time", 2)
        times = dataset.createVariable("time", "i4", ("time",))
        times.units = "hours since 2024-01-01 00:00:00"
        times[:] = [0, 1]
        values = dataset.createVariable("t2m", "f4", ("time", "lat", "lon"))
        values.units, values.long_name = "K", "2 metre temperature"
        values[:] = 280.0
