"""One function from a cube to a map image: target pixels → grid cells → palette → PNG."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from .crs import Crs
from .cube import Cube, Positions, Variable
from .grids import Grid, PointGrid, RectilinearGrid, Selection
from .grids.base import Floats, Ints, in_frame
from .styles import Style, default_style


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
        x, y = self.centres()
        if self.crs.is_separable:
            lon, _ = self.crs.to_lonlat(x, np.zeros_like(x))
            _, lat = self.crs.to_lonlat(np.zeros_like(y), y)
            mesh_lon, mesh_lat = np.meshgrid(lon, lat)
        else:
            mesh_lon, mesh_lat = self.crs.to_lonlat(*np.meshgrid(x, y))
        return mesh_lon, np.where(np.abs(mesh_lat) <= 90, mesh_lat, np.nan)


class Renderer:
    """Maps of cubes. Keeps pixel-to-cell indices and the value range of variables, both bounded in bytes or count."""

    def __init__(self, *, index_bytes: int = 64 << 20) -> None:
        self._indices: LRUCache[Any, tuple[Ints, ...]] = LRUCache(
            index_bytes, getsizeof=lambda parts: sum(part.nbytes for part in parts)
        )
        self._styles: LRUCache[Any, Style] = LRUCache(4096)
        self._lock = threading.Lock()

    def values(
        self, cube: Cube, variable: Variable, positions: Mapping[str, Positions], pixels: Pixels
    ) -> NDArray[Any]:
        """Value of the cell under each pixel, NaN outside, shape (height, width); one position per axis."""
        grid = cube.grid
        if isinstance(grid, RectilinearGrid) and pixels.crs.is_separable:
            return self._separable(cube, grid, variable, positions, pixels)
        (cells,) = self._index(grid, pixels, lambda: (self._locate(grid, pixels),))
        known = np.flatnonzero(cells >= 0)
        out = np.full(
            pixels.height * pixels.width, np.nan, np.result_type(variable.dtype, np.float32)
        )
        if len(known):
            out[known] = cube.read_variable(
                variable, positions, gather(grid, cells[known])
            ).reshape(-1)
        return out.reshape(pixels.height, pixels.width)

    def _separable(
        self,
        cube: Cube,
        grid: RectilinearGrid,
        variable: Variable,
        positions: Mapping[str, Positions],
        pixels: Pixels,
    ) -> NDArray[Any]:
        def locate() -> tuple[Ints, Ints]:
            x, y = pixels.centres()
            lon, _ = pixels.crs.to_lonlat(x, np.zeros_like(x))
            _, lat = pixels.crs.to_lonlat(np.zeros_like(y), y)
            return grid.locate_rows(lat), grid.locate_columns(lon)

        rows, columns = self._index(grid, pixels, locate)
        known_rows, known_columns = rows >= 0, columns >= 0
        whole = known_rows.all() and known_columns.all()
        inner_rows = rows if whole else rows[known_rows]
        inner_columns = columns if whole else columns[known_columns]
        if not (len(inner_rows) and len(inner_columns)):
            return np.full((pixels.height, pixels.width), np.nan, np.float32)
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

    def style(self, cube: Cube, variable: Variable) -> Style:
        """The variable's default style; its range is taken once from one field of the data and then kept."""
        key = (cube.version, variable.id)
        with self._lock:
            known = self._styles.get(key)
        if known is None:
            known = default_style(variable, *value_range(cube, variable))
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


def value_range(cube: Cube, variable: Variable, sample: int = 100_000) -> tuple[float, float]:
    """What one field of a variable (the last time, the first of everything else) spans: 0.5 to 99.5 per cent."""
    positions = {name: np.array([_typical(cube, name)]) for name in variable.axes}
    grid = cube.grid
    if len(grid.shape) == 2:
        step = max(1, int(np.sqrt(grid.size / sample)))
        rows, columns = (np.arange(0, size, step) for size in grid.shape)
        selection = Selection((rows, columns), columns, rows, separable=True)  # type: ignore[arg-type]
    else:
        selection = gather(grid, np.arange(0, grid.size, max(1, grid.size // sample)))
    values = cube.read_variable(variable, positions, selection)
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, (0.5, 99.5))
    return float(low), float(high)


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
