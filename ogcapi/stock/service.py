"""``StockApi``: the collections and processes of a configuration that pygeoapi itself answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from typing import Any
from urllib.parse import urlencode

import pygeoapi.api as core
from flask import Request
from pygeoapi.api import APIRequest
from pygeoapi.api.collection import gen_collection
from pygeoapi.util import get_dataset_formatters
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import create_environ

from config.errors import InvalidParameter, NotFound, OgcapiError, SourceUnavailable
from ogcapi.stock import openapi
from ogcapi.stock.configuration import Json, stock_configuration
from ogcapi.stock.handlers import StockHandlers, disarm, plain_json
from ogcapi.stock.problems import (
    PROBLEM,
    UNAVAILABLE,
    problem_from_body,
    problem_from_stock,
    problem_of,
    unavailable,
)
from ogcapi.stock.routes import (
    GEOJSON,
    Answer,
    StockRoute,
    collection_routes,
    process_routes,
    tile_matrix_set_routes,
)
from ogcapi.stock.validation import check_execution, checked, known_parameters

LOGGER = logging.getLogger(__name__)

#: Stock providers over libraries that end the interpreter when two threads enter them.
UNSAFE_PROVIDERS = {"xarray", "xarray-edr"}
#: Stock providers that read one local file, some of which serve nothing where it is missing.
FILE_PROVIDERS = {"CSV", "GeoJSON", "SQLiteGPKG", "TinyDB", "TinyDBCatalogue"}
DROPPED_HEADERS = {"x-powered-by", "server", "content-encoding", "content-length"}

_NATIVE_LOCK = RLock()


class StockApi:
    """A stock pygeoapi inside one app; cheap to make, many in one process, safe across threads.

    ``native_lock`` is held around handlers of xarray providers: netCDF and HDF5 take one thread per
    process, so give the lock that other readers of the process hold.
    """

    def __init__(
        self,
        raw_configuration: Mapping[str, Any],
        *,
        title: str = "OGC API",
        state_dir: Path,
        native_lock: AbstractContextManager[Any] = _NATIVE_LOCK,
    ) -> None:
        self._config = stock_configuration(raw_configuration, title, state_dir)
        self._state_dir = state_dir
        self._native_lock = native_lock
        self._api: StockHandlers | None = None
        self._building = Lock()

    @cached_property
    def collection_ids(self) -> tuple[str, ...]:
        return self._ids("collection")

    @cached_property
    def listed_collection_ids(self) -> tuple[str, ...]:
        """Without those of ``visibility: hidden``, which are served but not listed."""
        resources = self._config["resources"]
        return tuple(
            key for key in self.collection_ids if resources[key].get("visibility") != "hidden"
        )

    @cached_property
    def process_ids(self) -> tuple[str, ...]:
        return self._ids("process")

    def routes(self) -> Sequence[StockRoute]:
        """Routes that some stock resource can answer."""
        routes = [route for route in collection_routes() if self._types & set(route.provider_types)]
        if "tile" in self._types:
            routes.extend(tile_matrix_set_routes())
        if self.process_ids:
            routes.extend(process_routes())
        return routes

    def describe(self, collection_id: str, base_url: str, lang: str | None = None) -> Json:
        """The collection document; SourceUnavailable when its provider cannot be used."""
        api = self._view(base_url, collection_id)
        environ = create_environ(query_string=urlencode({"lang": lang} if lang else {}))
        request = APIRequest.from_flask(Request(environ), api.locales)
        try:
            _refuse_missing_file(api.config["resources"][collection_id])
            with self._lock(api.config["resources"][collection_id]):
                document = gen_collection(api, request, collection_id, request.locale)
        except OgcapiError:
            raise
        except Exception as error:
            LOGGER.warning("collection %s", collection_id, exc_info=True)
            raise unavailable(collection_id, error) from error
        result: Json = json.loads(plain_json(document))
        return result

    def handle(
        self, route: StockRoute, request: Request, base_url: str, **path: str
    ) -> tuple[int, Json, bytes]:
        """Status, headers and body of pygeoapi's answer; every error is a problem document."""
        try:
            return self._answer(route, request, base_url, path)
        except RequestEntityTooLarge:
            raise  # the dispatcher knows the limit
        except OgcapiError as error:
            status, body = problem_of(error)
        except Exception as error:
            LOGGER.exception("%s", request.path)
            if isinstance(error, IndexError) and "tile_row" in path:
                status, body = problem_of(NotFound("There is no such tile."))
            elif isinstance(error, UNAVAILABLE) and "collection_id" in path:
                status, body = problem_of(unavailable(path["collection_id"], error))
            else:
                status, body = problem_from_stock(500, "NoApplicableCode", "")
        return status, {"Content-Type": PROBLEM}, body

    def conformance_classes(self) -> list[str]:
        """Classes of the stock resources; those of Common are the server's own to declare."""
        if not self._config["resources"]:
            return []
        api = self._view("", *self._config["resources"])
        request = APIRequest.from_flask(Request(create_environ()), api.locales)
        classes = set(json.loads(core.conformance(api, request)[2])["conformsTo"])
        return sorted(classes - set(core.CONFORMANCE_CLASSES))

    def openapi_fragment(self, base_url: str) -> Json:
        """``paths`` and ``components`` of the listed resources, read from the providers anew."""
        paths: Json = {}
        for key in self.listed_collection_ids:
            paths |= self._collection_paths(key, base_url, self.routes())
        api = self._view(base_url, *self.process_ids)
        if self.process_ids:
            paths |= openapi.process_paths(api, process_routes())
        return {"paths": paths, "components": openapi.components(api, paths)}

    def _ids(self, kind: str) -> tuple[str, ...]:
        return tuple(k for k, v in self._config["resources"].items() if v["type"] == kind)

    @cached_property
    def _types(self) -> set[str]:
        resources = self._config["resources"]
        return {p["type"] for key in self.collection_ids for p in resources[key]["providers"]}

    def _view(self, base_url: str, *resources: str) -> StockHandlers:
        """pygeoapi's object for one call, built on first use."""
        unknown = [key for key in resources if key not in self._config["resources"]]
        if unknown:
            raise NotFound(f"There is no collection or process {unknown[0]}.")
        with self._building:
            if self._api is None:
                disarm()
                (self._state_dir / "stock-jobs").mkdir(parents=True, exist_ok=True)
                self._api = StockHandlers(self._config, {})
        return self._api.at(base_url, *resources)

    def _lock(self, resource: Json | None) -> AbstractContextManager[Any]:
        names = {provider["name"] for provider in (resource or {}).get("providers", [])}
        return self._native_lock if names & UNSAFE_PROVIDERS else nullcontext()

    def _answer(
        self, route: StockRoute, request: Request, base_url: str, path: dict[str, str]
    ) -> tuple[int, Json, bytes]:
        key = path.get("collection_id") or path.get("process_id")
        if path.get("process_id") and key not in self.process_ids:
            raise NotFound(f"There is no process {key}.")
        api = self._view(base_url, *([key] if key else []))
        api.job_id = path.get("job_id")
        resource = api.config["resources"].get(key)
        if route.provider_types:
            types = {provider["type"] for provider in resource.get("providers", [])}
            if not types & set(route.provider_types):
                raise NotFound(f"Collection {key} has no {route.path.rsplit('/', 1)[1]}.")
        _refuse_missing_file(resource)
        self._check_names(route, request, base_url, key)
        arguments = checked(route, request.args)
        if route.action == "run" and request.method == "POST":
            check_execution(request.data)
        api_request = _negotiated(route, request, arguments, resource, api)
        if "coverage" in route.provider_types[:1]:
            api.selection = [n for n in arguments if n in ("bbox", "subset", "datetime")]
        with self._lock(resource):
            return _finished(route, route.handler(api, api_request, path), request.path)

    def _check_names(
        self, route: StockRoute, request: Request, base_url: str, key: str | None
    ) -> None:
        """Refuses unknown parameters; asks the provider about those that may be properties."""
        accepted: set[str] = {"f", "lang"} | route.parameters
        if key and route.formatters and not accepted.issuperset(request.args):
            providers = self._config["resources"][key]["providers"]
            if any(provider.get("include_extra_query_parameters") for provider in providers):
                return
            accepted |= openapi.parameter_names(self._collection_paths(key, base_url, [route]))
        known_parameters(request.args, accepted)

    def _collection_paths(self, key: str, base_url: str, routes: Iterable[StockRoute]) -> Json:
        api = self._view(base_url, key)
        with self._lock(api.config["resources"][key]):
            return openapi.collection_paths(api, key, routes)


def _refuse_missing_file(resource: Json | None) -> None:
    for provider in (resource or {}).get("providers", []):
        data = provider.get("data")
        is_file = provider["name"] in FILE_PROVIDERS and not provider.get("editable")
        if is_file and isinstance(data, str) and not Path(data).exists():
            raise SourceUnavailable("The source of this collection is missing.")


def _negotiated(
    route: StockRoute,
    request: Request,
    arguments: dict[str, str],
    resource: Json | None,
    api: StockHandlers,
) -> APIRequest:
    """pygeoapi's request with a format this route has, or none; ``Prefer`` as pygeoapi reads it."""
    media = dict.fromkeys(route.formats, "")
    native = None
    for provider in (resource or {}).get("providers", []):
        if route.native and provider["type"] in route.provider_types and "format" in provider:
            native = provider["format"]["name"]
            media[native] = provider["format"].get("mimetype", "")
    if route.formatters and resource:
        media |= {f.f: f.mimetype for f in get_dataset_formatters(resource).values()}
    result = APIRequest.from_flask(request, api.locales)
    extra = {name: type_ for name, type_ in media.items() if type_}
    asked = result._get_format(request.headers, extra)
    chosen = {name.lower(): name for name in media}.get((asked or "").lower())
    if arguments.get("f") and not chosen:
        raise InvalidParameter(
            f"Format {arguments['f']} is not offered here.", parameter="f", allowed=media
        )
    chosen = chosen or (native if route.default_format == "native" else route.default_format)
    result._format = chosen
    result._args = {**arguments, "f": chosen} if chosen else arguments
    if not chosen:
        result._headers.pop("Accept", None)
    if "respond-async" in request.headers.get("Prefer", ""):
        result._headers["Prefer"] = "respond-async"
    return result


def _finished(route: StockRoute, answer: Answer, path: str) -> tuple[int, Json, bytes]:
    """The answer as bytes, its headers freed of pygeoapi's own, its errors as problems."""
    headers, status, content = answer
    body = content.encode() if isinstance(content, str) else bytes(content or b"")
    kept = {
        name.title(): str(value)
        for name, value in headers.items()
        if name.lower() not in DROPPED_HEADERS
    }
    kept.setdefault("Content-Type", "application/json")
    if status >= 400 and kept["Content-Type"] != PROBLEM:
        status, body = problem_from_body(int(status), body)
        kept["Content-Type"] = PROBLEM
    if "/items" in route.path and kept["Content-Type"] == "application/json":
        kept["Content-Type"] = GEOJSON
    return int(status), kept, body
