"""Apache Parquet: the rows of a coverage with typed columns, units and names in the metadata of the columns."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyarrow import parquet

from ..coverage import Coverage
from .base import Format
from .spool import Spool
from .tables import Table

_ROW = 64
"""Bytes of a row in the file, at most, beside its values."""


def write(coverage: Coverage) -> bytes:
    """The coverage as a file."""
    return write_many([coverage])


def write_many(coverages: Sequence[Coverage]) -> bytes:
    """The rows of one coverage after the other."""
    sink = io.BytesIO()
    _fill(coverages, sink)
    return sink.getvalue()


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same, written batch by batch and then sent."""

    def fill(path: Path) -> None:
        _fill([coverage], path)

    return spool.sent(coverage.nbytes + _ROW * coverage.count, fill, ".parquet")


def _fill(coverages: Sequence[Coverage], sink: Any) -> None:
    schema = Table(coverages[0], typed=True).schema
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for coverage in coverages:
            for batch in Table(coverage, typed=True).batches():
                writer.write_batch(batch)


PARQUET = Format(
    name="parquet",
    media_type="application/vnd.apache.parquet",
    title="Parquet",
    write=write,
    suffix=".parquet",
    accepts=("application/x-parquet",),
    stream=stream,
    write_many=write_many,
)
