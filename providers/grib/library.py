"""Loads ecCodes so that the libraries it brings along stay its own.

Its Python package makes them visible to the whole process: whatever is loaded later would then call its copies of PROJ,
SQLite, curl or Kerberos instead of those it was built with, and crash.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager

_LOADER = "_load_globally"
"""What loads them, in the package ``findlibs``."""


@contextmanager
def _out_of_sight() -> Iterator[None]:
    try:
        findlibs = importlib.import_module("findlibs")
    except ImportError:
        findlibs = None
    before = getattr(findlibs, _LOADER, None)
    if before is None:  # an ecCodes that comes with the system brings nothing along
        yield
        return
    setattr(findlibs, _LOADER, functools.partial(ctypes.CDLL, mode=ctypes.RTLD_LOCAL))
    try:
        yield
    finally:
        setattr(findlibs, _LOADER, before)


with _out_of_sight():
    importlib.import_module("eccodes")
