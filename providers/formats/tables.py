"""Coverages as rows: one for each cell and position of the axes, its place in the first columns, then the values.

Variables on the same axes share rows; those on others follow in rows of their own, with nothing in the columns that are
not theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from ..axes import Axis, AxisKind
from ..cf.calendar import MISSING
from ..coverage import SLAB, Block, Coverage, slabs_of
from ..variables import Variable

_GREGORIAN = ("standard", "proleptic_gregorian")


class Table:
    """The rows of a coverage in batches of a few megabytes.

    ``typed`` writes times of Gregorian calendars as timestamps and steps as durations; else both are ISO 8601 text, as
    those of other calendars always are.
    """

    def __init__(self, coverage: Coverage, *, typed: bool) -> None:
        self._coverage = coverage
        self._typed = typed
        used = {name for variable in coverage.variables for name in variable.axes}
        self._axes = {name: axis for name, axis in coverage.axes.items() if name in used}
        self._labels = {name: self._array(axis) for name, axis in self._axes.items()}
        self._cells = self._carried()
        self._groups: dict[tuple[str, ...], list[Variable]] = {}
        for variable in coverage.variables:
            self._groups.setdefault(variable.axes, []).append(variable)
        self.schema = self._schema()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(
            int(np.prod(self._coverage.shape(members[0]), dtype=np.int64))
            for members in self._groups.values()
        )

    def batches(self, most: int = SLAB) -> Iterator[pa.RecordBatch]:
        """The rows, in C order of each group of variables."""
        for members in self._groups.values():
            shape = self._coverage.shape(members[0])
            for block in slabs_of(shape, 8 * len(self.schema), most):
                yield self._batch(members, shape, block)

    def _schema(self) -> pa.Schema:
        fields = [
            *(
                pa.field(_column(axis.name), self._labels[name].type, metadata=_facts(axis))
                for name, axis in self._axes.items()
            ),
            *(pa.field(name, array.type) for name, array in self._cells.items()),
            *(
                pa.field(name, pa.float64(), metadata={"units": units})
                for name, units in (("lon", "degrees_east"), ("lat", "degrees_north"))
            ),
            *(
                pa.field(
                    _column(variable.id),
                    pa.from_numpy_dtype(_stored(self._coverage.dtype(variable))),
                    metadata=_facts(variable),
                )
                for variable in self._coverage.variables
            ),
        ]
        return pa.schema(fields, metadata=_texts(self._coverage.attributes))

    def _batch(
        self, members: list[Variable], shape: tuple[int, ...], block: Block
    ) -> pa.RecordBatch:
        size = int(np.prod([part.stop - part.start for part in block], dtype=np.int64))
        positions = np.meshgrid(
            *(np.arange(part.start, part.stop) for part in block), indexing="ij", sparse=True
        )
        sizes = tuple(part.stop - part.start for part in block)
        found: dict[str, Any] = {}
        for name, at in zip(members[0].axes, positions, strict=False):
            index = np.broadcast_to(at, sizes).reshape(-1)
            found[_column(self._axes[name].name)] = self._labels[name].take(pa.array(index))
        lead = len(members[0].axes)
        cells = self._flat_cells(shape[lead:], positions[lead:], sizes)
        for name, array in self._cells.items():
            found[name] = array.take(pa.array(cells))
        found["lon"], found["lat"] = (
            pa.array(np.broadcast_to(part, sizes).reshape(-1))
            for part in self._places(shape[lead:], positions[lead:])
        )
        for variable in members:
            values = self._coverage.block(variable, block).reshape(-1)
            values = values.astype(_stored(values.dtype), copy=False)
            found[_column(variable.id)] = pa.array(values, from_pandas=True)
        columns = [
            found[field.name] if field.name in found else pa.nulls(size, field.type)
            for field in self.schema
        ]
        return pa.record_batch(columns, schema=self.schema)

    def _flat_cells(
        self, shape: tuple[int, ...], positions: tuple[Any, ...], sizes: tuple[int, ...]
    ) -> Any:
        """The flat index of the cell of each row."""
        flat = positions[0] if len(shape) == 1 else positions[0] * shape[1] + positions[1]
        return np.broadcast_to(flat, sizes).reshape(-1)

    def _places(self, shape: tuple[int, ...], positions: tuple[Any, ...]) -> tuple[Any, Any]:
        selection = self._coverage.selection
        if selection.separable:
            return selection.x[positions[1]], selection.y[positions[0]]
        if len(shape) == 1:
            return selection.x[positions[0]], selection.y[positions[0]]
        flat = positions[0] * shape[1] + positions[1]
        return selection.x[flat], selection.y[flat]

    def _carried(self) -> dict[str, pa.Array]:
        """Columns of the times and heights that cells carry."""
        found = {}
        if self._coverage.cell_times is not None:
            found["time"] = self._array(self._coverage.cell_times)
        if self._coverage.cell_heights is not None:
            found["height"] = self._array(self._coverage.cell_heights)
        return found

    def _array(self, axis: Axis) -> pa.Array:
        if not (axis.is_time or axis.kind is AxisKind.STEP):
            return pa.array(axis.labels())
        there = axis.values != MISSING
        if self._typed and axis.kind is AxisKind.STEP:
            return pa.array(axis.values, pa.duration("us"))
        if self._typed and (axis.calendar or "standard") in _GREGORIAN:
            return pa.array(axis.values, pa.timestamp("us", tz="UTC"), mask=~there)
        labels: list[str | None] = [None] * axis.size
        known = np.flatnonzero(there)
        for at, label in zip(known, axis.labels(known), strict=True):
            labels[at] = label
        return pa.array(labels, pa.string())


def _column(name: str) -> str:
    """The name of a column; those of places are taken."""
    return f"{name}_" if name in ("lon", "lat") else name


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _facts(thing: Axis | Variable) -> dict[str, str]:
    facts = {
        "units": thing.units,
        "standard_name": thing.standard_name,
        "long_name": thing.title,
        "cell_methods": thing.attributes.get("cell_methods"),
        "calendar": getattr(thing, "calendar", None),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _texts(attributes: Any) -> dict[str, str]:
    return {str(name): value for name, value in attributes.items() if isinstance(value, str)}
