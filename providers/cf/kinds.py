"""What a variable is: its kind, its categories, and the attributes worth repeating."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cube import VariableKind
from ..readers.base import RawVariable
from .methods import time_method

REFERENCES = ("bounds", "climatology", "grid_mapping")
"""Attributes that name other variables of the file."""

STORAGE_ATTRIBUTES = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "valid_min", "valid_max",
    "valid_range", "coordinates", "grid_mapping", "_ChunkSizes", "_Netcdf4Dimid", "DIMENSION_LABELS",
    "actual_range", "cell_measures", "ancillary_variables", "_QuantizeBitRoundNumberOfSignificantDigits",
}  # fmt: skip
"""Attributes about storage, or about other variables of the file: not repeated in answers."""


def plain_attributes(raw: RawVariable) -> dict[str, Any]:
    """Attributes without those that point to other variables."""
    return {key: value for key, value in raw.attributes.items() if key not in REFERENCES}


def title_of(attributes: Mapping[str, Any]) -> str | None:
    text = attributes.get("long_name") or attributes.get("title")
    return str(text).strip() if text else None


_METHODS = {
    "sum": VariableKind.SUM,
    "mean": VariableKind.MEAN,
    "maximum": VariableKind.MAXIMUM,
    "minimum": VariableKind.MINIMUM,
}
_STEP_TYPES = {
    "accum": VariableKind.SUM,
    "avg": VariableKind.MEAN,
    "max": VariableKind.MAXIMUM,
    "min": VariableKind.MINIMUM,
}
"""``GRIB_stepType``, which files converted from GRIB keep instead of ``cell_methods``."""


def kind_of_variable(raw: RawVariable, values: np.dtype[Any]) -> VariableKind:
    """From flags, standard name and ``cell_methods``; what nothing tells is instantaneous."""
    attributes = raw.attributes
    if "flag_values" in attributes or "flag_masks" in attributes or "flag_meanings" in attributes:
        return VariableKind.CATEGORY
    if is_direction(attributes):
        return VariableKind.DIRECTION
    method = time_method(attributes)
    if method is not None:
        return _METHODS.get(method.method, VariableKind.INSTANT)
    return _STEP_TYPES.get(str(attributes.get("GRIB_stepType", "")), VariableKind.INSTANT)


_DIRECTION_NAME = re.compile(
    r"(?:^|_)direction(?:$|_at_)|^direction_of_|_azimuth_angle$|^platform_(?:course|orientation)$"
)
"""Standard names of bearings: ``wind_from_direction``, ``sea_water_velocity_to_direction``,
``sea_surface_wave_from_direction_at_variance_spectral_density_maximum``."""
_TRUE_BEARING = re.compile(r"^deg(?:ree)?s?[ _]true$")
_DEGREES = re.compile(r"^(?:deg|degrees?|°|degrees?[ _]t(?:rue)?|degrees?[ _]from[ _]north)$")
_NOT_A_BEARING = re.compile(
    r"\b(?:spread|width|variance|deviation|std|difference|error|uncertainty|bias|anomaly|change|index|flag)\b"
)


def is_direction(attributes: Mapping[str, Any]) -> bool:
    """Whether values are bearings, which have no beginning and no end.

    A standard name decides. Without one, degrees that are stated as true, or degrees of what the long name calls a
    direction; nothing is concluded from the name of the variable.
    """
    units = str(attributes.get("units", "")).strip().lower()
    standard = str(attributes.get("standard_name", "")).strip().lower()
    if standard and standard != "unknown":
        return bool(_DIRECTION_NAME.search(standard)) and (
            not units or units in ("rad", "radian", "radians") or bool(_DEGREES.match(units))
        )
    title = str(attributes.get("long_name", "")).lower()
    if _NOT_A_BEARING.search(title):
        return False
    return bool(_TRUE_BEARING.match(units)) or (
        bool(_DEGREES.match(units)) and re.search(r"\bdirection\b", title) is not None
    )


def categories_of(attributes: Mapping[str, Any]) -> dict[int, str]:
    values, meanings = attributes.get("flag_values"), attributes.get("flag_meanings")
    if values is None or meanings is None:
        return {}
    try:
        names = meanings.split() if isinstance(meanings, str) else [str(name) for name in meanings]
        codes = [
            int(float(value))
            for value in (values.split(",") if isinstance(values, str) else np.ravel(values))
        ]
    except (ValueError, TypeError, OverflowError):
        return {}
    return dict(zip(codes, names, strict=False))
