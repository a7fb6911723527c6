"""The awkward stores hold what their truth says, by readers that are not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
import pytest
import xarray as xr
from healpix_geo import nested, ring
from pyproj import CRS, Transformer

from tests.fixtures_nasty import NASTY, Nasty
from tests.fixtures_nasty.grids import POLE_LAT, POLE_LON, unrotate
from tests.fixtures_nasty.store import norm


@pytest.fixture(params=sorted(NASTY))
def nasty(request: pytest.FixtureRequest, tmp_path: Path) -> Nasty:
    return NASTY[request.param](tmp_path)


def read(store: Nasty, name: str) -> np.ndarray[Any, Any]:
    """A variable by the netCDF4 library or by xarray, float64 with NaN for missing."""
    if store.path.suffix == ".nc":
        with netCDF4.Dataset(store.path) as file:
            values = np.ma.asarray(file[name][...])
        return np.ma.filled(values.astype(np.float64), np.nan)
    with xr.open_zarr(store.path, group=store.truth.group, decode_times=False, chunks=None,
                      consolidated=None, mask_and_scale=True) as data:  # fmt: skip
        return np.asarray(data[name].values, dtype=np.float64)


@pytest.mark.filterwarnings("ignore:Failed to open Zarr store with consolidated:RuntimeWarning")
def test_values_are_the_truth(nasty: Nasty) -> None:
    for name, expected in nasty.truth.values.items():
        np.testing.assert_allclose(read(nasty, name), expected, rtol=1e-12, atol=1e-12)


def test_shapes_agree(nasty: Nasty) -> None:
    truth = nasty.truth
    for name, values in truth.values.items():
        sizes = dict(zip(truth.dims[name], values.shape, strict=True))
        cells = tuple(sizes[dim] for dim in truth.cells)
        assert truth.lon.shape == truth.lat.shape == cells
        assert truth.times.shape == tuple(sizes[dim] for dim in truth.time_dims)
        for axis, positions in truth.axes.items():
            assert positions.shape in {(), (sizes.get(axis, positions.size),)}
    assert (truth.lon >= -180).all()
    assert (truth.lon < 180).all()
    assert truth.says


def test_stores_are_small(nasty: Nasty) -> None:
    files = [nasty.path] if nasty.path.is_file() else list(nasty.path.rglob("*"))
    assert 0 < sum(file.stat().st_size for file in files if file.is_file()) < 100_000


@pytest.mark.parametrize("name", sorted(name for name in NASTY if name.startswith("calendar_")))
def test_dates_are_those_of_the_calendar(name: str, tmp_path: Path) -> None:
    path, truth = NASTY[name](tmp_path)
    with netCDF4.Dataset(path) as file:
        time = file["time"]
        dates = np.atleast_1d(cftime.num2date(time[:], time.units, time.calendar))
    assert [date.isoformat() for date in dates] == truth.times.tolist()
    assert truth.calendar == name.removeprefix("calendar_")


@pytest.mark.parametrize("name", ["fractional_days", "offset_units", "unordered_times"])
def test_times_are_to_the_second(name: str, tmp_path: Path) -> None:
    path, truth = NASTY[name](tmp_path)
    with netCDF4.Dataset(path) as file:
        dates = netCDF4.num2date(file["time"][:], file["time"].units)
    seconds = [np.datetime64(date.isoformat()) for date in np.asarray(dates).tolist()]
    assert np.abs(np.array(seconds) - truth.times.astype("M8[us]")).max() < np.timedelta64(1, "ms")


@pytest.mark.parametrize("name", sorted(name for name in NASTY if name.startswith("healpix_")))
def test_healpix_centres_lie_in_their_cells(name: str, tmp_path: Path) -> None:
    path, truth = NASTY[name](tmp_path)
    assert truth.healpix is not None
    level, scheme = truth.healpix
    locate = nested.lonlat_to_healpix if scheme == "nested" else ring.lonlat_to_healpix
    ids = locate(np.mod(truth.lon, 360.0), truth.lat, level)
    stored = "healpix_index" if name.endswith("_cf") else "cell_ids"
    with xr.open_zarr(path, chunks=None) as data:
        assert data[stored].values.tolist() == ids.tolist()


def test_ring_centres_follow_the_formula(tmp_path: Path) -> None:
    """Cell 0 of the ring order lies on the first ring: z = 1 - 1 / (3 nside^2), longitude 45."""
    truth = NASTY["healpix_ring_full_cf"](tmp_path).truth
    assert truth.lon[0] == pytest.approx(45.0)
    assert np.sin(np.deg2rad(truth.lat[0])) == pytest.approx(1 - 1 / 48)


def test_rotated_pole_agrees_with_proj() -> None:
    mapping = {"grid_mapping_name": "rotated_latitude_longitude",
               "grid_north_pole_latitude": POLE_LAT, "grid_north_pole_longitude": POLE_LON}  # fmt: skip
    crs = CRS.from_cf(mapping)
    rlon, rlat = np.meshgrid([-20.0, 0.0, 15.0], [-15.0, 0.0, 20.0])
    lon, lat = Transformer.from_crs(crs, crs.source_crs, always_xy=True).transform(rlon, rlat)
    ours = unrotate(rlon, rlat)
    np.testing.assert_allclose(ours[0], norm(lon), atol=1e-9)
    np.testing.assert_allclose(ours[1], lat, atol=1e-9)


@pytest.mark.parametrize("name", ["cfgrib_runs", "reference_time_axis"])
def test_newest_run_has_the_valid_time_and_no_later_one_does(name: str, tmp_path: Path) -> None:
    truth = NASTY[name](tmp_path).truth
    values = next(iter(truth.values.values()))
    valid = truth.times if truth.times.ndim == 2 else np.broadcast_to(truth.times, values.shape[:2])
    has = ~np.isnan(values).all(axis=(2, 3))
    assert set(truth.newest) == set(truth.times.ravel().tolist())
    for time, index in truth.newest.items():
        runs, steps = np.nonzero((valid == time) & has)
        newest = int(np.argmax(runs))
        assert index == (runs[newest], steps[newest])


def test_chunks_said_to_be_absent_are(tmp_path: Path) -> None:
    assert not (NASTY["zarr2_absent_chunk"](tmp_path).path / "t" / "1.0.0").exists()
    assert not (NASTY["zarr3_fill_attribute"](tmp_path).path / "t" / "c" / "1").exists()


def test_consolidated_only_where_said(tmp_path: Path) -> None:
    assert (NASTY["zarr2_consolidated"](tmp_path).path / ".zmetadata").exists()
    assert not (NASTY["zarr2_plain"](tmp_path).path / ".zmetadata").exists()
    assert "consolidated" in (NASTY["zarr3_consolidated"](tmp_path).path / "zarr.json").read_text()
    plain = (NASTY["zarr3_plain"](tmp_path).path / "zarr.json").read_text()
    assert '"consolidated_metadata": {' not in plain
