"""What the bands of a TIFF are: ids, attributes, missing values, categories with their colours."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags

_NAMED = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_RESERVED = {"x", "y", "crs", "spatial_ref", "time", "time_bnds", "bnds"}
_COORDINATES = {"lat", "lon", "latitude", "longitude", "lats", "lons", "nav_lat", "nav_lon", "long"}
_COLOURS = {
    ColorInterp.red: "red",
    ColorInterp.green: "green",
    ColorInterp.blue: "blue",
}
_LEGEND = re.compile(r"\s*(\d+)\s*[:=,;\t ]\s*(\S.*?)\s*")
_TAGS = re.compile(r"[A-Za-z_][\w.#-]*", re.ASCII)
_NOT_REPEATED = re.compile(
    r"(STATISTICS_|proj:|spatial:|TIFFTAG_(X|Y)?RES|_FillValue$|missing_value$|scale_factor$|add_offset$|valid_"
    r"|coordinates$|grid_mapping|spatial_ref$|crs_wkt$|GeoTransform$|bounds$|climatology$|axis$|positive$|calendar$"
    r"|AREA_OR_POINT$|OVR_RESAMPLING_ALG$|_Unsigned$|DIMENSION_LABELS$)"
)
"""Tags about storage: GDAL applies them itself, or they speak of variables that the file does not hold."""
_LARGEST_SIDECAR = 4 << 20


@dataclass(frozen=True)
class Band:
    """One band as a variable. ``hidden`` is what stands in cells that the mask takes out, None where no mask is."""

    number: int
    name: str
    dtype: np.dtype[Any]
    attributes: Mapping[str, Any]
    hidden: Any = None


def data_bands(dataset: rasterio.DatasetReader) -> list[int]:
    """Numbers of the bands that are data: all but alpha."""
    plain = [
        number
        for number, role in zip(dataset.indexes, dataset.colorinterp, strict=True)
        if role is not ColorInterp.alpha
    ]
    return plain or list(dataset.indexes)


def describe_band(dataset: rasterio.DatasetReader, number: int, name: str, path: Path) -> Band:
    """Type, attributes and missing values of a band whose values are numbers."""
    stored = np.dtype(dataset.dtypes[number - 1])
    attributes = plain_tags(dataset.tags(number))
    title = dataset.descriptions[number - 1]
    if title and not attributes.get("long_name"):
        attributes["long_name"] = title
    if dataset.units[number - 1]:
        attributes["units"] = dataset.units[number - 1]
    scale, offset = dataset.scales[number - 1], dataset.offsets[number - 1]
    if (scale, offset) != (1.0, 0.0):
        attributes["scale_factor"], attributes["add_offset"] = float(scale), float(offset)
    attributes.update(_categories(dataset, number, stored, path))
    fill = _as_stored(dataset.nodatavals[number - 1], stored)
    flags = dataset.mask_flag_enums[number - 1]
    dtype, hidden = stored, None
    if MaskFlags.per_dataset in flags or MaskFlags.alpha in flags:
        dtype, hidden = _hiding(stored, fill)
    if fill is None and hidden is not None and dtype.kind != "f":
        fill = hidden
    if fill is not None:
        attributes["_FillValue"] = dtype.type(fill)
    return Band(number, name, dtype, attributes, hidden)


def plain_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """Tags worth repeating as attributes."""
    return {
        name: text
        for name, text in tags.items()
        if text and _TAGS.fullmatch(name) and not _NOT_REPEATED.match(name)
    }


def band_names(dataset: rasterio.DatasetReader, numbers: list[int]) -> dict[int, str]:
    """An id for each band: its description, the colour it stands for, else its number."""
    wanted = {number: _described(dataset, number) for number in numbers}
    roles = [dataset.colorinterp[number - 1] for number in numbers]
    if not any(wanted.values()) and set(_COLOURS) <= set(roles):
        wanted = {
            number: _COLOURS.get(role, "") for number, role in zip(numbers, roles, strict=True)
        }
    count = Counter(wanted.values())
    names = {number: name for number, name in wanted.items() if name and count[name] == 1}
    for number in numbers:
        if number not in names:
            free = f"band{number}"
            while free in names.values():
                free += "_"
            names[number] = free
    return names


def _described(dataset: rasterio.DatasetReader, number: int) -> str:
    """A description as an id: as it is where it can be one, else in lower case with ``_``; empty where none fits."""
    text = dataset.descriptions[number - 1] or dataset.tags(number).get("long_name") or ""
    text = text.strip()
    if not _NAMED.fullmatch(text):
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        text = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if len(text) > 64 or text.isdigit() or text.lower() in _RESERVED | _COORDINATES:
        return ""
    return text


def _as_stored(value: Any, stored: np.dtype[Any]) -> Any:
    """A nodata value in the stored type; None where no stored number can be it, or where it is NaN."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if stored.kind == "f":
        with np.errstate(over="ignore"):
            return stored.type(value)
    info = np.iinfo(stored)
    return stored.type(value) if value == int(value) and info.min <= value <= info.max else None


def _hiding(stored: np.dtype[Any], fill: Any) -> tuple[np.dtype[Any], Any]:
    """A type that can say missing, and how: nodata where there is one, else a number no stored value can be."""
    if stored.kind == "f":
        return stored, stored.type(np.nan)
    if fill is not None:
        return stored, fill
    wide = np.dtype(f"i{min(2 * stored.itemsize, 8)}") if stored.itemsize < 8 else stored
    return wide, wide.type(np.iinfo(wide).min if wide.kind == "i" else np.iinfo(wide).max)


# categories


def _categories(
    dataset: rasterio.DatasetReader, number: int, stored: np.dtype[Any], path: Path
) -> dict[str, Any]:
    """``flag_values``, ``flag_meanings`` and ``flag_colors`` of a band with class names or a colour table."""
    if stored.kind not in "iu":
        return {}
    names = _sidecar_names(path, number) or (
        _legend(dataset.tags().get("legend", "")) if dataset.count == 1 else {}
    )
    colours = _colours(dataset, number)
    codes = sorted(names) if names else _declared(colours, dataset.nodatavals[number - 1])
    limits = np.iinfo(stored)
    codes = [code for code in codes if limits.min <= code <= limits.max]
    if not codes or len(codes) > 256:
        return {}
    words = [re.sub(r"\s+", "_", names.get(code, str(code))) for code in codes]
    found = {"flag_values": np.array(codes, stored), "flag_meanings": " ".join(words)}
    if colours:
        shades = [colours.get(code, (0, 0, 0, 255)) for code in codes]
        found["flag_colors"] = " ".join(
            f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in shades
        )
    return found


def _colours(dataset: rasterio.DatasetReader, number: int) -> dict[int, tuple[int, int, int, int]]:
    if dataset.colorinterp[number - 1] is not ColorInterp.palette:
        return {}
    try:
        return dict(dataset.colormap(number))
    except ValueError:
        return {}


def _declared(colours: Mapping[int, tuple[int, ...]], nodata: Any) -> list[int]:
    """Codes with a colour of their own: tables are filled up with black; the first code may mean it."""
    return [
        code
        for code, colour in colours.items()
        if code != nodata and colour[3] and (any(colour[:3]) or code == 0)
    ]


def _legend(text: str) -> dict[int, str]:
    """Classes of a text of lines ``10  Tree cover``; nothing where a line is something else."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_LEGEND.fullmatch(line) for line in lines]
    if len(lines) < 2 or not all(found):
        return {}
    return {int(match[1]): match[2] for match in found if match}


def _sidecar_names(path: Path, number: int) -> dict[int, str]:
    """Class names of a band in ``name.tif.aux.xml``: GDAL category names or a raster attribute table."""
    sidecar = Path(f"{path}.aux.xml")
    try:
        if sidecar.stat().st_size > _LARGEST_SIDECAR:
            return {}
        root = ElementTree.parse(sidecar).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    band = root.find(f"./PAMRasterBand[@band='{number}']")
    if band is None:
        return {}
    listed = [(item.text or "").strip() for item in band.iterfind("./CategoryNames/Category")]
    names = {code: name for code, name in enumerate(listed) if name}
    table = band.find("./GDALRasterAttributeTable")
    return names or ({} if table is None else _attribute_table(table))


_NAME, _MIN, _MIN_MAX = "2", "3", "5"
"""Usage of a column of a raster attribute table (GDALRATFieldUsage)."""


def _attribute_table(table: ElementTree.Element) -> dict[int, str]:
    usage = [field.findtext("Usage", "").strip() for field in table.iterfind("FieldDefn")]
    value = next((at for at, use in enumerate(usage) if use in (_MIN_MAX, _MIN)), None)
    name = next((at for at, use in enumerate(usage) if use == _NAME), None)
    if value is None or name is None:
        return {}
    found: dict[int, str] = {}
    for row in table.iterfind("Row"):
        cells = [(cell.text or "").strip() for cell in row.iterfind("F")]
        if max(value, name) < len(cells) and re.fullmatch(r"-?\d+(\.0*)?", cells[value]):
            found[int(float(cells[value]))] = cells[name]
    return {code: text for code, text in found.items() if text}
