"""GRIB 1 and 2: every message found and indexed once, decoded one by one when it is asked for."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from ..grib import sources
from ..grib.fields import GribFile
from ..grib.index import GribIndex
from ..grib.keys import KEYS_VERSION, describe
from .base import Location, OpenFile, Reader

_SEARCHED = 4096
"""Bytes at the start of a file among which its first message begins: bulletins have headings before it."""


class GribReader(Reader):
    """Files of GRIB messages of either edition; ``index`` is where what was found is kept, None in memory."""

    name = "grib"
    suffixes = (".grib", ".grib1", ".grib2", ".grb", ".grb1", ".grb2", ".gb", ".gb2")

    def __init__(self, index: Path | None = None) -> None:
        self._path = index

    @cached_property
    def _index(self) -> GribIndex:
        return GribIndex(self._path, version=KEYS_VERSION)

    def accepts(self, location: Location) -> bool:
        if "://" in location:
            return location.lower().endswith(self.suffixes)
        path = Path(location)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return b"GRIB" in file.read(_SEARCHED)

    def fingerprint(self, location: Location) -> str:
        if "://" not in location and not Path(location).exists():
            raise FileNotFoundError(location)
        return sources.fingerprint(location)

    def open(self, location: Location) -> OpenFile:
        mark = self.fingerprint(location)
        source = sources.open_source(location, mark)
        index = self._index.file(location, mark, lambda: source, describe)
        version = hashlib.sha256(f"{location}|{mark}".encode()).hexdigest()[:20]
        return GribFile(location, (), mark, lambda: None, source, index, version)
