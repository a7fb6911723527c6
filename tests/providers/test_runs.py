"""Which run answers, and what a query gets of fields that lack some runs, steps, levels or members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import NoData
from providers.axes import Axis, AxisKind
from providers.cube import Coverage, Cube, Plan, Query, Range, Variable
from providers.fields import JoinedField, Part
from providers.grids import RectilinearGrid
from providers.taken import TakenField
from tests.providers.memory import PieceField

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = int(np.datetime64("2026-01-01", "us").astype(np.int64))
KINDS = {
    "member": AxisKind.MEMBER,
    "reference_time": AxisKind.REFERENCE_TIME,
    "step": AxisKind.STEP,
    "time": AxisKind.TIME,
    "level": AxisKind.Z,
}
LAT, LON = np.array([10.0, 0.0]), np.array([0.0, 10.0, 20.0])


def axis(name: str, values: Sequence[float], dim: str | None = "") -> Axis:
    """Times are hours after the start, steps are hours."""
    scale = HOUR if name in ("reference_time", "step", "time") else 1
    origin = START if name in ("reference_time", "time") else 0
    numbers = np.array([origin + int(value * scale) for value in values])
    calendar = "standard" if name in ("reference_time", "time") else None
    return Axis(name, KINDS[name], numbers, name if dim == "" else dim, calendar=calendar)


def pieces(axes: Sequence[Axis], held: Iterable[Sequence[float]]) -> PieceField:
    """A field whose value is the row number of the piece, from the values of the axes that each piece has."""
    sizes = tuple(item.size for item in axes)
    mask, values = np.zeros(sizes, bool), np.full((*sizes, 2, 3), np.nan)
    for number, place in enumerate(held):
        at = tuple(
            int(np.flatnonzero(item.values == axis(item.name, [value]).values[0])[0])
            for item, value in zip(axes, place, strict=True)
        )
        mask[at], values[at] = True, number
    return PieceField((*(item.name for item in axes), "lat", "lon"), values, mask)


def cube(axes: Sequence[Axis], fields: Mapping[str, Any]) -> Cube:
    names = tuple(item.name for item in axes)
    return Cube(
        key="",
        grid=RectilinearGrid(LAT, LON),
        dims=("lat", "lon"),
        axes={item.name: item for item in axes},
        variables={
            name: Variable(name, field, tuple(n for n in names if _has(axes, n, field)))
            for name, field in fields.items()
        },
        attributes={},
        version="1",
    )


def _has(axes: Sequence[Axis], name: str, field: Any) -> bool:
    dim = next(item.dim for item in axes if item.name == name)
    return dim is None or dim in field.dims


def at(low: float | None, high: float | None = -1) -> Range:
    """Hours after the start; one number is an instant."""
    last = low if high == -1 else high
    return Range(
        None if low is None else START + int(low * HOUR),
        None if last is None else START + int(last * HOUR),
    )


def hours(plan: Plan) -> list[float]:
    """Valid times of a plan of one run."""
    (times,) = (item for item in plan.axes.values() if item.kind is AxisKind.TIME)
    return [float((value - START) / HOUR) for value in times.values]


def run_hour(plan: Plan) -> float:
    return float((plan.axes["reference_time"].values[0] - START) / HOUR)


def forecast(runs: Mapping[float, Sequence[float]]) -> Cube:
    """One variable; by run the steps it holds."""
    steps = sorted({step for held in runs.values() for step in held})
    axes = [axis("reference_time", sorted(runs)), axis("step", steps)]
    held = [(run, step) for run, own in runs.items() for step in own]
    return cube(axes, {"t": pieces(axes, held)})


LONG, SHORT = range(0, 241, 6), range(0, 91, 6)


def test_without_a_time_the_newest_run_that_is_complete_for_its_hour_answers() -> None:
    runs = {0: LONG, 6: SHORT, 12: LONG, 18: SHORT, 24: LONG, 30: SHORT}
    plan = forecast(runs).plan(Query())
    assert run_hour(plan) == 30, "a short run of 06 UTC is as long as the others of 06 UTC"
    assert hours(plan) == [30 + step for step in SHORT]
    assert plan.run == "2026-01-02T06:00:00Z"


def test_a_run_that_is_still_arriving_does_not_answer_without_a_time() -> None:
    plan = forecast({0: LONG, 6: SHORT, 24: range(0, 61, 6), 30: range(0, 13, 6)}).plan(Query())
    assert run_hour(plan) == 6
    arrived = forecast({0: LONG, 6: SHORT, 24: LONG, 30: range(0, 13, 6)}).plan(Query())
    assert run_hour(arrived) == 24


def test_the_only_run_of_its_hour_is_held_against_all_runs() -> None:
    assert run_hour(forecast({0: LONG, 24: LONG, 36: SHORT}).plan(Query())) == 24
    assert run_hour(forecast({0: LONG, 24: LONG, 36: LONG}).plan(Query())) == 36
    assert run_hour(forecast({12: SHORT}).plan(Query())) == 12


@pytest.mark.parametrize("valid_time", [None, Range(None, None)], ids=["no datetime", "../.."])
def test_an_interval_without_ends_says_nothing_of_time(valid_time: Range | None) -> None:
    plan = forecast({0: LONG, 12: LONG, 36: SHORT}).plan(Query(valid_time=valid_time))
    assert run_hour(plan) == 12


def test_an_instant_is_answered_by_the_newest_run_that_holds_it() -> None:
    data = forecast({0: LONG, 6: SHORT, 12: LONG, 18: range(0, 13, 6)})
    assert run_hour(data.plan(Query(valid_time=at(6)))) == 6
    assert run_hour(data.plan(Query(valid_time=at(24)))) == 18
    assert run_hour(data.plan(Query(valid_time=at(36)))) == 12, "the newest run has not got there"
    assert run_hour(data.plan(Query(valid_time=at(240)))) == 12
    with pytest.raises(NoData):
        data.plan(Query(valid_time=at(1000)))


def test_an_interval_is_answered_by_the_newest_run_that_holds_the_most_of_it() -> None:
    data = forecast({0: LONG, 12: LONG, 24: range(0, 13, 6)})
    inside = data.plan(Query(valid_time=at(24, 36)))
    assert (run_hour(inside), hours(inside)) == (24, [24, 30, 36])
    beyond = data.plan(Query(valid_time=at(24, 72)))
    assert (run_hour(beyond), hours(beyond)[-1]) == (12, 72)
    early = data.plan(Query(valid_time=at(6, 24)))
    assert (run_hour(early), hours(early)) == (0, [6, 12, 18, 24])


def test_half_open_intervals_are_intervals_over_what_exists() -> None:
    data = forecast({0: LONG, 12: LONG, 24: range(0, 13, 6)})
    later = data.plan(Query(valid_time=at(48, None)))
    assert (run_hour(later), hours(later)[0], hours(later)[-1]) == (12, 48, 252)
    earlier = data.plan(Query(valid_time=at(None, 12)))
    assert (run_hour(earlier), hours(earlier)) == (0, [0, 6, 12])


def test_reference_time_selects_another_run() -> None:
    data = forecast({0: LONG, 12: LONG})
    plan = data.plan(Query(valid_time=at(24), ranges={"reference_time": at(0)}))
    assert (run_hour(plan), plan.run) == (0, "2026-01-01T00:00:00Z")
    with pytest.raises(NoData):
        data.plan(Query(valid_time=at(6), ranges={"reference_time": at(12)}))
    several = data.plan(Query(ranges={"reference_time": at(0, 12)}))
    assert several.run is None
    assert several.axes["reference_time"].size == 2


def test_only_the_variables_asked_for_decide() -> None:
    axes = [axis("reference_time", [0, 12]), axis("step", [0, 6, 12])]
    data = cube(
        axes,
        {
            "t": pieces(axes, [(run, step) for run in (0, 12) for step in (0, 6, 12)]),
            "tp": pieces(axes, [(0, 6), (0, 12), (12, 6)]),
        },
    )
    assert run_hour(data.plan(Query(("t",)))) == 12
    assert hours(data.plan(Query(("tp",)))) == [6, 12], "no step 0, and the newer run is arriving"
    assert run_hour(data.plan(Query(("tp",)))) == 0
    both = data.plan(Query(valid_time=at(24)))
    assert run_hour(both) == 12, "the older run does not reach it"
    with pytest.raises(NoData):
        data.plan(Query(("tp",), valid_time=at(24)))
    with pytest.raises(NoData):
        data.plan(Query(("tp",), valid_time=at(0)))


def test_valid_times_are_those_that_any_variable_holds() -> None:
    axes = [axis("reference_time", [0, 12]), axis("step", [0, 6, 12])]
    data = cube(
        axes, {"t": pieces(axes, [(0, 0), (12, 0)]), "tp": pieces(axes, [(0, 6), (12, 12)])}
    )
    assert data.valid_times is not None
    assert [(time - START) / HOUR for time in data.valid_times[0]] == [0, 6, 12, 24]


def test_a_variable_with_one_step_is_a_series_of_its_runs() -> None:
    axes = [axis("reference_time", [0, 12, 24]), axis("step", [0, 6])]
    data = cube(
        axes,
        {
            "analysis": pieces(axes, [(0, 0), (12, 0), (24, 0)]),
            "forecast": pieces(axes, [(0, 6), (12, 6), (24, 6), (0, 0)]),
        },
    )
    plan = data.plan(Query(("analysis",)))
    assert (plan.run, hours(plan)) == (None, [0, 12, 24])
    coverage = data.read(plan)
    assert coverage.values["analysis"][:, 0, 0, 0].tolist() == [0, 1, 2]


def test_levels_that_a_variable_never_has_are_not_in_its_answer() -> None:
    axes = [axis("time", [0, 6]), axis("level", [1000, 850, 500, 250])]
    data = cube(
        axes,
        {
            "u": pieces(axes, [(t, z) for t in (0, 6) for z in (1000, 850, 500, 250)][:7]),
            "v": pieces(axes, [(t, z) for t in (0, 6) for z in (850, 500)]),
        },
    )
    v = data.select(Query(("v",)))
    assert v.axes["level"].values.tolist() == [850, 500]
    assert np.isfinite(v.values["v"]).all()
    assert data.select(Query()).axes["level"].values.tolist() == [1000, 850, 500, 250]
    late = data.select(Query(("u",), valid_time=at(6)))
    assert late.axes["level"].values.tolist() == [1000, 850, 500], "250 hPa is there at 00 only"


def test_levels_asked_for_by_value_stay_and_those_of_a_range_are_trimmed() -> None:
    axes = [axis("time", [0, 6]), axis("level", [1000, 850, 500])]
    data = cube(axes, {"v": pieces(axes, [(0, 850), (6, 850), (0, 500)])})
    listed = data.select(Query(ranges={"level": (1000.0, 850.0)}))
    assert listed.axes["level"].values.tolist() == [1000, 850]
    assert np.isnan(listed.values["v"][:, 0]).all()
    assert np.isfinite(listed.values["v"][:, 1]).all()
    between = data.select(Query(ranges={"level": Range(500, 1000)}))
    assert between.axes["level"].values.tolist() == [850, 500]
    with pytest.raises(NoData, match="level"):
        data.plan(Query(ranges={"level": Range(1000, 1000)}))
    with pytest.raises(NoData):
        data.plan(Query(valid_time=at(6), ranges={"level": Range(500, 500)}))
    assert hours(data.plan(Query(ranges={"level": Range(500, 500)}))) == [0]


def test_a_level_asked_for_chooses_the_run_that_holds_it() -> None:
    axes = [axis("reference_time", [0, 12]), axis("step", [0, 6, 12]), axis("level", [850, 500])]
    held = [(run, step, 850) for run in (0, 12) for step in (0, 6, 12)]
    held += [(0, step, 500) for step in (0, 6, 12)]
    data = cube(axes, {"t": pieces(axes, held)})
    assert run_hour(data.plan(Query(ranges={"level": Range(850, 850)}))) == 12
    assert run_hour(data.plan(Query(ranges={"level": Range(500, 500)}))) == 0
    assert run_hour(data.plan(Query(valid_time=at(12), ranges={"level": Range(850, 850)}))) == 12
    both = data.plan(Query(valid_time=at(12)))
    assert run_hour(both) == 0, "the older run holds both levels at that time"


def test_members_that_arrive_later_leave_the_time_to_the_run_with_all_of_them() -> None:
    axes = [axis("member", [0, 1, 2]), axis("reference_time", [0, 12]), axis("step", [0, 12, 24])]
    held = [(m, 0, step) for m in (0, 1, 2) for step in (0, 12, 24)]
    held += [(m, 12, step) for m in (0, 1) for step in (0, 12)]
    data = cube(axes, {"t": pieces(axes, held)})
    assert run_hour(data.plan(Query(valid_time=at(24)))) == 0
    one = data.plan(Query(valid_time=at(24), ranges={"member": Range(1, 1)}))
    assert run_hour(one) == 12
    assert run_hour(data.plan(Query())) == 0


def test_a_lagged_ensemble_has_the_members_of_its_run() -> None:
    axes = [axis("member", [0, 1, 2, 3]), axis("reference_time", [0, 24]), axis("step", [0, 24])]
    held = [(m, run, step) for run, own in ((0, (0, 1)), (24, (2, 3))) for m in own for step in (0, 24)]  # fmt: skip
    plan = cube(axes, {"t": pieces(axes, held)}).plan(Query())
    assert run_hour(plan) == 24
    assert plan.axes["member"].values.tolist() == [2, 3]


@pytest.mark.parametrize("runs", [[12], [0, 12]], ids=["one run", "two runs"])
def test_a_scalar_reference_time_beside_steps_or_times(runs: list[float]) -> None:
    values = np.arange(3.0)[:, None, None] * np.ones((3, 2, 3))
    if len(runs) == 1:
        by_step = cube(
            [axis("reference_time", runs, None), axis("step", [0, 6, 12])],
            {"t": PieceField(("step", "lat", "lon"), values, np.ones(3, bool))},
        )
        plan = by_step.plan(Query(valid_time=at(18)))
        assert (run_hour(plan), hours(plan)) == (12, [18])
    axes = [axis("reference_time", runs, None if len(runs) == 1 else ""), axis("time", [12, 18, 24])]  # fmt: skip
    mask = np.array([True, False, True])
    field = (
        PieceField(("time", "lat", "lon"), values, mask)
        if len(runs) == 1
        else PieceField(
            ("reference_time", "time", "lat", "lon"),
            np.stack((values, values + 10)),
            np.stack((mask, mask)),
        )
    )
    by_time = cube(axes, {"t": field})
    plan = by_time.plan(Query())
    assert (run_hour(plan), hours(plan)) == (12, [12, 24]), "18 is not there"
    assert by_time.read(plan).values["t"].shape[-3:] == (2, 2, 3)


def stored(dims: tuple[str, ...], value: float, shape: tuple[int, ...]) -> Any:
    return PieceField(dims, np.full(shape, value), np.ones(shape[:-2], bool))


def joined(holes: Sequence[tuple[int, int]]) -> JoinedField:
    """Files of one run and one step each over three levels, those in ``holes`` missing."""
    parts = [
        Part(
            stored(("level", "lat", "lon"), 10 * run + step, (3, 2, 3)),
            {"reference_time": np.array([run]), "step": np.array([step])},
            frozenset(("reference_time", "step")),
        )
        for run in range(2)
        for step in range(3)
        if (run, step) not in holes
    ]
    return JoinedField(("reference_time", "step", "level", "lat", "lon"), (2, 3, 3, 2, 3), parts)


AXES = [axis("reference_time", [0, 12]), axis("step", [0, 6, 12]), axis("level", [3, 2, 1])]


def test_joined_files_count_what_they_hold() -> None:
    field = joined([(1, 2)])
    counts = field.counts(("reference_time", "step"))
    assert counts is not None
    assert counts.tolist() == [[1, 1, 1], [1, 1, 0]]
    for dims, within, expected in (
        ((), None, 5),
        (("step",), None, [2, 2, 1]),
        (("step", "reference_time"), None, [[1, 1], [1, 1], [1, 0]]),
        (("step",), {"reference_time": np.array([1])}, [1, 1, 0]),
        (("level",), None, [5]),
        (("level", "step"), {"level": np.array([0])}, [[2, 2, 1]]),
        (("step", "level"), None, [[2], [2], [1]]),
    ):
        found = field.counts(dims, within)
        assert found is not None
        assert found.tolist() == expected, (dims, within)
    assert joined([]).counts(()) is None, "nothing is missing"


def test_taken_fields_count_what_they_keep() -> None:
    field = TakenField(joined([(1, 2), (0, 0)]), {"step": np.array([0, 2])})
    for dims, within, expected in (
        ((), None, 2),
        (("step",), None, [1, 1]),
        (("reference_time",), None, [1, 1]),
        (("reference_time",), {"step": np.array([1])}, [1, 0]),
    ):
        found = field.counts(dims, within)
        assert found is not None
        assert found.tolist() == expected, (dims, within)
    assert TakenField(joined([]), {"step": np.array([0])}).counts(()) is None


def test_joined_files_answer_from_the_complete_run() -> None:
    data = cube(AXES, {"t": joined([(1, 2)])})
    assert run_hour(data.plan(Query())) == 0
    assert run_hour(data.plan(Query(valid_time=at(18)))) == 12
    with pytest.raises(NoData):
        data.plan(Query(valid_time=at(24)))
    full = cube(AXES, {"t": joined([])})
    assert run_hour(full.plan(Query())) == 12


def values_of(coverage: Coverage, name: str) -> NDArray[Any]:
    return coverage.values[name][..., 0, 0]


def test_brute_force_the_run_that_answers_an_instant() -> None:
    """Random holes: compared with a plain search through all pieces."""
    random = np.random.default_rng(7)
    runs, steps, levels = [0, 6, 12, 18], [0, 6, 12, 18], [2, 1]
    axes = [axis("reference_time", runs), axis("step", steps), axis("level", levels)]
    for _ in range(200):
        held = [
            (run, step, level)
            for run in runs for step in steps for level in levels if random.random() < 0.5
        ]  # fmt: skip
        if len({step for _, step, _ in held}) < 2:
            continue
        data = cube(axes, {"t": pieces(axes, held)})
        for hour in (0, 12, 18, 36):
            there = {run: [p for p in held if p[0] == run and p[0] + p[1] == hour] for run in runs}
            most = max(len(found) for found in there.values())
            if not most:
                with pytest.raises(NoData):
                    data.plan(Query(valid_time=at(hour)))
                continue
            best = max(run for run, found in there.items() if len(found) == most)
            coverage = data.select(Query(valid_time=at(hour)))
            assert coverage.axes["reference_time"].values[0] == START + best * HOUR
            assert values_of(coverage, "t").ravel().tolist() == [
                held.index((best, hour - best, level))
                for level in levels
                if (best, hour - best, level) in held
            ]
