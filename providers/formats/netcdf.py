"""CF NetCDF-4, built in memory under the process-wide lock of the NetCDF library."""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np

from ..axes import Axis, AxisKind
from ..cube import Coverage, Variable
from ..grids import HealpixGrid
from ..readers.netcdf import LOCK
from .base import Format
from .stable import without_times

_CONVENTIONS = "CF-1.11"
_CALENDAR_UNITS = "seconds since 1970-01-01 00:00:00"
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
    attributes = {k: v for k, v in coverage.attributes.items() if _is_writable(k, v)}
    dataset.setncatts({**attributes, "Conventions": _CONVENTIONS})
    cells = _write_cells(dataset, coverage)
    axes = {name: _write_axis(dataset, axis) for name, axis in coverage.axes.items()}
    for variable in coverage.variables:
        _write_variable(dataset, coverage, variable, axes, cells)


def _is_writable(name: str, value: Any) -> bool:
    plain = isinstance(value, str | int | float | np.generic | np.ndarray) or (
        isinstance(value, list) and all(isinstance(item, str | int | float) for item in value)
    )
    return (
        plain and not name.startswith("_") and name != "coordinates" and not isinstance(value, bool)
    )


def _write_cells(dataset: netCDF4.Dataset, coverage: Coverage) -> tuple[tuple[str, ...], str]:
    """Horizontal dimensions, and the ``coordinates`` attribute for cells that are not dimensions."""
    selection = coverage.selection
    if selection.separable:
        for name, values in (("lat", selection.y), ("lon", selection.x)):
            dataset.createDimension(name, len(values))
            _write_coordinate(dataset, name, (name,), values)
        return ("lat", "lon"), ""
    dataset.createDimension("cell", selection.size)
    for name, values in (("lat", selection.y), ("lon", selection.x)):
        _write_coordinate(dataset, name, ("cell",), values)
    if isinstance(coverage.grid, HealpixGrid):
        _write_healpix(dataset, coverage, coverage.grid)
    return ("cell",), "lat lon"


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
    name = _free_name(dataset, axis.name)
    scalar = axis.dim is None
    if not scalar:
        dataset.createDimension(name, axis.size)
    dims = () if scalar else (name,)
    values, attributes = _axis_values(axis)
    if values.dtype.kind in "OU":
        variable = dataset.createVariable(name, str, dims)
        variable[...] = values[0] if scalar else np.asarray(values, object)
    else:
        variable = dataset.createVariable(name, values.dtype.str[1:], dims)
        variable[...] = values[0] if scalar else values
    variable.setncatts(attributes)
    if axis.bounds is not None and not scalar:
        _write_bounds(dataset, axis, name, variable)
    return name


def _free_name(dataset: netCDF4.Dataset, name: str) -> str:
    return name if name not in dataset.variables else f"{name}_axis"


def _axis_values(axis: Axis) -> tuple[np.ndarray, dict[str, Any]]:
    attributes: dict[str, Any] = {
        key: axis.attributes[key]
        for key in ("long_name", "standard_name")
        if isinstance(axis.attributes.get(key), str)
    }
    if axis.is_time:
        attributes |= {"units": _CALENDAR_UNITS, "calendar": axis.calendar or "standard"}
        attributes["standard_name"] = (
            "time" if axis.kind is AxisKind.TIME else "forecast_reference_time"
        )
        if axis.kind is AxisKind.TIME:
            attributes["axis"] = "T"
        return _seconds(axis.values), attributes
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


def _seconds(micros: np.ndarray) -> np.ndarray:
    whole, rest = np.divmod(micros, 1_000_000)
    return whole.astype(np.int64) if not rest.any() else micros / 1e6


def _write_bounds(
    dataset: netCDF4.Dataset, axis: Axis, name: str, variable: netCDF4.Variable
) -> None:
    if "bnds" not in dataset.dimensions:
        dataset.createDimension("bnds", 2)
    edges = np.asarray(axis.bounds)
    values = (
        _seconds(edges)
        if axis.is_time
        else edges / 3_600_000_000
        if axis.kind is AxisKind.STEP
        else edges
    )
    bounds = dataset.createVariable(f"{name}_bnds", values.dtype.str[1:], (name, "bnds"))
    variable.bounds = f"{name}_bnds"
    bounds[:] = values


def _write_variable(
    dataset: netCDF4.Dataset,
    coverage: Coverage,
    variable: Variable,
    axes: dict[str, str],
    cells: tuple[tuple[str, ...], str],
) -> None:
    values = coverage.values[variable.id]
    kept = [name for name in variable.axes if coverage.axes[name].dim is not None]
    values = values.reshape(
        [coverage.axes[name].size for name in kept] + list(coverage.selection.shape)
    )
    dims = tuple(axes[name] for name in kept) + cells[0]
    fill = np.array(np.nan, values.dtype)[()] if values.dtype.kind == "f" else False
    name = _free_name(dataset, variable.id)
    stored = dataset.createVariable(name, values.dtype.str[1:], dims, fill_value=fill)
    stored.set_auto_maskandscale(False)
    attributes = {
        key: value
        for key, value in variable.attributes.items()
        if key in _LIKE_SOURCE and _is_writable(key, value)
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
