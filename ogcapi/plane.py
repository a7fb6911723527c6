"""Boxes along the axes of a projected CRS: ``subset=E(low:high),N(low:high)`` and ``bbox`` (19-087, clause 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from config.errors import InvalidParameter, NoData
from ogcapi.parse import Box
from providers.crs import Crs, from_crs84, ordered, parse_crs, to_crs84
from providers.cube import Cube
from providers.grids import Grid, ProjectedGrid, Selection
from providers.grids.base import Window
from providers.ranges import Subset, number

_EAST = {"e", "x", "easting"}
_NORTH = {"n", "y", "northing"}
_NEAR = 1e-6
"""Of a cell: so far outside of a box a centre still counts as on its side."""


@dataclass(frozen=True)
class Plane:
    """A box in x and y; ``crs`` None: that of the cells themselves. A position has no width or height."""

    crs: Crs | None
    west: float
    south: float
    east: float
    north: float

    def box(self) -> Box | None:
        """As a ``bbox`` of its CRS, None where it is in the CRS of the cells."""
        if self.crs is None:
            return None
        if self.west == self.east or self.south == self.north:
            raise InvalidParameter(
                "subset: a position along one axis needs cells that lie along it",
                parameter="subset",
                allowed=["E(low:high),N(low:high)", "Lon(position),Lat(position)"],
            )
        corners = ordered((self.west, self.south, self.east, self.north), self.crs)
        return Box(to_crs84(corners, self.crs, "subset"), None, corners, self.crs)

    def window(self, grid: ProjectedGrid) -> Selection:
        """Cells of the grid whose centre is in the box; raises NoData when there are none."""
        a, _, c, _, e, f = grid.affine
        columns = _inside((self.west - c) / a, (self.east - c) / a, grid.shape[1])
        rows = _inside((self.south - f) / e, (self.north - f) / e, grid.shape[0])
        return Window(grid, rows, columns)


def _inside(one: float, other: float, size: int) -> slice:
    """Cells between two positions counted from the outer side of the first; around a single one, the cell there."""
    low, high = sorted((one, other))
    if low == high:
        start = min(math.floor(low), size - 1) if low <= size else size
        stop = start + 1
    else:
        start, stop = math.ceil(low - 0.5 - _NEAR), math.floor(high - 0.5 + _NEAR) + 1
        if start >= stop:
            start = math.floor((low + high) / 2)
            stop = start + 1
    start, stop = max(start, 0), min(stop, size)
    if start >= stop:
        raise NoData("subset: no cells there", parameter="subset")
    return slice(start, stop)


def plane_of(
    items: Iterable[Subset], crs_text: str | None, found: Box | None, cube: Cube
) -> tuple[Plane | None, list[Subset]]:
    """The box along projected axes, and the subsets of all others.

    Without ``subset-crs`` the axes E and N (or x and y) of cells in a projection are their own.
    """
    listed = list(items)
    crs = None if crs_text is None else parse_crs(crs_text, "subset-crs")
    own = _projection(cube.grid)
    if crs is not None and own is not None and crs.uri == own.uri:
        crs = None
    elif crs is not None and crs.is_geographic:
        return None, listed
    if crs is None and own is None:
        return None, listed
    axes = {axis.lower() for axis in cube.axes}
    planar = {
        item.axis.lower(): item for item in listed if item.axis.lower() in (_EAST | _NORTH) - axes
    }
    others = [item for item in listed if item.axis.lower() not in planar]
    if not planar:
        if crs is not None:
            raise InvalidParameter(
                "subset-crs: no subset along its axes",
                parameter="subset-crs",
                allowed=["together with subset=E(low:high),N(low:high)"],
            )
        return _boxed(found, own), others
    if found is not None:
        raise InvalidParameter(
            "subset: E and N together with bbox", parameter="subset", allowed=["either of them"]
        )
    whole = _whole(cube.grid, own, crs)
    west, east = _side(planar, _EAST, whole[0], whole[2])
    south, north = _side(planar, _NORTH, whole[1], whole[3])
    return Plane(crs, west, south, east, north), others


def _projection(grid: Grid) -> ProjectedGrid | None:
    """The grid where its rows and columns lie along the axes of a plane in metres."""
    if isinstance(grid, ProjectedGrid) and grid.is_upright and not grid.crs.is_geographic:
        return grid
    return None


def _boxed(found: Box | None, own: ProjectedGrid | None) -> Plane | None:
    """A ``bbox`` in the CRS of the cells."""
    if found is None or own is None or found.crs.uri != own.uri:
        return None
    return Plane(None, *ordered(found.corners, found.crs))


def _whole(
    grid: Grid, own: ProjectedGrid | None, crs: Crs | None
) -> tuple[float, float, float, float]:
    """What open sides of a subset reach to."""
    if crs is not None:
        return from_crs84(grid.extent, crs)
    assert own is not None
    return own.bounds(slice(0, own.shape[0]), slice(0, own.shape[1]))


def _side(
    planar: dict[str, Subset], names: set[str], least: float, most: float
) -> tuple[float, float]:
    items = [item for name, item in planar.items() if name in names]
    if len(items) > 1 or any(item.positions for item in items):
        raise InvalidParameter(
            f"subset: {items[0].axis} takes one position or low:high",
            parameter="subset",
            allowed=[f"{items[0].axis}(low:high)"],
        )
    if not items:
        return least, most
    (item,) = items
    low = least if item.low == "*" else number(item.low, "subset")
    if item.high is None:
        return (low, most) if item.low == "*" else (low, low)
    high = most if item.high == "*" else number(item.high, "subset")
    if low > high and "*" in (item.low, item.high):
        raise NoData("subset: no cells there", parameter="subset")
    if low > high:
        raise InvalidParameter(
            f"subset: {item.axis} low:high has low first",
            parameter="subset",
            allowed=[f"{item.axis}(low:high)"],
        )
    return low, high
