"""Which id a cube has: assigned once, kept in the state database, found again when files come and go."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from config.database import AssignedId, Database

RESOURCE = "resource:"
_KEPT = 64
"""Pieces of a cube that are remembered: those with the smallest digests, so that two sets with much in common
have some of these in common too, however many files there are."""


@dataclass(frozen=True)
class Claim:
    """One cube of a source that needs its id; ``candidates`` are ids it would like, best first."""

    cube_key: str
    pieces: tuple[str, ...]
    candidates: Sequence[str]


class CollectionIds:
    """Ids of the cubes of the sources that are served."""

    def __init__(self, database: Database, served: Iterable[str]) -> None:
        self._database = database
        self._served = frozenset(served)
        self._rows: dict[str, dict[str, list[AssignedId]]] = {}

    def known(self, scope: str, source: str) -> list[str]:
        """Ids that the source has or had."""
        return list(self._database.ids_of(scope, source).values())

    def assign(
        self, scope: str, source: str, claims: Sequence[Claim], taken: Collection[str]
    ) -> list[str]:
        """Ids of all cubes that a source has now, in their order."""
        kept = [_kept(claim.pieces) for claim in claims]
        rows = self._of(scope, source)
        found = _matched(claims, kept, rows)
        if len(found) < len(claims):
            rows = self._of(scope, source, fresh=True)
            found = _matched(claims, kept, rows)
        ids: list[str] = []
        for position, claim in enumerate(claims):
            row = found.get(position) or _orphan(claim, found.values(), rows)
            if row is None:
                used = {*taken, *ids, *(other.id for other in found.values())}
                row = self._new(scope, source, claim, kept[position], rows, used)
            elif _text(kept[position]) != row.pieces:
                row = self._moved(scope, row, claim, kept[position])
            found[position] = row
            ids.append(row.id)
        self._rows.setdefault(scope, {})[source] = [
            *found.values(),
            *(row for row in rows if row.id not in ids),
        ]
        return ids

    def _of(self, scope: str, source: str, *, fresh: bool = False) -> list[AssignedId]:
        if fresh or scope not in self._rows:
            rows: dict[str, list[AssignedId]] = {}
            for row in self._database.ids_in(scope):
                rows.setdefault(row.source, []).append(row)
            self._rows[scope] = rows
        return self._rows[scope].get(source, [])

    def _new(
        self,
        scope: str,
        source: str,
        claim: Claim,
        kept: frozenset[str],
        rows: Sequence[AssignedId],
        used: Collection[str],
    ) -> AssignedId:
        key, text = claim.cube_key, _text(kept)
        if any(row.cube_key == key for row in rows):
            key = f"{key}|{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        free = [name for name in claim.candidates if name not in used] or [claim.candidates[-1]]
        given = self._database.assign_id(
            scope, source, key, free, pieces=text, is_gone=self._is_gone
        )
        return AssignedId(source, key, given, text)

    def _moved(self, scope: str, row: AssignedId, claim: Claim, kept: frozenset[str]) -> AssignedId:
        text = _text(kept)
        self._database.rebind_id(scope, row.id, cube_key=claim.cube_key, pieces=text)
        return replace(row, cube_key=claim.cube_key, pieces=text)

    def _is_gone(self, source: str) -> bool:
        """Whether the owner of an id is neither served nor on disk any more."""
        if source in self._served:
            return False
        return source.startswith(RESOURCE) or not any(_exists(path) for path in source.split("\n"))


def _matched(
    claims: Sequence[Claim], kept: Sequence[frozenset[str]], rows: Sequence[AssignedId]
) -> dict[int, AssignedId]:
    """The remembered cube of each claim: the one with most pieces in common, of equals the one of the same key."""
    scores: list[tuple[int, bool, int, int]] = []
    for place, row in enumerate(rows):
        before = frozenset(orjson.loads(row.pieces or "[]"))
        for position, claim in enumerate(claims):
            shared, same = len(before & kept[position]), row.cube_key == claim.cube_key
            if shared or same:
                scores.append((shared, same, -position, -place))
    found: dict[int, AssignedId] = {}
    used: set[int] = set()
    for _, _, position, place in sorted(scores, reverse=True):
        if -position not in found and -place not in used:
            found[-position] = rows[-place]
            used.add(-place)
    return found


def _orphan(
    claim: Claim, matched: Iterable[AssignedId], rows: Sequence[AssignedId]
) -> AssignedId | None:
    """The id that a cube wants most, where the cube of this source that had it is gone with all its files."""
    used = {row.id for row in matched}
    for row in rows:
        if row.id == claim.candidates[0] and row.id not in used:
            places = {piece.rpartition("|")[0] for piece in orjson.loads(row.pieces or "[]")}
            if not any(_exists(place) for place in places):
                return row
    return None


def _kept(pieces: Iterable[str]) -> frozenset[str]:
    ranked = sorted(pieces, key=lambda piece: hashlib.sha256(piece.encode()).digest())
    return frozenset(ranked[:_KEPT])


def _text(kept: frozenset[str]) -> str:
    return orjson.dumps(sorted(kept)).decode()


def _exists(path: str) -> bool:
    if "://" in path or Path(path).exists():
        return True
    return glob.has_magic(path) and next(glob.iglob(path, recursive=True), None) is not None
