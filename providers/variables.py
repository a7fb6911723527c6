"""A variable: what it is called, what it measures, and what may be done to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from .fields import Field


class VariableKind(StrEnum):
    """What may be done to a variable: see the rules on averaging and interpolation in the documentation."""

    INSTANT = "instantaneous"
    MEAN = "mean"
    SUM = "accumulated"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    DIRECTION = "direction"
    CATEGORY = "categorical"


@dataclass(frozen=True, eq=False)
class Variable:
    """One field of a cube. ``axes`` names its axes in the order of every answer, scalar ones included."""

    id: str
    field: Field
    axes: tuple[str, ...]
    kind: VariableKind = VariableKind.INSTANT
    title: str | None = None
    units: str | None = None
    standard_name: str | None = None
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    categories: Mapping[int, str] = dataclasses.field(default_factory=dict)
    colormap: str | None = None
    colour_range: tuple[float, float] | None = None
    """Colours of maps where the configuration states them; in stored units."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values that ``read`` returns."""
        return self.field.dtype
