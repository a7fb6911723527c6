"""Zarr v2 and v3: consolidated or not, groups, shards; local folders, and URLs with the ``remote`` extra."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zarr.errors

from config.errors import SourceUnavailable

from .base import Location, OpenFile, Raw, RawGroup, RawVariable, Reader

_ROOT_FILES = ("zarr.json", ".zmetadata", ".zgroup", ".zattrs")
_LOOKED_AT = 50_000
"""Files and folders of a store that are looked at for changes. In a larger store a rewritten chunk is still seen where
its folder is among them: writers rename chunks into place, which marks the folder."""
_HIDDEN = ("_ARRAY_DIMENSIONS",)
_TRUTH = {"flag_values": [0, 1], "flag_meanings": "false true"}
"""Booleans are served as flags of one byte."""


class _Blocks:
    """Reads blocks of one Zarr array; zarr-python decodes chunks in threads of its own."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._array = array

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        index = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        try:
            block = np.asarray(self._array[index if index else ...])
        except (
            OSError,
            ValueError,
            RuntimeError,
            KeyError,
            TypeError,
            MemoryError,
            ArithmeticError,
            SystemError,
        ) as error:
            raise SourceUnavailable(f"array {self._array.name} cannot be read: {error}") from error
        if block.dtype.kind == "b":
            return block.astype(np.uint8)
        return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))


class ZarrReader(Reader):
    """Zarr stores; every group that holds arrays, with the coordinates of its parents."""

    name = "zarr"
    suffixes = (".zarr",)

    def accepts(self, location: Location) -> bool:
        if "://" in location:
            return location.rstrip("/").endswith(self.suffixes)
        return any((Path(location) / name).is_file() for name in _ROOT_FILES)

    def fingerprint(self, location: Location) -> str:
        if "://" in location:
            return _remote_fingerprint(location)
        root = Path(location)
        if not self.accepts(location):
            raise FileNotFoundError(location)
        return _tree_marks(root)[0]

    def modified(self, location: Location) -> float | None:
        return None if "://" in location else _tree_marks(Path(location))[1]

    def open(self, location: Location) -> OpenFile:
        mark = self.fingerprint(location)
        try:
            root = zarr.open_group(location, mode="r")
            groups = tuple(_groups(root, {}, {}))
        except RecursionError as error:
            reason = "its metadata are nested too deeply"
            raise SourceUnavailable(f"not a readable Zarr store: {reason}") from error
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            ArithmeticError,
            zarr.errors.BaseZarrError,
        ) as error:
            raise SourceUnavailable(f"not a readable Zarr store: {_reason(error)}") from error
        return OpenFile(location, groups, mark, lambda: None)


def _tree_marks(root: Path) -> tuple[str, float]:
    """Digest of size, time and inode of everything in a store, and the newest time; outer folders first.

    Region writes and appends change chunks alone, and no metadata: the whole tree counts.
    """
    marks: list[str] = []
    newest, left = 0, _LOOKED_AT
    waiting = deque([root])
    while waiting and left > 0:
        folder = waiting.popleft()
        try:
            own = folder.stat().st_mtime_ns
            with os.scandir(folder) as entries:
                found = list(islice(entries, left))
        except (FileNotFoundError, NotADirectoryError):
            continue
        left -= len(found) + 1
        newest = max(newest, own)
        marks.append(f"{folder}:{own}")
        for entry in sorted(found, key=lambda entry: entry.name):
            if entry.is_dir():
                waiting.append(Path(entry.path))
                continue
            try:
                stat = entry.stat()
            except FileNotFoundError:
                continue
            newest = max(newest, stat.st_mtime_ns)
            marks.append(f"{entry.name}:{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}")
    return hashlib.sha256("|".join(marks).encode()).hexdigest()[:20], newest / 1e9


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{type(error).__name__}" if "/" in text else text


def _remote_fingerprint(location: Location) -> str:
    """Digest of the root metadata: what an append or a rewrite changes."""
    try:
        import fsspec
    except ImportError as error:
        raise SourceUnavailable("remote Zarr needs the extra 'remote' (fsspec)") from error
    filesystem, root = fsspec.core.url_to_fs(location)
    digest = hashlib.sha256()
    found = False
    for name in _ROOT_FILES:
        try:
            digest.update(filesystem.cat_file(f"{root.rstrip('/')}/{name}"))
            found = True
        except (FileNotFoundError, OSError):
            continue
    if not found:
        raise FileNotFoundError(location)
    return digest.hexdigest()[:20]


def _groups(
    group: zarr.Group, inherited: dict[str, RawVariable], parent_attributes: dict[str, Any]
) -> Iterator[RawGroup]:
    own: dict[str, RawVariable] = {}
    children: list[zarr.Group] = []
    for name, member in group.members():
        if isinstance(member, zarr.Array):
            own[name] = _variable(name, member)
        else:
            children.append(member)
    visible = {**inherited, **own}
    attributes = {**parent_attributes, **group.attrs.asdict()}
    if own:
        yield RawGroup(group.path.strip("/"), visible, attributes, frozenset(own))
    for child in children:
        yield from _groups(child, visible, attributes)


def _variable(name: str, array: zarr.Array[Any]) -> RawVariable:
    metadata = array.metadata
    attributes: dict[str, Any] = dict(array.attrs.asdict())
    dims: Any = getattr(metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    if not isinstance(dims, list | tuple) or len(dims) != array.ndim or None in dims:
        dims = [f"{name}_dim{axis}" for axis in range(array.ndim)]
    dtype = array.dtype if isinstance(array.dtype, np.dtype) else np.dtype(object)
    for hidden in _HIDDEN:
        attributes.pop(hidden, None)
    if "_FillValue" in attributes:
        attributes["_FillValue"] = _decoded_fill(attributes["_FillValue"], dtype)
    # In version 2 fill_value is xarray's place for _FillValue; in version 3 it only stands for chunks never written.
    container_fill = metadata.fill_value if metadata.zarr_format == 2 else None
    if dtype.kind == "b":
        dtype, container_fill = np.dtype(np.uint8), None
        attributes.pop("_FillValue", None)
        attributes = {**_TRUTH, **attributes}
    return RawVariable(
        name=name,
        dims=tuple(str(dim) for dim in dims),
        shape=tuple(array.shape),
        dtype=dtype.newbyteorder("="),
        chunks=tuple(array.chunks) if array.shape else (),
        attributes=attributes,
        source=_Blocks(array),
        fill_value=container_fill,
    )


def _decoded_fill(value: Any, dtype: np.dtype[Any]) -> Any:
    """xarray writes the ``_FillValue`` of floats into Zarr v3 attributes as base64 of their bytes."""
    if isinstance(value, str) and dtype.kind in "fc":
        import base64
        import binascii

        try:
            raw = base64.standard_b64decode(value)
        except (binascii.Error, ValueError):
            return float(value)
        return np.frombuffer(raw, dtype="<f8" if len(raw) == 8 else "<f4")[0]
    return value
