"""The two NetCDF files of the demo: an ocean on a curvilinear grid, and station series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from ogcapi.demo.fields import Weather
from ogcapi.demo.land import Floats, sea_depth
from ogcapi.demo.metadata import TIME_UNITS, bounds_of, dataset_attributes
from ogcapi.demo.places import PLACES
from ogcapi.demo.rounding import round_to_step

ROWS, COLUMNS = 180, 360
JOIN_LATITUDE = 62.0
SOUTH = -78.0
POLE_LONGITUDE = 73.0  # the northern poles of the grid lie on land: here and 180 degrees on
DEPTHS = (0.5, 5, 15, 30, 50, 100, 200, 400, 700, 1200, 2000, 3500)
OCEAN_STEPS = 3
STATION_HOURS = 240
FILL = np.float32(1e20)


def tripolar(row: Floats, column: Floats) -> tuple[Floats, Floats]:
    """Longitude (-180..180) and latitude of fractional grid indices; they broadcast.

    Rows are parallels up to ``JOIN_LATITUDE``; beyond it they are ellipses of the stereographic
    plane that flatten to the line between the two northern poles, where the grid folds.
    """
    cap = (90.0 - JOIN_LATITUDE) / (90.0 - SOUTH) * 1.35
    seam = ROWS * (1.0 - cap)
    angle = np.deg2rad(column * 360.0 / COLUMNS)
    south = SOUTH + (JOIN_LATITUDE - SOUTH) * np.minimum(row, seam) / seam
    flat = np.cos(0.5 * np.pi * np.clip((row - seam) / (ROWS - seam), 0.0, 1.0))
    radius = np.tan(0.5 * np.deg2rad(90.0 - south))
    x, y = radius * np.cos(angle), radius * np.maximum(flat, 1e-9) * np.sin(angle)
    longitude = np.rad2deg(np.arctan2(y, x)) + POLE_LONGITUDE
    latitude = 90.0 - 2.0 * np.rad2deg(np.arctan(np.hypot(x, y)))
    return np.mod(longitude + 180.0, 360.0) - 180.0, latitude


def write_ocean(path: Path, weather: Weather) -> None:
    """Daily temperature and salinity on 12 depths; land and the sea bed are missing."""
    row, column = np.arange(ROWS)[:, None] + 0.5, np.arange(COLUMNS)[None, :] + 0.5
    longitude, latitude = tripolar(row, column)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        title = "Demo ocean: temperature and salinity on a tripolar grid"
        file.setncatts(dataset_attributes(title, "CF-1.11"))
        sizes = {"time": OCEAN_STEPS, "depth": len(DEPTHS), "y": ROWS, "x": COLUMNS}
        for name, size in {**sizes, "bnds": 2, "vertices": 4}.items():
            file.createDimension(name, size)
        days = np.arange(OCEAN_STEPS) * 24.0
        _time(file, days + 12.0, bounds_of(days, 24.0))
        depth = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
        _variable(file, "depth", ("depth",), np.asarray(DEPTHS, float), depth)
        _cells(file, row, column, longitude, latitude)
        water = _water(longitude, latitude)
        site = weather.at(longitude, latitude)
        temperature, salinity = (np.full(tuple(sizes.values()), FILL) for _ in range(2))
        for step, hours in enumerate(days + 12.0):
            for level, metres in enumerate(DEPTHS):
                wet = water[level]
                warm = round_to_step(site.sea_temperature(metres, hours), 2**-7)
                salt = round_to_step(site.salinity(metres, hours), 2**-8)
                temperature[step, level][wet] = warm[wet]
                salinity[step, level][wet] = salt[wet]
        _ocean_variable(file, "thetao", temperature, "sea_water_potential_temperature",
                        "Sea water potential temperature", "degC")  # fmt: skip
        _ocean_variable(file, "so", salinity, "sea_water_salinity", "Sea water salinity", "1e-3")


def _water(longitude: Floats, latitude: Floats) -> NDArray[np.bool_]:
    """Where each depth is water."""
    sea_bed = sea_depth(longitude.astype(np.float32), latitude.astype(np.float32))
    return sea_bed[None] > np.asarray(DEPTHS)[:, None, None]


def _cells(
    file: netCDF4.Dataset,
    row: Floats,
    column: Floats,
    longitude: Floats,
    latitude: Floats,
) -> None:
    corners = [
        tripolar(row + dy, column + dx)
        for dy, dx in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))
    ]
    for index, (name, units, values) in enumerate(
        (("lon", "degrees_east", longitude), ("lat", "degrees_north", latitude))
    ):
        standard = {"lon": "longitude", "lat": "latitude"}[name]
        attributes = {"standard_name": standard, "units": units, "bounds": f"{name}_bnds"}
        _variable(file, name, ("y", "x"), values, attributes)
        bounds = np.stack([corner[index] for corner in corners], axis=-1)
        _variable(file, f"{name}_bnds", ("y", "x", "vertices"), bounds, {})


def _ocean_variable(
    file: netCDF4.Dataset,
    name: str,
    values: NDArray[np.float32],
    standard: str,
    title: str,
    units: str,
) -> None:
    attributes = {
        "standard_name": standard, "long_name": title, "units": units,
        "cell_methods": "time: mean", "coordinates": "lon lat", "missing_value": FILL,
    }  # fmt: skip
    _variable(file, name, ("time", "depth", "y", "x"), values, attributes, fill_value=FILL)


def write_stations(path: Path, weather: Weather) -> None:
    """Hourly series of ten days, a CF discrete sampling geometry of feature type timeSeries."""
    longitude = np.array([place.longitude for place in PLACES])
    latitude = np.array([place.latitude for place in PLACES])
    height = np.array([place.height for place in PLACES])
    hours = np.arange(STATION_HOURS, dtype=float)
    temperature, speed, rain = _series(weather, longitude, latitude, height, hours)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        title = "Demo stations: hourly observations of cities"
        file.setncatts({**dataset_attributes(title, "CF-1.11"), "featureType": "timeSeries"})
        for name, size in {"station": len(PLACES), "time": STATION_HOURS, "bnds": 2}.items():
            file.createDimension(name, size)
        _time(file, hours, bounds_of(hours - 1.0, 1.0))
        names = file.createVariable("station_name", str, ("station",))
        names.setncatts({"cf_role": "timeseries_id", "long_name": "station name"})
        names[:] = np.array([place.name for place in PLACES], dtype=object)
        for name, values, units in (
            ("longitude", longitude, "degrees_east"),
            ("latitude", latitude, "degrees_north"),
        ):
            _variable(file, name, ("station",), values, {"standard_name": name, "units": units})
        altitude = {"standard_name": "altitude", "units": "m", "positive": "up", "axis": "Z"}
        _variable(file, "altitude", ("station",), height, altitude)
        _station_variable(file, "air_temperature", temperature, "air_temperature",
                          "Air temperature at 2 m", "degC", "time: point")  # fmt: skip
        _station_variable(file, "wind_speed", speed, "wind_speed",
                          "Wind speed at 10 m", "m s-1", "time: point")  # fmt: skip
        _station_variable(file, "precipitation", rain, "lwe_thickness_of_precipitation_amount",
                          "Precipitation of the last hour", "mm", "time: sum")  # fmt: skip


def _series(
    weather: Weather,
    longitude: Floats,
    latitude: Floats,
    height: Floats,
    hours: Floats,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Temperature in degrees Celsius, wind speed and hourly rain, each (station, time)."""
    site = weather.at(longitude, latitude)
    temperature, speed, rain = (
        np.empty((longitude.size, hours.size), np.float32) for _ in range(3)
    )
    to_station = np.float32(0.0062) * (site.height - height.astype(np.float32))
    for index, hour in enumerate(hours):
        state = site.state(float(hour))
        kelvin = site.air_temperature(state, float(hour)) + to_station
        temperature[:, index] = round_to_step(kelvin - np.float32(273.15), 2**-5)
        speed[:, index] = round_to_step(np.hypot(*site.wind(state)), 2**-5)
        rain[:, index] = round_to_step(site.precipitation_rate(state, float(hour) - 0.5), 2**-6)
    return temperature, speed, rain


def _station_variable(
    file: netCDF4.Dataset,
    name: str,
    values: NDArray[np.float32],
    standard: str,
    title: str,
    units: str,
    methods: str,
) -> None:
    attributes = {
        "standard_name": standard, "long_name": title, "units": units, "cell_methods": methods,
        "coordinates": "latitude longitude altitude station_name",
    }  # fmt: skip
    _variable(file, name, ("station", "time"), values, attributes, fill_value=FILL)


def _time(file: netCDF4.Dataset, hours: Floats, bounds: Floats) -> None:
    attributes = {
        "standard_name": "time", "long_name": "time", "units": TIME_UNITS,
        "calendar": "proleptic_gregorian", "axis": "T", "bounds": "time_bnds",
    }  # fmt: skip
    _variable(file, "time", ("time",), hours, attributes)
    _variable(file, "time_bnds", ("time", "bnds"), bounds, {})


def _variable(
    file: netCDF4.Dataset,
    name: str,
    dims: tuple[str, ...],
    values: NDArray[Any],
    attributes: dict[str, Any],
    fill_value: np.float32 | None = None,
) -> None:
    variable = file.createVariable(
        name, values.dtype, dims, zlib=values.size > 1000, complevel=2, shuffle=True,
        fill_value=fill_value if fill_value is not None else False,
    )  # fmt: skip
    variable.setncatts(attributes)
    variable[:] = values
