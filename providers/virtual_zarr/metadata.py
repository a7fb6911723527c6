"""Metadata documents of groups and arrays: Zarr 3 (with consolidated metadata inline) and Zarr 2."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

from .arrays import ZSTD_LEVEL, Array

Document = dict[str, Any]

_ZSTD = {"level": ZSTD_LEVEL, "checksum": False}
_GROUP_2 = {"zarr_format": 2}


def of_group(
    key: str, attributes: Mapping[str, Any], arrays: Mapping[str, Array]
) -> Document | None:
    """The document of the group that a key names, None where it names none."""
    if key == "zarr.json":
        return _group_3(attributes, arrays)
    if key == ".zgroup":
        return _GROUP_2
    if key == ".zattrs":
        return dict(attributes)
    return _consolidated_2(attributes, arrays) if key == ".zmetadata" else None


def of_array(key: str, array: Array) -> Document | None:
    """The document of an array that a key under its name names, None where it names none."""
    if key == "zarr.json":
        return _array_3(array)
    if key == ".zattrs":
        return _attributes_2(array)
    return _array_2(array) if key == ".zarray" else None


def _group_3(attributes: Mapping[str, Any], arrays: Mapping[str, Array]) -> Document:
    """The group with the metadata of its arrays, as zarr-python writes it (``consolidated_metadata``, inline)."""
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": dict(attributes),
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": {name: _array_3(array) for name, array in arrays.items()},
        },
    }


def _array_3(array: Array) -> Document:
    """Zarr 3 core specification; text as in the extensions ``string`` and ``vlen-utf8``."""
    serializer: Document = {"name": "bytes"}
    if array.is_text:
        serializer = {"name": "vlen-utf8"}
    elif array.dtype.itemsize > 1:
        serializer["configuration"] = {"endian": "little"}
    attributes = dict(array.attributes)
    if array.fill is not None:
        attributes["_FillValue"] = _fill_of_xarray(array)
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(array.shape),
        "data_type": "string" if array.is_text else array.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(array.chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": _as_json(array.padding),
        "codecs": [serializer, {"name": "zstd", "configuration": _ZSTD}],
        "attributes": attributes,
        "dimension_names": list(array.dims),
    }


def _fill_of_xarray(array: Array) -> Any:
    """``_FillValue`` as xarray writes it into Zarr 3: floating point as the base64 of eight bytes."""
    if array.dtype.kind == "f":
        return base64.b64encode(struct.pack("<d", array.fill)).decode()
    return array.fill


def _consolidated_2(attributes: Mapping[str, Any], arrays: Mapping[str, Array]) -> Document:
    found: Document = {".zgroup": _GROUP_2, ".zattrs": dict(attributes)}
    for name, array in arrays.items():
        found[f"{name}/.zarray"] = _array_2(array)
        found[f"{name}/.zattrs"] = _attributes_2(array)
    return {"zarr_consolidated_format": 1, "metadata": found}


def _array_2(array: Array) -> Document:
    """Zarr 2 specification; null says that nothing is missing, as xarray takes the fill for ``_FillValue``."""
    return {
        "zarr_format": 2,
        "shape": list(array.shape),
        "chunks": list(array.chunks),
        "dtype": "|O" if array.is_text else array.dtype.str,
        "compressor": {"id": "zstd", **_ZSTD},
        "fill_value": None if array.fill is None else _as_json(array.fill),
        "order": "C",
        "filters": [{"id": "vlen-utf8"}] if array.is_text else None,
        "dimension_separator": ".",
    }


def _attributes_2(array: Array) -> Document:
    """Attributes with the names of dimensions, where xarray and GDAL look for them."""
    return {**array.attributes, "_ARRAY_DIMENSIONS": list(array.dims)}


def _as_json(fill: Any) -> Any:
    return "NaN" if isinstance(fill, float) and math.isnan(fill) else fill
