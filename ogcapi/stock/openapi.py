"""OpenAPI of the stock routes: pygeoapi's, made valid, complete and free of remote references."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from pygeoapi.api import all_apis, processes
from pygeoapi.openapi import get_oas_30_parameters

from ogcapi.stock.configuration import Json
from ogcapi.stock.handlers import DescribedProcesses, StockHandlers
from ogcapi.stock.routes import StockRoute

LOGGER = logging.getLogger(__name__)

PREFIX = "pygeoapi."
_MODULES = {"feature": "itemtypes", "record": "itemtypes"}
_TYPES = {"string", "number", "integer", "boolean", "array", "object"}
_SCHEMA_KEYS = {"type", "format", "enum", "items", "title", "description", "minimum", "maximum"}
_PUBLISHED = ("GET", "POST", "PUT", "DELETE")


def collection_paths(api: StockHandlers, collection_id: str, routes: Iterable[StockRoute]) -> Json:
    """Paths of one collection; ``api`` is a view that holds no other resource."""
    resource = api.config["resources"][collection_id]
    types = {provider["type"] for provider in resource["providers"]}
    declared: Json = {}
    for name in sorted({_MODULES.get(type_, type_) for type_ in types} & set(all_apis())):
        try:
            declared |= all_apis()[name].get_oas_30(api.config, api.default_locale)[1]["paths"]
        except Exception:
            LOGGER.exception("collection %s declares no OpenAPI of %s", collection_id, name)
    routes = [route for route in routes if types & set(route.provider_types)]
    return _paths(declared, routes, {"collection_id": collection_id}, collection_id)


def process_paths(api: StockHandlers, routes: Iterable[StockRoute]) -> Json:
    """Paths of processes and jobs, described by a manager that has no side effects."""
    manager = f"{DescribedProcesses.__module__}.{DescribedProcesses.__name__}"
    config = copy.deepcopy(api.config)
    config["server"]["manager"] = {"name": manager, "is_async": api.manager.is_async}
    declared = processes.get_oas_30(config, api.default_locale)[1]["paths"]
    paths: Json = {}
    for route in routes:
        ids = config["resources"] if "process_id" in route.path else [""]
        for process_id in ids:
            paths |= _merged(
                paths, _paths(declared, [route], {"process_id": process_id}, process_id or "jobs")
            )
    return paths


def components(api: StockHandlers, paths: Json) -> Json:
    """The parameters of pygeoapi that ``paths`` refer to, under names that collide with none."""
    parameters = get_oas_30_parameters(api.config, api.default_locale)
    used = {ref.rsplit("/", 1)[1] for ref in _references(paths)}
    return {
        "parameters": {
            f"{PREFIX}{key}": copy.deepcopy(value)
            for key, value in parameters.items()
            if f"{PREFIX}{key}" in used
        }
    }


def parameter_names(paths: Json) -> set[str]:
    """Names of every query parameter of ``paths``."""
    operations = (operation for path in paths.values() for operation in path.values())
    return {_name(parameter) for operation in operations for parameter in operation["parameters"]}


def _paths(declared: Json, routes: Iterable[StockRoute], ids: dict[str, str], tag: str) -> Json:
    """An operation per route: pygeoapi's where it has one, else made from the route (never for EDR,
    whose declared paths tell which queries the provider can do)."""
    known = {_shape(path): operations for path, operations in declared.items()}
    paths: Json = {}
    for route in routes:
        path = _template(route.path, ids)
        for method in set(route.methods) & set(_PUBLISHED):
            operation = known.get(_shape(path), {}).get(method.lower())
            if operation is None and (method != "GET" or "edr" in route.provider_types):
                continue
            paths.setdefault(path, {})[method.lower()] = _operation(
                operation or {}, route, path, method, tag
            )
    return paths


def _operation(declared: Json, route: StockRoute, path: str, method: str, tag: str) -> Json:
    given = [p for p in map(_parameter, declared.get("parameters", [])) if p]
    in_path = re.findall(r"\{(\w+)\}", path)
    parameters = {
        (_name(p), _place(p)): p for p in given if _place(p) != "path" or _name(p) in in_path
    }
    for name in in_path:
        parameters.setdefault((name, "path"), _stub(name, "path"))
    for name in sorted(route.parameters | ({"f", "lang"} if method == "GET" else set())):
        parameters.setdefault((name, "query"), _stub(name, "query"))
    responses = declared.get("responses") or {"200": {"$ref": "200"}}
    operation: Json = {
        "summary": declared.get("summary") or f"{path.rsplit('/', 1)[1]} of {tag}",
        "tags": [tag],
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "parameters": list(parameters.values()),
        "responses": {status: _response(status, body) for status, body in responses.items()},
    }
    if "description" in declared:
        operation["description"] = declared["description"]
    if "requestBody" in declared:
        operation["requestBody"] = _local(declared["requestBody"])
    return operation


def _parameter(declared: Json) -> Json | None:
    """A declared parameter as a reference to ours or its definition tidied; None if no use."""
    reference = declared.get("$ref")
    if reference is None:
        schema = declared.get("schema", {})
        tidy = {
            key: schema[key] for key in schema if key in _SCHEMA_KEYS and schema[key] is not None
        }
        if tidy.get("type") not in _TYPES:
            tidy["type"] = "number" if tidy.get("type") == "float" else "string"
        return {**declared, "schema": {**schema, **tidy} if "default" in schema else tidy}
    name = reference.rsplit("/", 1)[1]
    if name == "vendorSpecificParameters" or not reference.startswith("#"):
        return None  # the route names those that are read
    return {"$ref": f"#/components/parameters/{PREFIX}{name}"}


def _response(status: str, declared: Json) -> Json:
    phrase = HTTPStatus(int(status)).phrase if status.isdigit() else "Error"
    if "$ref" in declared:
        return {"description": phrase}
    return {"description": phrase, **_local(declared)}


def _local(node: Any) -> Any:
    """``node`` with every reference replaced by a schema that says where to read on."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            return {"description": f"See {node['$ref']}"}
        return {key: _local(value) for key, value in node.items()}
    return [_local(value) for value in node] if isinstance(node, list) else node


def _stub(name: str, place: str) -> Json:
    if name in ("f", "lang"):
        return {"$ref": f"#/components/parameters/{PREFIX}{name}"}
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}


def _name(parameter: Json) -> str:
    reference = parameter.get("$ref", "")
    name: str = parameter.get("name") or reference.rsplit(PREFIX, 1)[-1]
    return name.removesuffix("-epsg")


def _place(parameter: Json) -> str:
    return str(parameter.get("in", "query"))


def _template(path: str, ids: dict[str, str]) -> str:
    """``/a/<b>/<path:c>`` as ``/a/{b}/{c}``, with the values of ``ids`` put in."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ids.get(match[1]) or f"{{{match[1]}}}", path)


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _merged(paths: Json, more: Json) -> Json:
    return {path: {**paths.get(path, {}), **operations} for path, operations in more.items()}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
