"""Wind of GRIB messages: components as they are, speed and direction derived from them to true north."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import pyproj
import pytest

from providers.cube import Cube, Query
from providers.semantics.components import with_orientation
from providers.semantics.winds import derived
from providers.store import Source, Store
from tests.grib.synthetic import message, write
from tests.providers.bearings import SPEED, apart, bearings, on_grid

SPHERE = "+R=6371229 +no_defs"
LAMBERT: dict[str, Any] = {
    "gridType": "lambert", "Nx": 40, "Ny": 30, "latitudeOfFirstGridPointInDegrees": 35.0,
    "longitudeOfFirstGridPointInDegrees": 345.0, "LaDInDegrees": 50.0, "LoVInDegrees": 8.0,
    "DxInMetres": 80_000, "DyInMetres": 80_000, "Latin1InDegrees": 50.0, "Latin2InDegrees": 50.0,
    "iScansNegatively": 0, "jScansPositively": 1,
}  # fmt: skip
POLAR: dict[str, Any] = {
    "gridType": "polar_stereographic", "Nx": 40, "Ny": 30, "latitudeOfFirstGridPointInDegrees": 55.0,
    "longitudeOfFirstGridPointInDegrees": 270.0, "LaDInDegrees": 60.0, "orientationOfTheGridInDegrees": 315.0,
    "DxInMetres": 120_000, "DyInMetres": 120_000, "iScansNegatively": 0, "jScansPositively": 1,
}  # fmt: skip
POLAR_SOUTH = {
    **POLAR, "latitudeOfFirstGridPointInDegrees": -55.0, "LaDInDegrees": -60.0, "projectionCentreFlag": 128,
    "longitudeOfFirstGridPointInDegrees": 200.0, "orientationOfTheGridInDegrees": 0.0,
}  # fmt: skip
ROTATED: dict[str, Any] = {
    "gridType": "rotated_ll", "Ni": 40, "Nj": 30, "latitudeOfFirstGridPointInDegrees": -25.0,
    "latitudeOfLastGridPointInDegrees": 33.0, "longitudeOfFirstGridPointInDegrees": -38.0,
    "longitudeOfLastGridPointInDegrees": 40.0, "iDirectionIncrementInDegrees": 2.0,
    "jDirectionIncrementInDegrees": 2.0, "iScansNegatively": 0, "jScansPositively": 1,
    "latitudeOfSouthernPoleInDegrees": -39.25, "longitudeOfSouthernPoleInDegrees": 18.0,
    "angleOfRotationInDegrees": 0.0,
}  # fmt: skip
GRIDS = {
    "Lambert": (LAMBERT, f"+proj=lcc +lat_1=50 +lat_2=50 +lat_0=50 +lon_0=8 {SPHERE}"),
    "polar": (POLAR, f"+proj=stere +lat_0=90 +lat_ts=60 +lon_0=-45 {SPHERE}"),
    "polar south": (POLAR_SOUTH, f"+proj=stere +lat_0=-90 +lat_ts=-60 +lon_0=0 {SPHERE}"),
    "rotated": (
        ROTATED,
        f"+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18 {SPHERE}",
    ),
}


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def cube_of(store: Store, path: Path) -> Cube:
    """The cube of a file with everything that can be derived in it."""
    (named,) = store.dataset(Source((str(path),))).cubes
    cube = with_orientation(named.cube)
    extra = {variable.id: variable for variable in derived(cube, ("speed", "direction"))}
    return replace(cube, variables={**cube.variables, **extra})


def places(grid: dict[str, Any], points: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Longitudes and latitudes of the points in the order of the message, by ecCodes."""
    handle = eccodes.codes_new_from_message(message(np.zeros(points), grid=grid))
    try:
        return (
            eccodes.codes_get_array(handle, "longitudes"),
            eccodes.codes_get_array(handle, "latitudes"),
        )
    finally:
        eccodes.codes_release(handle)


@pytest.mark.parametrize("relative", [True, False], ids=["to the grid", "to true north"])
@pytest.mark.parametrize("name", GRIDS)
def test_directions_are_true_whatever_the_components_refer_to(
    store: Store, tmp_path: Path, name: str, relative: bool
) -> None:
    grid, text = GRIDS[name]
    points = grid.get("Nx", grid.get("Ni")) * grid.get("Ny", grid.get("Nj"))
    lon, lat = places(grid, points)
    bearing = bearings((points,))
    u, v = SPEED * np.sin(np.radians(bearing)), SPEED * np.cos(np.radians(bearing))
    if relative:
        u, v = on_grid(pyproj.CRS(text), lon, lat, bearing)
    flags = {"resolutionAndComponentFlags": 48 + 8 * relative, "bitsPerValue": 24}
    path = write(
        tmp_path / "wind.grib2",
        *(
            message(values, grid=grid, dataDate=20240101, shortName=short, **flags)
            for short, values in (("10u", u), ("10v", v))
        ),
    )
    cube = cube_of(store, path)
    said = {cube.variables[name].attributes.get("vector_components") for name in ("10u", "10v")}
    assert said == {"grid-relative" if relative else "true north"}
    inside = np.abs(lat) < 89.9
    cells = cube.grid.locate(lon, lat)
    assert (cells >= 0).all()
    coverage = cube.select(Query(("wind_speed", "wind_from_direction")))
    whole = {
        key: cube.variables[key].field.read({}).ravel()[cells]
        for key in ("wind_speed", "wind_from_direction")
    }
    assert apart(whole["wind_from_direction"], (bearing + 180) % 360)[inside].max() < 0.1
    np.testing.assert_allclose(whole["wind_speed"], SPEED, rtol=1e-4)
    assert coverage.values["wind_speed"].size == points


def test_wind_on_parallels_and_meridians_equals_ecCodes_values(
    grib_folder: Path, store: Store
) -> None:
    path = grib_folder / "ifs_uv_pl_steps.grib"
    cube = cube_of(store, path)
    stored: dict[tuple[Any, ...], Any] = {}
    with path.open("rb") as stream:
        while (handle := eccodes.codes_grib_new_from_file(stream)) is not None:
            key = tuple(
                eccodes.codes_get(handle, name) for name in ("shortName", "endStep", "level")
            )
            shape = eccodes.codes_get(handle, "Nj"), eccodes.codes_get(handle, "Ni")
            stored[key] = eccodes.codes_get_values(handle).reshape(shape)
            eccodes.codes_release(handle)
    coverage = cube.select(Query(("wind_speed", "wind_from_direction")))
    levels = coverage.axes["pressure"].values.tolist()
    assert sorted(levels) == sorted({level for name, _, level in stored if name == "v"})
    for at, step in enumerate(sorted({step for _, step, _ in stored})):
        for level, height in enumerate(levels):
            u, v = stored["u", step, height], stored["v", step, height]
            speed = coverage.values["wind_speed"][0, at, level]
            np.testing.assert_allclose(speed, np.sqrt(u**2 + v**2), rtol=1e-5)
            direction = coverage.values["wind_from_direction"][0, at, level]
            assert apart(direction, (270 - np.degrees(np.arctan2(v, u))) % 360).max() < 1e-2
