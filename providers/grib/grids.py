"""The grid of a GRIB message from the keys of its grid definition, and how its values are ordered.

Longitudes and latitudes that ecCodes computes cell by cell are read where rows have no simple rule (parts of reduced
grids) and for types that nothing else here knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import eccodes
import numpy as np
import pyproj
from numpy.typing import NDArray

from ..cf.coordinates import NoGrid
from ..grids import (
    CurvilinearGrid,
    Grid,
    HealpixGrid,
    PointGrid,
    ProjectedGrid,
    RectilinearGrid,
    ReducedGaussianGrid,
)
from ..grids.base import Floats
from ..grids.reduced import gaussian_latitudes
from .grid_keys import Coordinates, GridKeys
from .scanning import InOrder

Ints = NDArray[np.int64]

_SPECTRAL = {
    "sh", "rotated_sh", "stretched_sh", "stretched_rotated_sh", "lambert_bf", "mercator_bf",
    "polar_stereographic_bf",
}  # fmt: skip


@dataclass(frozen=True)
class GribGrid:
    """A grid, its CRS where it is a projection, and the order of values in the message.

    ``array`` gives values in the order of the message (one dimension) the shape and order of the grid; ``positions``
    are the places in the message of cells by their flat index.
    """

    grid: Grid
    crs: str | None
    array: Callable[[NDArray[Any]], NDArray[Any]]
    positions: Callable[[Ints], Ints]


def grid_of(handle: int, coordinates: Coordinates | None = None) -> GribGrid:
    """The grid of an open message; ``coordinates`` (longitudes, latitudes) are those of an unstructured grid.

    The caller holds the lock around ecCodes. Raises NoGrid with the reason for people.
    """
    keys = GridKeys(handle)
    kind = keys.text("gridType")
    if kind in _SPECTRAL:
        raise NoGrid("spectral coefficients, which are no values at places")
    if kind == "unstructured_grid":
        return _in_order(_unstructured(keys, coordinates))
    try:
        build = _KINDS.get(kind)
        return build(keys) if build is not None else _as_listed(keys)
    except NoGrid:
        raise
    except (eccodes.CodesInternalError, pyproj.exceptions.ProjError, ValueError) as error:
        raise NoGrid(f"grid of type {kind}: {error}") from error


def _in_order(grid: Grid, crs: str | None = None) -> GribGrid:
    order = InOrder()
    return GribGrid(grid, crs, order.array, order.positions)


def _scanned(keys: GridKeys, grid: Grid, crs: str | None = None) -> GribGrid:
    scanning = keys.scanning()
    return GribGrid(grid, crs, scanning.array, scanning.positions)


# longitudes and latitudes


def _longitudes(keys: GridKeys) -> tuple[float, float]:
    """The first longitude and the step from column to column, which the rounding of the stored ends allows.

    Increments are often missing, or rounded too much to be added up a thousand times, so they follow from the ends;
    columns around the whole Earth are a whole number of times as wide as it.
    """
    columns, _ = keys.size()
    first = keys.number("longitudeOfFirstGridPointInDegrees")
    last = keys.number("longitudeOfLastGridPointInDegrees")
    sign, _ = keys.signs()
    if columns == 1:
        return first, sign * (keys.maybe("iDirectionIncrementInDegrees") or 1.0)
    span = (sign * (last - first)) % 360.0 or 360.0
    circle = 360.0 / columns
    if abs(circle * (columns - 1) - span) <= 2 * keys.precision:
        return first, sign * circle
    return first, sign * span / (columns - 1)


def _latitudes(keys: GridKeys) -> tuple[float, float]:
    """The first latitude and the step from row to row."""
    _, rows = keys.size()
    first = keys.number("latitudeOfFirstGridPointInDegrees")
    last = keys.number("latitudeOfLastGridPointInDegrees")
    if rows == 1:
        return first, keys.signs()[1] * (keys.maybe("jDirectionIncrementInDegrees") or 1.0)
    return first, (last - first) / (rows - 1)


def _regular_ll(keys: GridKeys) -> GribGrid:
    columns, rows = keys.size()
    lon, across = _longitudes(keys)
    lat, down = _latitudes(keys)
    grid = RectilinearGrid(lat + down * np.arange(rows), lon + across * np.arange(columns))
    return _scanned(keys, grid)


def _regular_gg(keys: GridKeys) -> GribGrid:
    columns, _ = keys.size()
    lon, across = _longitudes(keys)
    return _scanned(keys, RectilinearGrid(_gaussian_rows(keys), lon + across * np.arange(columns)))


def _gaussian_rows(keys: GridKeys) -> Floats:
    """Latitudes of the rows of a Gaussian grid, or of the part of it that begins at the first latitude."""
    _, rows = keys.size()
    latitudes = gaussian_latitudes(keys.gaussian())
    if keys.signs()[1] > 0:
        latitudes = latitudes[::-1]
    first = keys.number("latitudeOfFirstGridPointInDegrees")
    start = int(np.argmin(np.abs(latitudes - first)))
    found = latitudes[start : start + rows]
    if len(found) != rows or abs(found[0] - first) > 0.1 * abs(latitudes[0] - latitudes[1]):
        raise NoGrid(f"{rows} rows from {first:g} are not those of the Gaussian grid")
    return found


def _rotated_ll(keys: GridKeys) -> GribGrid:
    columns, rows = keys.size()
    lon, across = _longitudes(keys)
    lat, down = _latitudes(keys)
    affine = (across, 0.0, lon - across / 2, 0.0, down, lat - down / 2)
    crs = _rotated_crs(keys)
    return _scanned(keys, ProjectedGrid(crs, affine, (rows, columns)), crs)


def _rotated_crs(keys: GridKeys) -> str:
    """The turn about the new axis is that of the WMO as PROJ understands it (pole rotation, GRIB convention)."""
    south = keys.number("latitudeOfSouthernPoleInDegrees")
    east = keys.number("longitudeOfSouthernPoleInDegrees")
    turn = keys.maybe("angleOfRotationInDegrees") or 0.0
    return (
        f"+proj=ob_tran +o_proj=longlat +o_lat_p={0 - south:.12g} +o_lon_p={0 - turn:.12g}"
        f" +lon_0={east:.12g} {keys.ellipsoid()} +type=crs"
    )


# rows of different numbers of points


def _reduced_gg(keys: GridKeys) -> GribGrid:
    number = keys.gaussian()
    counts = keys.counts()
    latitudes = gaussian_latitudes(number)
    first = keys.number("latitudeOfFirstGridPointInDegrees")
    is_global = (
        len(counts) == len(latitudes)
        and counts.sum() == keys.points
        and abs(first - latitudes[0]) <= 2 * keys.precision
        and keys.number("longitudeOfFirstGridPointInDegrees") == 0
        and keys.signs() == (1, -1)
    )
    if is_global:
        return _in_order(ReducedGaussianGrid(latitudes, counts))
    start = int(np.argmin(np.abs(latitudes - first)))
    return _rows_as_listed(keys, latitudes[start : start + len(counts)], counts)


def _reduced_ll(keys: GridKeys) -> GribGrid:
    first, down = _latitudes_of(keys, len(keys.array("pl")))
    counts = keys.array("pl")
    return _rows_as_listed(keys, first + down * np.arange(len(counts)), counts)


def _latitudes_of(keys: GridKeys, rows: int) -> tuple[float, float]:
    first = keys.number("latitudeOfFirstGridPointInDegrees")
    last = keys.number("latitudeOfLastGridPointInDegrees")
    return first, (last - first) / max(rows - 1, 1)


def _rows_as_listed(keys: GridKeys, latitudes: Floats, circles: Ints) -> GribGrid:
    """Rows from the coordinates of ecCodes, which knows by which rule an area cuts the rows of a grid.

    ``circles`` are the cells of the full circles at ``latitudes``. Rows that do not run east are cells without order.
    """
    lon, lat = keys.coordinates()
    starts = np.flatnonzero(np.diff(lat, prepend=np.nan))
    counts = np.diff(np.append(starts, len(lat)))
    steps = (np.diff(lon, append=lon[-1]) % 360.0)[starts]
    nearest = np.abs(latitudes[:, None] - lat[starts]).argmin(axis=0)
    circle = 360.0 / np.maximum(circles[nearest], 1)
    steps = np.where((counts == 1) | (np.abs(steps - circle) < 2 * keys.precision), circle, steps)
    first = lon[starts]
    try:
        grid = ReducedGaussianGrid(lat[starts], counts, first=first, step=steps)
    except ValueError:
        return _in_order(PointGrid(lon, lat))
    away = (grid.centres()[0] - lon + 180.0) % 360.0 - 180.0
    if np.abs(away).max() > 10 * keys.precision:
        return _in_order(PointGrid(lon, lat))
    return _in_order(grid)


# projections


def _projected(keys: GridKeys, crs: str, across: float, down: float) -> GribGrid:
    """Cells of a size in the plane, from the first point in the directions of the scanning mode."""
    columns, rows = keys.size()
    sign_x, sign_y = keys.signs()
    lon = keys.number("longitudeOfFirstGridPointInDegrees")
    lat = keys.number("latitudeOfFirstGridPointInDegrees")
    to_plane = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = to_plane.transform(lon, lat)
    if not np.isfinite((x, y)).all():
        raise NoGrid("the first point is outside of the projection")
    a, e = sign_x * across, sign_y * down
    grid = ProjectedGrid(crs, (a, 0.0, x - a / 2, 0.0, e, y - e / 2), (rows, columns))
    return _scanned(keys, grid, crs)


def _spacing(keys: GridKeys, *names: str) -> tuple[float, float]:
    x, y = names[0::2], names[1::2]
    return keys.first(*x), keys.first(*y)


_METRES = ("DxInMetres", "DyInMetres", "DiInMetres", "DjInMetres", "xDirectionGridLengthInMetres",
           "yDirectionGridLengthInMetres")  # fmt: skip


def _mercator(keys: GridKeys) -> GribGrid:
    """The meridian of the middle of the grid is that of the projection, so that no grid is cut."""
    if keys.maybe("orientationOfTheGridInDegrees"):
        raise NoGrid("a Mercator projection that is turned")
    first, last = (keys.number(f"longitudeOf{end}GridPointInDegrees") for end in ("First", "Last"))
    sign, _ = keys.signs()
    middle = first + sign * ((sign * (last - first)) % 360.0) / 2
    middle = round((middle + 180.0) % 360.0 - 180.0, 6)
    crs = (
        f"+proj=merc +lat_ts={keys.number('LaDInDegrees'):.12g} +lon_0={middle:.12g}"
        f" {keys.ellipsoid()} +units=m +type=crs"
    )
    return _projected(keys, crs, *_spacing(keys, *_METRES))


def _conic(keys: GridKeys, name: str) -> GribGrid:
    one, two = (keys.number(f"Latin{number}InDegrees") for number in (1, 2))
    origin = keys.maybe("LaDInDegrees")
    crs = (
        f"+proj={name} +lat_1={one:.12g} +lat_2={two:.12g} +lat_0={one if origin is None else origin:.12g}"
        f" +lon_0={keys.number('LoVInDegrees'):.12g} {keys.ellipsoid()} +units=m +type=crs"
    )
    return _projected(keys, crs, *_spacing(keys, *_METRES))


def _equal_area(keys: GridKeys) -> GribGrid:
    lat = keys.first("standardParallelInDegrees", "LaDInDegrees")
    lon = keys.first("centralLongitudeInDegrees", "LoVInDegrees")
    crs = f"+proj=laea +lat_0={lat:.12g} +lon_0={lon:.12g} {keys.ellipsoid()} +units=m +type=crs"
    return _projected(keys, crs, *_spacing(keys, *_METRES))


def _polar_stereographic(keys: GridKeys) -> GribGrid:
    pole = -1 if keys.flag("southPoleOnProjectionPlane") else 1
    true = abs(keys.number("LaDInDegrees"))
    crs = (
        f"+proj=stere +lat_0={pole * 90} +lat_ts={pole * true:.12g}"
        f" +lon_0={keys.number('orientationOfTheGridInDegrees'):.12g} {keys.ellipsoid()} +units=m +type=crs"
    )
    return _projected(keys, crs, *_spacing(keys, *_METRES))


def _space_view(keys: GridKeys) -> GribGrid:
    """The Earth from a satellite (template 3.90); angles between cells follow from the apparent diameter in cells."""
    if keys.maybe("latitudeOfSubSatellitePointInDegrees"):
        raise NoGrid("a satellite that is not above the equator")
    if keys.maybe("orientationOfTheGridInDegrees"):
        raise NoGrid("a view from space that is turned")
    columns, rows = keys.size()
    major, minor = keys.axes()
    distance = keys.number("NrInRadiusOfEarth")
    height = (distance - 1.0) * major
    diameter = 2.0 * np.arcsin(1.0 / distance)
    across = height * diameter / keys.number("dx")
    down = height * diameter / keys.number("dy") * minor / major
    column = keys.number("XpInGridLengths") - keys.number("Xo")
    row = keys.number("YpInGridLengths") - keys.number("Yo")
    crs = (
        f"+proj=geos +h={height:.12g} +lon_0={keys.number('longitudeOfSubSatellitePointInDegrees'):.12g}"
        f" +sweep=y +a={major:.12g} +b={minor:.12g} +units=m +type=crs"
    )
    sign_x, sign_y = keys.signs()
    a, e = sign_x * across, sign_y * down
    affine = (a, 0.0, -a * (column + 0.5), 0.0, e, -e * (row + 0.5))
    return _scanned(keys, ProjectedGrid(crs, affine, (rows, columns)), crs)


# cells


def _healpix(keys: GridKeys) -> GribGrid:
    nested = keys.text("orderingConvention") == "nested"
    grid = HealpixGrid(int(keys.first("Nside", "nside")), nested=nested)
    if grid.size != keys.points:
        raise NoGrid(f"{keys.points} points are not the {grid.size} of HEALPix")
    return _in_order(grid)


def _unstructured(keys: GridKeys, coordinates: Coordinates | None) -> Grid:
    number = keys.maybe("numberOfGridUsed")
    uuid = keys.text("uuidOfHGrid")
    name = f"unstructured grid {'' if number is None else f'number {int(number)} '}(uuid {uuid})"
    if coordinates is None:
        raise NoGrid(
            f"{name} without coordinates; `grid: {{coordinates: FILE}}` of the configuration can name the file"
            " with clon and clat, or add messages clon and clat"
        )
    lon, lat = coordinates
    if len(lon) != keys.points or len(lat) != keys.points:
        raise NoGrid(f"{name} has {keys.points} cells, its coordinates are {len(lon)}")
    return PointGrid(lon, lat)


def _as_listed(keys: GridKeys) -> GribGrid:
    """Any other grid for which ecCodes has coordinates."""
    kind = keys.text("gridType")
    try:
        lon, lat = keys.coordinates()
    except eccodes.CodesInternalError as error:
        raise NoGrid(f"grid of type {kind}, for which there are no coordinates") from error
    try:
        scanning = keys.scanning()
    except NoGrid:
        return _in_order(PointGrid(lon, lat))
    grid = CurvilinearGrid(scanning.array(lon), scanning.array(lat))
    return GribGrid(grid, None, scanning.array, scanning.positions)


_KINDS: dict[str, Callable[[GridKeys], GribGrid]] = {
    "regular_ll": _regular_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
    "reduced_ll": _reduced_ll,
    "rotated_ll": _rotated_ll,
    "mercator": _mercator,
    "lambert": partial(_conic, name="lcc"),
    "albers": partial(_conic, name="aea"),
    "lambert_azimuthal_equal_area": _equal_area,
    "polar_stereographic": _polar_stereographic,
    "space_view": _space_view,
    "healpix": _healpix,
}
