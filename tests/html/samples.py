"""Documents as the views answer them, and what a hostile data owner may write instead."""

from __future__ import annotations

from typing import Any

BASE = "https://data.example.org/climate"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
HOSTILE = "<script>alert('x')</script>\" onload=\"alert(1)"


def link(path: str, rel: str, title: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"href": f"{BASE}{path}", "rel": rel, "title": title, "type": media_type}


def landing() -> dict[str, Any]:
    return {
        "title": "Climate data cache",
        "description": "Reanalyses and forecasts.\n\nThrough every OGC standard.",
        "keywords": ["climate", "reanalysis"],
        "attribution": "Contains modified Copernicus data",
        "links": [
            link("/?f=json", "self", "This document"),
            link("/?f=html", "alternate", "This document as HTML", "text/html"),
            link("/openapi", "service-desc", "API", "application/vnd.oai.openapi+json;version=3.0"),
            link("/api", "service-doc", "API documentation", "text/html"),
            link("/conformance", "conformance", "Conformance classes"),
            link("/collections", "data", "Collections"),
            link("/processes", f"{REL}/processes", "Processes"),
            link("/jobs", f"{REL}/job-list", "Jobs"),
            link("/wms?SERVICE=WMS&REQUEST=GetCapabilities", "related", "WMS", "text/xml"),
        ],
    }


def extent() -> dict[str, Any]:
    return {
        "spatial": {
            "bbox": [[-180.0, -90.0, 179.75, 90.0]],
            "crs": CRS84,
            "grid": [
                {"cellsCount": 1440, "resolution": 0.25},
                {"cellsCount": 721, "resolution": 0.25},
            ],
        },
        "temporal": {
            "interval": [["2020-01-01T00:00:00Z", "2020-12-31T18:00:00Z"]],
            "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
            "grid": {"cellsCount": 1464, "resolution": "PT6H"},
        },
        "vertical": {
            "interval": [[1000, 10]],
            "vrs": "http://www.opengis.net/def/crs/OGC/0/pressure",
            "unit": "hPa",
            "grid": {"coordinates": [1000, 850, 500, 250, 10]},
        },
        "member": {"interval": [[0, 499]], "grid": {"coordinates": list(range(500))}},
        "custom": [{"id": "reference_time", "values": ["R3/2020-01-01T00:00:00Z/P1D"]}],
    }


def collection() -> dict[str, Any]:
    page = "/collections/era5-pl"
    parameter = {
        "type": "Parameter",
        "label": "Air temperature",
        "unit": {"label": "kelvin", "symbol": {"value": "K", "type": "http://ucum.org"}},
        "observedProperty": {
            "id": "http://vocab.nerc.ac.uk/standard_name/air_temperature",
            "label": {"en": "Air temperature", "fr": "Température de l'air"},
        },
        "measurementType": {"method": "mean", "duration": "PT1H"},
    }
    return {
        "id": "era5-pl",
        "title": "ERA5 on pressure levels",
        "description": "Reanalysis of the <global> atmosphere.",
        "keywords": ["ERA5", "pressure levels"],
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "attribution": "Copernicus Climate Change Service",
        "itemType": "feature",
        "extent": extent(),
        "crs": [CRS84, "http://www.opengis.net/def/crs/EPSG/0/4326"],
        "storageCrs": CRS84,
        "x-ogcapi:grid": {"type": "rectilinear", "latitude": {"spacing": 0.25, "count": 721}},
        "parameter_names": {"t": parameter},
        "data_queries": {
            "position": {"link": {"href": f"{BASE}{page}/position", "rel": "data"}},
            "cube": {"link": {"href": f"{BASE}{page}/cube", "rel": "data"}},
        },
        "links": [
            link(f"{page}?f=json", "self", "This collection"),
            link(f"{page}/map", f"{REL}/map", "Map", "image/png"),
            link(f"{page}/coverage?f=netcdf", f"{REL}/coverage", "NetCDF", "application/netcdf"),
            link(
                f"{page}/coverage?f=covjson", f"{REL}/coverage", "Data", "application/vnd.cov+json"
            ),
            link(f"{page}/coverage?f=geotiff", f"{REL}/coverage", "Data", "image/tiff"),
            link(f"{page}/schema", f"{REL}/schema", "Schema", "application/schema+json"),
            link(f"{page}/items", "items", "Items", "application/geo+json"),
            link("/wms/era5-pl?SERVICE=WMS&REQUEST=GetCapabilities", "related", "WMS", "text/xml"),
            link("/licence", "license", "CC BY 4.0", "text/html"),
            link(f"{page}/tiles/{{tileMatrix}}", f"{REL}/tilesets-map", "Tiles"),
        ],
    }


def collections(count: int = 3) -> dict[str, Any]:
    every = [
        {**collection(), "id": f"c{number}", "title": f"Collection {number}"}
        for number in range(count)
    ]
    every[-1]["x-ogcapi:status"] = "the file cannot be read"
    return {"collections": every, "links": [link("/collections?offset=500", "next", "Next")]}


def conformance() -> dict[str, Any]:
    spec = "http://www.opengis.net/spec"
    return {
        "conformsTo": [
            f"{spec}/ogcapi-common-1/1.0/conf/core",
            f"{spec}/ogcapi-edr-1/1.1/conf/core",
            f"{spec}/ogcapi-edr-1/1.1/conf/covjson",
            "https://api.example.org/v1/core",
        ]
    }


def schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}/collections/era5-pl/schema",
        "type": "object",
        "title": "ERA5 on pressure levels",
        "properties": {
            "t": {"title": "Air temperature", "type": "number", "x-ogc-unit": "K"},
            "kind": {"type": ["string", "null"], "enum": ["a", "b"], "x-ogc-role": "type"},
            "level": {"type": "number", "minimum": 10, "maximum": 1000},
        },
    }


def document() -> dict[str, Any]:
    return {
        "id": "WebMercatorQuad",
        "title": "Google Maps compatible",
        "uri": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
        "items": ["a", "b"],
        "keys": {"values": list(range(400))},
        "tileMatrices": [
            {"id": str(number), "scaleDenominator": 559082264.0287 / 2**number, "tileWidth": 256}
            for number in range(300)
        ],
        "polygon": [[[0.0, 1.0], [2.0, 3.0]]],
        "nested": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": "deep"}}}}}}}}},
        "mixed": [1, {"flag": True, "none": None}],
        "links": [link("/tileMatrixSets", "up", "All")],
    }


def problem() -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "f: 'pdf' is not a format of this resource",
        "parameter": "f",
        "allowed": ["json", "html", "netcdf"],
    }


def hostile(value: Any) -> Any:
    """The document with every text replaced, every address by one that must not be a link."""
    if isinstance(value, dict):
        return {
            key: "javascript:alert(1)" if key == "href" else hostile(member)
            for key, member in value.items()
        } | ({HOSTILE: HOSTILE} if value else {})
    if isinstance(value, list):
        return [hostile(member) for member in value]
    return HOSTILE if isinstance(value, str) else value
