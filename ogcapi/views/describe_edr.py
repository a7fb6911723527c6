"""What EDR wants to know of a collection: its queries and parameters (19-086, clauses 8.1.3 and 8.1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ogcapi.geometry import LENGTH_UNITS
from ogcapi.instances import runs_of
from providers.axes import AxisKind
from providers.cube import Cube, Variable, VariableKind
from providers.formats import EDR_FORMATS
from providers.formats.coveragejson_parameters import parameter

_COMMON = "datetime,z,parameter-name,crs,f"
QUERIES = {
    "position": "coords",
    "radius": "coords,within,within-units",
    "area": "coords",
    "cube": "bbox,resolution-x,resolution-y",
    "trajectory": "coords",
    "corridor": "coords,corridor-width,width-units,corridor-height,height-units",
}


def data_queries(url: str, cube: Cube) -> dict[str, Any]:
    """EDR 1.1 clause 8.1.4: one link per query type, with what it takes."""
    vertical = cube.axis(AxisKind.Z)
    units = [vertical.units] if vertical is not None and vertical.units else ["1"]
    more: dict[str, dict[str, Any]] = {
        "radius": {"within_units": list(LENGTH_UNITS)},
        "cube": {"height_units": units},
        "corridor": {"width_units": list(LENGTH_UNITS), "height_units": units},
    }
    found = {
        name: _data_query(f"{url}/{name}{{?{own},{_COMMON}}}", name, more.get(name, {}))
        for name, own in QUERIES.items()
    }
    if runs_of(cube) is not None and "/instances/" not in url:
        found["instances"] = _data_query(f"{url}/instances", "instances", {}, templated=False)
    return found


def _data_query(
    href: str, name: str, more: Mapping[str, Any], *, templated: bool = True
) -> dict[str, Any]:
    formats = [item.name for item in EDR_FORMATS]
    return {
        "link": {
            "href": href,
            "rel": "data",
            "templated": templated,
            "variables": {
                "title": f"{name.capitalize()} query",
                "query_type": name,
                "output_formats": formats,
                "default_output_format": formats[0],
                "crs_details": [{"crs": "CRS84", "wkt": _CRS84_WKT}],
                **more,
            },
        }
    }


_CRS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433],AXIS["Longitude",EAST],AXIS["Latitude",NORTH]]'
)
_METHODS = {
    VariableKind.SUM: "sum",
    VariableKind.MEAN: "mean",
    VariableKind.MAXIMUM: "maximum",
    VariableKind.MINIMUM: "minimum",
}


def edr_parameter(variable: Variable) -> dict[str, Any]:
    """A parameter with its measurement type."""
    result = parameter(variable) | {
        "id": variable.id,
        "name": variable.title or variable.id,
        "data-type": json_type(variable),
    }
    result["label"] = result["description"] = result["name"]
    result["measurementType"] = {"method": _METHODS.get(variable.kind, "instantaneous")}
    return result


def json_type(variable: Variable) -> str:
    return "integer" if variable.dtype.kind in "iu" else "float"
