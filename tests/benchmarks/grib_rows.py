"""What is measured of GRIB: very many messages, and fields of very many cells."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cfgrib.dataset
import eccodes
import numpy as np
import xarray
from numpy.typing import NDArray

from providers.crs import parse_crs
from providers.grids import Bbox
from providers.render import Pixels
from providers.store import Source, Store
from tests.benchmarks import floors, grib_data
from tests.benchmarks.asking import MERCATOR, Parts, app, getting, map_path, mapping
from tests.benchmarks.measure import Work

NAMES = (
    "open 10,000 GRIB messages, no index",
    "open 10,000 GRIB messages, index kept",
    "one field of 10,000 GRIB messages",
    "`/position`, 10,000 GRIB messages decoded",
    "`/position`, 10,000 GRIB messages kept",
    "`/map` 256×256, GRIB O1280, decoded, new place",
    "`/map` 256×256, GRIB O1280, kept, new place",
    "`/map` 256×256, GRIB O1280, kept",
    "`/map` 256×256, GRIB HEALPix nside 1024, decoded, new place",
    "`/map` 256×256, GRIB HEALPix nside 1024, kept, new place",
    "`/map` 256×256, GRIB HEALPix nside 1024, kept",
    "`/coverage` 5°×5°, GRIB O1280, kept",
    "`/coverage` 5°×5°, GRIB HEALPix nside 1024, kept",
)
_FEW = 7
_BOX = Bbox(5.0, 45.0, 10.0, 50.0)
_POINT = (10.0, 50.0)
_POSITION = "/collections/many/position?coords=POINT(10 50)&f=json"


def rows(folder: Path) -> Sequence[Parts]:
    """The parts of every row, in the order of :data:`NAMES`."""
    data = grib_data.write(folder)
    paths = [str(path) for path in (data.many, data.octahedral, data.healpix)]
    kept = app(folder / "grib-kept", paths, cache_bytes=1 << 30)
    decoding = app(folder / "grib-kept", paths, cache_bytes=0)
    stock = _Stock(data.many, folder)
    fields = [_Field(path) for path in (data.octahedral, data.healpix)]
    maps = [
        parts
        for field in fields
        for parts in (
            (mapping(decoding, field.id), field.decoded_picture, None, _FEW),
            (mapping(kept, field.id), field.kept_picture),
            (getting(kept, map_path(field.id)), field.kept_picture),
        )
    ]
    west, south, east, north = _BOX
    box = f"bbox={west:g},{south:g},{east:g},{north:g}"
    many = _Many(data.many)
    return [
        *_open_rows(folder, data.many, stock),
        (_one_field(data.many), many.field, stock.field),
        (getting(decoding, _POSITION), many.decoded_series, stock.series, 2, 1),
        (getting(kept, _POSITION), many.kept_series, stock.series, 10, 1),
        *maps,
        *(
            (getting(kept, f"/collections/{field.id}/coverage?{box}&f=json"), field.kept_box)
            for field in fields
        ),
    ]


def _open_rows(folder: Path, path: Path, stock: _Stock) -> list[Parts]:
    source = Source((str(path),))
    state, own = folder / "index", folder / "many.index"

    def cold() -> None:
        shutil.rmtree(state, ignore_errors=True)
        Store(state=state).dataset(source)

    index = eccodes.codes_index_new_from_file(str(path), ["shortName", "level:l", "step"])
    eccodes.codes_index_write(index, str(own))
    eccodes.codes_index_release(index)
    return [
        (cold, partial(_headers, path), stock.index, 1, 1),
        (lambda: Store(state=state).dataset(source), lambda: _index(own), stock.open, 10),
    ]


def _headers(path: Path) -> None:
    """Reads the keys that cfgrib looks at, of every message."""
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file, headers_only=True)) is not None:
            for key in cfgrib.dataset.INDEX_KEYS:
                try:
                    eccodes.codes_get(handle, key)
                except eccodes.CodesInternalError:  # not in this message
                    continue
            eccodes.codes_release(handle)


def _index(path: Path) -> None:
    eccodes.codes_index_release(eccodes.codes_index_read(str(path)))


def _one_field(path: Path) -> Work:
    """Decodes a message of a dataset that is open."""
    cube = Store(cache_bytes=0).dataset(Source((str(path),))).cubes[0].cube
    places = {"reference_time": np.array([0]), "step": np.array([7]), "pressure": np.array([3])}
    everywhere = cube.grid.cover(None)
    return lambda: cube.read_variable(cube.variables["t"], places, everywhere)


def _first(path: Path) -> NDArray[np.float64]:
    """Decodes the first message of a file."""
    with path.open("rb") as file:
        handle = eccodes.codes_grib_new_from_file(file)
    values: NDArray[np.float64] = eccodes.codes_get_values(handle)
    eccodes.codes_release(handle)
    return values


class _Many:
    """Bare ecCodes over the file of many messages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        row, column = round((90 - _POINT[1]) / 5), round(_POINT[0] / 5)
        self._cell = row * 72 + column
        self._series = self._decoded()

    def _decoded(self) -> NDArray[np.float32]:
        found = []
        with self._path.open("rb") as file:
            while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                found.append(eccodes.codes_get_float_array(handle, "values")[self._cell])
                eccodes.codes_release(handle)
        return np.array(found, np.float32)

    def field(self) -> NDArray[np.float64]:
        return _first(self._path)

    def decoded_series(self) -> bytes:
        return floors.europe(self._decoded())

    def kept_series(self) -> bytes:
        return floors.europe(self._series)


class _Stock:
    """cfgrib with xarray over the file of many messages; what is open stays open."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._index = folder / "cfgrib.idx"

    def open(self) -> xarray.Dataset:
        options = {"indexpath": str(self._index)}
        return xarray.open_dataset(self._path, engine="cfgrib", backend_kwargs=options)

    def index(self) -> None:
        self._index.unlink(missing_ok=True)
        self.open()

    @cached_property
    def _dataset(self) -> xarray.Dataset:
        return self.open()

    def field(self) -> None:
        self._dataset["t"][7, 3].load()

    def series(self) -> None:
        lon, lat = _POINT
        self._dataset.sel(longitude=lon, latitude=lat, method="nearest").load()


class _Field:
    """Bare ecCodes and NumPy over a file of one large field, which is in memory where it is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.id = path.stem
        grid = Store().dataset(Source((str(path),))).cubes[0].cube.grid
        pixels = Pixels(parse_crs("EPSG:3857", "crs"), MERCATOR, 256, 256)
        self._under_pixels = grid.locate(*pixels.lonlat())
        self._in_box: Any = grid.cover(_BOX).indexers[0]
        self._values = _first(path).astype(np.float32)

    def decoded_picture(self) -> bytes:
        return floors.picture(_first(self._path)[self._under_pixels])

    def kept_picture(self) -> bytes:
        return floors.picture(self._values[self._under_pixels])

    def kept_box(self) -> bytes:
        return floors.europe(self._values[self._in_box])
