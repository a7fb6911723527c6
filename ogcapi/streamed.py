"""A body that is made while it is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

LOG = logging.getLogger(__name__)


class Streamed:
    """Pieces of a body for a WSGI server: it settles and frees what the pieces came from when it is closed.

    An error midway is logged and raised, so that the server breaks the connection off: the client must not take what
    it has for all of it (RFC 9112, 7.1 and 8).
    """

    def __init__(self, first: bytes, rest: Iterator[bytes], settle: Callable[[], None]) -> None:
        self._first = first
        self._rest = rest
        self._settle = settle

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        try:
            yield from self._rest
        except Exception:
            LOG.exception("an answer broke off midway")
            raise

    def close(self) -> None:
        """Called by the server, after the last piece or when the client is gone."""
        close = getattr(self._rest, "close", None)
        if close is not None:
            close()
        self._settle()
