"""OGC API EDR 1.1: position and cube queries."""

from __future__ import annotations

from config.errors import InvalidParameter, NoData
from ogcapi.context import Context, Params
from ogcapi.parse import box, points
from ogcapi.views.base import cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query
from providers.crs import CRS84, parse_crs
from providers.queries import plan_at
from providers.ranges import axis_names

FIELDS = ("parameter-name", "parameter_names")


def check_crs(text: str | None) -> None:
    """``crs`` of the answer: CRS84 is what these queries answer in."""
    crs = parse_crs(text or CRS84, "crs")
    if crs.uri not in (CRS84, "http://www.opengis.net/def/crs/EPSG/0/4326"):
        raise InvalidParameter(f"crs: answers are in {CRS84}", parameter="crs", allowed=[CRS84])


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
        query = cube_query(cube, params, found, *FIELDS, z=params.one("z"))
        return DataQuery(
            collection, cube, (cube.lazy(cube.plan(query)),), params.canonical(without=("f",))
        )


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
        query = cube_query(cube, params, None, *FIELDS, z=params.one("z"))
        if query.bbox is not None:
            raise InvalidParameter(
                "subset: coords already names the place",
                parameter="subset",
                allowed=axis_names(cube),
            )
        plans = tuple(plan for point in found if (plan := plan_at(cube, query, point)))
        if not plans:
            raise NoData("coords: no cell holds the point", parameter="coords")
        coverages = tuple(cube.lazy(plan) for plan in plans)
        return DataQuery(collection, cube, coverages, params.canonical(without=("f",)))
