"""Which messages make one variable, which variables share a cube, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..axes import iso_duration
from .pool import Kind


@dataclass
class Series:
    """The kinds of message of one variable. ``interval`` tells apart intervals that end at the same step."""

    kinds: list[Kind]
    interval: str = ""

    @property
    def first(self) -> Kind:
        return self.kinds[0]

    @property
    def levels(self) -> set[float]:
        return {kind.level for kind in self.kinds}

    @property
    def has_levels(self) -> bool:
        """Whether the vertical is an axis rather than one height of this variable."""
        return bool(self.first.type.name) and (self.first.type.always or len(self.levels) > 1)

    @property
    def starts(self) -> dict[int, int]:
        """Start of the interval by its end, for variables over intervals."""
        return {kind.keys["end"]: kind.keys["start"] for kind in self.kinds if kind.is_interval}


def series_of(kinds: Iterable[Kind]) -> list[Series]:
    """Variables of one dataset on one grid."""
    groups: dict[tuple[Any, ...], list[Kind]] = {}
    for kind in kinds:
        groups.setdefault(kind.parameter, []).append(kind)
    return [series for group in groups.values() for series in _by_interval(group)]


def _by_interval(kinds: list[Kind]) -> list[Series]:
    """One variable, or one per length of interval where several intervals end at the same step."""
    starts: dict[int, set[int]] = {}
    for kind in kinds:
        starts.setdefault(kind.keys["end"], set()).add(kind.keys["start"])
    if all(len(found) == 1 for found in starts.values()):
        return [Series(kinds)]
    parts: dict[str, list[Kind]] = {}
    for kind in kinds:
        start, end = kind.keys["start"], kind.keys["end"]
        parts.setdefault("" if start == 0 else iso_duration(end - start)[1:].lower(), []).append(
            kind
        )
    return [Series(part, interval.lstrip("t")) for interval, part in parts.items()]


def families(series: Sequence[Series]) -> dict[tuple[str, ...], list[Series]]:
    """Variables that share a cube, by the words of the cube's name: kind of level, then kind of interval."""
    levels: dict[str, list[Series]] = {}
    for item in series:
        levels.setdefault(item.first.type.suffix if item.has_levels else "sfc", []).append(item)
    found: dict[tuple[str, ...], list[Series]] = {}
    for suffix, members in levels.items():
        for words, part in _by_bounds(members):
            found[(suffix, *words)] = part
    return found


def _by_bounds(members: Sequence[Series]) -> Iterable[tuple[tuple[str, ...], list[Series]]]:
    """Cubes whose variables agree on the interval that ends at each step; instants agree with everything."""
    groups: list[tuple[dict[int, int], list[Series]]] = []
    for item in sorted(members, key=lambda item: bool(item.starts)):
        starts = item.starts
        for known, group in groups:
            if all(known.get(end, start) == start for end, start in starts.items()):
                known.update(starts)
                group.append(item)
                break
        else:
            groups.append((dict(starts), [item]))
    words: list[str] = []
    for position, (_, group) in enumerate(groups):
        word = "" if position == 0 else _word(group, words)
        words.append(word)
        yield ((word,) if word else ()), group


def _word(group: Sequence[Series], taken: Sequence[str]) -> str:
    """``max``, ``accum``; with the length of the interval, or the names of the variables, where that is taken."""
    kinds = list(dict.fromkeys(item.first.keys["step_type"] for item in group))
    lengths = {kind.keys["end"] - kind.keys["start"] for item in group for kind in item.kinds}
    length = iso_duration(lengths.pop())[1:].lstrip("T").lower() if len(lengths) == 1 else ""
    names = "-".join(item.first.keys["name"] for item in group)
    candidates = ["-".join(kinds), "-".join([*kinds, length]), f"{'-'.join(kinds)}-{names}"]
    return next(word for word in candidates if word not in taken)


def names_of(series: Sequence[Series]) -> list[str]:
    """Ids of the variables of one cube: the parameter's short name, with what tells equal ones apart."""
    by_name: dict[str, list[Series]] = {}
    for item in series:
        by_name.setdefault(item.first.keys["name"], []).append(item)
    names: dict[int, str] = {}
    for name, group in by_name.items():
        group = sorted(group, key=_rank)
        for position, item in enumerate(group):
            words = [] if position == 0 else _differences(group[0], item)
            names[id(item)] = "_".join([name, *words])
    return _distinct([names[id(item)] for item in series])


def _rank(item: Series) -> tuple[Any, ...]:
    """The plainest of variables with one name keeps that name: instants, at the surface, from the start."""
    keys = item.first.keys
    return (
        bool(keys["derived"]),
        keys["step_type"] != "instant",
        bool(item.interval),
        keys["level_type"] not in ("surface", "heightAboveGround"),
        keys["level_type"],
        item.first.level,
        keys["parameter"],
        keys["step_type"],
    )


def _differences(plain: Series, item: Series) -> list[str]:
    ours, theirs = item.first.keys, plain.first.keys
    words: list[str] = []
    if ours["derived"] != theirs["derived"]:
        words.append(ours["derived"])
    if ours["level_type"] != theirs["level_type"]:
        words.append(ours["level_type"])
    if ours["step_type"] != theirs["step_type"]:
        words.append(ours["step_type"])
    if item.interval != plain.interval:
        words.append(item.interval)
    if not words and item.levels != plain.levels:
        words.append(f"{item.first.level:g}".replace(".", "p"))
    if not words:
        words.append(str(ours["parameter"] or ours["units"]))
    return [word for word in words if word]


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result
