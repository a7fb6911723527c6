"""What the bands of a TIFF are: ids, attributes, missing values, categories with their colours."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
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
class StoredBand:
    """What GDAL says of one band. ``names`` and ``colours`` are by code, empty where the band has none."""

    number: int
    dtype: np.dtype[Any]
    role: ColorInterp
    description: str | None
    unit: str | None
    scale: float
    offset: float
    nodata: float | None
    masked: bool
    """A mask or alpha band hides cells of it."""
    tags: Mapping[str, str]
    names: Mapping[int, str]
    colours: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Band:
    """One band as a variable. ``hidden`` is what stands in cells that the mask takes out, None where no mask is."""

    number: int
    name: str
    dtype: np.dtype[Any]
    attributes: Mapping[str, Any]
    hidden: Any = None


def stored_bands(dataset: rasterio.DatasetReader, path: Path) -> list[StoredBand]:
    """All bands but alpha (all, where they are all alpha)."""
    names = _sidecar_names(path)
    if not names and dataset.count == 1:
        names = {1: _legend(dataset.tags().get("legend", ""))}
    roles = dataset.colorinterp
    # rasterio makes each of these lists anew whenever it is asked
    facts = zip(
        dataset.indexes, dataset.dtypes, roles, dataset.descriptions, dataset.units, dataset.scales,
        dataset.offsets, dataset.nodatavals, dataset.mask_flag_enums, strict=True,
    )  # fmt: skip
    bands = [
        StoredBand(
            number, _numpy_type(str(dtype)), role, description, unit, scale, offset, nodata,
            MaskFlags.per_dataset in flags or MaskFlags.alpha in flags,
            dataset.tags(number), names.get(number, {}), _colours(dataset, number, role),
        )
        for number, dtype, role, description, unit, scale, offset, nodata, flags in facts
    ]  # fmt: skip
    return [band for band in bands if band.role is not ColorInterp.alpha] or bands


def _numpy_type(name: str) -> np.dtype[Any]:
    """The type of a band; rasterio's names of complex integers are not NumPy's."""
    return np.dtype("complex64" if name.startswith("complex_int") else name)


def _colours(
    dataset: rasterio.DatasetReader, number: int, role: ColorInterp
) -> dict[int, tuple[int, ...]]:
    if role is not ColorInterp.palette:
        return {}
    try:
        return dict(dataset.colormap(number))
    except ValueError:
        return {}


def described(band: StoredBand, name: str) -> Band:
    """Type, attributes and missing values of a band whose values are numbers."""
    attributes = plain_tags(band.tags)
    if band.description and not attributes.get("long_name"):
        attributes["long_name"] = band.description
    if band.unit:
        attributes["units"] = band.unit
    if (band.scale, band.offset) != (1.0, 0.0):
        attributes["scale_factor"] = float(band.scale)
        attributes["add_offset"] = float(band.offset)
    attributes.update(_categories(band))
    fill = _as_stored(band.nodata, band.dtype)
    dtype, hidden = _hiding(band.dtype, fill) if band.masked else (band.dtype, None)
    if fill is None and hidden is not None and dtype.kind != "f":
        fill = hidden
    if fill is not None:
        attributes["_FillValue"] = dtype.type(fill)
    return Band(band.number, name, dtype, attributes, hidden)


def plain_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """Tags worth repeating as attributes."""
    return {
        name: text
        for name, text in tags.items()
        if text and _TAGS.fullmatch(name) and not _NOT_REPEATED.match(name)
    }


def band_names(bands: Sequence[StoredBand]) -> list[str]:
    """An id for each band: its description, the colour it stands for, else its number."""
    wanted = [_described(band) for band in bands]
    if not any(wanted) and set(_COLOURS) <= {band.role for band in bands}:
        wanted = [_COLOURS.get(band.role, "") for band in bands]
    count = Counter(wanted)
    taken = {name for name in wanted if count[name] == 1}
    names = []
    for band, name in zip(bands, wanted, strict=True):
        if not name or count[name] > 1:
            name = f"band{band.number}"
            while name in taken:
                name += "_"
            taken.add(name)
        names.append(name)
    return names


def _described(band: StoredBand) -> str:
    """A description as an id: as it is where it can be one, else in lower case with ``_``; empty where none fits."""
    text = (band.description or band.tags.get("long_name") or "").strip()
    if not _NAMED.fullmatch(text):
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        text = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if len(text) > 64 or text.isdigit() or text.lower() in _RESERVED | _COORDINATES:
        return ""
    return text


def _as_stored(value: Any, stored: np.dtype[Any]) -> Any:
    """A nodata value in the stored type; None where no stored number can be it, or where it is NaN."""
    if value is None or np.isnan(value):
        return None
    if stored.kind == "f":
        with np.errstate(over="ignore"):
            return stored.type(value)
    info = np.iinfo(stored)
    return stored.type(value) if info.min <= value <= info.max and value == int(value) else None


def _hiding(stored: np.dtype[Any], fill: Any) -> tuple[np.dtype[Any], Any]:
    """A type that can say missing, and how: nodata where there is one, else a number no stored value can be."""
    if stored.kind == "f":
        return stored, stored.type(np.nan)
    if fill is not None:
        return stored, fill
    wide = np.dtype(f"i{min(2 * stored.itemsize, 8)}") if stored.itemsize < 8 else stored
    return wide, wide.type(np.iinfo(wide).min if wide.kind == "i" else np.iinfo(wide).max)


# categories


def _categories(band: StoredBand) -> dict[str, Any]:
    """``flag_values``, ``flag_meanings`` and ``flag_colors`` of a band with class names or a colour table."""
    if band.dtype.kind not in "iu":
        return {}
    limits = np.iinfo(band.dtype)
    codes = [
        code
        for code in sorted(band.names) or _declared(band.colours)
        if limits.min <= code <= limits.max and code != band.nodata
    ]
    if not codes or len(codes) > 256:
        return {}
    words = [re.sub(r"\s+", "_", band.names.get(code, str(code))) for code in codes]
    found = {"flag_values": np.array(codes, band.dtype), "flag_meanings": " ".join(words)}
    if band.colours:
        shades = [band.colours.get(code, (0, 0, 0, 255)) for code in codes]
        found["flag_colors"] = " ".join(
            f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in shades
        )
    return found


def _declared(colours: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Codes with a colour of their own: tables are filled up with black; the first code may mean it."""
    return [
        code for code, colour in colours.items() if colour[3] and (any(colour[:3]) or code == 0)
    ]


def _legend(text: str) -> dict[int, str]:
    """Classes of a text of lines ``10  Tree cover``; nothing where a line is something else."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [_LEGEND.fullmatch(line) for line in lines]
    if len(lines) < 2 or not all(found):
        return {}
    return {int(match[1]): match[2] for match in found if match}


def _sidecar_names(path: Path) -> dict[int, dict[int, str]]:
    """Class names by band in ``name.tif.aux.xml``: GDAL category names or raster attribute tables."""
    sidecar = Path(f"{path}.aux.xml")
    try:
        if sidecar.stat().st_size > _LARGEST_SIDECAR:
            return {}
        root = ElementTree.parse(sidecar).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    found: dict[int, dict[int, str]] = {}
    for band in root.iterfind("./PAMRasterBand"):
        listed = [(item.text or "").strip() for item in band.iterfind("./CategoryNames/Category")]
        names = {code: name for code, name in enumerate(listed) if name}
        table = band.find("./GDALRasterAttributeTable")
        if band.get("band", "").isdecimal() and (names or table is not None):
            found[int(band.get("band", ""))] = names or _attribute_table(table)
    return found


_NAME, _MIN, _MIN_MAX = "2", "3", "5"
"""Usage of a column of a raster attribute table (GDALRATFieldUsage)."""


def _attribute_table(table: ElementTree.Element | None) -> dict[int, str]:
    if table is None:
        return {}
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
