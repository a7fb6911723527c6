"""From the messages of a dataset to cubes: one per grid, dataset, kind of level and kind of interval."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from ..build import Refusal
from ..chunks import ChunkCache
from ..cube import Cube, Variable, VariableKind
from ..grids import Grid
from .axes import AxesOf
from .coordinates import Coordinates
from .fields import GribField, GribFile, Messages
from .pool import Ints, Kind, Pool
from .variables import Series, families, names_of, series_of

_CELL_METHODS = {
    "instantaneous": "time: point",
    "mean": "time: mean",
    "accumulated": "time: sum",
    "maximum": "time: maximum",
    "minimum": "time: minimum",
}
_OF_THE_GRID = {
    "eastward_wind": "x_wind",
    "northward_wind": "y_wind",
    "eastward_sea_water_velocity": "sea_water_x_velocity",
    "northward_sea_water_velocity": "sea_water_y_velocity",
}
"""What components along the axes of a projection are, which the parameter database takes for geographic ones."""
_SINGLE_PRECISION = 24
"""Bits of a packed value that a float32 holds."""
_TELLING = ("dataset", "class", "stream", "type", "expver", "model", "experiment", "centre")
"""Keys that people know datasets by, in this order."""


@dataclass(frozen=True)
class GribCube:
    """A cube, and ``location|variable`` of everything in it."""

    cube: Cube
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class GribCubes:
    """What the GRIB files of a dataset give. ``total`` messages are ``served`` or in a refusal."""

    cubes: tuple[GribCube, ...]
    refusals: tuple[Refusal, ...]
    total: int
    served: int


@dataclass(frozen=True)
class _Dataset:
    """Kinds of message on one grid and of one identity."""

    grid: Grid
    crs: str | None
    identity: Mapping[str, str]
    kinds: list[Kind]


def cubes_of(
    files: Sequence[GribFile], cache: ChunkCache, *, coordinates: Coordinates | None = None
) -> GribCubes:
    """Cubes of all messages of some files; where two hold the same field, the one of the later file counts.

    ``coordinates`` are the longitudes and latitudes of grids that do not carry their own.
    """
    return _Builder(Pool(files, coordinates), cache).build()


class _Builder:
    def __init__(self, pool: Pool, cache: ChunkCache) -> None:
        self._pool = pool
        self._messages = Messages(pool.files, cache, pool.grids)
        self._superseded: list[Ints] = []
        self._served = 0
        digest = hashlib.sha256("".join(file.version for file in pool.files).encode())
        self._version = digest.hexdigest()[:20]

    def build(self) -> GribCubes:
        parts = [
            (words, dataset, family, series)
            for words, dataset in _named(self._datasets())
            for family, series in families(series_of(dataset.kinds)).items()
        ]
        one = len({family[0] for _, _, family, _ in parts}) == 1
        cubes = [
            self._cube("-".join([*(family[1:] if one else family), *words]), dataset, series)
            for words, dataset, family, series in parts
        ]
        return GribCubes(
            tuple(cubes),
            tuple(self._refusals()),
            sum(file.index.total for file in self._pool.files),
            self._served,
        )

    def _datasets(self) -> list[_Dataset]:
        found: dict[tuple[Any, ...], _Dataset] = {}
        for kind in self._pool.kinds:
            grid = self._pool.grids.get(kind.keys["grid"])
            if grid is not None:
                identity = kind.keys["identity"]
                key = (grid.grid.key, *sorted(identity.items()))
                dataset = _Dataset(grid.grid, grid.crs, identity, [])
                found.setdefault(key, dataset).kinds.append(kind)
        return list(found.values())

    def _cube(self, key: str, dataset: _Dataset, series: Sequence[Series]) -> GribCube:
        axes = AxesOf(self._pool, series)
        variables = {
            name: self._variable(name, item, axes, dataset)
            for name, item in zip(names_of(series), series, strict=True)
        }
        cube = Cube(
            key=key,
            grid=dataset.grid,
            dims=_dims(dataset.grid),
            axes=axes.axes,
            variables=variables,
            attributes={
                ("GRIB_centre" if name == "centre" else f"mars_{name}"): value
                for name, value in dataset.identity.items()
            },
            version=f"{self._version}/{key}",
            native_crs=dataset.crs,
        )
        return GribCube(cube, tuple(self._pieces(variables, series)))

    def _pieces(self, variables: Iterable[str], series: Sequence[Series]) -> Iterable[str]:
        for name, item in zip(variables, series, strict=True):
            files = np.unique(self._pool.messages.file[self._pool.of(item.kinds)])
            yield from (f"{self._pool.files[file].location}|{name}" for file in files)

    def _variable(self, name: str, item: Series, axes: AxesOf, dataset: _Dataset) -> Variable:
        keys = item.first.keys
        at = self._pool.of(item.kinds)
        dims, sizes, flat = axes.places(item, at)
        flat, at = self._newest(flat, at)
        messages = self._pool.messages.take(at)
        wide = len(at) and int(messages.bits.max()) > _SINGLE_PRECISION
        field = GribField(
            dims=(*dims, *_dims(dataset.grid)),
            sizes=sizes,
            cells=dataset.grid.shape,
            dtype=np.dtype(np.float64 if wide else np.float32),
            messages=self._messages,
            flat=flat,
            file=messages.file,
            row=messages.row,
        )
        standard = keys["standard_name"]
        if keys["relative_to_grid"] and dataset.crs is not None:
            standard = _OF_THE_GRID.get(standard, standard)
        return Variable(
            id=name,
            field=field,
            axes=axes.names(item),
            kind=VariableKind(keys["kind"]),
            title=keys["title"],
            units=keys["units"],
            standard_name=standard,
            attributes=_attributes(keys, standard),
        )

    def _newest(self, flat: Ints, at: Ints) -> tuple[Ints, Ints]:
        """One message per position, the last one of the latest file, by position."""
        messages = self._pool.messages
        order = np.lexsort((messages.row[at], messages.file[at], flat))
        flat, at = flat[order], at[order]
        last = np.append(flat[1:] != flat[:-1], True)
        self._superseded.append(at[~last])
        self._served += int(last.sum())
        return flat[last], at[last]

    # what is not served

    def _refusals(self) -> Iterable[Refusal]:
        for file in self._pool.files:
            reasons: dict[str, list[int]] = {}
            for damage in file.index.damages:
                reasons.setdefault(damage.reason, []).append(damage.number or 0)
            yield from (self._refusal(file.location, n, reason) for reason, n in reasons.items())
        for grid, reason in self._pool.refused_grids.items():
            kinds = [kind for kind in self._pool.kinds if kind.keys["grid"] == grid]
            names = ", ".join(dict.fromkeys(kind.keys["name"] for kind in kinds))
            for location, numbers in self._pool.numbers(self._pool.of(kinds)).items():
                yield self._refusal(location, numbers, f"{names}: {reason}")
        superseded = np.concatenate(self._superseded) if self._superseded else np.zeros(0, int)
        for location, numbers in self._pool.numbers(superseded).items():
            yield self._refusal(
                location,
                numbers,
                "a later message has the same parameter, level, time and member, and is served",
            )

    def _refusal(self, location: str, numbers: Sequence[int], reason: str) -> Refusal:
        known = sorted(number for number in numbers if number)
        where = f"{PurePath(location).name}: " if len(self._pool.files) > 1 else ""
        if not known:
            return Refusal(f"{where}bytes between messages", reason, 0)
        word = "message" if len(known) == 1 else "messages"
        return Refusal(f"{where}{word} {_ranges(known)}", reason, len(known))


def _dims(grid: Grid) -> tuple[str, ...]:
    return ("y", "x") if len(grid.shape) == 2 else ("cell",)


def _attributes(keys: Mapping[str, Any], standard: str | None) -> dict[str, Any]:
    found = {
        "long_name": keys["title"],
        "units": keys["units"],
        "standard_name": standard,
        "cell_methods": _CELL_METHODS.get(keys["kind"]),
        **keys["attributes"],
    }
    return {name: value for name, value in found.items() if value is not None}


def _named(datasets: Sequence[_Dataset]) -> list[tuple[tuple[str, ...], _Dataset]]:
    """Datasets with the words that tell them apart: a few facts people know them by, then their grid."""
    names = dict.fromkeys([*_TELLING, *(name for item in datasets for name in item.identity)])
    chosen: list[str] = []
    for name in names:
        tried = [*chosen, name]
        if _variety(datasets, tried) > _variety(datasets, chosen):
            chosen = tried
    grids = _grid_words({item.grid.key: item.grid for item in datasets})
    found = []
    for item in datasets:
        words = [*(item.identity.get(name, "") for name in chosen), grids[item.grid.key]]
        found.append((tuple(word for word in words if word), item))
    return found


def _variety(datasets: Sequence[_Dataset], names: Sequence[str]) -> int:
    return len({tuple(item.identity.get(name) for name in names) for item in datasets})


def _grid_words(grids: Mapping[str, Grid]) -> dict[str, str]:
    """A word per grid, by its key: as short as tells all of them apart, none for a single one."""
    if len(grids) == 1:
        return dict.fromkeys(grids, "")
    short = {key: _grid_word(grid) for key, grid in grids.items()}
    sized = {
        key: f"{short[key]}-{'x'.join(map(str, reversed(grid.shape)))}"
        for key, grid in grids.items()
    }
    exact = {key: f"{sized[key]}-{key[:6]}" for key in grids}
    return next(words for words in (short, sized, exact) if len({*words.values()}) == len(grids))


def _grid_word(grid: Grid) -> str:
    """``h32`` for HEALPix, ``n48`` or ``o160`` for reduced Gaussian grids, else the spacing in degrees: ``0p25``."""
    facts = grid.describe()
    if "nside" in facts:
        return f"h{facts['nside']}"
    if facts.get("name"):
        return str(facts["name"]).lower()
    spacing = f"{grid.spacing[1]:.3g}"
    return (spacing if "." in spacing else f"{spacing}.0").replace(".", "p")


def _ranges(numbers: Sequence[int]) -> str:
    """``1–3, 7``."""
    cuts = np.split(np.array(numbers), np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{part[0]}" if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in cuts)
