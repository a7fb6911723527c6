"""The two Zarr stores of the demo: a reanalysis on a regular grid, daily means on HEALPix."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from healpix_geo import nested
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning

from ogcapi.demo.fields import Site, Weather
from ogcapi.demo.metadata import TIME_UNITS, bounds_of, dataset_attributes
from ogcapi.demo.rounding import round_to_step

HOURS = 24
DAYS = 3
LEVEL = 7

# A map reads 18 chunks and one point's day reads 4, at 1.4 MB each before compression. Six hours
# keep a map from dragging the whole day along; 241 x 240 makes three rows and six columns.
ERA_CHUNKS = (6, 241, 240)
# One chunk per base cell: in nested order a chunk is a compact piece of the sphere.
HEALPIX_CHUNKS = (DAYS, 4**LEVEL)

# Rounding steps are powers of two, so the trailing bits of the float32 are zero and compress.
ERA_VARIABLES: dict[str, tuple[float, dict[str, str]]] = {
    "t2m": (
        2**-4,
        {"standard_name": "air_temperature", "long_name": "2 metre temperature", "units": "K",
         "cell_methods": "time: point", "coordinates": "height_2m"},
    ),
    "u10": (
        2**-4,
        {"standard_name": "eastward_wind", "long_name": "10 metre U wind component",
         "units": "m s-1", "cell_methods": "time: point", "coordinates": "height_10m"},
    ),
    "v10": (
        2**-4,
        {"standard_name": "northward_wind", "long_name": "10 metre V wind component",
         "units": "m s-1", "cell_methods": "time: point", "coordinates": "height_10m"},
    ),
    "msl": (
        2.0**3,
        {"standard_name": "air_pressure_at_mean_sea_level",
         "long_name": "Mean sea level pressure", "units": "Pa", "cell_methods": "time: point"},
    ),
    "tp": (
        2**-6,
        {"standard_name": "precipitation_amount", "long_name": "Total precipitation",
         "units": "kg m-2", "cell_methods": "time: sum (interval: 1 hour)"},
    ),
}  # fmt: skip

HEALPIX_VARIABLES: dict[str, dict[str, str]] = {
    "t2m": {"standard_name": "air_temperature", "long_name": "2 metre temperature, daily mean",
            "units": "K", "cell_methods": "time: mean", "coordinates": "height_2m"},
    "sst": {"standard_name": "sea_surface_temperature",
            "long_name": "Sea surface temperature, daily mean", "units": "K",
            "cell_methods": "time: mean area: mean where sea"},
    "tp": {"standard_name": "precipitation_amount", "long_name": "Total precipitation, daily sum",
           "units": "kg m-2", "cell_methods": "time: sum"},
}  # fmt: skip


def write_era(path: Path, weather: Weather) -> None:
    """Hourly 0.25 degree fields of one day, latitude from north to south, longitude from 0."""
    latitude, longitude = np.linspace(90, -90, 721), np.arange(1440) * 0.25
    group = _create_group(
        path, dataset_attributes("Demo reanalysis: hourly weather on a 0.25 degree grid", "CF-1.11")
    )
    _write_time(group, np.arange(HOURS), bounds_of(np.arange(HOURS) - 1.0, 1.0))
    _write_axis(group, "latitude", latitude, "degrees_north", "Y")
    _write_axis(group, "longitude", longitude, "degrees_east", "X")
    _write_heights(group, (2.0, 10.0))
    for name, (_, attributes) in ERA_VARIABLES.items():
        _create(
            group,
            name,
            ("time", "latitude", "longitude"),
            (HOURS, 721, 1440),
            ERA_CHUNKS,
            attributes,
        )
    site = weather.at(longitude[None, :], latitude[:, None])
    site.prepare()
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(lambda first: _write_hours(group, site, first), range(0, HOURS, ERA_CHUNKS[0]))
        )
    _consolidate(group)


def _write_hours(group: zarr.Group, site: Site, first: int) -> None:
    """One row of chunks along time, for all variables."""
    length = min(ERA_CHUNKS[0], HOURS - first)
    block = {name: np.empty((length, *site.shape), np.float32) for name in ERA_VARIABLES}
    for step in range(length):
        for name, values in _moment(site, float(first + step)):
            block[name][step] = round_to_step(values, ERA_VARIABLES[name][0])
    for name, values in block.items():
        _array(group, name)[first : first + length] = values


def _moment(site: Site, hours: float) -> Iterator[tuple[str, NDArray[np.float32]]]:
    state = site.state(hours)
    eastward, northward = site.wind(state)
    yield "t2m", site.air_temperature(state, hours)
    yield "u10", eastward
    yield "v10", northward
    yield "msl", site.sea_level_pressure(state, hours)
    # The hour that ends at the time stamp, by the rate near its middle.
    yield "tp", site.precipitation_rate(state, hours - 0.5)


def write_healpix(path: Path, weather: Weather) -> None:
    """Daily means on the 196,608 cells of level 7; sea surface temperature is missing on land."""
    cells = np.arange(12 * 4**LEVEL, dtype=np.uint64)
    longitude, latitude = nested.healpix_to_lonlat(cells, LEVEL)
    group = _create_group(
        path, dataset_attributes("Demo climate: daily means on a HEALPix grid", "CF-1.13")
    )
    days = np.arange(DAYS) * 24.0
    _write_time(group, days + 12.0, bounds_of(days, 24.0))
    _write_heights(group, (2.0,))
    _write_cells(group, cells)
    for name, attributes in HEALPIX_VARIABLES.items():
        coordinates = f"{attributes.get('coordinates', '')} cell_ids".strip()
        attributes = {**attributes, "grid_mapping": "healpix", "coordinates": coordinates}
        _create(group, name, ("time", "cell"), (DAYS, cells.size), HEALPIX_CHUNKS, attributes)
    # A cyclone is added to a run of points near its latitude: in ring order that run is short.
    order = np.argsort(latitude, kind="stable")
    site = weather.at(longitude[order], latitude[order])
    site.prepare()
    with ThreadPoolExecutor(2) as pool:
        daily = list(pool.map(lambda start: _daily_means(site, float(start)), days))
    for name in HEALPIX_VARIABLES:
        values = np.empty((DAYS, cells.size), np.float32)
        values[:, order] = [day[name] for day in daily]
        _array(group, name)[:] = values
    _consolidate(group)


def _daily_means(site: Site, start: float) -> dict[str, NDArray[np.float32]]:
    """A day from its four six-hourly states."""
    temperature, rain, sea = (np.zeros(site.shape, np.float32) for _ in range(3))
    samples = np.arange(3.0, 24.0, 6.0)
    for hour in start + samples:
        state = site.state(float(hour))
        temperature += site.air_temperature(state, float(hour))
        rain += site.precipitation_rate(state, float(hour)) * np.float32(6.0)
        sea += site.sea_temperature(0.0, float(hour)) + np.float32(273.15)
    sea = round_to_step(sea / samples.size, 2**-6)
    return {
        "t2m": round_to_step(temperature / samples.size, 2**-6),
        "sst": np.where(site.land < 0.5, sea, np.float32(np.nan)),
        "tp": round_to_step(rain, 2**-6),
    }


def _create_group(path: Path, attributes: Mapping[str, Any]) -> zarr.Group:
    return zarr.create_group(str(path), zarr_format=3, attributes=dict(attributes))


def _consolidate(group: zarr.Group) -> None:
    with warnings.catch_warnings():
        # Zarr says that other readers may not know consolidated metadata; they then do without.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=ZarrUserWarning)
        zarr.consolidate_metadata(group.store)


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise TypeError(f"{name} is a group, not an array")
    return array


def _create(
    group: zarr.Group,
    name: str,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    attributes: Mapping[str, Any],
    dtype: str = "float32",
) -> zarr.Array[Any]:
    """An array whose missing value is NaN (floats) or that has none (integers)."""
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=dims,
        fill_value=np.nan if dtype.startswith("float") else 0,
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
        attributes=dict(attributes),
    )


def _write_axis(group: zarr.Group, name: str, values: NDArray[Any], units: str, axis: str) -> None:
    attributes = {"standard_name": name, "long_name": name, "units": units, "axis": axis}
    _create(group, name, (name,), values.shape, values.shape, attributes, "float64")[:] = values


def _write_time(group: zarr.Group, hours: NDArray[Any], bounds: NDArray[Any]) -> None:
    attributes = {
        "standard_name": "time", "long_name": "time", "units": TIME_UNITS,
        "calendar": "proleptic_gregorian", "axis": "T", "bounds": "time_bnds",
    }  # fmt: skip
    _create(group, "time", ("time",), hours.shape, hours.shape, attributes, "float64")[:] = hours
    units = {"units": TIME_UNITS, "calendar": "proleptic_gregorian"}
    _create(group, "time_bnds", ("time", "bnds"), bounds.shape, bounds.shape, units, "float64")[
        :
    ] = bounds


def _write_heights(group: zarr.Group, metres: tuple[float, ...]) -> None:
    for height in metres:
        name = f"height_{height:.0f}m"
        attributes = {
            "standard_name": "height", "long_name": "height above the surface",
            "units": "m", "positive": "up", "axis": "Z",
        }  # fmt: skip
        _create(group, name, (), (), (), attributes, "float64")[...] = height


def _write_cells(group: zarr.Group, cells: NDArray[np.uint64]) -> None:
    """The cell numbers and the grid mapping, in the words of CF 1.13 and of xdggs."""
    mapping = {
        "grid_mapping_name": "healpix", "refinement_level": LEVEL, "indexing_scheme": "nested",
        "earth_radius": 6371000.0,
    }  # fmt: skip
    _create(group, "healpix", (), (), (), mapping, "int32")[...] = 0
    attributes = {
        "standard_name": "healpix_index", "long_name": "HEALPix cell number", "units": "1",
        "grid_name": "healpix", "level": LEVEL, "indexing_scheme": "nested", "ellipsoid": "sphere",
    }  # fmt: skip
    _create(group, "cell_ids", ("cell",), cells.shape, (4**LEVEL,), attributes, "int64")[:] = (
        cells.astype(np.int64)
    )
