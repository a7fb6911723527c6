"""The errors of the server, and the one table that turns them into HTTP.

Code raises the class that names what went wrong; nobody below the dispatcher knows a status code.
Messages are read by clients: they name the parameter and what is allowed, never a path or a stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus


class OgcapiError(Exception):
    """Base of every error whose text may be shown to a client.

    ``parameter`` is the request parameter (or configuration key) at fault, ``allowed`` what it may be.
    """

    def __init__(
        self, detail: str, *, parameter: str | None = None, allowed: Iterable[object] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.parameter = parameter
        self.allowed = None if allowed is None else [str(value) for value in allowed]


class InvalidParameter(OgcapiError):
    """A parameter that is unknown, malformed or out of range."""


class Unauthorized(OgcapiError):
    """No identity, or one that could not be verified."""


class Forbidden(OgcapiError):
    """A known identity that may not do this."""


class NotFound(OgcapiError):
    """A collection, job or page that does not exist (or is hidden from the subject)."""


class MethodNotAllowed(OgcapiError):
    """The path exists, the method does not."""


class NotAcceptable(OgcapiError):
    """No representation the client accepts."""


class TooLarge(OgcapiError):
    """An answer over a budget; the text names the limit and the estimate."""


class RangeNotSatisfiable(OgcapiError):
    """A range beyond the end of an answer; ``allowed`` is its ``Content-Range``, which tells the length."""


class UnsupportedMediaType(OgcapiError):
    """A request body of a type the view does not read."""


class Unprocessable(OgcapiError):
    """A well-formed request that cannot be carried out."""


class SourceUnavailable(OgcapiError):
    """A data source that cannot be opened or read; its collection answers 503 with the reason."""


class NotServed(OgcapiError):
    """A feature that is off or not offered by this server."""


class ConfigurationError(OgcapiError):
    """A configuration that cannot be used: ``file``, ``key`` and the reason (RFC 9457 is not involved)."""

    def __init__(self, detail: str, *, file: str | None = None, key: str | None = None) -> None:
        super().__init__(detail, parameter=key)
        self.file = file
        self.key = key

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.detail) if part)


class NoData(OgcapiError):
    """A valid request that selects nothing: 204 (EDR 1.1 clause 8.2; Coverages clause 8.4)."""


#: error class → (HTTP status, OGC exception code kept for clients of older servers)
STATUS: dict[type[OgcapiError], tuple[HTTPStatus, str]] = {
    InvalidParameter: (HTTPStatus.BAD_REQUEST, "InvalidParameterValue"),
    Unauthorized: (HTTPStatus.UNAUTHORIZED, "Unauthorized"),
    Forbidden: (HTTPStatus.FORBIDDEN, "Forbidden"),
    NotFound: (HTTPStatus.NOT_FOUND, "NotFound"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    NotAcceptable: (HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge"),
    RangeNotSatisfiable: (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidParameterValue"),
    UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
    Unprocessable: (HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidParameterValue"),
    NotServed: (HTTPStatus.NOT_IMPLEMENTED, "NotImplemented"),
    SourceUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "NoApplicableCode"),
    ConfigurationError: (HTTPStatus.INTERNAL_SERVER_ERROR, "NoApplicableCode"),
    NoData: (HTTPStatus.NO_CONTENT, "NoData"),
}


def status_of(error: OgcapiError) -> tuple[HTTPStatus, str]:
    """HTTP status and OGC code of an error; a subclass answers as its nearest listed base."""
    for cls in type(error).__mro__:
        if cls in STATUS:
            return STATUS[cls]
    return HTTPStatus.INTERNAL_SERVER_ERROR, "NoApplicableCode"
