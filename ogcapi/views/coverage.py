"""OGC API Coverages Part 1 (19-087, 1.0.0-rc2): ``/coverage``."""

from __future__ import annotations

from dataclasses import replace

from ogcapi.context import Context, Params
from ogcapi.parse import box
from ogcapi.scaling import Scaling, scaled
from ogcapi.views.base import cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query
from providers.coverage import Coverage


class CoverageView(DataView):
    """The values of a collection: a box, times, positions on any axis, fields, on its own cells or on others."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        found = box(params.one("bbox"), params.one("bbox-crs"))
        query = cube_query(cube, params, found, "properties")
        scaling = Scaling.parse(params, cube)
        coverage, read = scaled(cube, query, found, scaling)

        def raster() -> Coverage:
            return scaled(cube, query, found, replace(scaling, method="nearest"))[0]

        token = params.canonical(without=("f",))
        return DataQuery(collection, cube, (coverage,), token, read, raster)
