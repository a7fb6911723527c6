"""Missing values and packed numbers, in the ways they are found."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.fixtures_nasty.store import (
    TEMPERATURE,
    Doubles,
    Nasty,
    NetcdfFormat,
    Truth,
    Var,
    hours,
    lat_var,
    lon_var,
    mesh,
    pattern,
    time_var,
    write_nc,
    write_zarr,
)

LAT, LON = np.arange(40.0, 0.0, -10.0), np.arange(0.0, 50.0, 10.0)
SHAPE = (2, LAT.size, LON.size)


def _axes() -> list[Var]:
    return [time_var([0, 6]), lat_var(LAT), lon_var(LON)]


def _truth(values: Doubles, says: str) -> Truth:
    lon, lat = mesh(LAT, LON)
    return Truth(
        {"t": values}, {"t": ("time", "lat", "lon")}, ("lat", "lon"), lon, lat,
        times=hours(2), time_dims=("time",), says=says,
    )  # fmt: skip


def _netcdf(
    folder: Path,
    name: str,
    raw: Any,
    attributes: Mapping[str, Any],
    truth: Doubles,
    says: str,
    fill: Any = None,
    format: NetcdfFormat = "NETCDF4",
) -> Nasty:
    data = Var("t", ("time", "lat", "lon"), raw, {**TEMPERATURE, **attributes}, fill)
    path = write_nc(folder / f"{name}.nc", [*_axes(), data], format=format)
    return Nasty(path, _truth(truth, says))


def _field() -> Doubles:
    return pattern(*mesh(LAT, LON), SHAPE[0])


def packed_int16(folder: Path) -> Nasty:
    raw = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) * np.int16(37)
    raw[0, 1, 2] = raw[1, 3, 4] = -32768
    truth = np.where(raw == -32768, np.nan, raw * 0.01 + 273.15)
    attributes = {"scale_factor": 0.01, "add_offset": 273.15}
    return _netcdf(folder, "packed_int16", raw, attributes, truth,
                   "int16 with scale_factor, add_offset and _FillValue", np.int16(-32768))  # fmt: skip


def missing_value_only(folder: Path) -> Nasty:
    truth = _field()
    truth[1, 0, :3] = np.nan
    raw = np.where(np.isnan(truth), -999.0, truth).astype(np.float32)
    return _netcdf(folder, "missing_value_only", raw, {"missing_value": np.float32(-999)}, truth,
                   "missing_value without _FillValue", False)  # fmt: skip


def missing_value_vector(folder: Path) -> Nasty:
    truth = _field()
    raw = truth.astype(np.float32)
    raw[0, 0, 0], raw[1, 2, 2] = -999.0, -888.0
    truth[0, 0, 0] = truth[1, 2, 2] = np.nan
    values = np.array([-999.0, -888.0], np.float32)
    return _netcdf(folder, "missing_value_vector", raw, {"missing_value": values}, truth,
                   "missing_value with two numbers, both missing", False)  # fmt: skip


def valid_range_packed(folder: Path) -> Nasty:
    raw = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) * np.int16(10)
    raw[0, 0, 0], raw[1, 3, 4] = -1, 391
    truth = np.where((raw < 0) | (raw > 390), np.nan, raw * 0.5 + 100.0)
    attributes = {
        "scale_factor": 0.5, "add_offset": 100.0, "valid_range": np.array([0, 390], np.int16),
    }  # fmt: skip
    return _netcdf(folder, "valid_range_packed", raw, attributes, truth,
                   "valid_range counts in packed units", False)  # fmt: skip


def valid_min_max(folder: Path) -> Nasty:
    truth = _field()
    raw = truth.astype(np.float32)
    raw[0, 0, 0], raw[0, 0, 1] = -5.0, 4000.0
    truth[0, 0, :2] = np.nan
    attributes = {"valid_min": np.float32(0.0), "valid_max": np.float32(400.0)}
    return _netcdf(folder, "valid_min_max", raw, attributes, truth,
                   "valid_min and valid_max of unpacked floats", False)  # fmt: skip


def default_netcdf_fill(folder: Path) -> Nasty:
    truth = _field()
    truth[1] = np.nan
    raw = np.where(np.isnan(truth), 9.969209968386869e36, truth).astype(np.float32)
    return _netcdf(folder, "default_netcdf_fill", raw, {}, truth,
                   "a step never written holds the default fill, no attribute says so", False)  # fmt: skip


def nan_fill(folder: Path) -> Nasty:
    truth = _field()
    truth[0, 2, 1:] = np.nan
    return _netcdf(folder, "nan_fill", truth.astype(np.float32), {}, truth,
                   "_FillValue is NaN", np.float32(np.nan))  # fmt: skip


def unsigned_bytes(folder: Path) -> Nasty:
    stored = (np.arange(np.prod(SHAPE)) * 6 + 10).astype(np.uint8).reshape(SHAPE)
    stored[1, 1, 1] = 255
    truth = np.where(stored == 255, np.nan, stored * 0.5)
    return _netcdf(folder, "unsigned_bytes", stored.view(np.int8),
                   {"_Unsigned": "true", "scale_factor": 0.5}, truth,
                   "signed bytes of a NetCDF-3 file mean 0..255; -1 is the fill, 255",
                   np.int8(-1), "NETCDF3_CLASSIC")  # fmt: skip


def zarr2_fill_value(folder: Path) -> Nasty:
    truth = _field()
    raw = truth.astype(np.float32)
    raw[0, 0, 0] = -9999.0
    truth[0, 0, 0] = np.nan
    data = Var("t", ("time", "lat", "lon"), raw, TEMPERATURE, -9999.0)
    path = write_zarr(folder / "zarr2_fill_value.zarr", [*_axes(), data], zarr_format=2,
                      chunks={"time": 1})  # fmt: skip
    return Nasty(path, _truth(truth, "Zarr 2: fill_value of the array means missing"))


def zarr2_absent_chunk(folder: Path) -> Nasty:
    truth = _field()
    truth[1] = np.nan
    raw = np.where(np.isnan(truth), -9999.0, truth).astype(np.float32)
    data = Var("t", ("time", "lat", "lon"), raw, TEMPERATURE, -9999.0)
    path = write_zarr(folder / "zarr2_absent_chunk.zarr", [*_axes(), data], zarr_format=2,
                      chunks={"time": 1})  # fmt: skip
    return Nasty(path, _truth(truth, "Zarr 2: a chunk that was never written is missing"))


def zarr3_fill_attribute(folder: Path) -> Nasty:
    truth = _field()
    truth[0, 3, 3], truth[1] = np.nan, 0.0
    raw = np.where(np.isnan(truth), -9999.0, truth).astype(np.float32)
    encoded = base64.standard_b64encode(struct.pack("<d", -9999.0)).decode()
    data = Var("t", ("time", "lat", "lon"), raw, {**TEMPERATURE, "_FillValue": encoded}, 0.0)
    path = write_zarr(folder / "zarr3_fill_attribute.zarr", [*_axes(), data], chunks={"time": 1})
    says = "Zarr 3: the attribute _FillValue (base64) is missing, the array's fill_value 0 is data"
    return Nasty(path, _truth(truth, says))


def zarr3_packed(folder: Path) -> Nasty:
    raw = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    raw[0, 0, 0] = -1
    attributes = {**TEMPERATURE, "scale_factor": 0.25, "add_offset": 200.0, "_FillValue": -1}
    data = Var("t", ("time", "lat", "lon"), raw, attributes, 0)
    path = write_zarr(folder / "zarr3_packed.zarr", [*_axes(), data])
    truth = np.where(raw == -1, np.nan, raw * 0.25 + 200.0)
    return Nasty(path, _truth(truth, "Zarr 3: int16 with scale, offset and a plain _FillValue"))


BUILDERS = (
    packed_int16, missing_value_only, missing_value_vector, valid_range_packed, valid_min_max,
    default_netcdf_fill, nan_fill, unsigned_bytes, zarr2_fill_value, zarr2_absent_chunk,
    zarr3_fill_attribute, zarr3_packed,
)  # fmt: skip
