"""Files the server writes: the state folder, and writes that are seen whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.errors import ConfigurationError


def private_folder(path: Path) -> Path:
    """Makes ``path`` (and its parents) and returns it; a folder made here is the user's alone.

    An existing folder keeps the rights its owner gave it. Raises ``ConfigurationError`` when it
    cannot be made or written.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot make the folder ({error.strerror})", file=str(path), key="state_dir"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError("the folder is not writable", file=str(path), key="state_dir")
    return path


@contextmanager
def atomic_write(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A binary file that takes the name ``path`` when the block ends well.

    Written aside in the same folder, fsynced, then renamed (and the folder fsynced): a reader sees
    the old file or the new one, also after a power cut. When the block raises, ``path`` is
    untouched and nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """``content`` becomes the file ``path``, all of it at once (see ``atomic_write``)."""
    with atomic_write(path, mode=mode) as stream:
        stream.write(content)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
