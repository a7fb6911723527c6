"""From the raw variables of one file to cubes: axes, grids, kinds; what cannot be served is named with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Axis, AxisKind, ordered_axes
from .cf.axes import UnusableAxis, build_axis, index_axis, kind_of
from .cf.calendar import MISSING
from .cf.coordinates import NoGrid, is_latitude, is_longitude
from .cf.horizontal import GridFinder, Placement
from .cf.kinds import (
    REFERENCES,
    STORAGE_ATTRIBUTES,
    categories_of,
    kind_of_variable,
    plain_attributes,
    title_of,
)
from .cf.packing import packing_of
from .chunks import ChunkCache, ChunkedReader
from .cube import Cube, Variable
from .fields import Field, StoredField
from .grouping import Placed, compatible, keys_of
from .readers.base import OpenFile, RawGroup, RawVariable
from .taken import TakenField


@dataclass(frozen=True)
class Refusal:
    """Something in a source that is not served, and why."""

    name: str
    reason: str
    count: int = 1
    """How many things these are: messages of a GRIB file."""


@dataclass(frozen=True)
class Built:
    """What one file gives."""

    cubes: tuple[Cube, ...]
    refusals: tuple[Refusal, ...]


def build_cubes(
    file: OpenFile, cache: ChunkCache, *, version: str, hints: Mapping[str, Any] | None = None
) -> Built:
    """Cubes of every group of a file."""
    cubes: list[Cube] = []
    refusals: list[Refusal] = []
    for group in file.groups:
        found = _GroupBuilder(group, cache, f"{version}/{group.path}", hints).build()
        coarser = [
            _GroupBuilder(level, cache, f"{version}/{level.path}", hints).build().cubes
            for level in group.coarser
        ]
        prefix = f"{group.path}/" if group.path else ""
        cubes += [
            replace(
                cube,
                key=f"{group.path}|{cube.key}".strip("|"),
                coarser=_levels(cube, coarser),
            )
            for cube in found.cubes
        ]
        refused = [*found.refusals, *(Refusal(*item) for item in group.refused.items())]
        refusals += [Refusal(prefix + refusal.name, refusal.reason) for refusal in refused]
    return Built(tuple(cubes), tuple(refusals))


def _levels(cube: Cube, coarser: Iterable[tuple[Cube, ...]]) -> tuple[Cube, ...]:
    """The cube's own variables on each coarser level that has them."""
    return tuple(
        level
        for cubes in coarser
        for level in cubes
        if level.variables.keys() == cube.variables.keys() and level.dims == cube.dims
    )


class _GroupBuilder:
    def __init__(
        self, group: RawGroup, cache: ChunkCache, version: str, hints: Mapping[str, Any] | None
    ) -> None:
        self._group = group
        self._cache = cache
        self._version = version
        self._finder = GridFinder(group, hints)
        self._axes: dict[str, Axis] = {}
        self._kept: dict[str, NDArray[np.int64]] = {}
        self._cell_times: dict[tuple[str | None, ...], Axis | None] = {}
        self._scalars: dict[str, Axis] | None = None

    def build(self) -> Built:
        placed: list[Placed] = []
        refusals: list[Refusal] = []
        for raw in self._data_variables():
            try:
                self._check_sizes(raw)
                placement = self._finder.place(raw)
                placed.append(Placed(raw, placement, self._axes_of(raw, placement)))
            except (NoGrid, UnusableAxis) as error:
                refusals.append(Refusal(raw.name, str(error)))
        used = {name for item in placed for name in item.placement.coordinates}
        listed = self._listed_coordinates
        used |= {
            times.source_name
            for item in placed
            if (times := self._times_of_cells(item.placement, item.axes)) is not None
            and times.source_name is not None
        }
        used |= {
            item.raw.name
            for item in placed
            if item.raw.name in listed and set(item.raw.dims) <= set(item.placement.dims)
        }
        placed = [item for item in placed if item.raw.name not in used]
        refusals = [item for item in refusals if item.name not in used]
        refusals += [Refusal(raw.name, reason) for raw, reason in self._unreadable()]
        return Built(tuple(self._cubes(placed)), tuple(refusals))

    def _check_sizes(self, raw: RawVariable) -> None:
        """Raises NoGrid where a dimension is not as long as its coordinate: only damaged metadata say so."""
        for dim, size in zip(raw.dims, raw.shape, strict=True):
            own = self._group.variables.get(dim)
            if own is not None and own.dims == (dim,) and own.shape != (size,):
                raise NoGrid(f"dimension {dim} has {size} entries, its coordinate {own.shape[0]}")

    # which variables are data

    def _data_variables(self) -> list[RawVariable]:
        coordinates = self._coordinate_names()
        return [
            raw
            for name, raw in self._group.variables.items()
            if name in self._group.own
            and name not in coordinates
            and raw.dtype.kind in "iuf"
            and 0 not in raw.shape
        ]

    def _unreadable(self) -> Iterable[tuple[RawVariable, str]]:
        coordinates = self._coordinate_names()
        for name, raw in self._group.variables.items():
            if name not in self._group.own or name in coordinates:
                continue
            if raw.dtype.kind not in "iuf":
                yield raw, "text or a compound type, not numbers"
            elif 0 in raw.shape:
                yield raw, "empty: a dimension has no entries"

    def _coordinate_names(self) -> set[str]:
        """Dimension coordinates, 2-D latitudes and longitudes, bounds, grid mappings, scalar axes."""
        variables = self._group.variables
        names = {
            dim
            for raw in variables.values()
            for dim in raw.dims
            if dim in variables and variables[dim].dims == (dim,)
        }
        for raw in variables.values():
            for attribute in REFERENCES:
                names.update(
                    part.rstrip(":") for part in str(raw.attributes.get(attribute, "")).split()
                )
            if (is_latitude(raw) or is_longitude(raw)) and (
                raw.attributes.get("standard_name") or len(raw.dims) < 2
            ):
                names.add(raw.name)
            if (
                raw.attributes.get("grid_mapping_name")
                or raw.attributes.get("standard_name") == "healpix_index"
            ):
                names.add(raw.name)
            if raw.attributes.get("grid_name") == "healpix":
                names.add(raw.name)
            if not raw.dims and (raw.name in ("spatial_ref", "crs") or self._is_scalar_axis(raw)):
                names.add(raw.name)
            if kind_of(raw) in (
                AxisKind.TIME,
                AxisKind.REFERENCE_TIME,
                AxisKind.STEP,
            ) and self._is_auxiliary(raw):
                names.add(raw.name)
        return names

    def _is_auxiliary(self, raw: RawVariable) -> bool:
        """Times along dimensions of other variables (``valid_time(time, step)``, ``time_centered(time_counter)``)."""
        return bool(raw.dims) and (
            bool(raw.attributes.get("standard_name")) or raw.name in self._listed_coordinates
        )

    @cached_property
    def _listed_coordinates(self) -> frozenset[str]:
        names = set(str(self._group.attributes.get("coordinates", "")).split())
        for raw in self._group.variables.values():
            names.update(str(raw.attributes.get("coordinates", "")).split())
        return frozenset(names)

    def _is_scalar_axis(self, raw: RawVariable) -> bool:
        if raw.dims or kind_of(raw) is None:
            return False
        known = any(name in raw.attributes for name in ("standard_name", "axis", "positive"))
        return known or raw.name in self._listed_coordinates

    # axes

    def _axes_of(self, raw: RawVariable, placement: Placement) -> tuple[Axis, ...]:
        axes = [
            self._axis(dim, size)
            for dim, size in zip(raw.dims, raw.shape, strict=True)
            if dim not in placement.dims
        ]
        kinds = {axis.kind for axis in axes}
        if (
            AxisKind.STEP in kinds
            and AxisKind.REFERENCE_TIME not in kinds
            and AxisKind.TIME in kinds
        ):
            axes = [_as_reference(axis) if axis.kind is AxisKind.TIME else axis for axis in axes]
        axes = _distinct(axes)
        taken = {axis.kind for axis in axes}
        names = {axis.name for axis in axes}
        for scalar in self._scalars_of(raw):
            if scalar.kind not in taken and scalar.name not in names:
                axes.append(scalar)
                taken.add(scalar.kind)
        axes = _without_stray_step(self._with_valid_time(axes))
        by_name = {axis.name: axis for axis in axes}
        return tuple(by_name[name] for name in ordered_axes(axes))

    def _axis(self, dim: str, size: int) -> Axis:
        if dim not in self._axes:
            axis = self._find_axis(dim, size)
            if axis.kept is not None:
                self._kept[dim] = axis.kept
            self._axes[dim] = replace(axis, kept=None)
        return self._axes[dim]

    def _with_valid_time(self, axes: list[Axis]) -> list[Axis]:
        """Reference times without any step are valid times: those stated beside them, else themselves."""
        kinds = {axis.kind for axis in axes}
        if AxisKind.REFERENCE_TIME not in kinds or kinds & {AxisKind.TIME, AxisKind.STEP}:
            return axes
        return [
            self._valid_time(axis) if axis.kind is AxisKind.REFERENCE_TIME else axis
            for axis in axes
        ]

    def _valid_time(self, reference: Axis) -> Axis:
        dims = () if reference.dim is None else (reference.dim,)
        for raw in self._group.variables.values():
            if raw.dims == dims and kind_of(raw) is AxisKind.TIME and self._is_time(raw):
                try:
                    axis = build_axis(self._group, raw, reference.dim)
                except UnusableAxis:
                    continue
                if axis.kept is None and axis.size == reference.size:
                    return axis
        return replace(reference, kind=AxisKind.TIME, name="time")

    def _is_time(self, raw: RawVariable) -> bool:
        known = raw.attributes.get("standard_name") or raw.name in self._listed_coordinates
        return bool(known) or raw.name.lower() in ("time", "valid_time") or raw.dims == (raw.name,)

    # times of cells

    def _times_of_cells(self, placement: Placement, axes: Iterable[Axis]) -> Axis | None:
        """One time per cell of a grid (trajectories, profiles, swaths), in the order of its flat index."""
        if any(axis.is_time for axis in axes) or len(placement.dims) != len(placement.grid.shape):
            return None
        if placement.grid.kind not in ("points", "curvilinear"):
            return None
        if placement.dims not in self._cell_times:
            self._cell_times[placement.dims] = self._find_cell_times(placement)
        return self._cell_times[placement.dims]

    def _find_cell_times(self, placement: Placement) -> Axis | None:
        candidates = [
            raw
            for raw in self._group.variables.values()
            if raw.dims
            and kind_of(raw) is AxisKind.TIME
            and raw.dims in (placement.dims, placement.dims[:1])
            and (self._is_time(raw) or str(raw.attributes.get("axis", "")).upper() == "T")
        ]
        candidates.sort(key=lambda raw: -len(raw.dims))
        for raw in candidates:
            try:
                axis = build_axis(
                    self._group, replace(raw, attributes=plain_attributes(raw)), "cell"
                )
            except UnusableAxis:
                continue
            count = int(np.prod(raw.shape))
            values = np.full(count, MISSING, np.int64)
            values[slice(None) if axis.kept is None else axis.kept] = axis.values
            whole = np.repeat(values, placement.grid.size // count)
            return replace(axis, values=whole, kept=None, bounds=None)
        return None

    def _find_axis(self, dim: str, size: int) -> Axis:
        """The dimension's own coordinate; another 1-D coordinate that tells time where that one does not."""
        variables = self._group.variables
        own = variables.get(dim)
        candidates = [own] if own is not None and own.dims == (dim,) else []
        kind = kind_of(candidates[0]) if candidates else None
        listed = self._listed_coordinates
        others = [
            raw
            for raw in variables.values()
            if raw.dims == (dim,)
            and raw.name != dim
            and raw.name in listed
            and kind_of(raw) is not None
        ]
        if kind is None:
            candidates = (
                sorted(others, key=lambda raw: kind_of(raw) is not AxisKind.TIME) + candidates
            )
        elif (
            kind is not AxisKind.TIME
            and own is not None
            and str(own.attributes.get("axis", "")).upper() == "T"
        ):
            candidates = others + candidates
        problem: UnusableAxis | None = None
        for raw in candidates:
            try:
                return build_axis(self._group, raw, dim)
            except UnusableAxis as error:
                problem = error
        if problem is not None:
            raise problem
        return index_axis(dim, size)

    def _scalars_of(self, raw: RawVariable) -> list[Axis]:
        """Scalar coordinates of a variable: those it lists, and those nobody lists."""
        if self._scalars is None:
            self._scalars = {}
            for name, candidate in self._group.variables.items():
                if self._is_scalar_axis(candidate):
                    try:
                        self._scalars[name] = build_axis(self._group, candidate, None)
                    except UnusableAxis:
                        continue
        listed = self._listed_coordinates
        text = raw.attributes.get("coordinates", self._group.attributes.get("coordinates", ""))
        own = set(str(text).split())
        return [axis for name, axis in self._scalars.items() if name in own or name not in listed]

    # cubes

    def _cubes(self, placed: list[Placed]) -> Iterable[Cube]:
        """Variables share a cube when grid and dimensions agree and no axis of one kind means two dimensions."""
        groups: list[list[Placed]] = []
        for item in sorted(placed, key=lambda item: -len(item.axes)):
            for members in groups:
                if compatible(members, item):
                    members.append(item)
                    break
            else:
                groups.append([item])
        keys = keys_of(groups)
        order = {raw.raw.name: position for position, raw in enumerate(placed)}
        for key, members in zip(keys, groups, strict=True):
            members.sort(key=lambda item: order[item.raw.name])
            axes = {axis.name: axis for item in members for axis in item.axes}
            yield Cube(
                key=key,
                grid=members[0].placement.grid,
                dims=members[0].placement.dims,
                axes={name: axes[name] for name in ordered_axes(list(axes.values()))},
                variables={item.raw.name: self._variable(item) for item in members},
                attributes=self._group.attributes,
                version=self._version,
                native_crs=members[0].placement.crs,
                cell_times=self._times_of_cells(members[0].placement, axes.values()),
            )

    def _variable(self, item: Placed) -> Variable:
        raw = item.raw
        packing = packing_of(raw)
        attributes = raw.attributes
        field: Field = StoredField(raw, packing, ChunkedReader(raw, self._version, self._cache))
        kept = {dim: self._kept[dim] for dim in raw.dims if dim in self._kept}
        if kept:
            field = TakenField(field, kept)
        return Variable(
            id=raw.name,
            field=field,
            axes=tuple(axis.name for axis in item.axes),
            kind=kind_of_variable(raw, packing.values),
            title=title_of(attributes),
            units=str(attributes["units"]) if attributes.get("units") is not None else None,
            standard_name=str(attributes["standard_name"])
            if attributes.get("standard_name")
            else None,
            attributes={
                key: value for key, value in attributes.items() if key not in STORAGE_ATTRIBUTES
            },
            categories=categories_of(attributes),
        )


def _as_reference(axis: Axis) -> Axis:
    return replace(axis, kind=AxisKind.REFERENCE_TIME, name="reference_time")


def _without_stray_step(axes: list[Axis]) -> list[Axis]:
    """A scalar step beside a time axis says nothing that the valid time does not say."""
    kinds = {axis.kind for axis in axes}
    if AxisKind.TIME in kinds:
        return [axis for axis in axes if axis.kind is not AxisKind.STEP or axis.dim is not None]
    return axes


def _distinct(axes: list[Axis]) -> list[Axis]:
    """One axis of each kind at most: a second one becomes an axis of its own name."""
    seen: set[AxisKind] = set()
    result = []
    for axis in axes:
        if axis.kind in seen and axis.kind is not AxisKind.OTHER and not axis.is_time:
            axis = replace(axis, kind=AxisKind.OTHER, name=axis.source_name or axis.name)
        elif axis.kind in seen and axis.is_time:
            raise UnusableAxis(f"two axes of {axis.kind.value}")
        seen.add(axis.kind)
        result.append(axis)
    return result
