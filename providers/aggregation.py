"""Axes of an answer reduced by groups of positions: daily and monthly values, statistics over members; read lazily."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import InvalidParameter

from .axes import Axis, AxisKind
from .cf.calendar import micros_of
from .coverage import Block, Coverage, LazyValues
from .fields import Values
from .semantics.reducing import check_method, kind_after, reduced_values, weights_of, with_method
from .variables import Variable, VariableKind

Positions = NDArray[np.int64]
_PERIOD = re.compile(
    r"^P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,8})S)?)?$"
)
_MICROS = {
    "weeks": 604_800_000_000, "days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000,
    "seconds": 1_000_000,
}  # fmt: skip
_BY_KIND = {
    VariableKind.SUM: "sum",
    VariableKind.MAXIMUM: "max",
    VariableKind.MINIMUM: "min",
    VariableKind.CATEGORY: "mode",
}
_HELD = 16 << 20
"""Bytes of stored values that are reduced at once."""


@dataclass(frozen=True)
class Period:
    """A length of time: calendar months, or microseconds (ISO 8601)."""

    months: int
    micros: int


@dataclass(frozen=True)
class Groups:
    """Positions of an axis in groups, each of which becomes one value, and the axis of those values."""

    positions: tuple[Positions, ...]
    axis: Axis | None
    """None: the axis goes."""


def period_of(text: str, parameter: str) -> Period:
    """``P1D``, ``PT6H``, ``P1M`` …; raises InvalidParameter."""
    match = _PERIOD.fullmatch(text.strip().strip('"'))
    numbers = (
        {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    )
    months = numbers.pop("years", 0) * 12 + numbers.pop("months", 0)
    micros = sum(count * _MICROS[name] for name, count in numbers.items())
    if (months > 0) == (micros > 0):
        raise InvalidParameter(
            f"{parameter}: {text[:40]!r} is not a period of months or of days, hours and minutes",
            parameter=parameter,
            allowed=["P1D", "PT6H", "P1M", "P3M", "P1Y"],
        )
    return Period(months, micros)


def by_period(axis: Axis, period: Period, offset: int = 0) -> Groups:
    """Times in periods that begin at the start of the calendar (of the year, for months) and ``offset`` microseconds.

    An interval belongs to the period that holds its middle. The new times are the starts of the periods, their bounds
    the periods. Raises InvalidParameter for periods shorter than what the axis has.
    """
    calendar = axis.calendar or "standard"
    moments = axis.values if axis.bounds is None else axis.bounds.mean(axis=1).astype(np.int64)
    starts, ends = (
        _months(moments - offset, period.months, calendar)
        if period.months
        else _even(moments - offset, period.micros)
    )
    if axis.size > 1 and len(np.unique(moments)) > 1:
        step = int(np.diff(np.unique(moments)).min())
        if int((ends - starts).min()) < step:
            raise InvalidParameter(
                "resolution: finer than the times of the data",
                parameter="resolution",
                allowed=[f"periods of at least {step // 1_000_000} s"],
            )
    found, index = np.unique(starts, return_index=True)
    positions = tuple(np.flatnonzero(starts == start) for start in found)
    bounds = np.stack((found, ends[index]), axis=1) + offset
    made = replace(
        axis, values=found + offset, bounds=bounds, dim=axis.dim or axis.name, indexed=False
    )
    return Groups(positions, made)


def _even(moments: Positions, length: int) -> tuple[Positions, Positions]:
    starts = moments // length * length
    return starts, starts + length


def _months(moments: Positions, count: int, calendar: str) -> tuple[Positions, Positions]:
    """The first instants of the period of each moment and of the next one."""
    known: dict[int, tuple[int, int]] = {}
    text = Axis("time", AxisKind.TIME, moments, calendar=calendar).labels()
    numbers = []
    for label in text:
        year, month = label.rsplit("T", 1)[0].rsplit("-", 2)[:2]
        number = (int(year) * 12 + int(month) - 1) // count * count
        numbers.append(number)
        if number not in known:
            following = number + count
            known[number] = (
                micros_of(calendar, number // 12, number % 12 + 1, 1),
                micros_of(calendar, following // 12, following % 12 + 1, 1),
            )
    pairs = np.array([known[number] for number in numbers], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def by_count(axis: Axis, count: int) -> Groups:
    """So many successive positions at a time; the last group may have fewer."""
    positions = tuple(np.array_split(np.arange(axis.size), range(count, axis.size, count)))
    low = np.array([axis.values[group].min() for group in positions])
    high = np.array([axis.values[group].max() for group in positions])
    if axis.bounds is not None:
        low = np.array([axis.bounds[group].min() for group in positions])
        high = np.array([axis.bounds[group].max() for group in positions])
    values = low if axis.is_time else (low + high) / 2
    bounds = np.stack((low, high), axis=1)
    made = replace(axis, values=values, bounds=bounds, dim=axis.dim or axis.name, indexed=False)
    return Groups(positions, made)


def whole(axis: Axis) -> Groups:
    """All positions; times stay as one, other axes go."""
    if not axis.is_time:
        return Groups((np.arange(axis.size),), None)
    return by_count(axis, axis.size)


def aggregated(
    coverage: Coverage, name: str, groups: Groups, method: str | None = None
) -> Coverage:
    """An answer with the positions of one axis reduced by group; missing values do not count.

    Without a method each variable is reduced as its kind is: amounts are added, maxima are maxima, categories have a
    mode, all else a mean. Raises InvalidParameter where a variable does not allow the method.
    """
    axis = coverage.axes[name]
    methods = {
        item.id: method or _BY_KIND.get(item.kind, "mean")
        for item in coverage.variables
        if name in item.axes
    }
    sources = {item.id: item for item in coverage.variables}
    for variable in coverage.variables:
        if variable.id in methods:
            check_method(variable, methods[variable.id], "aggregate")
            weights_of(axis, variable, methods[variable.id])
    made = tuple(
        _described(item, name, axis, groups, methods[item.id]) if item.id in methods else item
        for item in coverage.variables
    )
    axes = {key: value for key, value in coverage.axes.items() if key != name}
    if groups.axis is not None:
        axes = {key: groups.axis if key == name else value for key, value in coverage.axes.items()}
    answer = replace(coverage, variables=made, axes=axes)

    def read(variable_id: str, block: Block) -> Values:
        variable = sources[variable_id]
        if variable_id not in methods:
            return coverage.block(variable, block)
        return _read(coverage, variable, axis, name, groups, methods[variable_id], block)

    dtypes = {
        item.id: _dtype(coverage.dtype(sources[item.id]), methods.get(item.id)) for item in made
    }
    shapes = {item.id: answer.shape(item) for item in made}
    return replace(answer, values=LazyValues(shapes, read, dtypes))


def _described(variable: Variable, name: str, axis: Axis, groups: Groups, method: str) -> Variable:
    word = "time" if axis.is_time else axis.standard_name or axis.name
    kind = kind_after(variable, method) if axis.is_time else variable.kind
    said = with_method(variable, word, method, kind)
    if groups.axis is None:
        return replace(said, axes=tuple(own for own in said.axes if own != name))
    return said


def _dtype(stored: np.dtype[Any], method: str | None) -> np.dtype[Any]:
    if method is None or method in ("min", "max", "mode"):
        return stored
    return np.result_type(stored, np.float32)


def _read(
    coverage: Coverage,
    variable: Variable,
    axis: Axis,
    name: str,
    groups: Groups,
    method: str,
    block: Block,
) -> Values:
    at = variable.axes.index(name)
    chosen = groups.positions if groups.axis is None else groups.positions[block[at]]
    others = (*block[:at], *block[at + (groups.axis is not None) :])
    weights = weights_of(axis, variable, method)
    dtype = _dtype(coverage.dtype(variable), method)
    parts = []
    for positions in chosen:
        span = slice(int(positions.min()), int(positions.max()) + 1)

        def reduce(part: Block, positions: Positions = positions, span: slice = span) -> Values:
            values = coverage.block(variable, (*part[:at], span, *part[at:]))
            taken = np.moveaxis(values.take(positions - span.start, axis=at), at, -1)
            return reduced_values(taken, weights[positions], variable, method)

        each = (span.stop - span.start) * coverage.dtype(variable).itemsize
        parts.append(_in_parts(others, each, reduce).astype(dtype, copy=False))
    return parts[0] if groups.axis is None else np.stack(parts, axis=at)


def _in_parts(block: Block, each: int, read: Callable[[Block], Values]) -> Values:
    """A block read in halves of its longest side until no more than some megabytes are held at once."""
    sizes = [part.stop - part.start for part in block]
    if int(np.prod(sizes, dtype=np.int64)) * each <= _HELD or max(sizes, default=1) == 1:
        return read(block)
    at = int(np.argmax(sizes))
    middle = (block[at].start + block[at].stop) // 2
    halves = (slice(block[at].start, middle), slice(middle, block[at].stop))
    return np.concatenate(
        [_in_parts((*block[:at], half, *block[at + 1 :]), each, read) for half in halves], axis=at
    )


def thinned(axis: Axis, distance: float) -> Positions:
    """Positions of an axis of numbers such that values are at least a distance apart, from its first value on."""
    kept = [0]
    for position in range(1, axis.size):
        if abs(float(axis.values[position]) - float(axis.values[kept[-1]])) >= distance * (
            1 - 1e-9
        ):
            kept.append(position)
    return np.array(kept)
