"""CoverageJSON 1.0 (OGC 21-069r2).

Rectilinear cells become a ``Grid`` domain; all other cells a ``MultiPoint`` or ``MultiPointSeries`` of their centres
(CoverageJSON has no domain type for curvilinear or HEALPix grids); one cell becomes ``Point``, ``PointSeries`` or
``VerticalProfile``. Variables on different axes make a ``CoverageCollection``. Missing values are null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from ..axes import Axis, AxisKind
from ..cf.calendar import MISSING, iso_times
from ..cube import Coverage, Variable, VariableKind
from ..units import ucum
from .base import Format

MEDIA_TYPE = "application/prs.coverage+json"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_STANDARD_NAMES = "http://vocab.nerc.ac.uk/standard_name/"
_CALENDARS = "http://www.opengis.net/def/calendar/"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_DATA_TYPES = {"f": "float", "i": "integer", "u": "integer", "b": "integer"}


def write(coverage: Coverage) -> bytes:
    """The coverage as JSON text in UTF-8."""
    return orjson.dumps(document(coverage), option=_OPTIONS)


def document(coverage: Coverage) -> dict[str, Any]:
    """The coverage as a document; arrays stay NumPy arrays for the encoder."""
    groups: dict[tuple[str, ...], list[Variable]] = {}
    for variable in coverage.variables:
        axes = tuple(name for name in variable.axes if not _is_scalar_level(coverage.axes[name]))
        groups.setdefault(axes, []).append(variable)
    parameters = {variable.id: parameter(variable) for variable in coverage.variables}
    parts = [_coverage(coverage, members) for members in groups.values()]
    if len(parts) == 1:
        return {"type": "Coverage", **parts[0], "parameters": parameters, **_extras(coverage)}
    return {
        "type": "CoverageCollection",
        "parameters": parameters,
        "coverages": [{"type": "Coverage", **part} for part in parts],
        **_extras(coverage),
    }


def write_collection(coverages: Sequence[Coverage]) -> bytes:
    """Several coverages of the same variables as one CoverageCollection."""
    documents = [document(coverage) for coverage in coverages]
    parts: list[dict[str, Any]] = []
    for item in documents:
        shared = {
            name: value
            for name, value in item.items()
            if name in ("domain", "ranges") or ":" in name
        }
        parts += item.get("coverages", [{"type": "Coverage", **shared}])
    collection = {
        "type": "CoverageCollection",
        "parameters": documents[0]["parameters"],
        "coverages": parts,
    }
    return orjson.dumps(collection, option=_OPTIONS)


def _extras(coverage: Coverage) -> dict[str, Any]:
    """What the answer should say of itself beyond its values."""
    facts: dict[str, Any] = {}
    if coverage.run is not None:
        facts["ogcapi:reference_time"] = coverage.run
    for name in ("licence", "license", "attribution", "references"):
        if coverage.attributes.get(name):
            facts[f"ogcapi:{name}"] = str(coverage.attributes[name])
    return facts


def _coverage(coverage: Coverage, members: list[Variable]) -> dict[str, Any]:
    """Domain and ranges of variables on the same axes; a height that only some have stays out of the domain."""
    common = set.intersection(*(set(variable.axes) for variable in members))
    names = tuple(name for name in members[0].axes if name in common)
    axes = [coverage.axes[name] for name in names]
    shown = [axis for axis in axes if _is_shown(axis)]
    dropped = [axis for axis in axes if not _is_shown(axis)]
    keys = _axis_keys(shown)
    domain = _domain(coverage, shown, keys)
    cells, shape = _cell_axes(coverage)
    lengths = [axis.size for axis in shown] + shape
    ranges = {}
    for variable in members:
        values = np.ascontiguousarray(coverage.values[variable.id])
        ranges[variable.id] = {
            "type": "NdArray",
            "dataType": _DATA_TYPES[values.dtype.kind],
            "axisNames": keys + cells,
            "shape": lengths,
            "values": _flat(values),
        }
    result: dict[str, Any] = {"domain": domain, "ranges": ranges}
    if dropped:
        result["ogcapi:coordinates"] = {axis.name: axis.labels()[0] for axis in dropped}
    return result


def _flat(values: np.ndarray) -> Any:
    """Values as a flat array; the encoder writes NaN as null."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "f" and np.isinf(flat).any():
        flat = np.where(np.isfinite(flat), flat, np.nan)
    if flat.dtype.itemsize < 4 and flat.dtype.kind == "f":
        flat = flat.astype(np.float32)
    return flat


def _is_shown(axis: Axis) -> bool:
    """Scalar reference times, members and others do not make an axis: they stand beside the domain."""
    return axis.size > 1 or axis.kind in (AxisKind.TIME, AxisKind.Z)


def _is_scalar_level(axis: Axis) -> bool:
    """A height such as 2 m that a variable carries along; variables may differ in it and share a domain."""
    return axis.kind is AxisKind.Z and axis.dim is None


def _axis_keys(shown: Sequence[Axis]) -> list[str]:
    """``t``, ``z`` or the axis' own name, which must not be one that CoverageJSON gives a meaning."""
    taken = {"x", "y", "z", "t", "composite"}
    keys = []
    for axis in shown:
        if axis.kind is AxisKind.TIME:
            key = "t"
        elif axis.kind is AxisKind.Z:
            key = "z"
        else:
            key = axis.name
            while key in taken:
                key = f"{key}_axis"
        taken.add(key)
        keys.append(key)
    return keys


def _cell_axes(coverage: Coverage) -> tuple[list[str], list[int]]:
    """Names and lengths of the horizontal axes of the ranges."""
    selection = coverage.selection
    if selection.separable:
        return ["y", "x"], list(selection.shape)
    return ([], []) if selection.size == 1 else (["composite"], [selection.size])


def _domain(coverage: Coverage, shown: list[Axis], keys: list[str]) -> dict[str, Any]:
    selection, times = coverage.selection, coverage.cell_times
    axes: dict[str, Any] = {}
    vertical = next((axis for axis in shown if axis.kind is AxisKind.Z), None)
    if selection.separable or selection.size == 1:
        axes["x"] = {"values": selection.x.tolist()}
        axes["y"] = {"values": selection.y.tolist()}
        if times is not None:
            axes["t"] = {"values": _cell_labels(times)}
    elif times is not None:
        cells = zip(_cell_labels(times), selection.x.tolist(), selection.y.tolist(), strict=True)
        axes["composite"] = {
            "dataType": "tuple",
            "coordinates": ["t", "x", "y"],
            "values": [list(cell) for cell in cells],
        }
    else:
        pairs = np.stack((selection.x, selection.y), -1)
        axes["composite"] = {"dataType": "tuple", "coordinates": ["x", "y"], "values": pairs}
    for key, axis in zip(keys, shown, strict=True):
        axes[key] = {"values": axis.labels(), **_bounds(axis)}
    domain: dict[str, Any] = {"type": "Domain"}
    kind = _domain_type(coverage, shown)
    if kind is not None:
        domain["domainType"] = kind
    domain["axes"] = axes
    domain["referencing"] = _referencing(shown, vertical)
    if times is not None:
        domain["referencing"].append({"coordinates": ["t"], "system": _temporal(times)})
    return domain


def _cell_labels(times: Axis) -> list[str | None]:
    """The times of cells as text, null where a cell has none."""
    labels: list[str | None] = [None] * times.size
    known = np.flatnonzero(times.values != MISSING)
    for position, label in zip(known, times.labels(known), strict=True):
        labels[position] = label
    return labels


def _bounds(axis: Axis) -> dict[str, Any]:
    if axis.bounds is None or len(axis.bounds) != axis.size:
        return {}
    if axis.is_time:
        return {"bounds": iso_times(axis.bounds.reshape(-1), axis.calendar or "standard")}
    return {"bounds": axis.bounds.reshape(-1).tolist()} if axis.kind is AxisKind.Z else {}


def _domain_type(coverage: Coverage, shown: list[Axis]) -> str | None:
    """The common domain type (clause 9.11) the axes fit, None for axes beyond x, y, z and t."""
    kinds = {axis.kind: axis.size for axis in shown}
    if not set(kinds) <= {AxisKind.TIME, AxisKind.Z}:
        return None
    times, levels = kinds.get(AxisKind.TIME, 0), kinds.get(AxisKind.Z, 0)
    selection = coverage.selection
    own = coverage.cell_times
    if own is not None and selection.size > 1:
        ordered = bool((own.values != MISSING).all() and (np.diff(own.values) >= 0).all())
        return "Trajectory" if ordered and not levels else None
    if selection.separable and selection.size > 1:
        return "Grid"
    if selection.size == 1:
        if levels > 1:
            return "VerticalProfile" if times <= 1 else "Grid" if selection.separable else None
        return "PointSeries" if times > 1 else "Point"
    if levels:
        return None
    return "MultiPointSeries" if times > 1 else "MultiPoint"


def _referencing(shown: list[Axis], vertical: Axis | None) -> list[dict[str, Any]]:
    systems: list[dict[str, Any]] = [
        {"coordinates": ["x", "y"], "system": {"type": "GeographicCRS", "id": _CRS84}}
    ]
    if vertical is not None:
        systems.append({"coordinates": ["z"], "system": _vertical(vertical)})
    for axis in shown:
        if axis.kind is AxisKind.TIME:
            systems.append({"coordinates": ["t"], "system": _temporal(axis)})
        elif axis.kind is AxisKind.REFERENCE_TIME:
            systems.append({"coordinates": [axis.name], "system": _temporal(axis)})
    return systems


def _temporal(axis: Axis) -> dict[str, Any]:
    """Gregorian by name, other calendars by a URI (clause 9.5.3) that ends in their CF name."""
    calendar = axis.calendar or "standard"
    if calendar in ("standard", "proleptic_gregorian"):
        return {"type": "TemporalRS", "calendar": "Gregorian"}
    return {"type": "TemporalRS", "calendar": _CALENDARS + calendar}


def _vertical(axis: Axis) -> dict[str, Any]:
    name = axis.title or axis.standard_name or axis.name
    direction = axis.positive or "up"
    facts: dict[str, Any] = {"name": {"en": name}, "direction": direction}
    if axis.units:
        facts["unit"] = {"symbol": axis.units}
    return {"type": "VerticalCRS", "cs": {"csAxes": [facts]}}


def parameter(variable: Variable) -> dict[str, Any]:
    """One parameter: ``observedProperty.id`` is the CF standard name URI, symbols are UCUM where they really are."""
    title = variable.title or (variable.standard_name or variable.id).replace("_", " ")
    observed: dict[str, Any] = {"label": {"en": title}}
    if variable.standard_name:
        observed["id"] = _STANDARD_NAMES + variable.standard_name + "/"
    result: dict[str, Any] = {
        "type": "Parameter",
        "description": {"en": title},
        "observedProperty": observed,
    }
    if variable.kind is VariableKind.CATEGORY and variable.categories:
        observed["categories"] = [
            {"id": f"{variable.id}:{code}", "label": {"en": name}}
            for code, name in variable.categories.items()
        ]
        result["categoryEncoding"] = {f"{variable.id}:{code}": code for code in variable.categories}
    elif variable.units:
        result["unit"] = unit(variable.units)
    return result


def unit(text: str) -> dict[str, Any]:
    """A CoverageJSON unit: the UCUM symbol where the unit is known to be one, else the text as stored."""
    code = ucum(text)
    if code is None:
        return {"label": {"en": text}, "symbol": text}
    symbol: Mapping[str, str] = {"value": code, "type": "http://www.opengis.net/def/uom/UCUM/"}
    return {"label": {"en": text}, "symbol": symbol}


COVERAGEJSON = Format(
    name="json",
    media_type=MEDIA_TYPE,
    title="CoverageJSON",
    write=write,
    suffix=".covjson",
    accepts=("application/json", "application/vnd.cov+json"),
    write_many=write_collection,
    bytes_per_value=9.0,
)
