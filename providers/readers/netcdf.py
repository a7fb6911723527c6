"""NetCDF 3 and 4 through netCDF4-python, one process-wide lock around every call.

HDF5 and netCDF-C are not thread-safe; reading, writing and closing all go through :data:`LOCK`.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import netCDF4
import numpy as np

from config.errors import SourceUnavailable

from .base import (
    Location,
    OpenFile,
    Raw,
    RawGroup,
    RawVariable,
    Reader,
    readable_chunks,
    stat_fingerprint,
)
from .classic import missing_bytes
from .hdf5 import has_endless_heap

LOCK = threading.RLock()
"""Held around every use of netCDF4 and HDF5 in the process, writers included."""

_SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
_OPEN_FILES = 256


class _Handle:
    """A dataset that is open when it has to be: the least recently used ones are closed beyond a limit."""

    _known: ClassVar[WeakValueDictionary[tuple[int, str], _Handle]] = WeakValueDictionary()
    _open: ClassVar[OrderedDict[_Handle, netCDF4.Dataset]] = OrderedDict()

    def __init__(self, location: Location, fingerprint: str) -> None:
        self.location = location
        self._fingerprint = fingerprint
        self._inode: tuple[int, int] | None = None
        self._users = 0

    @classmethod
    def of(cls, location: Location, fingerprint: str) -> _Handle:
        """The one handle of a file in this process; the caller holds :data:`LOCK`.

        HDF5 crashes on strings of a file that is open twice once the first of the two is closed, so every app and
        source shares it.
        """
        key = (Path(location).stat().st_dev, fingerprint)
        found = cls._known.get(key)
        if found is None:
            found = cls._known[key] = cls(location, fingerprint)
        found._users += 1
        return found

    def dataset(self) -> netCDF4.Dataset:
        """The open dataset; the caller holds :data:`LOCK` while it uses it."""
        known = self._open.get(self)
        if known is not None:
            self._open.move_to_end(self)
            return known
        if stat_fingerprint(Path(self.location)) != self._fingerprint:
            raise SourceUnavailable("the file changed while it was being read; ask again")
        self._close_older()
        opened = netCDF4.Dataset(self.location, "r")
        opened.set_auto_maskandscale(False)
        opened.set_auto_chartostring(False)
        self._open[self] = opened
        while len(self._open) > _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return opened

    def _close_older(self) -> None:
        """Close other handles of a file written over in place: HDF5 would hand out what it keeps of the old one."""
        found = Path(self.location).stat()
        self._inode = (found.st_dev, found.st_ino)
        older = [
            item
            for item in self._open
            if item._inode == self._inode and item._fingerprint != self._fingerprint
        ]
        for other in older:
            self._open.pop(other).close()

    def close(self) -> None:
        """One user less; the file is closed with the last one."""
        with LOCK:
            self._users -= 1
            if self._users > 0:
                return
            opened = self._open.pop(self, None)
            if opened is not None and opened.isopen():
                opened.close()


class _Blocks:
    """Reads blocks of one netCDF variable without masking or scaling."""

    def __init__(self, handle: _Handle, group: str, name: str) -> None:
        self._handle = handle
        self._group = group
        self._name = name

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        index = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        with LOCK:
            try:
                dataset = self._handle.dataset()
                group = dataset[self._group] if self._group else dataset
                block = np.asarray(group.variables[self._name][index if index else ...])
            except (RuntimeError, OSError, IndexError, KeyError, MemoryError) as error:
                raise SourceUnavailable(f"variable {self._name} cannot be read: {error}") from error
        return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))


class NetcdfReader(Reader):
    """Classic, 64-bit offset, CDF-5 and NetCDF-4/HDF5 files; every group that holds variables."""

    name = "netcdf"
    suffixes = (".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".he5", ".hdf5")

    def accepts(self, location: Location) -> bool:
        path = Path(location)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(8).startswith(_SIGNATURES)

    def fingerprint(self, location: Location) -> str:
        path = Path(location)
        if not path.exists():
            raise FileNotFoundError(location)
        return stat_fingerprint(path)

    def open(self, location: Location) -> OpenFile:
        mark = self.fingerprint(location)
        _refuse_unfinished(Path(location))
        with LOCK:
            try:
                handle = _Handle.of(location, mark)
                groups = tuple(_groups(handle, handle.dataset(), {}, {}))
            except (OSError, RuntimeError, AttributeError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise SourceUnavailable(f"not a readable NetCDF file: {reason}") from error
        return OpenFile(location, groups, mark, handle.close)


def _refuse_unfinished(path: Path) -> None:
    """HDF5 notices a file that is cut off but not every one with holes, netCDF-C does not notice a classic one."""
    with path.open("rb") as file:
        is_classic = file.read(3) == b"CDF"
    if not is_classic:
        if has_endless_heap(path):
            raise SourceUnavailable("not a readable NetCDF file: parts of it were never written")
        return
    try:
        missing = missing_bytes(path)
    except (EOFError, KeyError, IndexError, struct.error) as error:
        raise SourceUnavailable("not a readable NetCDF file: its header is incomplete") from error
    if missing:
        raise SourceUnavailable(f"not a readable NetCDF file: the last {missing} bytes are missing")


def _groups(
    handle: _Handle,
    group: netCDF4.Dataset,
    inherited: dict[str, RawVariable],
    parent_attributes: dict[str, Any],
) -> Iterator[RawGroup]:
    own = {name: _variable(handle, variable) for name, variable in group.variables.items()}
    visible = {**inherited, **own}
    attributes = {**parent_attributes, **{name: group.getncattr(name) for name in group.ncattrs()}}
    if own:
        path = group.path.strip("/")
        yield RawGroup(path, visible, attributes, frozenset(own))
    for child in group.groups.values():
        yield from _groups(handle, child, visible, attributes)


def _variable(handle: _Handle, variable: netCDF4.Variable) -> RawVariable:
    ragged = isinstance(variable.datatype, netCDF4.VLType)
    known = isinstance(variable.dtype, np.dtype) and not ragged
    dtype = variable.dtype if known else np.dtype(object)
    shape = tuple(int(size) for size in variable.shape)
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    chunks, contiguous = _chunking(variable, shape, dtype)
    return RawVariable(
        name=variable.name,
        dims=variable.dimensions,
        shape=shape,
        dtype=dtype.newbyteorder("="),
        chunks=chunks,
        attributes=attributes,
        source=_Blocks(handle, variable.group().path.strip("/"), variable.name),
        contiguous=contiguous,
        fill_value=_default_fill(variable, dtype, attributes),
    )


def _default_fill(
    variable: netCDF4.Variable, dtype: np.dtype[Any], attributes: dict[str, Any]
) -> Any:
    """The netCDF default fill of cells never written (NUG appendix B); bytes have none."""
    if dtype.kind not in "iuf" or dtype.itemsize == 1:
        return None
    if variable.group().data_model.startswith("NETCDF4") and attributes.get("_NoFill"):
        return None
    return netCDF4.default_fillvals.get(dtype.str[1:])


def _chunking(
    variable: netCDF4.Variable, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[tuple[int, ...], bool]:
    """Unit of reading: HDF5 chunks, enlarged where they are tiny, or blocks of our own where data are contiguous."""
    stored = (
        variable.chunking() if variable.group().data_model.startswith("NETCDF4") else "contiguous"
    )
    if not shape:
        return (), True
    if stored == "contiguous" or stored is None:
        return readable_chunks(shape, dtype.itemsize), True
    chunks = [int(min(chunk, max(size, 1))) for chunk, size in zip(stored, shape, strict=True)]
    if int(np.prod(shape)) * dtype.itemsize <= 1 << 20:
        return tuple(max(size, 1) for size in shape), False
    for axis in range(len(shape) - 1, -1, -1):
        grown = 2
        while chunks[axis] < shape[axis] and np.prod(chunks) * dtype.itemsize * grown <= 1 << 20:
            chunks[axis] = min(chunks[axis] * 2, shape[axis])
    return tuple(chunks), False
