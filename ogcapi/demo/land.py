"""A coarse Earth: land fraction and terrain height from a few dozen outlines.

The outlines are drawn by hand at a few degrees: enough for a map to be recognised and for land
and sea to differ, not a coastline.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

# Rings of (longitude, latitude) in degrees; a ring may pass +180, the raster wraps it.
OUTLINES: tuple[tuple[tuple[float, float], ...], ...] = (
    # North and Central America
    (
        (-168, 66), (-162, 70), (-150, 71), (-128, 70), (-110, 68), (-95, 68), (-94, 72), (-84, 69),
        (-94, 60), (-92, 57), (-82, 55), (-79, 51), (-77, 57), (-77, 62), (-70, 61), (-65, 59),
        (-60, 54), (-56, 51), (-66, 50), (-64, 46), (-70, 43), (-74, 40), (-76, 35), (-81, 31),
        (-80, 26), (-83, 29), (-90, 29), (-97, 27), (-97, 21), (-91, 18), (-87, 21), (-88, 16),
        (-83, 14), (-82, 9), (-77, 8), (-80, 7), (-86, 11), (-95, 16), (-105, 20), (-110, 27),
        (-114, 31), (-110, 23), (-117, 32), (-124, 40), (-124, 48), (-132, 55), (-140, 60),
        (-152, 59), (-164, 54), (-158, 59), (-166, 62),
    ),
    ((-120, 70), (-105, 68), (-100, 74), (-118, 77), (-125, 73)),
    ((-90, 72), (-72, 67), (-64, 63), (-62, 67), (-80, 74), (-75, 79), (-62, 83), (-90, 81)),
    (
        (-73, 78), (-54, 70), (-50, 62), (-43, 60), (-38, 66), (-22, 70), (-18, 77), (-30, 83),
        (-60, 82),
    ),
    ((-85, 22), (-75, 19), (-69, 18), (-70, 20), (-77, 21), (-82, 23)),
    ((-24, 65), (-19, 63), (-14, 65), (-17, 66)),
    # South America
    (
        (-77, 8), (-72, 12), (-62, 10), (-52, 5), (-50, 0), (-44, -3), (-35, -6), (-39, -15),
        (-41, -22), (-48, -26), (-54, -34), (-58, -38), (-65, -42), (-68, -52), (-72, -54),
        (-75, -50), (-73, -40), (-71, -30), (-70, -18), (-76, -14), (-81, -5), (-80, 1),
    ),
    # Africa and Madagascar
    (
        (-6, 36), (10, 37), (11, 33), (20, 31), (33, 31), (37, 22), (43, 12), (51, 12), (48, 5),
        (40, -4), (40, -15), (35, -21), (33, -28), (26, -34), (18, -34), (14, -22), (12, -16),
        (13, -6), (9, 1), (9, 4), (4, 6), (-7, 4), (-13, 8), (-17, 14), (-16, 22), (-10, 30),
    ),
    ((44, -17), (49, -12), (50, -16), (47, -25), (44, -25)),
    # Europe and Asia
    (
        (-9, 43), (-1, 43), (-2, 48), (-5, 48), (2, 51), (8, 54), (8, 57), (11, 56), (10, 54),
        (20, 55), (24, 59), (30, 60), (22, 60), (21, 63), (25, 66), (18, 62), (17, 57), (13, 55),
        (11, 59), (5, 59), (6, 62), (14, 68), (25, 71), (41, 67), (34, 66), (38, 64), (44, 66),
        (48, 68), (60, 69), (68, 69), (72, 73), (81, 73), (104, 78), (113, 74), (130, 71),
        (140, 73), (160, 70), (180, 69), (190, 66), (179, 63), (170, 60), (163, 60), (162, 56),
        (156, 51), (156, 58), (162, 62), (150, 60), (135, 55), (141, 52), (138, 46), (130, 43),
        (129, 36), (126, 35), (125, 40), (118, 39), (122, 37), (121, 29), (110, 21), (106, 20),
        (109, 12), (105, 9), (100, 13), (104, 1), (99, 8), (97, 17), (91, 22), (87, 21), (80, 15),
        (78, 8), (73, 18), (71, 21), (66, 25), (57, 26), (50, 30), (48, 30), (55, 24), (60, 22),
        (55, 17), (45, 13), (39, 21), (35, 28), (35, 36), (27, 37), (28, 41), (40, 41), (37, 46),
        (30, 46), (28, 42), (23, 38), (20, 42), (13, 46), (18, 40), (15, 38), (10, 44), (3, 43),
        (-1, 37), (-6, 36), (-9, 37),
    ),
    ((-5, 50), (1, 51), (0, 54), (-3, 58), (-6, 58), (-3, 54)),
    ((-10, 52), (-6, 52), (-6, 55), (-9, 54)),
    ((130, 31), (136, 34), (141, 36), (145, 44), (141, 45), (140, 40), (131, 34)),
    ((80, 6), (82, 7), (80, 10)),
    ((52, 72), (56, 71), (68, 77), (60, 76)),
    ((14, 77), (25, 79), (20, 81), (11, 79)),
    # The maritime continent, Australia, New Zealand
    ((95, 5), (104, -2), (106, -6), (101, -3)),
    ((105, -6), (115, -8), (114, -9), (106, -8)),
    ((109, 1), (117, 7), (118, 1), (114, -4), (110, -3)),
    ((119, -5), (121, 1), (125, 1), (121, -1), (122, -5)),
    ((131, -1), (137, -2), (145, -5), (150, -10), (142, -9), (138, -8)),
    ((120, 18), (122, 18), (126, 8), (123, 8)),
    (
        (114, -22), (122, -18), (130, -12), (136, -12), (136, -15), (140, -17), (142, -11),
        (146, -19), (153, -26), (150, -37), (146, -39), (138, -35), (131, -31), (124, -33),
        (115, -34),
    ),
    ((145, -41), (148, -41), (147, -43)),
    ((173, -35), (178, -38), (175, -41)),
    ((172, -41), (174, -42), (170, -46), (167, -46)),
    # Antarctica
    (
        (-180, -78), (-150, -77), (-130, -74), (-100, -73), (-75, -73), (-62, -65), (-57, -63),
        (-62, -74), (-50, -78), (-30, -77), (-10, -71), (20, -70), (55, -66), (90, -66),
        (130, -66), (160, -70), (170, -72), (168, -77), (180, -78), (180, -90), (-180, -90),
    ),
)  # fmt: skip

# Terrain: (longitude, latitude, half-width east, half-width north in degrees, height in m).
RANGES: tuple[tuple[float, float, float, float, float], ...] = (
    (88, 33, 13, 4, 4700), (73, 38, 5, 3, 2800), (100, 47, 14, 5, 1300), (-108, 41, 6, 8, 2000),
    (-118, 53, 4, 7, 1500), (-102, 23, 4, 5, 1700), (-71, -30, 2, 10, 2800), (-67, -18, 4, 4, 3300),
    (-76, -5, 3, 7, 2500), (-42, 72, 12, 8, 2700), (38, 9, 4, 5, 2000), (35, -5, 5, 7, 1200),
    (26, -29, 6, 5, 1200), (10, 46.5, 4, 1.5, 1700), (44, 41, 7, 2.5, 1500), (53, 33, 8, 4, 1300),
    (12, 63, 4, 5, 700), (60, 60, 2, 8, 500), (140, 66, 20, 5, 700), (125, 58, 12, 4, 600),
    (90, -82, 70, 9, 3200), (-110, -80, 30, 6, 1600), (170, -44, 2, 2, 900), (140, -5, 6, 2, 1700),
)  # fmt: skip


def land_fraction(longitude: Floats, latitude: Floats) -> Floats:
    """Fraction of land, 0 to 1, changing over about two degrees at a coast; arguments broadcast."""
    raster = _land_raster()
    column = np.mod(longitude, 360.0)
    row = np.clip(latitude + 89.5, 0.0, 179.0)
    west, south = np.floor(column - 0.5).astype(np.int32), np.floor(row).astype(np.int32)
    east_weight = (column - 0.5 - west).astype(np.float32)
    north_weight = (row - south).astype(np.float32)
    north = np.minimum(south + 1, 179)
    columns = (west % 360, (west + 1) % 360)
    lower = raster[south, columns[0]] * (1 - east_weight) + raster[south, columns[1]] * east_weight
    upper = raster[north, columns[0]] * (1 - east_weight) + raster[north, columns[1]] * east_weight
    fraction: Floats = lower * (1 - north_weight) + upper * north_weight
    return fraction


def terrain_height(longitude: Floats, latitude: Floats, land: Floats) -> Floats:
    """Metres above sea level: smooth ranges with ridges of a few degrees, 0 at sea."""
    height = np.full_like(land, 120.0)
    for centre_lon, centre_lat, half_lon, half_lat, metres in RANGES:
        east = (np.mod(longitude - centre_lon + 180.0, 360.0) - 180.0) / half_lon
        north = (latitude - centre_lat) / half_lat
        height += np.float32(metres) * (np.exp(-(east**2)) * np.exp(-(north**2)))
    x, y = np.deg2rad(longitude), np.deg2rad(latitude)
    # Bent coordinates keep the ridges out of rows; whole waves, so that 180 W meets 180 E.
    x, y = x + 0.05 * np.sin(7 * y + 2 * x), y + 0.05 * np.sin(9 * x + 5 * y)
    ridges = np.sin(41 * x) * np.sin(53 * y) + np.sin(67 * x + 1.0) * np.cos(79 * y)
    ridges += np.cos(103 * x + 0.5) * np.sin(97 * y + 2.0)
    rough: Floats = (height * (1 + np.float32(0.10) * ridges) * land).astype(np.float32)
    return rough


def sea_depth(longitude: Floats, latitude: Floats) -> Floats:
    """Metres down to the sea bed, 0 on land: shelves around the land, basins further out."""
    land = land_fraction(longitude, latitude)
    around = [land]
    for reach in (2.0, 4.0, 6.0):
        stretch = np.float32(reach) / np.maximum(np.cos(np.deg2rad(latitude)), np.float32(0.2))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            shifted = np.clip(latitude + dy * np.float32(reach), -90, 90)
            around.append(land_fraction(longitude + dx * stretch, shifted))
    nearness = np.mean(around, axis=0)
    return np.where(land < 0.5, 60.0 + 4700.0 * (1.0 - nearness) ** 4, 0.0)


@lru_cache(maxsize=1)
def _land_raster() -> NDArray[np.float32]:
    """One-degree land fraction, rows from 89.5 S, columns from 0.5 E, smoothed; read only."""
    column, row = np.arange(360) + 0.5, np.arange(180)[:, None] - 89.5
    mask = np.zeros((180, 360), bool)
    for ring in OUTLINES:
        for shift in (-360, 0, 360):
            mask |= _inside(column + shift, row, np.asarray(ring, float))
    raster = mask.astype(np.float32)
    for _ in range(2):
        raster = 0.5 * raster + 0.25 * (np.roll(raster, 1, 1) + np.roll(raster, -1, 1))
        edged = np.pad(raster, ((1, 1), (0, 0)), mode="edge")
        raster = 0.5 * raster + 0.25 * (edged[:-2] + edged[2:])
    coast: NDArray[np.float32] = np.clip((raster - 0.15) / 0.7, 0, 1).astype(np.float32)
    coast.setflags(write=False)
    return coast


def _inside(x: Floats, y: Floats, ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Even-odd rule for a row ``x`` and a column ``y``."""
    inside = np.zeros((y.size, x.size), bool)
    if x[-1] < ring[:, 0].min() or x[0] > ring[:, 0].max():
        return inside
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y0 != y1:
            crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
            inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
    return inside
