"""What a format is: a name, a media type, and functions from a coverage to bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..coverage import Coverage
from .spool import Spool


def holds_all(coverage: Coverage) -> str | None:
    """For formats that hold every coverage."""
    return None


@dataclass(frozen=True)
class Format:
    """``name`` is the value of ``f=``; ``accepts`` are further media types a client may ask for it by.

    ``write`` makes an answer in memory, ``stream`` a large one piece by piece (None: large ones are refused), and
    ``write_many`` one document of several coverages of the same variables (None: they are refused).
    """

    name: str
    media_type: str
    title: str
    write: Callable[[Coverage], bytes]
    suffix: str
    accepts: tuple[str, ...] = ()
    stream: Callable[[Coverage, Spool], Iterator[bytes]] | None = None
    write_many: Callable[[Sequence[Coverage]], bytes] | None = None
    needs_raster: bool = False
    """Holds only rows and columns at even distances in a CRS: other cells are resampled first."""
    refuses: Callable[[Coverage], str | None] = holds_all
    """Why a coverage cannot be written so (an axis too many, an unknown grid), from its domain alone."""
    bytes_per_value: float | None = None
    """Typical size of one value in the body, for estimates; None: as in memory."""
