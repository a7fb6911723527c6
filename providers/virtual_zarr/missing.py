"""What stands for missing values in arrays of whole numbers, which have no NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..cf.packing import Packing
from ..fields import Field, JoinedField, StoredField
from ..taken import TakenField

_WIDER: dict[int, np.dtype[Any]] = {1: np.dtype("<i2"), 2: np.dtype("<i4"), 4: np.dtype("<i8")}


def stored_with_fill(field: Field) -> tuple[np.dtype[Any], Any]:
    """The type of a field's values, little-endian, and what stands for missing ones (None: none are missing).

    Whole numbers keep their type and one of the fills of the files, or an end of the type that is outside of the valid
    range; where files do not agree on any the type is the next wider one.
    """
    dtype = field.dtype.newbyteorder("<")
    if dtype.kind == "f":
        return dtype, float("nan")
    packings = dict.fromkeys(_packings(field))
    if all(packing.is_plain for packing in packings):
        return dtype, None
    ends = np.iinfo(dtype)
    fills = [int(fill) for packing in packings for fill in packing.fills]
    for number in (*fills, ends.min, ends.max):
        if ends.min <= number <= ends.max and all(_never_valid(p, number) for p in packings):
            return dtype, int(number)
    if dtype.itemsize not in _WIDER:
        return np.dtype("<f8"), float("nan")
    wider = _WIDER[dtype.itemsize]
    return wider, int(np.iinfo(wider).min)


def _packings(field: Field) -> Iterator[Packing]:
    """How the values of each file of a field are stored."""
    if isinstance(field, StoredField):
        yield field.packing
    elif isinstance(field, TakenField):
        yield from _packings(field.field)
    elif isinstance(field, JoinedField):
        for part in field.parts:
            yield from _packings(part.field)


def _never_valid(packing: Packing, number: int) -> bool:
    """Whether a number cannot be a value of a file."""
    ends = np.iinfo(packing.values)
    if not ends.min <= number <= ends.max:
        return True
    unpacked = packing.unpack(np.array([number], packing.values))
    return unpacked.dtype.kind == "f" and bool(np.isnan(unpacked[0]))
