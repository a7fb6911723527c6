"""Writing GRIB 2 messages with ecCodes: CCSDS packing, ECMWF's local section with MARS keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import eccodes
import numpy as np
from healpix_geo import nested
from numpy.typing import NDArray

from ogcapi.demo.fields import EPOCH
from ogcapi.demo.land import Floats

Keys = Mapping[str, Any]

TABLES = 34
EXPERIMENT = "demo"  # as expver; synthetic values must not look like operational ones
TEST_PRODUCT, DESTINE_TEST_PRODUCT = 1, 13  # code table 1.3, production status

BITS = {"2t": 12, "10u": 12, "10v": 12, "msl": 14, "tp": 14, "t": 12}
"""Bits per value: a part in 4096 of the range of a field is 0.03 K or 0.02 m s-1."""

MEMBER, ACCUMULATED = 1, 8  # product definition templates


def header(**keys: Any) -> dict[str, Any]:
    """What all messages begin with, then ``keys``; ecCodes wants them in this order."""
    return {
        "centre": "ecmf", "tablesVersion": TABLES, "setLocalDefinition": 1,
        "grib2LocalSectionNumber": 1, "productionStatusOfProcessedData": TEST_PRODUCT,
        "expver": EXPERIMENT, **keys,
    }  # fmt: skip


def start(hours: float) -> dict[str, int]:
    """The keys of a reference time, given in hours since the epoch of the weather."""
    when = EPOCH.astype(datetime).replace(tzinfo=UTC) + timedelta(hours=hours)
    return {"dataDate": int(f"{when:%Y%m%d}"), "dataTime": int(f"{when:%H%M}")}


def octahedral(number: int) -> tuple[dict[str, Any], Floats, Floats]:
    """Keys, longitudes and latitudes of the grid O``number``, row by row from the north.

    Row ``i`` of a hemisphere, counted from its pole, holds ``4 i + 20`` points from longitude 0.
    """
    nodes, _ = np.polynomial.legendre.leggauss(2 * number)
    rows = np.rad2deg(np.arcsin(nodes))[::-1]
    half = 4 * np.arange(number) + 20
    counts = np.concatenate([half, half[::-1]])
    longitude = np.concatenate([np.arange(count) * 360.0 / count for count in counts])
    keys = {
        "gridType": "reduced_gg", "N": number, "pl": counts,
        "latitudeOfFirstGridPointInDegrees": round(float(rows[0]), 6),
        "longitudeOfFirstGridPointInDegrees": 0.0,
        "latitudeOfLastGridPointInDegrees": round(float(rows[-1]), 6),
        "longitudeOfLastGridPointInDegrees": 360.0 - 360.0 / int(counts.max()),
    }  # fmt: skip
    return _sized(keys, longitude.size), longitude, np.repeat(rows, counts)


def healpix(level: int) -> tuple[dict[str, Any], Floats, Floats]:
    """Keys, longitudes and latitudes of all nested HEALPix cells of a refinement level."""
    cells = np.arange(12 * 4**level, dtype=np.uint64)
    longitude, latitude = nested.healpix_to_lonlat(cells, level)
    keys = {
        "gridType": "healpix", "Nside": 2**level, "orderingConvention": "nested",
        "longitudeOfFirstGridPointInDegrees": 45.0,
    }  # fmt: skip
    return _sized(keys, cells.size), longitude, latitude


def regular(step: float) -> tuple[dict[str, Any], Floats, Floats]:
    """Keys, a row of longitudes from 0 and a column of latitudes from 90 north."""
    columns, rows = round(360 / step), round(180 / step) + 1
    keys = {
        "gridType": "regular_ll", "Ni": columns, "Nj": rows,
        "latitudeOfFirstGridPointInDegrees": 90.0, "latitudeOfLastGridPointInDegrees": -90.0,
        "longitudeOfFirstGridPointInDegrees": 0.0,
        "longitudeOfLastGridPointInDegrees": 360.0 - step,
        "iDirectionIncrementInDegrees": step, "jDirectionIncrementInDegrees": step,
    }  # fmt: skip
    longitude, latitude = np.arange(columns) * step, 90.0 - np.arange(rows) * step
    return _sized(keys, rows * columns), longitude[None, :], latitude[:, None]


def _sized(keys: dict[str, Any], size: int) -> dict[str, Any]:
    return {
        **keys,
        "shapeOfTheEarth": 6,
        "numberOfDataPoints": size,
        "numberOfValues": size,
        "packingType": "grid_ccsds",
    }


@contextmanager
def template(keys: Keys) -> Iterator[int]:
    """A handle with the keys that messages share, for ``message``."""
    handle = eccodes.codes_grib_new_from_samples("GRIB2")
    try:
        _set(handle, keys)
        yield handle
    finally:
        eccodes.codes_release(handle)


def message(shared: int, name: str, values: NDArray[Any], keys: Keys) -> bytes:
    """One message: the parameter with short name ``name``, its values in scanning order."""
    handle = eccodes.codes_clone(shared)
    try:
        _set(handle, {**keys, "bitsPerValue": BITS[name]})
        eccodes.codes_set_values(handle, np.asarray(values, dtype=np.float64).ravel())
        encoded: bytes = eccodes.codes_get_message(handle)
        return encoded
    finally:
        eccodes.codes_release(handle)


def _set(handle: int, keys: Keys) -> None:
    for name, value in keys.items():
        if isinstance(value, np.ndarray):
            eccodes.codes_set_array(handle, name, value.tolist())
        else:
            eccodes.codes_set(handle, name, value)
