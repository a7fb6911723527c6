"""Sample files read with netCDF4 alone, and cells found by distance: what our answers are compared with."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tests.private import private_copy

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Names of the coordinates of a file. ``fixed``: one place for everything; ``pole``: rotated coordinates."""

    lat: str = "latitude"
    lon: str = "longitude"
    time: str | None = "time"
    step: float = 1.0
    fixed: bool = False
    pole: tuple[float, float] | None = None


LAYOUTS = {
    "cmems_baltic_thetao_so_daily": Layout(step=0.02),
    "cmems_insitu_mooring_fino1_2022-09": Layout(
        "LATITUDE", "LONGITUDE", "TIME", step=0.2, fixed=True
    ),
    "cmems_nws_waves_2017-10-28": Layout(step=0.2),
    "coads_sst_winds_monthly": Layout("COADSY", "COADSX", "TIME", step=2.0),
    "era5_daily_five_cities": Layout("lat", "lon", step=0.1),
    "era5_wgust_global_0.25deg": Layout(step=0.25),
    "erainterim_uvz_monthly": Layout(time=None, step=0.75),
    "hadgem_a1b_north_america": Layout(step=1.5),
    "nemo_tos_curvilinear_2015-01": Layout("nav_lat", "nav_lon", "time_centered"),
    "ostia_sst_anomaly_2017-06-05": Layout("lat", "lon", step=0.25),
    "roms_nordic4km_subset": Layout("lat_rho", "lon_rho", "ocean_time", step=0.05),
    "rotated_pole_mslp": Layout(
        "grid_latitude", "grid_longitude", step=2.0, pole=(177.5, 37.5)
    ),
}  # fmt: skip


class Direct:
    """One file: unpacked values with NaN for missing, places of cells, decoded times."""

    def __init__(self, path: Path) -> None:
        self.path = private_copy(path)
        self.layout = LAYOUTS[path.stem]
        with netCDF4.Dataset(self.path) as file:
            lat, lon = (self._numbers(file[name]) for name in (self.layout.lat, self.layout.lon))
            self.lat_dims, self.lon_dims = (
                file[name].dimensions for name in (self.layout.lat, self.layout.lon)
            )
            self.times, self.calendar = self._times(file)
            self.time_dims = file[self.layout.time].dimensions if self.layout.time else ()
            self.dims = {name: item.dimensions for name, item in file.variables.items()}
            self.sizes = {name: len(item) for name, item in file.dimensions.items()}
        self._place(lat, lon)

    def _place(self, lat: Doubles, lon: Doubles) -> None:
        self.is_rows_by_columns = len(self.lat_dims) == 1 and self.lat_dims != self.lon_dims
        self.cells = tuple(dict.fromkeys(self.lat_dims + self.lon_dims))
        if self.layout.fixed:
            assert len(np.unique(lat)) == len(np.unique(lon)) == 1
            self.cells, self.is_rows_by_columns = (), False
            lat, lon = lat[:1], lon[:1]
        self.rows, self.columns = lat, lon
        if self.is_rows_by_columns:
            lon, lat = np.meshgrid(lon, lat)
        if self.layout.pole:
            lon, lat = unrotated(lon, lat, *self.layout.pole)
        self.lon, self.lat = np.ravel(lon), np.ravel(lat)

    def _times(self, file: netCDF4.Dataset) -> tuple[list[cftime.datetime], str]:
        if self.layout.time is None:
            return [], "standard"
        variable = file[self.layout.time]
        calendar = getattr(variable, "calendar", "standard").lower()
        dates = cftime.num2date(np.ma.getdata(variable[...]), variable.units, calendar)
        return list(np.atleast_1d(dates)), calendar

    @staticmethod
    def _numbers(variable: netCDF4.Variable) -> Doubles:
        return np.ma.filled(np.ma.asarray(variable[...]).astype(np.float64), np.nan)

    @lru_cache(maxsize=64)  # noqa: B019 - lives as long as the test session
    def values(self, name: str) -> Doubles:
        """Dimensions in stored order, the cells flattened at the end."""
        with netCDF4.Dataset(self.path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a _FillValue of NaN in integers
            numbers = self._numbers(file[name])
        dims = self.dims[name]
        order = [*self.outer(name), *self.cells]
        moved = numbers.transpose([dims.index(dim) for dim in order])
        return moved.reshape(*moved.shape[: len(order) - len(self.cells)], -1)

    def outer(self, name: str) -> list[str]:
        return [dim for dim in self.dims[name] if dim not in self.cells]

    @cached_property
    def unit_vectors(self) -> Doubles:
        return vectors(self.lon, self.lat)

    @lru_cache(maxsize=8192)  # noqa: B019
    def nearest(self, lon: float, lat: float) -> NDArray[np.int64]:
        """Every cell that is nearest to a point: on rows and columns by each, else along the surface."""
        if self.is_rows_by_columns and self.layout.pole is None:
            rows = _smallest(np.abs(self.rows - lat))
            columns = _smallest(np.abs((self.columns - lon + 180.0) % 360.0 - 180.0))
            return (rows[:, None] * len(self.columns) + columns).ravel()
        return _smallest(np.linalg.norm(self.unit_vectors - vectors(lon, lat), axis=-1))


def _smallest(away: Doubles) -> NDArray[np.int64]:
    return np.flatnonzero(away <= np.nanmin(away) + 1e-9)


def vectors(lon: ArrayLike, lat: ArrayLike) -> Doubles:
    """Points on the unit sphere."""
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), -1)


def unrotated(
    rlon: Doubles, rlat: Doubles, pole_lon: float, pole_lat: float
) -> tuple[Doubles, Doubles]:
    """True longitude and latitude of coordinates about a rotated pole, by turning the sphere twice."""
    x, y, z = np.moveaxis(vectors(rlon, rlat), -1, 0)
    tilt = np.radians(90.0 - pole_lat)
    x, z = np.cos(tilt) * x - np.sin(tilt) * z, np.sin(tilt) * x + np.cos(tilt) * z
    lon = np.degrees(np.arctan2(y, x)) + pole_lon + 180.0
    return (lon + 180.0) % 360.0 - 180.0, np.degrees(np.arcsin(np.clip(z, -1.0, 1.0)))


def micros(date: cftime.datetime) -> int:
    """Whole microseconds since 1970 in the calendar of the date."""
    away: Any = date - cftime.datetime(1970, 1, 1, calendar=date.calendar)
    return (away.days * 86_400 + away.seconds) * 1_000_000 + int(away.microseconds)
