"""A stock pygeoapi over our plugins: its own ``API`` and handlers behind a bare Flask app, nothing of our server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygeoapi.api as core
import pytest
import yaml
from flask import Flask, Response, request
from flask.testing import FlaskClient
from pygeoapi.api import API, APIRequest
from pygeoapi.api.coverages import get_collection_coverage
from pygeoapi.api.environmental_data_retrieval import get_collection_edr_query
from pygeoapi.api.maps import get_collection_map
from pygeoapi.crs import DEFAULT_CRS

DATA = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
NETCDF = {"name": "NetCDF", "mimetype": "application/x-netcdf"}
PNG = {"name": "png", "mimetype": "image/png"}
_SERVER = """
server:
  bind: {host: localhost, port: 5000}
  url: http://localhost:5000
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  language: en-US
  limits: {default_items: 10, max_items: 100}
  map: {url: https://tile.example.org, attribution: nobody}
logging: {level: CRITICAL}
metadata:
  identification:
    title: Stock
    description: Stock
    keywords: [stock]
    keywords_type: theme
    terms_of_service: https://example.org
    url: https://example.org
  license: {name: CC-BY, url: https://example.org}
  provider: {name: Nobody, url: https://example.org}
  contact: {name: Nobody, position: none, address: none, city: none, stateorprovince: none,
    postalcode: none, country: none, phone: none, fax: none, email: nobody@example.org,
    url: https://example.org, hours: none, instructions: none, role: none}
"""


def sample(name: str) -> str:
    path = DATA / "netcdf" / name
    if not path.exists():
        pytest.skip(f"sample data {name} is absent; set OGCAPI_TEST_DATA")
    return str(path.resolve())


def collection(path: str, extents: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A collection with all three plugins over one path."""
    plugins = {
        "coverage": ("coverage.CoverageProvider", NETCDF),
        "edr": ("edr.EdrProvider", NETCDF),
        "map": ("map.MapProvider", PNG),
    }
    world = {"spatial": {"bbox": [-180, -90, 180, 90], "crs": DEFAULT_CRS}}
    return {
        "type": "collection",
        "title": "Sample",
        "description": "Sample",
        "keywords": ["sample"],
        "links": [],
        "extents": world | (extents or {}),
        "providers": [
            {"type": kind, "name": f"providers.plugins.{name}", "data": path, "format": form} | keys
            for kind, (name, form) in plugins.items()
        ],
    }


def configuration(**resources: dict[str, Any]) -> dict[str, Any]:
    """A complete configuration as pygeoapi reads it from YAML."""
    loaded: dict[str, Any] = yaml.safe_load(_SERVER + yaml.safe_dump({"resources": resources}))
    return loaded


def stock_client(**resources: dict[str, Any]) -> FlaskClient:
    api = API(configuration(**resources), {})
    app = Flask("stock")

    def answer(handler: Callable[..., Any], *args: Any) -> Response:
        headers, status, content = handler(api, APIRequest.from_flask(request, api.locales), *args)
        return Response(content, status, headers)

    @app.get("/collections")
    @app.get("/collections/<name>")
    def collections(name: str | None = None) -> Response:
        return answer(core.describe_collections, name)

    @app.get("/collections/<name>/schema")
    def schema(name: str) -> Response:
        return answer(core.get_collection_schema, name)

    @app.get("/collections/<name>/coverage")
    def coverage(name: str) -> Response:
        return answer(get_collection_coverage, name)

    @app.get("/collections/<name>/map")
    @app.get("/collections/<name>/styles/<style>/map")
    def maps(name: str, style: str | None = None) -> Response:
        return answer(get_collection_map, name, style)

    @app.get("/collections/<name>/<any(position, cube, area):query>")
    def edr(name: str, query: str) -> Response:
        return answer(get_collection_edr_query, name, None, query)

    return app.test_client()
