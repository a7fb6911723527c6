"""Stock configurations over the sample data, and a bare Flask app that drives ``StockApi``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from pygeoapi.models.provider.base import TileMatrixSetEnum
from pygeoapi.provider.base import BaseProvider
from pygeoapi.provider.tile import BaseTileProvider, ProviderTileNotFoundError

from ogcapi.stock import StockApi, StockRoute

BASE_URL = "https://data.example.org/api"
DATA = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))

MakeStock = Callable[..., StockApi]


def sample(name: str) -> str:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"sample data {name} is absent; set OGCAPI_TEST_DATA")
    return str(path.resolve())


def feature(name: str, **more: Any) -> dict[str, Any]:
    provider = {"type": "feature", "name": "GeoJSON", "data": sample(name), "id_field": "id"}
    return {"type": "collection", "providers": [provider], **more}


def coverage(path: str) -> dict[str, Any]:
    format_ = {"name": "GTiff", "mimetype": "image/tiff; application=geotiff"}
    provider = {"type": "coverage", "name": "rasterio", "data": path, "format": format_}
    return {"type": "collection", "providers": [provider]}


def edr(path: str) -> dict[str, Any]:
    provider = {
        "type": "edr",
        "name": "xarray-edr",
        "data": path,
        "x_field": "COADSX",
        "y_field": "COADSY",
        "time_field": "TIME",
        "format": {"name": "netcdf", "mimetype": "application/x-netcdf"},
    }
    return {"type": "collection", "providers": [provider]}


def resources() -> dict[str, Any]:
    return {
        "lakes": feature("vector/ne_110m_lakes.geojson", title={"en": "Lakes", "fr": "Lacs"}),
        "scene": coverage(sample("raster/sentinel2_b01_t34_600m.tif")),
        "winds": edr(sample("netcdf/coads_sst_winds_monthly.nc")),
        "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
        "ours": {"type": "collection", "source": "cube.zarr"},
    }


class MapProvider(BaseProvider):  # type: ignore[misc]
    """A map that tells what it was asked for."""

    def get_fields(self) -> dict[str, Any]:
        return {}

    def query(self, **query: Any) -> bytes:
        return json.dumps(query, default=str).encode()


class TileProvider(BaseTileProvider):  # type: ignore[misc]
    """Tiles that tell their address; tile 1/0/0 is missing."""

    def __init__(self, definition: dict[str, Any]) -> None:
        super().__init__(definition)
        self.tile_type = "vector"

    def get_layer(self) -> str:
        return "layer"

    def get_tiling_schemes(self) -> list[Any]:
        return [TileMatrixSetEnum.WEBMERCATORQUAD.value]

    def get_tiles_service(self, **_: Any) -> dict[str, Any]:
        return {"links": []}

    def get_metadata(self, **_: Any) -> dict[str, Any]:
        return {"tilejson": "3.0.0"}

    def get_tiles(self, z: str, y: str, x: str, tileset: str, **_: Any) -> bytes:
        scheme = self.get_tilematrixset(tileset)
        if not self.is_in_limits(scheme, z, x, y):
            raise ProviderTileNotFoundError
        return f"{z}/{y}/{x}".encode()


def pictures() -> dict[str, Any]:
    png = {"name": "png", "mimetype": "image/png"}
    pbf = {"name": "pbf", "mimetype": "application/vnd.mapbox-vector-tile"}
    options = {"zoom": {"min": 0, "max": 5}, "schemes": ["WebMercatorQuad"]}
    maps = {"type": "map", "name": f"{__name__}.MapProvider", "data": "", "format": png}
    tiles = {"type": "tile", "name": f"{__name__}.TileProvider", "data": "", "format": pbf}
    return {"pictures": {"type": "collection", "providers": [maps, {**tiles, "options": options}]}}


def app_of(stock: StockApi, base_url: str = BASE_URL) -> Flask:
    app = Flask("stock")

    def view_of(route: StockRoute) -> Callable[..., Response]:
        def view(**path: str) -> Response:
            status, headers, body = stock.handle(route, request, base_url, **path)
            return Response(body, status, headers)

        return view

    for number, route in enumerate(stock.routes()):
        app.add_url_rule(
            route.path,
            endpoint=str(number),
            view_func=view_of(route),
            methods=list(route.methods),
            provide_automatic_options=False,
        )
    return app
