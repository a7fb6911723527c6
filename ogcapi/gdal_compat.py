"""What GDAL's driver ``OGCAPI`` needs of a coverage (and QGIS, which reads coverages through it).

It knows two dimensions and one CRS: it finds the extent, the resolution and the bands in documents of earlier drafts
(``generalGrid``, ``field``), and asks for blocks by ``subset=Lon(a:b),Lat(c:d)&scaleSize=Lon(w),Lat(h)``, some of which
reach over the poles. Every field is a band at the position that a map shows.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pyproj

from config.errors import InvalidParameter, NoData
from ogcapi.cells import around
from ogcapi.context import Params
from ogcapi.parse import box
from providers.coverage import Coverage
from providers.crs import CRS84
from providers.cube import Cube, Query
from providers.grids import RectilinearGrid
from providers.queries import map_plan
from providers.ranges import number
from providers.resampling import even_plane, resampled

PARAMETER = "scaleSize"
_SIZE = re.compile(r"^(Lat|Lon|Long)\((\d{1,5})\),(Lat|Lon|Long)\((\d{1,5})\)$")
_RANGES = re.compile(
    r"^(Lat|Lon|Long)\(([^:()]+):([^:()]+)\),(Lat|Lon|Long)\(([^:()]+):([^:()]+)\)$"
)
_TYPES = {
    "u1": "UINT8", "i2": "INT16", "u2": "UINT16", "i4": "INT32", "u4": "UINT32", "f4": "FLOAT32", "f8": "FLOAT64",
}  # fmt: skip


def domain_set(cube: Cube) -> dict[str, Any]:
    """The extent and resolution in degrees, as a ``GeneralGridCoverage`` of CIS 1.1 tells them."""
    west, south, east, north, wide, high = _frame(cube)
    axes = (("Lon", west, east, wide), ("Lat", south, north, high))
    return {
        "type": "DomainSet",
        "generalGrid": {
            "type": "GeneralGridCoverage",
            "srsName": CRS84,
            "axisLabels": ["Lon", "Lat"],
            "axis": [
                {
                    "type": "RegularAxis",
                    "axisLabel": name,
                    "lowerBound": low,
                    "upperBound": high_,
                    "resolution": step,
                    "uomLabel": "deg",
                }
                for name, low, high_, step in axes
            ],
            "gridLimits": {
                "type": "GridLimits",
                "srsName": "http://www.opengis.net/def/crs/OGC/0/Index2D",
                "axisLabels": ["i", "j"],
                "axis": [
                    {
                        "type": "IndexAxis",
                        "axisLabel": label,
                        "lowerBound": 0,
                        "upperBound": round((high_ - low) / step) - 1,
                    }
                    for label, (_, low, high_, step) in zip("ij", axes, strict=True)
                ],
            },
        },
    }


def range_type(cube: Cube) -> dict[str, Any]:
    """The fields as bands, all of one type, as a ``DataRecord`` of SWE Common tells them."""
    kinds = {_TYPES.get(item.dtype.str[1:], "FLOAT64") for item in cube.variables.values()}
    common = kinds.pop() if len(kinds) == 1 else "FLOAT64"
    return {
        "type": "DataRecord",
        "field": [
            {
                "type": "Quantity",
                "name": variable.id,
                "id": variable.id,
                "description": variable.title or variable.id,
                "definition": common,
                "uom": {"type": "UnitReference", "code": variable.units or "1"},
            }
            for variable in cube.variables.values()
        ],
    }


def _frame(cube: Cube) -> tuple[float, float, float, float, float, float]:
    """Edges and sizes of cells in degrees; those of regular grids begin at a cell near 180° west."""
    wide, high = cube.grid.spacing
    extent = cube.grid.extent
    west, south, north = extent.west, extent.south, extent.north
    east = west + extent.width
    if isinstance(cube.grid, RectilinearGrid):
        lat = cube.grid.lat
        if cube.grid.periodic:
            edge = cube.grid.west - wide / 2
            west = edge - wide * math.ceil((edge + 180.0) / wide - 1e-9)
            east = west + 360.0
        south, north = float(lat.min()) - high / 2, float(lat.max()) + high / 2
    columns = max(1, round((east - west) / wide))
    rows = max(1, round((north - south) / high))
    return west, south, east, north, (east - west) / columns, (north - south) / rows


def block(cube: Cube, query: Query, params: Params) -> tuple[Coverage, int]:
    """The cells of one request of the driver, and how many stored values they are taken from."""
    columns, rows = _size(params.one(PARAMETER) or "")
    west, south, east, north = _bounds(params)
    bounds = (west, south, east, north)
    grid, selection = even_plane(pyproj.CRS("OGC:CRS84"), bounds, columns, rows)
    plan = map_plan(cube, replace(query, variables=query.variables or tuple(cube.variables)))
    held = around(grid, selection, cube.grid)
    source = cube.grid.window(held)
    if not source.size:
        raise NoData("subset: no cells there", parameter="subset")
    native = cube.lazy(replace(plan, selection=source))
    return resampled(native, grid, selection, "nearest"), native.count


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.match(text.replace(" ", ""))
    if match is None or (match[1] == "Lat") == (match[3] == "Lat"):
        raise InvalidParameter(
            f"{PARAMETER}: {text[:60]!r} is not Lon(width),Lat(height)",
            parameter=PARAMETER,
            allowed=["Lon(256),Lat(256)"],
        )
    sizes = {match[1] == "Lat": int(match[2]), match[3] == "Lat": int(match[4])}
    if not (sizes[False] and sizes[True]):
        raise InvalidParameter(f"{PARAMETER}: 0", parameter=PARAMETER, allowed=["1 and more"])
    return sizes[False], sizes[True]


def _bounds(params: Params) -> tuple[float, float, float, float]:
    found = box(params.one("bbox"), params.one("bbox-crs"))
    if found is not None:
        degrees = found.degrees
        return degrees.west, degrees.south, degrees.west + degrees.width, degrees.north
    text = ",".join(params.many("subset")).replace(" ", "")
    match = _RANGES.match(text)
    if match is None or (match[1] == "Lat") == (match[4] == "Lat"):
        raise InvalidParameter(
            f"{PARAMETER}: needs subset=Lon(west:east),Lat(south:north) or bbox",
            parameter="subset",
            allowed=["Lon(west:east),Lat(south:north)"],
        )
    ranges = {
        match[at] == "Lat": (number(match[at + 1], "subset"), number(match[at + 2], "subset"))
        for at in (1, 4)
    }
    (west, east), (south, north) = ranges[False], ranges[True]
    if not (west < east and south < north and west >= -720 and east <= 1080):
        raise InvalidParameter(
            "subset: low:high in degrees", parameter="subset", allowed=["Lon(-180:180)"]
        )
    return west, south, east, north
