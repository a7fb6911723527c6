"""What coverage, map and EDR views share: queries on a pinned cube, estimated before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from config.errors import InvalidParameter
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import Representation
from ogcapi.parse import Box, subsets
from ogcapi.views.base import View
from providers.cube import Coverage, Cube, Plan, Query
from providers.formats import COVERAGEJSON, FORMATS
from providers.formats.coveragejson import write_collection
from providers.queries import build_query


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


def cube_query(
    cube: Cube, params: Params, found: Box | None, *names: str, z: str | None = None
) -> Query:
    """The query of ``bbox``, ``datetime``, ``subset``, ``z`` and a list of fields (by any spelling in ``names``)."""
    name, listed = params.either(*names)
    return build_query(
        cube,
        names=[] if listed is None else [part.strip() for part in listed.split(",")],
        names_parameter=name,
        bbox=found.degrees if found else None,
        heights=found.vertical if found else None,
        subsets=subsets(params.many("subset")),
        datetime=params.one("datetime"),
        z=z,
    )
