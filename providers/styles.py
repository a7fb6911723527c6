"""How values become colours: a sensible style for every variable, fixed for the variable, never for one tile."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cmap
import numpy as np
from numpy.typing import NDArray

from .cube import Variable, VariableKind

COLOURS = 254
"""Palette entries for values; entry 0 is transparent (missing or outside)."""


@dataclass(frozen=True)
class Style:
    """A colour map over ``low..high`` in stored units."""

    colormap: str
    low: float
    high: float

    def index(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Palette index of each value: 1..254, 0 where missing; values beyond the range take its end."""
        span = self.high - self.low or 1.0
        data = np.asarray(values, np.float32 if values.dtype.itemsize <= 4 else np.float64)
        with np.errstate(invalid="ignore"):
            scaled = (data - self.low) * ((COLOURS - 1) / span) + 1.5
            np.clip(scaled, 1.0, COLOURS, out=scaled)
            missing = np.isnan(scaled)
            if missing.any():
                scaled[missing] = 0.0
            return scaled.astype(np.uint8)

    def palette(self) -> NDArray[np.uint8]:
        """RGBA of the palette, shape (256, 4)."""
        return _palette(self.colormap)


@dataclass(frozen=True)
class ColourTable:
    """One colour per code, as the data state them (``flag_values``, ``flag_colors``); other values are transparent."""

    codes: tuple[int, ...]
    colours: tuple[tuple[int, int, int], ...]

    def index(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Palette index of each value: 1..254, 0 where it is none of the codes."""
        order = np.argsort(self.codes)
        ranked = np.asarray(self.codes, np.float64)[order]
        at = np.searchsorted(ranked, values).clip(0, len(ranked) - 1)
        entries = (order + 1).astype(np.uint8)[at]
        return np.where(ranked[at] == values, entries, np.uint8(0))

    def palette(self) -> NDArray[np.uint8]:
        """RGBA of the palette, shape (256, 4)."""
        table = np.zeros((256, 4), np.uint8)
        table[1 : len(self.codes) + 1, :3] = self.colours
        table[1 : len(self.codes) + 1, 3] = 255
        return table


def _colour_table(variable: Variable) -> ColourTable | None:
    """The colours that the data state for their categories, None where they state none or too many."""
    colours = str(variable.attributes.get("flag_colors", "")).split()
    if not colours or not variable.categories:
        return None
    codes = np.ravel(variable.attributes.get("flag_values", ()))
    if len(codes) != len(colours) or not 0 < len(codes) <= COLOURS:
        return None
    if not all(re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in colours):
        return None
    rgb = tuple(bytes.fromhex(colour[1:]) for colour in colours)
    return ColourTable(tuple(int(code) for code in codes), tuple((c[0], c[1], c[2]) for c in rgb))


def is_colormap(name: str) -> bool:
    """Whether the colour map library knows the name (``viridis``, ``crameri:batlow``, ``cmocean:thermal``)."""
    try:
        cmap.Colormap(name)
    except (ValueError, TypeError, KeyError):
        return False
    return True


@lru_cache(maxsize=128)
def _palette(name: str) -> NDArray[np.uint8]:
    table = np.zeros((256, 4), np.uint8)
    # a colour map of single colours gives those it has, whatever number is asked for
    colours = np.round(cmap.Colormap(name).lut(COLOURS)[:COLOURS] * 255).astype(np.uint8)
    table[1 : len(colours) + 1] = colours
    table[len(colours) + 1 :] = colours[-1]
    return table


_CATEGORIES = "glasbey:glasbey"
_SEQUENTIAL, _DIVERGING, _CYCLIC = "crameri:batlow", "crameri:vik", "crameri:romaO"
#: words in a standard name (or id) → colour map, and a range in the unit given
_KNOWN: tuple[tuple[str, str, str, float, float], ...] = (
    ("sea_surface_temperature", "cmocean:thermal", "K", 271.15, 305.15),
    ("sea_surface_foundation_temperature", "cmocean:thermal", "K", 271.15, 305.15),
    ("sea_water_potential_temperature", "cmocean:thermal", "K", 271.15, 305.15),
    ("sea_water_salinity", "cmocean:haline", "1e-3", 0.0, 40.0),
    ("air_temperature", "crameri:vik", "K", 233.15, 313.15),
    ("dew_point_temperature", "crameri:vik", "K", 233.15, 313.15),
    ("air_pressure_at_mean_sea_level", "crameri:vik", "Pa", 97000.0, 105000.0),
    ("air_pressure_at_sea_level", "crameri:vik", "Pa", 97000.0, 105000.0),
    ("eastward_wind", _DIVERGING, "m s-1", -25.0, 25.0),
    ("northward_wind", _DIVERGING, "m s-1", -25.0, 25.0),
    ("wind_speed", "cmocean:speed", "m s-1", 0.0, 30.0),
    ("precipitation", "cmocean:rain", "", math.nan, math.nan),
    ("relative_humidity", "cmocean:dense", "%", 0.0, 100.0),
    ("sea_surface_wave_significant_height", "cmocean:amp", "m", 0.0, 10.0),
    ("sea_ice_area_fraction", "cmocean:ice", "1", 0.0, 1.0),
)
_ALIASES = {
    "t2m": "air_temperature", "2t": "air_temperature", "tas": "air_temperature", "u10": "eastward_wind",
    "10u": "eastward_wind", "v10": "northward_wind", "10v": "northward_wind", "msl": "air_pressure_at_sea_level",
    "sst": "sea_surface_temperature", "tos": "sea_surface_temperature", "tp": "precipitation", "pr": "precipitation",
    "si10": "wind_speed", "sfcwind": "wind_speed", "uwnd": "eastward_wind", "vwnd": "northward_wind",
    "airt": "air_temperature", "temp": "sea_water_potential_temperature", "salt": "sea_water_salinity",
    "thetao": "sea_water_potential_temperature", "so": "sea_water_salinity",
}  # fmt: skip
_CELSIUS = {
    "degree_c",
    "degrees_c",
    "degree_celsius",
    "degrees_celsius",
    "celsius",
    "degc",
    "deg c",
}


def default_style(variable: Variable, low: float, high: float) -> Style | ColourTable:
    """The style of a variable; ``low`` and ``high`` are what its data span, used where no range is known."""
    if variable.colour_range is not None:
        return Style(variable.colormap or _SEQUENTIAL, *variable.colour_range)
    if variable.colormap is not None:
        return Style(variable.colormap, *_rounded(low, high))
    if variable.kind is VariableKind.CATEGORY and (table := _colour_table(variable)) is not None:
        return table
    if variable.kind is VariableKind.DIRECTION:
        return Style(_CYCLIC, 0.0, 360.0)
    known = _lookup(variable)
    if known is not None:
        colormap, unit, known_low, known_high = known
        bounds = _in_units(known_low, known_high, unit, variable.units)
        if bounds is not None and bounds[0] <= low and high <= bounds[1]:
            return Style(colormap, *bounds)
        return Style(colormap, *_rounded(low, high))
    if variable.kind is VariableKind.CATEGORY:
        return Style(_CATEGORIES, *_codes(variable, low, high))
    if (
        "anomaly" in f"{variable.standard_name} {variable.id} {variable.title}".lower()
        or low < 0 < high
    ):
        reach = max(abs(low), abs(high))
        return Style(_DIVERGING, *_rounded(-reach, reach))
    return Style(_SEQUENTIAL, *_rounded(low, high))


def _codes(variable: Variable, low: float, high: float) -> tuple[float, float]:
    """A range in which every code of a category has a colour of its own."""
    codes = [*variable.categories, low, high]
    first = math.floor(min(codes))
    last = max(math.ceil(max(codes)), first + 1)
    return first - 0.5, max(last + 0.5, first - 0.5 + COLOURS) if last - first < COLOURS else last


def _lookup(variable: Variable) -> tuple[str, str, float, float] | None:
    name = variable.standard_name or _ALIASES.get(variable.id.lower(), variable.id.lower())
    if "anomaly" in f"{name} {variable.id}".lower():
        return None
    for word, colormap, unit, low, high in _KNOWN:
        if word in name:
            return colormap, unit, low, high
    return None


def _in_units(low: float, high: float, unit: str, wanted: str | None) -> tuple[float, float] | None:
    """A known range in the variable's unit; None where the unit is another one."""
    if not math.isfinite(low) or wanted is None:
        return None
    text = wanted.strip().lower()
    if unit == "K" and text in _CELSIUS:
        return low - 273.15, high - 273.15
    if unit == "K" and text in ("k", "kelvin"):
        return low, high
    if unit == "%" and text in ("1", ""):
        return low / 100, high / 100
    if unit == "Pa" and text in ("hpa", "mbar", "millibars"):
        return low / 100, high / 100
    same = text.replace("**", "").replace("/s", " s-1").replace("  ", " ")
    return (low, high) if same == unit.lower() or text == unit.lower() else None


def _rounded(low: float, high: float) -> tuple[float, float]:
    """The range widened to round numbers."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if low == high:
        return low - 0.5, high + 0.5
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    for factor in (1, 2, 5):
        if (high - low) / (step * factor) <= 8:
            step *= factor
            break
    return math.floor(low / step) * step, math.ceil(high / step) * step
