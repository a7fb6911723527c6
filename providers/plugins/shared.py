"""What the plugins share: the data behind a provider definition, its description, and errors in pygeoapi's terms."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from pygeoapi.provider.base import (
    ProviderConnectionError,
    ProviderGenericError,
    ProviderInvalidQueryError,
    ProviderNoDataError,
    ProviderRequestEntityTooLargeError,
)

from config.errors import InvalidParameter, NoData, OgcapiError, SourceUnavailable, TooLarge
from config.settings import Limits, Settings
from providers.cube import Cube, Plan
from providers.render import Renderer
from providers.store import Dataset, Source, Store

from .describe import axis_names, coverage_properties, fields


class SourceUnavailableError(ProviderConnectionError):
    """Data that cannot be opened now."""

    http_status_code = HTTPStatus.SERVICE_UNAVAILABLE


_ERRORS: dict[type[OgcapiError], type[ProviderGenericError]] = {
    InvalidParameter: ProviderInvalidQueryError,
    NoData: ProviderNoDataError,
    TooLarge: ProviderRequestEntityTooLargeError,
    SourceUnavailable: SourceUnavailableError,
}


@contextmanager
def pygeoapi_errors() -> Iterator[None]:
    """Our errors as the ones that pygeoapi's handlers turn into answers; the text is for the client."""
    try:
        yield
    except OgcapiError as error:
        raise _ERRORS.get(type(error), ProviderGenericError)(user_msg=error.detail) from error


@dataclass(frozen=True)
class Engine:
    """What a process keeps between requests."""

    store: Store
    renderer: Renderer
    limits: Limits
    process: int


_engine: Engine | None = None
_making = threading.Lock()


def engine() -> Engine:
    """The engine of this process, made on first use from the settings in the environment (``OGCAPI_…``).

    pygeoapi builds a provider per request and passes it nothing that outlives the request, so this is the one place
    that keeps state in a module. A process forked later makes its own: handles do not survive a fork.
    """
    global _engine
    if _engine is None or _engine.process != os.getpid():
        with _making:
            if _engine is None or _engine.process != os.getpid():
                settings = Settings()
                store = Store(
                    cache_bytes=settings.cache_share,
                    check_interval=settings.check_interval,
                    state=settings.state_dir,
                )
                _engine = Engine(store, Renderer(), settings.limits, os.getpid())
    return _engine


class CubeProvider:
    """Mixed in before one of pygeoapi's provider classes: a definition whose data are opened when first needed.

    The cube is pinned for the life of the provider, which is one request.
    """

    def __init__(self, provider_def: Mapping[str, Any]) -> None:
        super().__init__(provider_def)  # type: ignore[call-arg]
        data = provider_def["data"]
        paths = (data,) if isinstance(data, str) else tuple(data["paths"])
        self._source = Source(paths, dict(provider_def.get("options") or {}))
        self._wanted = provider_def.get("cube")
        self._format: Mapping[str, str] = provider_def.get("format") or {}

    @cached_property
    def data_cube(self) -> Cube:
        """The cube of this request; raises pygeoapi's connection error with the reason."""
        with pygeoapi_errors():
            return _chosen(engine().store.dataset(self._source), self._wanted)

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """Fields as JSON Schema: a copy, because pygeoapi's handlers write into it."""
        return fields(self.data_cube)

    def get_fields(self) -> dict[str, dict[str, Any]]:
        return self.fields

    @property
    def axes(self) -> list[str]:
        """Every name that ``subset`` may use."""
        return axis_names(self.data_cube)

    @axes.setter
    def axes(self, value: list[str]) -> None:
        """pygeoapi's constructor sets an empty list: the data say it."""

    @property
    def _coverage_properties(self) -> dict[str, Any]:
        """What pygeoapi's collection descriptions read from coverage providers."""
        return coverage_properties(self.data_cube)

    def within_limits(self, plan: Plan) -> Plan:
        """The plan when its answer is within the limits of the settings; raises TooLarge."""
        limit = engine().limits.cells
        if plan.values > limit:
            raise TooLarge(f"the answer would hold {plan.values} values; the limit is {limit}")
        return plan


def _chosen(dataset: Dataset, wanted: str | None) -> Cube:
    """The cube named in the configuration, by key or by file; the only one where none is named."""
    found = [
        item.cube
        for item in dataset.cubes
        if wanted is None or wanted in (item.cube.key, item.name, f"{item.name}-{item.cube.key}")
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(item.cube.key or item.name for item in dataset.cubes)
    raise SourceUnavailable(f"the data hold several cubes; cube is one of {names}")
