"""From query strings to typed values: the only place that reads them. Every error names its parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import ImageColor

from config.errors import InvalidParameter
from providers.crs import CRS84, Crs, parse_crs, to_crs84
from providers.cube import Range
from providers.grids import Bbox
from providers.ranges import Subset, number

_LONGEST_SUBSET = 2000
_SUBSET = re.compile(r"^\s*(?P<axis>[A-Za-z_][\w.:-]*)\s*\((?P<value>[^()]*)\)\s*$")


def integer(
    text: str | None, parameter: str, *, low: int, high: int, default: int | None = None
) -> int | None:
    """A whole number within bounds, ``default`` where the parameter is absent."""
    if text is None:
        return default
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()) or not low <= int(text) <= high:
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is not a whole number from {low} to {high}",
            parameter=parameter,
            allowed=[f"{low} to {high}"],
        )
    return int(text)


def boolean(text: str | None, parameter: str, *, default: bool) -> bool:
    """``true`` or ``false``."""
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is neither true nor false",
            parameter=parameter,
            allowed=["true", "false"],
        )
    return text.lower() == "true"


def colour(text: str | None, parameter: str) -> tuple[int, int, int] | None:
    """``0xRRGGBB``, ``#RRGGBB``, ``RRGGBB`` or a name of the W3C (``white``)."""
    if text is None:
        return None
    if text.lower() in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(text)[:3]
        return red, green, blue
    match = re.fullmatch(r"(?:0[xX]|#)?([0-9A-Fa-f]{6})", text)
    if match is None:
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is not a colour",
            parameter=parameter,
            allowed=["0xRRGGBB", "#RRGGBB"],
        )
    value = int(match[1], 16)
    return value >> 16, value >> 8 & 255, value & 255


@dataclass(frozen=True)
class Box:
    """A parsed ``bbox``: degrees, the vertical range of the six-number form, and the corners as they were given."""

    degrees: Bbox
    vertical: Range | None
    corners: tuple[float, float, float, float]
    crs: Crs


def box(text: str | None, crs_text: str | None) -> Box | None:
    """``bbox`` in ``bbox-crs`` (CRS84 by default); None when absent."""
    crs = parse_crs(crs_text or CRS84, "bbox-crs")
    if text is None:
        if crs_text is not None:
            raise InvalidParameter(
                "bbox-crs: there is no bbox", parameter="bbox-crs", allowed=["together with bbox"]
            )
        return None
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise InvalidParameter(
            f"bbox: {len(parts)} values instead of 4 (or 6 with height)",
            parameter="bbox",
            allowed=["west,south,east,north", "west,south,low,east,north,high"],
        )
    values = [number(part, "bbox", allowed="four or six numbers") for part in parts]
    vertical = None
    if len(values) == 6:
        vertical = Range(min(values[2], values[5]), max(values[2], values[5]))
        values = [values[0], values[1], values[3], values[4]]
    corners = (values[0], values[1], values[2], values[3])
    return Box(to_crs84(corners, crs), vertical, corners, crs)


def subsets(values: Iterable[str]) -> list[Subset]:
    """``subset=`` of OGC API Coverages and Maps: repeated, or several in one value by comma."""
    found: list[Subset] = []
    if sum(map(len, texts := list(values))) > _LONGEST_SUBSET:
        raise InvalidParameter(
            f"subset: longer than {_LONGEST_SUBSET} characters",
            parameter="subset",
            allowed=["axis(low:high)"],
        )
    for value in texts:
        for part in _split_subsets(value):
            match = _SUBSET.match(part)
            if match is None:
                raise InvalidParameter(
                    f"subset: {part.strip()[:60]!r} is not axis(low:high)",
                    parameter="subset",
                    allowed=["axis(low:high)", "axis(position)"],
                )
            listed = _listed(match["value"])
            low, high = (listed[0], None) if listed else _bounds(match["value"])
            if any(other.axis.lower() == match["axis"].lower() for other in found):
                raise InvalidParameter(
                    f"subset: axis {match['axis']} twice",
                    parameter="subset",
                    allowed=["each axis once"],
                )
            found.append(Subset(match["axis"], low, high, listed))
    return found


def _split_subsets(value: str) -> list[str]:
    return re.split(r",(?![^(]*\))", value)


def _listed(text: str) -> tuple[str, ...]:
    """Several positions by comma, none where there is one or a range; quoted ones may be of any text."""
    parts = tuple(part.strip().strip('"') for part in re.findall(r'"[^"]*"|[^,"]+', text))
    return parts if "," in re.sub(r'"[^"]*"', "", text) else ()


def _bounds(text: str) -> tuple[str, str | None]:
    """Low and high of ``low:high``; times in quotes keep their colons."""
    cleaned = text.strip()
    quoted = re.fullmatch(r'\s*("[^"]*"|\*)\s*:\s*("[^"]*"|\*)\s*', cleaned)
    if quoted:
        return quoted[1].strip('"'), quoted[2].strip('"')
    if cleaned.startswith('"') and cleaned.endswith('"') and cleaned.count('"') == 2:
        return cleaned.strip('"'), None
    parts = cleaned.split(":")
    if len(parts) == 2 and not re.fullmatch(r".*[Tt ]\d{2}", parts[0]):
        return parts[0].strip(), parts[1].strip()
    if len(parts) > 2:
        times = re.fullmatch(r"(\*|\d{4}[^:]*(?::\d{2}){0,2}[^:]*?):(\*|\d{4}-.*)", cleaned)
        if times:
            return times[1], times[2]
    return cleaned, None
