"""What one GRIB message is: its keys as ecCodes reads them, in our terms.

Names, units and levels are those of the ECMWF parameter database that ships with ecCodes (:data:`eccodes`); a
parameter it does not know keeps its numbers as its name.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import eccodes
from dateutil.relativedelta import relativedelta

LOCK = threading.RLock()
"""Held around every use of ecCodes in the process."""

Keys = Mapping[str, Any]

KEYS_VERSION = "2"
"""To be raised whenever :func:`describe` says something else of a message: what was remembered is then made anew."""

MINUTE = 60_000_000
_UNITS = {
    0: MINUTE,
    1: 60 * MINUTE,
    2: 1440 * MINUTE,
    10: 180 * MINUTE,
    11: 360 * MINUTE,
    12: 720 * MINUTE,
    13: 1_000_000,
    14: 15 * MINUTE,
    15: 30 * MINUTE,
}
"""Microseconds in the units of steps (code table 4.4 as ecCodes numbers it in both editions)."""
_MONTHS = {3: 1, 4: 12, 5: 120, 6: 360, 7: 1200}
"""Months in the units of that table that have no fixed length."""

_NOT_IDENTITY = {
    "date", "time", "step", "levelist", "levtype", "number", "param", "domain", "fcmonth", "fcperiod", "hdate",
    "timespan", "verify", "direction", "frequency", "quantile", "refdate", "leg",
}  # fmt: skip
_ENSEMBLE = {"cf": "pf", "icp": "pf"}
"""Control forecasts belong to the ensemble they control."""
_OTHER_AXES = {
    "directionNumber": "direction",
    "frequencyNumber": "frequency",
    "percentileValue": "percentile",
}
_DERIVED = {
    0: "mean", 1: "weighted_mean", 2: "std", 3: "normalised_std", 4: "spread", 5: "anomaly_index",
    6: "cluster_mean", 7: "iqr", 8: "min", 9: "max",
}  # fmt: skip
"""Derived forecasts (code table 4.7)."""

_ACCUMULATED = {
    8, 9, 44, 45, 47, 50, 57, 58, 142, 143, 144, 145, 146, 147, 169, 175, 176, 177, 178, 179, 180, 181, 182, 189,
    195, 196, 197, 205, 208, 209, 210, 211, 212, 213, 228, 239, 240, 3062, 3099, 228216, 228228, 228251,
}  # fmt: skip
"""Parameters of ECMWF's GRIB 1 that are accumulated although the message does not say so (parameter database)."""
_HOURLY = {"oper": 60 * MINUTE, "enda": 180 * MINUTE}
"""ERA5 (class ea) accumulates over the hour, its ensemble over three hours, that end at the step."""
_CATEGORIES = {29, 30, 43}
"""Vegetation and soil types, whose unit does not say that they are codes."""
_MONTHLY = {"mnth", "moda", "mmsf", "msmm", "msda", "wamo", "ewmo", "edmo", "edmm", "esmm", "mmsa"}
_KINDS = {"avg": "mean", "acc": "accumulated", "max": "maximum", "min": "minimum"}
_NAMES = ("shortName", "name", "units", "cfName", "cfVarName")
_KNOWN = 20_000
"""Parameters whose names are kept at hand."""
_UNKNOWN = ("unknown", "~", "")


class Unreadable(ValueError):
    """A message whose keys cannot be read, with the reason."""


@lru_cache(maxsize=1)
def _quiet() -> Any:
    """Keeps ecCodes from writing to standard error: what is wrong is raised."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - ecCodes writes to it as long as the process lives
    eccodes.codes_context_set_logging(nowhere)
    return nowhere


@contextmanager
def opened(message: bytes) -> Iterator[int]:
    """The ecCodes handle of one message; raises Unreadable."""
    with LOCK:
        _quiet()
        try:
            handle = eccodes.codes_new_from_message(message)
        except eccodes.CodesInternalError as error:
            raise Unreadable(f"ecCodes: {error}") from error
        try:
            yield handle
        finally:
            eccodes.codes_release(handle)


def describe(message: bytes) -> dict[str, Any]:
    """Everything about a message but its reference time and its values; raises Unreadable.

    ``step`` and ``level`` are numbers (microseconds; the unit of the level type), the rest is text and attributes.
    """
    with opened(message) as handle:
        try:
            return _Message(handle).keys()
        except eccodes.CodesInternalError as error:
            raise Unreadable(f"ecCodes: {error}") from error


class _Message:
    _known: ClassVar[dict[tuple[int, int, str], dict[str, str | None]]] = {}

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._edition = int(eccodes.codes_get(handle, "edition"))
        self._mars = self._namespace("mars")

    def get(self, key: str, kind: Any = None) -> Any:
        """A key, None where the message has no such key or its value is missing."""
        try:
            if eccodes.codes_is_missing(self._handle, key):
                return None
            return eccodes.codes_get(self._handle, key, ktype=kind)
        except eccodes.CodesInternalError:
            return None

    def _namespace(self, name: str) -> dict[str, str]:
        iterator = eccodes.codes_keys_iterator_new(self._handle, name)
        found: dict[str, str] = {}
        try:
            while eccodes.codes_keys_iterator_next(iterator):
                key = eccodes.codes_keys_iterator_get_name(iterator)
                found[key] = str(eccodes.codes_get_string(self._handle, key))
        finally:
            eccodes.codes_keys_iterator_delete(iterator)
        return found

    def keys(self) -> dict[str, Any]:
        parameter = int(self.get("paramId", int) or 0)
        step_type = str(self.get("stepType") or "instant")
        start, end = self._steps()
        start, method = self._accumulation(parameter, step_type, start, end)
        names = self._names(parameter)
        title, units = names["name"], names["units"]
        return {
            "name": names["shortName"] or self._numbers(),
            "parameter": parameter,
            "title": title,
            "units": units,
            "standard_name": names["cfName"],
            "step_type": step_type,
            "kind": self._kind(method, step_type, parameter, title, units),
            "start": start,
            "end": end,
            "level_type": str(self.get("typeOfLevel") or "unknown"),
            "level": float(self.get("level", float) or 0.0),
            "layer": self._layer(),
            "member": self._member(),
            "control": self._is_control(),
            "others": self._others(),
            "derived": _DERIVED.get(self.get("derivedForecast", int) or 0, "")
            if self.get("derivedForecast") is not None
            else self._probability(),
            "identity": self._identity(),
            "grid": str(self.get("md5GridSection")),
            "grid_type": str(self.get("gridType") or "unknown"),
            "packing": str(self.get("packingType") or "unknown"),
            "relative_to_grid": bool(self._relative_to_grid()),
            "attributes": self._attributes(parameter, names),
        }

    def _text(self, key: str) -> str | None:
        found = self.get(key)
        return None if found is None or str(found) in _UNKNOWN else str(found)

    def _names(self, parameter: int) -> Mapping[str, str | None]:
        """What the parameter database calls a parameter; looked up once, for it is most of the work."""
        level = str(self.get("typeOfLevel"))
        key = (self._edition, parameter, level)
        known = self._known.get(key) if parameter else None
        if known is None:
            known = {name: self._text(name) for name in _NAMES}
            if not known["cfName"] and self._edition == 1 and not level.startswith("depth"):
                known["cfName"] = _standard_name(parameter)
            if len(self._known) < _KNOWN:
                self._known[key] = known
        return known

    def _numbers(self) -> str:
        """A parameter without a name: discipline, category, number; in GRIB 1 table and parameter."""
        if self._edition == 1:
            return f"t{self.get('table2Version', int)}p{self.get('indicatorOfParameter', int)}"
        return (
            f"d{self.get('discipline', int)}c{self.get('parameterCategory', int)}"
            f"n{self.get('parameterNumber', int)}"
        )

    # time

    def _steps(self) -> tuple[int, int]:
        unit = self.get("indicatorOfUnitOfTimeRange", int)
        if unit in _MONTHS:
            return self._calendar_steps(_MONTHS[unit])
        size = _UNITS.get(int(self.get("stepUnits", int) or 0))
        start, end = self.get("startStep", int), self.get("endStep", int)
        if size is None or start is None or end is None:
            raise Unreadable(f"a step in unit {unit} of code table 4.4")
        return int(start) * size, int(end) * size

    def _calendar_steps(self, months: int) -> tuple[int, int]:
        """Steps in months or years, by the calendar."""
        if self._edition == 1:
            first, last = self.get("P1", int) or 0, self.get("P2", int) or 0
            if self.get("timeRangeIndicator", int) in (0, 1, 10):
                last = first
        else:
            first = self.get("forecastTime", int) or 0
            length = self.get("lengthOfTimeRange", int) or 0
            last = first + length * (
                _MONTHS.get(self.get("indicatorOfUnitForTimeRange", int), months) // months
            )
        date, clock = int(self.get("dataDate", int)), int(self.get("dataTime", int))
        origin = datetime.strptime(f"{date:08d}{clock:04d}", "%Y%m%d%H%M")
        return _months_after(origin, first * months), _months_after(origin, last * months)

    def _accumulation(
        self, parameter: int, step_type: str, start: int, end: int
    ) -> tuple[int, str | None]:
        """Start of the interval of what ECMWF accumulates in GRIB 1 without saying so, and its method."""
        if (
            self._edition != 1
            or step_type != "instant"
            or parameter not in _ACCUMULATED
            or self.get("centre") != "ecmf"
            or self._mars.get("type") not in ("fc", "cf", "pf")
            or self._mars.get("stream") in _MONTHLY
        ):
            return start, None
        if self._mars.get("class") == "ea":
            return max(0, end - _HOURLY.get(self._mars.get("stream", ""), 60 * MINUTE)), "acc"
        return 0, "acc"

    def _kind(
        self,
        method: str | None,
        step_type: str,
        parameter: int,
        title: str | None,
        units: str | None,
    ) -> str:
        words = (title or "").lower().split()
        if (units or "").startswith("(Code table") or parameter in _CATEGORIES:
            return "categorical"
        if "direction" in words and (units or "").lower().startswith("degree"):
            return "direction"
        found = _KINDS.get(method or step_type[:3])
        if found is None and self._mars.get("type", "").startswith("fcm"):
            found = _KINDS.get(self._mars["type"][2:5], "mean")
        if found is None and self._mars.get("stream") in _MONTHLY:
            found = "mean"
        return found or "instantaneous"

    # level, member, the rest

    def _layer(self) -> list[float] | None:
        """Top and bottom of a layer in the unit of its level type."""
        if "Layer" not in str(self.get("typeOfLevel") or ""):
            return None
        top, bottom = self.get("topLevel", float), self.get("bottomLevel", float)
        return None if top is None or bottom is None or top == bottom else [top, bottom]

    def _member(self) -> int | None:
        """The number of an ensemble member, 0 for the control; None outside of ensembles."""
        if self._mars.get("type") == "cf":
            return 0
        number = self._mars.get("number")
        if number is not None and number.lstrip("-").isdigit():
            return int(number)
        if self._edition == 2 and self._mars.get("class") is None:
            found = self.get("perturbationNumber", int)
            return None if found is None else int(found)
        return None

    def _is_control(self) -> bool:
        """Control forecast, of type cf or by code table 4.6."""
        return self._mars.get("type") == "cf" or self.get("typeOfEnsembleForecast", int) in (0, 1)

    def _others(self) -> dict[str, float]:
        found = {name: self.get(key, float) for key, name in _OTHER_AXES.items()}
        return {name: float(value) for name, value in found.items() if value is not None}

    def _probability(self) -> str:
        """A probability forecast (template 4.5 or 4.9) by its event: ``gt_10``."""
        if self.get("probabilityType") is None:
            return ""
        lower, upper = self.get("lowerLimit", float), self.get("upperLimit", float)
        bounds = [f"gt_{lower:g}" if lower is not None else "", f"lt_{upper:g}" if upper else ""]
        return "_".join(["prob", *filter(None, bounds)])

    def _identity(self) -> dict[str, str]:
        """What tells whole datasets apart: MARS keys, or the centre where there are none."""
        mars = {
            key: value
            for key, value in self._mars.items()
            if key not in _NOT_IDENTITY and not key.startswith("_")
        }
        if "type" in mars:
            mars["type"] = _ENSEMBLE.get(mars["type"], mars["type"])
        if "class" not in mars:
            mars["centre"] = str(self.get("centre") or "unknown")
        return mars

    def _relative_to_grid(self) -> int | None:
        """Whether vector components lie along the grid: bit 5 of table 3.3, which ecCodes names for some grids."""
        stated = self.get("uvRelativeToGrid", int)
        flags = self.get("resolutionAndComponentFlags", int)
        return stated if stated is not None or flags is None else int(bool(flags & 8))

    def _attributes(self, parameter: int, names: Mapping[str, str | None]) -> dict[str, Any]:
        own = {
            "GRIB_paramId": parameter or None,
            "GRIB_shortName": names["shortName"],
            "GRIB_cfVarName": names["cfVarName"],
            "GRIB_stepType": self.get("stepType"),
            "GRIB_typeOfLevel": self.get("typeOfLevel"),
            "GRIB_gridType": self.get("gridType"),
            "GRIB_edition": self._edition,
            "GRIB_centre": self.get("centre"),
            "GRIB_subCentre": self.get("subCentre"),
            "GRIB_tablesVersion": self.get("tablesVersion"),
            "GRIB_localTablesVersion": self.get("localTablesVersion", int) or None,
            "GRIB_uvRelativeToGrid": self._relative_to_grid(),
        }
        return {key: value for key, value in own.items() if value is not None}


def _months_after(origin: datetime, months: int) -> int:
    """Microseconds; raises Unreadable beyond the calendar."""
    try:
        return round((origin + relativedelta(months=months) - origin).total_seconds()) * 1_000_000
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"a step of {months} months") from error


@lru_cache(maxsize=4096)
def _standard_name(parameter: int) -> str | None:
    """The CF standard name that the parameter database gives in GRIB 2."""
    _quiet()
    handle = eccodes.codes_grib_new_from_samples("GRIB2")
    try:
        eccodes.codes_set(handle, "paramId", parameter)
        if int(eccodes.codes_get(handle, "paramId", ktype=int)) != parameter:
            return None
        found = str(eccodes.codes_get_string(handle, "cfName"))
    except eccodes.CodesInternalError:
        return None
    finally:
        eccodes.codes_release(handle)
    return None if found in _UNKNOWN else found


def hybrid_coefficients(message: bytes) -> tuple[list[float], list[float]] | None:
    """``a`` (Pa) and ``b`` at the half levels of hybrid level data, None where the message has none."""
    with opened(message) as handle:
        try:
            if not eccodes.codes_get(handle, "PVPresent", ktype=int):
                return None
            both = eccodes.codes_get_array(handle, "pv").tolist()
        except eccodes.CodesInternalError:
            return None
    half = len(both) // 2
    return both[:half], both[half:]
