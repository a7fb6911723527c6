"""Names and attributes as NetCDF allows them (NUG, appendix B)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np

_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f]")


def writable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that NetCDF can hold, under names it allows: no maps, truth values, mixed lists, huge integers."""
    return {
        legal(name): value
        for name, value in attributes.items()
        if not name.startswith("_") and name != "coordinates" and _is_writable(value)
    }


def _is_writable(value: Any) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, bool) or not isinstance(
        value, int | float | list | np.generic | np.ndarray
    ):
        return False
    if isinstance(value, list) and not (
        all(isinstance(item, str) for item in value)
        or all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    ):
        return False
    return np.asarray(value).dtype.kind in "iufU"


def legal(name: str) -> str:
    """A name as NetCDF allows it (NUG, appendix B): no slash, no control characters, no space around it."""
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip()
    first = text[:1]
    return text if first.isalnum() or first == "_" or first > "\x7f" else f"_{text}"


def free_name(dataset: netCDF4.Dataset, name: str, suffix: str) -> str:
    """A legal name that is neither a variable nor a dimension yet."""
    free = legal(name)
    while free in dataset.variables or free in dataset.dimensions or free in RESERVED:
        free = f"{free}_{suffix}"
    return free


PAIR = "bnds"
RESERVED = ("lat", "lon", "x", "y", "crs", "cell", "healpix", "healpix_index", PAIR)
"""Names of what describes cells and bounds, whether or not this answer has them."""


def stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to write: NetCDF has no half precision."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype
