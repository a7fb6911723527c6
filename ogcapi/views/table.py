"""The view table: path, view, conformance classes and parameters of everything we answer.

Routes, OpenAPI, ``/conformance`` and the check for unknown parameters are derived from it, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ogcapi.context import Context
from ogcapi.views.base import Route
from ogcapi.views.collections import Collections, CollectionView, Queryables, Schema
from ogcapi.views.common import Alive, ApiDefinition, ApiDocumentation, Conformance, Landing, Ready
from ogcapi.views.coverage import CoverageView
from ogcapi.views.edr import CubeQuery, Position
from ogcapi.views.maps import MapView
from openapi import parameters as p

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
    return (*_common_rows(openapi, conformance), *_collection_rows(), *_data_rows())


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
                "crs", "field-selection", "coveragejson", "netcdf", "api-operations",
            ),
            parameters=(
                p.BBOX, p.BBOX_CRS, p.DATETIME, p.SUBSET, p.PROPERTIES, p.CRS, p.RESOLUTION, p.COLUMNS, p.ROWS,
                p.SCALE_FACTOR, p.SCALE_AXES, p.SCALE_SIZE, p.SCALE_SIZE_OF_GDAL, p.AGGREGATE, p.INTERPOLATION,
            ),
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
        Route(
            "/collections/{collectionId}/position", Position(), "getPosition", "Values at a position", "EDR",
            conformance=_both(_EDR, "core", "collections", "json", "covjson", "html", "oas30", "queries"),
            parameters=(p.COORDS, p.DATETIME, p.Z, p.PARAMETER_NAME, p.PARAMETER_NAMES, p.SUBSET, p.CRS),
        ),
        Route(
            "/collections/{collectionId}/cube", CubeQuery(), "getCube", "Values in a box", "EDR",
            parameters=(p.BBOX, p.BBOX_CRS, p.DATETIME, p.Z, p.PARAMETER_NAME, p.PARAMETER_NAMES, p.SUBSET, p.CRS),
        ),
    )  # fmt: skip
