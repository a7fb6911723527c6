"""One path for every view: match, authorise, parse, negotiate, estimate, answer, encode; errors become problems."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Map, MapAdapter, RequestRedirect, Rule

from auth.subject import ANONYMOUS
from config.errors import (
    Forbidden,
    InvalidParameter,
    MethodNotAllowed,
    NoData,
    NotFound,
    OgcapiError,
    TooLarge,
)
from ogcapi import budgets, byte_ranges, problems, responses
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import CatalogueKeeper
from ogcapi.context import Context, Params, Services
from ogcapi.html import CONTENT_SECURITY_POLICY, MEDIA_TYPE, static_file
from ogcapi.negotiation import HTML, JSON, Representation
from ogcapi.request_body import params_of
from ogcapi.streamed import Streamed
from ogcapi.views.base import Route
from processes.hooks import Usage

if TYPE_CHECKING:
    from ogcapi.stock import StockRoute

LOG = logging.getLogger(__name__)
_COMMON_PARAMETERS = {"f", "lang"}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, Content-Type, Prefer, Range, "
    "If-None-Match, If-Range",
    "Access-Control-Max-Age": "86400",
}


class Dispatcher:
    """Answers requests from the view table; what pygeoapi's handlers answer passes through here as well."""

    def __init__(
        self, services: Services, keeper: CatalogueKeeper, table: Sequence[Route], software: str
    ) -> None:
        self._services = services
        self._keeper = keeper
        self._software = software
        self._heavy = threading.BoundedSemaphore(1)
        self._routes: dict[str, Route] = {route.operation: route for route in table}
        self._ours = Map(
            [Rule(_werkzeug(route.path), endpoint=route.operation) for route in table],
            strict_slashes=False,
        )
        self._stock_routes = {str(n): route for n, route in enumerate(services.stock.routes())}
        self._stock = Map(
            [
                Rule(route.path, endpoint=name, methods=list(route.methods))
                for name, route in self._stock_routes.items()
            ],
            strict_slashes=False,
        )

    def __call__(self, request: Request) -> Response:
        request_id = secrets.token_hex(8)
        settings = self._services.settings
        try:
            response = byte_ranges.cut(request, self._respond(request, request_id))
        except RequestEntityTooLarge:
            limit = settings.limits.request_body
            error = TooLarge(f"the request body is larger than the limit of {limit} bytes")
            response = self._problem(request, request_id, *problems.problem(error, request_id))
        except NoData:
            response = Response(status=204)
            del response.headers["Content-Type"]
        except OgcapiError as error:
            response = self._problem(request, request_id, *problems.problem(error, request_id))
        except Exception:
            LOG.exception("request %s: %s %s", request_id, request.method, request.path)
            response = self._problem(request, request_id, *problems.unexpected(request_id))
        return responses.finish(
            response, request, settings.cors_origins, {"X-Request-Id": request_id}
        )

    def _respond(self, request: Request, request_id: str) -> Response:
        path = request.path.rstrip("/") or "/"
        if len(request.full_path) > self._services.settings.limits.url_length:
            raise TooLarge(
                f"the address has {len(request.full_path)} characters; the limit is "
                f"{self._services.settings.limits.url_length}"
            )
        if path.startswith("/static/"):
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(
                    f"{request.method}: this resource has GET and HEAD", allowed=["GET", "HEAD"]
                )
            return self._static(request, path.removeprefix("/static/"))
        context = self._context(request, request_id)
        route, arguments, stock = self._match(context, request, path)
        if request.method == "OPTIONS" and (stock is None or "OPTIONS" not in stock.methods):
            return self._options(request, route, path)
        if stock is not None:
            return self._answer_stock(context, request, stock, arguments)
        assert route is not None
        methods = _methods(route)
        if request.method not in methods:
            raise MethodNotAllowed(
                f"{request.method}: this resource has {', '.join(methods)}", allowed=methods
            )
        return self._answer_view(context, request, route, arguments)

    def _context(self, request: Request, request_id: str) -> Context:
        services, subject = self._services, ANONYMOUS
        catalogue = self._keeper.current().filtered(
            lambda name: services.policy.sees(subject, name)
        )
        public = services.settings.public_url
        if public is None and not _HOST.fullmatch(request.host):
            raise InvalidParameter("Host: not a host name", parameter="Host", allowed=["host:port"])
        base_url = str(public).rstrip("/") if public is not None else request.root_url.rstrip("/")
        return Context(
            services, catalogue, request_id, base_url, services.settings.language, subject
        )

    def _match(
        self, context: Context, request: Request, path: str
    ) -> tuple[Route | None, dict[str, str], StockRoute | None]:
        """Our row or a stock route; a stock collection's own resources go to the stock handlers."""
        try:
            operation, arguments = self._ours.bind("server").match(path, "GET")
            route = self._routes[operation]
        except (WerkzeugNotFound, RequestRedirect):
            route, arguments = None, {}
        if route is not None and not self._belongs_to_stock(context, route, arguments):
            return route, dict(arguments), None
        stock, stock_arguments = self._match_stock(self._stock.bind("server"), request.method, path)
        if (
            stock is None
            and request.method == "OPTIONS"
            and self._stock.bind("server").allowed_methods(path)
        ):
            return None, {}, None
        if stock is None:
            raise NotFound("there is no such resource", parameter="path")
        return None, stock_arguments, stock

    def _belongs_to_stock(
        self, context: Context, route: Route, arguments: Mapping[str, str]
    ) -> bool:
        if "collectionId" not in arguments or route.path.endswith("{collectionId}"):
            return False
        item = context.catalogue.collections.get(arguments["collectionId"])
        return item is not None and item.kind == "stock"

    def _match_stock(
        self, adapter: MapAdapter, method: str, path: str
    ) -> tuple[StockRoute | None, dict[str, str]]:
        try:
            name, arguments = adapter.match(path, "GET" if method == "HEAD" else method)
        except WerkzeugMethodNotAllowed as error:
            if method == "OPTIONS":
                return None, {}
            allowed = sorted(error.valid_methods or [])
            raise MethodNotAllowed(
                f"{method}: this resource has {', '.join(allowed)}", allowed=allowed
            ) from error
        except (WerkzeugNotFound, RequestRedirect):
            return None, {}
        return self._stock_routes[name], dict(arguments)

    # our views

    def _answer_view(
        self, context: Context, request: Request, route: Route, arguments: dict[str, str]
    ) -> Response:
        services = self._services
        resource = arguments.get("collectionId", route.path)
        if not services.policy.allows(context.subject, route.action, resource):
            raise Forbidden(f"{route.action}: not allowed for you on {resource}")
        params = params_of(request)
        known = {parameter.name for parameter in route.parameters} | _COMMON_PARAMETERS
        for name in params.names():
            if name not in known:
                raise InvalidParameter(
                    f"{name[:60]}: unknown parameter", parameter=name, allowed=sorted(known)
                )
        if "collectionId" in arguments:
            context.catalogue.get(arguments["collectionId"])
        representation = route.view.representation(
            arguments, params.one("f"), request.accept_mimetypes
        )
        query = route.view.parse(context, params, arguments)
        modified = route.view.modified(context, query)
        etag = self._etag(context, request, route, query, representation, params)
        coding = responses.coding_for(request, representation.media_type)
        current = responses.unchanged(request, etag, modified, coding)
        if current is not None:
            return Response(status=304, headers=_cacheable(current))
        estimate = route.view.estimate(context, query, representation)
        usage = Usage(
            route.operation, resource, *((estimate.values, estimate.nbytes) if estimate else (0, 0))
        )
        budgets.check(estimate, services.settings.limits)
        services.hooks.authorise(context.subject, usage)
        services.hooks.hold(context.subject, usage)
        told = budgets.headers(estimate)
        if request.method == "HEAD" and self._is_large(estimate):
            headers = responses.validators(etag, modified, None) | told
            return Response(headers=_cacheable(headers), content_type=representation.media_type)
        with self._heavy if self._is_heavy(estimate) else nullcontext():
            answer = route.view.answer(context, query, representation)
        answer = replace(answer, headers=told | dict(answer.headers))
        settle = partial(self._settle, context, usage)
        if answer.stream is not None:
            return self._streamed(answer, representation, etag, modified, settle)
        settle()
        return self._response(context, request, answer, representation, etag, modified)

    def _settle(self, context: Context, usage: Usage) -> None:
        self._services.hooks.trace(context.subject, usage)
        self._services.hooks.capture(context.subject, usage)

    def _streamed(
        self,
        answer: Answer,
        form: Representation,
        etag: str | None,
        modified: float | None,
        settle: Callable[[], None],
    ) -> Response:
        """A body that is made while it is sent; what fails before its first bytes is still an error answer."""
        assert answer.stream is not None
        first = next(answer.stream, b"")
        body = Streamed(first, answer.stream, settle)
        headers = dict(answer.headers) | responses.validators(etag, modified, None)
        return Response(
            body,
            answer.status,
            _cacheable(headers),
            content_type=answer.media_type or form.media_type,
        )

    def _etag(
        self,
        context: Context,
        request: Request,
        route: Route,
        query: Any,
        form: Representation,
        params: Params,
    ) -> str | None:
        version = route.view.version(context, query)
        if version is None:
            return None
        address = f"{context.base_url}{request.path}"
        return responses.tag(
            self._software,
            version,
            address,
            form.name,
            params.canonical(without=("f",)),
            context.lang,
        )

    def _is_large(self, estimate: Estimate | None) -> bool:
        limits = self._services.settings.limits
        return estimate is not None and (
            estimate.largest > limits.bytes_buffered or estimate.pixels > limits.pixels // 4
        )

    def _is_heavy(self, estimate: Estimate | None) -> bool:
        """Large images are made one at a time in a worker, so that their memory does not add up."""
        limits = self._services.settings.limits
        return estimate is not None and estimate.pixels > limits.pixels // 4

    def _response(
        self,
        context: Context,
        request: Request,
        answer: Answer,
        form: Representation,
        etag: str | None,
        modified: float | None,
    ) -> Response:
        headers = dict(answer.headers)
        if answer.body is not None:
            body, media_type = answer.body, answer.media_type or form.media_type
        elif form is HTML and answer.template is not None:
            assert answer.document is not None
            body, media_type = self._page(context, request, answer), MEDIA_TYPE
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        else:
            body, media_type = (
                orjson.dumps(answer.document, option=orjson.OPT_SERIALIZE_NUMPY),
                answer.media_type or form.media_type,
            )
        if etag is None and "Cache-Control" not in headers:
            etag = hashlib.sha256(body).hexdigest()[:32]
            coding = responses.coding_for(request, media_type)
            current = responses.unchanged(request, etag, modified, coding)
            if current is not None:
                return Response(status=304, headers=_cacheable(current))
        body, coding = responses.encode(body, responses.coding_for(request, media_type))
        if coding is not None:
            headers["Content-Encoding"] = coding
        headers |= responses.validators(etag, modified, coding)
        headers["Content-Language"] = context.lang
        headers["Content-Digest"] = responses.digest(body)
        return Response(body, answer.status, _cacheable(headers), content_type=media_type)

    def _page(self, context: Context, request: Request, answer: Answer) -> bytes:
        assert answer.template is not None
        assert answer.document is not None
        return self._services.pages.render(
            answer.template,
            doc=answer.document,
            base_url=context.base_url,
            path=request.path,
            lang=context.lang,
            **answer.extra,
        )

    # everything else

    def _answer_stock(
        self, context: Context, request: Request, route: StockRoute, arguments: dict[str, str]
    ) -> Response:
        action = route.action_of(request)
        resource = arguments.get("collection_id") or arguments.get("process_id") or request.path
        if not self._services.policy.allows(context.subject, action, resource):
            raise Forbidden(f"{action}: not allowed for you on {resource}")
        status, headers, body = self._services.stock.handle(
            route, request, context.base_url, **arguments
        )
        kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        media_type = headers.get("Content-Type", "application/octet-stream")
        if request.method in ("GET", "HEAD") and status == 200:
            etag = hashlib.sha256(body).hexdigest()[:32]
            coding = responses.coding_for(request, media_type)
            current = responses.unchanged(request, etag, None, coding)
            if current is not None:
                return Response(status=304, headers=_cacheable(current))
            body, coding = responses.encode(body, coding)
            kept |= _cacheable(responses.validators(etag, None, coding))
            if coding is not None:
                kept["Content-Encoding"] = coding
        return Response(body, status, kept, content_type=media_type)

    def _options(self, request: Request, route: Route | None, path: str) -> Response:
        if route is not None:
            methods = _methods(route)
        else:
            methods = sorted({*self._stock.bind("server").allowed_methods(path), "OPTIONS"})
        headers = {"Allow": ", ".join(methods)}
        if responses.allow_origin(request, self._services.settings.cors_origins) is not None:
            headers |= _PREFLIGHT
        return Response(status=204, headers=headers)

    def _static(self, request: Request, name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise NotFound("there is no such file", parameter="path")
        body, media_type, etag = found
        plain = etag.strip('"')
        coding = responses.coding_for(request, media_type)
        headers = {"Cache-Control": "public, max-age=3600"}
        current = responses.unchanged(request, plain, None, coding)
        if current is not None:
            return Response(status=304, headers=headers | current)
        body, coding = responses.encode(body, coding)
        headers |= responses.validators(plain, None, coding)
        if coding is not None:
            headers["Content-Encoding"] = coding
        return Response(body, headers=headers, content_type=media_type)

    def _problem(
        self, request: Request, request_id: str, status: int, document: dict[str, Any]
    ) -> Response:
        headers = {"Cache-Control": "no-store"}
        if status == 405:
            headers["Allow"] = ", ".join(document.get("allowed", []))
        if status == 416:
            headers["Content-Range"] = document["allowed"][0]
        if status == 503:
            headers["Retry-After"] = "5"
        form = _problem_form(request)
        if form is HTML:
            public = self._services.settings.public_url
            base_url = (
                str(public).rstrip("/") if public is not None else request.root_url.rstrip("/")
            )
            body = self._services.pages.render(
                "problem.html", doc=document, base_url=base_url, path=request.path
            )
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            return Response(body, status, headers, content_type=MEDIA_TYPE)
        return Response(orjson.dumps(document), status, headers, content_type=problems.MEDIA_TYPE)


def _problem_form(request: Request) -> Representation:
    """A page only for those who name text/html: browsers; everybody else reads the problem document."""
    if request.args.get("f") not in (None, "html"):
        return JSON
    accept = request.accept_mimetypes
    named = any(
        value.split(";")[0].strip().lower() == "text/html"
        for value, quality in accept
        if quality > 0
    )
    return HTML if named and accept["text/html"] >= accept["application/json"] else JSON


def _cacheable(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with a Cache-Control that lets caches keep an answer as long as they ask whether it is current."""
    return {"Cache-Control": "public, no-cache", **headers}


def _methods(route: Route) -> list[str]:
    more = ("HEAD",) if "GET" in route.methods else ()
    return [*route.methods, *more, "OPTIONS"]


def _werkzeug(path: str) -> str:
    return path.replace("{key}", "{path:key}").replace("{", "<").replace("}", ">")
