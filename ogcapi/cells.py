"""The cells that a coverage is resampled onto: from the size, resolution or CRS of a request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyproj

from config.errors import InvalidParameter
from ogcapi.parse import Box, integer
from providers.coverage import Coverage
from providers.crs import CRS84, Crs, from_crs84, ordered
from providers.grids import Bbox, Grid, ProjectedGrid, Selection
from providers.grids.base import Window
from providers.ranges import number
from providers.resampling import Method, even_degrees, even_plane, rows_and_columns, spread

if TYPE_CHECKING:
    from ogcapi.scaling import Scaling

EASTWARD = {"lon", "long", "longitude", "x", "e", "easting"}
NORTHWARD = {"lat", "latitude", "y", "n", "northing"}
MOST = 1 << 16
"""Cells along one side."""
_EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
_COARSER = 1.5
"""Cells so many times larger than those of the data are means, unless the request says otherwise."""
_TINY = 1e-12


@dataclass(frozen=True)
class Frame:
    """The rectangle that cells fill, and how many of the data's own size fill it; ``crs`` None: degrees."""

    crs: pyproj.CRS | None
    west: float
    south: float
    east: float
    north: float
    columns: int
    rows: int


@dataclass(frozen=True)
class Side:
    """What a request says of one side of the frame."""

    resolution: str | None
    named_size: str | None
    factor: str | None
    size: int | None
    overall: float | None

    @property
    def is_asked(self) -> bool:
        return any((self.resolution, self.named_size, self.factor, self.size, self.overall))


def target_of(
    native: Coverage, asked: Bbox | None, found: Box | None, scaling: Scaling
) -> tuple[Grid, Selection] | None:
    """The cells of the answer, None where they are those of the data."""
    across, down = scaling.side(EASTWARD, scaling.width), scaling.side(NORTHWARD, scaling.height)
    crs = None if scaling.crs is None or _is_native(native, scaling.crs) else scaling.crs
    if not (across.is_asked or down.is_asked or crs or scaling.method):
        return None
    frame = _frame(native, asked, found, scaling.crs)
    if frame.west == frame.east or frame.south == frame.north:
        raise InvalidParameter(
            "subset: one position of an axis cannot be scaled",
            parameter="subset",
            allowed=["axis(low:high)"],
        )
    columns, east = _divided(frame.columns, frame.west, frame.east, across)
    rows, south = _divided(frame.rows, frame.north, frame.south, down)
    if frame.crs is not None:
        return even_plane(frame.crs, (frame.west, south, east, frame.north), columns, rows)
    box = Bbox(frame.west, max(south, -90.0), east, frame.north)
    grid, selection = even_degrees(box, columns, rows)
    if native.selection.separable and across.is_asked != down.is_asked:
        kept = native.selection
        x = selection.x if across.is_asked else kept.x
        return rows_and_columns(x, selection.y if down.is_asked else kept.y, grid.spacing)
    return grid, selection


def _divided(count: int, start: float, stop: float, side: Side) -> tuple[int, float]:
    """How many cells a side has, and where it ends: a resolution is kept exactly, its last cell may reach farther."""
    given = (side.resolution, side.named_size, side.factor, side.size)
    if sum(item is not None for item in given) > 1:
        raise InvalidParameter(
            "resolution: an axis is scaled twice",
            parameter="resolution",
            allowed=["one of resolution, width or height, scale-size, scale-axes"],
        )
    if side.size is not None:
        return side.size, stop
    if side.named_size is not None:
        return integer(side.named_size, "scale-size", low=1, high=MOST) or 1, stop
    if side.resolution is not None:
        step = _positive(side.resolution, "resolution")
        count = max(1, min(MOST, math.ceil(abs(stop - start) / step - 1e-9)))
        return count, start + math.copysign(step * count, stop - start)
    divisor = _positive(side.factor, "scale-axes") if side.factor else side.overall or 1.0
    return max(1, min(MOST, round(count / divisor))), stop


def _positive(text: str, parameter: str) -> float:
    value = number(text, parameter)
    if value <= 0:
        raise InvalidParameter(f"{parameter}: not positive", parameter=parameter, allowed=["> 0"])
    return value


def _is_native(native: Coverage, crs: Crs) -> bool:
    """Whether the cells lie along the axes of a CRS already."""
    if isinstance(native.selection, Window):
        grid = native.selection.grid
        return isinstance(grid, ProjectedGrid) and grid.is_upright and grid.uri == crs.uri
    return native.selection.separable and crs.uri in (CRS84, _EPSG4326)


def _frame(native: Coverage, asked: Bbox | None, found: Box | None, crs: Crs | None) -> Frame:
    own = _own_plane(native, crs)
    if own is not None:
        return own
    box, columns, rows = spread(native)
    frame = Frame(None, box.west, box.south, box.west + box.width, box.north, columns, rows)
    if crs is not None and not crs.is_geographic:
        return _in_plane(asked or box, found, crs, frame)
    if asked is None:
        return frame
    return replace(
        frame,
        west=asked.west,
        south=asked.south,
        east=asked.west + asked.width,
        north=asked.north,
        columns=max(1, round(columns * asked.width / max(box.width, _TINY))),
        rows=max(1, round(rows * (asked.north - asked.south) / max(box.north - box.south, _TINY))),
    )


def _own_plane(native: Coverage, crs: Crs | None) -> Frame | None:
    """A projected window in its own plane, where the answer stays in it."""
    window = native.selection
    if not isinstance(window, Window) or not isinstance(window.grid, ProjectedGrid):
        return None
    grid = window.grid
    if not grid.is_upright or (crs is not None and grid.uri != crs.uri):
        return None
    west, south, east, north = grid.bounds(window.rows, window.columns)
    rows, columns = window.shape
    return Frame(grid.crs, west, south, east, north, columns, rows)


def _in_plane(box: Bbox, found: Box | None, crs: Crs, frame: Frame) -> Frame:
    """The box in the plane of a CRS, with as many square cells as the data have in it."""
    in_it = found is not None and found.crs.uri == crs.uri
    bounds = ordered(found.corners, crs) if found is not None and in_it else from_crs84(box, crs)
    west, south, east, north = bounds
    side = math.sqrt((east - west) * (north - south) / (frame.columns * frame.rows))
    columns, rows = max(1, round((east - west) / side)), max(1, round((north - south) / side))
    return Frame(crs.crs, west, south, east, north, columns, rows)


def around(grid: Grid, selection: Selection, source: Grid) -> Bbox | None:
    """The box of new cells, wide enough for the stored cells that reach into it; None: everywhere."""
    if isinstance(grid, ProjectedGrid):
        box = grid.extent
        west, east = box.west, box.west + box.width
        south, north = box.south, box.north
    else:
        x, y = selection.x, selection.y
        west, east = float(x.min()), float(x.max())
        south, north = float(y.min()), float(y.max())
    wide, high = (
        2 * stored + new for stored, new in zip(source.spacing, grid.spacing, strict=True)
    )
    west, east = west - wide, east + wide
    if east - west >= 360.0:
        west, east = -180.0, 180.0
    found = Bbox(west, max(south - high, -90.0), east, min(north + high, 90.0))
    return None if found.is_global else found


def default_method(native: Coverage, grid: Grid) -> Method:
    """The mean where cells are coarser than those of the data, else the nearest."""
    coarse, fine = math.prod(grid.spacing), math.prod(native.grid.spacing)
    return "mean" if math.sqrt(coarse / max(fine, _TINY)) >= _COARSER else "nearest"
