"""``/coverage`` on other cells: resolution, size, CRS, periods of time, statistics over members (19-087, 9 and 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from flask.testing import FlaskClient

from providers.readers.netcdf import LOCK
from tests.http.samples import (
    Site,
    horizontal,
    pressure_levels,
    problem_of,
    server,
    temperature,
)

LEVELS = "/collections/levels/coverage?f=netcdf"


def opened(client: FlaskClient, address: str) -> xr.Dataset:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    with LOCK, netCDF4.Dataset("answer.nc", memory=answer.data) as file:
        return xr.open_dataset(xr.backends.NetCDF4DataStore(file)).load()


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Two months of hours at few places: instants, and amounts of the hour before; and 360-day months."""
    folder = tmp_path_factory.mktemp("hourly")
    times = pd.date_range("2020-01-01", periods=60 * 24, freq="h")
    random = np.random.default_rng(1)
    shape = (len(times), 3, 4)
    place = {"lat": horizontal()["lat"], "lon": horizontal()["lon"]}
    place = {
        name: (name, values[1][:size], values[2])
        for (name, values), size in zip(place.items(), (3, 4), strict=True)
    }
    instants = random.normal(280, 5, shape).astype(np.float32)
    instants[random.random(shape) < 0.1] = np.nan
    bounds = np.stack((times - pd.Timedelta("1h"), times), axis=1)
    rain = random.random(shape).astype(np.float32)
    xr.Dataset(
        {"t": (("time", "lat", "lon"), instants, temperature())}, {"time": times, **place}
    ).to_netcdf(folder / "instants.nc")
    xr.Dataset(
        {
            "tp": (
                ("time", "lat", "lon"),
                rain,
                {
                    "units": "mm",
                    "standard_name": "precipitation_amount",
                    "cell_methods": "time: sum",
                },
            ),
            "time_bnds": (("time", "bnds"), bounds),
        },
        {"time": ("time", times, {"bounds": "time_bnds"}), **place},
    ).to_netcdf(
        folder / "rain.nc",
        encoding={name: {"units": "minutes since 2000-01-01"} for name in ("time", "time_bnds")},
    )
    days = np.arange(360.0)
    xr.Dataset(
        {
            "t": (
                ("time", "lat", "lon"),
                np.broadcast_to(days[:, None, None], (360, 3, 4)).copy(),
                temperature(),
            )
        },
        {
            "time": ("time", days, {"units": "days since 2020-01-01", "calendar": "360_day"}),
            **place,
        },
    ).to_netcdf(folder / "model.nc")
    return server(
        folder / "state", [str(path) for path in sorted(folder.glob("*.nc"))]
    ).test_client()


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ("width=12&height=9", (9, 12)),
        ("scale-size=Lon(12),Lat(9)", (9, 12)),
        ("scale-factor=2", (10, 12)),
        ("scale-axes=Lon(3)", (19, 8)),
        ("resolution=Lon(30),Lat(20)", (9, 12)),
        ("resolution=Lon(5),Lat(5)", (36, 72)),
        ("width=12", (19, 12)),
    ],
)
def test_sizes_are_those_asked_for(site: Site, asked: str, shape: tuple[int, int]) -> None:
    found = opened(site.client, f"{LEVELS}&properties=t&{asked}")
    assert (found.sizes["lat"], found.sizes["lon"]) == shape
    assert found.t.dims == ("time", "level", "lat", "lon")
    assert found.attrs["resampling"] in ("mean", "nearest")


def test_a_box_is_divided_exactly(site: Site) -> None:
    """Requirement width-and-height D: samples are mapped to the box asked for."""
    found = opened(site.client, f"{LEVELS}&properties=t&bbox=-60,-40,60,40&width=6&height=4")
    np.testing.assert_allclose(found.lon, [-50, -30, -10, 10, 30, 50])
    np.testing.assert_allclose(found.lat, [30, 10, -10, -30])


def test_means_of_blocks_equal_xarray(site: Site) -> None:
    """Rows 10° apart are weighted by area: with the weights xarray gets the same."""
    found = opened(
        site.client, f"{LEVELS}&properties=t&subset=Lat(-85:85)&resolution=Lon(30),Lat(170)"
    )
    source = pressure_levels().t.sel(lat=slice(80, -80))
    edges = np.sin(np.radians(np.arange(85.0, -86, -10)))
    weights = xr.DataArray(-np.diff(edges), coords={"lat": source.lat})
    expected = source.roll(lon=0).weighted(weights).mean("lat")
    first = (expected.sel(lon=0) * 0.5 + expected.sel(lon=15) + expected.sel(lon=30) * 0.5) / 2
    at = (
        int(np.flatnonzero(np.isclose(found.lon % 360, 15))[0])
        if (np.isclose(found.lon % 360, 15)).any()
        else None
    )
    if at is None:  # cells begin halfway before the first meridian
        at = int(np.flatnonzero(np.isclose(found.lon, 7.5))[0])
        first = (expected.sel(lon=0) + expected.sel(lon=15)) / 2
    np.testing.assert_allclose(found.t[:, :, 0, at], first, rtol=1e-6)


@pytest.mark.parametrize("name", ["levels", "healpix", "climate"])
def test_any_crs_that_epsg_knows(site: Site, name: str) -> None:
    found = opened(
        site.client,
        f"/collections/{name}/coverage?f=netcdf&properties=t&bbox=0,30,40,70&crs=EPSG:3035&width=20&height=18",
    )
    assert found.t.dims[-2:] == ("y", "x")
    assert found.t.shape[-2:] == (18, 20)
    assert found.crs.attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"
    assert (np.diff(found.y) < 0).all()
    answer = site.client.get(
        f"/collections/{name}/coverage?f=json&properties=t&bbox=0,30,40,70&crs=EPSG:3035&width=20&height=18"
    )
    assert answer.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/3035>"
    south, west, north, east = map(
        float, answer.headers["Content-Bbox"].split(",")
    )  # its axis order
    assert west < float(found.x.min()) < float(found.x.max()) < east
    assert south < float(found.y.min()) < float(found.y.max()) < north
    assert answer.headers["OGC-Resampling"]


def test_the_native_crs_changes_nothing(site: Site) -> None:
    plain = site.client.get("/collections/levels/coverage?f=json&bbox=0,0,40,40").data
    for crs in ("EPSG:4326", "[OGC:CRS84]"):
        same = site.client.get(f"/collections/levels/coverage?f=json&bbox=0,0,40,40&crs={crs}")
        assert same.data == plain


@pytest.mark.parametrize("method", ["mean", "min", "max", "std", "p90", "sum"])
def test_days_equal_xarray(hourly: FlaskClient, method: str) -> None:
    found = opened(
        hourly,
        f"/collections/instants/coverage?f=netcdf&resolution=time(P1D)&aggregate=time({method})",
    )
    source = opened(hourly, "/collections/instants/coverage?f=netcdf").t
    groups = source.resample(time="1D")
    expected = groups.quantile(0.9) if method == "p90" else getattr(groups, method)()
    np.testing.assert_allclose(found.t, expected.transpose("time", "lat", "lon"), rtol=1e-5)
    assert (found.time.values == expected.time.values).all()
    bounds = found[found.time.attrs["bounds"]].values
    assert (bounds[:, 1] - bounds[:, 0] == np.timedelta64(1, "D")).all()


def test_months_and_years_of_the_calendar(hourly: FlaskClient) -> None:
    found = opened(hourly, "/collections/instants/coverage?f=netcdf&resolution=time(P1M)")
    source = opened(hourly, "/collections/instants/coverage?f=netcdf").t
    expected = source.resample(time="1MS").mean()
    np.testing.assert_allclose(found.t, expected, rtol=1e-5)
    document = hourly.get(
        "/collections/model/coverage?f=json&resolution=time(P1M)&subset=Lat(90),Lon(0)"
    ).get_json()
    values = document["ranges"]["t"]["values"]
    assert values == [14.5 + 30 * month for month in range(12)]
    assert document["domain"]["axes"]["t"]["values"][1] == "2020-02-01T00:00:00Z"
    assert document["domain"]["axes"]["t"]["bounds"][2:4] == [
        "2020-02-01T00:00:00Z",
        "2020-03-01T00:00:00Z",
    ]


def test_amounts_are_added_and_belong_to_the_day_they_fell_on(hourly: FlaskClient) -> None:
    found = opened(hourly, "/collections/rain/coverage?f=netcdf&resolution=time(P1D)")
    source = opened(hourly, "/collections/rain/coverage?f=netcdf").tp
    expected = source.resample(time="1D", closed="right", label="left").sum()
    np.testing.assert_allclose(found.tp, expected, rtol=1e-5)
    assert "time: sum" in found.tp.attrs["cell_methods"]


def test_days_may_begin_at_another_hour(hourly: FlaskClient) -> None:
    found = opened(hourly, "/collections/instants/coverage?f=netcdf&resolution=time(P1D;PT6H)")
    source = opened(hourly, "/collections/instants/coverage?f=netcdf").t
    expected = source.resample(time="1D", offset="6h").mean()
    np.testing.assert_allclose(found.t, expected, rtol=1e-5)
    assert (found.time.values == expected.time.values).all()


def test_statistics_over_members(site: Site) -> None:
    source = opened(site.client, "/collections/forecast/coverage?f=netcdf").t
    name = next(dim for dim in source.dims if dim in ("member", "number"))
    for method, expected in (
        ("mean", source.mean(name)),
        ("std", source.std(name)),
        ("p25", source.quantile(0.25, name)),
        ("max", source.max(name)),
    ):
        found = opened(
            site.client, f"/collections/forecast/coverage?f=netcdf&aggregate=member({method})"
        )
        assert name not in found.t.dims
        np.testing.assert_allclose(found.t, expected, rtol=1e-6)
        assert "realization" in found.t.attrs["cell_methods"]


def test_everything_at_once(hourly: FlaskClient) -> None:
    found = opened(
        hourly,
        "/collections/instants/coverage?f=netcdf&bbox=0,65,50,95&resolution=time(P1D),Lon(25),Lat(12.5)".replace(
            "95", "90"
        ),
    )
    assert found.t.shape == (60, 2, 2)


def test_levels_may_be_thinned(site: Site) -> None:
    found = opened(site.client, f"{LEVELS}&properties=t&resolution=level(200)")
    assert found.level.values.tolist() == [1000.0, 500.0]


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ("resolution=Depth(3)", "resolution"),
        ("resolution=Lon(0)", "resolution"),
        ("resolution=Lon(-1)", "resolution"),
        ("resolution=Lon(a)", "resolution"),
        ("resolution=3", "resolution"),
        ("width=0", "width"),
        ("width=a", "width"),
        ("scale-factor=0", "scale-factor"),
        ("scale-factor=a", "scale-factor"),
        ("scale-size=Lon(0)", "scale-size"),
        ("scale-axes=Q(2)", "scale-axes"),
        ("scale-axes=time(0.5)", "scale-axes"),
        ("width=3&resolution=Lon(2)", "resolution"),
        ("resolution=time(1D)", "resolution"),
        ("resolution=time(PT1H)", "resolution"),
        ("aggregate=time(median)", "aggregate"),
        ("aggregate=Lon(mean)", "aggregate"),
        ("aggregate=time(p101)", "aggregate"),
        ("interpolation=cubic", "interpolation"),
        ("crs=EPSG:0", "crs"),
        ("crs=mars", "crs"),
        ("subset=Lat(3),Lon(4)&width=5", "subset"),
        ("width=99999999", "width"),
        ("resolution=Lon(1),Lon(2)", "resolution"),
    ],
)
def test_what_cannot_be_is_refused_by_name(site: Site, asked: str, parameter: str) -> None:
    problem_of(site.client.get(f"/collections/levels/coverage?f=json&{asked}"), 400, parameter)


def test_too_much_to_compute_is_413(tmp_path: Path) -> None:
    from config.settings import Limits

    path = tmp_path / "levels.nc"
    pressure_levels().to_netcdf(path)
    app = server(tmp_path / "state", [str(path)], limits=Limits(cells_read=1000))
    problem = problem_of(
        app.test_client().get("/collections/levels/coverage?width=1&height=1"), 413
    )
    assert "1,000" in problem["detail"]
    assert (
        app.test_client()
        .get("/collections/levels/coverage?width=1&height=1&bbox=0,0,30,30&subset=level(500)")
        .status_code
        == 200
    )


def test_reading_parts_of_a_day_changes_nothing(hourly: FlaskClient, monkeypatch: Any) -> None:
    from providers import aggregation

    address = "/collections/instants/coverage?f=csv&resolution=time(P1M)&aggregate=time(p10)"
    whole = hourly.get(address).data
    monkeypatch.setattr(aggregation, "_HELD", 4 * 24 * 31)
    assert hourly.get(address, headers={"Cache-Control": "no-cache"}).data == whole


def test_several_slices_of_an_axis(site: Site) -> None:
    """Multi-slicing: exactly the positions that are listed, in their order."""
    whole = opened(site.client, f"{LEVELS}&properties=t").t
    found = opened(site.client, f"{LEVELS}&properties=t&subset=level(500,1000)").t
    assert found.level.values.tolist() == [500.0, 1000.0]
    np.testing.assert_array_equal(found, whole.sel(level=[500.0, 1000.0]))
    times = 'time("2020-01-01T18:00:00Z","2020-01-01T00:00:00Z")'
    found = opened(site.client, f"{LEVELS}&properties=t&subset={times}").t
    np.testing.assert_array_equal(found, whole.isel(time=[3, 0]))
    names = opened(
        site.client, '/collections/scenarios/coverage?f=netcdf&subset=scenario("ssp585","ssp126")'
    )
    assert names.scenario.values.tolist() == ["ssp585", "ssp126"]
    problem_of(site.client.get("/collections/levels/coverage?subset=Lon(1,2)"), 400, "subset")
    problem_of(site.client.get("/collections/levels/coverage?subset=level(500,a)"), 400, "subset")
    problem_of(
        site.client.get("/collections/levels/coverage?subset=level(500:600,850)"), 400, "subset"
    )
    assert site.client.get("/collections/levels/coverage?subset=level(1,2)").status_code == 204
