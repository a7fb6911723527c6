"""The bytes of a file by range: local files, and objects on S3 or HTTPS with the ``remote`` extra."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from config.errors import SourceUnavailable

from ..readers.base import Location, stat_fingerprint, stat_mark

_CHANGED = "the file changed while it was being read; ask again"


class Readable(Protocol):
    """Bytes that can be read by range."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes; raises SourceUnavailable where the file is shorter, gone or changed."""


class ByteSource(Readable, Protocol):
    """Bytes of one version of a file. Thread-safe; holds no lock, and no descriptor between two reads."""

    @property
    def is_remote(self) -> bool:
        """Whether a read costs a request."""

    def held(self) -> AbstractContextManager[ByteSource]:
        """The same bytes, cheaper for many reads by one thread; not to be used after the block."""


def fingerprint(location: Location) -> str:
    """What changes when the bytes do; raises OSError when the file is gone, SourceUnavailable when unreachable."""
    if "://" not in location:
        return stat_fingerprint(Path(location))
    return _remote_mark(_remote_info(location)[1])


def open_source(location: Location, fingerprint: str) -> ByteSource:
    """The bytes of a file as they were when it had this fingerprint."""
    if "://" not in location:
        return LocalSource(location, fingerprint)
    return RemoteSource(location, fingerprint)


def _beyond(size: int) -> SourceUnavailable:
    return SourceUnavailable(f"the file ends at byte {size}")


class LocalSource:
    """A file of this machine, opened for every read and compared with its fingerprint each time."""

    is_remote = False

    def __init__(self, path: str, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        descriptor = self._open()
        try:
            self.size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def read(self, offset: int, length: int) -> bytes:
        descriptor = self._open()
        try:
            return _pread(descriptor, offset, length, self.size)
        finally:
            os.close(descriptor)

    @contextmanager
    def held(self) -> Iterator[ByteSource]:
        descriptor = self._open()
        try:
            yield _Held(descriptor, self.size)
            self._compare(descriptor)
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise SourceUnavailable("the file is gone") from error
        except OSError as error:
            raise SourceUnavailable(f"the file cannot be opened: {error.strerror}") from error
        try:
            self._compare(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _compare(self, descriptor: int) -> None:
        if stat_mark(os.fstat(descriptor)) != self._fingerprint:
            raise SourceUnavailable(_CHANGED)


class _Held:
    """An open file; changes are looked for when it is given back."""

    is_remote = False

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        return _pread(self._descriptor, offset, length, self.size)

    def held(self) -> AbstractContextManager[ByteSource]:
        return nullcontext(self)


def _pread(descriptor: int, offset: int, length: int, size: int) -> bytes:
    if offset < 0 or length < 0 or offset + length > size:
        raise _beyond(size)
    try:
        data = os.pread(descriptor, length, offset)
        while len(data) < length:
            more = os.pread(descriptor, length - len(data), offset + len(data))
            if not more:
                raise SourceUnavailable(_CHANGED)
            data += more
    except OSError as error:
        raise SourceUnavailable(f"the file cannot be read: {error.strerror}") from error
    return data


class RemoteSource:
    """An object on a server that answers ranges. Bytes of an HTTP server are asked for by ETag where it has one."""

    is_remote = True

    def __init__(self, location: str, fingerprint: str) -> None:
        self._filesystem, info = _remote_info(location)
        if _remote_mark(info) != fingerprint:
            raise SourceUnavailable(_CHANGED)
        if info.get("size") is None or info.get("partial") is False:
            raise SourceUnavailable("the server answers no ranges of the file")
        self.size = int(info["size"])
        self._path = str(info["name"])
        self._options = _same_version(self._filesystem, info)

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise _beyond(self.size)
        if not length:
            return b""
        try:
            data = self._filesystem.cat_file(
                self._path, start=offset, end=offset + length, **self._options
            )
        except Exception as error:  # every library underneath has errors of its own
            if getattr(error, "status", None) == 412:
                raise SourceUnavailable(_CHANGED) from error
            raise SourceUnavailable(f"the file cannot be read: {_reason(error)}") from error
        if len(data) > length:
            raise SourceUnavailable("the server answers no ranges of the file")
        if len(data) < length:
            raise SourceUnavailable(_CHANGED)
        return bytes(data)

    def held(self) -> AbstractContextManager[ByteSource]:
        return nullcontext(self)


def _remote_info(location: str) -> tuple[Any, dict[str, Any]]:
    """The file system of a URL, and what it says about the object."""
    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(location)
    except ImportError as error:
        raise SourceUnavailable("remote files need the extra 'remote' (fsspec)") from error
    except ValueError as error:
        raise SourceUnavailable("there is no way to read this kind of URL") from error
    try:
        filesystem.invalidate_cache(path)
        info = dict(filesystem.info(path))
    except FileNotFoundError:
        raise
    except Exception as error:
        raise SourceUnavailable(f"the file cannot be reached: {_reason(error)}") from error
    return filesystem, {**info, "name": path}


def _remote_mark(info: dict[str, Any]) -> str:
    """Digest of what a server says about a version of an object."""
    names = (
        "ETag",
        "etag",
        "size",
        "LastModified",
        "Last-Modified",
        "mtime",
        "created",
        "VersionId",
    )
    marks = [f"{name}={info[name]}" for name in names if info.get(name) is not None]
    return hashlib.sha256("|".join(marks).encode()).hexdigest()[:20]


def _same_version(filesystem: Any, info: dict[str, Any]) -> dict[str, Any]:
    """Options of a read that make the server refuse when the object is another one by now."""
    protocols = filesystem.protocol
    names = {protocols} if isinstance(protocols, str) else set(protocols)
    etag = str(info.get("ETag") or "")
    if names & {"http", "https"} and etag.startswith('"'):
        return {"headers": {**filesystem.kwargs.get("headers", {}), "If-Match": etag}}
    version = info.get("VersionId")
    if "s3" in names and version not in (None, "null"):
        return {"version_id": version}
    return {}


def _reason(error: Exception) -> str:
    """Words of an error that name no address."""
    text = str(error).splitlines()[0] if str(error) else ""
    return text if text and "/" not in text else type(error).__name__
