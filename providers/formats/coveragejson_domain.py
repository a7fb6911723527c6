"""The domain of a coverage in CoverageJSON: axes, domain type and reference systems (clauses 9.5 to 9.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..axes import Axis, AxisKind
from ..cf.calendar import MISSING, iso_times
from ..coverage import Coverage
from ..grids import ProjectedGrid
from ..grids.base import Window

_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CALENDARS = "http://www.opengis.net/def/calendar/"


def axis_keys(shown: Sequence[Axis]) -> list[str]:
    """``t``, ``z`` or the axis' own name, which must not be one that CoverageJSON gives a meaning."""
    taken = {"x", "y", "z", "t", "composite"}
    keys = []
    for axis in shown:
        if axis.kind is AxisKind.TIME:
            key = "t"
        elif axis.kind is AxisKind.Z:
            key = "z"
        else:
            key = axis.name
            while key in taken:
                key = f"{key}_axis"
        taken.add(key)
        keys.append(key)
    return keys


def cell_axes(coverage: Coverage) -> tuple[list[str], list[int]]:
    """Names and lengths of the horizontal axes of the ranges."""
    selection = coverage.selection
    if selection.separable or _projection(coverage) is not None:
        return ["y", "x"], list(selection.shape)
    return ([], []) if selection.size == 1 else (["composite"], [selection.size])


def _projection(coverage: Coverage) -> str | None:
    """The URI of the CRS whose x and y rows and columns lie along, None for cells without one."""
    selection = coverage.selection
    if not isinstance(selection, Window) or not isinstance(selection.grid, ProjectedGrid):
        return None
    return selection.grid.uri if selection.grid.is_upright else None


def domain_of(coverage: Coverage, shown: list[Axis], keys: list[str]) -> dict[str, Any]:
    axes = _places(coverage)
    for key, axis in zip(keys, shown, strict=True):
        axes[key] = {"values": axis.labels(), **_bounds(axis)}
    domain: dict[str, Any] = {"type": "Domain"}
    kind = _domain_type(coverage, shown)
    if kind is not None:
        domain["domainType"] = kind
    domain["axes"] = axes
    domain["referencing"] = _referencing(coverage, shown)
    return domain


def _places(coverage: Coverage) -> dict[str, Any]:
    """The axes x and y, or one of tuples; with them the times and heights that cells carry."""
    selection, times, heights = coverage.selection, coverage.cell_times, coverage.cell_heights
    if _projection(coverage) is not None:
        assert isinstance(selection, Window)
        assert isinstance(selection.grid, ProjectedGrid)
        x, y = selection.grid.plane(selection.rows, selection.columns)
        return {"x": {"values": x}, "y": {"values": y}}
    columns = {"x": selection.x, "y": selection.y}
    if heights is not None:
        columns["z"] = heights.values
    if selection.separable or selection.size == 1:
        axes: dict[str, Any] = {key: {"values": values.tolist()} for key, values in columns.items()}
        if times is not None:
            axes["t"] = {"values": _cell_labels(times)}
        return axes
    names = ["x", "y", *list(columns)[2:]]
    values: Any = np.stack(list(columns.values()), -1)
    if times is not None:
        names = ["t", *names]
        values = [
            [label, *place]
            for label, place in zip(_cell_labels(times), values.tolist(), strict=True)
        ]
    return {"composite": {"dataType": "tuple", "coordinates": names, "values": values}}


def _cell_labels(times: Axis) -> list[str | None]:
    """The times of cells as text, null where a cell has none."""
    labels: list[str | None] = [None] * times.size
    known = np.flatnonzero(times.values != MISSING)
    for position, label in zip(known, times.labels(known), strict=True):
        labels[position] = label
    return labels


def _bounds(axis: Axis) -> dict[str, Any]:
    if axis.bounds is None or len(axis.bounds) != axis.size:
        return {}
    if axis.is_time:
        return {"bounds": iso_times(axis.bounds.reshape(-1), axis.calendar or "standard")}
    return {"bounds": axis.bounds.reshape(-1).tolist()} if axis.kind is AxisKind.Z else {}


def _domain_type(coverage: Coverage, shown: list[Axis]) -> str | None:
    """The common domain type (clause 9.11) the axes fit, None for axes beyond x, y, z and t."""
    kinds = {axis.kind: axis.size for axis in shown}
    if not set(kinds) <= {AxisKind.TIME, AxisKind.Z}:
        return None
    times, levels = kinds.get(AxisKind.TIME, 0), kinds.get(AxisKind.Z, 0)
    selection = coverage.selection
    own = coverage.cell_times
    if _projection(coverage) is not None:
        return "Grid"
    if own is not None and selection.size > 1:
        ordered = bool((own.values != MISSING).all() and (np.diff(own.values) >= 0).all())
        return "Trajectory" if ordered and not levels else None
    if selection.separable and selection.size > 1:
        return "Grid"
    if selection.size == 1:
        if levels > 1:
            return "VerticalProfile" if times <= 1 else "Grid" if selection.separable else None
        return "PointSeries" if times > 1 else "Point"
    if levels:
        return None
    return "MultiPointSeries" if times > 1 else "MultiPoint"


def _referencing(coverage: Coverage, shown: list[Axis]) -> list[dict[str, Any]]:
    uri = _projection(coverage)
    horizontal = (
        {"type": "GeographicCRS", "id": _CRS84}
        if uri is None
        else {"type": "ProjectedCRS", "id": uri}
    )
    systems: list[dict[str, Any]] = [{"coordinates": ["x", "y"], "system": horizontal}]
    vertical = next((axis for axis in shown if axis.kind is AxisKind.Z), coverage.cell_heights)
    if vertical is not None:
        systems.append({"coordinates": ["z"], "system": _vertical(vertical)})
    for axis in shown:
        if axis.kind is AxisKind.TIME:
            systems.append({"coordinates": ["t"], "system": _temporal(axis)})
        elif axis.kind is AxisKind.REFERENCE_TIME:
            systems.append({"coordinates": [axis.name], "system": _temporal(axis)})
    if coverage.cell_times is not None:
        systems.append({"coordinates": ["t"], "system": _temporal(coverage.cell_times)})
    return systems


def _temporal(axis: Axis) -> dict[str, Any]:
    """Gregorian by name, other calendars by a URI (clause 9.5.3) that ends in their CF name."""
    calendar = axis.calendar or "standard"
    if calendar in ("standard", "proleptic_gregorian"):
        return {"type": "TemporalRS", "calendar": "Gregorian"}
    return {"type": "TemporalRS", "calendar": _CALENDARS + calendar}


def _vertical(axis: Axis) -> dict[str, Any]:
    name = axis.title or axis.standard_name or axis.name
    direction = axis.positive or "up"
    facts: dict[str, Any] = {"name": {"en": name}, "direction": direction}
    if axis.units:
        facts["unit"] = {"symbol": axis.units}
    return {"type": "VerticalCRS", "cs": {"csAxes": [facts]}}
