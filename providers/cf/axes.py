"""Axes of a variable from its coordinates: CF attributes first, then units, then names people really use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..axes import Axis, AxisKind
from ..readers.base import RawGroup, RawVariable
from .calendar import (
    MISSING,
    canonical_calendar,
    decode_times,
    duration_unit,
    is_almost_time_unit,
    is_time_unit,
)
from .packing import coordinate_values

_STANDARD_NAMES = {
    "time": AxisKind.TIME,
    "forecast_reference_time": AxisKind.REFERENCE_TIME,
    "forecast_period": AxisKind.STEP,
    "realization": AxisKind.MEMBER,
    "height": AxisKind.Z,
    "altitude": AxisKind.Z,
    "depth": AxisKind.Z,
    "air_pressure": AxisKind.Z,
    "model_level_number": AxisKind.Z,
    "geopotential_height": AxisKind.Z,
    "sea_water_pressure": AxisKind.Z,
    "height_above_mean_sea_level": AxisKind.Z,
    "height_above_geopotential_datum": AxisKind.Z,
    "height_above_reference_ellipsoid": AxisKind.Z,
    "air_potential_temperature": AxisKind.Z,
}
_NAMES = {
    AxisKind.REFERENCE_TIME: {
        "reference_time", "forecast_reference_time", "init_time", "analysis_time", "run", "reftime",
        "initial_time", "base_time",
    },
    AxisKind.STEP: {
        "step", "lead_time", "leadtime", "forecast_period", "prediction_timedelta", "lead",
        "forecast_hour", "fhour",
    },
    AxisKind.MEMBER: {"member", "number", "realization", "ensemble", "ensemble_member", "ens", "sample"},
    AxisKind.TIME: {"time", "valid_time", "t", "date"},
    AxisKind.Z: {
        "level", "lev", "depth", "height", "plev", "pressure", "altitude", "elevation", "z", "heights",
        "isobaricinhpa", "isobaricinpa", "heightaboveground", "hybrid", "pressure_level", "model_level",
        "soil_level", "depthbelowland", "depthbelowlandlayer", "deptht", "depthu", "depthv", "depthw", "s_rho", "s_w",
        "sigma", "lev_m", "olevel",
    },
}  # fmt: skip
_PRESSURE = {"pa", "hpa", "mb", "mbar", "millibar", "millibars", "dbar", "decibar", "bar"}


_LONGEST_STEP = 1e18
"""Microseconds (thirty thousand years)."""


class UnusableAxis(ValueError):
    """A coordinate that cannot be an axis, with the reason."""


def kind_of(variable: RawVariable) -> AxisKind | None:
    """What a coordinate variable measures, None when nothing tells."""
    attributes = variable.attributes
    name = variable.name.lower()
    standard = str(attributes.get("standard_name", "")).strip()
    if standard in _STANDARD_NAMES:
        return _STANDARD_NAMES[standard]
    if standard.startswith(("ocean_", "atmosphere_")) and standard.endswith("_coordinate"):
        return AxisKind.Z
    units = str(attributes.get("units", "")).strip()
    if is_time_unit(units) or is_almost_time_unit(units) or variable.dtype.kind == "M":
        return AxisKind.REFERENCE_TIME if name in _NAMES[AxisKind.REFERENCE_TIME] else AxisKind.TIME
    if name in _NAMES[AxisKind.STEP] and (duration_unit(units) or variable.dtype.kind == "m"):
        return AxisKind.STEP
    axis = str(attributes.get("axis", attributes.get("_CoordinateAxisType", ""))).strip().upper()
    if axis in ("Z", "HEIGHT", "PRESSURE", "GEOZ") or str(
        attributes.get("positive", "")
    ).lower() in ("up", "down"):
        return AxisKind.Z
    if units.lower() in _PRESSURE:
        return AxisKind.Z
    if name in _NAMES[AxisKind.MEMBER] or axis in ("E", "ENSEMBLE"):
        return AxisKind.MEMBER
    return AxisKind.Z if name in _NAMES[AxisKind.Z] else None


def build_axis(group: RawGroup, variable: RawVariable, dim: str | None) -> Axis:
    """An axis from a coordinate variable (1-D, or scalar when ``dim`` is None); raises UnusableAxis."""
    kind = kind_of(variable) or AxisKind.OTHER
    attributes = variable.attributes
    values = _values(variable).reshape(-1)
    units = _text(attributes.get("units"))
    calendar = None
    bounds = _bounds(group, variable)
    kept: NDArray[np.int64] | None = None
    if kind in (AxisKind.TIME, AxisKind.REFERENCE_TIME):
        values, bounds, calendar = _times(variable, values, bounds, units)
        values, bounds, kept = _without_missing(variable, values, bounds)
        units = None
    elif kind is AxisKind.STEP and variable.dtype.kind == "m":
        bounds, units = None, None
    elif kind is AxisKind.STEP:
        factor = duration_unit(units) or 3_600_000_000
        steps = values.astype(np.float64) * factor
        if not (np.abs(steps) < _LONGEST_STEP).all():
            raise UnusableAxis(f"coordinate {variable.name} has missing values")
        values = np.round(steps).astype(np.int64)
        bounds = (
            None
            if bounds is None
            else np.round(bounds.astype(np.float64) * factor).astype(np.int64)
        )
        units = None
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise UnusableAxis(f"coordinate {variable.name} has missing values")
    return Axis(
        name=_NAME_OF.get(kind, variable.name),
        kind=kind,
        values=values,
        dim=dim,
        units=units,
        calendar=calendar,
        positive=_positive(attributes, units, kind),
        title=_text(attributes.get("long_name")),
        standard_name=_text(attributes.get("standard_name")),
        bounds=bounds,
        attributes={
            key: value
            for key, value in attributes.items()
            if key not in ("_FillValue", "missing_value")
        },
        source_name=variable.name,
        kept=kept,
    )


_NAME_OF = {
    AxisKind.TIME: "time",
    AxisKind.REFERENCE_TIME: "reference_time",
    AxisKind.STEP: "step",
    AxisKind.MEMBER: "member",
}
"""Axes of these kinds have one name in every view, whatever the file calls them."""


def index_axis(dim: str, size: int) -> Axis:
    """The axis of a dimension without coordinates: positions from 0."""
    return Axis(
        name=dim,
        kind=AxisKind.OTHER,
        values=np.arange(size),
        dim=dim,
        indexed=True,
        source_name=dim,
    )


def _times(
    variable: RawVariable, values: NDArray[Any], bounds: NDArray[Any] | None, units: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, str]:
    if values.dtype.kind == "M":
        edges = None if bounds is None or bounds.dtype.kind != "M" else _native_times(bounds)
        return _native_times(values), edges, "proleptic_gregorian"
    if not is_time_unit(units):
        stated = f"the unit {units!r}" if units else "no unit"
        raise UnusableAxis(
            f"time coordinate {variable.name} has {stated}, not one such as 'hours since …'"
        )
    try:
        calendar = canonical_calendar(_text(variable.attributes.get("calendar")))
        times = decode_times(values, str(units), calendar)
        edges = None if bounds is None else decode_times(bounds, str(units), calendar)
    except (ValueError, OverflowError) as error:
        raise UnusableAxis(f"time coordinate {variable.name}: {error}") from error
    return times, edges, calendar


def _native_times(values: NDArray[Any]) -> NDArray[np.int64]:
    """NumPy datetimes of any unit; NaT is MISSING, as are times beyond the reach of microseconds."""
    unit, count = np.datetime_data(values.dtype)
    size = _SIZES.get(unit, 1e-3) * count
    missing = np.isnat(values) | (
        np.abs(values.astype(np.int64).astype(np.float64)) * size > 9.2e18
    )
    return np.where(missing, MISSING, values.astype("M8[us]").astype(np.int64))


_SIZES = {
    "us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9, "D": 8.64e10, "W": 6.048e11,
    "M": 2.63e12, "Y": 3.16e13,
}  # fmt: skip
"""Microseconds in the units of NumPy, about."""


def _without_missing(
    variable: RawVariable, times: NDArray[np.int64], bounds: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Times that are there, and their positions where some are not: an axis that is longer than what was written."""
    there = times != MISSING
    if bounds is not None and (bounds[there] == MISSING).any():
        bounds = None
    if there.all():
        return times, bounds, None
    if not there.any() or not variable.dims:
        raise UnusableAxis(f"time coordinate {variable.name} has missing values only")
    kept = np.flatnonzero(there)
    return times[kept], None if bounds is None else bounds[kept], kept


def _values(variable: RawVariable) -> NDArray[Any]:
    if variable.dtype.kind in "iuf":
        return coordinate_values(variable)
    raw = variable.read_all()
    if raw.dtype.kind == "S" and raw.dtype.itemsize == 1 and raw.ndim == 2:
        return np.array(
            [b"".join(row).decode("utf-8", "replace").strip("\x00 ") for row in raw], object
        )
    if raw.dtype.kind in "OUST":
        return np.array([_text(item) or "" for item in raw.ravel()], object)
    if raw.dtype.kind in "mM":
        return raw.astype("m8[us]").astype(np.int64) if raw.dtype.kind == "m" else raw
    raise UnusableAxis(f"coordinate {variable.name} is neither numbers nor text")


def _bounds(group: RawGroup, variable: RawVariable) -> NDArray[Any] | None:
    name = variable.attributes.get("bounds") or variable.attributes.get("climatology")
    bounds = group.variables.get(str(name)) if name else None
    if bounds is None or bounds.shape != (*variable.shape, 2):
        return None
    values = bounds.read_all() if bounds.dtype.kind in "mM" else coordinate_values(bounds)
    return (
        None
        if values.dtype.kind == "f" and not np.isfinite(values).all()
        else values.reshape(-1, 2)
    )


def _positive(attributes: Mapping[str, Any], units: str | None, kind: AxisKind) -> str | None:
    if kind is not AxisKind.Z:
        return None
    stated = str(attributes.get("positive", "")).lower()
    if stated in ("up", "down"):
        return stated
    if (units or "").lower() in _PRESSURE or attributes.get("standard_name") in (
        "depth",
        "air_pressure",
    ):
        return "down"
    return None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
