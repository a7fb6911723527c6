"""Collections and what describes them: OGC API Common Part 2 and Part 3 (schemas, queryables)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from config.errors import OgcapiError
from ogcapi.answer import Answer
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import HTML, Representation
from ogcapi.parse import box, integer
from ogcapi.views.base import View, cube_of
from ogcapi.views.describe import collection_document, document_links
from ogcapi.views.describe_edr import json_type
from providers.axes import AxisKind
from providers.cube import Cube, Range, Variable
from providers.grids import Bbox
from providers.ranges import time_range
from providers.units import ucum

SCHEMA = Representation("json", "application/schema+json", ("application/json",), "JSON Schema")
_MOST_DOCUMENTS = 2_000
"""Documents kept for one catalogue; clients choose the host name, so there may be many addresses."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document_of(context: Context, collection: Collection) -> dict[str, Any]:
    """The collection's document, whoever answers it."""
    if collection.kind == "stock" and collection.error is None:
        return _served(
            context.services.stock.describe(collection.id, context.base_url, context.lang),
            f"{context.base_url}/collections/{collection.id}",
        )
    memo, key = (
        context.catalogue.memo,
        ("collection", collection.id, context.base_url, context.lang),
    )
    if key not in memo:
        if len(memo) > _MOST_DOCUMENTS:
            memo.clear()
        memo[key] = collection_document(context, collection)
    document: dict[str, Any] = memo[key]
    return document


def _served(document: dict[str, Any], url: str) -> dict[str, Any]:
    """Without the link to the document as JSON-LD, a form that pygeoapi has and we do not."""
    links = [link for link in document["links"] if link.get("href") != f"{url}?f=jsonld"]
    return document | {"links": links}


@dataclass(frozen=True)
class ListQuery:
    """Which collections: those that meet a box and a time, a page of them."""

    bbox: Bbox | None
    datetime: str | None
    limit: int
    offset: int


class Collections(View):
    """``/collections``; ``bbox`` and ``datetime`` keep those that may hold such data."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> ListQuery:
        found = box(params.one("bbox"), params.one("bbox-crs"))
        when = params.one("datetime")
        if when is not None:
            time_range(when, "standard")
        return ListQuery(
            found.degrees if found else None,
            when,
            integer(params.one("limit"), "limit", low=1, high=10_000, default=1000) or 1000,
            integer(params.one("offset"), "offset", low=0, high=10**9, default=0) or 0,
        )

    def answer(self, context: Context, query: ListQuery, representation: Representation) -> Answer:
        found = [item for item in context.catalogue.collections.values() if _matches(item, query)]
        page = found[query.offset : query.offset + query.limit]
        url = f"{context.base_url}/collections"
        links = document_links(url)
        if query.offset + query.limit < len(found):
            more = {"limit": str(query.limit), "offset": str(query.offset + query.limit)}
            if query.bbox is not None:
                more["bbox"] = ",".join(repr(float(value)) for value in query.bbox)
            if query.datetime is not None:
                more["datetime"] = query.datetime
            more["f"] = representation.name
            links.append(
                {
                    "rel": "next",
                    "type": representation.media_type,
                    "title": "Next page",
                    "href": f"{url}?{urlencode(more, safe=',/:')}",
                }
            )
        document = {
            "collections": [self._document(context, item) for item in page],
            "links": links,
            "numberMatched": len(found),
            "numberReturned": len(page),
        }
        return Answer(document=document, template="collections.html")

    @staticmethod
    def _document(context: Context, item: Collection) -> dict[str, Any]:
        try:
            return document_of(context, item)
        except OgcapiError as error:
            return collection_document(
                context,
                Collection(item.id, item.kind, item.resource, item.version, error=error.detail),
            )


def _matches(item: Collection, query: ListQuery) -> bool:
    cube = item.data
    if cube is None:
        return query.bbox is None and query.datetime is None
    if query.bbox is not None and not cube.grid.meets(query.bbox):
        return False
    times = cube.valid_times
    if query.datetime is not None and times is not None:
        wanted: Range = time_range(query.datetime, times[1])
        first, last = int(times[0][0]), int(times[0][-1])
        return (wanted.high is None or wanted.high >= first) and (
            wanted.low is None or wanted.low <= last
        )
    return True


class CollectionView(View):
    """``/collections/{collectionId}``."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Collection:
        return context.catalogue.get(path["collectionId"])

    def answer(self, context: Context, query: Collection, representation: Representation) -> Answer:
        return Answer(document=document_of(context, query), template="collection.html")


class Schema(View):
    """``/schema``: the fields of a coverage (Common Part 3; Coverages field selection)."""

    representations: ClassVar = (SCHEMA, HTML)

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> tuple[str, Cube]:
        collection, cube = cube_of(context, path)
        return collection.id, cube

    def answer(
        self, context: Context, query: tuple[str, Cube], representation: Representation
    ) -> Answer:
        name, cube = query
        document = {
            "$schema": _DIALECT,
            "$id": f"{context.base_url}/collections/{name}/schema",
            "type": "object",
            "title": name,
            "properties": {
                variable.id: field_schema(variable, position)
                for position, variable in enumerate(cube.variables.values(), start=1)
            },
        }
        return Answer(document=document, template="schema.html")


class Queryables(Schema):
    """``/queryables``: what a request can select by: position, time and the other axes."""

    def answer(
        self, context: Context, query: tuple[str, Cube], representation: Representation
    ) -> Answer:
        name, cube = query
        properties: dict[str, Any] = {
            "geometry": {
                "title": "Geometry",
                "format": "geometry-any",
                "x-ogc-role": "primary-geometry",
            }
        }
        if cube.valid_times is not None:
            properties["datetime"] = {
                "title": "Valid time",
                "type": "string",
                "format": "date-time",
                "x-ogc-role": "primary-instant",
            }
        for axis in cube.axes.values():
            if axis.kind not in (AxisKind.TIME, AxisKind.STEP):
                properties[axis.name] = _axis_schema(axis)
        document = {
            "$schema": _DIALECT,
            "$id": f"{context.base_url}/collections/{name}/queryables",
            "type": "object",
            "title": name,
            "properties": properties,
            "additionalProperties": False,
        }
        return Answer(document=document, template="schema.html")


def _axis_schema(axis: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"title": axis.title or axis.name}
    if axis.is_time:
        return found | {"type": "string", "format": "date-time"}
    found["type"] = (
        "string" if axis.is_text else "integer" if axis.values.dtype.kind in "iu" else "number"
    )
    if axis.units:
        found["x-ogc-unit"] = axis.units
    if axis.size <= 100:
        found["enum"] = axis.labels()
    return found


def field_schema(variable: Variable, position: int) -> dict[str, Any]:
    """JSON Schema of one field, with the unit annotations of Common Part 3."""
    found: dict[str, Any] = {
        "title": variable.title or variable.id,
        "type": "integer" if json_type(variable) == "integer" else "number",
        "x-ogc-propertySeq": position,
    }
    if variable.standard_name:
        found["x-ogc-definition"] = (
            f"http://vocab.nerc.ac.uk/standard_name/{variable.standard_name}/"
        )
    if variable.units:
        code = ucum(variable.units)
        found["x-ogc-unit"] = code or variable.units
        if code:
            found["x-ogc-unitLang"] = "UCUM"
    if variable.categories:
        found["enum"] = list(variable.categories)
        found["x-ogcapi:categories"] = {
            str(code): name for code, name in variable.categories.items()
        }
    return found
