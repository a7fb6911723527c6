"""pygeoapi's ``API`` object made safe to share: one per app, a private view per request."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import pygeoapi.api as core
from pygeoapi import l10n
from pygeoapi.api import API, all_apis
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.provider.base import ProviderQueryError
from pygeoapi.util import json_serial

from config.errors import InvalidParameter
from ogcapi.stock.configuration import Json
from ogcapi.stock.problems import PROBLEM, PROCESS_FAILED, problem_from_stock

LOGGER = logging.getLogger(__name__)


class StockHandlers(API):
    """What pygeoapi's handlers get as ``api``: errors become problems, nothing is shared."""

    job_id: str | None = None
    #: parameters that select from a coverage; a query its provider refuses is the fault of these
    selection: Sequence[str] = ()

    def at(self, base_url: str, *resources: str) -> StockHandlers:
        """A private view for one request: ``base_url`` in links, its own copy of ``resources``.

        Handlers write into the configuration (``validate_datetime``, the list of CRSs) and into the
        manager (``processor``, ``lock``); here they write into a copy that ends with the request.
        """
        view = copy.copy(self)
        config = copy.deepcopy({k: v for k, v in self.config.items() if k != "resources"})
        config["server"]["url"] = base_url
        config["resources"] = {
            key: copy.deepcopy(self.config["resources"][key]) for key in resources
        }
        view.config = view.tpl_config = config
        view.base_url = base_url
        view.api_headers = {}
        view.manager = isolated(self.manager)
        return view

    def get_exception(
        self, status: int, headers: Json, format_: str | None, code: str, description: str
    ) -> tuple[Json, int, bytes]:
        """The one place where pygeoapi's handlers report errors, whatever the format asked for."""
        LOGGER.info("stock handler: %s %s %s", int(status), code, description)
        if status == HTTPStatus.NO_CONTENT:
            return headers, status, b""
        if description == ProviderQueryError.default_msg and self.selection:
            names = ", ".join(self.selection)
            raise InvalidParameter(
                f"Nothing can be selected by {names}: out of range, or not an axis.",
                parameter=self.selection[0],
            )
        if code == "NoSuchJob" or description == self.job_id:
            code, description = "NoSuchJob", "There is no such job."
        status, body = problem_from_stock(status, code, str(description))
        return {**headers, "Content-Type": PROBLEM}, status, body


def isolated(manager: BaseManager) -> BaseManager:
    """A copy of a job manager whose processors own their metadata and tell no internal errors."""
    twin = copy.copy(manager)
    twin.processes = copy.deepcopy(manager.processes)
    load = type(twin).get_processor.__get__(twin)
    twin.get_processor = lambda process_id: _isolated_processor(load(process_id))
    return twin


def _isolated_processor(processor: BaseProcessor) -> BaseProcessor:
    """Handlers append to ``metadata``, the module constant ``PROCESS_METADATA``: give it a copy."""
    processor.metadata = copy.deepcopy(processor.metadata)
    execute = processor.execute

    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return execute(*args, **kwargs)
        except ProcessorExecuteError:
            raise
        except Exception as error:
            LOGGER.exception("process %s failed", processor.name)
            raise ProcessorExecuteError(PROCESS_FAILED) from error

    processor.execute = guarded
    return processor


class DescribedProcesses(BaseManager):
    """A manager that only describes: OpenAPI building makes a manager of its own each time."""

    def __init__(self, manager_def: Json) -> None:
        super().__init__(manager_def)
        self.is_async = manager_def["is_async"]

    def get_processor(self, process_id: str) -> BaseProcessor:
        return _isolated_processor(super().get_processor(process_id))


class _Forgetful(dict[Any, Any]):
    """A cache that keeps nothing."""

    def __setitem__(self, key: Any, value: Any) -> None:
        return


def plain_json(document: Any, pretty: bool = False) -> str:
    """``to_json`` without HTML escapes: ``<`` stays ``<``, and NaN, which JSON has not, is null."""
    options: Json = {"indent": 4 if pretty else None, "separators": (",", ":")}
    try:
        return json.dumps(document, default=json_serial, allow_nan=False, **options)
    except ValueError:
        text = json.dumps(document, default=json_serial)
        return json.dumps(json.loads(text, parse_constant=lambda _: None), **options)


def disarm() -> None:
    """The traps of pygeoapi that only its modules can be told about; each correction is stateless.

    ``l10n._cfg_cache`` keeps the first app's configuration per language for all apps; every
    ``API`` configures the root logger; the handlers' ``to_json`` writes ``&lt;`` into JSON
    (templates keep their escaping one).
    """
    core.setup_logger = lambda _: None
    if not isinstance(l10n._cfg_cache, _Forgetful):
        l10n._cfg_cache = _Forgetful()
    for module in (core, *all_apis().values()):
        if hasattr(module, "to_json"):
            module.to_json = plain_json
