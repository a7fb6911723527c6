"""Names of arrays, and attributes as JSON holds them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..formats.netcdf_names import legal, writable

_OF_ADDRESSES = re.compile(r"[?#%\\]")


class Names:
    """Gives every array a name of its own: one that NetCDF allows and that is a part of an address."""

    def __init__(self, reserved: tuple[str, ...]) -> None:
        self._taken = set(reserved)

    def name(self, name: str, suffix: str) -> str:
        """The name, with ``suffix`` where it is taken."""
        found = _OF_ADDRESSES.sub("_", legal(name))
        while found in self._taken or found.startswith("__"):
            found = f"{found.lstrip('_')}_{suffix}"
        self._taken.add(found)
        return found


def json_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that NetCDF could hold, as JSON: no numbers that are not finite."""
    plain = {name: _plain(value) for name, value in writable(attributes).items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    found = np.asarray(value).tolist()
    numbers = found if isinstance(found, list) else [found]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        return None
    return found
