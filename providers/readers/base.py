"""What a reader gives: raw variables of one file or store, read chunk by chunk.

A reader knows a container (Zarr, NetCDF), not what the data mean: no scaling, no masking, no coordinates.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from config.errors import SourceUnavailable

Raw = NDArray[Any]
Location = str
"""A local path or a URL, as written in the configuration."""


_LARGEST_WHOLE = 16 << 30
"""Bytes of a coordinate; a larger one is taken for damaged."""


class ChunkSource(Protocol):
    """Loads stored (decompressed, still packed) blocks of one variable."""

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        """The block ``start <= index < stop``; thread-safe."""


@dataclass(frozen=True)
class RawVariable:
    """One stored variable. ``chunks`` is the unit of reading; ``contiguous`` data may be read in any block cheaply."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    attributes: Mapping[str, Any]
    source: ChunkSource
    contiguous: bool = False
    fill_value: Any = None
    """Fill of the container itself (Zarr ``fill_value``, NetCDF default fill), used when no attribute says more."""

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def read_all(self) -> Raw:
        """The whole variable, for coordinates; raises SourceUnavailable for one that no memory holds."""
        if self.nbytes > _LARGEST_WHOLE:
            raise SourceUnavailable(
                f"{self.name} has {self.nbytes >> 30} GB, too many for a coordinate"
            )
        return self.source.load((0,) * len(self.shape), self.shape)


@dataclass(frozen=True)
class RawGroup:
    """Variables that can see each other: a group with what it inherits from its parents (CF 2.7)."""

    path: str
    variables: Mapping[str, RawVariable]
    attributes: Mapping[str, Any]
    own: frozenset[str] = field(default_factory=frozenset)
    """Names defined in this group itself; only these become data variables."""
    coarser: tuple[RawGroup, ...] = ()
    """The same variables on coarser cells of the same area (overviews), finest first."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """What the reader found but cannot give: its name, and the reason for people."""


@dataclass(frozen=True)
class OpenFile:
    """An open container. ``fingerprint`` changes when the bytes do; ``close`` releases the handle."""

    location: Location
    groups: tuple[RawGroup, ...]
    fingerprint: str
    close: Callable[[], None]


class Reader(ABC):
    """Opens one kind of container."""

    name: str
    suffixes: tuple[str, ...] = ()

    @abstractmethod
    def accepts(self, location: Location) -> bool:
        """Whether the location looks like this container (by content where that is cheap)."""

    @abstractmethod
    def open(self, location: Location) -> OpenFile:
        """Open it; raises :class:`config.errors.SourceUnavailable` with a reason for people."""

    @abstractmethod
    def fingerprint(self, location: Location) -> str:
        """What changes when the data change, from metadata only (stat, ETag); raises OSError when gone."""

    def modified(self, location: Location) -> float | None:
        """When the data changed, seconds since 1970; None where only a server far away knows."""
        return None if "://" in location else Path(location).stat().st_mtime


def stat_mark(stat: os.stat_result) -> str:
    """Size, modification time and inode of one file."""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"


def stat_fingerprint(*paths: Path) -> str:
    """Size, modification time and inode of files; missing files are part of the answer."""
    marks = []
    for path in paths:
        try:
            marks.append(stat_mark(path.stat()))
        except FileNotFoundError:
            marks.append("none")
    return ":".join(marks)


def readable_chunks(
    shape: tuple[int, ...], itemsize: int, target: int = 4 << 20
) -> tuple[int, ...]:
    """Blocks of about ``target`` bytes for data that are not chunked: whole trailing dimensions first."""
    chunks = [1] * len(shape)
    budget = max(target // max(itemsize, 1), 1)
    for axis in range(len(shape) - 1, -1, -1):
        chunks[axis] = int(max(1, min(shape[axis], budget)))
        budget //= chunks[axis]
    return tuple(chunks)
