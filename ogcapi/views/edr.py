"""OGC API EDR 1.1 (19-086r6), clause 8.2: one view per query type, of a collection or of one of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from config.errors import InvalidParameter, NoData
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.geometry import area, metres, paths, points
from ogcapi.instances import of_run
from ogcapi.parse import box, integer
from ogcapi.views.base import cube_of
from ogcapi.views.data import DataQuery, DataView, cube_query, data_representations
from providers.axes import AxisKind
from providers.crs import CRS84, Crs, parse_crs
from providers.cube import Coverage, Cube, Query, Range
from providers.edr.areas import in_circle, in_polygon, near_path
from providers.edr.paths import along, spacing_of
from providers.formats import EDR_FORMATS, Format
from providers.queries import plan_at
from providers.ranges import axis_names, number
from providers.resampling import even_degrees, resampled, spread

FIELDS = ("parameter-name", "parameter_names")


def crs_of(text: str | None) -> Crs:
    """``crs`` of coordinates and answers: longitudes and latitudes on WGS 84."""
    crs = parse_crs(text or CRS84, "crs")
    if crs.uri not in (CRS84, "http://www.opengis.net/def/crs/EPSG/0/4326"):
        raise InvalidParameter(f"crs: answers are in {CRS84}", parameter="crs", allowed=[CRS84])
    return crs


class EdrView(DataView):
    """What all queries share: collection or run, fields, levels, times, and a geometry in ``coords``."""

    formats: ClassVar[Sequence[Format]] = EDR_FORMATS
    representations: ClassVar = data_representations(EDR_FORMATS)

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> DataQuery:
        collection, cube = cube_of(context, path)
        query = self._query(cube, params)
        if "instanceId" in path:
            query = of_run(cube, query, path["instanceId"])
        token = params.canonical(without=("f",)) + path.get("instanceId", "")
        return self._answered(collection, cube, params, query, token)

    def _query(self, cube: Cube, params: Params) -> Query:
        query = cube_query(cube, params, None, *FIELDS, z=params.one("z"))
        if query.bbox is not None:
            raise InvalidParameter(
                "subset: coords already names the place",
                parameter="subset",
                allowed=axis_names(cube),
            )
        return query

    def _answered(
        self, collection: Collection, cube: Cube, params: Params, query: Query, token: str
    ) -> DataQuery:
        coords, crs = params.one("coords"), crs_of(params.one("crs"))
        if coords is None:
            raise InvalidParameter(
                "coords: required", parameter="coords", allowed=["a geometry in WKT"]
            )
        found = self.coverages(cube, query, coords, crs, params)
        if not found:
            raise NoData("coords: no cells there", parameter="coords")
        return DataQuery(collection, cube, tuple(found), token)

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        """Answers of one geometry; raises NoData or InvalidParameter."""
        raise NotImplementedError


class CubeQuery(EdrView):
    """``/cube``: everything inside a box (8.2.6)."""

    def _query(self, cube: Cube, params: Params) -> Query:
        found = box(params.one("bbox"), params.one("bbox-crs"))
        if found is None:
            raise InvalidParameter(
                "bbox: required", parameter="bbox", allowed=["west,south,east,north"]
            )
        crs_of(params.one("crs"))
        return cube_query(cube, params, found, *FIELDS, z=params.one("z"))

    def _answered(
        self, collection: Collection, cube: Cube, params: Params, query: Query, token: str
    ) -> DataQuery:
        coverage = cube.lazy(cube.plan(query))
        read = coverage.count
        columns, rows = (_count(params, name) for name in ("resolution-x", "resolution-y"))
        if columns or rows:
            extent, wide, high = spread(coverage)
            grid, selection = even_degrees(query.bbox or extent, columns or wide, rows or high)
            coverage = resampled(coverage, grid, selection, "nearest")
        return DataQuery(collection, cube, (coverage,), token, read)


class Position(EdrView):
    """``/position``: the cell that contains each point (8.2.1); several points make a collection."""

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        plans = [plan_at(cube, query, point) for point in points(coords, crs)]
        return [cube.lazy(plan) for plan in plans if plan is not None]


class Radius(EdrView):
    """``/radius``: cells at most ``within`` from each point (8.2.2)."""

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        radius = _length(params, "within", "within-units")
        return [
            cube.lazy(cube.plan(_at(cube, query, height), in_circle(cube, lon, lat, radius)))
            for lon, lat, height in points(coords, crs)
        ]


class Area(EdrView):
    """``/area``: cells inside of polygons (8.2.4)."""

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        return [cube.lazy(cube.plan(query, in_polygon(cube, area(coords, crs))))]


class Trajectory(EdrView):
    """``/trajectory``: cells along paths in two to four dimensions (8.2.7)."""

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        found = paths(coords, crs)
        if any(path.time is not None for path in found) and params.one("datetime") is not None:
            raise InvalidParameter(
                "datetime: coords already has times", parameter="datetime", allowed=["no datetime"]
            )
        if any(path.height is not None for path in found) and params.one("z") is not None:
            raise InvalidParameter("z: coords already has heights", parameter="z", allowed=["no z"])
        return [along(cube, query, path) for path in found]


class Corridor(EdrView):
    """``/corridor``: cells around paths (8.2.8), as wide and as high as asked for."""

    def coverages(
        self, cube: Cube, query: Query, coords: str, crs: Crs, params: Params
    ) -> list[Coverage]:
        width = _length(params, "corridor-width", "width-units")
        height = number(_required(params, "corridor-height"), "corridor-height")
        unit = _required(params, "height-units")
        answers = []
        for path in paths(coords, crs):
            dense = path.densified(min(spacing_of(cube), max(width / 8, 1.0)))
            asked = query
            if dense.height is not None:
                asked = _between(cube, query, dense.height, height, unit)
            if dense.time is not None:
                times = Range(int(dense.time.min()), int(dense.time.max()))
                asked = replace(asked, valid_time=asked.valid_time or times)
            selection = near_path(cube, dense.lon, dense.lat, width / 2)
            answers.append(cube.lazy(cube.plan(asked, selection)))
        return answers


def _at(cube: Cube, query: Query, height: float | None) -> Query:
    """The query at the height of a point, where it has one and the data have levels."""
    axis = cube.axis(AxisKind.Z)
    if height is None or axis is None or axis.name in query.ranges:
        return query
    return replace(query, ranges={**query.ranges, axis.name: Range(height, height)})


def _between(cube: Cube, query: Query, heights: np.ndarray, height: float, unit: str) -> Query:
    """The query at the levels that the corridor reaches; its height is in the units of the levels."""
    axis = cube.axis(AxisKind.Z)
    if axis is None:
        raise InvalidParameter(
            "coords: the data have no vertical axis",
            parameter="coords",
            allowed=["LINESTRING(lon lat, …)"],
        )
    if axis.units is not None and unit != axis.units:
        raise InvalidParameter(
            f"height-units: levels are in {axis.units}",
            parameter="height-units",
            allowed=[axis.units],
        )
    reach = Range(float(heights.min()) - height / 2, float(heights.max()) + height / 2)
    return replace(query, ranges={axis.name: reach, **query.ranges})


def _length(params: Params, name: str, units: str) -> float:
    value = number(_required(params, name), name)
    if not 0 <= value <= 1e9:
        raise InvalidParameter(f"{name}: negative or too large", parameter=name, allowed=["≥ 0"])
    return metres(value, _required(params, units), units)


def _required(params: Params, name: str) -> str:
    text = params.one(name)
    if text is None:
        raise InvalidParameter(f"{name}: required", parameter=name, allowed=[f"{name}=…"])
    return text


def _count(params: Params, name: str) -> int | None:
    """How many positions along an axis; none or 0 mean those of the data."""
    return integer(params.one(name), name, low=0, high=1 << 16) or None
