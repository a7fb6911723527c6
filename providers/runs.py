"""Which model run answers: the newest complete one that holds what is asked for, or the one that is named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from config.errors import NoData

from .axes import Axis, AxisKind
from .cf.calendar import DAY

if TYPE_CHECKING:
    from .cube import Range

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Wanted:
    """What a query says of runs: positions on the axes of reference time and of step (or time) that it leaves."""

    runs: Positions
    others: Positions
    valid_time: Range | None
    reference: Range | tuple[float, ...] | None
    """What it says of the reference time itself."""

    @property
    def is_timed(self) -> bool:
        """Whether it asks for valid times; an interval without ends does not."""
        asked = self.valid_time
        return asked is not None and (asked.low is not None or asked.high is not None)

    @property
    def is_many_runs(self) -> bool:
        """Whether it asks for a stretch or a list of runs, and not for what is valid at a time."""
        if self.reference is None or self.valid_time is not None:
            return False
        return isinstance(self.reference, tuple) or not self.reference.is_point


@dataclass(frozen=True)
class Chosen:
    """Positions and axes of reference time and step (or time), and the run by name where it is one."""

    positions: dict[str, Positions]
    axes: dict[str, Axis]
    run: str | None


def by_step(
    reference: Axis, step: Axis, wanted: Wanted, pieces: NDArray[np.int64] | None
) -> Chosen:
    """The run and its steps, where valid time is reference time plus step.

    ``pieces`` says how much each (run, step) holds of what is asked for, None: all hold the same. Raises NoData.
    """
    shape = (reference.size, step.size)
    held = np.ones(shape, np.int64) if pieces is None else np.broadcast_to(pieces, shape)
    hit = _asked(shape, wanted) & (held > 0)
    if wanted.valid_time is not None:
        hit &= _inside(reference.values[:, None] + step.values[None, :], wanted.valid_time)
    runs = np.flatnonzero(hit.any(axis=1))
    if not len(runs):
        raise NoData("datetime: no run holds it", parameter="datetime")
    if len(runs) > 1 and wanted.reference is None and _is_one_step(held):
        return _series(reference, step, runs, np.flatnonzero(hit.any(axis=0)))
    if len(runs) > 1 and wanted.is_many_runs:
        steps = np.flatnonzero(hit.any(axis=0))
        axes = {"reference_time": reference.take(runs), "step": step.take(steps)}
        return Chosen({"reference_time": runs, "step": steps}, axes, None)
    best = _newest_complete(reference, runs, np.where(hit, held, 0).sum(axis=1), wanted)
    positions = {"reference_time": np.array([best]), "step": np.flatnonzero(hit[best])}
    run = reference.take(positions["reference_time"])
    axes = {"reference_time": run, "step": _valid_times(reference, step, best, positions["step"])}
    return Chosen(positions, axes, str(run.labels()[0]))


def by_time(
    reference: Axis, time: Axis, wanted: Wanted, pieces: NDArray[np.int64] | None
) -> Chosen | None:
    """The run and its times, where runs are an axis beside the axis of valid time; None: all runs asked for.

    In one array of all runs, a run is taken to hold what is not before it (if any does): the rest is filled up.
    Raises NoData.
    """
    shape = (reference.size, time.size)
    held = np.ones(shape, np.int64) if pieces is None else np.broadcast_to(pieces, shape)
    hit = _asked(shape, wanted) & (held > 0)
    begun = hit & (reference.values[:, None] <= time.values[None, :])
    is_one_array = pieces is None
    if is_one_array and begun.any():
        hit = begun
    runs = np.flatnonzero(hit.any(axis=1))
    if not len(runs):
        raise NoData("datetime: no run holds it", parameter="datetime")
    if wanted.reference is not None and wanted.valid_time is None and len(runs) > 1:
        return None
    if is_one_array and not wanted.is_timed:
        best = int(runs[np.argmax(reference.values[runs])])
    else:
        best = _newest_complete(reference, runs, np.where(hit, held, 0).sum(axis=1), wanted)
    positions = {"reference_time": np.array([best]), "time": np.flatnonzero(hit[best])}
    axes = {axis.name: axis.take(positions[axis.name]) for axis in (reference, time)}
    return Chosen(positions, axes, str(axes["reference_time"].labels()[0]))


def _asked(shape: tuple[int, int], wanted: Wanted) -> NDArray[np.bool_]:
    hit = np.zeros(shape, bool)
    hit[np.ix_(wanted.runs, wanted.others)] = True
    return hit


def _inside(valid: NDArray[np.int64], wanted: Range) -> NDArray[np.bool_]:
    inside = np.ones(valid.shape, bool)
    if wanted.low is not None:
        inside &= valid >= wanted.low
    if wanted.high is not None:
        inside &= valid <= wanted.high
    return inside


def _is_one_step(held: NDArray[np.int64]) -> bool:
    """Whether all runs together have a single step (analyses)."""
    return held.shape[1] == 1 or int((held > 0).any(axis=0).sum()) == 1


def _newest_complete(
    reference: Axis, runs: Positions, pieces: NDArray[np.int64], wanted: Wanted
) -> int:
    """The newest of some runs that hold as much as any: of what is valid when asked, else of the same hour of day.

    Runs of different hours differ in length (00 and 12 UTC to ten days, 06 and 18 UTC to four), so a run is complete
    when it holds as much as the fullest of its hour; the only run of its hour is held against all.
    """
    if len(runs) == 1:
        return int(runs[0])
    count = pieces[runs]
    needed = np.full(len(runs), count.max())
    if not wanted.is_timed:
        hours, hour, alike = np.unique(
            reference.values[runs] % DAY, return_inverse=True, return_counts=True
        )
        fullest = np.zeros(len(hours), np.int64)
        np.maximum.at(fullest, hour, count)
        needed = np.where(alike[hour] > 1, fullest[hour], needed)
    complete = runs[count >= needed]
    return int(complete[np.argmax(reference.values[complete])])


def _series(reference: Axis, step: Axis, runs: Positions, steps: Positions) -> Chosen:
    """One step: every run has one valid time, and all of them are a series (analyses as cfgrib writes them)."""
    times = replace(
        reference.take(runs),
        name="time",
        kind=AxisKind.TIME,
        values=reference.values[runs] + step.values[steps[0]],
        bounds=None
        if step.bounds is None
        else reference.values[runs][:, None] + step.bounds[steps[0]][None, :],
        standard_name="time",
        title="valid time",
    )
    axes = {"reference_time": times, "step": step.take(steps)}
    return Chosen({"reference_time": runs, "step": steps}, axes, None)


def _valid_times(reference: Axis, step: Axis, run: int, steps: Positions) -> Axis:
    """Steps of one run as an axis of valid time."""
    origin = reference.values[run]
    return replace(
        step,
        name="time",
        kind=AxisKind.TIME,
        values=origin + step.values[steps],
        bounds=None if step.bounds is None else origin + step.bounds[steps],
        calendar=reference.calendar,
        standard_name="time",
        title="valid time",
    )
