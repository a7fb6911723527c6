"""CSV (RFC 4180) in UTF-8 with a line of column names; missing values are empty."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import csv

from ..coverage import Coverage
from .base import Format
from .spool import Spool
from .tables import Table


def write(coverage: Coverage) -> bytes:
    """The coverage as text."""
    return b"".join(_pieces(coverage, header=True))


def write_many(coverages: Sequence[Coverage]) -> bytes:
    """The rows of one coverage after the other, under one line of names."""
    parts = [
        piece
        for number, coverage in enumerate(coverages)
        for piece in _pieces(coverage, header=number == 0)
    ]
    return b"".join(parts)


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same text batch by batch."""
    return _pieces(coverage, header=True)


def _pieces(coverage: Coverage, *, header: bool) -> Iterator[bytes]:
    table = Table(coverage, typed=False)
    for batch in table.batches():
        sink = io.BytesIO()
        options = csv.WriteOptions(include_header=header, quoting_style="needed")
        csv.write_csv(pa.Table.from_batches([batch]), sink, options)
        header = False
        yield sink.getvalue()


CSV = Format(
    name="csv",
    media_type="text/csv",
    title="CSV",
    write=write,
    suffix=".csv",
    stream=stream,
    write_many=write_many,
    bytes_per_value=60.0,
)
