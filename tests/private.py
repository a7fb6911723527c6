"""Reading a file that the server may have open too.

HDF5 shares what it knows of a file between all who have it open in a process, and crashes on strings once the first
of them closes it. Tests that read a file directly read a copy of their own.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(tempfile.mkdtemp(prefix="destine-ogcapi-private-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


@lru_cache(maxsize=256)
def private_copy(path: Path) -> Path:
    """A copy that nobody else opens; as the file was when it was first asked for."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    return Path(shutil.copyfile(path, folder / Path(path).name))
