"""Whole files of every kind, small enough to be damaged many times: samples, and made ones for what no sample has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import eccodes
import netCDF4
import numpy as np
import rasterio
import xarray as xr
import zarr
from affine import Affine
from numpy.typing import NDArray

from providers.grib.keys import LOCK

_GRIB = (
    "c3s_seasonal_2t_ukmo.grib", "cams_egg4_monthly.grib", "climate_dt_2t_15deg.grib2", "cnmc_2t_step_minutes.grib2",
    "era5_surface_and_soil_mix.grib", "ifs_10u_reduced_gg_n48.grib", "ifs_2t_missing_values.grib",
    "ifs_2t_octahedral_o32.grib1", "ifs_healpix_h8_ring.grib2", "ifs_skt_south_to_north.grib",
    "ifs_t_mixed_level_types.grib", "ifs_tp_two_resolutions.grib", "ifs_uv_pl_steps.grib",
    "ifs_z_spherical_harmonics.grib", "lambert_net_longwave.grib",
)  # fmt: skip
_NETCDF = (
    "rotated_pole_mslp.nc", "cmems_nws_waves_2017-10-28.nc", "sentinel3_sr_2_lan_measurement.nc",
    "sentinel5p_no2_l2_header.nc",
)  # fmt: skip
_TIFF = ("sentinel2_b01_t34_600m.tif",)
_PACKINGS = (
    "grid_simple", "grid_jpeg", "grid_ccsds", "grid_png", "grid_ieee", "grid_complex",
    "grid_complex_spatial_differencing",
)  # fmt: skip
_GRIDS = ("reduced_gg_pl_32_grib2", "reduced_gg_pl_32_grib1", "regular_gg_pl_grib2", "reduced_ll_sfc_grib1",
          "rotated_ll_pl_grib2", "polar_stereographic_pl_grib2")  # fmt: skip


def originals(folder: Path, samples: Path | None) -> dict[str, list[Path]]:
    """Files and Zarr stores by kind; ``samples`` is the folder of sample data, where there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        "grib": [*packings(folder), *_grids(folder)],
        "netcdf": [*_classic(folder), *_hdf5(folder)],
        "tiff": list(_tiff(folder)),
        "zarr": list(_zarr(folder)),
    }
    if samples is not None:
        found["grib"] += [samples / "grib" / name for name in _GRIB]
        found["netcdf"] += [samples / "netcdf" / name for name in _NETCDF]
        found["tiff"] += [samples / "raster" / name for name in _TIFF]
    return found


def _field(rows: int, columns: int) -> NDArray[np.float64]:
    lat, lon = np.linspace(-1.5, 1.5, rows)[:, None], np.linspace(0, 6, columns)
    return 280 + 20 * np.cos(lat) * np.sin(lon)


def _message(sample: str, change: Callable[[int], None]) -> bytes:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        try:
            change(handle)
            return bytes(eccodes.codes_get_message(handle))
        finally:
            eccodes.codes_release(handle)


def packings(folder: Path) -> Iterator[Path]:
    """GRIB 2 files, one for every packing, with a bitmap."""
    for packing in _PACKINGS:

        def change(handle: int, packing: str = packing) -> None:
            count = int(eccodes.codes_get_size(handle, "values"))
            values = _field(1, count).ravel()
            values[::7] = 9999.0
            eccodes.codes_set(handle, "missingValue", 9999.0)
            eccodes.codes_set(handle, "bitmapPresent", 1)
            eccodes.codes_set_values(handle, values)
            eccodes.codes_set(handle, "packingType", packing)

        path = folder / f"{packing}.grib2"
        path.write_bytes(_message("regular_ll_pl_grib2", change))
        yield path


def _grids(folder: Path) -> Iterator[Path]:
    for sample in _GRIDS:

        def change(handle: int) -> None:
            count = int(eccodes.codes_get_size(handle, "values"))
            eccodes.codes_set_values(handle, _field(1, count).ravel())

        path = folder / f"{sample}.grib"
        path.write_bytes(_message(sample, change) * 2)
        yield path


def dataset() -> xr.Dataset:
    """Packed temperatures and an integer category over time, latitude and longitude, and text."""
    lat, lon = np.linspace(80, -80, 17), np.arange(0.0, 360.0, 10.0)
    field = np.stack([_field(17, 36) + step for step in range(4)])
    dims = ("time", "lat", "lon")
    flags = {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "sea land"}
    return xr.Dataset(
        {
            "t": (dims, field, {"units": "K", "standard_name": "air_temperature"}),
            "mask": (dims[1:], (field[0] > 280).astype(np.int8), flags),
        },
        {
            "time": ("time", np.datetime64("2020-01-01", "ns") + np.arange(4) * np.timedelta64(6, "h")),
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "station": ("station", ["one", "two"]),
        },
        {"title": "Whole", "Conventions": "CF-1.10"},
    )  # fmt: skip


_PACKED = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}


def _classic(folder: Path) -> Iterator[Path]:
    for name in ("NETCDF3_CLASSIC", "NETCDF3_64BIT"):
        path = folder / f"{name.lower()}.nc"
        dataset().to_netcdf(path, format=name, encoding={"t": _PACKED}, unlimited_dims=["time"])  # type: ignore[call-overload]
        yield path


def _hdf5(folder: Path) -> Iterator[Path]:
    stored = {
        "deflated": {"zlib": True, "shuffle": True, "chunksizes": (1, 8, 18)},
        "contiguous": {},
        "checked": {"fletcher32": True, "chunksizes": (2, 17, 36)},
    }
    for name, encoding in stored.items():
        path = folder / f"{name}.nc"
        dataset().to_netcdf(path, format="NETCDF4", encoding={"t": {**_PACKED, **encoding}})
        yield path
    path = folder / "groups.nc"
    with netCDF4.Dataset(path, "w") as file:
        group = file.createGroup("data/deep")
        group.createDimension("x", 4)
        group.createVariable("lon", "f8", ("x",))[:] = range(4)
        group.createVariable("lat", "f8", ("x",))[:] = range(4)
        values = group.createVariable("v", "f4", ("x",), zlib=True)
        values.coordinates = "lon lat"
        values[:] = range(4)
        group.createVariable("names", str, ("x",))[:] = np.array(list("abcd"), object)
    yield path


def _tiff(folder: Path) -> Iterator[Path]:
    profiles: dict[str, dict[str, object]] = {
        "deflate": {"compress": "deflate", "predictor": 2, "tiled": True, "blockxsize": 64, "blockysize": 64},
        "lzw": {"compress": "lzw"},
        "plain": {"interleave": "band"},
        "packbits": {"compress": "packbits", "BIGTIFF": "YES"},
        "zstd": {"compress": "zstd", "tiled": True, "blockxsize": 32, "blockysize": 32},
        "jpeg": {"compress": "jpeg", "photometric": "ycbcr", "tiled": True, "blockxsize": 64, "blockysize": 64},
        "lerc": {"compress": "lerc"},
    }  # fmt: skip
    for name, profile in profiles.items():
        path = folder / f"{name}.tif"
        count = 3 if name == "jpeg" else 2
        band = (_field(150, 200) - 250).astype(np.uint8)
        with rasterio.open(
            path, "w", driver="GTiff", width=200, height=150, count=count, dtype="uint8", nodata=0,
            crs="EPSG:32631", transform=Affine(1000, 0, 4e5, 0, -1000, 5.5e6), **profile,
        ) as file:  # fmt: skip
            file.write(np.stack([band] * count))
            file.set_band_description(1, "level")
            if name in ("deflate", "zstd"):
                file.build_overviews([2, 4])
        yield path


def _zarr(folder: Path) -> Iterator[Path]:
    for form, consolidated in ((2, True), (2, False), (3, True), (3, False)):
        path = folder / f"v{form}{'-consolidated' * consolidated}.zarr"
        chunks = {"t": {"chunks": (1, 9, 18)}}
        dataset().drop_vars("station").to_zarr(
            path, zarr_format=form, consolidated=consolidated, encoding=chunks
        )  # type: ignore[call-overload]
        yield path
    path = folder / "sharded.zarr"
    root = zarr.open_group(path, mode="w", zarr_format=3)
    whole = dataset()
    for name, dims in (("lat", ("lat",)), ("lon", ("lon",))):
        array = root.create_array(
            name, data=whole[name].values, dimension_names=dims, attributes=whole[name].attrs
        )
    array = root.create_array(
        "t", shape=(17, 36), chunks=(4, 9), shards=(8, 18), dtype="f4", dimension_names=("lat", "lon")
    )  # fmt: skip
    array[:] = _field(17, 36).astype(np.float32)
    yield path
