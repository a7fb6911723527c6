"""Dropping the digits nobody measured, so that files compress."""

from __future__ import annotations

from math import frexp

import numpy as np
from numpy.typing import NDArray

from ogcapi.demo.land import Floats


def round_to_step(values: Floats, step: float) -> NDArray[np.float32]:
    """Round to a multiple of ``step``, a power of two, which leaves the last mantissa bits zero.

    Raises ValueError for another step: its multiples have no short binary form.
    """
    if step <= 0 or frexp(step)[0] != 0.5:
        raise ValueError(f"the rounding step must be a power of two, not {step}")
    rounded = np.rint(values * np.float32(1 / step)) * np.float32(step)
    return (rounded + np.float32(0.0)).astype(np.float32, copy=False)  # no negative zeros
