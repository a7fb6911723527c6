"""Bearings as unit vectors: 359 and 1 degrees are 2 apart, and their mean is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.complexfloating[Any, Any]]

_NOWHERE = 1e-6
"""Mean vectors shorter than this point nowhere: bearings that cancel have no mean."""
_ROUNDING = 1e-7
"""Of a turn: what is nearer to a full turn would become one in single precision, and is 0."""


def full_circle(units: str | None) -> float:
    """A full turn in the units of a direction: degrees unless they are radians."""
    return math.tau if (units or "").strip().lower() in ("rad", "radian", "radians") else 360.0


def to_vectors(directions: NDArray[Any], units: str | None) -> Vectors:
    """Unit vectors as complex numbers; missing stays missing."""
    angle = np.asarray(directions, np.float64) * (math.tau / full_circle(units))
    return np.exp(1j * angle)


def to_directions(vectors: Vectors, units: str | None) -> NDArray[np.float64]:
    """Directions from 0 up to a full turn; missing where vectors cancelled each other out."""
    turn = full_circle(units)
    with np.errstate(invalid="ignore"):
        found = np.mod(np.angle(vectors) * (turn / math.tau), turn)
        found = np.where(turn - found < turn * _ROUNDING, 0.0, found)
        return np.where(np.abs(vectors) > _NOWHERE, found, np.nan)
