"""How the pages read JSON of any shape: words, addresses, and which form a value is shown in.

Documents carry titles and links from data of anyone, so nothing here trusts a type or a URL:
a value of the wrong shape is left out of the page rather than breaking it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

#: longer lists are cut, or shown by their ends and their length
SHOWN_ROWS = 200
_DEPTH = 8
_SHOWN_CHARACTERS = 2000

_CRUMBS = {
    "api": "API",
    "openapi": "OpenAPI",
    "stac": "STAC",
    "tileMatrixSets": "Tile matrix sets",
}

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
    """A number, flag or string as people read it; floats without the noise of single precision."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.7g}" if abs(value) < 1e6 else f"{value:.12g}"
    return str(value)


def safe_url(value: object) -> str | None:
    """The value if it is an absolute http(s) address that a link may carry, otherwise None."""
    if not isinstance(value, str) or re.search(r"[\x00-\x20\x7f\\]", value):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None


def credit(value: object, lang: str = "en") -> tuple[str, str | None]:
    """Words and address of a licence or attribution, be it text, a URL or an object of both."""
    parts = mapping(value)
    address = safe_url(parts.get("url") or parts.get("href") or value)
    names = (parts.get("name"), parts.get("title"), address, value)
    return next((words for words in (text(name, lang) for name in names) if words), ""), address


def tail(value: object) -> str:
    """The last part of a URI (``…/def/crs/OGC/1.3/CRS84`` → ``CRS84``); other text as it is."""
    words = text(value)
    is_uri = re.match(r"https?://|urn:|\[?[a-z-]+:[a-z-]+\]?$", words)
    return re.split(r"[/#:]", words.rstrip("/]"))[-1] if is_uri else words


def crs_name(value: object) -> str:
    """``…/def/crs/EPSG/0/3035`` → ``EPSG:3035``; other text as it is."""
    words = text(value)
    match = re.fullmatch(r"https?://www\.opengis\.net/def/crs/([^/]+)/[^/]+/([^/]+)", words)
    return f"{match[1]}:{match[2]}" if match else words


def breadcrumbs(path: str, base_url: str) -> list[tuple[str, str]]:
    """Label and address of the page and everything above it; empty on the landing page."""
    crumbs: list[tuple[str, str]] = []
    address = base_url
    for part in filter(None, path.split("/")):
        address = f"{address}/{quote(part, safe='')}"
        plain = part.capitalize() if part.islower() and part.isalpha() else part
        top = not crumbs or part == "tileMatrixSets"
        crumbs.append((_CRUMBS.get(part, plain) if top else part, address))
    return [("Home", f"{base_url}/"), *crumbs] if crumbs else []


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
