"""What coverage, map and EDR views share: queries on a pinned cube, estimated before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from config.errors import InvalidParameter
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import Representation
from ogcapi.parse import Box, domain, subsets, time_range, variables
from ogcapi.views.base import View
from providers.axes import AxisKind
from providers.cube import Coverage, Cube, Plan, Query, Range
from providers.formats import COVERAGEJSON, FORMATS
from providers.formats.coveragejson import write_collection
from providers.grids import Bbox, RectilinearGrid


@dataclass(frozen=True)
class DataQuery:
    """Plans with the collection and cube they are for: pinned for the whole request."""

    collection: Collection
    cube: Cube
    plans: tuple[Plan, ...]
    token: str
    """The request in a canonical form, for the version tag."""


def data_representations() -> Sequence[Representation]:
    """The registered formats as representations."""
    return tuple(
        Representation(item.name, item.media_type, item.accepts, item.title) for item in FORMATS
    )


class DataView(View):
    """A view that answers with a coverage."""

    representations: ClassVar = data_representations()

    def version(self, context: Context, query: DataQuery) -> str | None:
        return f"{query.cube.version}|{query.token}"

    def modified(self, context: Context, query: DataQuery) -> float | None:
        return query.collection.modified

    def estimate(self, context: Context, query: DataQuery) -> Estimate | None:
        return Estimate(
            values=sum(plan.values for plan in query.plans),
            nbytes=sum(plan.nbytes for plan in query.plans),
        )

    def answer(self, context: Context, query: DataQuery, representation: Representation) -> Answer:
        coverages = [query.cube.read(plan) for plan in query.plans]
        if len(coverages) == 1:
            return coverage_answer(query, coverages[0], representation)
        if representation.name != COVERAGEJSON.name:
            raise InvalidParameter(
                "f: several coverages are answered as CoverageJSON",
                parameter="f",
                allowed=[COVERAGEJSON.name],
            )
        return Answer(body=write_collection(coverages), media_type=COVERAGEJSON.media_type)


def coverage_answer(query: DataQuery, coverage: Coverage, representation: Representation) -> Answer:
    """A coverage in a format, with what the header should say of it."""
    written = next(item for item in FORMATS if item.name == representation.name)
    headers = {
        "Content-Crs": "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>",
        "Content-Disposition": f'inline; filename="{query.collection.id}{written.suffix}"',
    }
    selection = coverage.selection
    if selection.size:
        corners = (selection.x.min(), selection.y.min(), selection.x.max(), selection.y.max())
        headers["Content-Bbox"] = ",".join(f"{value:.9g}" for value in corners)
    if coverage.run is not None:
        headers["OGC-Reference-Time"] = coverage.run
    return Answer(body=written.write(coverage), media_type=written.media_type, headers=headers)


def cube_query(cube: Cube, params: Params, found: Box | None, *names: str) -> Query:
    """The query of ``bbox``, ``datetime``, ``subset`` and a list of fields (by any spelling in ``names``)."""
    name, listed = params.either(*names)
    chosen = variables(listed, cube, name)
    ranges: dict[str, Any] = {}
    limits = domain(subsets(params.many("subset")), cube)
    ranges.update(limits.ranges)
    bbox = horizontal(cube, found.degrees if found else None, limits.lon, limits.lat)
    if found is not None and found.vertical is not None:
        ranges[_vertical_axis(cube)] = found.vertical
    valid_time = parse_time(cube, params.one("datetime"))
    stepped = ranges.pop("time", None) if cube.is_forecast else None
    if isinstance(stepped, Range):
        valid_time = stepped if valid_time is None else _both(valid_time, stepped)
    return Query(chosen, bbox, ranges, valid_time)


def _both(one: Range, other: Range) -> Range:
    lows = [bound for bound in (one.low, other.low) if bound is not None]
    highs = [bound for bound in (one.high, other.high) if bound is not None]
    return Range(max(lows) if lows else None, min(highs) if highs else None)


def _vertical_axis(cube: Cube) -> str:
    axis = cube.axis(AxisKind.Z)
    if axis is None:
        raise InvalidParameter(
            "bbox: six values, but the data have no vertical axis",
            parameter="bbox",
            allowed=["west,south,east,north"],
        )
    return axis.name


def parse_time(cube: Cube, text: str | None) -> Range | None:
    """``datetime`` in the calendar of the cube; it must be well-formed for timeless data too."""
    if text is None:
        return None
    times = cube.valid_times
    wanted = time_range(text, times[1] if times else "standard")
    return wanted if times is not None else None


def horizontal(cube: Cube, bbox: Bbox | None, lon: Range | None, lat: Range | None) -> Bbox | None:
    """One box from ``bbox`` and the longitude and latitude subsets, open sides filled from the grid."""
    if lon is None and lat is None:
        return bbox
    if bbox is not None:
        raise InvalidParameter(
            "subset: Lon and Lat together with bbox",
            parameter="subset",
            allowed=["either bbox, or Lon and Lat"],
        )
    west, east = frame(cube)
    low = lon.low if lon is not None and lon.low is not None else west
    high = lon.high if lon is not None and lon.high is not None else east
    south = lat.low if lat is not None and lat.low is not None else -90.0
    north = lat.high if lat is not None and lat.high is not None else 90.0
    return Bbox(low, south, high, north)


def frame(cube: Cube) -> tuple[float, float]:
    """West and east of the grid as its own longitudes run, so that an open subset keeps their order."""
    grid = cube.grid
    if isinstance(grid, RectilinearGrid) and grid.periodic:
        return grid.west, grid.west + 360.0
    box = grid.extent
    return box.west, box.west + box.width
