"""OpenAPI 3.0 of the view table: one path item per row, collection ids as an enumeration while they are few."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .parameters import Parameter, format_parameter

_MOST_IDS = 200
"""With more collections than this the document does not list them: it would be all that it holds."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PATHS = {
    "collectionId": "Id of a collection.",
    "instanceId": "Id of a run: `20260101T000000Z`.",
    "key": "Key of the Zarr group: `zarr.json`, `t2m/c/0/1/2`.",
}
_ERRORS = {
    "400": "A parameter is unknown, malformed or out of range.",
    "404": "There is no such resource.",
    "406": "No representation has a type that the client accepts.",
    "413": "The answer would be over a limit.",
    "416": "The range is beyond the end of the answer.",
    "500": "An error of the server.",
    "503": "The data source is not available now.",
}


@dataclass(frozen=True)
class Operation:
    """One row of the view table as the document needs it."""

    path: str
    operation: str
    summary: str
    tag: str
    parameters: Sequence[Parameter]
    formats: Mapping[str, str]
    """``f=`` name → media type."""
    may_be_empty: bool = False
    methods: Sequence[str] = ("GET",)


@dataclass(frozen=True)
class About:
    """What the document says of the server; ``limits`` by kind of resource (19-087, recommendation on limits)."""

    title: str
    description: str
    version: str
    base_url: str
    metadata: Mapping[str, Any]
    limits: Mapping[str, Any]


def build(
    about: About,
    operations: Iterable[Operation],
    collection_ids: Sequence[str],
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document. ``extra`` holds further ``paths`` and ``components`` (those of stock collections)."""
    rows = list(operations)
    fragment = extra or {}
    paths = {row.path: _path_item(row, collection_ids) for row in rows}
    paths.update(fragment.get("paths", {}))
    components: dict[str, Any] = {"schemas": {"problem": _PROBLEM}, "responses": _responses()}
    for kind, items in fragment.get("components", {}).items():
        components.setdefault(kind, {}).update(items)
    return {
        "openapi": "3.0.3",
        "info": _info(about),
        "servers": [{"url": about.base_url}],
        "tags": [{"name": name} for name in dict.fromkeys(row.tag for row in rows)],
        "paths": paths,
        "components": components,
    }


def _info(about: About) -> dict[str, Any]:
    info: dict[str, Any] = {
        "title": about.title,
        "description": about.description,
        "version": about.version,
        "x-keywords": list(about.metadata.get("keywords", [])),
        "x-OGC-limits": dict(about.limits),
    }
    licence = about.metadata.get("license")
    if isinstance(licence, Mapping) and licence.get("name"):
        info["license"] = {key: str(licence[key]) for key in ("name", "url") if licence.get(key)}
    return info


def _path_item(row: Operation, collection_ids: Sequence[str]) -> dict[str, Any]:
    item = {"get": _operation(row, collection_ids)}
    if "POST" in row.methods:
        query = [entry for entry in item["get"]["parameters"] if entry["in"] == "query"]
        item["post"] = {
            **item["get"],
            "operationId": f"{row.operation}Post",
            "parameters": [entry for entry in item["get"]["parameters"] if entry["in"] == "path"],
            "requestBody": {"required": True, "content": _body(query)},
        }
    return item


def _body(query: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of a query as an object, in JSON or from a form."""
    schema = {
        "type": "object",
        "required": [entry["name"] for entry in query if entry["required"]],
        "properties": {
            entry["name"]: {**entry["schema"], "description": entry["description"]}
            for entry in query
        },
    }
    if not schema["required"]:
        del schema["required"]
    media_types = ("application/json", "application/x-www-form-urlencoded")
    return {media_type: {"schema": schema} for media_type in media_types}


def _operation(row: Operation, collection_ids: Sequence[str]) -> dict[str, Any]:
    parameters = [item.document() for item in row.parameters]
    for name in reversed(_PLACEHOLDER.findall(row.path)):
        parameters.insert(0, _path_parameter(name, collection_ids))
    parameters.append(format_parameter(tuple(row.formats)).document())
    content = {
        media_type: {"schema": _schema_of(media_type)} for media_type in row.formats.values()
    }
    responses: dict[str, Any] = {"200": {"description": row.summary, "content": content}}
    if row.may_be_empty:
        responses["204"] = {"description": "A valid request that selects no data."}
    responses["206"] = {"description": "The part of the answer that Range names."}
    responses["304"] = {"description": "Not modified since the version named by If-None-Match."}
    responses.update({status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS})
    return {
        "operationId": row.operation,
        "summary": row.summary,
        "tags": [row.tag],
        "parameters": parameters,
        "responses": responses,
    }


def _path_parameter(name: str, collection_ids: Sequence[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name == "collectionId" and 0 < len(collection_ids) <= _MOST_IDS:
        schema["enum"] = list(collection_ids)
    return Parameter(name, _PATHS[name], schema, location="path").document()


def _schema_of(media_type: str) -> dict[str, Any]:
    if "json" in media_type:
        return {"type": "object"}
    return (
        {"type": "string"}
        if media_type.startswith("text/")
        else {"type": "string", "format": "binary"}
    )


def _responses() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {status: {"description": text, "content": content} for status, text in _ERRORS.items()}


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "parameter": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
        "code": {"type": "string"},
        "description": {"type": "string"},
    },
}
