"""Calendars, runs and steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from tests.fixtures_nasty.store import (
    TEMPERATURE,
    Builder,
    Nasty,
    Truth,
    Var,
    hours,
    lat_var,
    lon_var,
    mesh,
    pattern,
    time_var,
    write_nc,
)

LAT, LON = np.array([10.0, 20.0, 30.0]), np.array([0.0, 10.0, 20.0, 30.0])

# Calendar: units, and the dates of the values 0, 1, 2, 3.
CALENDARS = {
    "standard": ("days since 1582-10-03", ("1582-10-03", "1582-10-04", "1582-10-15", "1582-10-16")),
    "proleptic_gregorian": (
        "days since 1582-10-03", ("1582-10-03", "1582-10-04", "1582-10-05", "1582-10-06"),
    ),
    "noleap": ("days since 2000-02-27", ("2000-02-27", "2000-02-28", "2000-03-01", "2000-03-02")),
    "all_leap": ("days since 2001-02-27", ("2001-02-27", "2001-02-28", "2001-02-29", "2001-03-01")),
    "360_day": ("days since 2000-02-28", ("2000-02-28", "2000-02-29", "2000-02-30", "2000-03-01")),
    "julian": ("days since 1900-02-27", ("1900-02-27", "1900-02-28", "1900-02-29", "1900-03-01")),
}  # fmt: skip


def _calendar(calendar: str, folder: Path) -> Nasty:
    units, dates = CALENDARS[calendar]
    times = np.array([f"{date}T00:00:00" for date in dates])
    axis = time_var(np.arange(4), units, calendar)
    return _simple(folder, f"calendar_{calendar}", axis, times, calendar, f"calendar {calendar}")


def _simple(
    folder: Path, name: str, axis: Var, times: np.ndarray, calendar: str, says: str
) -> Nasty:
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, times.size)
    data = Var("t", ("time", "lat", "lon"), values.astype(np.float32), TEMPERATURE)
    path = write_nc(folder / f"{name}.nc", [axis, lat_var(LAT), lon_var(LON), data])
    truth = Truth(
        {"t": values}, {"t": data.dims}, ("lat", "lon"), lon, lat,
        times=times, time_dims=("time",), calendar=calendar, says=says,
    )  # fmt: skip
    return Nasty(path, truth)


def fractional_days(folder: Path) -> Nasty:
    """Thirds of a day have no exact binary form: 8 hours must not become 07:59:59.99."""
    axis = time_var(np.arange(4) / 3.0, "days since 2026-01-01")
    says = "time in fractional days, to the second"
    return _simple(folder, "fractional_days", axis, hours(4, 8), "standard", says)


def offset_units(folder: Path) -> Nasty:
    axis = time_var(np.arange(3) * 6, "hours since 2026-01-01 02:00:00 +02:00")
    says = "the epoch has an offset; valid time is UTC"
    return _simple(folder, "offset_units", axis, hours(3), "standard", says)


def unordered_times(folder: Path) -> Nasty:
    axis = time_var([6, 0, 18, 12])
    times = hours(4)[[1, 0, 3, 2]]
    says = "time steps out of order, in stored order here"
    return _simple(folder, "unordered_times", axis, times, "standard", says)


def cfgrib_runs(folder: Path) -> Nasty:
    """Two runs 6 hours apart, three steps each: 06 and 12 UTC are in both."""
    lon, lat = mesh(LAT, LON)
    runs, steps = np.array([0, 6]), np.array([0, 6, 12])
    valid = runs[:, None] + steps[None, :]
    values = pattern(lon, lat, 2, 3)
    epoch = "hours since 2026-01-01 00:00:00"
    variables = [
        Var("time", ("time",), runs.astype(float),
            {"standard_name": "forecast_reference_time", "units": epoch}),
        Var("step", ("step",), steps.astype(float),
            {"standard_name": "forecast_period", "units": "hours"}),
        time_var(valid, name="valid_time", dims=("time", "step")),
        Var("number", (), np.int64(0), {"standard_name": "realization", "units": "1"}),
        lat_var(LAT, "latitude"), lon_var(LON, "longitude"),
        Var("t2m", ("time", "step", "latitude", "longitude"), values.astype(np.float32),
            {**TEMPERATURE, "coordinates": "valid_time number"}),
    ]  # fmt: skip
    path = write_nc(folder / "cfgrib_runs.nc", variables)
    iso = hours(4)
    newest = {iso[0]: (0, 0), iso[1]: (1, 0), iso[2]: (1, 1), iso[3]: (1, 2)}
    truth = Truth(
        {"t2m": values}, {"t2m": variables[-1].dims}, ("latitude", "longitude"), lon, lat,
        times=iso[valid // 6], time_dims=("time", "step"), reference_times=iso[:2],
        reference_dims=("time",), newest={str(k): v for k, v in newest.items()},
        axes={"step": steps.astype(float), "number": np.array(0.0)},
        says="`time` is the run, `valid_time` is two-dimensional, runs overlap",
    )  # fmt: skip
    return Nasty(path, truth)


def reference_time_axis(folder: Path) -> Nasty:
    """Runs as a dimension beside valid time; a run lacks what lies before it."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat, 2, 3)
    values[1, 0] = np.nan  # the run of 06 UTC has no 00 UTC
    variables = [
        Var("reference_time", ("reference_time",), np.array([0.0, 6.0]),
            {"standard_name": "forecast_reference_time",
             "units": "hours since 2026-01-01 00:00:00"}),
        time_var([0, 6, 12]), lat_var(LAT), lon_var(LON),
        Var("t", ("reference_time", "time", "lat", "lon"), values.astype(np.float32),
            TEMPERATURE, np.float32(np.nan)),
    ]  # fmt: skip
    path = write_nc(folder / "reference_time_axis.nc", variables)
    iso = [str(time) for time in hours(3)]
    truth = Truth(
        {"t": values}, {"t": variables[-1].dims}, ("lat", "lon"), lon, lat,
        times=hours(3), time_dims=("time",), reference_times=hours(2),
        reference_dims=("reference_time",),
        newest={iso[0]: (0, 0), iso[1]: (1, 1), iso[2]: (1, 2)},
        says="reference_time is an axis; newest is (reference_time, time)",
    )  # fmt: skip
    return Nasty(path, truth)


def scalar_coordinates(folder: Path) -> Nasty:
    """Height and time are scalars; nothing but latitude and longitude is an axis."""
    lon, lat = mesh(LAT, LON)
    values = pattern(lon, lat)
    variables = [
        time_var(6, dims=()), lat_var(LAT), lon_var(LON),
        Var("height", (), np.float64(2.0),
            {"standard_name": "height", "units": "m", "positive": "up", "axis": "Z"}),
        Var("t", ("lat", "lon"), values.astype(np.float32),
            {**TEMPERATURE, "coordinates": "time height"}),
    ]  # fmt: skip
    path = write_nc(folder / "scalar_coordinates.nc", variables)
    truth = Truth(
        {"t": values}, {"t": ("lat", "lon")}, ("lat", "lon"), lon, lat, times=hours(2)[1],
        axes={"height": np.array(2.0)}, says="time and height are scalar coordinates",
    )  # fmt: skip
    return Nasty(path, truth)


BUILDERS: dict[str, Builder] = {
    **{f"calendar_{name}": partial(_calendar, name) for name in CALENDARS},
    **{
        build.__name__: build
        for build in (
            fractional_days, offset_units, unordered_times, cfgrib_runs, reference_time_axis,
            scalar_coordinates,
        )
    },
}  # fmt: skip
