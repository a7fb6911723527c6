"""From an answer to HTTP: version tags, conditional requests, content coding, cross-origin headers."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime

import zstandard
from flask import Request, Response

COMPRESSIBLE = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/javascript",
    "image/svg+xml",
)
_LEAST = 1024
EXPOSED = (
    "Link, Location, Content-Crs, Content-Bbox, ETag, Content-Range, RateLimit, Content-Datetime, "
    "Content-Digest, OGC-Datetime, OGC-Reference-Time, OGC-Resampling, X-Estimated-Values, "
    "X-Estimated-Bytes"
)
VARY = "Accept, Accept-Encoding, Accept-Language"


def tag(*parts: str) -> str:
    """A strong entity tag (without quotes) of everything that decides an answer."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def digest(body: bytes) -> str:
    """Content-Digest of a body as it is sent (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def is_compressible(media_type: str) -> bool:
    return (
        media_type.startswith(COMPRESSIBLE)
        or "json" in media_type
        or "yaml" in media_type
        or "xml" in media_type
    )


def coding_for(request: Request, media_type: str) -> str | None:
    """zstd or gzip where the client takes it and the type gains by it; the body's size is checked later."""
    if not is_compressible(media_type):
        return None
    best, best_quality = None, 0.0
    for name in ("zstd", "gzip"):
        quality = request.accept_encodings[name]
        if quality > best_quality:
            best, best_quality = name, quality
    identity = request.accept_encodings.find("identity")
    stated = request.accept_encodings["identity"] if identity >= 0 else 0.0
    return best if best_quality >= stated else None


def encode(body: bytes, coding: str | None) -> tuple[bytes, str | None]:
    """The body in a content coding; small bodies stay as they are."""
    if coding is None or len(body) < _LEAST:
        return body, None
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(body), coding
    return gzip.compress(body, compresslevel=1, mtime=0), coding


def unchanged(
    request: Request, etag: str | None, modified: float | None, coding: str | None
) -> dict[str, str] | None:
    """Headers of a 304 where the client's copy is current: If-None-Match decides, else If-Modified-Since.

    The tag is that of the copy: small bodies are kept plain whatever ``coding`` the client takes (RFC 9110 13.2.2).
    """
    if "If-None-Match" in request.headers:
        if etag is None:
            return None
        if request.if_none_match.star_tag:
            return validators(etag, modified, coding)
        known = request.if_none_match.as_set(include_weak=True)
        for name in (coding, None):
            if (f"{etag}-{name}" if name else etag) in known:
                return validators(etag, modified, name)
        return None
    since = request.headers.get("If-Modified-Since")
    if since is None or modified is None:
        return None
    try:
        current = int(modified) <= parsedate_to_datetime(since).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return validators(etag, modified, coding) if current else None


def validators(etag: str | None, modified: float | None, coding: str | None) -> dict[str, str]:
    """ETag and Last-Modified; each content coding is a representation of its own."""
    headers: dict[str, str] = {}
    if etag is not None:
        headers["ETag"] = f'"{etag}-{coding}"' if coding else f'"{etag}"'
    if modified is not None:
        headers["Last-Modified"] = formatdate(modified, usegmt=True)
    return headers


def allow_origin(request: Request, origins: tuple[str, ...]) -> str | None:
    """The value of Access-Control-Allow-Origin for a request, None where its origin may not read."""
    if "*" in origins:
        return "*"
    origin = request.headers.get("Origin")
    return origin if origin in origins else None


def finish(
    response: Response, request: Request, origins: tuple[str, ...], headers: Mapping[str, str]
) -> Response:
    """Headers that every answer carries."""
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    origin = allow_origin(request, origins)
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    vary = {
        part.strip() for part in response.headers.get("Vary", "").split(",") if part.strip()
    } | set(VARY.split(", "))
    if origins and "*" not in origins:
        vary.add("Origin")
    response.headers["Vary"] = ", ".join(sorted(vary))
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
