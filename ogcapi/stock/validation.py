"""The edge: what pygeoapi answers with 500, or ignores, becomes 400 naming the parameter."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping

import pyproj
from dateutil.parser import isoparse
from pyproj.exceptions import CRSError

from config.errors import InvalidParameter
from ogcapi.stock.routes import StockRoute

_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.I)
_URI = r"HTTPS?://WWW\.OPENGIS\.NET/DEF/CRS"
_EPSG = re.compile(rf"(?:{_URI}/EPSG/[\d.]+/|URN:OGC:DEF:CRS:EPSG:[\d.]*:|EPSG:)?(\d{{4,6}})")
_CRS84 = re.compile(rf"(?:{_URI}/OGC/[\d.]+/|URN:OGC:DEF:CRS:OGC:[\d.]*:|OGC:)?CRS:?84")
_OPEN = ("", "..")


def known_parameters(names: Iterable[str], accepted: Iterable[str]) -> None:
    accepted = sorted(accepted)
    for name in names:
        if name not in accepted:
            raise InvalidParameter(f"Unknown parameter {name}.", parameter=name, allowed=accepted)


def checked(route: StockRoute, arguments: Mapping[str, str]) -> dict[str, str]:
    """The arguments, checked where pygeoapi does not; a CRS as the provider reads it."""
    result = dict(arguments)
    is_coverage, is_map = "coverage" in route.provider_types[:1], "map" in route.provider_types
    for name, value in arguments.items():
        if name == "bbox":
            _bbox(value, sizes=(4, 6) if "edr" in route.provider_types else (4,))
        elif name == "datetime":
            _datetime(value)
        elif name in ("limit", "offset", "width", "height"):
            _integer(name, value, least=0 if name == "offset" else 1)
        elif name in ("crs", "bbox-crs") and (is_coverage or is_map):
            code = _epsg(name, value)
            if is_map:
                result[name] = f"EPSG:{code}" if code else "CRS:84"
            elif code:
                result[name] = str(code)
            else:
                del result[name]  # the default
        elif name in ("z", "coords", "subset") and not value.strip():
            raise InvalidParameter(f"Parameter {name} is empty.", parameter=name)
    return result


def check_execution(body: bytes) -> None:
    """An execution request is an object of objects; pygeoapi takes that for granted."""
    try:
        request = json.loads(body)
    except RecursionError as error:
        raise InvalidParameter("The request body is nested too deep.", parameter="body") from error
    except ValueError as error:
        if "digits" in str(error):  # an integer of thousands of digits
            raise InvalidParameter(
                "The request body has a number that is too long.", parameter="body"
            ) from error
        return  # pygeoapi says so itself
    if not isinstance(request, dict):
        raise InvalidParameter("The request body is not a JSON object.", parameter="body")
    for name in ("inputs", "outputs", "subscriber"):
        if not isinstance(request.get(name, {}), dict):
            raise InvalidParameter(f"Member {name} is not a JSON object.", parameter=name)
    for name, value in (request.get("subscriber") or {}).items():
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            raise InvalidParameter(
                f"Member subscriber.{name} is not an http or https address.", parameter="subscriber"
            )


def _bbox(value: str, sizes: tuple[int, ...]) -> None:
    wanted = "minx,miny,maxx,maxy"
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in sizes or not all(map(math.isfinite, numbers)):
        raise InvalidParameter(
            f"Parameter bbox is not {' or '.join(map(str, sizes))} numbers ({wanted}).",
            parameter="bbox",
        )
    if numbers[1] > numbers[len(numbers) // 2 + 1]:
        raise InvalidParameter("Parameter bbox has miny above maxy.", parameter="bbox")
    if numbers[0] > numbers[len(numbers) // 2]:
        raise InvalidParameter(
            "Parameter bbox has minx above maxx: this collection cannot be searched across the "
            "antimeridian; ask for both sides of it.",
            parameter="bbox",
            allowed=["minx <= maxx"],
        )


def _datetime(value: str) -> None:
    """An instant or interval of RFC 3339, or its beginning (``2020-05``); Gregorian calendar."""
    parts = value.split("/")
    instants = [part for part in parts if part not in _OPEN]
    if len(parts) <= 2 and instants and all(map(_is_instant, instants)):
        return
    raise InvalidParameter(
        "Parameter datetime is not an RFC 3339 instant or interval.",
        parameter="datetime",
        allowed=["2020-02-28T12:00:00Z", "2020-02-28/..", "../2020-02-28"],
    )


def _is_instant(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        isoparse(text.upper())
    except ValueError:
        return False
    return True


def _integer(name: str, value: str, least: int) -> None:
    if not re.fullmatch(r"\d{1,9}", value) or int(value) < least:
        raise InvalidParameter(
            f"Parameter {name} is not a whole number from {least} on.", parameter=name
        )


def _epsg(name: str, value: str) -> int | None:
    """EPSG code of a URI, URN, CURIE or bare code; None for CRS84."""
    text = value.strip("[]").upper()
    match = _EPSG.fullmatch(text)
    try:
        if match and pyproj.CRS.from_epsg(int(match[1])):
            return int(match[1])
    except CRSError:
        match = None
    if _CRS84.fullmatch(text):
        return None
    raise InvalidParameter(
        f"Parameter {name} is not a CRS known here; write a URI.",
        parameter=name,
        allowed=["http://www.opengis.net/def/crs/EPSG/0/<code>"],
    )
