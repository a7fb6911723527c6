"""OGC API Coverages Part 1 (19-087, 1.0.0-rc2): ``/coverage``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from ogcapi import gdal_compat
from ogcapi.answer import Answer
from ogcapi.context import Context, Params
from ogcapi.negotiation import JSON, Representation
from ogcapi.parse import box, subsets
from ogcapi.plane import plane_of
from ogcapi.scaling import Scaling, scaled
from ogcapi.views.base import View, cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query
from providers.coverage import Coverage
from providers.cube import Cube
from providers.grids import ProjectedGrid


class CoverageView(DataView):
    """The values of a collection: a box, times, positions on any axis, fields, on its own cells or on others."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        token = params.canonical(without=("f",))
        if params.one(gdal_compat.PARAMETER) is not None:
            query = cube_query(cube, params.without("subset"), None, "properties")
            coverage, read = gdal_compat.block(cube, query, params)
            return DataQuery(collection, cube, (coverage,), token, read)
        found = box(params.one("bbox"), params.one("bbox-crs"))
        listed = subsets(params.many("subset"))
        plane, others = plane_of(listed, params.one("subset-crs"), found, cube)
        window = None
        if plane is not None and plane.crs is not None:
            found = plane.box()
        elif plane is not None and isinstance(cube.grid, ProjectedGrid):
            window = plane.window(cube.grid)
        query = cube_query(cube, params, found, "properties", items=others)
        scaling = Scaling.parse(params, cube)
        coverage, read = scaled(cube, query, found, scaling, window)

        def raster() -> Coverage:
            nearest = replace(scaling, method="nearest")
            return scaled(cube, query, found, nearest, window)[0]

        return DataQuery(collection, cube, (coverage,), token, read, raster)


class Described(View):
    """``/coverage/domainset`` and ``/coverage/rangetype``: documents of earlier drafts that clients read."""

    representations: ClassVar = (JSON,)

    def __init__(self, describe: Callable[[Cube], dict[str, Any]]) -> None:
        self._describe = describe

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Cube:
        return cube_of(context, path)[1]

    def answer(self, context: Context, query: Cube, representation: Representation) -> Answer:
        return Answer(document=self._describe(query))
