"""Horizontal grids: regular ones with awkward axes, projected, rotated, curvilinear, HEALPix."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from healpix_geo import nested, ring
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

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

STEPS = 2


def _regular(
    name: str, latitude: ArrayLike, longitude: ArrayLike, says: str, folder: Path
) -> Nasty:
    lon, lat = mesh(np.atleast_1d(latitude), np.atleast_1d(longitude))
    values = pattern(lon, lat, STEPS).astype(np.float32).astype(np.float64)
    variables = [
        time_var([0, 6]), lat_var(np.atleast_1d(latitude)), lon_var(np.atleast_1d(longitude)),
        Var("t", ("time", "lat", "lon"), values.astype(np.float32), TEMPERATURE),
    ]  # fmt: skip
    path = write_nc(folder / f"{name}.nc", variables)
    return Nasty(path, _truth(values, ("time", "lat", "lon"), ("lat", "lon"), lon, lat, says))


def _truth(
    values: Doubles,
    dims: tuple[str, ...],
    cells: tuple[str, ...],
    lon: Doubles,
    lat: Doubles,
    says: str,
    **more: Any,
) -> Truth:
    return Truth({"t": values}, {"t": dims}, cells, norm(lon), lat, times=hours(STEPS),
                 time_dims=("time",), says=says, **more)  # fmt: skip


SOUTH_TO_NORTH = np.arange(-80.0, 81.0, 20.0)
EVERY_30 = np.arange(12) * 30.0
REGULAR: dict[str, tuple[Any, Any, str]] = {
    "latitude_ascending": (SOUTH_TO_NORTH, EVERY_30, "latitude from south to north"),
    "latitude_descending": (SOUTH_TO_NORTH[::-1], EVERY_30, "latitude from north to south"),
    "longitude_from_minus_180": (SOUTH_TO_NORTH, EVERY_30 - 180, "longitude -180..150"),
    "longitude_from_0": (SOUTH_TO_NORTH, EVERY_30, "longitude 0..330"),
    "longitude_from_180": (SOUTH_TO_NORTH, EVERY_30 + 180, "longitude 180..510"),
    "longitude_350_to_379": (
        np.arange(40.0, 51.0), np.arange(350.0, 380.0), "a region over Greenwich written 350..379",
    ),
    "longitude_wraps_in_the_middle": (
        SOUTH_TO_NORTH, np.mod(EVERY_30 + 180, 360), "longitude 180..330, then 0..150",
    ),
    "longitude_duplicated_dateline": (
        SOUTH_TO_NORTH, np.arange(13) * 30.0 - 180, "-180 and 180 are one column, stored twice",
    ),
    "longitude_descending": (SOUTH_TO_NORTH, EVERY_30[::-1], "longitude from east to west"),
    "region_over_the_dateline": (
        np.arange(-20.0, -9.0), np.arange(170.0, 191.0), "a region 170..190, over the date line",
    ),
    "gaussian_latitudes": (
        [-85.76, -68.93, -51.86, -34.66, -17.34, 0.4, 17.1, 34.7, 51.9, 68.9, 85.8], EVERY_30,
        "latitudes at unequal distances, the poles left out",
    ),
    "single_latitude": (45.0, EVERY_30, "one latitude"),
    "single_longitude": (SOUTH_TO_NORTH, 10.0, "one longitude"),
    "single_cell": (45.0, 10.0, "one cell"),
}  # fmt: skip


def scalar_latitude(folder: Path) -> Nasty:
    """A zonal section: latitude is a scalar coordinate, not a dimension."""
    lon, lat = norm(EVERY_30), np.full(12, 45.0)
    values = pattern(lon, lat, STEPS)
    variables = [
        time_var([0, 6]), lat_var(45.0, dims=()), lon_var(EVERY_30),
        Var("t", ("time", "lon"), values.astype(np.float32), {**TEMPERATURE, "coordinates": "lat"}),
    ]  # fmt: skip
    path = write_nc(folder / "scalar_latitude.nc", variables)
    return Nasty(path, _truth(values, ("time", "lon"), ("lon",), lon, lat, "latitude is scalar"))


def _laea() -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """x, y of a small EPSG:3035 grid, and longitude, latitude of its cells."""
    x = np.linspace(4_000_000.0, 4_500_000.0, 6)
    y = np.linspace(3_200_000.0, 2_800_000.0, 5)
    lon, lat = Transformer.from_crs(3035, 4326, always_xy=True).transform(*np.meshgrid(x, y))
    return np.asarray(x), np.asarray(y), np.asarray(lon), np.asarray(lat)


def projected_3035(folder: Path) -> Nasty:
    x, y, lon, lat = _laea()
    values = pattern(lon, lat, STEPS)
    metre = {"units": "m"}
    variables = [
        time_var([0, 6]),
        Var("y", ("y",), y, {**metre, "standard_name": "projection_y_coordinate", "axis": "Y"}),
        Var("x", ("x",), x, {**metre, "standard_name": "projection_x_coordinate", "axis": "X"}),
        Var("spatial_ref", (), np.int32(0), {"crs_wkt": CRS.from_epsg(3035).to_wkt()}),
        Var("t", ("time", "y", "x"), values, {**TEMPERATURE, "grid_mapping": "spatial_ref"}),
    ]
    path = write_nc(folder / "projected_3035.nc", variables)
    says = "x and y in metres, the CRS only as WKT in spatial_ref"
    truth = _truth(values, ("time", "y", "x"), ("y", "x"), lon, lat, says, crs="EPSG:3035")
    return Nasty(path, truth)


def geozarr_3035(folder: Path) -> Nasty:
    """No coordinate variables: cell centres follow from an affine transform of cell corners."""
    _, _, lon, lat = _laea()
    values = pattern(lon, lat, STEPS)
    attributes = {
        "zarr_conventions": [{"name": "proj:"}, {"name": "spatial:"}],
        "proj:code": "EPSG:3035",
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": [100_000.0, 0.0, 3_950_000.0, 0.0, -100_000.0, 3_250_000.0],
        "spatial:shape": [5, 6],
        "spatial:registration": "pixel",
    }
    data = Var("t", ("time", "y", "x"), values, TEMPERATURE)
    path = write_zarr(folder / "geozarr_3035.zarr", [time_var([0, 6]), data], attributes)
    says = "GeoZarr: proj:code and spatial:transform, no x and y arrays"
    truth = _truth(values, ("time", "y", "x"), ("y", "x"), lon, lat, says, crs="EPSG:3035")
    return Nasty(path, truth)


POLE_LON, POLE_LAT = -162.0, 39.25


def unrotate(rlon: ArrayLike, rlat: ArrayLike) -> tuple[Doubles, Doubles]:
    """True longitude and latitude in degrees of coordinates about the rotated north pole."""
    lam, phi = np.deg2rad(rlon), np.deg2rad(rlat)
    sin_pole, cos_pole = np.sin(np.deg2rad(POLE_LAT)), np.cos(np.deg2rad(POLE_LAT))
    lat = np.arcsin(sin_pole * np.sin(phi) + cos_pole * np.cos(phi) * np.cos(lam))
    east = -np.cos(phi) * np.sin(lam)
    north = cos_pole * np.sin(phi) - sin_pole * np.cos(phi) * np.cos(lam)
    return norm(np.rad2deg(np.arctan2(east, north)) + POLE_LON), np.rad2deg(lat)


def rotated_pole(folder: Path) -> Nasty:
    """As regional climate models write it, here without the two-dimensional lon and lat."""
    rlon, rlat = np.arange(-20.0, 16.0, 5.0), np.arange(-15.0, 21.0, 5.0)
    lon, lat = unrotate(*np.meshgrid(rlon, rlat))
    values = pattern(lon, lat, STEPS)
    mapping = {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": POLE_LAT, "grid_north_pole_longitude": POLE_LON,
    }  # fmt: skip
    variables = [
        time_var([0, 6]),
        Var("rlat", ("rlat",), rlat, {"standard_name": "grid_latitude", "units": "degrees"}),
        Var("rlon", ("rlon",), rlon, {"standard_name": "grid_longitude", "units": "degrees"}),
        Var("rotated_pole", (), np.int32(0), mapping),
        Var("t", ("time", "rlat", "rlon"), values, {**TEMPERATURE, "grid_mapping": "rotated_pole"}),
    ]
    path = write_nc(folder / "rotated_pole.nc", variables)
    says = "rlat and rlon are not latitude and longitude"
    return Nasty(path, _truth(values, ("time", "rlat", "rlon"), ("rlat", "rlon"), lon, lat, says))


def curvilinear_nav(folder: Path) -> Nasty:
    """NEMO names, no standard names, longitudes that jump inside a row."""
    column, row = np.meshgrid(np.arange(10) * 8.0, np.arange(7) * 6.0)
    lon, lat = norm(140.0 + column + row / 4), -20.0 + row + column / 8
    values = pattern(lon, lat, STEPS)
    values[:, 0, :3] = np.nan
    raw = np.where(np.isnan(values), 1e20, values)
    variables = [
        time_var([0, 6], name="time_counter"),
        Var("nav_lat", ("y", "x"), lat, {"units": "degrees_north"}),
        Var("nav_lon", ("y", "x"), lon, {"units": "degrees_east"}),
        Var("t", ("time_counter", "y", "x"), raw,
            {**TEMPERATURE, "coordinates": "nav_lon nav_lat"}, 1e20),
    ]  # fmt: skip
    path = write_nc(folder / "curvilinear_nav.nc", variables)
    dims = ("time_counter", "y", "x")
    truth = Truth({"t": values}, {"t": dims}, ("y", "x"), lon, lat, times=hours(2),
                  time_dims=("time_counter",), says="nav_lat, nav_lon over (y, x)")  # fmt: skip
    return Nasty(path, truth)


def unstructured_icon(folder: Path) -> Nasty:
    """ICON: cells with clon and clat in radians."""
    index = np.arange(80)
    lat = np.rad2deg(np.arcsin(1.0 - (2.0 * index + 1.0) / 80.0))
    lon = norm(index * 137.50776)
    values = pattern(lon, lat, STEPS)
    variables = [
        time_var([0, 6]),
        Var("clon", ("ncells",), np.deg2rad(lon), {"standard_name": "longitude", "units": "radian"}),
        Var("clat", ("ncells",), np.deg2rad(lat), {"standard_name": "latitude", "units": "radian"}),
        Var("t", ("time", "ncells"), values,
            {**TEMPERATURE, "coordinates": "clat clon", "CDI_grid_type": "unstructured"}),
    ]  # fmt: skip
    path = write_nc(folder / "unstructured_icon.nc", variables)
    says = "unstructured cells, coordinates in radians"
    return Nasty(path, _truth(values, ("time", "ncells"), ("ncells",), lon, lat, says))


HEALPIX_LEVEL = 2


def _healpix(scheme: str, partial_cover: bool, words: str, folder: Path) -> Nasty:
    """``words`` is "cf" (grid mapping) or "xdggs" (attributes of cell_ids)."""
    ids = np.arange(12 * 4**HEALPIX_LEVEL, dtype=np.uint64)
    if partial_cover:
        ids = ids[3::5][::-1].copy()  # neither complete nor in order
    centres = nested.healpix_to_lonlat if scheme == "nested" else ring.healpix_to_lonlat
    lon, lat = centres(ids, HEALPIX_LEVEL)
    values = pattern(lon, lat, STEPS)
    make = _healpix_cf if words == "cf" else _healpix_xdggs
    name = f"healpix_{scheme}_{'partial' if partial_cover else 'full'}_{words}"
    extra = make(scheme, ids)
    link = {"grid_mapping": "healpix", "coordinates": "healpix_index"} if words == "cf" else {}
    data = Var("t", ("time", "cell"), values, {**TEMPERATURE, **link})
    path = write_zarr(folder / f"{name}.zarr", [time_var([0, 6]), *extra, data])
    says = (
        f"HEALPix {scheme}, {'some cells in any order' if partial_cover else 'all cells'}, {words}"
    )
    truth = _truth(values, ("time", "cell"), ("cell",), lon, lat, says,
                   healpix=(HEALPIX_LEVEL, scheme))  # fmt: skip
    return Nasty(path, truth)


def _healpix_cf(scheme: str, ids: NDArray[np.uint64]) -> list[Var]:
    mapping = {
        "grid_mapping_name": "healpix", "refinement_level": HEALPIX_LEVEL, "indexing_scheme": scheme,
    }  # fmt: skip
    index = {"standard_name": "healpix_index", "units": "1"}
    return [
        Var("healpix", (), np.int32(0), mapping, 0),
        Var("healpix_index", ("cell",), ids.astype(np.int64), index, -1),
    ]


def _healpix_xdggs(scheme: str, ids: NDArray[np.uint64]) -> list[Var]:
    attributes = {"grid_name": "healpix", "level": HEALPIX_LEVEL, "indexing_scheme": scheme}
    return [Var("cell_ids", ("cell",), ids, attributes, 0)]


BUILDERS: dict[str, Builder] = {
    **{
        name: partial(_regular, name, latitude, longitude, says)
        for name, (latitude, longitude, says) in REGULAR.items()
    },
    **{
        build.__name__: build
        for build in (
            scalar_latitude, projected_3035, geozarr_3035, rotated_pole, curvilinear_nav,
            unstructured_icon,
        )
    },
    **{
        f"healpix_{scheme}_{cover}_{words}": partial(_healpix, scheme, cover == "partial", words)
        for scheme in ("nested", "ring")
        for cover in ("full", "partial")
        for words in ("cf", "xdggs")
    },
}  # fmt: skip
