"""One axis (or all cells) of an answer reduced to a single value, as the kind of each variable allows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import InvalidParameter

from ..axes import Axis, AxisKind
from ..cf.methods import time_method
from ..cube import Coverage, Variable, VariableKind, flat_cells
from ..fields import Values
from ..grids import Selection
from ..grids.base import Floats, to_unit_sphere
from .directions import to_directions, to_vectors

Method = str
METHODS: tuple[Method, ...] = ("mean", "min", "max", "sum", "std", "mode")
"""Beside them percentiles: ``p`` and a number from 0 to 100."""
CELLS = "cells"
"""Stands for the horizontal dimensions."""

_ALLOWED: dict[VariableKind, tuple[Method, ...]] = {
    VariableKind.CATEGORY: ("mode",),
    VariableKind.DIRECTION: ("mean",),
}
_NUMBERS: tuple[Method, ...] = ("mean", "min", "max", "sum", "std")
_CF_NAMES: dict[Method, str] = {
    "mean": "mean", "min": "minimum", "max": "maximum", "sum": "sum", "std": "standard_deviation", "mode": "mode",
}  # fmt: skip
_KINDS: dict[Method, VariableKind] = {
    "mean": VariableKind.MEAN,
    "min": VariableKind.MINIMUM,
    "max": VariableKind.MAXIMUM,
    "std": VariableKind.INSTANT,
}
_UNCHANGED = (VariableKind.DIRECTION, VariableKind.CATEGORY)


def reduce(coverage: Coverage, axis: str, method: Method) -> Coverage:
    """An answer with one axis reduced, ``cells`` for the horizontal ones; missing values do not count.

    Means over cells weight by area, over time by the length of the intervals where the data state them; accumulated
    amounts count once each. Directions are averaged as unit vectors; of categories there is the mode. Times and
    numbers stay as one value with the bounds of what went in; other axes go. Raises InvalidParameter for an axis or
    a method that is not there, or that a variable does not allow.
    """
    for variable in coverage.variables:
        check_method(variable, method)
    if axis == CELLS:
        return _over_cells(coverage, method)
    return _over_axis(coverage, _name_of(coverage, axis), method)


def check_method(variable: Variable, method: Method, parameter: str = "method") -> None:
    """Raises InvalidParameter where a variable of this kind is not reduced so."""
    allowed = _ALLOWED.get(variable.kind, _NUMBERS)
    if method in allowed or (allowed is _NUMBERS and percentile(method) is not None):
        return
    more = ("p0 to p100",) if allowed is _NUMBERS else ()
    raise InvalidParameter(
        f"{parameter}: {method[:20]} of {variable.id}, which is {variable.kind.value}",
        parameter=parameter,
        allowed=(*allowed, *more),
    )


def percentile(method: Method) -> float | None:
    """The number of a percentile, None for other methods."""
    match = re.fullmatch(r"p(\d{1,2}(?:\.\d{1,3})?|100)", method)
    return float(match[1]) if match else None


def _name_of(coverage: Coverage, wanted: str) -> str:
    for name, axis in coverage.axes.items():
        if wanted == name or axis.answers_to(wanted):
            return name
    raise InvalidParameter(
        f"axis: no {wanted[:60]!r}", parameter="axis", allowed=[*coverage.axes, CELLS]
    )


def _over_cells(coverage: Coverage, method: Method) -> Coverage:
    selection = coverage.selection
    areas = coverage.grid.areas(flat_cells(selection, coverage.grid.shape))
    values, variables = {}, []
    for variable in coverage.variables:
        stored = coverage.values[variable.id]
        flat = stored.reshape(*stored.shape[: stored.ndim - len(selection.shape)], -1)
        values[variable.id] = reduced_values(flat, areas, variable, method)[..., None]
        variables.append(with_method(variable, "area", method, variable.kind))
    return replace(
        coverage,
        variables=tuple(variables),
        values=values,
        selection=_middle(selection, areas),
        cell_times=None,
    )


def _middle(selection: Selection, areas: Floats) -> Selection:
    """One cell at the middle of a selection, which no longer reads anything."""
    x, y = selection.x, selection.y
    if selection.separable:
        x, y = (part.ravel() for part in np.meshgrid(x, y))
    centre = (to_unit_sphere(x, y) * areas[:, None]).sum(axis=0)
    lon = np.degrees(np.arctan2(centre[1], centre[0]))
    lat = np.degrees(np.arctan2(centre[2], np.hypot(centre[0], centre[1])))
    lon += 360.0 * np.round((np.mean(x) - lon) / 360.0)
    return Selection((), np.array([lon]), np.array([lat]), separable=False)


def _over_axis(coverage: Coverage, name: str, method: Method) -> Coverage:
    axis = coverage.axes[name]
    stays = axis.is_time or (
        axis.kind in (AxisKind.STEP, AxisKind.Z) and axis.values.dtype.kind in "iuf"
    )
    values: dict[str, Values] = dict(coverage.values)
    variables: list[Variable] = []
    for variable in coverage.variables:
        if name not in variable.axes:
            variables.append(variable)
            continue
        at = variable.axes.index(name)
        weights = weights_of(axis, variable, method)
        found = reduced_values(np.moveaxis(values[variable.id], at, -1), weights, variable, method)
        values[variable.id] = np.expand_dims(found, at) if stays else found
        kind = kind_after(variable, method) if axis.is_time else variable.kind
        word = "time" if axis.is_time else axis.standard_name or name
        said = with_method(variable, word, method, kind)
        kept = said.axes if stays else tuple(own for own in said.axes if own != name)
        variables.append(replace(said, axes=kept))
    axes = {key: item for key, item in coverage.axes.items() if key != name or stays}
    if stays:
        axes[name] = _whole(axis)
    return replace(coverage, variables=tuple(variables), values=values, axes=axes)


def weights_of(axis: Axis, variable: Variable, method: Method) -> Floats:
    """Lengths of intervals for means over time, else ones; refuses what would count an interval twice."""
    equal = np.ones(axis.size)
    if not axis.is_time or axis.bounds is None:
        return equal
    is_point = variable.kind is VariableKind.INSTANT
    said = time_method(variable.attributes)
    if said is not None and (said.is_climatological or (is_point and said.method == "point")):
        return equal
    if _overlaps(axis.bounds):
        counts = method in ("sum", "mean", "std") and variable.kind in (
            VariableKind.SUM,
            VariableKind.MEAN,
        )
        if counts:
            way = "; deaccumulate it first" if variable.kind is VariableKind.SUM else ""
            raise InvalidParameter(
                f"method: {method} of {variable.id}, whose intervals overlap{way}",
                parameter="method",
                allowed=["min", "max"],
            )
        return equal
    lengths = np.abs(np.diff(axis.bounds.astype(np.float64), axis=1))[:, 0]
    if variable.kind is VariableKind.SUM or not (lengths > 0).all():
        return equal
    return lengths


def _overlaps(bounds: NDArray[Any]) -> bool:
    low, high = bounds.min(axis=1), bounds.max(axis=1)
    order = np.lexsort((high, low))
    return bool((low[order][1:] < high[order][:-1]).any())


def reduced_values(values: Values, weights: Floats, variable: Variable, method: Method) -> Values:
    """The last dimension reduced."""
    rank = percentile(method)
    if rank is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nothing but missing values
            found = np.nanpercentile(values, rank, axis=-1)
        return np.asarray(found, np.result_type(values.dtype, np.float32))
    if method == "mode":
        return _mode(values, weights)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    nothing = missing.all(axis=-1)
    if method in ("min", "max"):
        edge = np.inf if method == "min" else -np.inf
        pick = np.min if method == "min" else np.max
        filled = np.where(missing, edge, values) if missing.any() else values
        found = pick(filled, axis=-1)
        return np.where(nothing, np.nan, found).astype(values.dtype) if nothing.any() else found
    result = np.result_type(values.dtype, np.float32)
    if method == "sum":
        total = np.where(missing, 0.0, values.astype(np.float64)).sum(axis=-1)
        return np.where(nothing, np.nan, total).astype(result)
    if variable.kind is VariableKind.DIRECTION:
        vectors = _mean(to_vectors(values, variable.units), missing, weights)
        return to_directions(vectors, variable.units).astype(result)
    wide = values.astype(np.float64)
    mean = _mean(wide, missing, weights)
    if method == "mean":
        return mean.astype(result)
    return np.sqrt(_mean((wide - mean[..., None]) ** 2, missing, weights)).astype(result)


def _mean(values: NDArray[Any], missing: NDArray[np.bool_], weights: Floats) -> NDArray[Any]:
    share = np.where(missing, 0.0, weights)
    total = share.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.where(missing, 0.0, values) * share).sum(axis=-1) / total
    return np.where(total > 0, mean, np.nan)


def _mode(values: Values, weights: Floats) -> Values:
    """The value with the most weight, the smallest of several."""
    flat = values.reshape(-1, values.shape[-1])
    codes = np.unique(flat[~np.isnan(flat)]) if flat.dtype.kind == "f" else np.unique(flat)
    if not len(codes):
        return np.full(values.shape[:-1], np.nan, values.dtype)
    votes = np.stack([((flat == code) * weights).sum(axis=-1) for code in codes])
    found = codes[np.argmax(votes, axis=0)]
    if values.dtype.kind == "f":
        found = np.where(votes.max(axis=0) > 0, found, np.nan).astype(values.dtype)
    return found.reshape(values.shape[:-1])


def kind_after(variable: Variable, method: Method) -> VariableKind:
    """What a variable is after it was reduced over time."""
    if variable.kind in _UNCHANGED:
        return variable.kind
    if percentile(method) is not None:
        return VariableKind.INSTANT
    return _KINDS.get(method, VariableKind.SUM)


def with_method(variable: Variable, word: str, method: Method, kind: VariableKind) -> Variable:
    """The variable with the method at the end of its ``cell_methods``, a point in time no longer."""
    before = str(variable.attributes.get("cell_methods", "")).replace(f"{word}: point", "").strip()
    methods = f"{before} {word}: {_cf_name(method)}".strip()
    attributes: Mapping[str, Any] = {**variable.attributes, "cell_methods": methods}
    return replace(variable, kind=kind, attributes=attributes)


def _cf_name(method: Method) -> str:
    """The word of CF (appendix E), which has none for percentiles."""
    rank = percentile(method)
    return _CF_NAMES[method] if rank is None else f"percentile (comment: {rank:g})"


def _whole(axis: Axis) -> Axis:
    """One value for a whole axis: its middle, with the bounds of everything (the end of an interval for times)."""
    edges = axis.values if axis.bounds is None else axis.bounds
    low, high = edges.min(), edges.max()
    middle = high if axis.is_time else (low + high) / 2
    return replace(
        axis,
        values=np.array([middle], axis.values.dtype if axis.is_time else np.float64),
        bounds=np.array([[low, high]], edges.dtype),
        dim=axis.dim,
        indexed=False,
    )
