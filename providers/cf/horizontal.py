"""Which grid a variable is on: found from CF, xdggs and GeoZarr metadata, or stated in the configuration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from pyproj.exceptions import ProjError

from ..grids import (
    CurvilinearGrid,
    Grid,
    HealpixGrid,
    PointGrid,
    ProjectedGrid,
    RectilinearGrid,
)
from ..grids.base import Floats
from ..readers.base import RawGroup, RawVariable
from .coordinates import NoGrid, degrees, is_latitude, is_longitude, steady
from .packing import coordinate_values
from .projections import in_crs_units, is_rotated, parse_cf_crs
from .reduced import counted_rows, rows_of

_ROUNDED = 20
"""Centres of even cells are off by at most this part of a cell."""
_X_NAMES, _Y_NAMES = {"x", "easting", "xc", "xgeo"}, {"y", "northing", "yc", "ygeo"}


@dataclass(frozen=True)
class Placement:
    """A grid, the array dimensions it lies on (None: a dimension the data left out), and the coordinates it used."""

    grid: Grid
    dims: tuple[str | None, ...]
    coordinates: frozenset[str]
    crs: str | None = None


class GridFinder:
    """Finds grids in one group; each pair of coordinates is read and built once."""

    def __init__(self, group: RawGroup, hints: Mapping[str, Any] | None = None) -> None:
        self._group = group
        self._hints = dict(hints or {})
        self._built: dict[tuple[str, ...], Placement | NoGrid] = {}
        variables = group.variables.values()
        self._lines = [v for v in variables if len(v.dims) == 1]
        self._latitudes = [steady(v) for v in variables if is_latitude(v)]
        self._longitudes = [steady(v) for v in variables if is_longitude(v)]

    def place(self, variable: RawVariable) -> Placement:
        """The grid of a variable; raises NoGrid with the reason."""
        return (
            self._stated(variable)
            or self._healpix(variable)
            or self._geographic(variable)
            or self._reduced(variable)
            or self._projected(variable)
            or self._fixed(variable)
            or _refuse(variable)
        )

    # stated in the configuration

    def _stated(self, variable: RawVariable) -> Placement | None:
        hints = self._hints
        if hints.get("type") == "healpix":
            nside = int(hints["nside"]) if "nside" in hints else _nside_of_size(variable)
            cells = self._named(hints["index"]) if "index" in hints else None
            if cells is not None and (len(cells.dims) != 1 or cells.dims[0] not in variable.dims):
                return None
            return self._once(
                ("stated", str(nside)),
                lambda: self._build_healpix(variable, {**hints, "nside": nside}, cells),
            )
        names = hints.get("latitude"), hints.get("longitude")
        if not all(names):
            return None
        lat, lon = (self._named(str(name)) for name in names)
        return self._pair(variable, lat, lon)

    def _named(self, name: str) -> RawVariable:
        if name not in self._group.variables:
            raise NoGrid(f"the coordinate variable {name} of the configuration does not exist")
        return self._group.variables[name]

    # HEALPix

    def _healpix(self, variable: RawVariable) -> Placement | None:
        mapping = self._mapping(variable)
        cells = self._cell_ids(variable)
        facts: dict[str, Any] = {}
        if mapping is not None and mapping.attributes.get("grid_mapping_name") == "healpix":
            facts = dict(mapping.attributes)
        elif cells is not None:
            facts = dict(cells.attributes)
        else:
            return None
        key = ("healpix", *(str(v.name) for v in (mapping, cells) if v is not None))
        return self._once(key, lambda: self._build_healpix(variable, facts, cells))

    def _build_healpix(
        self, variable: RawVariable, facts: dict[str, Any], cells: RawVariable | None
    ) -> Placement:
        level = next(
            (facts[k] for k in ("refinement_level", "level", "depth", "resolution") if k in facts),
            None,
        )
        nside = facts.get("healpix_nside", facts.get("nside"))
        size = int(np.asarray(nside).ravel()[0]) if nside is not None else 0
        if not size and level is not None:
            size = 2 ** int(np.asarray(level).ravel()[0])
        if not size:
            size = _nside_of_size(variable)
        order = facts.get("indexing_scheme", facts.get("healpix_order", facts.get("order")))
        ids = None if cells is None else coordinate_values(cells)
        dim = cells.dims[0] if cells is not None else _dim_of_size(variable, 12 * size**2)
        used = frozenset() if cells is None else frozenset((cells.name,))
        return Placement(HealpixGrid(size, nested=_is_nested(order), cells=ids), (dim,), used)

    def _cell_ids(self, variable: RawVariable) -> RawVariable | None:
        """The coordinate of cell ids: CF standard name ``healpix_index`` or xdggs attributes."""
        for candidate in self._lines:
            if candidate.dims[0] not in variable.dims:
                continue
            attributes = candidate.attributes
            if (
                attributes.get("standard_name") == "healpix_index"
                or attributes.get("grid_name") == "healpix"
            ):
                return candidate
        return None

    # latitude and longitude

    def _geographic(self, variable: RawVariable) -> Placement | None:
        listed = _listed(variable)
        pairs = [
            (lat, lon)
            for lat in _preferred(self._latitudes, listed)
            for lon in _preferred(self._longitudes, listed)
            if _fits(variable, lat) and _fits(variable, lon) and _same_family(lat, lon)
        ]
        reason: NoGrid | None = None
        for rank in range(5):
            for lat, lon in pairs:
                if _rank(lat, lon) == rank:
                    try:
                        return self._pair(variable, lat, lon)
                    except NoGrid as error:
                        reason = reason or error
        if reason is not None:
            raise reason
        return None

    def _pair(self, variable: RawVariable, lat: RawVariable, lon: RawVariable) -> Placement:
        key = ("pair", lat.name, lon.name)
        return self._once(key, lambda: self._build_pair(lat, lon))

    def _build_pair(self, lat: RawVariable, lon: RawVariable) -> Placement:
        used = frozenset((lat.name, lon.name))
        y, x = degrees(lat), degrees(lon)
        if len(lat.dims) == 2:
            return Placement(CurvilinearGrid(x, y), lat.dims, used)
        if lat.dims == lon.dims and lat.dims:
            rows = None if self._radius is not None else rows_of(x, y)
            return Placement(rows or PointGrid(x, y, radius=self._radius), lat.dims, used)
        if not lat.dims and not lon.dims:
            return Placement(PointGrid(x, y, radius=self._radius), (None,), used)
        dims = (lat.dims[0] if lat.dims else None, lon.dims[0] if lon.dims else None)
        return Placement(RectilinearGrid(y, x), dims, used)

    def _reduced(self, variable: RawVariable) -> Placement | None:
        """A reduced Gaussian grid by the number of cells in each row."""
        found = counted_rows(variable, self._group.variables)
        if found is None:
            return None
        grid, dim, used = found
        return self._once(("reduced", dim, grid.key), lambda: Placement(grid, (dim,), used))

    @property
    def _radius(self) -> float | None:
        value = self._hints.get("radius")
        return None if value is None else float(value)

    def _fixed(self, variable: RawVariable) -> Placement | None:
        """A mooring: positions stored over a dimension of their own that all say the same place."""
        listed = _listed(variable)
        lats, lons = _preferred(self._latitudes, listed), _preferred(self._longitudes, listed)
        if len(lats) != 1 or len(lons) != 1 or len(lats[0].dims) > 1 or len(lons[0].dims) > 1:
            return None
        if set(lats[0].dims + lons[0].dims) & set(variable.dims):
            return None

        def build() -> Placement:
            y, x = np.unique(degrees(lats[0])), np.unique(degrees(lons[0]))
            if len(x) != 1 or len(y) != 1:
                raise NoGrid(
                    "positions are stored over a dimension that the variable does not have"
                )
            return Placement(
                PointGrid(x, y, radius=self._radius),
                (None,),
                frozenset((lats[0].name, lons[0].name)),
            )

        return self._once(("fixed", lats[0].name, lons[0].name), build)

    # projections

    def _projected(self, variable: RawVariable) -> Placement | None:
        crs = self._crs(variable)
        if crs is None:
            mapping = self._mapping(variable)
            if mapping is not None and "GeoTransform" in mapping.attributes:
                raise NoGrid("no CRS; `crs` of the configuration can state it (crs: EPSG:4326)")
            return None
        x, y = self._coordinate(variable, "x"), self._coordinate(variable, "y")
        names = tuple(axis.name for axis in (x, y) if axis is not None)
        key = ("projected", crs.to_string(), *names, *map(str, variable.shape[-2:]))
        return self._once(key, lambda: self._build_projected(variable, crs, x, y))

    def _build_projected(
        self, variable: RawVariable, crs: pyproj.CRS, x: RawVariable | None, y: RawVariable | None
    ) -> Placement:
        dims: tuple[str | None, ...]
        if x is not None and y is not None:
            facts = {} if (mapping := self._mapping(variable)) is None else mapping.attributes
            columns, rows = in_crs_units(x, crs, facts), in_crs_units(y, crs, facts)
            dims, used = (y.dims[0], x.dims[0]), frozenset((x.name, y.name))
        else:
            return _in_plane(crs, self._affine(variable), variable)
        if crs.is_geographic and not is_rotated(crs):
            return Placement(RectilinearGrid(rows, columns), dims, used, crs.to_string())
        return Placement(_mesh(crs, columns, rows), dims, used, crs.to_string())

    def _affine(self, variable: RawVariable) -> tuple[float, ...]:
        """From GeoZarr ``spatial:transform`` or GDAL ``GeoTransform``, in the order of the first."""
        mapping = self._mapping(variable)
        sources = [
            variable.attributes,
            self._group.attributes,
            mapping.attributes if mapping else {},
        ]
        for attributes in sources:
            affine = attributes.get("spatial:transform")
            if affine is not None:
                return tuple(float(part) for part in list(affine)[:6])
            gdal = attributes.get("GeoTransform")
            if gdal is not None:
                parts = gdal.split() if isinstance(gdal, str) else list(gdal)
                c, a, b, f, d, e = (float(part) for part in parts[:6])
                return a, b, c, d, e, f
        raise NoGrid("a projection, but neither x and y coordinates nor an affine transform")

    def _crs(self, variable: RawVariable) -> pyproj.CRS | None:
        stated = self._hints.get("crs")
        candidates: list[Any] = [stated] if stated else []
        mapping = self._mapping(variable)
        if mapping is not None:
            candidates.append(dict(mapping.attributes))
        for attributes in (variable.attributes, self._group.attributes):
            candidates += [
                attributes.get(name)
                for name in ("proj:code", "proj:epsg", "proj:wkt2", "proj:projjson")
            ]
            candidates.append(attributes.get("crs_wkt"))
        for candidate in candidates:
            if candidate is not None and (crs := parse_cf_crs(candidate)) is not None:
                return crs
        return None

    def _mapping(self, variable: RawVariable) -> RawVariable | None:
        """The grid mapping variable (CF 5.6; the extended form ``crs: x y`` too), ``spatial_ref`` by convention."""
        text = str(variable.attributes.get("grid_mapping", "")).strip()
        names = [text.split()[0].rstrip(":")] if text else ["spatial_ref", "crs"]
        found = next(
            (self._group.variables[name] for name in names if name in self._group.variables), None
        )
        if found is not None and not text and not (found.attributes and len(found.dims) == 0):
            return None
        return found

    def _coordinate(self, variable: RawVariable, which: str) -> RawVariable | None:
        standard = {f"projection_{which}_coordinate", f"projection_{which}_angular_coordinate"}
        standard |= {"grid_longitude"} if which == "x" else {"grid_latitude"}
        names = _X_NAMES if which == "x" else _Y_NAMES
        for dim in variable.dims:
            candidate = self._group.variables.get(dim)
            if candidate is None or candidate.dims != (dim,):
                continue
            attributes = candidate.attributes
            if (
                attributes.get("standard_name") in standard
                or str(attributes.get("axis", "")).upper() == which.upper()
            ):
                return candidate
            if dim.lower() in names:
                return candidate
        return None

    def _once(self, key: tuple[str, ...], build: Any) -> Placement:
        if key not in self._built:
            try:
                self._built[key] = build()
            except NoGrid as error:
                self._built[key] = error
            except (ValueError, ProjError) as error:
                self._built[key] = NoGrid(f"coordinates of this grid: {error}")
        found = self._built[key]
        if isinstance(found, NoGrid):
            raise found
        return found


def _in_plane(crs: pyproj.CRS, affine: tuple[float, ...], variable: RawVariable) -> Placement:
    """Cells along the last two dimensions of a variable, by an affine transform."""
    rows, columns = variable.shape[-2:]
    dims = variable.dims[-2:]
    a, b, c, d, e, f = affine
    if crs.is_geographic and not is_rotated(crs):
        unit = crs.axis_info[0].unit_name
        if unit != "degree":
            raise NoGrid(f"longitudes and latitudes in {unit}s")
        if not (b or d) and (crs.prime_meridian is None or crs.prime_meridian.longitude == 0):
            lat, lon = f + e * (np.arange(rows) + 0.5), c + a * (np.arange(columns) + 0.5)
            return Placement(RectilinearGrid(lat, lon), dims, frozenset(), crs.to_string())
    grid = ProjectedGrid(crs, affine, (rows, columns))
    few = np.linspace(0, grid.size - 1, 256).round().astype(np.int64)
    row, column = np.divmod(few, columns)
    lon, _ = grid.to_lonlat(column + 0.5, row + 0.5)
    if not (np.isfinite(lon).any() or np.isfinite(grid.extent).all()):
        raise NoGrid("no cell is on the Earth")
    return Placement(grid, dims, frozenset(), crs.to_string())


def _mesh(crs: pyproj.CRS, columns: Floats, rows: Floats) -> Grid:
    """Cells at columns and rows of the plane: by an affine transform where these are evenly spaced."""
    across, down = _even_step(columns), _even_step(rows)
    if across is not None and down is not None:
        affine = (across[1], 0.0, across[0], 0.0, down[1], down[0])
        return ProjectedGrid(crs, affine, (len(rows), len(columns)))
    mesh_x, mesh_y = np.meshgrid(columns, rows)
    transformer = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    return CurvilinearGrid(*transformer.transform(mesh_x, mesh_y))


def _even_step(values: Floats) -> tuple[float, float] | None:
    """The outer edge of the first cell and the step of evenly spaced centres, None where they are not.

    Centres may be rounded by a twentieth of a cell, as angles in 16 bits and lengths in single precision are.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    step = float(values[-1] - values[0]) / (len(values) - 1)
    ideal = values[0] + step * np.arange(len(values))
    if step == 0 or np.abs(values - ideal).max() > abs(step) / _ROUNDED:
        return None
    return float(values[0]) - step / 2, step


def _listed(variable: RawVariable) -> set[str]:
    return set(str(variable.attributes.get("coordinates", "")).split())


def _preferred(candidates: Iterable[RawVariable], listed: set[str]) -> list[RawVariable]:
    """Candidates named by the variable's ``coordinates`` attribute, or all where it names none."""
    found = list(candidates)
    named = [candidate for candidate in found if candidate.name in listed]
    return named or found


def _fits(variable: RawVariable, coordinate: RawVariable) -> bool:
    return set(coordinate.dims) <= set(variable.dims)


def _same_family(lat: RawVariable, lon: RawVariable) -> bool:
    """2-D coordinates share their dimensions; 1-D ones never pair with 2-D ones."""
    if max(len(lat.dims), len(lon.dims)) == 2:
        return lat.dims == lon.dims
    return True


def _rank(lat: RawVariable, lon: RawVariable) -> int:
    """Order of trust: two coordinate dimensions, two dimensions, 2-D, one shared dimension, scalars."""
    if len(lat.dims) == 1 and len(lon.dims) == 1 and lat.dims != lon.dims:
        return 0 if (lat.name, lon.name) == (lat.dims[0], lon.dims[0]) else 1
    if len(lat.dims) == 2:
        return 2
    return 3 if lat.dims and lat.dims == lon.dims else 4


def _refuse(variable: RawVariable) -> Placement:
    if not variable.dims:
        raise NoGrid("a single number without a place")
    raise NoGrid("no horizontal coordinates for its dimensions " + ", ".join(variable.dims))


def _is_nested(order: Any) -> bool:
    text = str(order or "nested").lower()
    if text.startswith("nest"):
        return True
    if text == "ring":
        return False
    raise NoGrid(f"HEALPix order {order!r} is neither nested nor ring")


def _nside_of_size(variable: RawVariable) -> int:
    for size in variable.shape:
        nside = math.isqrt(size // 12)
        if nside and 12 * nside**2 == size:
            return nside
    raise NoGrid("HEALPix without nside, and no dimension of 12 nside² cells")


def _dim_of_size(variable: RawVariable, size: int) -> str:
    for dim, length in zip(variable.dims, variable.shape, strict=True):
        if length == size:
            return dim
    raise NoGrid(f"HEALPix, but no dimension has {size} cells")
