"""GRIB files of the demo as ecCodes reads them, message by message."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eccodes
import numpy as np

NUMBERS = (
    "level", "number", "Nside", "N", "numberOfDataPoints", "isOctahedral", "bitsPerValue",
    "productDefinitionTemplateNumber", "typeOfProcessedData", "startStep", "endStep", "dataDate",
    "dataTime", "productionStatusOfProcessedData", "Ni", "Nj", "numberOfForecastsInEnsemble",
    "bitmapPresent", "shapeOfTheEarth",
)  # fmt: skip
TEXTS = (
    "shortName", "units", "gridType", "packingType", "typeOfLevel", "stepRange", "stepType",
    "orderingConvention", "dataType", "expver",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """Keys of a message, its MARS namespace, and its values with their places, in its own order."""

    keys: dict[str, Any]
    mars: dict[str, str]
    values: np.ndarray

    def __getitem__(self, name: str) -> Any:
        return self.keys[name]

    @property
    def precision(self) -> float:
        """A packing step, and a little for values that were computed in single precision."""
        step = np.ptp(self.values) / 2 ** self["bitsPerValue"]
        return float(step + 2e-6 * np.abs(self.values).max())


def messages(path: Path) -> list[Message]:
    return [
        Message(_keys(handle), _mars(handle), eccodes.codes_get_values(handle))
        for handle in handles(path)
    ]


def places(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of the first message, as ecCodes has them."""
    with closing(handles(path)) as found:
        handle = next(found)
        longitudes, latitudes = (
            eccodes.codes_get_array(handle, name) for name in ("longitudes", "latitudes")
        )
    return longitudes, latitudes


def handles(path: Path) -> Generator[int]:
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            try:
                yield handle
            finally:
                eccodes.codes_release(handle)


def _keys(handle: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for names, kind in ((NUMBERS, int), (TEXTS, str)):
        for name in names:
            with suppress(eccodes.KeyValueNotFoundError):
                found[name] = eccodes.codes_get(handle, name, ktype=kind)
    return found


def _mars(handle: int) -> dict[str, str]:
    iterator = eccodes.codes_keys_iterator_new(handle, "mars")
    found: dict[str, str] = {}
    try:
        while eccodes.codes_keys_iterator_next(iterator):
            name = eccodes.codes_keys_iterator_get_name(iterator)
            found[name] = eccodes.codes_get(handle, name, ktype=str)
    finally:
        eccodes.codes_keys_iterator_delete(iterator)
    return found
