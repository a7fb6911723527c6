"""Where the part of a grid that is on the Earth ends: the limb of a disc, the end of a projection."""

from __future__ import annotations

import numpy as np

from .base import Floats
from .blocks import Places

_LINES = 256
"""Parts into which rows and columns are divided."""
_HALVINGS = 40


def limb(places: Places, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Points with a place on an even lattice over the grid, and those farthest out between them along its lines."""
    row, column = np.meshgrid(*(np.linspace(0, size, _LINES + 1) for size in shape), indexing="ij")
    lon, lat = places(column, row)
    known = np.isfinite(lon)
    inner, outer = [], []
    for axis in (0, 1):
        one, two = ([slice(None)] * 2 for _ in range(2))
        one[axis], two[axis] = slice(0, -1), slice(1, None)
        first, second = tuple(one), tuple(two)
        for here, there in ((first, second), (second, first)):
            ends = known[here] & ~known[there]
            inner.append(np.stack((column[here][ends], row[here][ends])))
            outer.append(np.stack((column[there][ends], row[there][ends])))
    on, off = np.concatenate(inner, axis=1), np.concatenate(outer, axis=1)
    for _ in range(_HALVINGS):
        middle = (on + off) / 2
        good = np.isfinite(places(*middle)[0])
        on, off = np.where(good, middle, on), np.where(good, off, middle)
    x, y = places(*on)
    return np.concatenate((lon[known], x)), np.concatenate((lat[known], y))
