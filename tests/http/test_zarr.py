"""The virtual Zarr group: what xarray opens over HTTP, in both formats, equals what others read of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr
import zarr

import providers.grib  # ecCodes is loaded through it
from tests.cli.test_serve import Running, serving
from tests.http.samples import (
    LAT,
    LON,
    climate,
    forecast,
    healpix,
    pressure_levels,
    scenarios,
)
from tests.providers.conftest import DATA

assert providers.grib.library
import eccodes  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

GRIB = {
    "latlon": "era5_2t_uk_hourly_2019-03.grib",
    "nested": "era5_healpix_h32_nested.grib2",
    "reduced": "ifs_10u_reduced_gg_n48.grib",
    "sparse": "c3s_seasonal_2t_ukmo.grib",
    "lambert": "lambert_net_longwave.grib",
}
OTHERS = {
    "utm": "raster/sentinel2_b01_t34_600m.tif",
    "cover": "raster/esa_worldcover_2021_n00e006.tif",
    "mesh": "netcdf/nemo_tos_curvilinear_2015-01.nc",
    "cities": "netcdf/era5_daily_five_cities.nc",
}
FILES = {**{name: f"grib/{file}" for name, file in GRIB.items()}, **OTHERS}


def packed() -> xr.Dataset:
    """Whole numbers: with a fill, with none, scaled, and classes; times with bounds; licence and attribution."""
    shape = (3, len(LAT), len(LON))
    count = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    count[0, 0, 0] = -999
    scaled = count.copy()
    time = np.array([15.0, 45.0, 75.0])
    classes = (count % 3).astype(np.uint8)
    dims = ("time", "lat", "lon")
    return xr.Dataset(
        {
            "count": (dims, count, {"_FillValue": np.int16(-999), "long_name": "Count"}),
            "whole": (dims, np.abs(count).astype(np.int32), {"units": "1"}),
            "scaled": (dims, scaled, {"_FillValue": np.int16(-999), "scale_factor": np.float32(0.5), "units": "K",
                                      "cell_methods": "time: mean", "standard_name": "air_temperature"}),
            "kind": (dims, classes, {"flag_values": np.array([0, 1, 2], np.uint8), "flag_meanings": "sea land ice"}),
            "time_bnds": (("time", "bnds"), np.stack((time - 15, time + 15), -1)),
        },
        {
            "time": ("time", time, {"units": "days since 2001-01-01", "calendar": "noleap", "bounds": "time_bnds"}),
            "lat": ("lat", LAT, {"units": "degrees_north"}),
            "lon": ("lon", LON, {"units": "degrees_east"}),
        },
        {"title": "Packed", "license": "CC-BY-4.0", "attribution": "Somebody"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("zarr")
    pressure_levels().to_netcdf(found / "levels.nc")
    chunks = {name: {"chunks": (1, 2, 19, 24)} for name in ("t", "u")}
    pressure_levels().to_zarr(found / "chunked.zarr", zarr_format=3, encoding=chunks)
    forecast().to_zarr(found / "runs.zarr", zarr_format=2)
    healpix().to_zarr(found / "spheres.zarr", zarr_format=3)
    climate().to_netcdf(found / "climate.nc")
    scenarios().to_netcdf(found / "scenarios.nc")
    packed().to_netcdf(found / "packed.nc")
    wind = {"units": "m s-1", "standard_name": "northward_wind"}
    levels = pressure_levels()
    levels["v"] = levels.u + 1
    levels.v.attrs = wind
    levels.to_netcdf(found / "wind.nc")
    for name, file in FILES.items():
        if (DATA / file).exists():
            (found / f"{name}{Path(file).suffix}").symlink_to((DATA / file).resolve())
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    (folder / "config").mkdir()
    lines = [
        f"  {path.stem}: {{type: collection, title: {path.stem}, source: {path}"
        + (", derived: [speed]" if path.stem == "wind" else "")
        + "}\n"
        for path in sorted(folder.iterdir())
        if path.suffix
    ]
    (folder / "config/all.yml").write_text("resources:\n" + "".join(lines))
    with serving(folder, "--config", str(folder / "config"), "--workers", "1") as running:
        yield running


Open = Callable[[str], xr.Dataset]


@pytest.fixture(params=[2, 3])
def opened(request: pytest.FixtureRequest, server: Running) -> Open:
    """Opens a collection as its address says, consolidated, in one of the formats; skips where its file is absent."""

    def open_zarr(name: str, **arguments: Any) -> xr.Dataset:
        if name in FILES and not (DATA / FILES[name]).exists():
            pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
        url = f"{server.url}/collections/{name}/zarr"
        return xr.open_zarr(
            url, chunks=None, consolidated=True, zarr_format=request.param, **arguments
        )

    return open_zarr


def messages(name: str) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Keys and values of every message of a sample file."""
    with (DATA / FILES[name]).open("rb") as stream:
        while (handle := eccodes.codes_grib_new_from_file(stream)) is not None:
            eccodes.codes_set(handle, "missingValue", 1e37)
            values = eccodes.codes_get_array(handle, "values")
            names = ("dataDate", "dataTime", "endStep", "number", "level")
            keys = {
                key: eccodes.codes_get(handle, key) if eccodes.codes_is_defined(handle, key) else 0
                for key in names
            }
            keys["lat"] = eccodes.codes_get_array(handle, "latitudes")
            keys["lon"] = eccodes.codes_get_array(handle, "longitudes")
            eccodes.codes_release(handle)
            yield keys, np.where(values == 1e37, np.nan, values)


def instant(keys: dict[str, Any]) -> np.datetime64:
    date = str(keys["dataDate"])
    day = np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}")
    return day.astype("M8[ns]") + np.timedelta64(keys["dataTime"] // 100, "h")


@pytest.mark.parametrize("name", ["levels", "chunked"])
def test_a_collection_opens_with_xarray_and_equals_its_file(opened: Open, name: str) -> None:
    found, stored = opened(name), pressure_levels()
    assert set(found.data_vars) == {"t", "u"}
    assert found.t.dims == ("time", "level", "lat", "lon")
    for variable in stored.variables:
        np.testing.assert_array_equal(found[variable], stored[variable])
    assert found.t.attrs["units"] == "K"
    assert found.t.attrs["standard_name"] == "air_temperature"
    assert found.level.attrs["positive"] == "down"
    assert found.attrs["title"] == stored.attrs["title"]


def test_times_of_other_calendars_are_those_of_the_file(opened: Open) -> None:
    found = opened("climate")
    assert found.time.encoding["calendar"] == "360_day"
    assert found.time.encoding["dtype"] == np.int64
    assert [str(time.item())[:10] for time in found.time] == [
        "2020-02-28", "2020-02-29", "2020-02-30", "2020-03-01", "2020-03-02",
    ]  # fmt: skip
    assert found.t.sel(time="2020-02-30").values.max() == 2


def test_forecasts_have_their_valid_times(opened: Open) -> None:
    found, stored = opened("runs"), forecast()
    assert found.t.dims == ("member", "reference_time", "step", "lat", "lon")
    expected = stored.t.transpose("number", "reference_time", "step", "lat", "lon")
    np.testing.assert_array_equal(found.t, expected)
    np.testing.assert_array_equal(found.step, [0, 6, 12])
    valid = stored.reference_time.values[:, None] + stored.step.values
    np.testing.assert_array_equal(found.valid_time, valid)
    assert {"valid_time", "reference_time", "step", "member"} <= set(found.coords)


def test_text_is_the_text_of_the_file(opened: Open) -> None:
    found = opened("scenarios")
    assert list(found.scenario.values) == ["ssp126", "ssp585"]
    np.testing.assert_array_equal(found.t, scenarios().t)


def test_whole_numbers_stay_so_and_missing_ones_are_missing(opened: Open) -> None:
    raw, stored = opened("packed", mask_and_scale=False), packed()
    assert raw["count"].dtype == np.int16
    assert raw.whole.dtype == np.int32
    assert raw.kind.dtype == np.uint8
    assert raw.scaled.dtype == np.float32
    assert raw["count"].attrs["_FillValue"] == -999
    assert "_FillValue" not in raw.kind.attrs
    np.testing.assert_array_equal(raw["count"], stored["count"])
    np.testing.assert_array_equal(raw.whole, stored.whole)
    decoded, expected = opened("packed"), xr.decode_cf(stored)
    for name in ("count", "scaled", "kind", "whole"):
        np.testing.assert_array_equal(decoded[name], expected[name])
    assert np.isnan(decoded["count"][0, 0, 0])
    assert decoded.kind.attrs["flag_meanings"] == "sea land ice"
    assert list(decoded.kind.attrs["flag_values"]) == [0, 1, 2]


def test_bounds_methods_and_credits_are_told(opened: Open) -> None:
    found, stored = opened("packed"), xr.decode_cf(packed())
    assert found.time.encoding.get("bounds", found.time.attrs.get("bounds")) == "time_bnds"
    np.testing.assert_array_equal(found.time_bnds, stored.time_bnds)
    assert found.scaled.attrs["cell_methods"] == "time: mean"
    assert found.attrs["license"] == "CC-BY-4.0"
    assert found.attrs["attribution"] == "Somebody"
    assert "time_bnds" in found.coords


def test_derived_variables_are_read_like_others(opened: Open) -> None:
    found = opened("wind")
    np.testing.assert_allclose(found.wind_speed, np.hypot(found.u, found.v), rtol=1e-12)
    assert found.wind_speed.attrs["standard_name"] == "wind_speed"


def test_grib_on_latitudes_and_longitudes_equals_ecCodes(opened: Open) -> None:
    found = opened("latlon")
    values = found["2t"].values
    for keys, expected in messages("latlon"):
        at = int(np.flatnonzero(found.time.values == instant(keys))[0])
        np.testing.assert_allclose(values[at].ravel(), expected, rtol=1e-6)
    lat, lon = np.meshgrid(found.lat, found.lon, indexing="ij")
    np.testing.assert_allclose(lat.ravel(), keys["lat"], atol=1e-5)
    np.testing.assert_allclose((lon.ravel() - keys["lon"] + 180) % 360, 180, atol=1e-5)


def test_healpix_is_described_as_cf_does(opened: Open) -> None:
    found = opened("nested")
    name = found.t.encoding.get("grid_mapping", found.t.attrs.get("grid_mapping"))
    assert found[name].attrs["grid_mapping_name"] == "healpix"
    assert found[name].attrs["refinement_level"] == 5
    assert found[name].attrs["indexing_scheme"] == "nested"
    np.testing.assert_array_equal(found.healpix_index, np.arange(12288))
    for keys, expected in messages("nested"):
        at = {"time": instant(keys), "pressure": keys["level"]}
        np.testing.assert_allclose(found.t.sel(at), expected, rtol=1e-6)
        np.testing.assert_allclose(found.lat, keys["lat"], atol=1e-6)
        np.testing.assert_allclose((found.lon - keys["lon"] + 180) % 360, 180, atol=1e-6)
    whole, stored = opened("spheres"), healpix()
    np.testing.assert_array_equal(whole.t, stored.t)
    np.testing.assert_array_equal(whole.healpix_index, stored.cell)


def test_a_reduced_gaussian_grid_has_a_place_for_every_cell(opened: Open) -> None:
    found = opened("reduced")
    ((keys, expected),) = messages("reduced")
    assert found["10u"].dims == ("cell",)
    np.testing.assert_allclose(found["10u"], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.lat, keys["lat"], atol=1e-4)
    np.testing.assert_allclose(found.lon, keys["lon"], atol=1e-4)
    assert {"lat", "lon"} <= set(found.coords)


def test_a_projected_grid_has_its_crs_and_plane(opened: Open) -> None:
    found = opened("lambert")
    ((keys, expected),) = messages("lambert")
    (name,) = found.data_vars
    values = found[name].values
    rows = values if found.lat[0, 0] < found.lat[-1, 0] else values[::-1]
    scans_up = keys["lat"][0] < keys["lat"][-1]
    np.testing.assert_allclose((rows if scans_up else rows[::-1]).ravel(), expected, rtol=1e-6)
    crs = pyproj.CRS.from_cf(found.crs.attrs)
    x, y = np.meshgrid(found.x, found.y)
    lon, lat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
    np.testing.assert_allclose(found.lon, lon, atol=1e-6)
    np.testing.assert_allclose(found.lat, lat, atol=1e-6)
    assert found.x.attrs["standard_name"] == "projection_x_coordinate"


def test_a_geotiff_equals_rasterio(opened: Open) -> None:
    raw = opened("utm", mask_and_scale=False)
    with rasterio.open(DATA / FILES["utm"]) as stored:
        np.testing.assert_array_equal(raw.band1, stored.read(1))
        assert raw.band1.dtype == stored.dtypes[0]
        assert pyproj.CRS.from_cf(raw.crs.attrs).to_epsg() == stored.crs.to_epsg()
        corner = stored.transform @ (0.5, 0.5)
    assert (raw.x.values[0], raw.y.values[0]) == corner


def test_a_window_of_a_large_file_of_classes_is_read_from_its_chunks(opened: Open) -> None:
    raw = opened("cover", mask_and_scale=False)
    assert raw.band1.shape == (36000, 36000)
    with rasterio.open(DATA / FILES["cover"]) as stored:
        expected = stored.read(1, window=((20000, 20100), (30000, 30200)))
    np.testing.assert_array_equal(raw.band1[20000:20100, 30000:30200], expected)
    np.testing.assert_array_equal(
        raw.band1[-3:, -3:], raw.band1[35000:, 35000:][-3:, -3:]
    )  # padded chunks at the edge


@pytest.mark.parametrize(
    ("name", "variable", "lat", "lon"), [("mesh", "tos", "nav_lat", "nav_lon"), ("cities", "tas", "lat", "lon")]
)  # fmt: skip
def test_curvilinear_and_scattered_cells_have_auxiliary_coordinates(
    opened: Open, name: str, variable: str, lat: str, lon: str
) -> None:
    found = opened(name)
    with xr.open_dataset(DATA / FILES[name], decode_times=False) as stored:
        values = stored[variable].transpose(..., *stored[lat].dims)
        if name == "cities":
            values = values.transpose("time", ...)
        np.testing.assert_allclose(found[variable], values, rtol=1e-6)
        np.testing.assert_allclose(found.lat, stored[lat], atol=1e-5)
        np.testing.assert_allclose((found.lon - stored[lon].values + 180) % 360, 180, atol=1e-5)
    assert {"lat", "lon"} <= set(found.coords)


def test_a_sparse_forecast_is_missing_where_no_message_is(opened: Open) -> None:
    found = opened("sparse")
    values = found["2t"].values
    held = np.zeros(values.shape[:3], bool)
    for keys, expected in messages("sparse"):
        at = (
            int(np.flatnonzero(found.member.values == keys["number"])[0]),
            int(np.flatnonzero(found.reference_time.values == instant(keys))[0]),
            int(np.flatnonzero(found.step.values == keys["endStep"])[0]),
        )
        held[at] = True
        np.testing.assert_allclose(values[at].ravel(), expected, rtol=1e-6)
    assert np.isnan(values[~held]).all()
    assert not held.all()


def test_zarr_python_reads_the_group_without_xarray(server: Running) -> None:
    for zarr_format in (2, 3):
        url = f"{server.url}/collections/levels/zarr"
        group = zarr.open_group(url, mode="r", zarr_format=zarr_format)
        array = group["t"]
        assert isinstance(array, zarr.Array)
        np.testing.assert_array_equal(array[1:3, 0], pressure_levels().t[1:3, 0])
