"""GeoTIFF, BigTIFF and cloud-optimised GeoTIFF through rasterio: one variable per band, overviews as coarser groups."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from affine import Affine
from pyproj.exceptions import ProjError
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import Interleaving
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.transform import GCPTransformer, from_gcps

from config.errors import SourceUnavailable

from .base import Location, OpenFile, Raw, RawGroup, RawVariable, Reader, readable_chunks
from .raster_bands import Band, band_names, described, plain_tags, stored_bands
from .raster_handles import FAILURES, SIDECARS, BandBlocks, Handles, file_fingerprint
from .raster_times import Moment, moment_of

_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_MOST_PAGES = 64
_MOST_BANDS = 10_000
_LONGEST_SIDE = 1 << 20
_LARGEST_BLOCK = 256 << 20
"""Bytes of a tile or strip, which is decoded as a whole."""
_READ_UNIT = 1 << 20
"""Bytes that small tiles and strips are put together to."""
_MOST_WARPED = 4_000_000
"""Cells of a picture whose every cell is placed between ground control points."""
_DIMS = ("y", "x")


class Unplaced(ValueError):
    """A page that cannot be served, with the reason."""


class GeotiffReader(Reader):
    """TIFF files, every page of them; overviews, masks and ``.aux.xml`` beside the file count as part of it."""

    name = "geotiff"
    suffixes = (".tif", ".tiff", ".tff", ".gtiff")

    def accepts(self, location: Location) -> bool:
        path = Path(location)
        if location.endswith(SIDECARS) or not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4) in _SIGNATURES

    def fingerprint(self, location: Location) -> str:
        return file_fingerprint(location)

    def open(self, location: Location) -> OpenFile:
        mark = self.fingerprint(location)
        handles = Handles(location, mark)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                groups = tuple(_pages(handles))
        except FAILURES as error:
            handles.close()
            raise SourceUnavailable(
                f"not a readable GeoTIFF file: {handles.reason(error)}"
            ) from error
        return OpenFile(location, groups, mark, handles.close)


def _pages(handles: Handles) -> Iterator[RawGroup]:
    with handles.borrow() as dataset:
        count = len(dataset.subdatasets)
    if count < 2:
        yield _Page(handles, "", "").group()
        return
    for number in range(1, count + 1):
        path = f"page{number}"
        if number > _MOST_PAGES:
            reason = f"only the first {_MOST_PAGES} pages of a file are read"
            yield RawGroup("", {}, {}, refused={f"pages {number} to {count}": reason})
            return
        yield _Page(handles, f"GTIFF_DIR:{number}:", path).group()


@dataclass(frozen=True)
class _Place:
    """Where the cells of a page are: variables that say so, besides an affine transform."""

    crs: str | None
    affine: Affine | None
    coordinates: dict[str, RawVariable]


class _Page:
    """One image of a file with its overviews."""

    def __init__(self, handles: Handles, prefix: str, path: str) -> None:
        self._handles = handles
        self._prefix = prefix
        self._path = path

    def group(self) -> RawGroup:
        with self._handles.borrow(self._prefix) as dataset:
            attributes = plain_tags(dataset.tags())
            if dataset.count > _MOST_BANDS:
                reason = f"more than {_MOST_BANDS}"
                return RawGroup(
                    self._path, {}, attributes, refused={f"{dataset.count} bands": reason}
                )
            stored = stored_bands(dataset, Path(self._handles.location))
            names = band_names(stored)
            try:
                place = self._place(dataset)
                _refuse_huge(dataset, stored[0].dtype)
            except Unplaced as error:
                reasons = dict.fromkeys(names, str(error))
                return RawGroup(self._path, {}, attributes, refused=reasons)
            refused = {
                name: "complex numbers"
                for band, name in zip(stored, names, strict=True)
                if band.dtype.kind not in "iuf"
            }
            bands = [
                described(band, name)
                for band, name in zip(stored, names, strict=True)
                if name not in refused
            ]
            moment = moment_of(dataset.tags(), [band.tags for band in stored])
            shape, blocks = dataset.shape, dataset.block_shapes
            levels = len(dataset.overviews(1)) if place.affine is not None and bands else 0
            method = _overview_method(dataset)
        variables = self._variables(bands, shape, blocks, None)
        around = {**place.coordinates, **_time_variables(moment)}
        return RawGroup(
            self._path,
            {**variables, **around, **_mapping(place.crs, place.affine)},
            attributes,
            frozenset(variables),
            coarser=tuple(
                self._coarser(level, method, bands, shape, place, around) for level in range(levels)
            ),
            refused=refused,
        )

    def _coarser(
        self,
        level: int,
        method: str | None,
        bands: list[Band],
        shape: tuple[int, int],
        place: _Place,
        around: dict[str, RawVariable],
    ) -> RawGroup:
        """An overview: the same area in fewer cells."""
        assert place.affine is not None
        with self._handles.borrow(self._prefix, level) as dataset:
            own, blocks = dataset.shape, dataset.block_shapes
        scaled = place.affine * Affine.scale(shape[1] / own[1], shape[0] / own[0])
        variables = self._variables(bands, own, blocks, level)
        return RawGroup(
            f"{self._path}/overview{level}".strip("/"),
            {**variables, **around, **_mapping(place.crs, scaled)},
            {} if method is None else {"overview_resampling": method},
            frozenset(variables),
        )

    def _variables(
        self,
        bands: list[Band],
        shape: tuple[int, int],
        blocks: list[tuple[int, int]],
        level: int | None,
    ) -> dict[str, RawVariable]:
        return {
            band.name: RawVariable(
                name=band.name,
                dims=_DIMS,
                shape=shape,
                dtype=band.dtype,
                chunks=_read_unit(blocks[band.number - 1], shape, band.dtype.itemsize),
                attributes=band.attributes,
                source=BandBlocks(
                    self._handles, self._prefix, level, band.number, band.dtype, band.hidden
                ),
            )
            for band in bands
        }

    # places

    def _place(self, dataset: rasterio.DatasetReader) -> _Place:
        """CRS and transform; coordinates of every cell where only ground control points say where it is."""
        if dataset.transform != Affine.identity():
            return _Place(_wkt(dataset.crs), dataset.transform, {})
        points, crs = dataset.gcps
        if points:
            return _between(points, crs, dataset.shape)
        if dataset.rpcs is not None:
            raise Unplaced("rational polynomial coefficients: their cells need a terrain model")
        raise Unplaced("a picture without a place: neither a transform nor ground control points")


def _refuse_huge(dataset: rasterio.DatasetReader, dtype: np.dtype[Any]) -> None:
    if max(dataset.shape) > _LONGEST_SIDE:
        raise Unplaced(f"{dataset.width} × {dataset.height} cells, more than is served")
    rows, columns = dataset.block_shapes[0]
    together = dataset.count if dataset.interleaving is Interleaving.pixel else 1
    size = rows * columns * dtype.itemsize * together
    if size > _LARGEST_BLOCK:
        raise Unplaced(
            f"stored in pieces of {size >> 20} MB, each of which has to be read as a whole; "
            "write it with tiles (gdal_translate -of COG)"
        )


def _overview_method(dataset: rasterio.DatasetReader) -> str | None:
    """How overviews were made (``nearest``, ``average`` …), where the file says so."""
    stated = dataset.tags(ns="IMAGE_STRUCTURE").get("OVERVIEW_RESAMPLING")
    stated = stated or dataset.tags().get("OVR_RESAMPLING_ALG")
    return stated.lower() if stated else None


def _wkt(crs: CRS | None) -> str | None:
    """A CRS as WKT; None for one that cannot be transformed to longitude and latitude, as where none is stated."""
    if not crs:
        return None
    try:
        wkt = str(crs.to_wkt(version="WKT2_2019"))
    except CRSError:
        wkt = str(crs.to_wkt())
    try:
        pyproj.Transformer.from_crs(wkt, "OGC:CRS84", always_xy=True)
    except ProjError:
        return None
    return wkt


def _mapping(crs: str | None, affine: Affine | None) -> dict[str, RawVariable]:
    """CRS and transform as GDAL writes them into netCDF."""
    attributes: dict[str, Any] = {} if crs is None else {"crs_wkt": crs}
    if affine is not None:
        attributes["GeoTransform"] = " ".join(repr(float(part)) for part in affine.to_gdal())
    return {"spatial_ref": _constant("spatial_ref", (), np.int32(0), attributes)}


def _read_unit(block: tuple[int, int], shape: tuple[int, int], itemsize: int) -> tuple[int, int]:
    """Whole tiles or strips of about a megabyte together; parts of a strip that is larger than that by far."""
    rows, columns = (min(size, most) for size, most in zip(block, shape, strict=True))
    if rows * columns * itemsize > 16 * _READ_UNIT:
        found = readable_chunks(shape, itemsize)
        return found[0], found[1]
    while rows * columns * itemsize * 2 <= _READ_UNIT and (rows, columns) != shape:
        if columns < shape[1] and (columns <= rows or rows >= shape[0]):
            columns = min(2 * columns, shape[1])
        else:
            rows = min(2 * rows, shape[0])
    return rows, columns


# ground control points


def _between(points: list[GroundControlPoint], crs: CRS | None, shape: tuple[int, int]) -> _Place:
    """An affine transform where it meets every point within half a cell, else the cells between the points."""
    affine = from_gcps(points)
    if affine.determinant:
        back = ~affine
        away = [np.hypot(*np.subtract(back @ (p.x, p.y), (p.col, p.row))) for p in points]
        if max(away) < 0.5:
            return _Place(_wkt(crs), affine, {})
    if len(points) < 4:
        raise Unplaced("too few ground control points")
    if shape[0] * shape[1] > _MOST_WARPED:
        raise Unplaced(
            f"ground control points that no affine transform meets, for more than {_MOST_WARPED} cells; "
            "write it on a regular grid (gdalwarp)"
        )
    wkt = _wkt(crs)
    if wkt is None:
        raise Unplaced("ground control points without a CRS of the Earth")
    lon, lat = _warped(points, wkt, shape)
    return _Place(
        None,
        None,
        {
            "longitude": _constant("longitude", _DIMS, lon, {"standard_name": "longitude"}),
            "latitude": _constant("latitude", _DIMS, lat, {"standard_name": "latitude"}),
        },
    )


def _warped(points: list[GroundControlPoint], wkt: str, shape: tuple[int, int]) -> tuple[Raw, Raw]:
    """Longitudes and latitudes of all cells by a thin-plate spline through the points."""
    to_degrees = pyproj.Transformer.from_crs(wkt, "OGC:CRS84", always_xy=True)
    x, y = (
        np.asarray(part)
        for part in to_degrees.transform(*np.transpose([(p.x, p.y) for p in points]))
    )
    x = np.where(x < 0, x + 360.0, x) if np.ptp(x) > 180.0 else x
    placed = [
        GroundControlPoint(row=p.row, col=p.col, x=float(lon), y=float(lat))
        for p, lon, lat in zip(points, x, y, strict=True)
    ]
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    try:
        with GCPTransformer(placed, tps=True) as spline:
            lon, lat = spline.xy(rows, columns)
    except RasterioError as error:
        raise Unplaced("ground control points that contradict each other") from error
    return np.reshape(lon, shape), np.reshape(lat, shape)


# variables that are not bands


@dataclass(frozen=True)
class _Constant:
    """An array in memory."""

    values: Raw

    def load(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Raw:
        block: Raw = self.values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        return block


def _constant(
    name: str, dims: tuple[str, ...], values: Any, attributes: dict[str, Any]
) -> RawVariable:
    array = np.asarray(values)
    return RawVariable(
        name, dims, array.shape, array.dtype, array.shape, attributes, _Constant(array)
    )


def _time_variables(moment: Moment | None) -> dict[str, RawVariable]:
    if moment is None:
        return {}
    attributes = {
        "standard_name": "time",
        "units": moment.units,
        "calendar": moment.calendar,
    }
    if moment.bounds is None:
        return {"time": _constant("time", (), np.float64(moment.value), attributes)}
    attributes["bounds"] = "time_bnds"
    return {
        "time": _constant("time", (), np.float64(moment.value), attributes),
        "time_bnds": _constant("time_bnds", ("bnds",), np.array(moment.bounds), {}),
    }
