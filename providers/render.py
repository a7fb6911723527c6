"""One function from a cube to a map image: target pixels → grid cells → palette → PNG."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from .crs import Crs
from .cube import Cube, Positions, Variable
from .grids import Grid, PointGrid, RectilinearGrid, ReducedGaussianGrid, Selection
from .grids.base import Floats, Ints, in_frame
from .levels import Levels, scaled
from .styles import ColourTable, Style, default_style


@dataclass(frozen=True)
class Pixels:
    """A raster of pixel centres: ``bounds`` are x0, y0, x1, y1 of the outer edges, x (east) first, row 0 on top."""

    crs: Crs
    bounds: tuple[float, float, float, float]
    width: int
    height: int

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.crs.uri, self.bounds, self.width, self.height)

    def centres(self) -> tuple[Floats, Floats]:
        """x of each column and y of each row, from the top."""
        x0, y0, x1, y1 = self.bounds
        x = x0 + (np.arange(self.width) + 0.5) * ((x1 - x0) / self.width)
        y = y1 - (np.arange(self.height) + 0.5) * ((y1 - y0) / self.height)
        return x, y

    def lonlat(self) -> tuple[Floats, Floats]:
        """Longitude and latitude of every pixel, shape (height, width)."""
        if self.crs.is_separable:
            mesh_lon, mesh_lat = np.meshgrid(*self.lonlat_axes())
        else:
            mesh_lon, mesh_lat = self.crs.to_lonlat(*np.meshgrid(*self.centres()))
        return mesh_lon, np.where(np.abs(mesh_lat) <= 90, mesh_lat, np.nan)

    def lonlat_axes(self) -> tuple[Floats, Floats]:
        """Longitude of each column and latitude of each row, where the CRS is separable."""
        x, y = self.centres()
        lon, _ = self.crs.to_lonlat(x, np.zeros_like(x))
        _, lat = self.crs.to_lonlat(np.zeros_like(y), y)
        return lon, lat


class Renderer:
    """Maps of cubes. Keeps pixel-to-cell indices and the value range of variables, both bounded in bytes or count."""

    def __init__(self, *, index_bytes: int = 64 << 20) -> None:
        self._indices: LRUCache[Any, tuple[Ints, ...]] = LRUCache(
            index_bytes, getsizeof=lambda parts: sum(part.nbytes for part in parts)
        )
        self._styles: LRUCache[Any, Style | ColourTable] = LRUCache(4096)
        self._levels = Levels()
        self._lock = threading.Lock()

    def values(
        self, cube: Cube, variable: Variable, positions: Mapping[str, Positions], pixels: Pixels
    ) -> NDArray[Any]:
        """Value of the cell under each pixel, NaN outside, shape (height, width); one position per axis.

        Where the cube has overviews the cell is one of the level whose cells are about as wide as a pixel.
        """
        grid = cube.grid
        if isinstance(grid, RectilinearGrid) and pixels.crs.is_separable:
            return self._separable(cube, grid, variable, positions, pixels)
        (cells,) = self._index(grid, pixels, lambda: (self._locate(grid, pixels),))
        known = np.flatnonzero(cells >= 0)
        out = np.full(
            pixels.height * pixels.width, np.nan, np.result_type(variable.dtype, np.float32)
        )
        if len(known):
            level, own, found = self._on_level(cube, variable, cells, known, pixels.width)
            out[known] = read_cells(level, own, positions, found)
        return out.reshape(pixels.height, pixels.width)

    def _on_level(
        self, cube: Cube, variable: Variable, cells: Ints, known: Ints, width: int
    ) -> tuple[Cube, Variable, Ints]:
        """The level to draw from with its variable, and its cells at the pixels that have one."""
        if not cube.coarser:
            return cube, variable, cells[known]
        columns = cube.grid.shape[1]
        level, own = self._levels.for_step(
            cube, variable, _step(_shown(cells.reshape(-1, width)), columns)
        )
        row, column = np.divmod(cells[known], columns)
        row = scaled(row, cube.grid.shape[0], level.grid.shape[0])
        column = scaled(column, columns, level.grid.shape[1])
        return level, own, row * level.grid.shape[1] + column

    def _separable(
        self,
        cube: Cube,
        grid: RectilinearGrid,
        variable: Variable,
        positions: Mapping[str, Positions],
        pixels: Pixels,
    ) -> NDArray[Any]:
        def locate() -> tuple[Ints, Ints]:
            lon, lat = pixels.lonlat_axes()
            return grid.locate_rows(lat), grid.locate_columns(lon)

        rows, columns = self._index(grid, pixels, locate)
        known_rows, known_columns = rows >= 0, columns >= 0
        whole = known_rows.all() and known_columns.all()
        inner_rows = rows if whole else rows[known_rows]
        inner_columns = columns if whole else columns[known_columns]
        if not (len(inner_rows) and len(inner_columns)):
            return np.full((pixels.height, pixels.width), np.nan, np.float32)
        if cube.coarser:
            step = min(_step(inner_rows[:, None]), _step(inner_columns[None, :]))
            cube, variable = self._levels.for_step(cube, variable, step)
            inner_rows = scaled(inner_rows, grid.shape[0], cube.grid.shape[0])
            inner_columns = scaled(inner_columns, grid.shape[1], cube.grid.shape[1])
        block = cube.read_variable(
            variable,
            positions,
            Selection((inner_rows, inner_columns), inner_columns, inner_rows, separable=True),  # type: ignore[arg-type]
        ).reshape(len(inner_rows), len(inner_columns))
        if whole:
            return block
        out = np.full(
            (pixels.height, pixels.width), np.nan, np.result_type(block.dtype, np.float32)
        )
        out[np.ix_(known_rows, known_columns)] = block
        return out

    def _locate(self, grid: Grid, pixels: Pixels) -> Ints:
        if isinstance(grid, PointGrid) and grid.is_sparse:
            return _marks(grid, pixels)
        if isinstance(grid, ReducedGaussianGrid) and pixels.crs.is_separable:
            lon, lat = pixels.lonlat_axes()
            return grid.locate(lon[None, :], lat[:, None]).ravel()
        lon, lat = pixels.lonlat()
        return grid.locate(lon.ravel(), lat.ravel())

    def _index(self, grid: Grid, pixels: Pixels, build: Any) -> tuple[Ints, ...]:
        key = (grid.key, pixels.key)
        with self._lock:
            found = self._indices.get(key)
        if found is None:
            found = build()
            with self._lock:
                if sum(part.nbytes for part in found) < self._indices.maxsize // 2:
                    self._indices[key] = found
        return found

    def style(self, cube: Cube, variable: Variable) -> Style | ColourTable:
        """The variable's default style; its range is taken once from one field of the data and then kept."""
        key = (cube.version, variable.id)
        with self._lock:
            known = self._styles.get(key)
        if known is None:
            known = default_style(variable, *value_range(*self._levels.for_range(cube, variable)))
            with self._lock:
                self._styles[key] = known
        return known

    def png(
        self,
        cube: Cube,
        variable: Variable,
        positions: Mapping[str, Positions],
        pixels: Pixels,
        **options: Any,
    ) -> bytes:
        """A palette PNG; ``background`` (RGB) fills what is transparent otherwise."""
        style = self.style(cube, variable)
        index = style.index(self.values(cube, variable, positions, pixels))
        return encode_png(index, style.palette(), **options)


_MARK = 4
"""Half the side of the square that marks a station, in pixels."""


def _marks(grid: PointGrid, pixels: Pixels) -> Ints:
    """Lone points as squares around their pixel; where squares overlap the nearer point is on top."""
    lon, lat = grid.centres()
    x0, y0, x1, y1 = pixels.bounds
    x, y = pixels.crs.from_lonlat(lon, lat)
    if pixels.crs.is_geographic:
        x = in_frame(x, (x0 + x1) / 2 - 180.0)
    column = (x - x0) / (x1 - x0) * pixels.width - 0.5
    row = (y1 - y) / (y1 - y0) * pixels.height - 0.5
    best = np.full((pixels.height, pixels.width), np.inf)
    cells = np.full((pixels.height, pixels.width), -1, np.int64)
    for cell in np.flatnonzero(np.isfinite(row) & np.isfinite(column)):
        top, left = round(row[cell]) - _MARK, round(column[cell]) - _MARK
        rows = np.arange(max(top, 0), min(top + 2 * _MARK + 1, pixels.height))
        columns = np.arange(max(left, 0), min(left + 2 * _MARK + 1, pixels.width))
        if not (len(rows) and len(columns)):
            continue
        block = np.ix_(rows, columns)
        distance = np.hypot(rows[:, None] - row[cell], columns[None, :] - column[cell])
        nearer = distance < best[block]
        best[block] = np.where(nearer, distance, best[block])
        cells[block] = np.where(nearer, cell, cells[block])
    return cells.ravel()


def gather(grid: Grid, cells: Ints) -> Selection:
    """A selection of flat cells for reading values only: it carries no coordinates."""
    nowhere = np.broadcast_to(np.float64(0), cells.shape)
    if len(grid.shape) == 1:
        return Selection((cells,), nowhere, nowhere, separable=False)
    rows, columns = np.divmod(cells, grid.shape[1])
    top, left = int(rows.min()), int(columns.min())
    width = int(columns.max()) - left + 1
    block = (slice(top, int(rows.max()) + 1), slice(left, left + width))
    return Selection(
        block, nowhere, nowhere, separable=False, pick=(rows - top) * width + columns - left
    )


_BLOCK = 1 << 22
"""Cells of a block that is read to take some of them."""


def read_cells(
    cube: Cube, variable: Variable, positions: Mapping[str, Positions], cells: Ints
) -> NDArray[Any]:
    """Values of flat cells (at least one), in their order; far-flung cells are read in several blocks."""
    parts = _blocks(cube.grid, cells)
    if len(parts) == 1:
        return cube.read_variable(variable, positions, gather(cube.grid, cells)).reshape(-1)
    out = np.full(len(cells), np.nan, np.result_type(variable.dtype, np.float32))
    for part in parts:
        out[part] = cube.read_variable(variable, positions, gather(cube.grid, cells[part])).reshape(
            -1
        )
    return out


def _blocks(grid: Grid, cells: Ints) -> list[Ints]:
    """Positions in ``cells`` in groups whose rows and columns span a block of bounded size, halved until they do."""
    waiting, done = [np.arange(len(cells))], []
    if len(grid.shape) == 1:
        return waiting
    rows, columns = np.divmod(cells, grid.shape[1])
    while waiting:
        part = waiting.pop()
        along = [(int(np.ptp(axis[part])) + 1, axis) for axis in (rows, columns)]
        if along[0][0] * along[1][0] <= _BLOCK:
            done.append(part)
            continue
        _, axis = max(along, key=lambda item: item[0])
        middle = (int(axis[part].min()) + int(axis[part].max()) + 1) // 2
        before = axis[part] < middle
        waiting += [part[before], part[~before]]
    return done


def _shown(cells: Ints) -> Ints:
    """The part of a raster of cells (-1 outside, not everywhere) that has any."""
    rows, columns = np.nonzero(cells >= 0)
    return cells[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


_PAIRS = 64
"""Pairs of neighbouring pixels along each side of a raster that are looked at."""


def _step(cells: Ints, columns: int = 1) -> float:
    """How many cells lie between neighbouring pixels: the smaller of down and across.

    ``cells`` has the shape of the raster, -1 outside; with ``columns`` they are flat indices of rows that long.
    """
    steps = []
    few = tuple(slice(None, None, max(1, size // _PAIRS)) for size in cells.shape)
    for first, second in ((cells[:-1], cells[1:]), (cells[:, :-1], cells[:, 1:])):
        first, second = first[few], second[few]
        both = (first >= 0) & (second >= 0)
        if both.any():
            row, column = np.divmod(first[both], columns)
            row2, column2 = np.divmod(second[both], columns)
            steps.append(float(np.median(np.maximum(abs(row2 - row), abs(column2 - column)))))
    return min(steps, default=0.0)


def value_range(cube: Cube, variable: Variable, sample: int = 100_000) -> tuple[float, float]:
    """What one field of a variable (the last time, the first of everything else) spans: 0.5 to 99.5 per cent."""
    positions = {name: np.array([_typical(cube, name)]) for name in variable.axes}
    values = np.concatenate(
        [
            cube.read_variable(variable, positions, selection).ravel()
            for selection in _samples(cube.grid, sample)
        ]
    )
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, (0.5, 99.5))
    return float(low), float(high)


_LARGE, _WINDOWS = 1 << 25, 4
"""Cells of a grid that is not read as a whole to see what its values span, and windows along each side of it."""


def _samples(grid: Grid, sample: int) -> Iterator[Selection]:
    """About ``sample`` cells: evenly spread, or (of very many cells) in windows that are."""
    if len(grid.shape) == 1:
        yield gather(grid, np.arange(0, grid.size, max(1, grid.size // sample)))
        return
    if grid.size <= _LARGE:
        step = max(1, int(np.sqrt(grid.size / sample)))
        rows, columns = (np.arange(0, size, step) for size in grid.shape)
        yield Selection((rows, columns), columns, rows, separable=True)  # type: ignore[arg-type]
        return
    side = int(np.sqrt(sample)) // _WINDOWS
    starts = [_spread(size, side) for size in grid.shape]
    for top, left in itertools.product(*starts):
        rows = np.arange(top, min(top + side, grid.shape[0]))
        columns = np.arange(left, min(left + side, grid.shape[1]))
        yield Selection((rows, columns), columns, rows, separable=True)  # type: ignore[arg-type]


def _spread(size: int, side: int) -> list[int]:
    """Starts of windows in the middle of equal parts of an axis."""
    part = size / _WINDOWS
    return sorted({max(int((at + 0.5) * part - side / 2), 0) for at in range(_WINDOWS)})


def _typical(cube: Cube, name: str) -> int:
    axis = cube.axes[name]
    return axis.size - 1 if axis.is_time else 0


def encode_png(
    index: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    *,
    background: tuple[int, int, int] | None = None,
) -> bytes:
    """An 8-bit palette PNG; entry 0 is transparent unless a background is given."""
    image = Image.fromarray(index, "P")
    table = palette.copy()
    if background is not None:
        table[0] = (*background, 255)
    image.putpalette(table[:, :3].tobytes(), "RGB")
    out = io.BytesIO()
    options: dict[str, Any] = {} if background is not None else {"transparency": 0}
    image.save(out, "PNG", compress_level=1, **options)
    return out.getvalue()
