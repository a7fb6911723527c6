"""The axes that the messages of one cube span, and where each message stands on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..axes import Axis, AxisKind, iso_duration, ordered_axes
from .keys import hybrid_coefficients
from .pool import Ints, Kind, Pool
from .variables import Series


class AxesOf:
    """Axes of some variables together. What all messages have in common is a scalar, not an axis.

    One step in all of them (analyses, climate runs) makes an axis of valid time; several make reference times and
    steps.
    """

    def __init__(self, pool: Pool, series: Sequence[Series]) -> None:
        self._pool = pool
        kinds = [kind for item in series for kind in item.kinds]
        self._references = np.unique(pool.messages.reference[pool.of(kinds)])
        self._ends = np.unique([kind.keys["end"] for kind in kinds])
        self._members = np.unique([_member(kind) for kind in kinds if _has_member(kind)])
        self._has_levels = series[0].has_levels
        self._own_heights: dict[int, str] = {}
        axes = self._times(series) + self._member_axis(kinds) + self._other_axes(kinds)
        axes += [self._levels(kinds)] if self._has_levels else self._heights(series)
        named = {axis.name: axis for axis in axes}
        self.axes = {name: named[name] for name in ordered_axes(axes)}

    @property
    def _is_series(self) -> bool:
        return len(self._ends) == 1

    # axes

    def _times(self, series: Sequence[Series]) -> list[Axis]:
        starts: dict[int, int] = {}
        for item in series:
            starts.update(item.starts)
        steps = np.array([[starts.get(int(end), int(end)), int(end)] for end in self._ends])
        lead = int(self._ends[0])
        reference = _axis(
            "reference_time",
            AxisKind.REFERENCE_TIME,
            self._references,
            standard_name="forecast_reference_time",
            title="start of the forecast",
            calendar="standard",
        )
        if not self._is_series:
            step = _axis(
                "step",
                AxisKind.STEP,
                self._ends,
                standard_name="forecast_period",
                title="time since the start of the forecast",
                bounds=steps if starts else None,
            )
            return [reference, step]
        time = _axis(
            "time",
            AxisKind.TIME,
            self._references + lead,
            standard_name="time",
            title="valid time",
            calendar="standard",
            bounds=self._references[:, None] + steps if starts else None,
            attributes={"forecast_period": iso_duration(lead)} if lead else {},
        )
        return [time, reference] if lead and len(self._references) == 1 else [time]

    def _member_axis(self, kinds: Sequence[Kind]) -> list[Axis]:
        if not len(self._members):
            return []
        control = any(kind.keys["control"] for kind in kinds)
        title = "ensemble member" + ("; 0 is the control" if control else "")
        return [
            _axis(
                "member",
                AxisKind.MEMBER,
                self._members,
                standard_name="realization",
                title=title,
                source_name="number",
            )
        ]

    def _other_axes(self, kinds: Sequence[Kind]) -> list[Axis]:
        names = dict.fromkeys(name for kind in kinds for name in kind.keys["others"])
        return [
            _axis(
                name,
                AxisKind.OTHER,
                np.unique(
                    [kind.keys["others"][name] for kind in kinds if name in kind.keys["others"]]
                ),
            )
            for name in names
        ]

    def _levels(self, kinds: Sequence[Kind]) -> Axis:
        layers = {kind.level: kind.layer for kind in kinds}
        values = np.array(sorted(layers, reverse=kinds[0].type.name == "pressure"))
        bounds = [layers[float(value)] for value in values]
        axis = self._vertical(kinds[0], values)
        if all(layer is not None for layer in bounds):
            axis = replace(axis, bounds=np.array(bounds))
        if kinds[0].keys["level_type"].startswith("hybrid"):
            axis = replace(axis, attributes=self._hybrid(kinds[0], values))
        return axis

    def _heights(self, series: Sequence[Series]) -> list[Axis]:
        """The one height of each variable that has one; named with it where variables differ."""
        heights = [item for item in series if item.first.type.name]
        values: dict[str, set[Any]] = {}
        for item in heights:
            values.setdefault(item.first.type.name, set()).add((item.first.level, item.first.layer))
        axes: dict[str, Axis] = {}
        for item in heights:
            kind = item.first
            name = kind.type.name
            if len(values[name]) > 1:
                name = _height_name(kind)
            axis = replace(
                self._vertical(kind, np.array([kind.level])), name=name, source_name=name
            )
            if kind.layer is not None:
                axis = replace(axis, bounds=np.array([kind.layer]))
            axes.setdefault(name, axis)
            self._own_heights[id(item)] = name
        return list(axes.values())

    def _vertical(self, kind: Kind, values: NDArray[Any]) -> Axis:
        whole = values.astype(np.int64)
        return _axis(
            kind.type.name,
            AxisKind.Z,
            whole if (whole == values).all() else values,
            units=kind.type.units,
            positive=kind.type.positive,
            standard_name=kind.type.standard_name,
            title=kind.type.title,
            source_name=kind.keys["level_type"],
        )

    def _hybrid(self, kind: Kind, levels: NDArray[Any]) -> dict[str, Any]:
        """CF formula terms of the levels: ``p = ap + b * ps``, from the coefficients at the half levels."""
        found = hybrid_coefficients(self._pool.example(kind))
        if found is None or int(levels.max()) >= len(found[0]) or levels.min() < 1:
            return {}
        a, b = (np.array(part) for part in found)
        at = levels.astype(int)
        return {
            "formula_terms": "ap: ap b: b ps: surface_air_pressure",
            "ap": ((a[at - 1] + a[at]) / 2).tolist(),
            "b": ((b[at - 1] + b[at]) / 2).tolist(),
        }

    # variables on them

    def names(self, item: Series) -> tuple[str, ...]:
        """Axes of one variable, scalars included, in the order of every answer."""
        own = {"time", "reference_time", "step"} | set(item.first.keys["others"])
        if _has_member(item.first):
            own.add("member")
        if self._has_levels:
            own.add(item.first.type.name)
        if id(item) in self._own_heights:
            own.add(self._own_heights[id(item)])
        return tuple(name for name in self.axes if name in own)

    def places(self, item: Series, at: Ints) -> tuple[tuple[str, ...], tuple[int, ...], Ints]:
        """Dimensions of the variable's messages, their sizes, and the flat position of each message."""
        axes = [self.axes[name] for name in self.names(item) if self.axes[name].dim is not None]
        sizes = tuple(axis.size for axis in axes)
        if not axes:
            return (), (), np.zeros(len(at), np.int64)
        positions = [self._positions(axis, at) for axis in axes]
        dims = tuple(str(axis.dim) for axis in axes)
        return dims, sizes, np.ravel_multi_index(positions, sizes)

    def _positions(self, axis: Axis, at: Ints) -> Ints:
        messages = self._pool.messages
        if axis.kind in (AxisKind.TIME, AxisKind.REFERENCE_TIME):
            return np.searchsorted(self._references, messages.reference[at])
        kinds, which = np.unique(messages.kind[at], return_inverse=True)
        values = [_coordinate(self._pool.kinds[kind], axis) for kind in kinds]
        order = np.argsort(axis.values, kind="stable")
        return order[np.searchsorted(axis.values[order], values)][which]


def _coordinate(kind: Kind, axis: Axis) -> float:
    if axis.kind is AxisKind.STEP:
        return int(kind.keys["end"])
    if axis.kind is AxisKind.MEMBER:
        return _member(kind)
    if axis.kind is AxisKind.Z:
        return kind.level
    return float(kind.keys["others"][axis.name])


def _has_member(kind: Kind) -> bool:
    return kind.keys["member"] is not None


def _member(kind: Kind) -> int:
    return int(kind.keys["member"] or 0)


def _height_name(kind: Kind) -> str:
    """``height_2m``; a layer by its top and bottom: ``depth_0_0p07m``."""
    numbers = [kind.level] if kind.layer is None else list(kind.layer)
    text = "_".join(f"{number:g}" for number in numbers).replace(".", "p").replace("-", "minus")
    unit = kind.type.units if kind.type.units and kind.type.units.isalpha() else ""
    return f"{kind.type.name}_{text}{unit}"


def _axis(name: str, kind: AxisKind, values: NDArray[Any], **facts: Any) -> Axis:
    facts.setdefault("source_name", name)
    return Axis(name=name, kind=kind, values=values, dim=name if len(values) > 1 else None, **facts)
