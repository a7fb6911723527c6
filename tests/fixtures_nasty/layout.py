"""Containers, axis names, extra dimensions and variables that are not fields."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.fixtures_nasty.store import (
    TEMPERATURE,
    Builder,
    Doubles,
    Nasty,
    Truth,
    Var,
    hours,
    lat_var,
    lon_var,
    mesh,
    norm,
    pattern,
    time_var,
    write_nc,
    write_zarr,
)

LAT, LON = np.arange(60.0, 20.0, -5.0), np.arange(-10.0, 30.0, 5.0)
DIMS = ("time", "lat", "lon")


def _cube() -> tuple[list[Var], Doubles, Doubles, Doubles]:
    """Variables of a plain cube, its values, longitudes and latitudes."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, 3)
    data = Var("t", DIMS, values.astype(np.float32), TEMPERATURE, np.nan)
    return [time_var([0, 6, 12]), lat_var(LAT), lon_var(LON), data], values, lon, lat


def _truth(values: Doubles, lon: Doubles, lat: Doubles, says: str, **more: Any) -> Truth:
    return Truth({"t": values}, {"t": DIMS}, ("lat", "lon"), lon, lat, times=hours(3),
                 time_dims=("time",), says=says, **more)  # fmt: skip


ZARR_LAYOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "zarr2_consolidated": ({"zarr_format": 2}, "Zarr 2, consolidated"),
    "zarr2_plain": ({"zarr_format": 2, "consolidated": False}, "Zarr 2, not consolidated"),
    "zarr3_consolidated": ({}, "Zarr 3, consolidated"),
    "zarr3_plain": ({"consolidated": False}, "Zarr 3, not consolidated"),
    "zarr2_group": ({"zarr_format": 2, "group": "runs/atmosphere"}, "Zarr 2 in a nested group"),
    "zarr3_group": ({"group": "runs/atmosphere"}, "Zarr 3 in a nested group"),
    "zarr3_uneven_chunks": (
        {"chunks": {"time": 2, "lat": 3, "lon": 5}}, "chunks that do not divide the shape",
    ),
    "zarr3_sharded": (
        {"chunks": {"time": 1, "lat": 4, "lon": 4}, "shards": {"time": 3, "lat": 8, "lon": 8}},
        "Zarr 3 with shards",
    ),
}  # fmt: skip


def _zarr(name: str, folder: Path) -> Nasty:
    options, says = ZARR_LAYOUTS[name]
    variables, values, lon, lat = _cube()
    path = write_zarr(folder / f"{name}.zarr", variables, **options)
    return Nasty(path, _truth(values, lon, lat, says, group=options.get("group")))


def netcdf3_big_endian(folder: Path) -> Nasty:
    variables, values, lon, lat = _cube()
    path = write_nc(folder / "netcdf3.nc", variables, format="NETCDF3_64BIT_OFFSET")
    return Nasty(path, _truth(values, lon, lat, "NetCDF-3, big-endian by nature"))


def netcdf4_big_endian(folder: Path) -> Nasty:
    variables, values, lon, lat = _cube()
    data = Var("t", DIMS, values.astype(">f8"), TEMPERATURE)
    path = write_nc(folder / "netcdf4_big_endian.nc", [*variables[:3], data])
    return Nasty(path, _truth(values, lon, lat, "NetCDF-4 with a big-endian variable"))


def coads_names(folder: Path) -> Nasty:
    """Ferret's names; only units tell what the axes are."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, 3)
    dims = ("TIME", "COADSY", "COADSX")
    variables = [
        Var("TIME", ("TIME",), np.array([0.0, 6.0, 12.0]), {"units": "hours since 2026-01-01"}),
        Var("COADSY", ("COADSY",), LAT, {"units": "degrees_north"}),
        Var("COADSX", ("COADSX",), LON, {"units": "degrees_east"}),
        Var("SST", dims, values.astype(np.float32), {"long_name": "SST", "units": "K"}),
    ]
    path = write_nc(folder / "coads_names.nc", variables)
    truth = Truth({"SST": values}, {"SST": dims}, dims[1:], lon, lat, times=hours(3),
                  time_dims=("TIME",), says="axes COADSX, COADSY, TIME known by units")  # fmt: skip
    return Nasty(path, truth)


def dims_in_odd_order(folder: Path) -> Nasty:
    lon, lat = mesh(LAT, LON)
    values = np.ascontiguousarray(np.transpose(pattern(lon, lat, 3), (2, 0, 1)))
    dims = ("lon", "time", "lat")
    data = Var("t", dims, values.astype(np.float32), TEMPERATURE)
    path = write_nc(folder / "dims_in_odd_order.nc",
                    [lon_var(LON), time_var([0, 6, 12]), lat_var(LAT), data])  # fmt: skip
    truth = Truth({"t": values}, {"t": dims}, ("lat", "lon"), lon, lat, times=hours(3),
                  time_dims=("time",), says="stored as (lon, time, lat)")  # fmt: skip
    return Nasty(path, truth)


def _stations(time_first: bool, folder: Path) -> Nasty:
    lon = np.array([7.1, -21.9, 178.44, -171.77, 18.42])
    lat = np.array([50.73, 64.13, -18.14, -13.83, -33.93])
    values = pattern(lon, lat, 3)
    values[1, 2] = np.nan
    place = "station" if time_first else "location"
    dims = ("time", place) if time_first else (place, "time")
    values = values if time_first else np.ascontiguousarray(values.T)
    raw = np.where(np.isnan(values), -999.0, values)
    names = np.array(["Bonn", "Reykjavik", "Suva", "Apia", "Cape Town"], dtype=object)
    variables = [
        time_var([0, 6, 12]), lon_var(lon, dims=(place,)), lat_var(lat, dims=(place,)),
        Var("station_name", (place,), names, {"cf_role": "timeseries_id"}),
        Var("t", dims, raw, {**TEMPERATURE, "coordinates": "lat lon station_name"}, -999.0),
    ]  # fmt: skip
    name = f"stations_{'_'.join(dims)}"
    path = write_nc(folder / f"{name}.nc", variables, {"featureType": "timeSeries"})
    truth = Truth({"t": values}, {"t": dims}, (place,), norm(lon), lat, times=hours(3),
                  time_dims=("time",), not_fields=("station_name",), says=f"series over {dims}")  # fmt: skip
    return Nasty(path, truth)


def ensemble_members(folder: Path) -> Nasty:
    """Member numbers need not start at 0 nor be without gaps; 0 is the control."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, 3, 2)
    dims = ("number", "time", "lat", "lon")
    number = Var("number", ("number",), np.array([0, 3, 7]),
                 {"standard_name": "realization", "units": "1"})  # fmt: skip
    data = Var("t", dims, values.astype(np.float32), TEMPERATURE)
    path = write_nc(folder / "ensemble_members.nc",
                    [number, time_var([0, 6]), lat_var(LAT), lon_var(LON), data])  # fmt: skip
    truth = Truth({"t": values}, {"t": dims}, ("lat", "lon"), lon, lat, times=hours(2),
                  time_dims=("time",), axes={"number": np.array([0.0, 3.0, 7.0])},
                  says="members 0, 3 and 7")  # fmt: skip
    return Nasty(path, truth)


def vertical_levels(folder: Path) -> Nasty:
    """One variable on pressure levels, one on the surface, one on depths positive down."""
    lon, lat = mesh(LAT, LON)
    level, depth = np.array([1000.0, 850.0, 500.0]), np.array([0.5, 10.0])
    air, soil, surface = pattern(lon, lat, 2, 3), pattern(lon, lat, 2, 2), pattern(lon, lat, 2)
    dims = {
        "t": ("time", "level", "lat", "lon"), "st": ("time", "depth", "lat", "lon"),
        "skt": ("time", "lat", "lon"),
    }  # fmt: skip
    variables = [
        time_var([0, 6]), lat_var(LAT), lon_var(LON),
        Var("level", ("level",), level, {"standard_name": "air_pressure", "units": "hPa",
                                         "positive": "down", "axis": "Z"}),
        Var("depth", ("depth",), depth, {"standard_name": "depth", "units": "m",
                                         "positive": "down", "axis": "Z"}),
        Var("t", dims["t"], air.astype(np.float32), TEMPERATURE),
        Var("st", dims["st"], soil.astype(np.float32),
            {"standard_name": "soil_temperature", "units": "K"}),
        Var("skt", dims["skt"], surface.astype(np.float32),
            {"standard_name": "surface_temperature", "units": "K"}),
    ]  # fmt: skip
    path = write_nc(folder / "vertical_levels.nc", variables)
    truth = Truth({"t": air, "st": soil, "skt": surface}, dims, ("lat", "lon"), lon, lat,
                  times=hours(2), time_dims=("time",), axes={"level": level, "depth": depth},
                  says="two vertical axes in one file, and a variable without one")  # fmt: skip
    return Nasty(path, truth)


def strings_beside_data(folder: Path) -> Nasty:
    variables, values, lon, lat = _cube()
    expver = Var("expver", ("time",), np.array(["0001", "0001", "0005"], dtype=object),
                 {"long_name": "experiment version"})  # fmt: skip
    path = write_nc(folder / "strings_beside_data.nc", [*variables, expver])
    says = "a string variable along time is no field"
    return Nasty(path, _truth(values, lon, lat, says, not_fields=("expver",)))


def empty_variable(folder: Path) -> Nasty:
    """A variable over a dimension of length 0, beside a good one."""
    variables, values, lon, lat = _cube()
    empty = Var("nothing", ("obs",), np.empty(0, np.float32), {"units": "K"})
    path = write_nc(folder / "empty_variable.nc", [*variables, empty])
    says = "an empty variable does not spoil the others"
    return Nasty(path, _truth(values, lon, lat, says, not_fields=("nothing",)))


def dimension_without_coordinate(folder: Path) -> Nasty:
    """``band`` has no coordinate variable: its positions are 0, 1, 2."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, 2, 3)
    dims = ("time", "band", "lat", "lon")
    data = Var("t", dims, values.astype(np.float32), TEMPERATURE)
    path = write_nc(folder / "dimension_without_coordinate.nc",
                    [time_var([0, 6]), lat_var(LAT), lon_var(LON), data])  # fmt: skip
    truth = Truth({"t": values}, {"t": dims}, ("lat", "lon"), lon, lat, times=hours(2),
                  time_dims=("time",), axes={"band": np.arange(3.0)},
                  says="a dimension without coordinates counts from 0")  # fmt: skip
    return Nasty(path, truth)


BUILDERS: dict[str, Builder] = {
    **{name: partial(_zarr, name) for name in ZARR_LAYOUTS},
    "stations_location_time": partial(_stations, False),
    "stations_time_station": partial(_stations, True),
    **{
        build.__name__: build
        for build in (
            netcdf3_big_endian, netcdf4_big_endian, coads_names, dims_in_odd_order,
            ensemble_members, vertical_levels, strings_beside_data, empty_variable,
            dimension_without_coordinate,
        )
    },
}  # fmt: skip
