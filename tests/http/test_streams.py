"""Large answers are made while they are sent: the same answers, in little memory, and never cut short in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from flask import Flask

from config.settings import Limits
from providers import coverage as coverages
from providers.coverage import Coverage, slabs_of
from providers.cube import Query
from providers.formats.spool import Spool
from providers.grids import Bbox
from providers.readers.netcdf import LOCK
from providers.store import Source, Store
from tests.http.samples import pressure_levels, server, write_all
from tests.providers.rasters import write as write_raster

COLLECTIONS = ("levels", "chunked", "surface", "climate", "healpix", "forecast", "height", "utm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams") / "data"
    write_all(folder)
    write_raster(
        folder / "utm.tif",
        np.arange(40 * 30, dtype=np.float32).reshape(40, 30),
        crs="EPSG:32633",
        transform=Affine(1000.0, 0, 500_000, 0, -1000.0, 5_000_000),
    )
    return folder


@pytest.fixture(scope="module")
def buffered(folder: Path) -> Flask:
    return server(folder.parent / "one", [str(path) for path in sorted(folder.iterdir())])


@pytest.fixture(scope="module")
def streamed(folder: Path) -> Iterator[Flask]:
    """The same with every answer streamed, in slabs of 4 kB."""
    patch = pytest.MonkeyPatch()
    patch.setattr(coverages.Coverage.slabs, "__defaults__", (4096,))
    yield server(
        folder.parent / "two",
        [str(path) for path in sorted(folder.iterdir())],
        limits=Limits(bytes_buffered=1),
    )
    patch.undo()


@pytest.mark.parametrize("name", COLLECTIONS)
@pytest.mark.parametrize("box", ["", "&bbox=-20,-35,60,80"])
def test_coveragejson_is_the_same_text(
    buffered: Flask, streamed: Flask, name: str, box: str
) -> None:
    address = f"/collections/{name}/coverage?f=json{box}"
    one, other = buffered.test_client().get(address), streamed.test_client().get(address)
    assert one.status_code == other.status_code
    assert one.data == other.data
    assert one.headers["ETag"]
    assert one.content_length is not None
    assert name == "utm" or other.content_length is None


@pytest.mark.parametrize("name", COLLECTIONS)
@pytest.mark.parametrize("box", ["", "&bbox=-20,-35,60,80"])
def test_netcdf_holds_the_same(buffered: Flask, streamed: Flask, name: str, box: str) -> None:
    address = f"/collections/{name}/coverage?f=netcdf{box}"
    one, other = buffered.test_client().get(address), streamed.test_client().get(address)
    assert one.status_code == other.status_code
    if one.status_code == 204:
        return
    expected, found = (_opened(answer.data) for answer in (one, other))
    xr.testing.assert_identical(expected, found)
    again = streamed.test_client().get(address)
    assert again.data == other.data  # a strong ETag is true
    assert again.headers["ETag"] == other.headers["ETag"]


def _opened(body: bytes) -> xr.Dataset:
    with LOCK, netCDF4.Dataset("answer.nc", memory=body) as file:
        store = xr.backends.NetCDF4DataStore(file)
        return xr.open_dataset(store, decode_times=False).load()


def test_a_window_of_a_projection_has_its_axes_and_crs(buffered: Flask) -> None:
    body = buffered.test_client().get("/collections/utm/coverage?f=netcdf").data
    found = _opened(body)
    name = next(iter(found.data_vars.keys() - {"crs"}))
    assert found[name].dims == ("y", "x")
    assert found.crs.attrs["grid_mapping_name"] == "transverse_mercator"
    assert found.x.values[:2].tolist() == [500_500.0, 501_500.0]
    assert found.y.values[:2].tolist() == [4_999_500.0, 4_998_500.0]
    np.testing.assert_array_equal(found[name], np.arange(1200.0).reshape(40, 30))
    document = buffered.test_client().get("/collections/utm/coverage?f=json").get_json()
    domain = document["domain"]
    assert domain["domainType"] == "Grid"
    assert domain["axes"]["x"]["values"][:2] == [500_500.0, 501_500.0]
    assert domain["referencing"][0]["system"] == {
        "type": "ProjectedCRS",
        "id": "http://www.opengis.net/def/crs/EPSG/0/32633",
    }


def test_an_error_before_the_first_bytes_is_an_error_answer(
    streamed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, *_: Any) -> Any:
        raise RuntimeError("no more")

    monkeypatch.setattr(Coverage, "block", fail)
    answer = streamed.test_client().get("/collections/levels/coverage?f=netcdf")
    assert answer.status_code == 500
    assert "no more" not in answer.get_data(as_text=True)


def test_an_error_midway_breaks_off(streamed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that ended politely would pass for all of it."""
    taken = []

    def fail_later(self: Coverage, variable: Any, block: Any) -> Any:
        taken.append(block)
        if len(taken) > 3:
            raise RuntimeError("no more")
        return self.values[variable.id][block]

    monkeypatch.setattr(Coverage, "block", fail_later)
    with pytest.raises(RuntimeError, match="no more"):
        streamed.test_client().get("/collections/levels/coverage?f=json").get_data()
    assert len(taken) == 4


def test_what_a_file_was_written_for_is_gone_afterwards(tmp_path: Path) -> None:
    spool = Spool(1000, tmp_path)
    pieces = spool.sent(600, lambda path: path.write_bytes(b"x" * 600) and None)
    assert next(pieces) == b"x" * 600
    assert list(tmp_path.iterdir())
    with pytest.raises(Exception, match="ask again"):  # the quota is taken
        next(spool.sent(600, lambda path: None))
    pieces.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())
    assert next(spool.sent(1000, lambda path: path.write_bytes(b"y") and None)) == b"y"


@pytest.mark.parametrize(
    ("shape", "most"), [((3, 4, 5), 1), ((3, 4, 5), 40), ((3, 4, 5), 10**6), ((7,), 16), ((), 8)]
)
def test_slabs_follow_each_other_in_c_order(shape: tuple[int, ...], most: int) -> None:
    values = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    parts = [values[block].reshape(-1) for block in slabs_of(shape, 8, most)]
    np.testing.assert_array_equal(np.concatenate(parts), values.reshape(-1))
    assert all(part.nbytes <= max(most, 8) for part in parts)


def test_blocks_of_every_selection_equal_the_whole(folder: Path) -> None:
    store = Store()
    for path in sorted(folder.iterdir()):
        for named in store.dataset(Source((str(path),))).cubes:
            cube = named.cube
            for take in (cube.grid.cover, cube.grid.window):
                selection = take(Bbox(-20, -35, 60, 80))
                if not selection.size:
                    continue
                lazy = cube.lazy(cube.plan(Query(), selection))
                whole = lazy.load()
                for variable in lazy.variables:
                    shape = lazy.shape(variable)
                    assert whole.values[variable.id].shape == shape
                    block = tuple(slice(size // 3, max(size // 3 + 1, size - 1)) for size in shape)
                    np.testing.assert_array_equal(
                        lazy.block(variable, block), whole.values[variable.id][block]
                    )


def test_sizes_stand_in_the_header(buffered: Flask) -> None:
    client = buffered.test_client()
    values = pressure_levels()["t"].size * 2
    for method in (client.get, client.head):
        headers: Mapping[str, str] = method("/collections/levels/coverage?f=netcdf").headers
        assert int(headers["X-Estimated-Values"]) == values
        assert int(headers["X-Estimated-Bytes"]) == values * 8
    answer = client.get("/collections/levels/coverage?f=netcdf")
    assert answer.headers["Content-Digest"].startswith("sha-256=:")
