"""What pygeoapi's handlers pass to a provider, as a query of a cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from config.errors import InvalidParameter
from providers.axes import AxisKind
from providers.crs import CRS84, parse_crs, to_crs84
from providers.cube import Cube, Query, Range
from providers.grids import Bbox, RectilinearGrid

from .ranges import Domain, Subset, domain, level_range, time_range


def query_of(
    cube: Cube,
    names: Sequence[str],
    names_parameter: str,
    *,
    bbox: Sequence[float] | None = None,
    bbox_crs: str | None = None,
    datetime_: str | None = None,
    subsets: Mapping[str, Sequence[Any]] | None = None,
    z: Any = None,
) -> Query:
    """The query; every part may be missing. ``bbox`` has four values, or six with height, in ``bbox_crs`` (CRS84)."""
    limits = domain((_subset(name, values) for name, values in (subsets or {}).items()), cube)
    ranges: dict[str, Any] = dict(limits.ranges)
    box, heights = _box(bbox or (), bbox_crs)
    if heights is not None:
        ranges[_vertical(cube, "bbox")] = heights
    if z is not None:
        name = _vertical(cube, "z")
        found = level_range(str(z), cube.axes[name])
        ranges[name] = tuple(found) if isinstance(found, list) else found
    valid_time = times(cube, datetime_)
    stepped = ranges.pop("time", None) if cube.is_forecast else None
    if stepped is not None:
        valid_time = stepped if valid_time is None else _both(valid_time, stepped)
    chosen = _known(cube, names, names_parameter)
    return Query(chosen, _horizontal(cube, box, limits), ranges, valid_time)


def times(cube: Cube, text: str | None) -> Range | None:
    """``datetime`` in the calendar of the cube; it must be well-formed for timeless data too."""
    if not text:
        return None
    known = cube.valid_times
    wanted = time_range(text, known[1] if known else "standard")
    return wanted if known is not None else None


def _known(cube: Cube, names: Sequence[str], parameter: str) -> tuple[str, ...]:
    unknown = [name for name in names if name not in cube.variables]
    if unknown:
        raise InvalidParameter(f"{parameter}: no field {unknown[0][:60]!r}", parameter=parameter)
    return tuple(dict.fromkeys(names))


def _subset(name: str, values: Sequence[Any]) -> Subset:
    """pygeoapi has split ``low:high`` and turned numbers into numbers."""
    text = [("*" if value == ".." else str(value)) for value in values]
    return Subset(name, text[0], text[1] if len(text) > 1 else None)


def _box(values: Sequence[float], crs_name: str | None) -> tuple[Bbox | None, Range | None]:
    crs = parse_crs(crs_name or CRS84, "bbox-crs")
    if len(values) == 6:
        west, south, low, east, north, high = values
        return to_crs84((west, south, east, north), crs), Range(min(low, high), max(low, high))
    if len(values) == 4:
        return to_crs84((values[0], values[1], values[2], values[3]), crs), None
    if values:
        raise InvalidParameter(f"bbox: {len(values)} values instead of 4 or 6", parameter="bbox")
    return None, None


def _vertical(cube: Cube, parameter: str) -> str:
    axis = cube.axis(AxisKind.Z)
    if axis is None:
        raise InvalidParameter(
            f"{parameter}: the data have no vertical axis",
            parameter=parameter,
            allowed=["no height"],
        )
    return axis.name


def _both(one: Range, other: Range) -> Range:
    lows = [bound for bound in (one.low, other.low) if bound is not None]
    highs = [bound for bound in (one.high, other.high) if bound is not None]
    return Range(max(lows, default=None), min(highs, default=None))


def _horizontal(cube: Cube, box: Bbox | None, limits: Domain) -> Bbox | None:
    """One box from ``bbox`` or the longitude and latitude subsets, open sides filled from the grid."""
    lon, lat = limits.lon or Range(None, None), limits.lat or Range(None, None)
    if limits.lon is None and limits.lat is None:
        return box
    if box is not None:
        raise InvalidParameter("subset: Lon and Lat together with bbox", parameter="subset")
    grid = cube.grid
    if isinstance(grid, RectilinearGrid) and grid.periodic:
        west, east = grid.west, grid.west + 360.0
    else:
        west, east = grid.extent.west, grid.extent.west + grid.extent.width
    return Bbox(
        west if lon.low is None else lon.low,
        -90.0 if lat.low is None else lat.low,
        east if lon.high is None else lon.high,
        90.0 if lat.high is None else lat.high,
    )
