"""Types of level: what they are called, and which of them make a vertical axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .keys import Keys


@dataclass(frozen=True)
class LevelType:
    """One ``typeOfLevel``. ``factor`` turns the message's numbers into ``units``.

    ``suffix`` names a collection of such levels. ``always`` levels are an axis even when there is one of them; the
    rest only where one variable has several. A type without a ``name`` is a surface, not a coordinate.
    """

    suffix: str
    name: str = ""
    units: str | None = None
    positive: str | None = None
    standard_name: str | None = None
    title: str | None = None
    factor: float = 1.0
    always: bool = False


_PRESSURE = ("pl", "pressure", "hPa", "down", "air_pressure", "pressure")
_HYBRID = (
    "ml",
    "level",
    "1",
    "down",
    "atmosphere_hybrid_sigma_pressure_coordinate",
    "model level",
)
_HEIGHT = ("hl", "height", "m", "up", "height", "height above the ground")
_ALTITUDE = ("al", "altitude", "m", "up", "altitude", "height above the sea")
_DEPTH = ("sol", "depth", "m", "down", "depth", "depth below the land surface")
_SEA_DEPTH = ("o3d", "depth", "m", "down", "depth", "depth below the sea surface")
_OCEAN = ("oml", "level", "1", "down", "model_level_number", "ocean model level")

TYPES: dict[str, LevelType] = {
    "isobaricInhPa": LevelType(*_PRESSURE, always=True),
    "isobaricInPa": LevelType(*_PRESSURE, factor=0.01, always=True),
    "isobaricLayer": LevelType(*_PRESSURE),
    "hybrid": LevelType(*_HYBRID, always=True),
    "hybridLayer": LevelType(*_HYBRID, always=True),
    "hybridPressure": LevelType(*_HYBRID, always=True),
    "hybridHeight": LevelType(
        "ml", "level", "1", "up", "model_level_number", "model level", always=True
    ),
    "generalVertical": LevelType(
        "ml", "level", "1", "down", "model_level_number", "model level", always=True
    ),
    "generalVerticalLayer": LevelType(
        "ml", "level", "1", "down", "model_level_number", "model level", always=True
    ),
    "sigma": LevelType(
        "sigma", "sigma", "1", "down", "atmosphere_sigma_coordinate", "sigma", always=True
    ),
    "eta": LevelType("eta", "eta", "1", "down", None, "eta", always=True),
    "theta": LevelType(
        "pt", "theta", "K", "up", "air_potential_temperature", "potential temperature", always=True
    ),
    "potentialVorticity": LevelType(
        "pv",
        "potential_vorticity",
        "1e-9 K m2 kg-1 s-1",
        "up",
        None,
        "potential vorticity",
        always=True,
    ),
    "isothermal": LevelType("it", "temperature", "K", None, "air_temperature", "isotherm"),
    "heightAboveGround": LevelType(*_HEIGHT),
    "heightAboveGroundLayer": LevelType(*_HEIGHT),
    "heightAboveSea": LevelType(*_ALTITUDE),
    "heightAboveSeaLayer": LevelType(*_ALTITUDE),
    "depthBelowLand": LevelType(*_DEPTH),
    "depthBelowLandLayer": LevelType(*_DEPTH),
    "soilLayer": LevelType("sol", "soil_level", "1", "down", None, "soil layer"),
    "snowLayer": LevelType("snow", "snow_level", "1", "down", None, "snow layer"),
    "seaIceLayer": LevelType("ice", "ice_level", "1", "down", None, "sea-ice layer"),
    "depthBelowSea": LevelType(*_SEA_DEPTH),
    "depthBelowSeaLayer": LevelType(*_SEA_DEPTH),
    "oceanModel": LevelType(*_OCEAN, always=True),
    "oceanModelLayer": LevelType(*_OCEAN, always=True),
}

SURFACES = {
    "surface", "meanSea", "entireAtmosphere", "atmosphere", "tropopause", "nominalTop", "mostUnstableParcel",
    "cloudBase",    "cloudTop", "cloudCeiling", "isothermZero", "maxWind", "entireOcean", "oceanSurface",
    "oceanBottom", "lowCloudLayer",    "middleCloudLayer", "highCloudLayer", "lowCloudBottom", "lowCloudTop",
    "middleCloudBottom", "middleCloudTop",
    "highCloudBottom", "highCloudTop", "highestTroposphericFreezing", "planetaryBoundaryLayer", "adiabaticCondensation",
    "boundaryLayerCloudLayer", "convectiveCloudBottom", "convectiveCloudTop", "convectiveCloudLayer",
    "seaIceTop", "snowTop", "iceTopOnWater", "iceLayerOnWater", "mixedLayerDepthByDensity", "unknown", "undefined",
    "entireLake", "mixedLayerParcel", "mixingLayer", "atmML", "seaMixedLayer", "soil", "snow", "entireMeltPond",
}  # fmt: skip
"""Levels at which a number says nothing; everything else becomes an axis of its own name where it has several."""


def level_type(keys: Keys) -> LevelType:
    """The type of a message's level."""
    name = str(keys["level_type"])
    known = TYPES.get(name)
    if known is None:
        single = name in SURFACES
        known = LevelType(name.lower(), "" if single and not keys["level"] else snake(name))
    if name == "depthBelowLandLayer" and keys["attributes"].get("GRIB_edition") == 1:
        return LevelType(*_DEPTH, factor=0.01)
    if name == "isobaricLayer" and keys["attributes"].get("GRIB_edition") == 2:
        return LevelType(*_PRESSURE, factor=0.01)
    return known


def level_of(keys: Keys) -> tuple[float, tuple[float, float] | None]:
    """The level of a message and, where it is a layer, its top and bottom; in the unit of its type."""
    factor = level_type(keys).factor
    layer: Any = keys["layer"]
    value = keys["level"] * factor
    bounds = None if layer is None else (_tidy(layer[0] * factor), _tidy(layer[1] * factor))
    return _tidy(value), bounds


def _tidy(value: float) -> float:
    """Without the rounding that a factor such as 0.01 brings."""
    return float(f"{value:.9g}")


def snake(name: str) -> str:
    """``heightAboveGround`` as ``height_above_ground``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
