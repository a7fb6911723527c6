"""Parameters and units in CoverageJSON (clause 9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..units import ucum
from ..variables import Variable, VariableKind

_STANDARD_NAMES = "http://vocab.nerc.ac.uk/standard_name/"


def parameter(variable: Variable) -> dict[str, Any]:
    """One parameter: ``observedProperty.id`` is the CF standard name URI, symbols are UCUM where they really are."""
    title = variable.title or (variable.standard_name or variable.id).replace("_", " ")
    observed: dict[str, Any] = {"label": {"en": title}}
    if variable.standard_name:
        observed["id"] = _STANDARD_NAMES + variable.standard_name + "/"
    result: dict[str, Any] = {
        "type": "Parameter",
        "description": {"en": title},
        "observedProperty": observed,
    }
    if variable.kind is VariableKind.CATEGORY and variable.categories:
        observed["categories"] = [
            {"id": f"{variable.id}:{code}", "label": {"en": name}}
            for code, name in variable.categories.items()
        ]
        result["categoryEncoding"] = {f"{variable.id}:{code}": code for code in variable.categories}
    elif variable.units:
        result["unit"] = unit(variable.units)
    return result


def unit(text: str) -> dict[str, Any]:
    """A CoverageJSON unit: the UCUM symbol where the unit is known to be one, else the text as stored."""
    code = ucum(text)
    if code is None:
        return {"label": {"en": text}, "symbol": text}
    symbol: Mapping[str, str] = {"value": code, "type": "http://www.opengis.net/def/uom/UCUM/"}
    return {"label": {"en": text}, "symbol": symbol}
