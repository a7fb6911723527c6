"""Projections of CF, GeoZarr and GDAL metadata, and their x and y in the units of the CRS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from ..grids.base import Floats
from ..readers.base import RawVariable
from .coordinates import NoGrid, unpacked

_METRES = {
    "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0,
    "km": 1e3, "kilometre": 1e3, "kilometres": 1e3, "kilometer": 1e3, "kilometers": 1e3,
    "cm": 1e-2, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
    "us_survey_foot": 1200 / 3937, "us survey foot": 1200 / 3937,
}  # fmt: skip


_RADIANS = {
    "rad": 1.0, "radian": 1.0, "radians": 1.0, "microradian": 1e-6, "microradians": 1e-6, "urad": 1e-6,
    "mrad": 1e-3, "degree": math.pi / 180, "degrees": math.pi / 180, "deg": math.pi / 180,
}  # fmt: skip


def _satellite_height(crs: pyproj.CRS) -> float | None:
    parameters = [] if crs.coordinate_operation is None else crs.coordinate_operation.params
    heights = [float(item.value) for item in parameters if item.name == "Satellite Height"]
    return heights[0] if heights else None


def in_crs_units(variable: RawVariable, crs: pyproj.CRS, mapping: Mapping[str, Any]) -> Floats:
    """Projected x or y in the unit of its CRS; scan angles of geostationary views become lengths (CF appendix F)."""
    values = unpacked(variable)
    unit = str(variable.attributes.get("units", "")).strip().lower()
    if unit in ("", "1"):
        return values
    if crs.is_geographic or "ob_tran" in crs.to_string():
        if unit.startswith("degree") or unit in ("deg", "°"):
            return values
        if unit in _RADIANS:
            return values * math.degrees(_RADIANS[unit])
        raise NoGrid(f"the coordinate {variable.name} in {unit!r}, which is not an angle")
    own = crs.axis_info[0] if crs.axis_info else None
    if own is not None and unit == own.unit_name.lower():
        return values
    if unit in _METRES:
        return values * (_METRES[unit] / (own.unit_conversion_factor if own is not None else 1.0))
    height = mapping.get("perspective_point_height", _satellite_height(crs))
    if unit in _RADIANS and height is not None:
        return values * (_RADIANS[unit] * float(np.ravel(height)[0]))
    raise NoGrid(
        f"the projection coordinate {variable.name} in {unit!r}, a unit that does not fit its projection"
    )


def parse_cf_crs(value: Any) -> pyproj.CRS | None:
    try:
        if isinstance(value, Mapping):
            plain = {
                k: v.tolist() if isinstance(v, np.ndarray | np.generic) else v
                for k, v in value.items()
            }
            if "type" in plain and "$schema" in plain:
                return pyproj.CRS.from_json_dict(plain)
            wkt = plain.get("crs_wkt") or plain.get("spatial_ref")
            if wkt:
                return pyproj.CRS.from_wkt(str(wkt))
            return pyproj.CRS.from_cf(plain) if "grid_mapping_name" in plain else None
        return pyproj.CRS.from_user_input(value)
    except (CRSError, KeyError, ValueError, TypeError):
        return None


def is_rotated(crs: pyproj.CRS) -> bool:
    return crs.is_derived or "ob_tran" in crs.to_string()
