"""A cube in the terms of pygeoapi's collection descriptions."""

from __future__ import annotations

from typing import Any

import numpy as np

from providers.axes import ALIASES, Axis, AxisKind, iso_duration, regular_step
from providers.cf.calendar import iso_times
from providers.crs import CRS84
from providers.cube import Cube, Variable
from providers.formats.coveragejson_parameters import parameter

_HORIZONTAL = ("Lon", "Lat", "lon", "lat", "longitude", "latitude", "x", "y")


def fields(cube: Cube) -> dict[str, dict[str, Any]]:
    """JSON Schema of each variable."""
    return {name: _field(variable) for name, variable in cube.variables.items()}


def _field(variable: Variable) -> dict[str, Any]:
    whole = variable.dtype.kind in "iu"
    schema: dict[str, Any] = {
        "type": "integer" if whole else "number",
        "title": variable.title or variable.id,
        "x-ogc-unit": variable.units or "",
    }
    if variable.standard_name:
        schema["x-ogc-definition"] = (
            f"http://vocab.nerc.ac.uk/standard_name/{variable.standard_name}/"
        )
    if variable.categories:
        schema["enum"] = list(variable.categories)
    return schema


def parameters(cube: Cube, names: list[str]) -> list[dict[str, Any]]:
    """EDR parameters; all of them carry a unit because pygeoapi's page reads it."""
    unknown = {"label": {"en": ""}, "symbol": ""}
    return [
        {"id": name, "name": cube.variables[name].title or name, "unit": unknown}
        | parameter(cube.variables[name])
        for name in names
    ]


def axis_names(cube: Cube) -> list[str]:
    """Names that ``subset`` takes, the aliases included: pygeoapi compares them letter by letter."""
    names = list(_HORIZONTAL)
    for axis in cube.axes.values():
        names += [axis.name, axis.source_name or axis.name, *ALIASES[axis.kind]]
    if cube.is_forecast:
        names += ALIASES[AxisKind.TIME]
    return list(dict.fromkeys(names))


def coverage_properties(cube: Cube) -> dict[str, Any]:
    """Grid, times and further axes; ``uad`` are the axes beyond x, y and time."""
    shape = cube.grid.shape if len(cube.grid.shape) == 2 else (1, cube.grid.size)
    box = cube.grid.extent
    dx, dy = cube.grid.spacing
    found: dict[str, Any] = {
        "bbox": list(box),
        "bbox_crs": CRS84,
        "crs_type": "GeographicCRS",
        "axes": axis_names(cube),
        "width": shape[1],
        "height": shape[0],
        "resx": dx,
        "resy": dy,
        "uad": {
            axis.name: _extent(axis)
            for axis in cube.axes.values()
            if axis.kind is not AxisKind.TIME
        },
    }
    if cube.valid_times is not None:
        times, calendar = cube.valid_times
        found["time_range"] = iso_times(times[[0, -1]], calendar)
        step = regular_step(times)
        if step is not None:
            found["restime"] = iso_duration(step)
    return found


def _extent(axis: Axis) -> dict[str, Any]:
    labels = axis.labels()
    ends = labels[:: max(len(labels) - 1, 1)] if axis.is_text else _ends(axis)
    grid = {"cellsCount": axis.size, "coordinates": labels}
    extent = {"interval": [[ends[0], ends[-1]]], "grid": grid}
    return extent | ({"unit": axis.units} if axis.units else {})


def _ends(axis: Axis) -> list[Any]:
    order = np.argsort(axis.values, kind="stable")
    return axis.labels(order[[0, -1]])
