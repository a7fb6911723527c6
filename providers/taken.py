"""A field without the entries of a dimension that its coordinate does not place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chunks import Indexer
from .fields import Field, Values


@dataclass(frozen=True)
class TakenField:
    """Another field at some positions of its dimensions, all of those that are not named."""

    field: Field
    kept: Mapping[str, NDArray[np.int64]]

    @property
    def dims(self) -> tuple[str, ...]:
        return self.field.dims

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(
            len(self.kept[dim]) if dim in self.kept else size
            for dim, size in zip(self.field.dims, self.field.shape, strict=True)
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.field.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.field.chunks

    def read(self, indexers: Mapping[str, Indexer]) -> Values:
        wanted = dict(indexers)
        for dim, positions in self.kept.items():
            wanted[dim] = positions[indexers[dim]] if dim in indexers else positions
        return self.field.read(wanted)

    def counts(
        self, dims: tuple[str, ...], within: Mapping[str, NDArray[np.int64]] | None = None
    ) -> NDArray[np.int64] | None:
        """See :class:`~providers.fields.SparseField`."""
        inner = getattr(self.field, "counts", None)
        if inner is None:
            return None
        wanted = {dim: at for dim, at in self.kept.items() if dim not in dims}
        for dim, positions in (within or {}).items():
            wanted[dim] = self.kept[dim][positions] if dim in self.kept else positions
        counts: NDArray[np.int64] | None = inner(dims, wanted)
        if counts is None:
            return None
        for axis, dim in enumerate(dims):
            if dim in self.kept and counts.shape[axis] > 1:
                counts = counts.take(self.kept[dim], axis)
        return counts
