"""OGC API EDR 1.1: position and cube queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from config.errors import InvalidParameter, NoData
from ogcapi.context import Context, Params
from ogcapi.parse import axis_names, box, level_range, points
from ogcapi.views.base import cube_of
from ogcapi.views.data import (
    DataQuery,
    DataView,
    cube_query,
)
from providers.axes import AxisKind
from providers.crs import CRS84, parse_crs
from providers.cube import Cube, Plan, Query, Range
from providers.grids import Selection
from providers.grids.base import in_frame

FIELDS = ("parameter-name", "parameter_names")


def check_crs(text: str | None) -> None:
    """``crs`` of the answer: CRS84 is what these queries answer in."""
    crs = parse_crs(text or CRS84, "crs")
    if crs.uri not in (CRS84, "http://www.opengis.net/def/crs/EPSG/0/4326"):
        raise InvalidParameter(f"crs: answers are in {CRS84}", parameter="crs", allowed=[CRS84])


def vertical(cube: Cube, text: str | None) -> dict[str, Range | tuple[float, ...]]:
    """``z`` as a range of the vertical axis; data without one take no ``z``."""
    if text is None:
        return {}
    axis = cube.axis(AxisKind.Z)
    if axis is None:
        raise InvalidParameter("z: the data have no vertical axis", parameter="z", allowed=["no z"])
    found = level_range(text, axis)
    return {axis.name: tuple(found) if isinstance(found, list) else found}


class CubeQuery(DataView):
    """``/cube``: everything inside a box (clause 8.2.6)."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        found = box(params.one("bbox"), params.one("bbox-crs"))
        if found is None:
            raise InvalidParameter(
                "bbox: required", parameter="bbox", allowed=["west,south,east,north"]
            )
        check_crs(params.one("crs"))
        query = cube_query(cube, params, found, *FIELDS)
        query = replace(query, ranges={**query.ranges, **vertical(cube, params.one("z"))})
        return DataQuery(collection, cube, (cube.plan(query),), params.canonical(without=("f",)))


class Position(DataView):
    """``/position``: the cell that contains each point (clause 8.2.1); several points make a collection."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        text = params.one("coords")
        if text is None:
            raise InvalidParameter(
                "coords: required", parameter="coords", allowed=["POINT(lon lat)"]
            )
        check_crs(params.one("crs"))
        found = points(text, parse_crs(params.one("crs") or CRS84, "crs"))
        query = cube_query(cube, params, None, *FIELDS)
        if query.bbox is not None:
            raise InvalidParameter(
                "subset: coords already names the place",
                parameter="subset",
                allowed=axis_names(cube),
            )
        query = replace(query, ranges={**query.ranges, **vertical(cube, params.one("z"))})
        plans = tuple(plan for point in found if (plan := self._plan(cube, query, point)))
        if not plans:
            raise NoData("coords: no cell holds the point", parameter="coords")
        return DataQuery(collection, cube, plans, params.canonical(without=("f",)))

    def _plan(
        self, cube: Cube, query: Query, point: tuple[float, float, float | None]
    ) -> Plan | None:
        lon, lat, height = point
        cell = int(cube.grid.locate(lon, lat))
        if cell < 0:
            return None
        axis = cube.axis(AxisKind.Z)
        if height is not None and axis is not None and axis.name not in query.ranges:
            query = replace(query, ranges={**query.ranges, axis.name: Range(height, height)})
        return cube.plan(query, one_cell(cube, cell, lon))


def one_cell(cube: Cube, cell: int, lon: float) -> Selection:
    """A selection of one cell, its longitude in the frame of the point asked for."""
    x, y = cube.grid.centres(np.array([cell]))
    x = in_frame(x, lon - 180.0)
    if len(cube.grid.shape) == 1:
        return Selection((slice(cell, cell + 1),), x, y, separable=False)
    row, column = divmod(cell, cube.grid.shape[1])
    return Selection((slice(row, row + 1), slice(column, column + 1)), x, y, separable=True)
