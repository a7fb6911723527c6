"""Axes other than the horizontal ones, and choosing positions on them.

Times and reference times are microseconds of their calendar, steps are microseconds, everything
else is a number or text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cf.calendar import iso_times


class AxisKind(StrEnum):
    """What an axis measures; the order is that of the dimensions of every answer."""

    OTHER = "other"
    MEMBER = "member"
    REFERENCE_TIME = "reference_time"
    STEP = "step"
    TIME = "time"
    Z = "z"


ORDER = tuple(AxisKind)
ALIASES: dict[AxisKind, tuple[str, ...]] = {
    AxisKind.TIME: ("time", "t", "datetime"),
    AxisKind.REFERENCE_TIME: ("reference_time",),
    AxisKind.STEP: ("step",),
    AxisKind.MEMBER: ("member", "number"),
    AxisKind.Z: ("z", "elevation"),
    AxisKind.OTHER: (),
}
"""Names that ``subset=`` understands beside the axis' own."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis: its values in stored order. ``dim`` is the array dimension, None for a scalar coordinate."""

    name: str
    kind: AxisKind
    values: NDArray[Any]
    dim: str | None = None
    units: str | None = None
    calendar: str | None = None
    positive: str | None = None
    title: str | None = None
    standard_name: str | None = None
    bounds: NDArray[Any] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source_name: str | None = None
    indexed: bool = False
    """Values are positions 0..n-1 because the data have no coordinate for this dimension."""
    kept: NDArray[np.int64] | None = None
    """Array positions of the values, for a coordinate with missing entries on its way into a cube; None: all."""

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def is_time(self) -> bool:
        return self.kind in (AxisKind.TIME, AxisKind.REFERENCE_TIME)

    def take(self, index: NDArray[np.int64]) -> Axis:
        """The axis at some positions."""
        bounds = None if self.bounds is None else self.bounds[index]
        return replace(self, values=self.values[index], bounds=bounds)

    def labels(self, index: NDArray[np.int64] | None = None) -> list[Any]:
        """Values as JSON: ISO times, ISO durations for steps, numbers, text."""
        values = self.values if index is None else self.values[index]
        if self.is_time:
            return list(iso_times(values, self.calendar or "standard"))
        if self.kind is AxisKind.STEP:
            return [iso_duration(int(value)) for value in values]
        return [value.item() if isinstance(value, np.generic) else value for value in values]

    def answers_to(self, name: str) -> bool:
        """Whether ``subset=name(...)`` means this axis."""
        wanted = name.lower()
        own = {self.name.lower(), (self.source_name or self.name).lower()}
        return wanted in own or wanted in ALIASES[self.kind]

    @cached_property
    def is_text(self) -> bool:
        return self.values.dtype.kind in "OUS"

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        order = np.argsort(self.values, kind="stable")
        return order, self.values[order]

    def between(self, low: Any, high: Any) -> NDArray[np.int64]:
        """Positions in stored order of values in ``low <= value <= high``; None is open."""
        order, values = self._sorted
        start = 0 if low is None else int(np.searchsorted(values, low, "left"))
        stop = len(values) if high is None else int(np.searchsorted(values, high, "right"))
        return np.sort(order[start:stop])

    def at(self, value: Any) -> NDArray[np.int64]:
        """Position of one value: exact for times, text and whole numbers; empty when there is none.

        A number of an axis of fractions matches when it is nearer than a twentieth of the local spacing (for a lone
        value, than a thousandth of itself), so that ``depth(0.5)`` finds 0.5016.
        """
        if self.is_text:
            return np.flatnonzero(self.values.astype(str) == str(value))
        if self.is_time or self.kind is AxisKind.STEP or self.values.dtype.kind in "iu":
            return np.flatnonzero(self.values == value)
        numbers = self.values.astype(np.float64)
        nearest = int(np.argmin(np.abs(numbers - value)))
        others = np.abs(np.delete(numbers, nearest) - numbers[nearest])
        if (numbers == np.round(numbers)).all():
            room = abs(value) * 1e-9
        else:
            room = float(others.min()) / 20 if len(others) else abs(value) * 1e-3
            room = max(room, abs(value) * 1e-6, 1e-9)
        return np.array([nearest] if abs(numbers[nearest] - value) <= room else [], np.int64)


def iso_duration(micros: int) -> str:
    """ISO 8601 duration of a step (``PT6H``, ``P2DT12H``, ``-PT30M``)."""
    sign, rest = ("-", -micros) if micros < 0 else ("", micros)
    days, rest = divmod(rest, 86_400_000_000)
    hours, rest = divmod(rest, 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    seconds = rest / 1_000_000
    time = (
        (f"{hours}H" if hours else "")
        + (f"{minutes}M" if minutes else "")
        + (f"{seconds:g}S" if seconds else "")
    )
    date = f"{days}D" if days else ""
    return f"{sign}P{date}T{time}" if time else f"{sign}P{date}" if date else "PT0S"


def regular_step(values: Sequence[Any] | NDArray[Any]) -> Any | None:
    """The step of evenly spaced values, None where they are not."""
    numbers = np.asarray(values)
    if len(numbers) < 2 or numbers.dtype.kind not in "iuf":
        return None
    step = np.diff(numbers)
    if numbers.dtype.kind in "iu":
        return int(step[0]) if (step == step[0]).all() and step[0] != 0 else None
    close = np.allclose(step, step[0], rtol=1e-4, atol=0)
    return (
        float((numbers[-1] - numbers[0]) / (len(numbers) - 1)) if close and step[0] != 0 else None
    )


def ordered_axes(axes: Sequence[Axis]) -> tuple[str, ...]:
    """Names of axes in the order of every answer: others, member, reference_time, step, time, z."""
    return tuple(axis.name for axis in sorted(axes, key=lambda axis: ORDER.index(axis.kind)))
