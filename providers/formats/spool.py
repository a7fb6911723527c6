"""Files that large answers are written to before they are sent, under a quota."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import SourceUnavailable, TooLarge

_PIECE = 1 << 20


class Spool:
    """Room for temporary files of one worker; formats whose writers need to seek fill one and send it."""

    def __init__(self, quota: int, folder: Path | None = None) -> None:
        self._quota = quota
        self._folder = folder
        self._used = 0
        self._lock = threading.Lock()

    @contextmanager
    def file(self, nbytes: int, suffix: str = "") -> Iterator[Path]:
        """A path in a folder of its own, which goes with the context.

        Raises TooLarge for more than the whole quota, SourceUnavailable while others hold the room or there is none.
        """
        if nbytes > self._quota:
            raise TooLarge(
                f"the file would take about {nbytes:,} bytes; the limit is {self._quota:,}: ask for a smaller bbox, "
                "fewer times, levels or fields",
                allowed=[f"up to {self._quota} bytes"],
            )
        with self._lock:
            if self._used + nbytes > self._quota:
                raise SourceUnavailable("other large answers are being written; ask again")
            self._used += nbytes
        try:
            with tempfile.TemporaryDirectory(prefix="ogcapi-", dir=self._folder) as folder:
                if shutil.disk_usage(folder).free < nbytes:
                    raise SourceUnavailable("no room for large answers now; ask again")
                yield Path(folder) / f"answer{suffix}"
        finally:
            with self._lock:
                self._used -= nbytes

    def sent(self, nbytes: int, write: Callable[[Path], None], suffix: str = "") -> Iterator[bytes]:
        """What ``write`` puts into a file of about ``nbytes``, piece by piece."""
        with self.file(nbytes, suffix) as path:
            write(path)
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
