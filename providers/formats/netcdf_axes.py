"""Axes of a coverage as NetCDF dimensions and coordinate variables."""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np

from ..axes import Axis, AxisKind
from .netcdf_names import PAIR, free_name, stored_type

_SECONDS = "seconds since 1970-01-01 00:00:00"
_MICROSECONDS = "microseconds since 1970-01-01 00:00:00"


def write_axis(dataset: netCDF4.Dataset, axis: Axis) -> str:
    """Dimension and coordinate variable of an axis; its name. A scalar axis has no dimension."""
    name = free_name(dataset, axis.name, "axis")
    scalar = axis.dim is None
    if not scalar:
        dataset.createDimension(name, axis.size)
    dims = () if scalar else (name,)
    values, attributes = axis_values(axis)
    if values.dtype.kind in "OU":
        variable = dataset.createVariable(name, str, dims)
        variable[...] = values[0] if scalar else np.asarray(values, object)
    else:
        variable = dataset.createVariable(name, stored_type(values.dtype).str[1:], dims)
        variable[...] = values[0] if scalar else values
    variable.setncatts(attributes)
    if axis.bounds is not None and not scalar:
        _write_bounds(dataset, axis, name, variable)
    return name


def axis_values(axis: Axis) -> tuple[np.ndarray, dict[str, Any]]:
    """Values as they are written, and their attributes."""
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


def bounds_values(axis: Axis) -> np.ndarray:
    """Bounds in the units of the values as they are written, shape (size, 2)."""
    edges = np.asarray(axis.bounds)
    if axis.is_time:
        return edges // _axis_time_units(axis)[1]
    return edges / 3_600_000_000 if axis.kind is AxisKind.STEP else edges


def _axis_time_units(axis: Axis) -> tuple[str, int]:
    edges = axis.values if axis.bounds is None else axis.bounds.reshape(-1)
    return time_units(np.concatenate((axis.values, edges)))


def time_units(micros: np.ndarray) -> tuple[str, int]:
    """Units that hold times exactly as integers, and how many microseconds one is."""
    return (_MICROSECONDS, 1) if (micros % 1_000_000).any() else (_SECONDS, 1_000_000)


def _write_bounds(
    dataset: netCDF4.Dataset, axis: Axis, name: str, variable: netCDF4.Variable
) -> None:
    if PAIR not in dataset.dimensions:
        dataset.createDimension(PAIR, 2)
    edges = bounds_values(axis)
    stored = free_name(dataset, f"{name}_bnds", "of_axis")
    bounds = dataset.createVariable(stored, stored_type(edges.dtype).str[1:], (name, PAIR))
    variable.bounds = stored
    bounds[:] = edges
