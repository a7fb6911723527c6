"""Parameters of a request: those of the address and, for POST, those of its body."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Request
from werkzeug.datastructures import MultiDict

from config.errors import InvalidParameter, UnsupportedMediaType
from ogcapi.context import Params

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


def params_of(request: Request) -> Params:
    """Query parameters, and those of a form or a JSON object in the body of a POST.

    Raises InvalidParameter for a body that is neither, UnsupportedMediaType for another type of body.
    """
    if request.method != "POST" or not request.content_length:
        return Params(request.args)
    values = MultiDict(request.args)
    kind = request.mimetype
    if kind == _FORM:
        values.update(request.form)
    elif kind == _JSON:
        for name, value in _object(request.get_data()).items():
            for item in value if isinstance(value, list) and name == "subset" else [value]:
                values.add(name, _text(name, item))
    else:
        raise UnsupportedMediaType(
            f"Content-Type: {kind[:60] or 'none'}", parameter="Content-Type", allowed=[_JSON, _FORM]
        )
    return Params(values)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(
            "body: not JSON", parameter="body", allowed=["a JSON object"]
        ) from error
    if not isinstance(document, dict):
        raise InvalidParameter(
            "body: not an object of parameters", parameter="body", allowed=["a JSON object"]
        )
    return document


def _text(name: str, value: Any) -> str:
    """A value of JSON as it stands in an address; lists are joined by commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ",".join(map(str, value))
    raise InvalidParameter(
        f"{name[:60]}: neither text, a number nor a list of them",
        parameter=name[:60],
        allowed=["text", "number", "list of them"],
    )
