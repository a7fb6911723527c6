"""Errors as RFC 9457 problem documents; pygeoapi's ``code`` and ``description`` stay beside them for old clients."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from config.errors import OgcapiError, status_of

MEDIA_TYPE = "application/problem+json"


def problem(error: OgcapiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """HTTP status and document of an error."""
    status, code = status_of(error)
    document: dict[str, Any] = {
        "type": f"http://www.opengis.net/def/exceptions/ogcapi/1.0/{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": error.detail,
        "instance": f"urn:request:{request_id}",
        "code": code,
        "description": error.detail,
    }
    if error.parameter is not None:
        document["parameter"] = error.parameter
    if error.allowed is not None:
        document["allowed"] = error.allowed[:100]
    return int(status), document


def unexpected(request_id: str) -> tuple[int, dict[str, Any]]:
    """An error we did not foresee: nothing of it leaves the server but the id that finds it in the log."""
    error = OgcapiError(f"an error of the server; its operators find it in the log as {request_id}")
    status, document = problem(error, request_id)
    document["title"] = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
    return status, document
