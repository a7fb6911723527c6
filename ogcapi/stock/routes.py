"""The routes that stock handlers answer: one table for dispatch, validation and OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pygeoapi.api as core
from flask import Request
from pygeoapi.api import (
    API,
    APIRequest,
    coverages,
    itemtypes,
    maps,
    processes,
    tiles,
)
from pygeoapi.api import environmental_data_retrieval as edr

Action = Literal["read", "run", "manage"]
Answer = tuple[dict[str, Any], int, str | bytes | None]
Handler = Callable[[API, APIRequest, Mapping[str, str]], Answer]

GEOJSON = "application/geo+json"


@dataclass(frozen=True)
class StockRoute:
    """``path`` in werkzeug syntax; ``parameters`` are the query parameters the handler reads.

    ``provider_types``: a collection needs one of these; empty for routes of no collection.
    ``formats``: values of ``f``; ``native`` adds the provider's, ``formatters`` the collection's.
    ``default_format``: for a client that names none (``native``: the provider's).
    """

    path: str
    methods: tuple[str, ...]
    handler: Handler
    action: Action = "read"
    parameters: frozenset[str] = frozenset()
    provider_types: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("json", "html")
    native: bool = False
    formatters: bool = False
    default_format: str | None = None

    def action_of(self, request: Request) -> Action:
        """The action of a request: a POST to ``items`` reads by CQL2, but creates from GeoJSON."""
        return "manage" if self.creates(request) else self.action

    def creates(self, request: Request) -> bool:
        is_items = self.path.endswith("/items")
        return is_items and request.method == "POST" and request.mimetype == GEOJSON


def _call(function: Callable[..., Answer], *names: str) -> Handler:
    return lambda api, request, path: function(api, request, *(path.get(name) for name in names))


def _manage(verb: str, *names: str) -> Handler:
    return lambda api, request, path: itemtypes.manage_collection_item(
        api, request, verb, *(path[name] for name in names)
    )


def _post_items(api: API, request: APIRequest, path: Mapping[str, str]) -> Answer:
    if request.headers.get("Content-Type", "").split(";")[0].strip().lower() == GEOJSON:
        return _manage("create", "collection_id")(api, request, path)
    return _call(itemtypes.get_collection_items, "collection_id")(api, request, path)


def _edr(query: str) -> Handler:
    return lambda api, request, path: edr.get_collection_edr_query(
        api, request, path["collection_id"], path.get("instance_id"), query, path.get("location_id")
    )


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


COLLECTION = "/collections/<collection_id>"

_ITEM_PARAMETERS = _names(
    "bbox bbox-crs crs datetime filter filter-crs filter-lang limit offset properties q resulttype"
    " skipGeometry sortby"
)
_MAP_PARAMETERS = _names("bbox bbox-crs crs datetime height properties subset transparent width")
_EDR_PARAMETERS = _names("crs datetime limit parameter-name z")
_EDR_QUERIES: Mapping[str, frozenset[str]] = {
    "position": _names("coords"),
    "area": _names("coords"),
    "cube": _names("bbox"),
    "radius": _names("coords within within-units"),
    "trajectory": _names("coords"),
    "corridor": _names("coords corridor-width width-units corridor-height height-units"),
    "locations": _names("bbox coords"),
}


def collection_routes() -> Iterator[StockRoute]:
    """Sub-resources of collections, in the order in which OpenAPI lists them."""
    fields = ("feature", "coverage", "record", "edr")
    yield StockRoute(
        f"{COLLECTION}/schema",
        ("GET",),
        _call(core.get_collection_schema, "collection_id"),
        provider_types=fields,
    )
    yield StockRoute(
        f"{COLLECTION}/queryables",
        ("GET",),
        _call(itemtypes.get_collection_queryables, "collection_id"),
        parameters=_names("profile properties"),
        provider_types=fields[:3],
    )
    yield from _item_routes()
    yield StockRoute(
        f"{COLLECTION}/coverage",
        ("GET",),
        _call(coverages.get_collection_coverage, "collection_id"),
        parameters=_names("bbox bbox-crs datetime properties subset"),
        provider_types=("coverage",),
        native=True,
    )
    for path in (f"{COLLECTION}/map", f"{COLLECTION}/styles/<style_id>/map"):
        yield StockRoute(
            path,
            ("GET",),
            _call(maps.get_collection_map, "collection_id", "style_id"),
            parameters=_MAP_PARAMETERS,
            provider_types=("map",),
            formats=(),
            native=True,
            default_format="native",
        )
    yield from _tile_routes()
    yield from _edr_routes()


def _item_routes() -> Iterator[StockRoute]:
    items, item = f"{COLLECTION}/items", f"{COLLECTION}/items/<path:item_id>"
    ids = ("collection_id", "item_id")
    of: dict[str, Any] = {
        "provider_types": ("feature", "record"),
        "formats": ("json", "html", "jsonld"),
    }
    get_items = _call(itemtypes.get_collection_items, "collection_id")
    search: dict[str, Any] = {**of, "parameters": _ITEM_PARAMETERS, "formatters": True}
    crs = _names("crs")
    yield StockRoute(items, ("GET",), get_items, **search)
    yield StockRoute(items, ("POST",), _post_items, **search)
    yield StockRoute(items, ("OPTIONS",), _manage("options", "collection_id"), **of)
    yield StockRoute(
        item, ("GET",), _call(itemtypes.get_collection_item, *ids), parameters=crs, **of
    )
    yield StockRoute(item, ("PUT",), _manage("update", *ids), "manage", **of)
    yield StockRoute(item, ("DELETE",), _manage("delete", *ids), "manage", **of)
    yield StockRoute(item, ("OPTIONS",), _manage("options", *ids), **of)


def _tile_routes() -> Iterator[StockRoute]:
    tileset = f"{COLLECTION}/tiles/<tile_matrix_set_id>"
    of: dict[str, Any] = {"provider_types": ("tile",)}
    metadata = _call(tiles.get_collection_tiles_metadata, "collection_id", "tile_matrix_set_id")
    metadata_formats = ("json", "html", "jsonld", "tilejson")
    tile = ("collection_id", "tile_matrix_set_id", "tile_matrix", "tile_row", "tile_col")
    yield StockRoute(
        f"{COLLECTION}/tiles", ("GET",), _call(tiles.get_collection_tiles, "collection_id"), **of
    )
    for path in (tileset, f"{tileset}/metadata"):
        yield StockRoute(path, ("GET",), metadata, formats=metadata_formats, **of)
    yield StockRoute(
        f"{tileset}/<tile_matrix>/<tile_row>/<tile_col>",
        ("GET",),
        _call(tiles.get_collection_tiles_data, *tile),
        formats=(),
        native=True,
        default_format="native",
        **of,
    )


def _edr_routes() -> Iterator[StockRoute]:
    instances = f"{COLLECTION}/instances"
    instance = f"{instances}/<instance_id>"
    of: dict[str, Any] = {"provider_types": ("edr",)}
    list_instances = _call(edr.get_collection_edr_instances, "collection_id", "instance_id")
    for path in (instances, instance):
        yield StockRoute(path, ("GET",), list_instances, default_format="json", **of)
    for parent in (COLLECTION, instance):
        for query, own in _EDR_QUERIES.items():
            paths = [f"{parent}/{query}"]
            if query == "locations":
                paths.append(f"{parent}/locations/<location_id>")
            for path in paths:
                yield StockRoute(
                    path,
                    ("GET",),
                    _edr(query),
                    parameters=_EDR_PARAMETERS | own,
                    formatters=True,
                    **of,
                )


def tile_matrix_set_routes() -> Iterator[StockRoute]:
    sets = "/TileMatrixSets"
    yield StockRoute(sets, ("GET",), _call(tiles.tilematrixsets))
    yield StockRoute(
        f"{sets}/<tile_matrix_set_id>", ("GET",), _call(tiles.tilematrixset, "tile_matrix_set_id")
    )


def process_routes() -> Iterator[StockRoute]:
    """Processes and jobs. Stock jobs have no owner: who may run sees all, a manager dismisses."""
    describe = _call(processes.describe_processes, "process_id")
    jobs, job = _call(processes.get_jobs), "/jobs/<job_id>"
    paging = _names("limit offset")
    yield StockRoute("/processes", ("GET",), describe, parameters=_names("limit"))
    yield StockRoute("/processes/<process_id>", ("GET",), describe)
    yield StockRoute(
        "/processes/<process_id>/execution",
        ("POST",),
        _call(processes.execute_process, "process_id"),
        "run",
    )
    yield StockRoute("/jobs", ("GET",), jobs, "run", parameters=paging)
    yield StockRoute(job, ("GET",), _call(processes.get_jobs, "job_id"), "run")
    yield StockRoute(job, ("DELETE",), _call(processes.delete_job, "job_id"), "manage")
    yield StockRoute(
        f"{job}/results",
        ("GET",),
        _call(processes.get_job_result, "job_id"),
        "run",
        default_format="json",
    )
