"""Coverages on other cells than those of the data: resolution, size and CRS of a request (19-087, clauses 9 and 11).

``resolution``, ``width`` and ``height`` are those of the standard, ``scale-factor``, ``scale-axes`` and ``scale-size``
those of its earlier drafts, which clients still send. ``aggregate`` and ``interpolation`` are ours: they say how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.errors import InvalidParameter
from ogcapi.cells import EASTWARD, MOST, NORTHWARD, Side, around, default_method, target_of
from ogcapi.context import Params
from ogcapi.parse import Box, integer
from providers.aggregation import (
    Groups,
    aggregated,
    by_count,
    by_period,
    period_of,
    thinned,
    whole,
)
from providers.axes import Axis
from providers.coverage import Coverage
from providers.crs import Crs, parse_crs
from providers.cube import Cube, Query
from providers.grids import Selection
from providers.ranges import number
from providers.resampling import METHODS, Method, resampled

_NAMED = re.compile(r"\s*([A-Za-z_][\w.:-]*)\s*\(([^()]*)\)\s*(?:,|$)")
Named = Mapping[str, str]


@dataclass(frozen=True)
class Scaling:
    """What a request asks of the cells of its answer, still by the names of its axes."""

    resolution: Named
    sizes: Named
    factors: Named
    factor: float | None
    width: int | None
    height: int | None
    aggregate: Named
    method: Method | None
    crs: Crs | None

    @classmethod
    def parse(cls, params: Params, cube: Cube) -> Scaling:
        """The parameters of a request; raises InvalidParameter for names that are no axes of the cube."""
        text = params.one("scale-factor")
        factor = None if text is None else number(text, "scale-factor")
        if factor is not None and factor <= 0:
            raise InvalidParameter(
                "scale-factor: not positive", parameter="scale-factor", allowed=["> 0"]
            )
        method = params.one("interpolation")
        if method is not None and method not in METHODS:
            raise InvalidParameter(
                f"interpolation: {method[:40]!r} is none",
                parameter="interpolation",
                allowed=METHODS,
            )
        crs = params.one("crs")
        found = cls(
            resolution=_named("resolution", params.maybe_empty("resolution")),
            sizes=_named("scale-size", params.one("scale-size")),
            factors=_named("scale-axes", params.one("scale-axes")),
            factor=factor,
            width=integer(params.one("width"), "width", low=1, high=MOST),
            height=integer(params.one("height"), "height", low=1, high=MOST),
            aggregate=_named("aggregate", params.one("aggregate")),
            method=method,
            crs=None if crs is None else parse_crs(crs, "crs"),
        )
        for parameter in ("resolution", "sizes", "factors", "aggregate"):
            for name in getattr(found, parameter):
                _check_axis(cube, name, parameter)
        return found

    def side(self, names: set[str], size: int | None) -> Side:
        """What is asked of the horizontal axis that goes by one of these names."""
        resolution, named_size, factor = (
            next((text for name, text in among.items() if name.lower() in names and text), None)
            for among in (self.resolution, self.sizes, self.factors)
        )
        return Side(resolution, named_size, factor, size, self.factor)


def _named(parameter: str, text: str | None) -> dict[str, str]:
    """``axis(value),axis(value)`` by axis."""
    if text is None or not text.strip():
        return {}
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _NAMED.match(text, at)
        if match is None or match[1] in found:
            raise InvalidParameter(
                f"{parameter}: {text[:60]!r} is not axis(value),axis(value)",
                parameter=parameter,
                allowed=["axis(value)"],
            )
        found[match[1]] = match[2].strip()
        at = match.end()
    return found


def _check_axis(cube: Cube, name: str, parameter: str) -> None:
    spelled = {"sizes": "scale-size", "factors": "scale-axes"}.get(parameter, parameter)
    if name.lower() in EASTWARD | NORTHWARD and parameter != "aggregate":
        return
    if name.lower() in ("time", "datetime", "t") and cube.valid_times is not None:
        return
    if not any(axis.answers_to(name) for axis in cube.axes.values()):
        places = [] if parameter == "aggregate" else ["Lon", "Lat"]
        raise InvalidParameter(
            f"{spelled}: no axis {name[:40]!r}", parameter=spelled, allowed=[*places, *cube.axes]
        )


def scaled(
    cube: Cube, query: Query, found: Box | None, scaling: Scaling, window: Selection | None = None
) -> tuple[Coverage, int]:
    """The answer on the cells asked for, and how many stored values it is computed from.

    ``window`` names the stored cells instead of ``query.bbox``.
    """
    chosen = window or cube.grid.window(query.bbox)
    native = cube.lazy(cube.plan(query, chosen))
    target = target_of(native, query.bbox, found, scaling)
    if target is None:
        return _reduced(native, scaling), native.count
    grid, selection = target
    native = cube.lazy(cube.plan(query, cube.grid.window(around(grid, selection, cube.grid))))
    method = scaling.method or default_method(native, grid)
    return resampled(_reduced(native, scaling), grid, selection, method), native.count


# axes other than the horizontal ones


def _reduced(coverage: Coverage, scaling: Scaling) -> Coverage:
    for name in list(coverage.axes):
        axis = coverage.axes[name]
        method = _of(axis, scaling.aggregate)
        groups = _groups(axis, scaling, method)
        if groups is not None:
            coverage = aggregated(coverage, name, groups, method or None)
    return coverage


def _of(axis: Axis, among: Named) -> str | None:
    return next((text for name, text in among.items() if axis.answers_to(name)), None)


def _groups(axis: Axis, scaling: Scaling, method: str | None) -> Groups | None:
    """Groups of positions of an axis that a request asks for, None where it takes the axis as it is."""
    resolution, size = _of(axis, scaling.resolution), _of(axis, scaling.sizes)
    factor = _of(axis, scaling.factors)
    if sum(item is not None for item in (resolution, size, factor)) > 1:
        raise InvalidParameter(
            f"resolution: axis {axis.name} is scaled twice",
            parameter="resolution",
            allowed=["one of resolution, scale-size, scale-axes"],
        )
    if resolution:
        if axis.is_time:
            text, _, offset = resolution.partition(";")
            return by_period(axis, period_of(text, "resolution"), _offset(offset))
        if axis.values.dtype.kind not in "iuf":
            raise InvalidParameter(
                f"resolution: axis {axis.name} has no distances", parameter="resolution", allowed=[]
            )
        distance = number(resolution, "resolution")
        kept = thinned(axis, distance)
        return Groups(tuple(kept[:, None]), axis.take(kept))
    if size is not None:
        wanted = integer(size, "scale-size", low=1, high=MOST) or 1
        return by_count(axis, -(-axis.size // min(wanted, axis.size)))
    if factor is not None:
        count = number(factor, "scale-axes")
        if count < 1:
            raise InvalidParameter(
                f"scale-axes: {axis.name} cannot be made finer",
                parameter="scale-axes",
                allowed=["≥ 1"],
            )
        return by_count(axis, round(count))
    return whole(axis) if method is not None else None


def _offset(text: str) -> int:
    """``;PT6H``: where days begin."""
    return period_of(text, "resolution").micros if text.strip() else 0
