"""Queries of a cube from the parts of a request, whichever interface the request came through."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from config.errors import InvalidParameter

from .axes import Axis, AxisKind
from .cube import Cube, Plan, Query, Range
from .grids import Bbox, RectilinearGrid, Selection
from .grids.base import in_frame
from .ranges import Subset, domain, level_range, time_range

Point = tuple[float, float, float | None]
"""Longitude, latitude, and height where the point has one."""

ANYWHERE = Selection((), np.zeros(1), np.zeros(1), separable=False)
"""Stands for the cells of a plan that the renderer chooses by pixel."""


def build_query(
    cube: Cube,
    *,
    names: Sequence[str] = (),
    names_parameter: str = "properties",
    bbox: Bbox | None = None,
    heights: Range | None = None,
    subsets: Iterable[Subset] = (),
    datetime: str | None = None,
    z: str | None = None,
) -> Query:
    """The query; every part may be missing. ``heights`` is the vertical range of a box of six numbers."""
    limits = domain(subsets, cube)
    ranges: dict[str, Any] = dict(limits.ranges)
    if heights is not None:
        ranges[_vertical(cube, "bbox", "west,south,east,north")] = heights
    if z is not None:
        name = _vertical(cube, "z", "no z")
        found = level_range(z, cube.axes[name])
        ranges[name] = tuple(found) if isinstance(found, list) else found
    valid_time = times(cube, datetime)
    stepped = ranges.pop("time", None) if "time" not in cube.axes else None
    if isinstance(stepped, Range):
        valid_time = stepped if valid_time is None else _both(valid_time, stepped)
    chosen = known_fields(cube, names, names_parameter)
    return Query(chosen, _horizontal(cube, bbox, limits.lon, limits.lat), ranges, valid_time)


def known_fields(cube: Cube, names: Sequence[str], parameter: str) -> tuple[str, ...]:
    """Ids of fields of the cube, each once; raises InvalidParameter with those there are.

    GRIB fields are known by the names of cfgrib too (``t2m`` for ``2t``).
    """
    chosen: dict[str, None] = {}
    for name in names:
        known = name if name in cube.variables else _aliases(cube).get(name)
        if known is None:
            raise InvalidParameter(
                f"{parameter}: no field {name[:60]!r}", parameter=parameter, allowed=cube.variables
            )
        chosen[known] = None
    return tuple(chosen)


def _aliases(cube: Cube) -> dict[str, str]:
    named = [
        (str(variable.attributes["GRIB_cfVarName"]), name)
        for name, variable in cube.variables.items()
        if "GRIB_cfVarName" in variable.attributes
    ]
    return dict(reversed(named))


def times(cube: Cube, text: str | None) -> Range | None:
    """``datetime`` in the calendar of the cube; it must be well-formed for timeless data too."""
    if not text:
        return None
    known = cube.valid_times
    wanted = time_range(text, known[1] if known else "standard")
    return wanted if known is not None else None


def _both(one: Range, other: Range) -> Range:
    lows = [bound for bound in (one.low, other.low) if bound is not None]
    highs = [bound for bound in (one.high, other.high) if bound is not None]
    return Range(max(lows, default=None), min(highs, default=None))


def _vertical(cube: Cube, parameter: str, allowed: str) -> str:
    axis = cube.axis(AxisKind.Z)
    if axis is None:
        raise InvalidParameter(
            f"{parameter}: the data have no vertical axis", parameter=parameter, allowed=[allowed]
        )
    return axis.name


def _horizontal(cube: Cube, bbox: Bbox | None, lon: Range | None, lat: Range | None) -> Bbox | None:
    """One box from ``bbox`` or the longitude and latitude subsets, open sides filled from the grid."""
    if lon is None and lat is None:
        return bbox
    if bbox is not None:
        raise InvalidParameter(
            "subset: Lon and Lat together with bbox",
            parameter="subset",
            allowed=["either bbox, or Lon and Lat"],
        )
    west, east = _frame(cube)
    lon, lat = lon or Range(None, None), lat or Range(None, None)
    return Bbox(
        west if lon.low is None else lon.low,
        -90.0 if lat.low is None else lat.low,
        east if lon.high is None else lon.high,
        90.0 if lat.high is None else lat.high,
    )


def _frame(cube: Cube) -> tuple[float, float]:
    """West and east of the grid as its own longitudes run, so that an open subset keeps their order."""
    grid = cube.grid
    if isinstance(grid, RectilinearGrid) and grid.periodic:
        return grid.west, grid.west + 360.0
    return grid.extent.west, grid.extent.west + grid.extent.width


def plan_at(cube: Cube, query: Query, point: Point) -> Plan | None:
    """The plan of the cell that holds a point, its longitude in the frame of the point; None where no cell does."""
    lon, lat, height = point
    cell = int(cube.grid.locate(lon, lat))
    if cell < 0:
        return None
    axis = cube.axis(AxisKind.Z)
    if height is not None and axis is not None and axis.name not in query.ranges:
        query = replace(query, ranges={**query.ranges, axis.name: Range(height, height)})
    return cube.plan(query, one_cell(cube, cell, lon))


def one_cell(cube: Cube, cell: int, lon: float) -> Selection:
    """A selection of one cell, its longitude within 180 degrees of ``lon``."""
    x, y = cube.grid.centres(np.array([cell]))
    shape = cube.grid.shape
    at = (cell,) if len(shape) == 1 else divmod(cell, shape[1])
    block = tuple(slice(index, index + 1) for index in at)
    return Selection(block, in_frame(x, lon - 180.0), y, separable=len(shape) == 2)


def default_field(cube: Cube) -> str:
    """The field shown when none is named: the first that is not a quality flag."""
    plain = [name for name, variable in cube.variables.items() if not variable.categories]
    return (plain or list(cube.variables))[0]


def map_plan(cube: Cube, query: Query) -> Plan:
    """One position on every axis for a map: the default where the query does not say."""
    plan = cube.plan(Query(query.variables, None, query.ranges, query.valid_time), ANYWHERE)
    positions, axes = {}, {}
    for name, index in plan.positions.items():
        axis = plan.axes[name]
        chosen = _default_position(axis, query.valid_time, query.ranges)
        positions[name], axes[name] = index[[chosen]], axis.take(np.array([chosen]))
    return replace(plan, positions=positions, axes=axes)


def _default_position(axis: Axis, valid_time: Range | None, ranges: Mapping[str, Any]) -> int:
    """The last time of an interval asked for, else the time nearest to now; the first of other axes."""
    if not axis.is_time:
        return 0
    asked = valid_time if axis.kind is AxisKind.TIME else None
    if isinstance(asked or ranges.get(axis.name), Range):
        return int(np.argmax(axis.values))
    now = int(time.time() * 1_000_000)
    return int(np.argmin(np.abs(axis.values - now)))
