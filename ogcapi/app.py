"""``create_app``: the one place where the parts of a server are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from auth.policy import OpenPolicy, Policy
from config.configuration import Configuration
from config.database import open_database
from config.settings import Settings
from ogcapi import __version__
from ogcapi.budgets import published
from ogcapi.catalogue import CatalogueKeeper, Origin, origin_of_path, origin_of_resource
from ogcapi.context import Context, Services
from ogcapi.dispatcher import Dispatcher
from ogcapi.html import Pages
from ogcapi.views.base import Route
from ogcapi.views.table import view_table
from ogcapi.without_stock import stock_of
from openapi.document import About, Operation, build
from processes.hooks import Hooks
from providers.formats.spool import Spool
from providers.readers.netcdf import LOCK
from providers.render import Renderer
from providers.store import Store


def create_app(
    settings: Settings | None = None,
    *,
    paths: Sequence[str] = (),
    configuration: Configuration | None = None,
    policy: Policy | None = None,
    hooks: Hooks | None = None,
) -> Flask:
    """A WSGI application that serves ``paths`` without configuration, and what ``configuration`` names.

    Every call makes a server of its own; nothing is shared between two but the code. Raises ConfigurationError.
    """
    settings = settings or Settings()
    raw: Mapping[str, Any] = configuration.raw if configuration is not None else {}
    title, description, metadata = _identity(settings, configuration)
    stock = stock_of(raw, title=title, state_dir=settings.state_dir, native_lock=LOCK)
    store = Store(
        cache_bytes=settings.cache_share,
        check_interval=settings.check_interval,
        state=settings.state_dir,
    )
    services = Services(
        settings=settings,
        store=store,
        renderer=Renderer(),
        pages=Pages(title, description=description),
        stock=stock,
        policy=policy or OpenPolicy(),
        hooks=hooks or Hooks(),
        spool=Spool(settings.limits.bytes_spooled),
        title=title,
        description=description,
        metadata=metadata,
    )
    resources = configuration.resources if configuration is not None else {}
    keeper = CatalogueKeeper(
        store,
        open_database(settings),
        origins(paths, configuration),
        [(name, resources.get(name)) for name in stock.listed_collection_ids],
        interval=settings.check_interval,
    )
    definition = ApiDefinition()
    table = view_table(definition.openapi, definition.conformance)
    definition.table = table
    dispatcher = Dispatcher(services, keeper, table, __version__)
    return _flask(dispatcher, settings, keeper, services, definition)


def _flask(
    dispatcher: Dispatcher,
    settings: Settings,
    keeper: CatalogueKeeper,
    services: Services,
    definition: ApiDefinition,
) -> Flask:
    app = Flask("ogcapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.limits.request_body
    app.extensions["ogcapi"] = {"keeper": keeper, "services": services, "definition": definition}

    def dispatch(path: str = "") -> Response:
        return dispatcher(request)

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    for rule, endpoint in (("/", "root"), ("/<path:path>", "all")):
        app.add_url_rule(rule, endpoint, dispatch, methods=methods, provide_automatic_options=False)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        inner = app.wsgi_app
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            inner, x_for=hops, x_proto=hops, x_host=hops, x_port=hops, x_prefix=hops
        )
    return app


def origins(paths: Sequence[str], configuration: Configuration | None) -> list[Origin]:
    """Sources of an app: each path given is one, each configured collection with a ``source`` is one."""
    located = [path if "://" in path else str(Path(path).expanduser().absolute()) for path in paths]
    scope = "paths"
    if configuration is not None:
        scope = f"config:{configuration.files[0].parent.absolute()}"
    found = [origin_of_path(path, scope=scope) for path in located]
    if configuration is not None:
        for name, resource in configuration.resources.items():
            if resource.type == "collection" and resource.source is not None:
                found.append(origin_of_resource(resource, scope=scope))
                assert name == resource.id
    return found


def _identity(
    settings: Settings, configuration: Configuration | None
) -> tuple[str, str, Mapping[str, Any]]:
    """Title, description and metadata of the server."""
    if configuration is None:
        return settings.title, settings.description, {}
    metadata = configuration.metadata.model_dump()
    return (
        _text(metadata.get("title"), settings.language) or settings.title,
        _text(metadata.get("description"), settings.language) or settings.description,
        metadata,
    )


def _text(value: Any, lang: str) -> str | None:
    if isinstance(value, Mapping):
        return str(value.get(lang) or value.get("en") or next(iter(value.values()), "")) or None
    return str(value) if value else None


class ApiDefinition:
    """OpenAPI and conformance, derived from the view table; kept per catalogue and address."""

    def __init__(self) -> None:
        self.table: tuple[Route, ...] = ()
        self._kept: dict[tuple[str, str], Mapping[str, Any]] = {}

    def conformance(self, context: Context) -> list[str]:
        """Classes of all rows and of the stock resources, each once."""
        ours = [name for route in self.table for name in route.conformance]
        return sorted(dict.fromkeys([*ours, *context.services.stock.conformance_classes()]))

    def openapi(self, context: Context) -> Mapping[str, Any]:
        """The API document for the catalogue as it is now."""
        key = (context.catalogue.version, context.base_url)
        known = self._kept.get(key)
        if known is None:
            known = self._build(context)
            if len(self._kept) >= 8:
                self._kept.clear()
            self._kept[key] = known
        return known

    def _build(self, context: Context) -> Mapping[str, Any]:
        services = context.services
        about = About(
            services.title, services.description, __version__, context.base_url, services.metadata,
            published(services.settings.limits),
        )  # fmt: skip
        rows = [_operation(route) for route in self.table if route.documented]
        ids = [item.id for item in context.catalogue.collections.values() if item.kind == "data"]
        return build(about, rows, ids, services.stock.openapi_fragment(context.base_url))


def _operation(route: Route) -> Operation:
    formats = {item.name: item.media_type for item in route.view.representations}
    empty = route.tag in ("Coverages", "Maps", "EDR")
    return Operation(
        route.path, route.operation, route.summary, route.tag, route.parameters, formats, empty,
        route.methods,
    )  # fmt: skip
