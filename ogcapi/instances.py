"""Runs of a forecast as EDR instances: their ids, and queries of one of them (19-086, 8.1.5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from config.errors import InvalidParameter, NotFound
from providers.axes import Axis, AxisKind
from providers.cube import Cube, Query, Range


def runs_of(cube: Cube) -> Axis | None:
    """The axis of reference times where the data have several runs or may have."""
    axis = cube.axis(AxisKind.REFERENCE_TIME)
    return axis if axis is not None and (axis.dim is not None or cube.is_forecast) else None


def run_id(label: str) -> str:
    """``20200101T120000Z`` of ``2020-01-01T12:00:00Z``."""
    return label.replace("-", "").replace(":", "")


def run_ids(axis: Axis) -> list[str]:
    """Ids in the order of the axis."""
    return [run_id(label) for label in axis.labels()]


def of_run(cube: Cube, query: Query, instance: str) -> Query:
    """The query on one run; raises NotFound where there is none of that id."""
    axis = runs_of(cube)
    ids = run_ids(axis) if axis is not None else []
    if axis is None or instance not in ids:
        raise NotFound(f"no instance {instance[:40]!r}", parameter="instanceId")
    if axis.name in query.ranges:
        raise InvalidParameter(
            "subset: the instance is a run already", parameter="subset", allowed=["other axes"]
        )
    moment = int(np.asarray(axis.values)[ids.index(instance)])
    return replace(query, ranges={**query.ranges, axis.name: Range(moment, moment)})
