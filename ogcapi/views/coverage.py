"""OGC API Coverages Part 1 (19-087, 1.0.0-rc2): ``/coverage``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from ogcapi import gdal_compat
from ogcapi.answer import Answer
from ogcapi.context import Context, Params
from ogcapi.negotiation import JSON, Representation
from ogcapi.parse import box
from ogcapi.scaling import Scaling, scaled
from ogcapi.views.base import View, cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query
from providers.coverage import Coverage
from providers.cube import Cube


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
        query = cube_query(cube, params, found, "properties")
        scaling = Scaling.parse(params, cube)
        coverage, read = scaled(cube, query, found, scaling)

        def raster() -> Coverage:
            return scaled(cube, query, found, replace(scaling, method="nearest"))[0]

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
