"""What a format is: a name, a media type and one function from a coverage to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..cube import Coverage


@dataclass(frozen=True)
class Format:
    """``name`` is the value of ``f=``; ``accepts`` are further media types a client may ask for it by."""

    name: str
    media_type: str
    title: str
    write: Callable[[Coverage], bytes]
    suffix: str
    accepts: tuple[str, ...] = ()
