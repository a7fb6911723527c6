"""Cells of a coverage as NetCDF dimensions, coordinates and grid mappings (CF 1.13, sections 5 and 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import netCDF4
import numpy as np

from ..axes import Axis
from ..cf.calendar import MISSING
from ..coverage import Coverage
from ..fields import Values
from ..grids import HealpixGrid, ProjectedGrid
from ..grids.base import Window
from .netcdf_axes import axis_values, time_units

NO_TIME = np.int64(-(2**63) + 1)
PLACES = {
    "lat": {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"},
    "lon": {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"},
}
_MOST_PLACES = 1 << 22
"""Cells of a projected grid whose longitudes and latitudes are written beside x and y."""


@dataclass(frozen=True)
class Cells:
    """Horizontal dimensions, auxiliary coordinates and the grid mapping that variables name."""

    dims: tuple[str, ...]
    coordinates: tuple[str, ...] = ()
    grid_mapping: str | None = None


def write_cells(dataset: netCDF4.Dataset, coverage: Coverage) -> Cells:
    """The cells of a coverage, and the times and heights that they carry."""
    cells = _placed(dataset, coverage)
    own = cells.dims if cells.dims == ("cell",) else ()
    carried = [
        *_write_cell_times(dataset, coverage.cell_times, own),
        *_write_cell_heights(dataset, coverage.cell_heights, own),
    ]
    return Cells(cells.dims, (*carried, *cells.coordinates), cells.grid_mapping)


def _placed(dataset: netCDF4.Dataset, coverage: Coverage) -> Cells:
    selection, grid = coverage.selection, coverage.grid
    if selection.separable:
        for name, values in (("lat", selection.y), ("lon", selection.x)):
            dataset.createDimension(name, len(values))
            _write_place(dataset, name, (name,), values)
        return Cells(("lat", "lon"))
    if isinstance(selection, Window):
        return _write_window(dataset, selection)
    dataset.createDimension("cell", selection.size)
    _write_places(dataset, ("cell",), selection.x, selection.y)
    if isinstance(grid, HealpixGrid):
        _write_healpix(dataset, grid, grid.locate(selection.x, selection.y))
        return Cells(("cell",), ("lat", "lon"), "healpix")
    return Cells(("cell",), ("lat", "lon"))


def _write_window(dataset: netCDF4.Dataset, window: Window) -> Cells:
    """Rows and columns: of a projection with its grid mapping, else with 2-D coordinates alone."""
    dims = ("y", "x")
    for name, size in zip(dims, window.shape, strict=True):
        dataset.createDimension(name, size)
    mapping = None
    if isinstance(window.grid, ProjectedGrid) and window.grid.is_upright:
        mapping = _write_mapping(dataset, window.grid, window)
    if mapping is not None and window.size > _MOST_PLACES:
        return Cells(dims, (), mapping)
    shape = window.shape
    _write_places(dataset, dims, window.x.reshape(shape), window.y.reshape(shape))
    return Cells(dims, ("lat", "lon"), mapping)


def _write_mapping(dataset: netCDF4.Dataset, grid: ProjectedGrid, window: Window) -> str:
    mapping = dataset.createVariable("crs", "i4", ())
    mapping.setncatts(grid.crs.to_cf())
    mapping[...] = 0  # nothing fills it, and unwritten values are whatever memory held
    facts = {fact["axis"]: fact for fact in grid.crs.cs_to_cf()}
    for name, values in zip(("x", "y"), grid.plane(window.rows, window.columns), strict=True):
        variable = dataset.createVariable(name, "f8", (name,))
        variable.setncatts(facts.get(name.upper(), {"axis": name.upper()}))
        variable[:] = values
    return "crs"


def _write_places(
    dataset: netCDF4.Dataset, dims: tuple[str, ...], lon: Values, lat: Values
) -> None:
    for name, values in (("lat", lat), ("lon", lon)):
        _write_place(dataset, name, dims, values)


def _write_place(
    dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...], values: Values
) -> None:
    variable = dataset.createVariable(name, "f8", dims)
    variable.setncatts(PLACES[name])
    if dims == (name,):
        variable.axis = "Y" if name == "lat" else "X"
    variable[:] = values


def _write_cell_times(
    dataset: netCDF4.Dataset, axis: Axis | None, dims: tuple[str, ...]
) -> list[str]:
    """The variable of the times that cells carry."""
    if axis is None:
        return []
    there = axis.values != MISSING
    units, factor = time_units(axis.values[there])
    fill = False if there.all() else NO_TIME
    variable = dataset.createVariable("time", "i8", dims, fill_value=fill)
    variable.set_auto_maskandscale(False)
    variable.setncatts(
        {"standard_name": "time", "units": units, "calendar": axis.calendar or "standard"}
    )
    values = np.where(there, axis.values // factor, NO_TIME)
    variable[...] = values if dims else values[0]
    return ["time"]


def _write_cell_heights(
    dataset: netCDF4.Dataset, axis: Axis | None, dims: tuple[str, ...]
) -> list[str]:
    """The variable of the heights that cells carry."""
    if axis is None:
        return []
    values, attributes = axis_values(axis)
    variable = dataset.createVariable("height_of_cell", "f8", dims)
    variable.setncatts(attributes)
    variable[...] = values if dims else values[0]
    return ["height_of_cell"]


def healpix_facts(grid: HealpixGrid) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes of the CF 1.13 grid mapping, and of the ids of cells as xdggs reads them."""
    level, scheme = np.int32(grid.level), "nested" if grid.nested else "ring"
    mapping = {"grid_mapping_name": "healpix", "refinement_level": level, "indexing_scheme": scheme}
    ids = {
        "standard_name": "healpix_index",
        "grid_name": "healpix",
        "level": level,
        "indexing_scheme": scheme,
    }
    return mapping, ids


def _write_healpix(dataset: netCDF4.Dataset, grid: HealpixGrid, index: Values) -> None:
    mapping = dataset.createVariable("healpix", "i4", ())
    ids = dataset.createVariable("healpix_index", "i8", ("cell",))
    for variable, facts in zip((mapping, ids), healpix_facts(grid), strict=True):
        variable.setncatts(facts)
    mapping[...] = 0
    ids[:] = index if grid.cells is None else grid.cells[index]
