"""OGC API Coverages Part 1 (19-087, 1.0.0-rc2): ``/coverage``."""

from __future__ import annotations

from ogcapi.context import Context, Params
from ogcapi.parse import box
from ogcapi.views.base import cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query


class CoverageView(DataView):
    """The values of a collection: a box, times, positions on any axis, fields."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        query = cube_query(
            cube, params, box(params.one("bbox"), params.one("bbox-crs")), "properties"
        )
        plan = cube.plan(query, cube.grid.window(query.bbox))
        return DataQuery(collection, cube, (cube.lazy(plan),), params.canonical(without=("f",)))
