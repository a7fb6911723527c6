"""What ``ogcapi check`` says of ``derived`` in the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from config.resources import Resource
from ogcapi.catalogue import configured
from providers.cube import Cube, VariableKind


def derived_fields(resource: Resource, cubes: Iterable[Cube]) -> tuple[set[str], list[str]]:
    """Ids of the fields that a resource has beside those of its data, and one line per quantity that it lacks."""
    found = {
        name: variable.kind
        for cube in cubes
        for name, variable in configured(cube, resource).variables.items()
        if name not in cube.variables
    }
    kinds = {"direction" if kind is VariableKind.DIRECTION else "speed" for kind in found.values()}
    where = f"{resource.file}: resources.{resource.id}.derived"
    lines = [
        f"{where}: {quantity}: {_reason(quantity, is_pair=bool(kinds))}"
        for quantity in resource.derived
        if quantity not in kinds
    ]
    return set(found), lines


def _reason(quantity: str, *, is_pair: bool) -> str:
    if quantity == "direction" and is_pair:
        return "the data do not say what their components refer to (true north or the grid)"
    return "no pair of eastward and northward (or x and y) components in the data"
