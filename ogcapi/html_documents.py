"""What the pages read out of a document: axes, variables, links, conformance.

Documents carry titles and links from data of anyone, so nothing here trusts a type or a URL:
a value of the wrong shape is left out of the page rather than breaking it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

#: lists longer than this show their ends and their length
SHOWN_VALUES = 12
SHOWN_ROWS = 200
_DEPTH = 8
_SHOWN_CHARACTERS = 2000

_CRUMBS = {
    "api": "API",
    "openapi": "OpenAPI",
    "stac": "STAC",
    "tileMatrixSets": "Tile matrix sets",
}

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
    "queryables": "OGC API – Features and Records",
    "sortables": "OGC API – Features and Records",
    "schema": "Schema",
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

_STANDARDS = {
    "ogcapi-common-1": "OGC API – Common, Part 1: Core",
    "ogcapi-common-2": "OGC API – Common, Part 2: Geospatial Data",
    "ogcapi-features-1": "OGC API – Features, Part 1: Core",
    "ogcapi-features-2": "OGC API – Features, Part 2: Coordinate Reference Systems",
    "ogcapi-features-3": "OGC API – Features, Part 3: Filtering",
    "ogcapi-features-4": "OGC API – Features, Part 4: Create, Replace, Update and Delete",
    "ogcapi-features-5": "OGC API – Features, Part 5: Schemas",
    "ogcapi-coverages-1": "OGC API – Coverages, Part 1: Core",
    "ogcapi-maps-1": "OGC API – Maps, Part 1: Core",
    "ogcapi-tiles-1": "OGC API – Tiles, Part 1: Core",
    "ogcapi-styles-1": "OGC API – Styles, Part 1: Core",
    "ogcapi-edr-1": "OGC API – Environmental Data Retrieval, Part 1: Core",
    "ogcapi-processes-1": "OGC API – Processes, Part 1: Core",
    "ogcapi-records-1": "OGC API – Records, Part 1: Core",
    "tms": "Two Dimensional Tile Matrix Set",
    "cql2": "Common Query Language (CQL2)",
}
_CONFORMANCE = re.compile(r"https?://www\.opengis\.net/spec/([^/]+)/([^/]+)/conf/(.+)")
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
    "image/tiff": "GeoTIFF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WebP",
    "text/csv": "CSV",
    "application/vnd.mapbox-vector-tile": "Vector tiles",
}


@dataclass(frozen=True)
class Axis:
    """One row of the axes table, ready to show; ``values`` only when there are few."""

    name: str
    unit: str = ""
    first: str = ""
    last: str = ""
    size: int | None = None
    step: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """One row of the variables table; ``definition`` is a URI when it may be linked."""

    id: str
    title: str
    unit: str
    standard_name: str
    definition: str | None
    measurement: str


@dataclass(frozen=True)
class Link:
    """A link to show; ``href`` is None when it may not be followed (a template, or not http)."""

    title: str
    address: str
    href: str | None
    rel: str
    media_type: str
    format: str = field(default="")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """The value if it is a list, otherwise an empty one."""
    return value if isinstance(value, list | tuple) else ()


def entries(value: object) -> list[tuple[str, Any]]:
    """Key and value of an object in order; Jinja's own ``items`` could be a member of that name."""
    return list(mapping(value).items())


def text(value: object, lang: str = "en") -> str:
    """A string to show; of an object by language the wanted one, else English, else the first."""
    if isinstance(value, Mapping):
        value = value.get(lang) or value.get("en") or next(iter(value.values()), "")
    if value is None or isinstance(value, Mapping | list | tuple):
        return ""
    return scalar(value)


def scalar(value: object) -> str:
    """A number, flag or string as people read it; floats to seven significant digits."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def safe_url(value: object) -> str | None:
    """The value if it is an absolute http(s) address that a link may carry, otherwise None."""
    if not isinstance(value, str) or re.search(r"[\x00-\x20\x7f\\]", value):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None


def tail(value: object) -> str:
    """The last part of a URI (``…/def/crs/OGC/1.3/CRS84`` → ``CRS84``); other text as it is."""
    return re.split(r"[/#:]", str(value).rstrip("/"))[-1] if value else ""


def breadcrumbs(path: str, base_url: str) -> list[tuple[str, str]]:
    """Label and address of the page and everything above it; empty on the landing page."""
    crumbs: list[tuple[str, str]] = []
    address = base_url
    for part in (unquote(part) for part in path.split("/") if part):
        address = f"{address}/{quote(part, safe='')}"
        plain = part.capitalize() if part.islower() and part.isalpha() else part
        top = not crumbs or part == "tileMatrixSets"
        crumbs.append((_CRUMBS.get(part, plain) if top else part, address))
    return [("Home", f"{base_url}/"), *crumbs] if crumbs else []


def json_url(doc: Mapping[str, Any], base_url: str, path: str) -> str:
    """Where the same document is served as JSON: its own link if it names one."""
    for link in sequence(doc.get("links")):
        if mapping(link).get("rel") in ("self", "alternate"):
            href = safe_url(link.get("href"))
            if href and re.search(r"[/+]json\b", str(link.get("type"))):
                return href
    return f"{base_url}{quote(path, safe='/')}?f=json"


def read_links(doc: Mapping[str, Any], lang: str = "en") -> Iterator[Link]:
    """Every link of a document, those of its EDR queries included (relation ``data-query``)."""
    for link in sequence(doc.get("links")):
        if isinstance(link, Mapping):
            yield _link(link, lang)
    for name, query in entries(doc.get("data_queries")):
        link = mapping(mapping(query).get("link"))
        if link:
            title = text(link.get("title"), lang) or name
            yield _link({**link, "title": title, "rel": "data-query"}, lang)


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


def link_groups(doc: Mapping[str, Any], lang: str = "en") -> list[tuple[str, list[Link]]]:
    """The links by standard: those of the data first, this page's own and the rest last."""
    groups: dict[str, list[Link]] = {}
    for link in read_links(doc, lang):
        group = _EDR if link.rel == "data-query" else _GROUPS.get(tail(link.rel), _REST)
        if group == _REST and re.search(r"/wmt?s\b", link.address):
            group = _GROUPS["wms"]
        groups.setdefault(group, []).append(link)
    order = [*dict.fromkeys(_GROUPS.values())]
    order[order.index("Schema") : order.index("Schema")] = [_EDR]
    return [(name, groups[name]) for name in (*order, _REST) if name in groups]


def downloads(doc: Mapping[str, Any], lang: str = "en") -> list[Link]:
    """Links that answer with data a program opens: enclosures, and coverages or items in data formats."""
    return [
        link
        for link in read_links(doc, lang)
        if link.href
        and (
            link.rel == "enclosure"
            or (tail(link.rel) in ("coverage", "items") and _is_data(link.media_type))
        )
    ]


def _is_data(media_type: str) -> bool:
    return bool(_DATA_TYPES.search(media_type.lower())) or "geo+json" in media_type


def find_link(doc: Mapping[str, Any], *relations: str) -> Link | None:
    """The first link to follow whose relation is, or ends in, one of the given."""
    return next(
        (link for link in read_links(doc) if link.href and tail(link.rel) in relations), None
    )


def variables(doc: Mapping[str, Any], lang: str = "en") -> list[Variable]:
    """The parameters of a collection (EDR ``parameter_names``), by id."""
    return [
        _variable(name, parameter, lang)
        for name, parameter in entries(doc.get("parameter_names"))
        if isinstance(parameter, Mapping)
    ]


def _variable(name: str, parameter: Mapping[str, Any], lang: str) -> Variable:
    observed = mapping(parameter.get("observedProperty"))
    unit = mapping(parameter.get("unit"))
    symbol = unit.get("symbol")
    identifier = str(observed.get("id") or "")
    measurement = mapping(parameter.get("measurementType"))
    titles = (
        parameter.get("label"),
        parameter.get("name"),
        observed.get("label"),
        parameter.get("description"),
    )
    return Variable(
        id=name,
        title=next((words for words in (text(title, lang) for title in titles) if words), ""),
        unit=text(mapping(symbol).get("value") if isinstance(symbol, Mapping) else symbol)
        or text(unit.get("label"), lang)
        or text(parameter.get("unit") if not unit else None),
        standard_name=text(parameter.get("standard_name")) or tail(identifier),
        definition=safe_url(identifier),
        measurement=" ".join(
            text(measurement.get(key)) for key in ("method", "duration") if measurement.get(key)
        ),
    )


def axes(doc: Mapping[str, Any]) -> list[Axis]:
    """The axes of a collection: space, time, height, then whatever else its extent holds."""
    extent = mapping(doc.get("extent"))
    found = _spatial_axes(doc, mapping(extent.get("spatial")))
    for name, part in entries(extent):
        if name == "custom":
            found += [_axis(text(one.get("id")), one) for one in sequence(part) if mapping(one)]
        elif name != "spatial" and isinstance(part, Mapping):
            found.append(_axis("time" if name == "temporal" else name, part))
    return found


def _spatial_axes(doc: Mapping[str, Any], spatial: Mapping[str, Any]) -> list[Axis]:
    """x and y; their ends only where bounding box and grid are told in the same CRS."""
    box = _first_box(spatial)
    grids = [mapping(grid) for grid in sequence(spatial.get("grid"))]
    native = text(doc.get("storageCrs"))
    is_geographic = not native or tail(native) in ("CRS84", "CRS84h", "4326")
    if grids and not is_geographic:
        box = list(sequence(spatial.get("storageCrsBbox")))
        box = list(sequence(box[0])) if box and sequence(box[0]) else box
    names = ("longitude", "latitude") if is_geographic or not grids else ("x", "y")
    half = len(box) // 2
    found = []
    for position, name in enumerate(names):
        part: dict[str, Any] = {"grid": grids[position] if position < len(grids) else {}}
        if half >= 2:
            part["interval"] = [[box[position], box[half + position]]]
        if part["grid"] or half >= 2:
            found.append(_axis(name, part | ({"unit": "°"} if name[0] == "l" else {})))
    return found


def _first_box(spatial: Mapping[str, Any]) -> list[Any]:
    boxes = sequence(spatial.get("bbox"))
    return list(sequence(boxes[0])) if boxes and sequence(boxes[0]) else list(boxes)


def _axis(name: str, part: Mapping[str, Any]) -> Axis:
    grid = mapping(part.get("grid"))
    values = sequence(grid.get("coordinates")) or sequence(part.get("values"))
    step = text(grid.get("resolution"))
    if len(values) == 1 and isinstance(values[0], str) and "/" in values[0]:
        step, values = values[0], ()
    intervals = sequence(part.get("interval"))
    ends = sequence(intervals[0]) if intervals and sequence(intervals[0]) else intervals
    if values:
        ends = (values[0], values[-1])
    count = grid.get("cellsCount")
    reference = part.get("trs") or part.get("vrs") or part.get("reference")
    return Axis(
        name=name,
        unit=text(part.get("unit")) or tail(text(reference)),
        first=_end(ends, 0),
        last=_end(ends, -1),
        size=count if isinstance(count, int) else (len(values) or None),
        step=step,
        values=tuple(map(scalar, values)) if 2 < len(values) <= SHOWN_VALUES else (),
    )


def _end(ends: Sequence[Any], position: int) -> str:
    if not ends:
        return ""
    return "open" if ends[position] in (None, "..") else scalar(ends[position])


def extent_rows(doc: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Bounding box and period in words a person reads."""
    extent = mapping(doc.get("extent"))
    box = _first_box(mapping(extent.get("spatial")))
    rows = []
    if len(box) >= 4:
        half = len(box) // 2
        west, south, east, north = (scalar(box[i]) for i in (0, 1, half, half + 1))
        rows.append(("West, south, east, north", f"{west}, {south}, {east}, {north}"))
    time = _axis("time", mapping(extent.get("temporal")))
    if time.first or time.last:
        rows.append(("Time", time.first if time.first == time.last else f"{time.first} to {time.last}"))
    return rows


def conformance_groups(doc: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Conformance classes by standard as (short name, URI), in alphabetical order."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for uri in sorted({str(uri) for uri in sequence(doc.get("conformsTo"))}):
        match = _CONFORMANCE.fullmatch(uri)
        name = f"{_STANDARDS.get(match[1], match[1])} ({match[2]})" if match else "Other"
        groups.setdefault(name, []).append((match[3] if match else uri, uri))
    return sorted(groups.items(), key=lambda group: (group[0] == "Other", group[0]))


def status_reason(doc: Mapping[str, Any]) -> str:
    """Why a collection cannot be read, empty when it can."""
    status = doc.get("x-ogcapi:status")
    if isinstance(status, Mapping):
        status = status.get("reason") or status.get("detail")
    return text(status)


def kind(value: object, depth: int = 0) -> str:
    """How a JSON value is shown: scalar, url, map, links, table, values, list or compact."""
    if isinstance(value, Mapping):
        return "compact" if depth >= _DEPTH or not value else "map"
    if not isinstance(value, list | tuple):
        return "url" if safe_url(value) else "scalar"
    if not value or depth >= _DEPTH:
        return "compact"
    if all(isinstance(one, Mapping) for one in value):
        if all("href" in one for one in value):
            return "links"
        flat = all(not isinstance(v, Mapping | list | tuple) for one in value for v in one.values())
        return "table" if flat and len(columns(value)) <= 8 else "list"
    if any(isinstance(one, Mapping) for one in value):
        return "list"
    if any(isinstance(one, list | tuple) for one in value):
        return "compact"
    return "list" if len(value) <= SHOWN_ROWS and any(map(safe_url, value)) else "values"


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every key of the rows, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def compact(value: object) -> str:
    """JSON on one line, cut where nobody would read on."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]} …"
