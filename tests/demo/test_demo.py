"""The demo cache: what is in it, that it is the same each time, and that it is built once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from healpix_geo import nested

from ogcapi.demo import DEMO, DemoStore, build, build_demo
from ogcapi.demo.fields import make_weather
from ogcapi.demo.land import land_fraction
from ogcapi.demo.rounding import round_to_step
from ogcapi.demo.sea_and_stations import tripolar, write_ocean, write_stations

SEED = 20260101


def test_every_store_is_there_and_small(demo: Path) -> None:
    assert {entry.name for entry in demo.iterdir()} == {
        *(store.file for store in DEMO), "demo.json", "demo.yml",
    }  # fmt: skip
    size = sum(file.stat().st_size for file in demo.rglob("*") if file.is_file())
    assert 10e6 < size < 150e6
    leftovers = [entry.name for entry in demo.parent.iterdir() if "building" in entry.name]
    assert leftovers == []


def test_era_like_store(demo: Path) -> None:
    group = zarr.open_group(str(demo / "era_like_global.zarr"), mode="r", use_consolidated=True)
    assert group.metadata.zarr_format == 3
    with xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as data:
        assert data.t2m.shape == (24, 721, 1440)
        assert data.latitude.values[[0, -1]].tolist() == [90.0, -90.0]
        assert data.longitude.values[[0, -1]].tolist() == [0.0, 359.75]
        units = {name: data[name].attrs["units"] for name in ("t2m", "u10", "v10", "msl", "tp")}
        assert units == {"t2m": "K", "u10": "m s-1", "v10": "m s-1", "msl": "Pa", "tp": "kg m-2"}
        assert "time: sum" in data.tp.attrs["cell_methods"]
        assert (data.time_bnds.values[:, 1] == data.time.values).all()
        assert (np.diff(data.time_bnds.values, axis=1) == np.timedelta64(1, "h")).all()
        for attribute in ("title", "institution", "licence", "attribution", "Conventions"):
            assert data.attrs[attribute]


def test_the_climate_is_earthlike(demo: Path) -> None:
    with xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as data:
        noon = data.isel(time=12)
        area = np.cos(np.deg2rad(noon.latitude))
        assert 284 < float(noon.t2m.weighted(area).mean()) < 292
        assert 210 < float(noon.t2m.min()) < float(noon.t2m.max()) < 325
        assert 93000 < float(noon.msl.min()) < float(noon.msl.max()) < 106500
        assert 15 < float(np.hypot(noon.u10, noon.v10).max()) < 40
        assert float(noon.tp.min()) == 0
        assert 0.4 < float((noon.tp == 0).mean()) < 0.95
        trades = noon.u10.sel(latitude=slice(18, 8)).mean()
        westerlies = noon.u10.sel(latitude=slice(-42, -55)).mean()
        assert float(trades) < -2
        assert float(westerlies) > 3


def test_low_pressure_turns_with_the_hemisphere() -> None:
    """Around the deepest low the wind goes against the clock in the north, with it in the south."""
    lat, lon = np.arange(-89.5, 90.0)[:, None], np.arange(0.0, 360.0)[None, :]
    site = make_weather(SEED).at(lon, lat)
    state = site.state(12.0)
    u, v = site.wind(state)
    pressure = site.sea_level_pressure(state, 12.0)
    for rows, sign in ((slice(120, 160), 1), (slice(20, 60), -1)):
        row, column = np.unravel_index(np.argmin(pressure[rows]), pressure[rows].shape)
        row += rows.start
        east, west = (column + 5) % 360, (column - 5) % 360
        spin = v[row, east] - v[row, west] + u[row - 4, column] - u[row + 4, column]
        assert sign * spin > 5


def test_fields_move_and_are_smooth(demo: Path) -> None:
    with xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as data:
        first, last = data.msl.isel(time=0).values, data.msl.isel(time=23).values
        assert np.abs(last - first).max() > 800
        assert np.abs(np.diff(first, axis=1)).max() < 250
        seam = np.abs(data.t2m.values[0][:, 0] - data.t2m.values[0][:, -1])
        assert seam.max() < 3


def test_land_follows_the_sun(demo: Path) -> None:
    """The Sahara is warmest in the afternoon, the sea around it hardly notices the hour."""
    with xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as data:
        desert = data.t2m.sel(latitude=22, longitude=10).values
        sea = data.t2m.sel(latitude=22, longitude=330).values
    assert 12 <= int(desert.argmax()) <= 15
    assert np.ptp(desert) > 3 * np.ptp(sea)


def test_healpix_store(demo: Path) -> None:
    with xr.open_zarr(demo / "climate_dt_like_healpix.zarr", chunks=None) as data:
        assert data.t2m.dims == ("time", "cell")
        assert data.sizes["cell"] == 12 * 4**7
        mapping = data[data.t2m.attrs["grid_mapping"]].attrs
        assert mapping["grid_mapping_name"] == "healpix"
        assert (mapping["refinement_level"], mapping["indexing_scheme"]) == (7, "nested")
        ids = data.cell_ids
        assert ids.attrs["standard_name"] == "healpix_index"
        assert (ids.attrs["grid_name"], ids.attrs["level"]) == ("healpix", 7)
        assert (ids.values == np.arange(ids.size)).all()
        lon, lat = nested.healpix_to_lonlat(ids.values.astype(np.uint64), 7)
        land = land_fraction(lon.astype(np.float32), lat.astype(np.float32)) >= 0.5
        assert (np.isnan(data.sst.values[0]) == land).all()


def test_stores_agree_on_the_weather(demo: Path) -> None:
    """A daily mean on HEALPix is near the mean of the hours on the regular grid."""
    with (
        xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as hourly,
        xr.open_zarr(demo / "climate_dt_like_healpix.zarr", chunks=None) as daily,
    ):
        lat, lon = np.array([-40.0, 0.0, 55.0]), np.array([200.0, 330.0, 180.0])
        cells = nested.lonlat_to_healpix(lon, lat, 7).astype(int)
        mean = [
            hourly.t2m.sel(latitude=y, longitude=x).mean() for x, y in zip(lon, lat, strict=True)
        ]
        np.testing.assert_allclose(daily.t2m.values[0, cells], mean, atol=1.0)


def test_ocean_store(demo: Path) -> None:
    with xr.open_dataset(demo / "ocean_curvilinear.nc") as data:
        assert data.thetao.dims == ("time", "depth", "y", "x")
        assert data.depth.attrs["positive"] == "down"
        assert {"lon", "lat"} <= set(data.thetao.coords)
        assert (data.thetao.attrs["units"], data.so.attrs["units"]) == ("degC", "1e-3")
        wet = data.thetao.notnull().isel(time=0)
        assert 0.6 < float(wet.isel(depth=0).mean()) < 0.9
        assert (wet.isel(depth=0) | ~wet.isel(depth=11)).all()
        assert float(data.thetao.isel(depth=0).max()) > 26
        assert float(data.thetao.isel(depth=11).max()) < 6
        assert data.lat.max() > 88


def test_the_ocean_grid_closes_and_folds() -> None:
    row = np.arange(181.0)[:, None]
    west, east = tripolar(row, np.array([[0.0]])), tripolar(row, np.array([[360.0]]))
    np.testing.assert_allclose(west[1], east[1], atol=1e-6)
    column = np.arange(0.5, 180.0)[None, :]
    np.testing.assert_allclose(
        tripolar(np.array([[180.0]]), column)[1], tripolar(np.array([[180.0]]), 360.0 - column)[1]
    )


def test_station_store(demo: Path) -> None:
    with xr.open_dataset(demo / "stations.nc") as data:
        assert data.attrs["featureType"] == "timeSeries"
        assert data.air_temperature.dims == ("station", "time")
        assert data.sizes["time"] == 240
        assert data.sizes["station"] >= 40
        assert data.station_name.attrs["cf_role"] == "timeseries_id"
        assert len(set(data.station_name.values.tolist())) == data.sizes["station"]
        assert data.air_temperature.attrs["units"] == "degC"
        assert float(data.precipitation.min()) == 0


def test_equal_seeds_give_equal_bytes(demo: Path, tmp_path: Path) -> None:
    for file, write in (("ocean_curvilinear.nc", write_ocean), ("stations.nc", write_stations)):
        write(tmp_path / file, make_weather(SEED))
        assert (tmp_path / file).read_bytes() == (demo / file).read_bytes()


def test_the_stored_step_is_that_of_the_functions(demo: Path) -> None:
    """The threads that write do not change what is written."""
    lat, lon = np.linspace(90, -90, 721)[:, None], (np.arange(1440) * 0.25)[None, :]
    site = make_weather(SEED).at(lon, lat)
    expected = round_to_step(site.air_temperature(site.state(17.0), 17.0), 2**-4)
    with xr.open_zarr(demo / "era_like_global.zarr", chunks=None) as data:
        np.testing.assert_array_equal(data.t2m.values[17], expected)


def test_another_seed_gives_other_weather() -> None:
    lat, lon = np.array([50.0, -40.0]), np.array([10.0, 100.0])
    first, second = (make_weather(seed).at(lon, lat).state(0.0).pressure for seed in (1, 2))
    assert np.abs(first - second).min() > 1


def test_points_and_grid_are_the_same_function() -> None:
    weather = make_weather(SEED)
    lat, lon = np.arange(-60.0, 61.0, 10.0), np.arange(0.0, 360.0, 30.0)
    grid, (x, y) = weather.at(lon[None, :], lat[:, None]), np.meshgrid(lon, lat)
    points = weather.at(x.ravel(), y.ravel())
    single = weather.at(120.0, -20.0)
    table = grid.air_temperature(grid.state(5.0), 5.0)
    flat = points.air_temperature(points.state(5.0), 5.0)
    np.testing.assert_allclose(flat.reshape(table.shape), table, atol=2e-3)
    alone = single.air_temperature(single.state(5.0), 5.0)
    assert float(alone) == pytest.approx(float(table[4, 4]), abs=2e-3)


def test_rounding_refuses_a_step_that_is_no_power_of_two() -> None:
    with pytest.raises(ValueError, match="power of two"):
        round_to_step(np.ones(1, np.float32), 0.1)


def _tiny(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the stores by one small file; the list grows with every build."""
    built: list[str] = []

    def write(path: Path, weather: object) -> None:
        built.append(path.name)
        path.write_text("weather")

    monkeypatch.setattr(build, "DEMO", (DemoStore("a", "a.nc", "A", "A", write),))
    return built


def test_built_once_by_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = _tiny(monkeypatch)
    with ThreadPoolExecutor(6) as pool:
        folders = set(pool.map(lambda _: build_demo(tmp_path / "demo"), range(6)))
    assert folders == {tmp_path / "demo"}
    assert built == ["a.nc"]


def test_another_version_or_seed_is_rebuilt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = _tiny(monkeypatch)
    build_demo(tmp_path / "demo")
    build_demo(tmp_path / "demo", seed=2)
    assert json.loads((tmp_path / "demo" / "demo.json").read_text())["seed"] == 2
    monkeypatch.setattr(build, "CONTENT_VERSION", build.CONTENT_VERSION + 1)
    build_demo(tmp_path / "demo", seed=2)
    assert built == ["a.nc"] * 3


def test_files_of_others_are_never_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _tiny(monkeypatch)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.nc").write_text("ten years")
    with pytest.raises(FileExistsError, match=r"thesis\.nc"):
        build_demo(tmp_path / "demo")
    assert (tmp_path / "demo" / "thesis.nc").read_text() == "ten years"


def test_a_build_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(path: Path, weather: object) -> None:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(build, "DEMO", (DemoStore("a", "a.nc", "A", "A", fail),))
    with pytest.raises(OSError, match="disk full"):
        build_demo(tmp_path / "demo")
    assert [entry.name for entry in tmp_path.iterdir() if "lock" not in entry.name] == []


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _tiny(monkeypatch)
    said: list[str] = []
    build_demo(tmp_path / "demo", progress=said.append)
    assert said == ["demo: 1/1 A", "demo: ready in demo"]
    build_demo(tmp_path / "demo", progress=said.append)
    assert len(said) == 2
