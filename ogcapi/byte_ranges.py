"""Parts of an answer (RFC 9110, section 14): one range of bytes of any body that is in memory and has a strong tag."""

from __future__ import annotations

import re

from flask import Request, Response

from config.errors import RangeNotSatisfiable
from ogcapi import responses

_RANGE = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.ASCII | re.IGNORECASE)


def cut(request: Request, response: Response) -> Response:
    """The part that was asked for, or the answer as it is: other forms of ranges are ignored, as 14.2 allows.

    Raises RangeNotSatisfiable for a range beyond the end.
    """
    if not _is_divisible(response):
        return response
    response.headers["Accept-Ranges"] = "bytes"
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    known = request.headers.get("If-Range", response.headers["ETag"]).strip()
    if request.method != "GET" or asked is None or known != response.headers["ETag"]:
        return response
    body = response.get_data()
    start, stop = _ends(asked, len(body))
    if start < len(body) and start >= stop:
        return response
    if start >= len(body):
        raise RangeNotSatisfiable(
            f"Range: the answer has {len(body)} bytes",
            parameter="Range",
            allowed=[f"bytes */{len(body)}"],
        )
    response.set_data(body[start:stop])
    response.status_code = 206
    response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
    response.headers["Content-Digest"] = responses.digest(body[start:stop])
    return response


def _is_divisible(response: Response) -> bool:
    tag, is_weak = response.get_etag()
    return (
        response.status_code == 200
        and response.is_sequence
        and bool(response.response)
        and "Content-Encoding" not in response.headers
        and tag is not None
        and not is_weak
    )


def _ends(asked: re.Match[str], size: int) -> tuple[int, int]:
    """Where a range begins and ends (14.1.2); it begins at the end where it holds nothing."""
    first, last, suffix = asked.groups()
    if suffix is not None:
        return max(size - int(suffix), 0), size
    return int(first), min(int(last) + 1, size) if last else size
