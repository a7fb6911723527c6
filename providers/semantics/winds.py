"""Speed and direction of wind, currents and ice from their components, read when asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..axes import AxisKind
from ..chunks import Indexer
from ..cube import Cube, Variable, VariableKind
from ..fields import Field, Values
from ..grids.base import Floats
from .components import Pair, pairs_of
from .orientation import Orientation, TrueNorth


@dataclass(frozen=True)
class SpeedField:
    """Length of a vector from two fields over the same dimensions."""

    u: Field
    v: Field

    @property
    def dims(self) -> tuple[str, ...]:
        return self.u.dims

    @property
    def shape(self) -> tuple[int, ...]:
        return self.u.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(self.u.dtype, self.v.dtype, np.float32)

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.u.chunks

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        u, v = self._components(indexers)
        return np.hypot(u, v).astype(self.dtype, copy=False)

    def _components(self, indexers: Mapping[str, Indexer]) -> tuple[Values, Values]:
        v = self.v.read(indexers)
        if self.v.dims != self.u.dims:
            v = v.transpose([self.v.dims.index(dim) for dim in self.u.dims])
        return self.u.read(indexers), v

    def counts(
        self, dims: tuple[str, ...], within: Mapping[str, NDArray[np.int64]] | None = None
    ) -> NDArray[np.int64] | None:
        """See :class:`~providers.fields.SparseField`: at most as many as either component has."""
        found = [
            counts
            for field in (self.u, self.v)
            if (own := getattr(field, "counts", None)) is not None
            and (counts := own(dims, within) if within else own(dims)) is not None
        ]
        return np.minimum(*found) if len(found) == 2 else found[0] if found else None


@dataclass(frozen=True)
class DirectionField(SpeedField):
    """Bearing of a vector in degrees from true north, clockwise: where it goes to, or where it comes from.

    ``cells`` are the horizontal dimensions and their sizes in the order of the flat index of the grid.
    """

    orientation: Orientation
    cells: tuple[tuple[str | None, int], ...]
    is_from: bool

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        u, v = self._components(indexers)
        sign = -1.0 if self.is_from else 1.0
        with np.errstate(invalid="ignore"):
            found = np.degrees(np.arctan2(sign * u, sign * v))
        if not isinstance(self.orientation, TrueNorth):
            found = found + self._north(indexers)
        found = np.mod(found, 360.0).astype(self.dtype)
        calm = (u == 0) & (v == 0)
        return np.where(calm, np.nan, np.where(found >= 360, 0, found)).astype(self.dtype)

    def _north(self, indexers: Mapping[str, Indexer]) -> Floats:
        """Bearings of the y axis at the cells that the indexers select, to be added to a block of values."""
        parts = [_positions(indexers.get(dim or ""), size) for dim, size in self.cells]
        sizes = tuple(size for _, size in self.cells)
        flat = np.ravel_multi_index(np.meshgrid(*parts, indexing="ij"), sizes)
        angles = self.orientation.north(flat.ravel()).reshape(flat.shape)
        own = [dim for dim, _ in self.cells if dim is not None]
        angles = angles.reshape(
            [len(p) for p, (dim, _) in zip(parts, self.cells, strict=True) if dim]
        )
        order = [dim for dim in self.dims if dim in own]
        angles = angles.transpose([own.index(dim) for dim in order])
        sizes_there = iter(angles.shape)
        return angles.reshape([next(sizes_there) if dim in own else 1 for dim in self.dims])


def _positions(indexer: Indexer | None, size: int) -> NDArray[np.int64]:
    if indexer is None:
        return np.arange(size)
    return np.arange(indexer.start, indexer.stop) if isinstance(indexer, slice) else indexer


def derived(cube: Cube, quantities: Collection[str]) -> list[Variable]:
    """Variables of speed and direction for every pair of components of a cube.

    They are called as in CF: ``wind_speed``, ``wind_from_direction``, ``sea_water_speed``,
    ``sea_water_velocity_to_direction``; with the height (``wind_speed_10m``), else the name of the x component, where
    a cube has several pairs. What the data have under such a name stays. There is no direction where nobody says what
    the components of a projection refer to.
    """
    pairs = pairs_of(cube)
    found: list[Variable] = []
    for pair in pairs:
        alike = [other for other in pairs if other.family is pair.family]
        suffix = f"_{_suffix(cube, pair, alike)}" if len(alike) > 1 else ""
        found += _of_pair(cube, pair, suffix, quantities)
    return [variable for variable in found if variable.id not in cube.variables]


def _of_pair(
    cube: Cube, pair: Pair, suffix: str, quantities: Collection[str]
) -> Iterable[Variable]:
    u, v, family = pair.u, pair.v, pair.family
    height = suffix.lstrip("_").replace("_", " ")
    noun = f"{height} {family.noun}" if re.fullmatch(r"[\dp]+m", height) else family.noun
    if "speed" in quantities:
        speed = SpeedField(u.field, v.field)
        yield _variable(pair, speed, family.speed, suffix, f"{noun} speed", u.units)
    if "direction" in quantities and pair.orientation is not None:
        sizes = cube.grid.shape
        cells = tuple(zip(cube.dims, sizes, strict=True))
        direction = DirectionField(u.field, v.field, pair.orientation, cells, family.is_from)
        way = "from which it comes" if family.is_from else "to which it goes"
        title = f"{noun} direction ({way}, true north)"
        yield _variable(pair, direction, family.direction, suffix, title, "degree")


def _variable(
    pair: Pair, field: Field, standard_name: str, suffix: str, title: str, units: str | None
) -> Variable:
    methods = pair.u.attributes.get("cell_methods")
    attributes = {
        "long_name": title[:1].upper() + title[1:],
        "units": units,
        "standard_name": standard_name,
        "cell_methods": methods,
        "comment": f"computed from {pair.u.id} and {pair.v.id}",
    }
    return Variable(
        id=standard_name + suffix,
        field=field,
        axes=pair.u.axes,
        kind=VariableKind.DIRECTION if isinstance(field, DirectionField) else pair.u.kind,
        title=attributes["long_name"],
        units=units,
        standard_name=standard_name,
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def _suffix(cube: Cube, pair: Pair, alike: list[Pair]) -> str:
    """What tells a pair from the others: the height of its axis or of its name, else the x component's name."""
    heights = [_height(cube, other.u) for other in alike]
    own = _height(cube, pair.u)
    return own if own is not None and heights.count(own) == 1 else pair.u.id.lower()


def _height(cube: Cube, variable: Variable) -> str | None:
    """``10m``, from a scalar height, else from the digits of names such as ``u10`` and ``100u``."""
    for name in variable.axes:
        axis = cube.axes[name]
        if axis.kind is AxisKind.Z and axis.size == 1 and axis.units in ("m", "metre", "meter"):
            return f"{float(axis.values[0]):g}m".replace(".", "p").replace("-", "minus")
    for text in (variable.id, str(variable.attributes.get("GRIB_shortName", ""))):
        found = re.fullmatch(r"u(\d+)m?|(\d+)u", text.lower())
        if found is not None:
            return f"{found[1] or found[2]}m"
    return None
