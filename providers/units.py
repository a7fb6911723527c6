"""Units of measure: CF spelling to UCUM, for the units that Earth-system data really use.

UDUNITS text and UCUM codes are both grammars of base units with exponents; only the spellings differ, so each factor
is translated by a table and anything unknown makes the whole text unknown. Units are never guessed.
"""

from __future__ import annotations

import re
from functools import lru_cache

_FACTORS = {
    "1": "1", "m": "m", "meter": "m", "metre": "m", "meters": "m", "metres": "m", "km": "km", "cm": "cm", "mm": "mm",
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min",
    "h": "h", "hr": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "d": "d", "year": "a", "years": "a",
    "kg": "kg", "kilogram": "kg", "g": "g", "gram": "g", "mg": "mg", "ug": "ug", "mol": "mol", "mmol": "mmol",
    "umol": "umol", "k": "K", "K": "K", "kelvin": "K", "Kelvin": "K", "degk": "K", "degK": "K",
    "degree_c": "Cel", "degrees_c": "Cel", "degree_celsius": "Cel", "degrees_celsius": "Cel", "celsius": "Cel",
    "degc": "Cel", "deg c": "Cel", "°c": "Cel", "pa": "Pa", "Pa": "Pa", "pascal": "Pa", "hPa": "hPa", "hpa": "hPa",
    "mb": "mbar", "mbar": "mbar", "millibar": "mbar", "millibars": "mbar", "dbar": "dbar", "bar": "bar",
    "w": "W", "W": "W", "watt": "W", "j": "J", "J": "J", "joule": "J", "n": "N", "N": "N", "%": "%",
    "percent": "%", "degree": "deg", "degrees": "deg", "deg": "deg", "radian": "rad", "radians": "rad", "rad": "rad",
    "degree_north": "deg", "degrees_north": "deg", "degree_east": "deg", "degrees_east": "deg",
    "hz": "Hz", "Hz": "Hz", "ppm": "[ppm]", "ppb": "[ppb]", "dobson": "[DU]", "db": "dB", "dB": "dB",
    "ms-1": "m/s", "psu": None, "1e-3": "10*-3", "0.001": "10*-3", "1e-6": "10*-6", "1e3": "10*3",
}  # fmt: skip
_FACTOR = re.compile(r"^(?P<base>[^\d\s^*+-][^\d\s^*+-]*?)(?:\*\*|\^)?(?P<power>[+-]?\d+)?$")


@lru_cache(maxsize=1024)
def ucum(text: str) -> str | None:
    """The UCUM code of a CF unit, None where it is not known to have one; no unit at all is ``1``."""
    cleaned = text.strip()
    if not cleaned:
        return "1"
    whole = _lookup(cleaned)
    if whole is not None:
        return whole
    numerator, *denominators = re.sub(r"\s*/\s*", "/", cleaned).split("/")
    parts: list[str] = []
    for position, group in enumerate([numerator, *denominators]):
        for factor in re.split(r"[\s.]+|(?<!\*)\*(?!\*)", group.strip()):
            if not factor or (factor == "1" and position == 0):
                continue
            code = _factor(factor, invert=position > 0)
            if code is None:
                return None
            parts.append(code)
    return ".".join(parts) or None


def _lookup(text: str) -> str | None:
    """The code of one spelling. Only words may be in any case: ``Mg`` is not ``mg``, nor ``H`` an hour."""
    known = _FACTORS.get(text)
    word = text.lower()
    return known or (_FACTORS.get(word) if len(word) > 4 or word.startswith("deg") else None)


def _factor(text: str, *, invert: bool) -> str | None:
    match = _FACTOR.match(text)
    if match is None:
        return None
    base = _lookup(match["base"])
    if base is None:
        return None
    power = int(match["power"] or 1) * (-1 if invert else 1)
    return base if power == 1 else f"{base}{power}"
