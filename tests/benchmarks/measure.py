"""Timing of several ways to the same answer, side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table: up to three ways to the same answer; each call of a way is one measurement."""

    name: str
    ours: Work
    floor: Work
    peer: Work | None = None
    repeats: int | None = None
    """Fewer than other rows have, where a call takes a second."""
    peer_calls: int | None = None
    """Fewer still for the peer, where its call takes a minute."""

    def ways(self) -> Mapping[str, Work]:
        found = {"ours": self.ours, "floor": self.floor, "peer": self.peer}
        return {name: work for name, work in found.items() if work is not None}


@dataclass(frozen=True)
class Result:
    """Medians in milliseconds."""

    name: str
    medians: Mapping[str, float]
    repeats: int

    @property
    def above_floor(self) -> float:
        """How many times the floor ours takes."""
        return self.medians["ours"] / self.medians["floor"]

    @property
    def gain(self) -> float | None:
        """How many times as long as ours the peer takes."""
        peer = self.medians.get("peer")
        return None if peer is None else peer / self.medians["ours"]


def measure(row: Row, repeats: int) -> Result:
    """Medians of interleaved calls after two unmeasured rounds; what takes seconds is not warmed up."""
    count = min(row.repeats or repeats, repeats)
    times: dict[str, list[float]] = {name: [] for name in row.ways()}
    for turn in range(0 if row.repeats else -2, count):
        for name, work in row.ways().items():
            if name == "peer" and row.peer_calls and not 0 <= turn < row.peer_calls:
                continue
            start = time.perf_counter()
            work()
            if turn >= 0:
                times[name].append((time.perf_counter() - start) * 1000)
    medians = {name: statistics.median(found) for name, found in times.items()}
    return Result(row.name, medians, count)
