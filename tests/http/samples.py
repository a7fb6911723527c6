"""Small stores whose every value tells its place, and servers over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.settings import Settings
from ogcapi.app import create_app

LAT = np.arange(90.0, -91.0, -10.0)
LON = np.arange(0.0, 360.0, 15.0)
LEVELS = np.array([1000.0, 850.0, 500.0])
TIMES = pd.date_range("2020-01-01", periods=4, freq="6h")
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
PROBLEM = "application/problem+json"
COVERAGEJSON = "application/prs.coverage+json"
NETCDF = "application/netcdf"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def value_at(time: int, level: float, lat: float, lon: float) -> float:
    """The temperature that ``pressure_levels`` holds at a place: no two cells are alike."""
    return time * 1e6 + level * 100 + lat + 90 + (lon % 360) / 1000


def horizontal() -> dict[str, Any]:
    degrees = {
        "lat": {"units": "degrees_north", "standard_name": "latitude"},
        "lon": {"units": "degrees_east", "standard_name": "longitude"},
    }
    return {
        "lat": ("lat", LAT, degrees["lat"]),
        "lon": ("lon", LON, degrees["lon"]),
    }


def temperature(title: str = "Air temperature") -> dict[str, str]:
    return {"units": "K", "standard_name": "air_temperature", "long_name": title}


def pressure_levels(title: str = "Pressure levels", *, shift: float = 0.0) -> xr.Dataset:
    """Temperature and wind over (time, level, lat, lon), longitudes from 0 to 345."""
    time, level, lat, lon = np.meshgrid(
        np.arange(len(TIMES)), LEVELS, LAT, LON, indexing="ij", sparse=True
    )
    values = time * 1e6 + level * 100 + lat + 90 + lon / 1000 + shift
    dims = ("time", "level", "lat", "lon")
    wind = {"units": "m s-1", "standard_name": "eastward_wind", "long_name": "Eastward wind"}
    pressure = {"units": "hPa", "standard_name": "air_pressure", "positive": "down"}
    return xr.Dataset(
        {"t": (dims, values, temperature()), "u": (dims, -values, wind)},
        {"time": TIMES, "level": ("level", LEVELS, pressure), **horizontal()},
        {"title": title, "Conventions": "CF-1.10"},
    )


def surface(title: str = "Surface", **arguments: Any) -> xr.Dataset:
    """One field over (time, lat, lon)."""
    return pressure_levels(title, **arguments).sel(level=1000.0, drop=True)[["t"]]


def timeless() -> xr.Dataset:
    """One field over (lat, lon) alone."""
    return surface("Height").isel(time=0, drop=True).rename(t="height")


def climate() -> xr.Dataset:
    """Five days of a 360-day calendar, the 30th of February among them."""
    values = np.arange(5.0)[:, None, None] + np.zeros((5, len(LAT), len(LON)))
    time = (
        "time",
        np.arange(57.0, 62.0),
        {"units": "days since 2020-01-01", "calendar": "360_day"},
    )
    return xr.Dataset(
        {"t": (("time", "lat", "lon"), values, temperature())},
        {"time": time, **horizontal()},
        {"title": "Climate"},
    )


def forecast() -> xr.Dataset:
    """Two runs of three steps with three members."""
    runs = pd.date_range("2020-01-01", periods=2, freq="12h")
    steps = np.array([0, 6, 12]) * np.timedelta64(1, "h")
    shape = (len(runs), len(steps), 3, len(LAT), len(LON))
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return xr.Dataset(
        {"t": (("reference_time", "step", "number", "lat", "lon"), values, temperature())},
        {
            "reference_time": (
                "reference_time",
                runs,
                {"standard_name": "forecast_reference_time"},
            ),
            "step": ("step", steps.astype("timedelta64[ns]"), {"standard_name": "forecast_period"}),
            "number": ("number", [0, 1, 2], {"standard_name": "realization", "units": "1"}),
            **horizontal(),
        },
        {"title": "Forecast"},
    )


def scenarios() -> xr.Dataset:
    """An axis of names beside the grid."""
    base = timeless().rename(height="t")
    return xr.concat([base, base + 1], pd.Index(["ssp126", "ssp585"], name="scenario"))


def healpix(level: int = 3) -> xr.Dataset:
    """The whole sphere in nested cells."""
    cells = np.arange(12 * 4**level)
    attributes = {
        "grid_mapping_name": "healpix",
        "refinement_level": level,
        "indexing_scheme": "nested",
    }
    values = np.arange(2)[:, None] * 10_000.0 + cells
    return xr.Dataset(
        {"t": (("time", "cell"), values, {**temperature(), "grid_mapping": "crs"})},
        {
            "time": TIMES[:2],
            "cell": ("cell", cells, {"standard_name": "healpix_index"}),
            "crs": ((), 0, attributes),
        },
        {"title": "HEALPix"},
    )


def write_all(folder: Path) -> list[str]:
    """Every store above, as NetCDF or Zarr; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    netcdf = {
        "levels": pressure_levels(), "surface": surface(), "height": timeless(), "climate": climate(),
        "scenarios": scenarios(),
    }  # fmt: skip
    zarr = {"chunked": pressure_levels("Chunked"), "healpix": healpix(), "forecast": forecast()}
    for name, dataset in netcdf.items():
        dataset.to_netcdf(folder / f"{name}.nc")
    for name, dataset in zarr.items():
        dataset.to_zarr(folder / f"{name}.zarr", consolidated=True)
    return [str(path) for path in sorted(folder.iterdir())]


def server(state: Path, paths: Sequence[str], **settings: Any) -> Flask:
    """An app over paths; settings of the environment do not reach it but by name."""
    return create_app(Settings(state_dir=state, **settings), paths=paths)


@dataclass(frozen=True)
class Site:
    """A server over all stores, with limits low enough to be met."""

    app: Flask
    folder: Path

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()


def make_site(folder: Path) -> Site:
    paths = write_all(folder / "data")
    return Site(server(folder / "state", paths), folder)


def problem_of(answer: TestResponse, status: int, parameter: str | None = None) -> dict[str, Any]:
    """The problem document of an answer, checked for what every problem has."""
    assert answer.status_code == status, (answer.status_code, answer.get_data(as_text=True)[:300])
    assert answer.mimetype == PROBLEM
    document: dict[str, Any] = answer.get_json()
    assert document["status"] == status
    assert document["type"]
    assert document["title"]
    assert document["detail"]
    assert document["code"]
    assert document["description"]
    if parameter is not None:
        assert document["parameter"] == parameter, document
    if status == 400:
        assert document["allowed"], document
    return document
