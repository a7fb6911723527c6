"""GeoJSON (RFC 7946) of places: one feature per cell and position of the axes, for maps and desktop GIS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from ..coverage import Coverage
from .base import Format
from .coveragejson_parameters import parameter
from .spool import Spool
from .tables import Table

_DIGITS = 7
"""Decimals of degrees: a centimetre."""


def write(coverage: Coverage) -> bytes:
    """The coverage as a FeatureCollection."""
    return b"".join(_pieces([coverage]))


def write_many(coverages: Sequence[Coverage]) -> bytes:
    """The features of one coverage after the other."""
    return b"".join(_pieces(coverages))


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same text batch by batch."""
    return _pieces([coverage])


def _pieces(coverages: Sequence[Coverage]) -> Iterator[bytes]:
    parameters = {variable.id: parameter(variable) for variable in coverages[0].variables}
    yield (
        b'{"type":"FeatureCollection","parameters":' + orjson.dumps(parameters) + b',"features":['
    )
    separator = b""
    for coverage in coverages:
        for batch in Table(coverage, typed=False).batches():
            features = b",".join(orjson.dumps(_feature(row)) for row in batch.to_pylist())
            yield separator + features
            separator = b","
    yield b"]}"


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    place = [round(row.pop("lon"), _DIGITS), round(row.pop("lat"), _DIGITS)]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": row,
    }


GEOJSON = Format(
    name="geojson",
    media_type="application/geo+json",
    title="GeoJSON",
    write=write,
    suffix=".geojson",
    stream=stream,
    write_many=write_many,
    bytes_per_value=150.0,
)
