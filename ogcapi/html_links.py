"""The links of a document, by standard, and those that download data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ogcapi.html_documents import entries, mapping, safe_url, sequence, tail, text

#: last part of a link relation → the group it is shown in; what is not named here falls to the rest
_GROUPS = {
    "coverage": "OGC API – Coverages",
    "coverage-domainset": "OGC API – Coverages",
    "coverage-rangetype": "OGC API – Coverages",
    "coverage-scenes": "OGC API – Coverages",
    "map": "OGC API – Maps",
    "legend": "OGC API – Maps",
    "styles": "OGC API – Styles",
    "style": "OGC API – Styles",
    "tilesets-map": "OGC API – Tiles",
    "tilesets-coverage": "OGC API – Tiles",
    "tilesets-vector": "OGC API – Tiles",
    "tiling-schemes": "OGC API – Tiles",
    "items": "OGC API – Features and Records",
    "schema": "Schema and queryables",
    "queryables": "Schema and queryables",
    "sortables": "Schema and queryables",
    "processes": "OGC API – Processes",
    "job-list": "OGC API – Processes",
    "wms": "WMS and WMTS",
    "wmts": "WMS and WMTS",
    "license": "Licence and citation",
    "cite-as": "Licence and citation",
    "self": "This page",
    "alternate": "This page",
}
_EDR = "OGC API – Environmental Data Retrieval"
_REST = "More"

_DATA_TYPES = re.compile(r"netcdf|tiff|zarr|grib|parquet|geopackage|coverage\+json|prs\.cov|csv")
_MEDIA_NAMES = {
    "text/html": "HTML",
    "application/json": "JSON",
    "application/geo+json": "GeoJSON",
    "application/schema+json": "JSON Schema",
    "application/vnd.oai.openapi+json": "OpenAPI",
    "application/prs.coverage+json": "CoverageJSON",
    "application/vnd.cov+json": "CoverageJSON",
    "application/netcdf": "NetCDF",
    "application/x-netcdf": "NetCDF",
    "application/vnd+zarr": "Zarr",
    "image/tiff": "GeoTIFF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WebP",
    "text/csv": "CSV",
    "text/xml": "XML",
    "application/xml": "XML",
    "application/vnd.oai.openapi": "OpenAPI YAML",
    "application/vnd.mapbox-vector-tile": "Vector tiles",
}


@dataclass(frozen=True)
class Link:
    """A link to show; ``href`` is None when it may not be followed (a template, or not http)."""

    title: str
    address: str
    href: str | None
    rel: str
    media_type: str
    format: str


def json_url(doc: Mapping[str, Any], base_url: str, path: str) -> str:
    """Where the same document is served as JSON: its own link if it names one."""
    for link in sequence(doc.get("links")):
        if mapping(link).get("rel") in ("self", "alternate"):
            href = safe_url(link.get("href"))
            if href and re.search(r"[/+]json\b", str(link.get("type"))):
                return href
    return f"{base_url}{quote(path, safe='/')}?f=json"


def read_links(doc: Mapping[str, Any], lang: str = "en") -> Iterator[Link]:
    """Every link of a document, those of its EDR queries included (relation ``data-query``).

    A query is shown once: its template tells more than the bare address, which needs parameters.
    """
    queries = [
        (name, mapping(mapping(query).get("link")))
        for name, query in entries(doc.get("data_queries"))
    ]
    shown = {_bare(link) for _, link in queries}
    for link in sequence(doc.get("links")):
        if isinstance(link, Mapping) and not (link.get("rel") == "data" and _bare(link) in shown):
            yield _link(link, lang)
    for name, link in queries:
        if link:
            title = text(link.get("title"), lang) or name.capitalize()
            yield _link({**link, "title": title, "rel": "data-query"}, lang)


def _bare(link: Mapping[str, Any]) -> str:
    """The address without query or template."""
    return re.split(r"[?{]", str(link.get("href") or ""), maxsplit=1)[0]


def _link(link: Mapping[str, Any], lang: str) -> Link:
    address = str(link.get("href") or "")
    rel, media_type = str(link.get("rel") or ""), str(link.get("type") or "")
    is_template = link.get("templated") is True or "{" in address
    return Link(
        title=text(link.get("title"), lang) or tail(rel) or address,
        address=address,
        href=None if is_template else safe_url(address),
        rel=rel,
        media_type=media_type,
        format=_MEDIA_NAMES.get(media_type.partition(";")[0].strip().lower(), media_type),
    )


def has_map(doc: Mapping[str, Any]) -> bool:
    """Whether the collection answers ``/map``."""
    return any(link.rel.endswith("rel/ogc/1.0/map") for link in read_links(doc))


def link_groups(doc: Mapping[str, Any], lang: str = "en") -> list[tuple[str, list[Link]]]:
    """The links by standard: those of the data first, this page's own and the rest last."""
    groups: dict[str, list[Link]] = {}
    for link in read_links(doc, lang):
        group = _EDR if link.rel == "data-query" else _GROUPS.get(tail(link.rel), _REST)
        if group == _REST and re.search(r"/wmt?s\b", link.address):
            group = _GROUPS["wms"]
        groups.setdefault(group, []).append(link)
    order = [*dict.fromkeys(_GROUPS.values())]
    order.insert(order.index(_GROUPS["schema"]), _EDR)
    return [(name, groups[name]) for name in (*order, _REST) if name in groups]


def downloads(doc: Mapping[str, Any], lang: str = "en") -> list[Link]:
    """Links to data that a program opens: enclosures, coverages and items in data formats."""
    return [
        link
        for link in read_links(doc, lang)
        if link.href
        and (
            link.rel == "enclosure"
            or (tail(link.rel) == "coverage" and link.media_type != "text/html")
            or (tail(link.rel) == "items" and _is_data(link.media_type))
        )
    ]


def _is_data(media_type: str) -> bool:
    return bool(_DATA_TYPES.search(media_type.lower())) or "geo+json" in media_type


def find_link(doc: Mapping[str, Any], *relations: str) -> Link | None:
    """The first link to follow whose relation is, or ends in, one of the given."""
    return next(
        (link for link in read_links(doc) if link.href and tail(link.rel) in relations), None
    )
