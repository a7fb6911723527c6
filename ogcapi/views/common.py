"""OGC API Common Part 1: landing page, conformance, API definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ogcapi.answer import Answer
from ogcapi.context import Context
from ogcapi.negotiation import HTML, JSON, Representation
from ogcapi.views.base import View

OPENAPI_JSON = Representation(
    "json",
    "application/vnd.oai.openapi+json;version=3.0",
    ("application/json", "application/openapi+json"),
    "OpenAPI 3.0",
)
OPENAPI_YAML = Representation(
    "yaml", "application/vnd.oai.openapi;version=3.0", ("application/yaml",), "OpenAPI 3.0, YAML"
)


class Landing(View):
    """``/``."""

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        base, services = context.base_url, context.services
        rel = "http://www.opengis.net/def/rel/ogc/1.0/"
        links = [
            ("self", "application/json", "This document", f"{base}/?f=json"),
            ("alternate", "text/html", "This document as a page", f"{base}/?f=html"),
            ("service-desc", OPENAPI_JSON.media_type, "API definition", f"{base}/openapi?f=json"),
            ("service-meta", OPENAPI_JSON.media_type, "Limits", f"{base}/openapi?f=json"),
            ("service-doc", "text/html", "API documentation", f"{base}/api"),
            ("conformance", "application/json", "Conformance", f"{base}/conformance?f=json"),
            (f"{rel}conformance", "application/json", "Conformance", f"{base}/conformance?f=json"),
            ("data", "application/json", "Collections", f"{base}/collections?f=json"),
            (f"{rel}data", "application/json", "Collections", f"{base}/collections?f=json"),
        ]
        if services.stock.process_ids:
            links.append(
                (f"{rel}processes", "application/json", "Processes", f"{base}/processes?f=json")
            )
            links.append((f"{rel}job-list", "application/json", "Jobs", f"{base}/jobs?f=json"))
        document: dict[str, Any] = {
            "title": services.title,
            "description": services.description,
            "links": [
                {"rel": rel_, "type": type_, "title": title, "href": href}
                for rel_, type_, title, href in links
            ],
        }
        if services.metadata.get("keywords"):
            document["keywords"] = services.metadata["keywords"]
        return Answer(document=document, template="landing.html")


class Conformance(View):
    """``/conformance``: the union of what the rows of the view table declare."""

    def __init__(self, classes: Callable[[Context], list[str]]) -> None:
        self._classes = classes

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        return Answer(document={"conformsTo": self._classes(context)}, template="conformance.html")


class ApiDefinition(View):
    """``/openapi``: the document of the view table."""

    representations: ClassVar = (OPENAPI_JSON, OPENAPI_YAML, HTML)

    def __init__(self, build: Callable[[Context], Mapping[str, Any]]) -> None:
        self._build = build

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        if representation is HTML:
            return _api_page(context)
        document = self._build(context)
        if representation is OPENAPI_YAML:
            import yaml

            text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
            return Answer(body=text.encode(), media_type=representation.media_type)
        return Answer(document=document)


class ApiDocumentation(View):
    """``/api``: the API definition as a page to read and try; the definition itself for clients that ask for it."""

    representations: ClassVar = (HTML, OPENAPI_JSON)

    def __init__(self, build: Callable[[Context], Mapping[str, Any]]) -> None:
        self._build = build

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        return (
            _api_page(context) if representation is HTML else Answer(document=self._build(context))
        )


def _api_page(context: Context) -> Answer:
    return Answer(
        document={"title": context.services.title, "links": []},
        template="api.html",
        extra={"openapi_url": f"{context.base_url}/openapi?f=json"},
    )


class Alive(View):
    """``/health/live``: the process answers."""

    representations: ClassVar = (JSON,)

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        return Answer(document={"status": "alive"}, headers={"Cache-Control": "no-store"})


class Ready(Alive):
    """``/health/ready``: the catalogue is built; broken collections are named with their reason."""

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        broken = context.catalogue.broken
        document: dict[str, Any] = {
            "status": "ready" if not broken else "degraded",
            "collections": len(context.catalogue.collections),
            "unavailable": [{"id": name, "reason": reason} for name, reason in broken.items()],
        }
        return Answer(document=document, headers={"Cache-Control": "no-store"})
