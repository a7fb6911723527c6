"""The variables, axes and extent of a collection, as rows ready to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ogcapi.html_documents import entries, mapping, safe_url, scalar, sequence, tail, text

#: an axis of more values shows its ends and its length
SHOWN_VALUES = 12


@dataclass(frozen=True)
class Axis:
    """One row of the axes table, ready to show; ``values`` only when there are few."""

    name: str
    unit: str = ""
    first: str = ""
    last: str = ""
    size: int | None = None
    step: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """One row of the variables table; ``definition`` is a URI when it may be linked."""

    id: str
    title: str
    unit: str
    standard_name: str
    definition: str | None
    measurement: str


def variables(doc: Mapping[str, Any], lang: str = "en") -> list[Variable]:
    """The parameters of a collection (EDR ``parameter_names``), by id."""
    return [
        _variable(name, parameter, lang)
        for name, parameter in entries(doc.get("parameter_names"))
        if isinstance(parameter, Mapping)
    ]


def _variable(name: str, parameter: Mapping[str, Any], lang: str) -> Variable:
    observed = mapping(parameter.get("observedProperty"))
    unit = mapping(parameter.get("unit"))
    symbol = unit.get("symbol")
    identifier = str(observed.get("id") or "")
    measurement = mapping(parameter.get("measurementType"))
    titles = (
        parameter.get("label"),
        parameter.get("name"),
        observed.get("label"),
        parameter.get("description"),
    )
    return Variable(
        id=name,
        title=next((words for words in (text(title, lang) for title in titles) if words), ""),
        unit=text(mapping(symbol).get("value") if isinstance(symbol, Mapping) else symbol)
        or text(unit.get("label"), lang)
        or text(parameter.get("unit") if not unit else None),
        standard_name=text(parameter.get("standard_name")) or tail(identifier),
        definition=safe_url(identifier),
        measurement=" ".join(
            text(measurement.get(key)) for key in ("method", "duration") if measurement.get(key)
        ),
    )


def axes(doc: Mapping[str, Any]) -> list[Axis]:
    """The axes of a collection: space, then those it names (``x-ogcapi:axes``) or its extent holds.

    Named axes are in the order of the data, an extent in rising order; steps and values are the
    extent's.
    """
    extent = mapping(doc.get("extent"))
    found = _spatial_axes(doc, mapping(extent.get("spatial")))
    parts = {
        {"temporal": "time", "vertical": "z"}.get(name, name): (name, mapping(part))
        for name, part in entries(extent)
        if name not in ("spatial", "custom") and mapping(part)
    }
    named = [mapping(axis) for axis in sequence(doc.get("x-ogcapi:axes"))]
    if named:
        return found + [_named_axis(axis, parts) for axis in named]
    found += [_axis("time" if key == "time" else name, part) for key, (name, part) in parts.items()]
    custom = (mapping(one) for one in sequence(extent.get("custom")))
    return found + [_axis(text(one.get("id")), one) for one in custom if one]


def _named_axis(axis: Mapping[str, Any], parts: Mapping[str, tuple[str, Any]]) -> Axis:
    name, kind, size = text(axis.get("name")), text(axis.get("kind")), axis.get("size")
    _, part = parts.get(name) or parts.get(kind) or ("", {})
    told = _axis(name, part)
    return Axis(
        name=name,
        unit=text(axis.get("unit")) or told.unit,
        first=text(axis.get("first")) or told.first,
        last=text(axis.get("last")) or told.last,
        size=size if isinstance(size, int) else told.size,
        step=told.step,
        values=told.values,
    )


def _spatial_axes(doc: Mapping[str, Any], spatial: Mapping[str, Any]) -> list[Axis]:
    """x and y; their ends only where bounding box and grid are told in the same CRS."""
    box = _first_box(spatial)
    grids = [mapping(grid) for grid in sequence(spatial.get("grid"))]
    native = text(doc.get("storageCrs"))
    is_geographic = not native or tail(native) in ("CRS84", "CRS84h", "4326")
    if grids and not is_geographic:
        box = list(sequence(spatial.get("storageCrsBbox")))
        box = list(sequence(box[0])) if box and sequence(box[0]) else box
    names = ("longitude", "latitude") if is_geographic or not grids else ("x", "y")
    half = len(box) // 2
    found = []
    for position, name in enumerate(names):
        part: dict[str, Any] = {"grid": grids[position] if position < len(grids) else {}}
        if half >= 2:
            part["interval"] = [[box[position], box[half + position]]]
        if part["grid"] or half >= 2:
            found.append(_axis(name, part | ({"unit": "°"} if name[0] == "l" else {})))
    return found


def _first_box(spatial: Mapping[str, Any]) -> list[Any]:
    boxes = sequence(spatial.get("bbox"))
    return list(sequence(boxes[0])) if boxes and sequence(boxes[0]) else list(boxes)


def _axis(name: str, part: Mapping[str, Any]) -> Axis:
    grid = mapping(part.get("grid"))
    values = sequence(grid.get("coordinates")) or sequence(part.get("values"))
    step = text(grid.get("resolution"))
    if len(values) == 1 and isinstance(values[0], str) and "/" in values[0]:
        step, values = values[0], ()
    intervals = sequence(part.get("interval"))
    ends = sequence(intervals[0]) if intervals and sequence(intervals[0]) else intervals
    if values:
        ends = (values[0], values[-1])
    count = grid.get("cellsCount")
    reference = part.get("trs") or part.get("vrs") or part.get("reference")
    return Axis(
        name=name,
        unit=text(part.get("unit")) or tail(text(reference)),
        first=_end(ends, 0),
        last=_end(ends, -1),
        size=count if isinstance(count, int) else (len(values) or None),
        step=step,
        values=tuple(map(scalar, values)) if 2 < len(values) <= SHOWN_VALUES else (),
    )


def _end(ends: Sequence[Any], position: int) -> str:
    if not ends:
        return ""
    return "open" if ends[position] in (None, "..") else scalar(ends[position])


def extent_rows(doc: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Bounding box and period in words a person reads."""
    extent = mapping(doc.get("extent"))
    box = _first_box(mapping(extent.get("spatial")))
    rows = []
    if len(box) >= 4:
        half = len(box) // 2
        west, south, east, north = (scalar(box[i]) for i in (0, 1, half, half + 1))
        rows.append(("West, south, east, north", f"{west}, {south}, {east}, {north}"))
    time = _axis("time", mapping(extent.get("temporal")))
    if time.first or time.last:
        rows.append(
            ("Time", time.first if time.first == time.last else f"{time.first} to {time.last}")
        )
    return rows
