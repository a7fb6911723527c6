"""Keys of the grid definition of a message, as numbers that may be missing."""

from __future__ import annotations

from typing import Any

import eccodes
import numpy as np
from numpy.typing import NDArray

from ..cf.coordinates import NoGrid
from ..grids.base import Floats
from .scanning import Scanning

Coordinates = tuple[Floats, Floats]
"""Longitudes and latitudes."""

_PRECISION = {1: 1e-3, 2: 1e-6}
"""Degrees to which an edition of GRIB stores longitudes and latitudes."""
_MOST_POINTS = 1 << 28
_MOST_ROWS = 8_000
"""A kilometre and a quarter apart; more are taken for damaged, for their latitudes cost the square of it."""
_CORNERS = tuple(
    f"{name}Of{end}GridPointInDegrees"
    for name in ("longitude", "latitude")
    for end in ("First", "Last")
)
_FARTHEST = 720.0
_WGS84 = (5, 10)
"""Codes of the shape of the Earth."""


class GridKeys:
    """Keys of a message; missing ones are None where that is asked for."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.edition = int(eccodes.codes_get(handle, "edition"))

    def text(self, name: str) -> str:
        """A key as text, ``unknown`` where the message does not have it."""
        try:
            return str(eccodes.codes_get(self.handle, name, str))
        except eccodes.CodesInternalError:
            return "unknown"

    def number(self, name: str) -> float:
        found = self.maybe(name)
        if found is None:
            raise NoGrid(f"the key {name} is missing")
        return found

    def maybe(self, name: str) -> float | None:
        """A number; None where the message does not have it, or has it as missing."""
        try:
            if eccodes.codes_is_missing(self.handle, name):
                return None
            return float(eccodes.codes_get(self.handle, name, float))
        except eccodes.CodesInternalError:
            return None

    def first(self, *names: str) -> float:
        """The first of several names of one thing that the message has."""
        found = (self.maybe(name) for name in names)
        number = next((value for value in found if value is not None), None)
        if number is None:
            raise NoGrid(f"the key {names[0]} is missing")
        return number

    def flag(self, name: str) -> bool:
        return bool(self.maybe(name))

    def array(self, name: str) -> NDArray[Any]:
        return np.asarray(eccodes.codes_get_array(self.handle, name))

    @property
    def precision(self) -> float:
        return _PRECISION[self.edition]

    @property
    def points(self) -> int:
        found = int(self.number("numberOfDataPoints"))
        if found > _MOST_POINTS:
            raise NoGrid(f"{found} points, more than is served")
        return found

    def gaussian(self) -> int:
        """Rows between a pole and the equator."""
        number = int(self.number("N"))
        if not 0 < number <= _MOST_ROWS:
            raise NoGrid(f"a Gaussian grid of number {number}")
        return number

    def counts(self) -> NDArray[Any]:
        """Points of each row of a reduced Gaussian grid; raises NoGrid for rows with which ecCodes ends the process."""
        found = self.array("pl")
        if (found < 2).any():
            raise NoGrid("rows of fewer than two points")
        return found

    def size(self) -> tuple[int, int]:
        """Columns and rows; one that is missing follows from the other."""
        across, down = (int(self.maybe(name) or 0) for name in ("Ni", "Nj"))
        if down and not across:
            across = self.points // down
        if across and not down:
            down = self.points // across
        if not across or across * down != self.points:
            raise NoGrid(f"{self.points} points are not {across} by {down}")
        return across, down

    def scanning(self) -> Scanning:
        columns, rows = self.size()
        return Scanning(
            rows,
            columns,
            by_column=self.flag("jPointsAreConsecutive"),
            turning=self.flag("alternativeRowScanning"),
        )

    def signs(self) -> tuple[int, int]:
        """Whether columns go east (1) or west (-1), rows north (1) or south (-1)."""
        return (
            -1 if self.flag("iScansNegatively") else 1,
            1 if self.flag("jScansPositively") else -1,
        )

    def ellipsoid(self) -> str:
        """The shape of the Earth in terms of PROJ (code table 3.2)."""
        if self.edition == 2 and self.maybe("shapeOfTheEarth") in _WGS84:
            return "+datum=WGS84"
        major, minor = self.axes()
        return f"+R={major:.12g}" if major == minor else f"+a={major:.12g} +b={minor:.12g}"

    def axes(self) -> tuple[float, float]:
        """Semi-major and semi-minor axis of the Earth in metres."""
        names = ("earthMajorAxisInMetres", "earthMinorAxisInMetres")
        major, minor = (self.first(name, "radius") for name in names)
        if not 0 < minor <= major:
            raise NoGrid("the shape of the Earth is not stated")
        return major, minor

    def coordinates(self) -> Coordinates:
        """Longitudes and latitudes of all points as ecCodes computes them, in the order of the message.

        Raises NoGrid for numbers with which it does not come to an end, or ends the process.
        """
        if self.maybe("N") is not None:
            self.gaussian()
        if any(abs(self.maybe(name) or 0.0) > _FARTHEST for name in _CORNERS):
            raise NoGrid("longitudes or latitudes that are none")
        if not self.points:
            raise NoGrid("no points")
        return self.array("longitudes"), self.array("latitudes")
