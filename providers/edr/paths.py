"""Paths over the Earth: points along geodesics, the cells they cross, and values at the times and heights of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyproj

from config.errors import InvalidParameter, NoData
from providers.axes import Axis, AxisKind
from providers.coverage import Block, Coverage, LazyValues
from providers.cube import Cube, Query
from providers.fields import Values
from providers.grids import Selection
from providers.grids.base import Floats, Ints, in_frame
from providers.semantics.sampling import selection_of
from providers.variables import Variable

_GEOD = pyproj.Geod(ellps="WGS84")
_MOST = 1 << 20
"""Points along one path."""
_PER_CELL = 4
"""Points along a path for each cell it crosses, at least."""


@dataclass(frozen=True)
class Path:
    """Points in order; ``height`` in units of the vertical axis and ``time`` in microseconds where they are given."""

    lon: Floats
    lat: Floats
    height: Floats | None = None
    time: Floats | None = None

    def densified(self, spacing: float) -> Path:
        """Points at most ``spacing`` metres apart along geodesics, heights and times in proportion to the distance."""
        if len(self.lon) < 2:
            return self
        _, _, lengths = _GEOD.inv(self.lon[:-1], self.lat[:-1], self.lon[1:], self.lat[1:])
        steps = np.maximum(1, np.ceil(np.asarray(lengths) / spacing)).astype(np.int64)
        if int(steps.sum()) > _MOST:
            raise InvalidParameter(
                f"coords: the path is longer than {_MOST} steps of the data",
                parameter="coords",
                allowed=["a shorter path"],
            )
        lon, lat, share = [self.lon[:1]], [self.lat[:1]], [np.zeros(1)]
        for number, count in enumerate(steps.tolist()):
            inner = _GEOD.inv_intermediate(
                self.lon[number], self.lat[number], self.lon[number + 1], self.lat[number + 1],
                npts=count, initial_idx=1, terminus_idx=0, return_back_azimuth=True,
            )  # fmt: skip
            lon.append(np.asarray(inner.lons))
            lat.append(np.asarray(inner.lats))
            share.append(number + np.arange(1, count + 1) / count)
        at, vertices = np.concatenate(share), np.arange(len(self.lon))
        return Path(
            np.concatenate(lon),
            np.concatenate(lat),
            None if self.height is None else np.interp(at, vertices, self.height),
            None if self.time is None else np.interp(at, vertices, self.time),
        )


def spacing_of(cube: Cube) -> float:
    """Metres between points along a path so that no cell it crosses is passed over."""
    return max(min(cube.grid.spacing) * 111_195.0 / _PER_CELL, 1.0)


def along(cube: Cube, query: Query, path: Path) -> Coverage:
    """The cells a path crosses, each once for every time it is entered (8.2.7), values at its times and heights.

    A path with times takes for each cell the stored time nearest to the moment it is in the middle of it, one with
    heights the nearest level; both then belong to the cells (``cell_times``, ``cell_heights``). Raises NoData where no
    cell is.
    """
    dense = path.densified(spacing_of(cube))
    cells = cube.grid.locate(dense.lon, dense.lat)
    runs = _runs(cells)
    if not len(runs):
        raise NoData("coords: no cells there", parameter="coords")
    crossed = cells[runs]
    unique, inverse = np.unique(crossed, return_inverse=True)
    plan = cube.plan(query, selection_of(cube, unique))
    source = cube.lazy(plan)
    x, y = cube.grid.centres(crossed)
    frame = in_frame(x, float(dense.lon.min()) - 180.0)
    times = _nearest(source, AxisKind.TIME, None if dense.time is None else dense.time[runs])
    heights = _nearest(source, AxisKind.Z, None if dense.height is None else dense.height[runs])
    return _followed(source, inverse, frame, y, [item for item in (times, heights) if item])


@dataclass(frozen=True)
class _Own:
    """Positions of one axis, one for each cell along the path."""

    name: str
    axis: Axis
    positions: Ints


def _runs(cells: Ints) -> Ints:
    """The middle point of every stretch of points in one cell."""
    starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
    stops = np.append(starts[1:], len(cells))
    middle = (starts + stops - 1) // 2
    return middle[cells[middle] >= 0]


def _nearest(source: Coverage, kind: AxisKind, wanted: Floats | None) -> _Own | None:
    """The position on an axis nearest to each wanted value."""
    if wanted is None:
        return None
    found = [(name, axis) for name, axis in source.axes.items() if axis.kind is kind]
    if not found:
        letter = "M" if kind is AxisKind.TIME else "Z"
        raise InvalidParameter(
            f"coords: the data have no axis for {letter}",
            parameter="coords",
            allowed=["LINESTRING(lon lat, …)"],
        )
    name, axis = found[0]
    values = axis.values.astype(np.float64)
    low, high = values.min(), values.max()
    margin = float(np.diff(np.unique(values)).max()) / 2 if axis.size > 1 else np.inf
    if ((wanted < low - margin) | (wanted > high + margin)).all():
        raise NoData("coords: no values there", parameter="coords")
    order = np.argsort(values)
    ordered = values[order]
    right = np.searchsorted(ordered, wanted).clip(0, axis.size - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.where(wanted - ordered[left] <= ordered[right] - wanted, left, right)
    return _Own(name, axis, order[nearer])


def _followed(source: Coverage, inverse: Ints, x: Floats, y: Floats, own: list[_Own]) -> Coverage:
    """The answer in the order of the path; axes that the cells have their own position of go."""
    names = {item.name for item in own}
    variables = tuple(
        replace(item, axes=tuple(name for name in item.axes if name not in names))
        for item in source.variables
    )
    before = {item.id: item for item in source.variables}
    selection = Selection(source.selection.indexers, x, y, separable=False, pick=inverse)
    carried: Mapping[AxisKind, Axis] = {
        item.axis.kind: item.axis.take(item.positions) for item in own
    }
    answer = replace(
        source,
        variables=variables,
        axes={name: axis for name, axis in source.axes.items() if name not in names},
        selection=selection,
        cell_times=carried.get(AxisKind.TIME, source.cell_times),
        cell_heights=carried.get(AxisKind.Z),
    )
    if source.cell_times is not None and AxisKind.TIME not in carried:
        answer = replace(answer, cell_times=source.cell_times.take(inverse))

    def read(name: str, block: Block) -> Values:
        variable = before[name]
        mine = [item for item in own if item.name in variable.axes]
        lead, cells = block[:-1], block[-1]
        return _read(
            source, variable, mine, lead, inverse[cells], [item.positions[cells] for item in mine]
        )

    shapes = {item.id: answer.shape(item) for item in variables}
    dtypes = {item.id: source.dtype(item) for item in source.variables}
    return replace(answer, values=LazyValues(shapes, read, dtypes))


def _read(
    source: Coverage, variable: Variable, own: list[_Own], lead: Block, cells: Ints, at: list[Ints]
) -> Values:
    """Values along the path: every time slice it needs is read once."""
    order = [variable.axes.index(item.name) for item in own]
    slots: list[slice | None] = [None] * len(variable.axes)
    rest = iter(lead)
    for number in range(len(variable.axes)):
        if number not in order:
            slots[number] = next(rest)
    sizes = [slot.stop - slot.start for slot in slots if slot is not None]
    out: Values | None = None
    keys = np.stack(at, -1) if at else np.zeros((len(cells), 1), np.int64)
    groups, member = np.unique(keys, axis=0, return_inverse=True)
    for number, group in enumerate(groups):
        block = list(slots)
        for axis, position in zip(order, group.tolist(), strict=False):
            block[axis] = slice(position, position + 1)
        mine = np.flatnonzero(member.reshape(-1) == number)
        low, high = int(cells[mine].min()), int(cells[mine].max()) + 1
        values = source.block(
            variable, (*(part for part in block if part is not None), slice(low, high))
        )
        values = values.reshape(*sizes, high - low)[..., cells[mine] - low]
        if out is None:
            out = np.empty((*sizes, len(cells)), values.dtype)
        out[..., mine] = values
    assert out is not None
    return out
