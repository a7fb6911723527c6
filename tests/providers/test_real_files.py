"""Sample files of real producers: every value we answer is the one that netCDF4 reads at the same place and time."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pyproj
import pytest
import xarray as xr
from flask.testing import FlaskClient
from numpy.typing import NDArray

from config.errors import SourceUnavailable
from config.settings import Settings
from ogcapi.app import create_app
from providers.axes import Axis, AxisKind
from providers.crs import parse_crs
from providers.cube import Cube, Query, Range
from providers.grids import PointGrid
from providers.queries import one_cell
from providers.render import Pixels, Renderer
from providers.store import Source, Store
from tests.private import private_copy
from tests.providers.direct import LAYOUTS, Direct, micros

pytestmark = pytest.mark.filterwarnings("ignore::xarray.SerializationWarning")
REFUSED = {
    "sentinel3_sr_2_lan_measurement": "holds no variables",
    "sentinel5p_no2_l2_header": "no horizontal coordinates",
}
CONTAINERS = ("netcdf", "zarr2", "zarr3")
POINTS = 20


@dataclass(frozen=True)
class Site:
    """One server over all files of a container."""

    client: FlaskClient
    cubes: Mapping[str, Cube]


@dataclass(frozen=True)
class Ask:
    """A place, and an index along every stored dimension that is not of cells."""

    lon: float
    lat: float
    cells: NDArray[np.int64]
    index: Mapping[str, int]


@lru_cache(maxsize=16)
def direct(folder: Path, stem: str) -> Direct:
    return Direct(folder / f"{stem}.nc")


@pytest.fixture(scope="module", params=CONTAINERS)
def site(
    request: pytest.FixtureRequest, netcdf_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    paths = [netcdf_folder / f"{stem}.nc" for stem in LAYOUTS]
    if request.param != "netcdf":
        paths = [_as_zarr(path, folder, int(request.param[-1])) for path in paths]
    app = create_app(Settings(state_dir=folder / "state"), paths=[str(path) for path in paths])
    extension = app.extensions["ogcapi"]
    collections = extension["keeper"].current().collections
    cubes = {name: item.cube() for name, item in collections.items() if item.kind == "data"}
    yield Site(app.test_client(), cubes)
    extension["services"].store.close()


def _as_zarr(path: Path, folder: Path, version: int) -> Path:
    target = folder / f"{path.stem}.zarr"
    with xr.open_dataset(private_copy(path)) as dataset:
        for variable in dataset.variables.values():
            _repair_fill(variable.encoding)
        dataset.to_zarr(target, zarr_format=version, consolidated=version == 2)
    return target


def _repair_fill(encoding: dict[Any, Any]) -> None:
    """xarray refuses to write two fill values, and turns one that does not fit the stored type into 0."""
    encoding.pop("missing_value", None)
    fill, stored = encoding.get("_FillValue"), np.dtype(encoding.get("dtype", float))
    if (
        stored.kind in "iu"
        and fill is not None
        and not abs(float(fill)) <= np.iinfo(stored).max + 1
    ):
        del encoding["_FillValue"]


@pytest.fixture(params=sorted(LAYOUTS))
def sample(
    request: pytest.FixtureRequest, site: Site, netcdf_folder: Path
) -> tuple[str, Cube, Direct, FlaskClient]:
    stem = request.param
    collection = stem.lower().replace(".", "_")
    assert collection in site.cubes, sorted(site.cubes)
    return collection, site.cubes[collection], direct(netcdf_folder, stem), site.client


@lru_cache(maxsize=32)
def asks_of(truth: Direct, names: tuple[str, ...]) -> tuple[Ask, ...]:
    """Random places well inside a cell, a quarter of them where something is missing."""
    rng = np.random.default_rng(zlib.crc32(truth.path.name.encode()))
    known = np.flatnonzero(np.isfinite(truth.lon) & np.isfinite(truth.lat))
    gaps = np.intersect1d(np.flatnonzero(_is_missing(truth, names)), known)
    dims = sorted({dim for name in names for dim in truth.outer(name)})
    found = []
    for number in range(POINTS):
        start = int(rng.choice(gaps if len(gaps) and number % 4 == 0 else known))
        away = truth.layout.step * rng.uniform(-0.3, 0.3, 2)
        lon = float(truth.lon[start] + away[0])
        lat = float(np.clip(truth.lat[start] + away[1], -90, 90))
        index = {dim: int(rng.integers(truth.sizes[dim])) for dim in dims}
        found.append(Ask(lon, lat, truth.nearest(lon, lat), index))
    return tuple(found)


def asks(cube: Cube, truth: Direct) -> tuple[Ask, ...]:
    return asks_of(truth, tuple(cube.variables))


def boxed(cube: Cube, truth: Direct) -> tuple[Ask, ...]:
    """All places of a NetCDF file, and enough to compare its Zarr copies."""
    return asks(cube, truth)[: POINTS if _is_netcdf(cube) else 8]


def _is_netcdf(cube: Cube) -> bool:
    variable: Any = next(iter(cube.variables.values()))
    return type(variable.field.variable.source).__module__.endswith("netcdf")


def _is_missing(truth: Direct, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Cells where a variable has a gap."""
    gap = np.zeros(truth.lon.size, bool)
    for name in names:
        values = truth.values(name)
        gap |= np.isnan(values).reshape(-1, values.shape[-1]).any(axis=0)
    return gap


def wanted(truth: Direct, name: str, ask: Ask, cells: NDArray[np.int64]) -> NDArray[Any]:
    """Values of one variable at the stored indices of an ask, one for each candidate cell."""
    return truth.values(name)[tuple(ask.index[dim] for dim in truth.outer(name))][cells]


def agrees(got: Any, candidates: NDArray[Any]) -> bool:
    """Missing where all candidates are, else equal to one of them in single precision."""
    if got is None or np.isnan(got):
        return bool(np.isnan(candidates).any())
    return bool(np.isclose(candidates, float(got), rtol=1e-6, atol=1e-9).any())


def query_of(cube: Cube, truth: Direct, ask: Ask) -> Query:
    ranges: dict[str, Any] = {}
    valid_time = None
    for axis in cube.axes.values():
        if axis.dim is None:
            continue
        value = axis.values[ask.index[axis.dim]]
        if axis.kind is AxisKind.TIME:
            valid_time = Range(int(value), int(value))
        else:
            ranges[axis.name] = Range(value, value)
    return Query(valid_time=valid_time, ranges=ranges)


def parameters(cube: Cube, ask: Ask) -> dict[str, str]:
    """The same as a query string."""
    found, subsets = {}, []
    for axis in cube.axes.values():
        if axis.dim is None:
            continue
        label = axis.labels()[ask.index[axis.dim]]
        if axis.kind is AxisKind.TIME:
            found["datetime"] = str(label)
        else:
            subsets.append(f"{axis.name}({label})")
    return {**found, "subset": ",".join(subsets)} if subsets else found


def test_every_sample_file_is_served_or_refused_with_a_reason(netcdf_folder: Path) -> None:
    store = Store()
    stems = {path.stem for path in netcdf_folder.glob("*.nc")}
    assert set(LAYOUTS) | set(REFUSED) <= stems
    for stem in sorted(stems):
        source = Source((str(netcdf_folder / f"{stem}.nc"),))
        if stem in REFUSED:
            with pytest.raises(SourceUnavailable) as error:
                store.dataset(source)
            assert REFUSED[stem] in error.value.detail
            continue
        dataset = store.dataset(source)
        assert len(dataset.cubes) == 1
        assert all(refusal.reason.strip() for refusal in dataset.refusals)
    store.close()


def test_every_variable_is_a_field_a_coordinate_or_refused(netcdf_folder: Path) -> None:
    store = Store()
    for stem in LAYOUTS:
        dataset = store.dataset(Source((str(netcdf_folder / f"{stem}.nc"),)))
        served = {name for item in dataset.cubes for name in item.cube.variables}
        refused = {refusal.name for refusal in dataset.refusals}
        assert not served & refused
        with netCDF4.Dataset(private_copy(netcdf_folder / f"{stem}.nc")) as file:
            for name, variable in file.variables.items():
                if name in served | refused or not _looks_like_data(file, variable):
                    continue
                pytest.fail(f"{stem}: {name} is neither served nor refused")
    store.close()


def _looks_like_data(file: netCDF4.Dataset, variable: netCDF4.Variable) -> bool:
    """Not a coordinate, nor named by an attribute of another variable."""
    named: set[str] = set()
    for other in file.variables.values():
        for attribute in ("bounds", "coordinates", "grid_mapping"):
            named.update(str(getattr(other, attribute, "")).split())
    standard = getattr(variable, "standard_name", "")
    is_place = standard in ("latitude", "longitude") or "degree_" in getattr(variable, "units", "")
    return not (variable.name in {*file.dimensions, *named} or is_place)


def test_times_are_those_that_cftime_decodes(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    _, cube, truth, _ = sample
    axis = cube.axis(AxisKind.TIME)
    if truth.layout.time is None:
        assert axis is None
        return
    assert axis is not None
    names = {"gregorian": "standard"}
    assert axis.calendar == names.get(truth.calendar, truth.calendar)
    expected = [micros(date) for date in truth.times]
    assert np.abs(axis.values - np.array(expected)).max() <= 50
    for label, date in zip(axis.labels(), truth.times, strict=True):
        assert label[:13] == f"{date.year:04d}-{date.month:02d}-{date.day:02d}T{date.hour:02d}"


def test_one_cell_holds_the_value_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    _, cube, truth, _ = sample
    for ask in asks(cube, truth):
        cell = int(cube.grid.locate(ask.lon, ask.lat))
        assert cell >= 0
        plan = cube.plan(query_of(cube, truth, ask), one_cell(cube, cell, ask.lon))
        coverage = cube.read(plan)
        assert abs(float(coverage.selection.x[0]) - ask.lon) <= 180
        for name in cube.variables:
            got = coverage.values[name]
            assert got.size == 1
            assert agrees(got.item(), wanted(truth, name, ask, ask.cells)), (name, ask)


def test_position_answers_with_the_value_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    collection, cube, truth, client = sample
    for ask in asks(cube, truth):
        answer = client.get(
            f"/collections/{collection}/position",
            query_string={"coords": f"POINT({ask.lon!r} {ask.lat!r})", **parameters(cube, ask)},
        )
        assert answer.status_code == 200, answer.text
        values = {
            name: item["values"]
            for part in _parts(answer.json)
            for name, item in part["ranges"].items()
        }
        assert set(values) == set(cube.variables)
        for name, (got,) in values.items():
            assert agrees(got, wanted(truth, name, ask, ask.cells)), (name, ask)


def _parts(document: Any) -> list[Any]:
    return list(document["coverages"]) if "coverages" in document else [document]


def _box(truth: Direct, ask: Ask) -> str:
    away = 1.1 * truth.layout.step
    south, north = max(ask.lat - away, -90.0), min(ask.lat + away, 90.0)
    return ",".join(repr(float(v)) for v in (ask.lon - away, south, ask.lon + away, north))


def test_coverage_as_json_holds_the_values_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    collection, cube, truth, client = sample
    for ask in boxed(cube, truth):
        answer = client.get(
            f"/collections/{collection}/coverage",
            query_string={"f": "json", "bbox": _box(truth, ask), **parameters(cube, ask)},
        )
        assert answer.status_code == 200, answer.text
        seen = set()
        for part in _parts(answer.json):
            places = _places(part["domain"]["axes"])
            assert places
            for name, item in part["ranges"].items():
                seen.add(name)
                assert len(item["values"]) == len(places)
                for (lon, lat), got in zip(places, item["values"], strict=True):
                    expected = wanted(truth, name, ask, truth.nearest(lon, lat))
                    assert agrees(got, expected), (name, lon, lat)
        assert seen == set(cube.variables)


def _places(axes: Mapping[str, Any]) -> list[tuple[float, float]]:
    if "composite" in axes:
        return [(lon, lat) for lon, lat in axes["composite"]["values"]]
    return [(lon, lat) for lat, lon in product(axes["y"]["values"], axes["x"]["values"])]


def test_coverage_as_netcdf_holds_the_values_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    collection, cube, truth, client = sample
    for ask in boxed(cube, truth):
        answer = client.get(
            f"/collections/{collection}/coverage",
            query_string={"f": "netcdf", "bbox": _box(truth, ask), **parameters(cube, ask)},
        )
        assert answer.status_code == 200, answer.text
        with netCDF4.Dataset("answer.nc", memory=io.BytesIO(answer.data).getvalue()) as file:
            lon, lat = (np.ma.getdata(file[name][:]) for name in ("lon", "lat"))
            places = (
                [(x, y) for y, x in product(lat, lon)]
                if "lat" in file.dimensions
                else list(zip(lon.ravel(), lat.ravel(), strict=True))
            )
            for name in cube.variables:
                values = np.ma.filled(np.ma.asarray(file[name][:]).astype(float), np.nan).ravel()
                assert len(values) == len(places)
                for (x, y), got in zip(places, values, strict=True):
                    assert agrees(got, wanted(truth, name, ask, truth.nearest(x, y))), (name, x, y)


def test_a_map_shows_the_value_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    _, cube, truth, _ = sample
    renderer = Renderer()
    for number, ask in enumerate(asks(cube, truth)):
        positions = cube.plan(query_of(cube, truth, ask), one_cell(cube, 0, 0.0)).positions
        if isinstance(cube.grid, PointGrid):  # stations are drawn where they stand
            station = ask.cells[0]
            ask = replace(ask, lon=float(truth.lon[station]), lat=float(truth.lat[station]))
        pixels = _pixels(ask, mercator=number % 2 == 1)
        for name, variable in cube.variables.items():
            image = renderer.values(cube, variable, positions, pixels)
            assert image.shape == (3, 3)
            assert agrees(image[1, 1], wanted(truth, name, ask, ask.cells)), (name, ask)


def _pixels(ask: Ask, *, mercator: bool) -> Pixels:
    """Three by three small pixels, the point in the middle of the central one."""
    if mercator and abs(ask.lat) < 85:
        crs = parse_crs("EPSG:3857", "crs")
        x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(ask.lon, ask.lat)
        away = 1.5
    else:
        crs, x, y, away = parse_crs("OGC:CRS84", "crs"), ask.lon, ask.lat, 1e-5
    return Pixels(crs, (x - away, y - away, x + away, y + away), 3, 3)


def _axis_of(cube: Cube, dim: str) -> Axis:
    return next(axis for axis in cube.axes.values() if axis.dim == dim)


def test_levels_and_other_axes_keep_the_numbers_of_the_file(
    sample: tuple[str, Cube, Direct, FlaskClient],
) -> None:
    _, cube, truth, _ = sample
    with netCDF4.Dataset(private_copy(truth.path)) as file:
        for dim in {dim for name in cube.variables for dim in truth.outer(name)}:
            axis = _axis_of(cube, dim)
            if dim in truth.time_dims:
                assert axis.kind is AxisKind.TIME
            elif dim in file.variables:
                np.testing.assert_allclose(axis.values, np.ma.getdata(file[dim][:]), rtol=1e-7)
            else:
                np.testing.assert_array_equal(axis.values, np.arange(len(file.dimensions[dim])))
