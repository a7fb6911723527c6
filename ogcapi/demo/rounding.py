"""Dropping the digits nobody measured, so that files compress."""

from __future__ import annotations

from math import frexp

import numpy as np
from numpy.typing import NDArray


def round_to_step(values: NDArray[np.float32], step: float) -> NDArray[np.float32]:
    """Round to a multiple of ``step``, a power of two, which leaves the last mantissa bits zero.

    Raises ValueError for another step: its multiples have no short binary form.
    """
    if step <= 0 or frexp(step)[0] != 0.5:
        raise ValueError(f"the rounding step must be a power of two, not {step}")
    rounded: NDArray[np.float32] = np.rint(values * np.float32(1 / step)) * np.float32(step)
    return rounded + np.float32(0.0)  # no negative zeros
