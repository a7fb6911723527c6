"""What pygeoapi's handlers pass to a provider, as a query of a cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from config.errors import InvalidParameter
from providers.crs import CRS84, parse_crs, to_crs84
from providers.cube import Cube, Query, Range
from providers.grids import Bbox
from providers.queries import build_query
from providers.ranges import Subset


def query_of(
    cube: Cube,
    names: Sequence[str],
    names_parameter: str,
    *,
    bbox: Sequence[float] | None = None,
    bbox_crs: str | None = None,
    datetime_: str | None = None,
    subsets: Mapping[str, Sequence[Any]] | None = None,
    z: Any = None,
) -> Query:
    """The query; every part may be missing. ``bbox`` has four values, or six with height, in ``bbox_crs`` (CRS84)."""
    box, heights = _box(bbox or (), bbox_crs)
    return build_query(
        cube,
        names=names,
        names_parameter=names_parameter,
        bbox=box,
        heights=heights,
        subsets=[_subset(name, values) for name, values in (subsets or {}).items()],
        datetime=datetime_,
        z=None if z is None else str(z),
    )


def _subset(name: str, values: Sequence[Any]) -> Subset:
    """pygeoapi has split ``low:high`` and turned numbers into numbers."""
    text = [("*" if value == ".." else str(value)) for value in values]
    return Subset(name, text[0], text[1] if len(text) > 1 else None)


def _box(values: Sequence[float], crs_name: str | None) -> tuple[Bbox | None, Range | None]:
    crs = parse_crs(crs_name or CRS84, "bbox-crs")
    if len(values) == 6:
        west, south, low, east, north, high = values
        return to_crs84((west, south, east, north), crs), Range(min(low, high), max(low, high))
    if len(values) == 4:
        return to_crs84((values[0], values[1], values[2], values[3]), crs), None
    if values:
        raise InvalidParameter(f"bbox: {len(values)} values instead of 4 or 6", parameter="bbox")
    return None, None
