"""What the builders share: the truth they promise, and two plain writers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import netCDF4
import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
NetcdfFormat = Literal["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"]


@dataclass(frozen=True)
class Truth:
    """What a correct reader finds in a store.

    ``values`` are unpacked float64 with NaN for missing, in the stored order of ``dims``. ``lon``
    and ``lat`` have the shape of the dimensions ``cells`` (none for a scalar place), longitude from
    -180 up to but without 180, float64; where the stored longitudes differ by whole turns they
    are equal here. ``times`` are valid times as ISO 8601 of ``calendar``, over ``time_dims`` (none for
    a scalar time). ``axes`` are the other axes and scalar coordinates by stored name. ``newest`` maps
    a valid time to the index along ``time_dims`` that the newest run gives. ``not_fields`` are stored
    variables that are neither fields nor coordinates, which a reader lists or skips with a warning.
    """

    values: Mapping[str, Doubles]
    dims: Mapping[str, tuple[str, ...]]
    cells: tuple[str, ...]
    lon: Doubles
    lat: Doubles
    times: NDArray[np.str_] = field(default_factory=lambda: np.array([], dtype=str))
    time_dims: tuple[str, ...] = ()
    calendar: str = "standard"
    reference_times: NDArray[np.str_] | None = None
    reference_dims: tuple[str, ...] = ()
    newest: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    axes: Mapping[str, Doubles] = field(default_factory=dict)
    group: str | None = None
    crs: str | None = None
    healpix: tuple[int, str] | None = None  # level, "nested" or "ring"
    not_fields: tuple[str, ...] = ()
    says: str = ""


class Nasty(NamedTuple):
    """A store on disk and what is in it."""

    path: Path
    truth: Truth


Builder = Callable[[Path], Nasty]


@dataclass(frozen=True)
class Var:
    """A variable as stored: raw (packed) values; ``fill`` is the format's own fill value."""

    name: str
    dims: tuple[str, ...]
    values: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)
    fill: Any = None


def norm(longitude: ArrayLike) -> Doubles:
    """Longitude from -180 up to but without 180."""
    turned: Doubles = np.mod(np.asarray(longitude, np.float64) + 180.0, 360.0) - 180.0
    return turned


def mesh(latitude: ArrayLike, longitude: ArrayLike) -> tuple[Doubles, Doubles]:
    """Longitude and latitude of every cell, shape (lat, lon)."""
    lon, lat = np.meshgrid(norm(longitude), np.asarray(latitude, np.float64))
    return lon, lat


def pattern(lon: ArrayLike, lat: ArrayLike, *outer: int) -> Doubles:
    """Values that tell where they come from, with ``outer`` dimensions before those of the cells.

    Place: 280 + lat/8 + lon/512; each outer index adds 64, 8, 1 and so on. Multiples of a power of
    two for whole degrees, so float32 holds them exactly.
    """
    place = 280.0 + np.asarray(lat, np.float64) / 8.0 + norm(lon) / 512.0
    for depth, size in enumerate(reversed(outer)):
        weight = (64.0, 8.0, 1.0)[len(outer) - 1 - depth]
        steps = np.arange(size, dtype=np.float64) * weight
        place = steps.reshape((size,) + (1,) * place.ndim) + place[None]
    return place


def lat_var(values: ArrayLike, name: str = "lat", dims: tuple[str, ...] | None = None) -> Var:
    attributes = {"standard_name": "latitude", "units": "degrees_north"}
    return Var(name, (name,) if dims is None else dims, np.asarray(values, np.float64), attributes)


def lon_var(values: ArrayLike, name: str = "lon", dims: tuple[str, ...] | None = None) -> Var:
    attributes = {"standard_name": "longitude", "units": "degrees_east"}
    return Var(name, (name,) if dims is None else dims, np.asarray(values, np.float64), attributes)


def time_var(
    values: ArrayLike,
    units: str = "hours since 2026-01-01 00:00:00",
    calendar: str = "standard",
    name: str = "time",
    dims: tuple[str, ...] | None = None,
) -> Var:
    attributes = {"standard_name": "time", "units": units, "calendar": calendar}
    return Var(name, (name,) if dims is None else dims, np.asarray(values, np.float64), attributes)


def hours(count: int, step: int = 6) -> NDArray[np.str_]:
    """ISO times from 2026-01-01 on, as ``time_var`` of multiples of ``step`` holds them."""
    start = np.datetime64("2026-01-01T00:00:00", "s")
    return np.datetime_as_string(start + np.arange(count) * np.timedelta64(step * 3600, "s"))


TEMPERATURE = {"standard_name": "air_temperature", "long_name": "Air temperature", "units": "K"}


def sizes_of(variables: Sequence[Var]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for variable in variables:
        for name, size in zip(variable.dims, np.shape(variable.values), strict=True):
            if sizes.setdefault(name, size) != size:
                raise ValueError(f"dimension {name} has two sizes")
    return sizes


def write_nc(
    path: Path,
    variables: Sequence[Var],
    attributes: Mapping[str, Any] | None = None,
    format: NetcdfFormat = "NETCDF4",
) -> Path:
    """Write raw values: nothing is packed, masked or filled on the way."""
    with netCDF4.Dataset(path, "w", format=format) as file:
        file.setncatts({"Conventions": "CF-1.11", **(attributes or {})})
        for name, size in sizes_of(variables).items():
            file.createDimension(name, size)
        for var in variables:
            dtype = np.asarray(var.values).dtype
            kind = str if dtype.kind in "UO" else dtype
            big = dtype.byteorder == ">"
            made = file.createVariable(
                var.name,
                kind,
                var.dims,
                fill_value=var.fill,
                endian="big" if big else "native",
            )
            made.set_auto_maskandscale(False)
            made.setncatts(dict(var.attributes))
            if kind is str:
                made[...] = np.asarray(var.values, dtype=object)
            elif np.size(var.values):
                made[...] = var.values
    return path


def write_zarr(
    path: Path,
    variables: Sequence[Var],
    attributes: Mapping[str, Any] | None = None,
    *,
    zarr_format: Literal[2, 3] = 3,
    consolidated: bool = True,
    group: str | None = None,
    chunks: Mapping[str, int] | None = None,
    shards: Mapping[str, int] | None = None,
) -> Path:
    """Write raw values, with ``chunks`` and ``shards`` by dimension."""
    root = zarr.create_group(str(path), zarr_format=zarr_format)
    node = root.create_group(group) if group else root
    node.update_attributes({"Conventions": "CF-1.11", **(attributes or {})})
    for var in variables:
        values = np.asarray(var.values)
        shape = dict(zip(var.dims, values.shape, strict=True))
        tile = tuple(min((chunks or {}).get(dim, size), size) for dim, size in shape.items())
        cover = tuple((shards or {}).get(dim, size) for dim, size in shape.items())
        array = node.create_array(
            var.name,
            shape=values.shape,
            dtype=values.dtype,
            chunks=tile,
            shards=cover if shards and len(var.dims) > 1 else None,
            fill_value=var.fill,
            dimension_names=list(var.dims) if zarr_format == 3 else None,
        )
        extra = {"_ARRAY_DIMENSIONS": list(var.dims)} if zarr_format == 2 else {}
        array.update_attributes({**var.attributes, **extra})
        array[...] = values
    if consolidated:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(root.store)
    return path
