"""All messages of a dataset in one pool: which kinds of message there are, and where each of them is.

Files do not matter any more from here on: a file of one step, of one day or of a whole archive give the same cubes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import eccodes
import numpy as np
import orjson
from numpy.typing import NDArray

from ..cf.coordinates import NoGrid
from .coordinates import LATITUDES, LONGITUDES, Coordinates
from .fields import GribFile, decoded
from .grids import GribGrid, grid_of
from .keys import Keys, Unreadable, opened
from .levels import LevelType, level_of, level_type

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """Messages that differ in their reference time alone."""

    number: int
    keys: Keys
    type: LevelType
    level: float
    layer: tuple[float, float] | None

    @property
    def parameter(self) -> tuple[Any, ...]:
        """What makes a variable, level and time apart."""
        keys = self.keys
        return (
            keys["name"], keys["parameter"], keys["step_type"], keys["kind"], keys["derived"], keys["units"],
            self.type.name or keys["level_type"], self.type.suffix,
        )  # fmt: skip

    @property
    def is_interval(self) -> bool:
        return bool(self.keys["start"] != self.keys["end"])


@dataclass(frozen=True)
class Found:
    """Messages as columns: file, row in the file's index, reference time in microseconds, kind."""

    file: NDArray[np.int32]
    row: NDArray[np.int32]
    reference: Ints
    kind: NDArray[np.int32]
    bits: NDArray[np.uint8]

    def take(self, at: Ints) -> Found:
        return Found(self.file[at], self.row[at], self.reference[at], self.kind[at], self.bits[at])


class Pool:
    """The messages of ``files``, which are in the order in which a later one replaces an earlier one."""

    def __init__(self, files: Sequence[GribFile], coordinates: Coordinates | None = None) -> None:
        self.files = files
        self.kinds: list[Kind] = []
        self.messages = self._gather()
        self.grids, self.refused_grids = self._find_grids(coordinates)

    def _gather(self) -> Found:
        numbers: dict[bytes, int] = {}
        known: dict[int, int] = {}
        columns: list[tuple[Any, ...]] = []
        for position, file in enumerate(self.files):
            index = file.index
            own = np.array(
                [self._number(template, numbers, known) for template in index.templates], np.int32
            )
            count = len(index.template)
            columns.append(
                (
                    np.full(count, position, np.int32),
                    np.arange(count, dtype=np.int32),
                    index.reference,
                    own[index.template] if count else np.zeros(0, np.int32),
                    index.bits,
                )
            )
        return Found(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def _number(self, template: Keys, numbers: dict[bytes, int], known: dict[int, int]) -> int:
        found = known.get(id(template))
        if found is None:
            text = orjson.dumps(template)
            found = numbers.get(text)
            if found is None:
                found = numbers[text] = len(self.kinds)
                level, layer = level_of(template)
                self.kinds.append(Kind(found, template, level_type(template), level, layer))
            known[id(template)] = found
        return found

    def _find_grids(
        self, coordinates: Coordinates | None
    ) -> tuple[dict[str, GribGrid], dict[str, str]]:
        """The grid of every grid section, and the reasons where there is none."""
        grids: dict[str, GribGrid] = {}
        reasons: dict[str, str] = {}
        for kind in self.kinds:
            key = str(kind.keys["grid"])
            if key in grids or key in reasons:
                continue
            cells = None
            if kind.keys["grid_type"] == "unstructured_grid":
                cells = coordinates or self._own_coordinates(key)
            try:
                with opened(self.example(kind)) as handle:
                    grids[key] = grid_of(handle, cells)
            except (NoGrid, Unreadable, ValueError) as error:
                reasons[key] = str(error)
            except eccodes.CodesInternalError as error:
                reasons[key] = f"its grid: {error}"
        return grids, reasons

    def _own_coordinates(self, grid: str) -> Coordinates | None:
        """Coordinates of cells that are messages themselves, on the same grid, in any of the files."""
        found = []
        for names in (LONGITUDES, LATITUDES):
            kinds = [kind for kind in self.kinds if kind.keys["grid"] == grid]
            kinds = [kind for kind in kinds if kind.keys["name"].lower() in names]
            if not kinds:
                return None
            best = min(kinds, key=lambda kind: names.index(kind.keys["name"].lower()))
            at = self.of([best])[0]
            values = decoded(self.files[self.messages.file[at]], int(self.messages.row[at]))
            radians = str(best.keys["units"]).lower().startswith("rad")
            found.append(np.degrees(values) if radians else values)
        return found[0], found[1]

    def example(self, kind: Kind) -> bytes:
        """The first message of a kind."""
        first = self.of([kind])[0]
        return self.files[int(self.messages.file[first])].message(int(self.messages.row[first]))

    @cached_property
    def _by_kind(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.messages.kind, kind="stable")
        starts = np.searchsorted(self.messages.kind[order], np.arange(len(self.kinds) + 1))
        return order, starts

    def of(self, kinds: Sequence[Kind]) -> Ints:
        """Positions of the messages of some kinds."""
        order, starts = self._by_kind
        return np.concatenate(
            [order[starts[kind.number] : starts[kind.number + 1]] for kind in kinds]
        )

    def numbers(self, at: Ints) -> dict[str, list[int]]:
        """Numbers of messages by file location."""
        found: dict[str, list[int]] = {}
        for position in at:
            file = self.files[int(self.messages.file[position])]
            number = int(file.index.number[int(self.messages.row[position])])
            found.setdefault(file.location, []).append(number)
        return found
