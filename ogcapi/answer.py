"""What a view gives back, before it becomes HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """Size of an answer, from metadata only."""

    values: int = 0
    nbytes: int = 0
    """Of the values in memory."""
    pixels: int = 0
    read: int = 0
    """Stored values that have to be read, where they are more than those of the answer."""
    body: int = 0
    """Bytes of the body, about."""

    @property
    def largest(self) -> int:
        """Bytes in memory or in the body, whichever are more."""
        return max(self.nbytes, self.body)


@dataclass(frozen=True)
class Answer:
    """A body (bytes, or a stream of them) or a JSON document; ``template`` names the page that shows the document."""

    body: bytes | None = None
    stream: Iterator[bytes] | None = None
    document: Mapping[str, Any] | None = None
    template: str | None = None
    media_type: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    modified: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further variables for the template."""
