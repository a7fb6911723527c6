"""Sizes of chunks: those of the source where they are of use to a client."""

from __future__ import annotations

import math

_SMALL, _LARGE = 256 << 10, 16 << 20
"""Bytes of a chunk: smaller ones are put together, larger ones are divided."""


def chunk_shape(
    shape: tuple[int, ...], source: tuple[int, ...], itemsize: int, most_cells: int
) -> tuple[int, ...]:
    """Sizes of chunks along each dimension: whole blocks of the source where these are small.

    Trailing dimensions grow first, leading ones are divided first; no chunk holds more than ``most_cells``.
    """
    chunks = [min(max(chunk, 1), size) for chunk, size in zip(source, shape, strict=True)]
    for axis in reversed(range(len(chunks))):
        while math.prod(chunks) * itemsize < _SMALL and chunks[axis] < shape[axis]:
            chunks[axis] = min(2 * chunks[axis], shape[axis])
    most = min(_LARGE // itemsize, most_cells)
    for axis in range(len(chunks)):
        while math.prod(chunks) > most and chunks[axis] > 1:
            chunks[axis] = -(-chunks[axis] // 2)
    return tuple(chunks)
