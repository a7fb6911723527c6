"""``cell_methods`` (CF 7.3 and 7.4): what was done to a variable along its axes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIME = {"time", "t", "valid_time", "time_counter", "step", "forecast_period"}
"""Names under which files speak of time; any other dimension is not taken for it."""
_CLOSE = re.compile(r":(?=[A-Za-z])")
_TOKEN = re.compile(r"\([^)]*\)|[^\s(]+")


@dataclass(frozen=True)
class CellMethod:
    """One ``name: name: method`` with its qualifiers (``within days``)."""

    names: tuple[str, ...]
    method: str
    qualifiers: tuple[str, ...] = ()
    comment: str | None = None
    """What stands in brackets: ``interval: 1 hour`` is the spacing of the values that went in."""

    @property
    def is_climatological(self) -> bool:
        """Over the same days or hours of several years, or hours of several days (CF 7.4)."""
        return "over" in self.qualifiers and self.qualifiers[-1] in ("years", "days")


def cell_methods(text: str) -> tuple[CellMethod, ...]:
    """The methods in the order they were applied; what cannot be read is left out."""
    groups: list[tuple[list[str], list[str], list[str]]] = []
    for token in _TOKEN.findall(_CLOSE.sub(r": ", text)):
        if token.endswith(":") and not token.startswith("("):
            if not groups or groups[-1][1]:
                groups.append(([], [], []))
            groups[-1][0].append(token[:-1].lower())
        elif groups:
            groups[-1][2 if token.startswith("(") else 1].append(token.lower().strip("()"))
    return tuple(
        CellMethod(tuple(names), words[0], tuple(words[1:]), " ".join(comments) or None)
        for names, words, comments in groups
        if words
    )


def time_method(attributes: Mapping[str, Any]) -> CellMethod | None:
    """What was done last along time; None where nothing is said of it."""
    methods = cell_methods(str(attributes.get("cell_methods", "")))
    return next((item for item in reversed(methods) if _TIME & set(item.names)), None)
