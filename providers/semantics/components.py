"""Pairs of vector components among the variables of a cube, and what their axes refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..cube import Cube, Variable, VariableKind
from .orientation import Orientation, TrueNorth, orientation_of

COMPONENTS = "vector_components"
"""Attribute that says what components refer to: ``true north`` or ``grid-relative``."""


@dataclass(frozen=True)
class Family:
    """A kind of vector: CF standard names of its magnitude and direction, and whether that is where it comes from."""

    noun: str
    speed: str
    direction: str
    is_from: bool


WIND = Family("wind", "wind_speed", "wind_from_direction", True)
CURRENT = Family("current", "sea_water_speed", "sea_water_velocity_to_direction", False)
ICE = Family("sea ice", "sea_ice_speed", "direction_of_sea_ice_velocity", False)

_STANDARD: tuple[tuple[Family, str, str], ...] = (
    (WIND, "eastward_wind", "northward_wind"),
    (WIND, "x_wind", "y_wind"),
    (WIND, "grid_eastward_wind", "grid_northward_wind"),
    (CURRENT, "eastward_sea_water_velocity", "northward_sea_water_velocity"),
    (CURRENT, "surface_eastward_sea_water_velocity", "surface_northward_sea_water_velocity"),
    (CURRENT, "sea_water_x_velocity", "sea_water_y_velocity"),
    (ICE, "eastward_sea_ice_velocity", "northward_sea_ice_velocity"),
    (ICE, "sea_ice_eastward_velocity", "sea_ice_northward_velocity"),
    (ICE, "sea_ice_x_velocity", "sea_ice_y_velocity"),
)
_NAMES: tuple[tuple[Family, str], ...] = (
    (WIND, r"\d*u|u\d+m?n?|ua|uas|ugrd|uwnd"),
    (CURRENT, r"uo|uos|utotal|uoce|ocu"),
    (ICE, r"siu|usi"),
)
"""Short names of GRIB and of files for the x component of what has no standard name."""
_SPEED_UNITS = re.compile(r"^(?:m|cm|km|knot|kt|mile)s?\b.*|^kts?$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """Components along x (or east) and y (or north). ``orientation`` is None where nobody says where they point."""

    family: Family
    u: Variable
    v: Variable
    orientation: Orientation | None
    is_true: bool
    """They already refer to true north."""


def pairs_of(cube: Cube) -> list[Pair]:
    """Pairs of instantaneous or mean components on the same axes in the same units, each variable in one."""
    axes = orientation_of(cube.grid, _crs(cube))
    found: list[Pair] = []
    used: set[str] = set()
    for family, u, v in (*_by_standard_name(cube), *_by_name(cube)):
        if {u.id, v.id} & used or not _belong_together(u, v):
            continue
        used |= {u.id, v.id}
        is_grid = _is_grid_relative(u, v)
        if isinstance(axes, TrueNorth) or is_grid is False:
            found.append(Pair(family, u, v, TrueNorth(), True))
        else:
            found.append(Pair(family, u, v, axes if is_grid else None, False))
    return found


def with_orientation(cube: Cube) -> Cube:
    """The cube whose components say in their attributes what they refer to, where that is known."""
    said: dict[str, str] = {}
    for pair in pairs_of(cube):
        is_known = pair.is_true or _is_grid_relative(pair.u, pair.v)
        for variable in (pair.u, pair.v) if is_known else ():
            said[variable.id] = "true north" if pair.is_true else "grid-relative"
    if not said:
        return cube
    variables = {
        name: replace(variable, attributes={**variable.attributes, COMPONENTS: said[name]})
        if name in said
        else variable
        for name, variable in cube.variables.items()
    }
    return replace(cube, variables=variables)


def _crs(cube: Cube) -> str | None:
    if cube.native_crs is not None:
        return cube.native_crs
    own = getattr(cube.grid, "crs", None)
    return own if own is None or isinstance(own, str) else own.to_wkt()


def _by_standard_name(cube: Cube) -> Iterable[tuple[Family, Variable, Variable]]:
    for family, east, north in _STANDARD:
        for u in cube.variables.values():
            if u.standard_name == east:
                yield from (
                    (family, u, v)
                    for v in _nearest(u, cube.variables.values())
                    if v.standard_name == north
                )


def _nearest(u: Variable, variables: Iterable[Variable]) -> list[Variable]:
    """Candidates for the other component: several pairs (10 m and 100 m) differ in their axes and in their names."""
    twins = _twins(u.id)
    return sorted(variables, key=lambda v: (v.axes != u.axes, v.id.lower() not in twins))


def _twins(name: str) -> set[str]:
    """Names of the other component, as names usually go: one ``u`` is a ``v``."""
    text = name.lower()
    return {f"{text[:at]}v{text[at + 1 :]}" for at, letter in enumerate(text) if letter == "u"}


def _by_name(cube: Cube) -> Iterable[tuple[Family, Variable, Variable]]:
    names = [(variable, _names(variable)) for variable in cube.variables.values()]
    for family, pattern in _NAMES:
        for u, own in names:
            for name in own:
                if re.fullmatch(pattern, name):
                    twin = name.replace("u", "v", 1)
                    yield from (
                        (_told_family(family, u), u, v) for v, also in names if twin in also
                    )


def _names(variable: Variable) -> tuple[str, ...]:
    """Names of a variable without a standard name, which would say what it is."""
    if variable.standard_name not in (None, "unknown"):
        return ()
    short = variable.attributes.get("GRIB_shortName")
    return tuple(dict.fromkeys(str(name).lower() for name in (short, variable.id) if name))


def _told_family(family: Family, u: Variable) -> Family:
    """``u`` and ``v`` are used for the sea too: the title tells."""
    title = (u.title or "").lower()
    if re.search(r"\b(?:current|water|ocean|sea)\b", title) and "wind" not in title:
        return ICE if re.search(r"\bice\b", title) else CURRENT
    return family


def _belong_together(u: Variable, v: Variable) -> bool:
    kinds = (VariableKind.INSTANT, VariableKind.MEAN)
    return (
        u.id != v.id
        and u.axes == v.axes
        and u.kind is v.kind
        and u.kind in kinds
        and u.units == v.units
        and bool(_SPEED_UNITS.match(u.units or ""))
        and set(u.field.dims) == set(v.field.dims)
    )


def _is_grid_relative(u: Variable, v: Variable) -> bool | None:
    """What the data say; None where they do not."""
    flags = {_flag(item.attributes) for item in (u, v)} - {None}
    if flags:
        return flags.pop() if len(flags) == 1 else None
    name = u.standard_name or ""
    if re.search(r"(?:^|_)x_|^grid_eastward", name):
        return True
    return False if "eastward" in name else None


def _flag(attributes: Mapping[str, Any]) -> bool | None:
    stated = attributes.get("GRIB_uvRelativeToGrid")
    return None if stated is None else bool(int(stated))
