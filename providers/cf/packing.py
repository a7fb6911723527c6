"""From stored numbers to values: fills, valid range, scale and offset (CF 8.1, 2.5.1; NUG appendix A)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..readers.base import Raw, RawVariable


@dataclass(frozen=True)
class Packing:
    """How the stored numbers of one variable become values.

    ``fills`` and the valid bounds are in stored units. The type of values is the stored type where nothing has to be
    done, floating point where something is missing or scaled: as CF 8.1 has it, that of the scaling attributes.
    """

    stored: np.dtype[Any]
    values: np.dtype[Any]
    scale: float | None = None
    offset: float | None = None
    fills: tuple[Any, ...] = ()
    valid_min: Any = None
    valid_max: Any = None
    unsigned: bool = False

    @property
    def is_plain(self) -> bool:
        """Stored numbers are values; only NaN is missing."""
        return not self.fills and self.scale is None and self.offset is None and not self.has_range

    @property
    def has_range(self) -> bool:
        return self.valid_min is not None or self.valid_max is not None

    def unpack(self, raw: Raw) -> NDArray[Any]:
        """Values of the same shape; missing is NaN. The input is not changed."""
        if self.unsigned:
            raw = raw.view(raw.dtype.newbyteorder("=").str.replace("i", "u"))
        if self.is_plain:
            return raw
        missing = self._missing(raw)
        if self.values.kind != "f":
            if missing is None or not missing.any():
                return raw
            values = raw.astype(np.float64)
        else:
            values = raw.astype(self.values)
            if self.scale is not None:
                values *= self.scale
            if self.offset is not None:
                values += self.offset
        if missing is not None:
            values[missing] = np.nan
        return values

    def _missing(self, raw: Raw) -> NDArray[np.bool_] | None:
        missing: NDArray[np.bool_] | None = None
        for fill in self.fills:
            missing = _either(missing, raw == fill)
        if self.valid_min is not None:
            missing = _either(missing, raw < self.valid_min)
        if self.valid_max is not None:
            missing = _either(missing, raw > self.valid_max)
        return missing


def _either(known: NDArray[np.bool_] | None, more: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return more if known is None else known | more


def packing_of(variable: RawVariable) -> Packing:
    """Read the packing from attributes; attributes that do not fit the stored type are left out, as netCDF does."""
    attributes = variable.attributes
    stored = variable.dtype
    unsigned = str(attributes.get("_Unsigned", "false")).lower() == "true" and stored.kind == "i"
    compare = np.dtype(stored.str.replace("i", "u")) if unsigned else stored
    scale, offset = _number(attributes, "scale_factor"), _number(attributes, "add_offset")
    low, high = _valid_range(attributes, compare, scaled=scale is not None or offset is not None)
    return Packing(
        stored=stored,
        values=_value_type(attributes, compare),
        scale=None if scale is None or (scale == 1.0 and offset is None) else float(scale),
        offset=None if offset is None or (offset == 0.0 and scale is None) else float(offset),
        fills=_fills(variable, compare),
        valid_min=low,
        valid_max=high,
        unsigned=unsigned,
    )


def _number(attributes: Mapping[str, Any], name: str) -> Any:
    value = attributes.get(name)
    if value is None:
        return None
    try:
        number = np.asarray(value, dtype=None).ravel()[0]
        return number if np.isfinite(float(number)) else None
    except (IndexError, TypeError, ValueError):
        return None


def _value_type(attributes: Mapping[str, Any], stored: np.dtype[Any]) -> np.dtype[Any]:
    numbers = [_number(attributes, name) for name in ("scale_factor", "add_offset")]
    present = [np.asarray(number).dtype for number in numbers if number is not None]
    if not present:
        return stored
    if all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in present) and stored.itemsize <= 2:
        return np.dtype(np.float32)
    if (
        stored.kind == "f"
        and stored.itemsize <= 4
        and all(dtype.itemsize <= 4 for dtype in present)
    ):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def _fills(variable: RawVariable, stored: np.dtype[Any]) -> tuple[Any, ...]:
    attributes = variable.attributes
    stated = [attributes[name] for name in ("_FillValue", "missing_value") if name in attributes]
    if not _is_usable(attributes.get("_FillValue"), stored) and variable.fill_value is not None:
        stated.append(variable.fill_value)
    fills: list[Any] = []
    for value in stated:
        for item in np.asarray(value).ravel():
            fill = _as_stored(item, stored)
            if fill is not None and not any(fill == known for known in fills):
                fills.append(fill)
    return tuple(fills)


def _is_usable(value: Any, stored: np.dtype[Any]) -> bool:
    """Whether a stated ``_FillValue`` can stand in the data; one that cannot leaves the container's own in force."""
    items = np.asarray(value).ravel() if value is not None else np.empty(0)
    if len(items) != 1:
        return False
    is_nan = items.dtype.kind == "f" and bool(np.isnan(items[0]))
    return (is_nan and stored.kind == "f") or _as_stored(items[0], stored) is not None


def _as_stored(value: Any, stored: np.dtype[Any]) -> Any:
    """A fill in the stored type, None where it is NaN or cannot be one of the stored numbers."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if np.isnan(number):
        return None
    if stored.kind == "f":
        with np.errstate(over="ignore"):
            return stored.type(value)
    if stored.kind in "iu":
        if stored.kind == "u" and number < 0:
            number += 2.0 ** (8 * stored.itemsize)
        info = np.iinfo(stored)
        if number != np.floor(number) or not info.min <= number <= info.max:
            return None
        return stored.type(int(value) if number == float(value) else int(number))
    return None


def _valid_range(
    attributes: Mapping[str, Any], stored: np.dtype[Any], *, scaled: bool
) -> tuple[Any, Any]:
    """Bounds in stored units. A bound of another type than stored, on packed data, is not in stored units (NUG)."""
    pair = attributes.get("valid_range")
    bounds: list[Any] = [attributes.get("valid_min"), attributes.get("valid_max")]
    if pair is not None and np.asarray(pair).size == 2:
        bounds = list(np.asarray(pair).ravel())
    result: list[Any] = []
    for bound in bounds:
        values = np.asarray(bound).ravel() if bound is not None else np.empty(0)
        usable = len(values) == 1 and values.dtype.kind in "iuf" and np.isfinite(float(values[0]))
        if usable and scaled and values.dtype.kind == "f" and stored.kind in "iu":
            usable = False
        result.append(_bound_as_stored(values[0], stored) if usable else None)
    return result[0], result[1]


def _bound_as_stored(value: Any, stored: np.dtype[Any]) -> Any:
    if stored.kind == "u" and float(value) < 0:
        return None
    return stored.type(value) if stored.kind == "f" else value


_SMALLEST_FILL = 32_767
"""Containers' own fills nearer to zero than this are coordinates like any other (Zarr 2 writes 0)."""


def coordinate_values(variable: RawVariable) -> NDArray[Any]:
    """The values of a coordinate: missing is NaN; single precision is read as the decimals it was written from."""
    fill = variable.fill_value
    if fill is not None and not abs(float(fill)) >= _SMALLEST_FILL:
        variable = replace(variable, fill_value=None)
    values = packing_of(variable).unpack(variable.read_all())
    return as_written(values) if values.dtype.kind == "f" and values.itemsize < 8 else values


def as_written(values: NDArray[Any]) -> NDArray[np.float64]:
    """Short floats as the decimal number with the fewest decimals that they store: 100.2, not 100.19999694824219."""
    result = values.astype(np.float64)
    flat, single = result.reshape(-1), values.reshape(-1)
    left = np.flatnonzero(np.isfinite(flat))
    for decimals in range(9):
        if not len(left):
            break
        rounded = np.round(flat[left], decimals)
        same = rounded.astype(values.dtype) == single[left]
        flat[left[same]] = rounded[same]
        left = left[~same]
    return flat.reshape(values.shape)
