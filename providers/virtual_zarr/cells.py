"""Where the cells of a grid are, as arrays: CF 1.13, sections 5 and 5.6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyproj

from ..cf.calendar import MISSING
from ..coverage import Block
from ..cube import Cube
from ..formats.netcdf_axes import time_units
from ..formats.netcdf_cells import NO_TIME, PLACES, healpix_facts
from ..grids import Grid, HealpixGrid, ProjectedGrid, RectilinearGrid
from ..grids.base import Floats, Ints
from ..readers.base import readable_chunks
from .arrays import Array, in_memory
from .naming import json_attributes

_DOUBLE, _LONG = np.dtype("<f8"), np.dtype("<i8")


@dataclass(frozen=True)
class Cells:
    """Horizontal dimensions, and what variables on them name: auxiliary coordinates and the grid mapping."""

    dims: tuple[str, ...]
    arrays: Mapping[str, Array]
    coordinates: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)


def cells_of(cube: Cube) -> Cells:
    """The cells of a cube in the order of its arrays, with the times that they carry."""
    grid = cube.grid
    if isinstance(grid, RectilinearGrid):
        axes = {"lat": (grid.lat, "Y"), "lon": (grid.lon, "X")}
        found = {
            name: in_memory((name,), values, {**PLACES[name], "axis": axis})
            for name, (values, axis) in axes.items()
        }
        found["crs"] = _crs(pyproj.CRS("EPSG:4326"))
        return _with_times(cube, Cells(("lat", "lon"), found, (), {"grid_mapping": "crs"}))
    dims = ("y", "x") if len(grid.shape) == 2 else ("cell",)
    arrays, mapping = _mapped(grid)
    arrays |= {name: _place(grid, dims, name) for name in PLACES}
    auxiliary = tuple(name for name in ("lat", "lon", "healpix_index") if name in arrays)
    return _with_times(cube, Cells(dims, arrays, auxiliary, mapping))


def _mapped(grid: Grid) -> tuple[dict[str, Array], dict[str, str]]:
    """The grid mapping, with the coordinates that it explains, and the attribute that names it."""
    if isinstance(grid, HealpixGrid):
        return _healpix(grid), {"grid_mapping": "healpix"}
    if not (isinstance(grid, ProjectedGrid) and grid.is_upright):
        return {}, {}
    facts = {fact["axis"]: fact for fact in grid.crs.cs_to_cf()}
    rows, columns = grid.shape
    x, y = grid.plane(slice(0, rows), slice(0, columns))
    arrays = {
        name: in_memory((name,), values, facts.get(name.upper(), {"axis": name.upper()}))
        for name, values in (("x", x), ("y", y))
    }
    arrays["crs"] = _crs(grid.crs)
    return arrays, {"grid_mapping": "crs"}


def _crs(crs: pyproj.CRS) -> Array:
    """A CRS as a grid mapping, of which GDAL and rioxarray read the WKT."""
    return in_memory((), np.int32(0), crs.to_cf())


def _healpix(grid: HealpixGrid) -> dict[str, Array]:
    """The grid mapping of CF 1.13, and the ids of cells with the attributes that xdggs reads."""
    mapping, facts = (json_attributes(said) for said in healpix_facts(grid))

    def ids(block: Block) -> Ints:
        (part,) = block
        return np.arange(part.start, part.stop) if grid.cells is None else grid.cells[part]

    chunks = readable_chunks(grid.shape, _LONG.itemsize)
    return {
        "healpix": in_memory((), np.int32(0), mapping),
        "healpix_index": Array(("cell",), grid.shape, _LONG, chunks, facts, ids),
    }


def _place(grid: Grid, dims: tuple[str, ...], name: str) -> Array:
    """Longitudes or latitudes of cells, computed for the cells asked for; NaN where a cell has none."""

    def read(block: Block) -> Floats:
        parts = np.ix_(*(np.arange(part.start, part.stop) for part in block))
        flat = np.ravel_multi_index(np.broadcast_arrays(*parts), grid.shape)
        lon, lat = grid.centres(flat.ravel())
        return (lat if name == "lat" else lon).reshape(flat.shape)

    chunks = readable_chunks(grid.shape, _DOUBLE.itemsize)
    return Array(dims, grid.shape, _DOUBLE, chunks, PLACES[name], read, float("nan"))


def _with_times(cube: Cube, cells: Cells) -> Cells:
    """The cells with the times of trajectories, profiles and swaths."""
    times = cube.cell_times
    if times is None:
        return cells
    there = times.values != MISSING
    units, factor = time_units(times.values[there])
    facts = {
        "standard_name": "time",
        "units": units,
        "calendar": times.calendar or "standard",
    }
    values = np.where(there, times.values // factor, NO_TIME).reshape(cube.grid.shape)
    array = in_memory(cells.dims, values, facts)
    array = array if there.all() else replace(array, fill=int(NO_TIME))
    return Cells(
        cells.dims,
        {**cells.arrays, "time": array},
        ("time", *cells.coordinates),
        cells.mapping,
    )
