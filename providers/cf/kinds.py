"""What a variable is: its kind, its categories, and the attributes worth repeating."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cube import VariableKind
from ..readers.base import RawVariable

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


def kind_of_variable(raw: RawVariable, values: np.dtype[Any]) -> VariableKind:
    attributes = raw.attributes
    if "flag_values" in attributes or "flag_masks" in attributes or "flag_meanings" in attributes:
        return VariableKind.CATEGORY
    standard = str(attributes.get("standard_name", ""))
    if standard.endswith(("_direction", "_from_direction", "_to_direction")):
        return VariableKind.DIRECTION
    methods = str(attributes.get("cell_methods", "")).lower()
    for word, kind in (
        ("sum", VariableKind.SUM),
        ("mean", VariableKind.MEAN),
        ("maximum", VariableKind.MAXIMUM),
        ("minimum", VariableKind.MINIMUM),
    ):
        if _time_method(methods, word):
            return kind
    return VariableKind.INSTANT


def _time_method(methods: str, word: str) -> bool:
    """Whether ``cell_methods`` applies a method along time (CF 7.3)."""
    words = methods.replace("(", " ( ").split()
    after = False
    for item in words:
        if item.endswith(":"):
            after = item == "time:" or (after and not words[words.index(item) - 1].isalpha())
        elif after:
            return item == word
    return False


def categories_of(attributes: Mapping[str, Any]) -> dict[int, str]:
    values, meanings = attributes.get("flag_values"), attributes.get("flag_meanings")
    if values is None or meanings is None:
        return {}
    names = meanings.split() if isinstance(meanings, str) else [str(name) for name in meanings]
    try:
        codes = [
            int(float(value))
            for value in (values.split(",") if isinstance(values, str) else np.ravel(values))
        ]
    except ValueError:
        return {}
    return dict(zip(codes, names, strict=False))
