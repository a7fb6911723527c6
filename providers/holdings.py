"""Which combinations of axis positions the variables of a cube hold: fields of many messages or files have holes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from config.errors import NoData

from .axes import Axis

if TYPE_CHECKING:
    from .cube import Variable
    from .fields import SparseField

Positions = NDArray[np.int64]
Counts = NDArray[np.int64]

_REMEMBERED = 512
"""Counts kept: the tiles of a map ask for the same ones over and over."""


class Holdings:
    """Counts of stored pieces over the axes of one cube. Cheap for variables without holes, which are found once."""

    def __init__(self, axes: Mapping[str, Axis]) -> None:
        self._axes = axes
        self._split: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[object, ...], Counts] = {}

    def split(self, variable: Variable) -> frozenset[str]:
        """Axes along which pieces of a variable lie; none for a variable that has no holes."""
        found = self._split.get(variable.id)
        if found is None:
            found = self._split[variable.id] = self._find_split(variable)
        return found

    def _find_split(self, variable: Variable) -> frozenset[str]:
        counts = getattr(variable.field, "counts", None)
        total = None if counts is None else counts(())
        if counts is None or total is None:
            return frozenset()
        sizes = {
            name: counts((self._axes[name].dim,)).size
            for name in variable.axes
            if self._axes[name].dim is not None
        }
        names = {name: size for name, size in sizes.items() if size > 1}
        if int(total) == int(np.prod(list(names.values()), dtype=np.int64)):
            return frozenset()
        return frozenset(names)

    def counts(
        self,
        variables: Sequence[Variable],
        names: tuple[str, ...],
        within: Mapping[str, Positions],
    ) -> Counts | None:
        """Pieces of variables per combination of the axes ``names``, at the positions ``within`` of other axes.

        One dimension per name, of length 1 where nothing depends on that axis. A variable without holes counts as
        one piece everywhere; None: no variable has holes.
        """
        if not any(self.split(variable) for variable in variables):
            return None
        total = np.zeros((1,) * len(names), np.int64)
        for variable in variables:
            total = total + self._count(variable, names, within)
        return total

    def _count(
        self, variable: Variable, names: tuple[str, ...], within: Mapping[str, Positions]
    ) -> Counts:
        split = self.split(variable)
        if not split:
            return np.ones((1,) * len(names), np.int64)
        own = tuple(name for name in names if name in split)
        inner = {
            str(self._axes[name].dim): positions
            for name, positions in within.items()
            if name in split
            and name not in own
            and (len(positions) < self._axes[name].size or positions[0] != 0)
        }
        key = (variable.id, own, *((dim, at.tobytes()) for dim, at in sorted(inner.items())))
        found = self._known.get(key)
        if found is None:
            dims = tuple(str(self._axes[name].dim) for name in own)
            field = cast("SparseField", variable.field)
            found = cast("Counts", field.counts(dims, inner) if inner else field.counts(dims))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found.reshape([found.shape[own.index(n)] if n in own else 1 for n in names])

    def held(
        self,
        variables: Sequence[Variable],
        positions: dict[str, Positions],
        fixed: Collection[str],
    ) -> dict[str, Positions]:
        """Positions without those at which no variable has anything, axes in ``fixed`` as they are.

        Raises NoData where there is nothing at all.
        """
        if not any(self.split(variable) for variable in variables):
            return positions
        if not np.any(self.counts(variables, (), positions)):
            asked = [name for name in positions if name in fixed] or list(positions)
            raise NoData(f"{', '.join(asked)}: no values there", parameter=asked[0])
        kept = dict(positions)
        for name, at in positions.items():
            owners = [variable for variable in variables if name in variable.axes]
            if name in fixed or len(at) < 2 or any(name not in self.split(v) for v in owners):
                continue
            counts = self.counts(owners, (name,), positions)
            there = at[counts[at] > 0] if counts is not None else at
            kept[name] = there if len(there) else at
        return kept
