"""Speed and direction as a collection's configuration asks for them, in every view, and what ``check`` says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import xarray as xr
from flask.testing import FlaskClient

from config.configuration import load_configuration
from config.errors import ConfigurationError
from config.settings import Settings
from ogcapi.app import create_app
from ogcapi.inspect import check_configuration
from tests.http.coverages import get_coverage

CRS = "+proj=lcc +lat_1=50 +lat_2=50 +lat_0=50 +lon_0=8 +R=6371229 +units=m +no_defs"
TO = 60.0
"""Where the wind blows to, from true north, everywhere."""


def wind(path: Path, names: tuple[str, str] = ("x_wind", "y_wind")) -> Path:
    """10 m/s over Europe, as components along the axes of a Lambert projection, by PROJ's own convergence."""
    crs = pyproj.CRS(CRS)
    x, y = np.linspace(-2e6, 2e6, 41), np.linspace(-2e6, 2e6, 31)
    lon, lat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(
        *np.meshgrid(x, y)
    )
    convergence = np.asarray(pyproj.Proj(crs).get_factors(lon, lat).meridian_convergence)
    grid = np.radians(TO - convergence)
    facts = {"units": "m s-1", "grid_mapping": "crs"}
    length = {"units": "m"}
    xr.Dataset(
        {
            "u": (("y", "x"), 10 * np.sin(grid), {**facts, "standard_name": names[0]}),
            "v": (("y", "x"), 10 * np.cos(grid), {**facts, "standard_name": names[1]}),
            "crs": ((), 0, {"crs_wkt": crs.to_wkt(), "grid_mapping_name": "lambert_conformal_conic"}),
        },
        {
            "x": ("x", x, {"standard_name": "projection_x_coordinate", **length}),
            "y": ("y", y, {"standard_name": "projection_y_coordinate", **length}),
        },
    ).to_netcdf(path)  # fmt: skip
    return path


def configured(folder: Path, more: str) -> Path:
    (folder / "config").mkdir()
    (folder / "config/a.yml").write_text(
        f"resources: {{ours: {{type: collection, title: Ours, source: ../wind.nc, {more}}}}}\n"
    )
    return folder / "config"


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    wind(tmp_path / "wind.nc")
    folder = configured(
        tmp_path,
        "derived: [speed, direction], variables: {u: {hidden: true}, wind_speed: {title: Wind, range: [0, 20]}}",
    )
    settings = Settings(state_dir=tmp_path / "state")
    return create_app(settings, configuration=load_configuration(folder)).test_client()


def test_derived_fields_are_fields_like_any_other(client: FlaskClient) -> None:
    schema = client.get("/collections/ours/schema?f=json").get_json()["properties"]
    assert {"v", "wind_speed", "wind_from_direction"} <= schema.keys()
    assert "u" not in schema, "what is hidden stays hidden"
    assert schema["wind_speed"]["title"] == "Wind"
    document = get_coverage(
        client, "/collections/ours/coverage?properties=wind_from_direction,wind_speed&bbox=-5,40,20,60"
    )  # fmt: skip
    ranges = document["ranges"]
    assert len(ranges["wind_from_direction"]["values"]) > 50
    np.testing.assert_allclose(ranges["wind_from_direction"]["values"], TO + 180, atol=0.01)
    np.testing.assert_allclose(ranges["wind_speed"]["values"], 10, rtol=1e-5)


@pytest.mark.parametrize("lon", [-15, 0, 8, 25])
def test_a_position_and_a_map_show_them(client: FlaskClient, lon: float) -> None:
    url = f"/collections/ours/position?coords=POINT({lon} 50)&parameter-name=wind_from_direction&f=json"
    ranges = client.get(url).get_json()["ranges"]
    np.testing.assert_allclose(ranges["wind_from_direction"]["values"], [TO + 180], atol=0.01)
    answer = client.get("/collections/ours/map?properties=wind_speed&width=64&height=64")
    assert (answer.status_code, answer.content_type) == (200, "image/png")


def test_check_passes_what_can_be_derived(tmp_path: Path) -> None:
    wind(tmp_path / "wind.nc")
    folder = configured(
        tmp_path, "derived: [speed, direction], variables: {wind_speed: {range: [0, 20]}}"
    )
    lines = check_configuration(folder)
    assert [line for line in lines if not line.startswith("warning:")] == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("air_temperature", "air_pressure"), ["speed: no pair", "direction: no pair"]),
        (("", ""), ["direction: the data do not say"]),
    ],
)
def test_check_says_what_cannot_be_derived(
    tmp_path: Path, names: tuple[str, str], words: list[str]
) -> None:
    wind(tmp_path / "wind.nc", names)
    lines = check_configuration(configured(tmp_path, "derived: [speed, direction]"))
    problems = [line for line in lines if not line.startswith("warning:")]
    assert len(problems) == len(words)
    for line, word in zip(problems, words, strict=True):
        assert f"resources.ours.derived: {word}" in line


def test_another_quantity_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"derived"):
        load_configuration(configured(tmp_path, "derived: [vorticity]"))
