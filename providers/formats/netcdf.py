"""CF NetCDF-4, built in memory under the process-wide lock of the NetCDF library."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np

from ..axes import Axis, AxisKind
from ..cf.calendar import MISSING
from ..cube import Coverage, Variable
from ..grids import HealpixGrid
from ..readers.netcdf import LOCK
from .base import Format
from .stable import without_times

_CONVENTIONS = "CF-1.11"
_SECONDS = "seconds since 1970-01-01 00:00:00"
_MICROSECONDS = "microseconds since 1970-01-01 00:00:00"
_NO_TIME = np.int64(-(2**63) + 1)
_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f]")
_LIKE_SOURCE = {
    "long_name",
    "standard_name",
    "units",
    "cell_methods",
    "comment",
    "flag_values",
    "flag_meanings",
    "flag_masks",
}


def write(coverage: Coverage) -> bytes:
    """The coverage as a NetCDF-4 file."""
    size = sum(values.nbytes for values in coverage.values.values())
    with LOCK:
        dataset = netCDF4.Dataset(
            "coverage.nc", "w", format="NETCDF4", memory=max(size + 65536, 1 << 20)
        )
        try:
            dataset.set_fill_off()
            _fill(dataset, coverage)
        except BaseException:
            dataset.close()
            raise
        body = bytes(dataset.close())
    return without_times(body)


def _fill(dataset: netCDF4.Dataset, coverage: Coverage) -> None:
    dataset.setncatts({**_writable(coverage.attributes), "Conventions": _CONVENTIONS})
    cells = _write_cells(dataset, coverage)
    axes = {name: _write_axis(dataset, axis) for name, axis in coverage.axes.items()}
    for variable in coverage.variables:
        _write_variable(dataset, coverage, variable, axes, cells)


def _writable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that NetCDF can hold, under names it allows: no maps, truth values, mixed lists, huge integers."""
    return {
        _legal(name): value
        for name, value in attributes.items()
        if not name.startswith("_") and name != "coordinates" and _is_writable(value)
    }


def _is_writable(value: Any) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, bool) or not isinstance(
        value, int | float | list | np.generic | np.ndarray
    ):
        return False
    if isinstance(value, list) and not (
        all(isinstance(item, str) for item in value)
        or all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    ):
        return False
    return np.asarray(value).dtype.kind in "iufU"


def _legal(name: str) -> str:
    """A name as NetCDF allows it (NUG, appendix B): no slash, no control characters, no space around it."""
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip()
    first = text[:1]
    return text if first.isalnum() or first == "_" or first > "\x7f" else f"_{text}"


def _write_cells(dataset: netCDF4.Dataset, coverage: Coverage) -> tuple[tuple[str, ...], str]:
    """Horizontal dimensions, and the ``coordinates`` attribute for cells that are not dimensions."""
    selection = coverage.selection
    if selection.separable:
        for name, values in (("lat", selection.y), ("lon", selection.x)):
            dataset.createDimension(name, len(values))
            _write_coordinate(dataset, name, (name,), values)
        return ("lat", "lon"), _write_cell_times(dataset, coverage, ())
    dataset.createDimension("cell", selection.size)
    for name, values in (("lat", selection.y), ("lon", selection.x)):
        _write_coordinate(dataset, name, ("cell",), values)
    if isinstance(coverage.grid, HealpixGrid):
        _write_healpix(dataset, coverage, coverage.grid)
    return ("cell",), f"{_write_cell_times(dataset, coverage, ('cell',))} lat lon".strip()


def _write_cell_times(dataset: netCDF4.Dataset, coverage: Coverage, dims: tuple[str, ...]) -> str:
    """The variable of the times that cells carry, empty where they carry none."""
    axis = coverage.cell_times
    if axis is None:
        return ""
    there = axis.values != MISSING
    units, factor = _time_units(axis.values[there])
    fill = False if there.all() else _NO_TIME
    variable = dataset.createVariable("time", "i8", dims, fill_value=fill)
    variable.set_auto_maskandscale(False)
    variable.setncatts(
        {"standard_name": "time", "units": units, "calendar": axis.calendar or "standard"}
    )
    values = np.where(there, axis.values // factor, _NO_TIME)
    variable[...] = values if dims else values[0]
    return "time"


def _write_coordinate(
    dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...], values: Any
) -> None:
    variable = dataset.createVariable(name, "f8", dims)
    latitude = name == "lat"
    variable.setncatts(
        {
            "standard_name": "latitude" if latitude else "longitude",
            "long_name": "latitude" if latitude else "longitude",
            "units": "degrees_north" if latitude else "degrees_east",
        }
    )
    if dims == (name,):
        variable.axis = "Y" if latitude else "X"
    variable[:] = values


def _write_healpix(dataset: netCDF4.Dataset, coverage: Coverage, grid: HealpixGrid) -> None:
    """CF 1.13 grid mapping ``healpix`` with the ids of the cells, and the attributes that xdggs reads."""
    mapping = dataset.createVariable("healpix", "i4", ())
    scheme = "nested" if grid.nested else "ring"
    mapping.setncatts(
        {
            "grid_mapping_name": "healpix",
            "refinement_level": np.int32(grid.level),
            "indexing_scheme": scheme,
        }
    )
    ids = dataset.createVariable("healpix_index", "i8", ("cell",))
    ids.setncatts(
        {
            "standard_name": "healpix_index",
            "grid_name": "healpix",
            "level": np.int32(grid.level),
            "indexing_scheme": scheme,
        }
    )
    ids[:] = (
        grid.locate(coverage.selection.x, coverage.selection.y)
        if grid.cells is None
        else grid.cells[grid.locate(coverage.selection.x, coverage.selection.y)]
    )


def _write_axis(dataset: netCDF4.Dataset, axis: Axis) -> str:
    """Dimension and coordinate variable of an axis; its name. A scalar axis has no dimension."""
    name = _free_name(dataset, axis.name, "axis")
    scalar = axis.dim is None
    if not scalar:
        dataset.createDimension(name, axis.size)
    dims = () if scalar else (name,)
    values, attributes = _axis_values(axis)
    if values.dtype.kind in "OU":
        variable = dataset.createVariable(name, str, dims)
        variable[...] = values[0] if scalar else np.asarray(values, object)
    else:
        variable = dataset.createVariable(name, _stored(values).str[1:], dims)
        variable[...] = values[0] if scalar else values
    variable.setncatts(attributes)
    if axis.bounds is not None and not scalar:
        _write_bounds(dataset, axis, name, variable)
    return name


def _free_name(dataset: netCDF4.Dataset, name: str, suffix: str) -> str:
    """A legal name that is neither a variable nor a dimension yet."""
    free = _legal(name)
    while free in dataset.variables or free in dataset.dimensions or free in _OURS:
        free = f"{free}_{suffix}"
    return free


_PAIR = "bnds"
_OURS = ("lat", "lon", "cell", "healpix", "healpix_index", _PAIR)
"""Names of what describes cells and bounds, whether or not this answer has them."""


def _stored(values: np.ndarray) -> np.dtype[Any]:
    """The type to write: NetCDF has no half precision."""
    return np.dtype(np.float32) if values.dtype == np.float16 else values.dtype


def _axis_values(axis: Axis) -> tuple[np.ndarray, dict[str, Any]]:
    attributes: dict[str, Any] = {
        key: axis.attributes[key]
        for key in ("long_name", "standard_name")
        if isinstance(axis.attributes.get(key), str)
    }
    if axis.is_time:
        units, factor = _axis_time_units(axis)
        attributes |= {"units": units, "calendar": axis.calendar or "standard"}
        attributes["standard_name"] = (
            "time" if axis.kind is AxisKind.TIME else "forecast_reference_time"
        )
        if axis.kind is AxisKind.TIME:
            attributes["axis"] = "T"
        return axis.values // factor, attributes
    if axis.kind is AxisKind.STEP:
        attributes |= {"units": "hours", "standard_name": "forecast_period"}
        return axis.values / 3_600_000_000, attributes
    if axis.kind is AxisKind.MEMBER:
        attributes["standard_name"] = "realization"
    if axis.units is not None:
        attributes["units"] = axis.units
    if axis.positive is not None:
        attributes |= {"positive": axis.positive, "axis": "Z"}
    return axis.values, attributes


def _axis_time_units(axis: Axis) -> tuple[str, int]:
    edges = axis.values if axis.bounds is None else axis.bounds.reshape(-1)
    return _time_units(np.concatenate((axis.values, edges)))


def _time_units(micros: np.ndarray) -> tuple[str, int]:
    """Units that hold times exactly as integers, and how many microseconds one is."""
    return (_MICROSECONDS, 1) if (micros % 1_000_000).any() else (_SECONDS, 1_000_000)


def _write_bounds(
    dataset: netCDF4.Dataset, axis: Axis, name: str, variable: netCDF4.Variable
) -> None:
    if _PAIR not in dataset.dimensions:
        dataset.createDimension(_PAIR, 2)
    edges = np.asarray(axis.bounds)
    if axis.is_time:
        edges = edges // _axis_time_units(axis)[1]
    elif axis.kind is AxisKind.STEP:
        edges = edges / 3_600_000_000
    stored = _free_name(dataset, f"{name}_bnds", "of_axis")
    bounds = dataset.createVariable(stored, _stored(edges).str[1:], (name, _PAIR))
    variable.bounds = stored
    bounds[:] = edges


def _write_variable(
    dataset: netCDF4.Dataset,
    coverage: Coverage,
    variable: Variable,
    axes: dict[str, str],
    cells: tuple[tuple[str, ...], str],
) -> None:
    values = coverage.values[variable.id]
    values = values.astype(_stored(values), copy=False)
    kept = [name for name in variable.axes if coverage.axes[name].dim is not None]
    values = values.reshape(
        [coverage.axes[name].size for name in kept]
        + (
            list(coverage.selection.shape)
            if coverage.selection.separable
            else [coverage.selection.size]
        )
    )
    dims = tuple(axes[name] for name in kept) + cells[0]
    fill = np.array(np.nan, values.dtype)[()] if values.dtype.kind == "f" else False
    name = _free_name(dataset, variable.id, "field")
    stored = dataset.createVariable(name, values.dtype.str[1:], dims, fill_value=fill)
    stored.set_auto_maskandscale(False)
    attributes = {
        key: value for key, value in _writable(variable.attributes).items() if key in _LIKE_SOURCE
    }
    scalars = [axes[axis] for axis in variable.axes if coverage.axes[axis].dim is None]
    coordinates = " ".join([*scalars, *cells[1].split()])
    if coordinates:
        attributes["coordinates"] = coordinates
    if isinstance(coverage.grid, HealpixGrid):
        attributes["grid_mapping"] = "healpix"
    if variable.units is not None:
        attributes["units"] = variable.units
    stored.setncatts(attributes)
    stored[...] = values


NETCDF = Format(
    name="netcdf",
    media_type="application/netcdf",
    title="CF NetCDF-4",
    write=write,
    suffix=".nc",
    accepts=("application/x-netcdf", "application/x-netcdf4"),
)
