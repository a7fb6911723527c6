"""Handles of TIFF files: each is used by one thread at a time, a bounded number waits open for the next."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.env import set_gdal_config
from rasterio.errors import RasterioError

from config.errors import SourceUnavailable

from .base import Location, Raw, stat_fingerprint

FAILURES = (RasterioError, CPLE_BaseError, OSError, ValueError, IndexError, MemoryError)
"""What rasterio raises for files that are damaged."""

SIDECARS = (".aux.xml", ".ovr", ".msk", ".ovr.aux.xml", ".msk.ovr")
"""Files beside ``name.tif`` that GDAL reads with it, and so part of what was read."""

_WORLD_FILES = (".tfw", ".tifw", ".wld")
_IDLE = 64
_GDAL_CACHE = 32 << 20
"""Bytes of GDAL's own block cache: decoded data are kept in ours."""


def file_fingerprint(location: Location) -> str:
    """Fingerprint of a file with what lies beside it; raises FileNotFoundError."""
    path = Path(location)
    if not path.exists():
        raise FileNotFoundError(location)
    beside = [Path(f"{location}{suffix}") for suffix in SIDECARS]
    return stat_fingerprint(path, *beside, *(path.with_suffix(end) for end in _WORLD_FILES))


_NUMBERS = itertools.count()
_waiting: OrderedDict[int, tuple[tuple[Any, ...], rasterio.DatasetReader]] = OrderedDict()
"""Open datasets that nobody uses now, by their id; the key tells the file, the process, the page and the level."""
_lock = threading.Lock()
_released: deque[int] = deque()
"""Files that were closed, or forgotten: garbage may be collected while the lock is held, so that it only takes note."""


def _take(key: tuple[Any, ...]) -> rasterio.DatasetReader | None:
    with _lock:
        for number in reversed(_waiting):
            if _waiting[number][0] == key:
                return _waiting.pop(number)[1]
    return None


def _keep(key: tuple[Any, ...], dataset: rasterio.DatasetReader) -> None:
    with _lock:
        _waiting[id(dataset)] = (key, dataset)
        many = max(len(_waiting) - _IDLE, 0)
        surplus = [_waiting.popitem(last=False)[1][1] for _ in range(many)]
    for item in surplus:
        item.close()


def _close_released() -> None:
    """Close what waits of files nobody has open any more."""
    while _released:
        with _lock:
            gone = {_released.popleft() for _ in range(len(_released))}
            mine = [number for number, (key, _) in _waiting.items() if key[0] in gone]
            closing = [_waiting.pop(number)[1] for number in mine]
        for dataset in closing:
            dataset.close()


@atexit.register
def _close_all() -> None:
    """Close what waits while GDAL can still be spoken to: it fails, and says so, when modules are taken down."""
    with _lock:
        closing = [dataset for _, dataset in _waiting.values()]
        _waiting.clear()
    for dataset in closing:
        dataset.close()


class Handles:
    """Open datasets of one file, by page (``GTIFF_DIR:n:`` or nothing) and overview level."""

    def __init__(self, location: Location, fingerprint: str) -> None:
        self.location = location
        self._fingerprint = fingerprint
        self._number = next(_NUMBERS)
        self._release = weakref.finalize(self, _released.append, self._number)

    @contextmanager
    def borrow(self, page: str = "", level: int | None = None) -> Iterator[rasterio.DatasetReader]:
        """A dataset for this thread alone; raises SourceUnavailable when the file is another one by now."""
        key = (self._number, os.getpid(), page, level)
        dataset = _take(key) or self._open(page, level)
        try:
            yield dataset
            self._check()
        except BaseException:
            dataset.close()
            raise
        if self._release.alive:
            _keep(key, dataset)
        else:
            dataset.close()

    def _open(self, page: str, level: int | None) -> rasterio.DatasetReader:
        _close_released()
        self._check()
        set_gdal_config("GDAL_CACHEMAX", _GDAL_CACHE)
        options = {} if level is None else {"overview_level": level}
        return rasterio.open(page + self.location, driver="GTiff", **options)

    def _check(self) -> None:
        try:
            current = file_fingerprint(self.location)
        except FileNotFoundError:
            return  # an open file stays readable after it is removed
        if current != self._fingerprint:
            raise SourceUnavailable("the file changed while it was being read; ask again")

    def close(self) -> None:
        """Close what waits; what is in use is closed when it comes back."""
        self._release()
        _close_released()

    def reason(self, error: BaseException) -> str:
        """What GDAL says of a failure, without the folder of the file."""
        text = str(error.__cause__ or error).splitlines() or [type(error).__name__]
        return text[0].replace(str(Path(self.location).parent) + os.sep, "")


@dataclass(frozen=True)
class BandBlocks:
    """Reads blocks of one band. ``hidden`` replaces cells that the mask or alpha band of the file takes out."""

    handles: Handles
    page: str
    level: int | None
    band: int
    dtype: np.dtype[Any]
    hidden: Any = None

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        window = tuple(zip(start, stop, strict=True))
        try:
            with self.handles.borrow(self.page, self.level) as dataset:
                block: Raw = dataset.read(self.band, window=window)
                if self.hidden is not None:
                    mask = dataset.read_masks(self.band, window=window)
                    block = block.astype(self.dtype)
                    block[mask == 0] = self.hidden
        except FAILURES as error:
            raise SourceUnavailable(
                f"band {self.band} cannot be read: {self.handles.reason(error)}"
            ) from error
        return block
