"""Parameters of requests: described once, read by the document, the pages and the check for unknown ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter. ``schema`` is JSON Schema; arrays are comma-separated unless ``explode``."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    explode: bool = False
    location: str = "query"
    example: Any = None

    def document(self) -> dict[str, Any]:
        """The OpenAPI 3.0 parameter object."""
        result: dict[str, Any] = {
            "name": self.name,
            "in": self.location,
            "description": self.description,
            "required": self.required or self.location == "path",
            "schema": dict(self.schema),
        }
        if self.location == "query":
            result["style"] = "form"
            result["explode"] = self.explode
        if self.example is not None:
            result["example"] = self.example
        return result


_CRS_URI = {"type": "string", "default": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}

BBOX = Parameter(
    "bbox",
    "Box: west, south, east, north in degrees, or in the CRS of `bbox-crs` in its axis order. West greater than east "
    "crosses the antimeridian. Six numbers add the lowest and highest vertical coordinate.",
    {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
)
BBOX_CRS = Parameter("bbox-crs", "CRS of `bbox` (URI, CURIE or EPSG code).", _CRS_URI)
CRS = Parameter("crs", "CRS of the answer (URI, CURIE or EPSG code).", _CRS_URI)
DATETIME = Parameter(
    "datetime",
    "Valid time, UTC: an instant or period (`2020-01-01T00:00:00Z`, `2020-01`), or an interval "
    "`start/end`, open with `..`.",
)
SUBSET = Parameter(
    "subset",
    "Range or position on any axis: `axis(low:high)`, `axis(position)`; `*` is open; several by comma or repetition.",
    {"type": "array", "items": {"type": "string"}},
    explode=True,
)
SUBSET_CRS = Parameter(
    "subset-crs",
    "CRS of the horizontal axes of `subset` (URI, CURIE or EPSG code): `E(low:high),N(low:high)` where it is "
    "projected. By default E and N are those of the data, Lon and Lat degrees.",
    _CRS_URI,
)
PROPERTIES = Parameter(
    "properties", "Fields to answer, by comma.", {"type": "array", "items": {"type": "string"}}
)
PARAMETER_NAME = Parameter(
    "parameter-name", "Fields to answer, by comma.", {"type": "array", "items": {"type": "string"}}
)
PARAMETER_NAMES = Parameter(
    "parameter_names",
    "`parameter-name` as OWSLib spells it.",
    {"type": "array", "items": {"type": "string"}},
)
COORDS = Parameter(
    "coords",
    "Position as WKT, longitude first: `POINT(8.5 47.4)` or `MULTIPOINT(…)`.",
    required=True,
)
_AXES = {"type": "string", "pattern": r"^\s*([A-Za-z_][\w.:-]*\([^()]*\)\s*,?\s*)*$"}
RESOLUTION = Parameter(
    "resolution",
    "Distance between cells by axis: `Lon(0.5),Lat(0.5)` in units of the output CRS (`E`, `N` where it is projected), "
    "`time(P1D)` or `time(P1M)`, `level(100)`. Without a value: as stored. `time(P1D;PT6H)` begins days at 06 UTC.",
    _AXES,
    example="Lon(1),Lat(1),time(P1D)",
)
SCALE_FACTOR = Parameter(
    "scale-factor",
    "How many times fewer rows and columns than stored.",
    {"type": "number", "minimum": 0, "exclusiveMinimum": True},
)
SCALE_AXES = Parameter(
    "scale-axes", "The same by axis: `Lon(2),Lat(2)`; `time(24)` reduces 24 times to one.", _AXES
)
SCALE_SIZE = Parameter("scale-size", "Cells by axis: `Lon(360),Lat(180)`.", _AXES)
SCALE_SIZE_OF_GDAL = Parameter("scaleSize", "`scale-size` as GDAL spells it.", _AXES)
AGGREGATE = Parameter(
    "aggregate",
    "How an axis is reduced: `time(max)`, `member(p90)`; mean, min, max, sum, std, mode, or a percentile `p0` to "
    "`p100`. With a resolution each period, else the whole axis. Without it amounts are added, all else is averaged.",
    _AXES,
    example="member(mean)",
)
INTERPOLATION = Parameter(
    "interpolation",
    "How values come onto other cells. By default the mean where they are coarser than those stored, else nearest.",
    {"type": "string", "enum": ["nearest", "bilinear", "mean", "min", "max", "mode"]},
)
COLUMNS = Parameter("width", "Cells from west to east.", {"type": "integer", "minimum": 1})
ROWS = Parameter("height", "Cells from north to south.", {"type": "integer", "minimum": 1})
COORDS_AREA = Parameter(
    "coords", "Area as WKT: `POLYGON((lon lat, …))` or `MULTIPOLYGON(…)`.", required=True
)
COORDS_PATH = Parameter(
    "coords",
    "Path as WKT: `LINESTRING(lon lat, …)`, with heights `LINESTRINGZ(…)`, with times in seconds since 1970 "
    "`LINESTRINGM(…)`, with both `LINESTRINGZM(…)`; or several, `MULTILINESTRING(…)`.",
    required=True,
)
_UNITS = {"type": "string", "enum": ["km", "m", "mi", "nmi", "ft"]}
WITHIN = Parameter(
    "within", "Radius around the point.", {"type": "number", "minimum": 0}, required=True
)
WITHIN_UNITS = Parameter("within-units", "Units of `within`.", _UNITS, required=True)
CORRIDOR_WIDTH = Parameter(
    "corridor-width", "Width of the corridor.", {"type": "number", "minimum": 0}, required=True
)
WIDTH_UNITS = Parameter("width-units", "Units of `corridor-width`.", _UNITS, required=True)
CORRIDOR_HEIGHT = Parameter(
    "corridor-height",
    "Height of the corridor, in the units of the levels.",
    {"type": "number", "minimum": 0},
    required=True,
)
HEIGHT_UNITS = Parameter(
    "height-units", "Units of `corridor-height`: those of the levels.", required=True
)
RESOLUTION_X = Parameter(
    "resolution-x",
    "Positions from west to east; 0: those of the data.",
    {"type": "integer", "minimum": 0},
)
RESOLUTION_Y = Parameter(
    "resolution-y",
    "Positions from north to south; 0: those of the data.",
    {"type": "integer", "minimum": 0},
)
Z = Parameter(
    "z",
    "Vertical position: a level, a list `500,850`, a range `1000/500`, or `R5/1000/-100` (count, start, step).",
)
WIDTH = Parameter("width", "Width of the image in pixels.", {"type": "integer", "minimum": 1})
HEIGHT = Parameter("height", "Height of the image in pixels.", {"type": "integer", "minimum": 1})
TRANSPARENT = Parameter(
    "transparent",
    "Whether missing values let what lies below show.",
    {"type": "boolean", "default": True},
)
BGCOLOR = Parameter(
    "bgcolor",
    "Colour of missing values when not transparent: `0xRRGGBB`, `#RRGGBB`.",
    {"type": "string"},
)
LIMIT = Parameter(
    "limit",
    "Most collections in the answer.",
    {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000},
)
OFFSET = Parameter(
    "offset", "Collections to pass over.", {"type": "integer", "minimum": 0, "default": 0}
)


def format_parameter(names: tuple[str, ...]) -> Parameter:
    """``f=`` with the formats of one view."""
    return Parameter(
        "f",
        "Format of the answer; wins over the Accept header.",
        {"type": "string", "enum": list(names)},
    )
