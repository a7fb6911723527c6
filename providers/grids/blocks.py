"""Cells of large two-dimensional grids near a box, found in blocks that are divided where they may meet it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .base import Bbox, Floats, Indexer, Ints, Selection, to_unit_sphere, wrap180

Places = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Longitudes and latitudes (NaN: none) of columns and rows counted from the outer corner of the first cell."""

_BLOCKS = 32
"""Blocks along each side of the grid to begin with."""
_PARTS = 4
"""Parts along each side of a block that is divided."""
_SMALL = 24
"""Cells along the sides of a block that is not divided any more."""
_SLACK = 1.5
"""A block reaches at most so many times as far as the farthest of its points."""
_POINTS = np.array([[0.5, 0, 0, 0, 0.5, 0.5, 1, 1, 1], [0.5, 0, 0.5, 1, 0, 1, 0, 0.5, 1]])
_POINTS += 0.1 * (_POINTS - 0.5)
"""Rows and columns of the points of a block that are looked at: its middle, and around it a little outside, so that
the end of a disc between two of them is seen."""


def cells_near(shape: tuple[int, ...], places: Places, bbox: Bbox) -> Ints:
    """Flat indices, ascending, of cells that may have their centre in a box, and not many more."""
    blocks = _divided(np.array([[0, 0, *shape]]), _BLOCKS)
    done = []
    while len(blocks):
        blocks = blocks[_may_meet(blocks, places, bbox, min(shape))]
        small = (blocks[:, 2:] - blocks[:, :2]).max(axis=1, initial=0) <= _SMALL
        done.append(blocks[small])
        blocks = _divided(blocks[~small], _PARTS)
    return _cells(np.concatenate(done), shape[1])


def _divided(blocks: Ints, parts: int) -> Ints:
    """Each block (top, left, bottom, right) as at most ``parts`` by ``parts`` blocks."""
    share = np.arange(parts + 1)
    size = (blocks[:, 2:] - blocks[:, :2])[:, :, None]
    sides = blocks[:, :2, None] + size * share // parts
    rows, columns = sides[:, 0], sides[:, 1]
    count = len(blocks)
    top, bottom = (
        np.broadcast_to(part[:, :, None], (count, parts, parts))
        for part in (rows[:, :-1], rows[:, 1:])
    )
    left, right = (
        np.broadcast_to(part[:, None, :], (count, parts, parts))
        for part in (columns[:, :-1], columns[:, 1:])
    )
    found = np.stack((top, left, bottom, right), -1).reshape(-1, 4)
    return found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])]


def _may_meet(blocks: Ints, places: Places, bbox: Bbox, size: int) -> NDArray[np.bool_]:
    """Which blocks reach a box, as far as nine points of each tell.

    A block in which places end (the limb of a disc) may be seen from the side: there an angle grows with the square
    root of the distance in the plane, of which ``size`` cells are taken to be the diameter of the disc.
    """
    row, column = (
        blocks[:, at, None] + (blocks[:, at + 2] - blocks[:, at])[:, None] * _POINTS[at]
        for at in (0, 1)
    )
    lon, lat = places(column, row)
    known = np.isfinite(lon)
    first = np.argmax(known, axis=1)[:, None]
    point = to_unit_sphere(lon, lat)
    chord = np.linalg.norm(point - np.take_along_axis(point, first[..., None], 1), axis=-1)
    farthest = np.where(known, chord, 0.0).max(axis=1)
    reach = _SLACK * 2 * np.arcsin(np.minimum(farthest / 2, 1.0))
    side = (blocks[:, 2:] - blocks[:, :2]).max(axis=1)
    reach += np.where(known.all(axis=1), 1e-9, _SLACK * 2 * np.sqrt(side / size))
    lon, lat = (np.take_along_axis(part, first, 1)[:, 0] for part in (lon, lat))
    with np.errstate(invalid="ignore"):
        return known.any(axis=1) & (distance_to_box(lon, lat, bbox) <= reach)


def distance_to_box(lon: Floats, lat: Floats, bbox: Bbox) -> Floats:
    """Angle in radians on the sphere from points to the nearest point of a box, 0 inside."""
    south, north, width = np.radians(bbox.south), np.radians(bbox.north), bbox.width
    phi = np.radians(lat)
    inside = (lon - bbox.west) % 360.0 <= width
    away = np.maximum(np.maximum(south - phi, phi - north), 0.0)
    best = np.full(np.shape(phi), np.inf)
    for side in (bbox.west, bbox.west + width):
        turn = np.radians(wrap180(lon - side))
        nearest = np.arctan2(np.sin(phi), np.cos(phi) * np.cos(turn))
        for along in (south, north, np.clip(nearest, south, north)):
            cosine = np.sin(phi) * np.sin(along) + np.cos(phi) * np.cos(along) * np.cos(turn)
            best = np.minimum(best, np.arccos(np.clip(cosine, -1.0, 1.0)))
    return np.where(inside, away, best)


def _cells(blocks: Ints, columns: int) -> Ints:
    """All cells of blocks, ascending."""
    height, width = blocks[:, 2] - blocks[:, 0], blocks[:, 3] - blocks[:, 1]
    count = height * width
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    down, across = np.divmod(within, np.repeat(width, count))
    flat = (
        (np.repeat(blocks[:, 0], count) + down) * columns + np.repeat(blocks[:, 1], count) + across
    )
    flat.sort()
    return flat


def picked(flat: Ints, shape: tuple[int, ...], x: Floats, y: Floats) -> Selection:
    """A selection of cells of two dimensions: the smallest block of rows and columns around them, and their pick."""
    if not len(flat):
        return Selection(tuple(slice(0, 0) for _ in shape), x, y, False, flat)
    rows, columns = np.divmod(flat, shape[1])
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
    block: tuple[Indexer, ...] = (slice(top, top + height), slice(left, left + width))
    pick = (rows - top) * width + (columns - left)
    return Selection(block, x, y, separable=False, pick=pick)
