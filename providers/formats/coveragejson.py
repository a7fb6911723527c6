"""CoverageJSON 1.0 (OGC 21-069r2).

Rectilinear cells and those of a projection with a name become a ``Grid`` domain; all other cells a ``MultiPoint`` or
``MultiPointSeries`` of their centres (CoverageJSON has no domain type for curvilinear or HEALPix grids), or a
``Trajectory`` where they carry their own times; one cell becomes ``Point``, ``PointSeries`` or ``VerticalProfile``.
Variables on different axes make a ``CoverageCollection``. Missing values are null.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from ..axes import Axis, AxisKind
from ..coverage import Coverage
from ..variables import Variable
from .base import Format
from .coveragejson_domain import axis_keys, cell_axes, domain_of
from .coveragejson_parameters import parameter
from .spool import Spool

MEDIA_TYPE = "application/prs.coverage+json"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_DATA_TYPES = {"f": "float", "i": "integer", "u": "integer", "b": "integer"}


def write(coverage: Coverage) -> bytes:
    """The coverage as JSON text in UTF-8."""
    return orjson.dumps(document(coverage), option=_OPTIONS)


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same text, values written slab by slab."""
    mark = secrets.token_hex(16)
    names = [variable.id for variable in coverage.variables]
    shell = document(coverage, lambda variable: f"{mark}{names.index(variable.id)}")
    before, *parts = orjson.dumps(shell, option=_OPTIONS).split(b'"' + mark.encode())
    yield before
    for part in parts:
        number, _, after = part.partition(b'"')
        separator = b"["
        for _, values in coverage.slabs(coverage.variables[int(number)]):
            yield separator + orjson.dumps(_flat(values), option=_OPTIONS)[1:-1]
            separator = b","
        yield b"]" + after


def document(
    coverage: Coverage, values_of: Callable[[Variable], Any] | None = None
) -> dict[str, Any]:
    """The coverage as a document; arrays stay NumPy arrays for the encoder.

    ``values_of`` gives what stands for the values of a variable, by default the values.
    """
    values_of = values_of or (lambda variable: _flat(coverage.values[variable.id]))
    groups: dict[tuple[str, ...], list[Variable]] = {}
    for variable in coverage.variables:
        axes = tuple(name for name in variable.axes if not _is_scalar_level(coverage.axes[name]))
        groups.setdefault(axes, []).append(variable)
    parameters = {variable.id: parameter(variable) for variable in coverage.variables}
    parts = [_coverage(coverage, members, values_of) for members in groups.values()]
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
    if coverage.resampling is not None:
        facts["ogcapi:resampling"] = coverage.resampling
    for name in ("licence", "license", "attribution", "references"):
        if coverage.attributes.get(name):
            facts[f"ogcapi:{name}"] = str(coverage.attributes[name])
    return facts


def _coverage(
    coverage: Coverage, members: list[Variable], values_of: Callable[[Variable], Any]
) -> dict[str, Any]:
    """Domain and ranges of variables on the same axes; a height that only some have stays out of the domain."""
    common = set.intersection(*(set(variable.axes) for variable in members))
    names = tuple(name for name in members[0].axes if name in common)
    axes = [coverage.axes[name] for name in names]
    shown = [axis for axis in axes if _is_shown(axis)]
    dropped = [axis for axis in axes if not _is_shown(axis)]
    keys = axis_keys(shown)
    domain = domain_of(coverage, shown, keys)
    cells, shape = cell_axes(coverage)
    lengths = [axis.size for axis in shown] + shape
    ranges = {}
    for variable in members:
        ranges[variable.id] = {
            "type": "NdArray",
            "dataType": _DATA_TYPES[coverage.dtype(variable).kind],
            "axisNames": keys + cells,
            "shape": lengths,
            "values": values_of(variable),
        }
    result: dict[str, Any] = {"domain": domain, "ranges": ranges}
    if dropped:
        result["ogcapi:coordinates"] = {axis.name: axis.labels()[0] for axis in dropped}
    return result


def _flat(values: np.ndarray) -> Any:
    """Values as a flat array; the encoder writes NaN as null."""
    flat = np.ascontiguousarray(values).reshape(-1)
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


COVERAGEJSON = Format(
    name="json",
    media_type=MEDIA_TYPE,
    title="CoverageJSON",
    write=write,
    suffix=".covjson",
    accepts=("application/json", "application/vnd.cov+json"),
    stream=stream,
    write_many=write_collection,
    bytes_per_value=9.0,
)
