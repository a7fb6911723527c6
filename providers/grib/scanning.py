"""In which order a message stores the points of a grid (flag table 3.4, the scanning mode)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class InOrder:
    """Values as they are."""

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        return values

    def positions(self, index: Ints) -> Ints:
        return index


@dataclass(frozen=True)
class Scanning:
    """Rows (or columns: ``by_column``) one after the other, every second one backwards (``turning``).

    The directions of rows and columns are those of the coordinates of the grid.
    """

    rows: int
    columns: int
    by_column: bool
    turning: bool

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values in the order of the message as rows by columns."""
        shape = (self.columns, self.rows) if self.by_column else (self.rows, self.columns)
        found = values.reshape(shape)
        if self.turning:
            found = found.copy()
            found[1::2] = found[1::2, ::-1]
        return found.T if self.by_column else found

    def positions(self, index: Ints) -> Ints:
        """Places in the message of cells by their flat index in rows and columns."""
        outer, inner = np.divmod(index, self.columns)
        length = self.columns
        if self.by_column:
            outer, inner, length = inner, outer, self.rows
        if self.turning:
            inner = np.where(outer % 2 == 1, length - 1 - inner, inner)
        return outer * length + inner
