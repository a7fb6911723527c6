"""An answer: variables on a domain, whose values are in memory or read when they are asked for, whole or in blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .axes import Axis
from .fields import Values
from .grids import Grid, Selection
from .variables import Variable

Block = tuple[slice, ...]
"""One slice per dimension of a variable's answer, bounds not negative, step one."""

SLAB = 8 << 20
"""Bytes of a slab that writers of large answers hold at once."""


class LazyValues(Mapping[str, Values]):
    """Values by variable id, read anew each time; ``read`` takes a variable id and a block.

    ``dtypes`` names those that are not of their variable's type (means of whole numbers).
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        read: Callable[[str, Block], Values],
        dtypes: Mapping[str, np.dtype[Any]] | None = None,
    ) -> None:
        self._shapes = shapes
        self._read = read
        self.dtypes = dtypes or {}

    def __getitem__(self, name: str) -> Values:
        return self._read(name, tuple(slice(0, size) for size in self._shapes[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def block(self, name: str, block: Block) -> Values:
        """Part of the values of one variable."""
        return self._read(name, block)


@dataclass(frozen=True)
class Coverage:
    """An answer. Arrays run over ``axes`` of each variable, then the cells of the selection."""

    variables: tuple[Variable, ...]
    values: Mapping[str, Values]
    axes: Mapping[str, Axis]
    selection: Selection
    grid: Grid
    attributes: Mapping[str, Any]
    run: str | None = None
    """Reference time that answered, where several runs hold the valid time asked for."""
    crs: str | None = None
    cell_times: Axis | None = None
    """One time per cell of the selection, where cells carry their own."""
    cell_heights: Axis | None = None
    """One height per cell of the selection, where cells carry their own (trajectories, sections)."""
    resampling: str | None = None
    """How values came onto cells that are not those of the data (``nearest``, ``mean`` …); None: as stored."""

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Lengths of the variable's axes, then of the cells: (rows, columns) or (cells,)."""
        return tuple(self.axes[name].size for name in variable.axes) + self.selection.shape

    def dtype(self, variable: Variable) -> np.dtype[Any]:
        """Type of the values of one variable."""
        if isinstance(self.values, LazyValues):
            return self.values.dtypes.get(variable.id, variable.dtype)
        return self.values[variable.id].dtype

    @property
    def count(self) -> int:
        """How many numbers the answer holds."""
        return sum(int(np.prod(self.shape(item), dtype=np.int64)) for item in self.variables)

    @property
    def nbytes(self) -> int:
        """Size of those numbers in memory."""
        return sum(
            int(np.prod(self.shape(item), dtype=np.int64)) * self.dtype(item).itemsize
            for item in self.variables
        )

    def load(self) -> Coverage:
        """The same answer with all values in memory."""
        if isinstance(self.values, LazyValues):
            return replace(self, values={item.id: self.values[item.id] for item in self.variables})
        return self

    def block(self, variable: Variable, block: Block) -> Values:
        """Part of the values of one variable."""
        if isinstance(self.values, LazyValues):
            return self.values.block(variable.id, block)
        return self.values[variable.id][block]

    def slabs(self, variable: Variable, most: int = SLAB) -> Iterator[tuple[Block, Values]]:
        """The values of one variable in C order, in contiguous blocks of about ``most`` bytes."""
        for block in slabs_of(self.shape(variable), self.dtype(variable).itemsize, most):
            yield block, self.block(variable, block)


def slabs_of(shape: tuple[int, ...], itemsize: int, most: int = SLAB) -> Iterator[Block]:
    """Blocks that follow each other in C order and hold about ``most`` bytes each."""
    sizes = list(shape)
    split, inner = 0, int(np.prod(sizes, dtype=np.int64)) * itemsize
    while split < len(sizes) and inner > most:
        inner //= max(sizes[split], 1)
        split += 1
    if split == 0:
        yield tuple(slice(0, size) for size in sizes)
        return
    step = max(1, most // max(inner, 1))
    at = split - 1
    starts = range(0, sizes[at], step)
    for outer in itertools.product(*(range(size) for size in sizes[:at])):
        for start in starts:
            yield (
                *(slice(index, index + 1) for index in outer),
                slice(start, min(start + step, sizes[at])),
                *(slice(0, size) for size in sizes[split:]),
            )
