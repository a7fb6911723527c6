"""Errors of the stock handlers as RFC 9457 problems, with nothing internal in their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pygeoapi.error import GenericError
from pygeoapi.plugin import InvalidPluginError
from pygeoapi.provider.base import ProviderConnectionError

from config.errors import OgcapiError, SourceUnavailable, status_of

PROBLEM = "application/problem+json"
PROCESS_FAILED = "the process failed; the log of the server says why"

_PROCESSES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
_TYPES = {
    "NoSuchProcess": f"{_PROCESSES}/no-such-process",
    "NoSuchJob": f"{_PROCESSES}/no-such-job",
    "ResultNotReady": f"{_PROCESSES}/result-not-ready",
}
#: errors of opening a source or of loading its plugin
UNAVAILABLE = (ProviderConnectionError, InvalidPluginError, ImportError, OSError)
_PATH = re.compile(r"(?<![\w.:/])(?:/[\w.@+~ -]*[\w.@+~-])+/?")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    parameter: str | None = None,
    allowed: Iterable[str] | None = None,
) -> bytes:
    """A problem document; ``code`` and ``description`` are for clients of pygeoapi."""
    document: dict[str, Any] = {
        "type": _TYPES.get(code, "about:blank"),
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "description": detail,
    }
    if parameter is not None:
        document["parameter"] = parameter
    if allowed is not None:
        document["allowed"] = list(allowed)
    return json.dumps(document).encode()


def problem_of(error: OgcapiError) -> tuple[int, bytes]:
    """Status and body of one of our own errors."""
    status, code = status_of(error)
    body = problem(
        status, code, error.detail, parameter=error.parameter, allowed=error.allowed or None
    )
    return int(status), body


def problem_from_stock(status: int, code: str, description: str) -> tuple[int, bytes]:
    """The problem for an error of a handler; a failure of the server tells nothing internal."""
    if description == ProviderConnectionError.default_msg:
        return problem_of(SourceUnavailable("The source of this collection cannot be opened."))
    if PROCESS_FAILED in description:
        status, description = HTTPStatus.INTERNAL_SERVER_ERROR, PROCESS_FAILED.capitalize() + "."
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        description = "The server could not answer this request."
    return int(status), problem(status, code, without_paths(description))


def problem_from_body(status: int, body: bytes) -> tuple[int, bytes]:
    """The problem for an error that a handler wrote as JSON or text by itself."""
    try:
        document = json.loads(body)
        code, description = str(document["code"]), str(document["description"])
    except (ValueError, KeyError, TypeError):
        code, description = HTTPStatus(status).name, body.decode("utf-8", "replace")
    return problem_from_stock(status, code, description)


def without_paths(text: str) -> str:
    return _PATH.sub("(path)", text)


def unavailable(collection_id: str, error: BaseException) -> SourceUnavailable:
    """Why a provider cannot be used, by the kind of error: its text may hold paths and secrets."""
    cause = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    if isinstance(error, InvalidPluginError | ImportError | AttributeError):
        reason = "its provider cannot be loaded"
    elif isinstance(cause, OSError) and cause.strerror:
        reason = cause.strerror.lower()
    elif isinstance(error, GenericError) and error.user_msg:
        reason = without_paths(str(error.user_msg))
    else:
        reason = "its source cannot be opened"
    return SourceUnavailable(f"Collection {collection_id} is not available: {reason}.")
