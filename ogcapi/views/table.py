"""The view table: path, view, conformance classes and parameters of everything we answer.

Routes, OpenAPI, ``/conformance`` and the check for unknown parameters are derived from it, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ogcapi import gdal_compat
from ogcapi.context import Context
from ogcapi.views.base import Route, View
from ogcapi.views.collections import Collections, CollectionView, Queryables, Schema
from ogcapi.views.common import Alive, ApiDefinition, ApiDocumentation, Conformance, Landing, Ready
from ogcapi.views.coverage import CoverageView, Described
from ogcapi.views.data import DataView
from ogcapi.views.edr import Area, Corridor, CubeQuery, Position, Radius, Trajectory
from ogcapi.views.estimate import EstimateView
from ogcapi.views.instances import Instance, Instances
from ogcapi.views.maps import MapView
from ogcapi.views.zarr import ZarrGroup, ZarrView
from openapi import parameters as p
from openapi.parameters import Parameter

_COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
_COLLECTIONS = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/"
_SCHEMAS = "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/"
_COVERAGES = "://www.opengis.net/spec/ogcapi-coverages-1/1.0/conf/"
_MAPS = "://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/"
_EDR = "://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/"


def _under(root: str, *names: str) -> tuple[str, ...]:
    return tuple(root + name for name in names)


def _both(root: str, *names: str) -> tuple[str, ...]:
    """Classes whose text prints https while clients compare http: both forms."""
    return tuple(scheme + root + name for name in names for scheme in ("http", "https"))


def view_table(
    openapi: Callable[[Context], Mapping[str, Any]], conformance: Callable[[Context], list[str]]
) -> tuple[Route, ...]:
    """Every row; ``openapi`` and ``conformance`` are built from the table itself."""
    rows = (*_common_rows(openapi, conformance), *_collection_rows(), *_data_rows(), *_edr_rows())
    return (*rows, *map(_estimate_of, (row for row in rows if isinstance(row.view, DataView))))


def _estimate_of(row: Route) -> Route:
    return replace(
        row,
        path=f"{row.path}/estimate",
        view=EstimateView(row.view),
        operation=f"estimate{row.operation.removeprefix('get')}",
        summary=f"Size of the answer: {row.summary[0].lower()}{row.summary[1:]}",
        methods=("GET", "POST"),
        conformance=(),
    )


def _common_rows(
    openapi: Callable[[Context], Mapping[str, Any]], conformance: Callable[[Context], list[str]]
) -> tuple[Route, ...]:
    return (
        Route(
            "/", Landing(), "getLandingPage", "Landing page", "Server",
            conformance=_under(_COMMON, "core", "landing-page", "json", "html"),
        ),
        Route("/conformance", Conformance(conformance), "getConformance", "Conformance classes", "Server"),
        Route(
            "/openapi", ApiDefinition(openapi), "getApiDefinition", "API definition", "Server",
            conformance=_under(_COMMON, "oas30"),
        ),
        Route("/api", ApiDocumentation(openapi), "getApiDocumentation", "API documentation", "Server"),
        Route("/health/live", Alive(), "getAlive", "Whether the process answers", "Operations"),
        Route("/health/ready", Ready(), "getReady", "Whether the server can serve", "Operations"),
    )  # fmt: skip


def _collection_rows() -> tuple[Route, ...]:
    return (
        Route(
            "/collections", Collections(), "getCollections", "Collections", "Collections",
            conformance=_under(_COLLECTIONS, "collections", "json", "html", "uad-collections"),
            parameters=(p.BBOX, p.BBOX_CRS, p.DATETIME, p.LIMIT, p.OFFSET),
        ),
        Route("/collections/{collectionId}", CollectionView(), "getCollection", "One collection", "Collections"),
        Route(
            "/collections/{collectionId}/schema", Schema(), "getSchema", "Schema of the fields", "Collections",
            conformance=_under(_SCHEMAS, "schemas"),
        ),
        Route(
            "/collections/{collectionId}/queryables", Queryables(), "getQueryables", "What can be selected by",
            "Collections", conformance=_under(_SCHEMAS, "queryables"),
        ),
    )  # fmt: skip


def _data_rows() -> tuple[Route, ...]:
    return (
        Route(
            "/collections/{collectionId}/coverage", CoverageView(), "getCoverage", "Coverage", "Coverages",
            conformance=_both(
                _COVERAGES, "core", "subsetting-spatial", "subsetting-temporal", "subsetting-general",
                "scaling-spatial", "scaling-temporal", "scaling-general",
                "crs", "field-selection", "coveragejson", "netcdf", "geotiff", "cog", "api-operations",
            ),
            parameters=(
                p.BBOX, p.BBOX_CRS, p.DATETIME, p.SUBSET, p.SUBSET_CRS, p.PROPERTIES, p.CRS, p.RESOLUTION, p.COLUMNS,
                p.ROWS,
                p.SCALE_FACTOR, p.SCALE_AXES, p.SCALE_SIZE, p.SCALE_SIZE_OF_GDAL, p.AGGREGATE, p.INTERPOLATION,
            ),
        ),
        Route(
            "/collections/{collectionId}/coverage/domainset", Described(gdal_compat.domain_set), "getDomainSet",
            "Extent and resolution", "Coverages",
        ),
        Route(
            "/collections/{collectionId}/coverage/rangetype", Described(gdal_compat.range_type), "getRangeType",
            "Fields as bands", "Coverages",
        ),
        Route(
            "/collections/{collectionId}/map", MapView(), "getMap", "Map", "Maps",
            conformance=_both(
                _MAPS, "core", "collection-map", "datetime", "crs", "png", "api-operations", "cors",
            ),
            parameters=(
                p.BBOX, p.BBOX_CRS, p.CRS, p.DATETIME, p.SUBSET, p.PROPERTIES, p.WIDTH, p.HEIGHT, p.TRANSPARENT,
                p.BGCOLOR,
            ),
        ),
        Route("/collections/{collectionId}/zarr", ZarrGroup(), "getZarr", "Zarr group", "Zarr"),
        Route("/collections/{collectionId}/zarr/{key}", ZarrView(), "getZarrKey", "Key of the Zarr group", "Zarr"),
    )  # fmt: skip


def _edr_rows() -> tuple[Route, ...]:
    """Every query of a collection, and the same of one of its runs."""
    common = (p.DATETIME, p.Z, p.PARAMETER_NAME, p.PARAMETER_NAMES, p.SUBSET, p.CRS)
    corridor = (p.CORRIDOR_WIDTH, p.WIDTH_UNITS, p.CORRIDOR_HEIGHT, p.HEIGHT_UNITS)
    queries: tuple[tuple[str, View, str, tuple[Parameter, ...]], ...] = (
        ("position", Position(), "Values at positions", (p.COORDS,)),
        ("radius", Radius(), "Values around positions", (p.COORDS, p.WITHIN, p.WITHIN_UNITS)),
        ("area", Area(), "Values in an area", (p.COORDS_AREA,)),
        ("cube", CubeQuery(), "Values in a box", (p.BBOX, p.BBOX_CRS, p.RESOLUTION_X, p.RESOLUTION_Y)),
        ("trajectory", Trajectory(), "Values along a path", (p.COORDS_PATH,)),
        ("corridor", Corridor(), "Values around a path", (p.COORDS_PATH, *corridor)),
    )  # fmt: skip
    collection = "/collections/{collectionId}"
    instance = f"{collection}/instances/{{instanceId}}"
    rows = [
        Route(
            f"{base}/{name}", view, f"get{of}{name.capitalize()}", summary, "EDR",
            parameters=(*own, *common), methods=("GET", "POST"),
        )
        for name, view, summary, own in queries
        for base, of in ((collection, ""), (instance, "Instance"))
    ]  # fmt: skip
    return (
        Route(
            f"{collection}/instances", Instances(), "getInstances", "Runs of a forecast", "EDR",
            conformance=_both(
                _EDR, "core", "collections", "json", "geojson", "edr-geojson", "covjson", "html", "oas30", "queries",
            ),
        ),
        Route(instance, Instance(), "getInstance", "One run of a forecast", "EDR"),
        *rows,
    )  # fmt: skip
