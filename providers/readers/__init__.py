"""Readers, asked in this order whether they know a container."""

from __future__ import annotations

from config.errors import SourceUnavailable

from .base import ChunkSource, Location, OpenFile, RawGroup, RawVariable, Reader
from .netcdf import NetcdfReader
from .zarr import ZarrReader

READERS: tuple[Reader, ...] = (ZarrReader(), NetcdfReader())


def reader_for(location: Location, name: str | None = None) -> Reader:
    """The reader of a location, or the one named; raises SourceUnavailable when no reader knows it."""
    if name is not None:
        for reader in READERS:
            if reader.name == name:
                return reader
        raise SourceUnavailable(
            f"no reader {name!r}; there are {', '.join(reader.name for reader in READERS)}"
        )
    for reader in READERS:
        if reader.accepts(location):
            return reader
    names = ", ".join(reader.name for reader in READERS)
    raise SourceUnavailable(f"not a format this server reads ({names})")


__all__ = [
    "READERS",
    "ChunkSource",
    "Location",
    "OpenFile",
    "RawGroup",
    "RawVariable",
    "Reader",
    "reader_for",
]
