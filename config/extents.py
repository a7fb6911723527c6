"""Extents as written in a configuration, for us (RFC 3339 text) and for pygeoapi (``datetime``).

pygeoapi compares requests with ``begin`` and ``end`` as ``datetime`` objects: a YAML date, a text
or a missing key there refuses every request with ``datetime``.
"""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import UTC, date, datetime, time
from typing import Any

#: a date of any CF calendar, such as 2020-02-30 of 360_day
CALENDAR_DATE = re.compile(r"(-?\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](.+))?)?)?$")
OPEN = (None, "", "..")


def rfc3339(value: object, *, end: bool = False) -> str | None:
    """A configured time as RFC 3339 in UTC; ``None`` is an open end.

    A naive time is UTC. A date (or month, or year) begins with its first second and, as an ``end``,
    lasts to its last one. A date that only another calendar has keeps its digits. Raises
    ``ValueError`` for what is no time.
    """
    if value in OPEN:
        return None
    if isinstance(value, datetime):
        return _text(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T{'23:59:59' if end else '00:00:00'}Z"
    match = CALENDAR_DATE.match(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not an RFC 3339 time")
    year, month, day, clock = match.groups()
    month = month or ("12" if end else "01")
    if not (1 <= int(month) <= 12 and 1 <= int(day or 1) <= 31):
        raise ValueError(f"{value!r} is not an RFC 3339 time")
    if clock is None:
        day = day or (_last_day(int(year), int(month)) if end else "01")
        return f"{year}-{month}-{day}T{'23:59:59' if end else '00:00:00'}Z"
    try:
        return _text(datetime.fromisoformat(f"{year}-{month}-{day}T{clock}"))
    except ValueError:
        parsed = time.fromisoformat(clock)
        if parsed.utcoffset():
            raise ValueError(f"{value!r}: a date of another calendar must be in UTC") from None
        return f"{year}-{month}-{day}T{parsed.replace(tzinfo=None).isoformat()}Z"


def normalised(extents: dict[str, Any]) -> dict[str, Any]:
    """``extents`` with times as RFC 3339 text, ``begin`` and ``end`` both present."""
    result = deepcopy(extents)
    temporal = result.get("temporal")
    if isinstance(temporal, dict):
        temporal["begin"] = rfc3339(temporal.get("begin"))
        temporal["end"] = rfc3339(temporal.get("end"), end=True)
        if "default" in temporal:
            temporal["default"] = rfc3339(temporal["default"])
    return result


def for_pygeoapi(extents: dict[str, Any]) -> dict[str, Any]:
    """Normalised ``extents`` with ``datetime`` objects; a time of another calendar is left open."""
    result = deepcopy(extents)
    temporal = result.get("temporal")
    if isinstance(temporal, dict):
        for name in ("begin", "end"):
            temporal[name] = _datetime(temporal[name])
    return result


def _text(value: datetime) -> str:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def _last_day(year: int, month: int) -> str:
    following = date(year + month // 12, month % 12 + 1, 1)
    return f"{date.fromordinal(following.toordinal() - 1).day:02}"


def _datetime(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
