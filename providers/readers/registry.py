"""Readers, asked in this order whether they know a container."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.errors import SourceUnavailable

from .base import Location, Reader
from .geotiff import GeotiffReader
from .grib import GribReader
from .netcdf import NetcdfReader
from .zarr import ZarrReader

READERS: tuple[Reader, ...] = (ZarrReader(), NetcdfReader(), GeotiffReader(), GribReader())


def readers_with(state: Path | None) -> tuple[Reader, ...]:
    """The readers of one server, which keep what they remember in ``state``."""
    if state is None:
        return READERS
    index = state / "grib-index.sqlite"
    return tuple(GribReader(index) if isinstance(item, GribReader) else item for item in READERS)


def reader_for(
    location: Location, name: str | None = None, readers: Sequence[Reader] = READERS
) -> Reader:
    """The reader of a location, or the one named; raises SourceUnavailable when no reader knows it."""
    if name is not None:
        for reader in readers:
            if reader.name == name:
                return reader
        raise SourceUnavailable(
            f"no reader {name!r}; there are {', '.join(reader.name for reader in readers)}"
        )
    for reader in readers:
        if reader.accepts(location):
            return reader
    names = ", ".join(reader.name for reader in readers)
    raise SourceUnavailable(f"not a format this server reads ({names})")
