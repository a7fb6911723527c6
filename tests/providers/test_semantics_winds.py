"""Speed and direction from components: true north on every kind of grid, and only where the data say enough.

The expected directions come from moving each point along its true bearing on the ellipsoid and looking where the
projection puts it, and from PROJ's own convergence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyproj
import pytest
from numpy.typing import NDArray

from providers.cube import Coverage, Cube, Query, VariableKind
from providers.grids import Bbox
from providers.semantics.components import with_orientation
from providers.semantics.orientation import orientation_of
from providers.semantics.winds import derived
from tests.providers.bearings import SPEED, apart, bearings, on_grid
from tests.providers.memory import LAT, LON, PieceField, cubes_of

LAMBERT = "+proj=lcc +lat_1=50 +lat_2=50 +lat_0=50 +lon_0=8 +R=6371229 +units=m +no_defs"
LAMBERT_SOUTH = "+proj=lcc +lat_1=-20 +lat_2=-60 +lat_0=-40 +lon_0=-60 +ellps=WGS84 +units=m"
POLAR_NORTH = "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=-45 +ellps=WGS84 +units=m"
POLAR_SOUTH = "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +ellps=WGS84 +units=m"
MERCATOR = "+proj=merc +lat_ts=20 +lon_0=0 +ellps=WGS84 +units=m"
UTM = "EPSG:32633"
PROJECTIONS: dict[str, tuple[str, float]] = {
    "Lambert": (LAMBERT, 2.5e6),
    "Lambert, south": (LAMBERT_SOUTH, 3e6),
    "polar stereographic": (POLAR_NORTH, 4e6),
    "polar stereographic, south": (POLAR_SOUTH, 4e6),
    "Mercator": (MERCATOR, 8e6),
}


def projected(text: str, reach: float, names: tuple[str, str] = ("x_wind", "y_wind")) -> Cube:
    """A cube of wind with known true bearings (variable ``bearing``) over a square of a projection."""
    crs = pyproj.CRS(text)
    columns, rows = np.linspace(-reach, reach, 41), np.linspace(reach, -reach, 37)
    x, y = np.meshgrid(columns, rows)
    lon, lat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
    bearing = bearings(lon.shape)
    u, v = on_grid(crs, lon, lat, bearing)
    mapping = {"grid_mapping": "crs"}
    (cube,) = cubes_of(
        [
            ("x", ("x",), columns, {"standard_name": "projection_x_coordinate", "units": "m"}),
            ("y", ("y",), rows, {"standard_name": "projection_y_coordinate", "units": "m"}),
            ("crs", (), 0, {"crs_wkt": crs.to_wkt(), "grid_mapping_name": "other"}),
            ("u", ("y", "x"), u, {**mapping, "standard_name": names[0], "units": "m s-1"}),
            ("v", ("y", "x"), v, {**mapping, "standard_name": names[1], "units": "m s-1"}),
            ("bearing", ("y", "x"), bearing, mapping),
        ]
    )
    return cube


def rotated(pole: tuple[float, float]) -> Cube:
    """The same on a rotated pole: grid north pole at (lat, lon)."""
    facts = {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": pole[0],
        "grid_north_pole_longitude": pole[1],
    }
    crs = pyproj.CRS.from_cf(facts)
    rlon, rlat = np.linspace(-60, 60, 41), np.linspace(-50, 50, 35)
    x, y = np.meshgrid(rlon, rlat)
    lon, lat = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
    bearing = bearings(lon.shape)
    u, v = on_grid(crs, lon, lat, bearing)
    facts_of = {"grid_mapping": "rotated_pole", "units": "m s-1"}
    (cube,) = cubes_of(
        [
            ("rlon", ("rlon",), rlon, {"standard_name": "grid_longitude", "units": "degrees"}),
            ("rlat", ("rlat",), rlat, {"standard_name": "grid_latitude", "units": "degrees"}),
            ("rotated_pole", (), 0, facts),
            ("u", ("rlat", "rlon"), u, {**facts_of, "standard_name": "grid_eastward_wind"}),
            ("v", ("rlat", "rlon"), v, {**facts_of, "standard_name": "grid_northward_wind"}),
            ("bearing", ("rlat", "rlon"), bearing, {"grid_mapping": "rotated_pole"}),
        ]
    )
    return cube


def with_derived(cube: Cube) -> Cube:
    extra = {variable.id: variable for variable in derived(cube, ("speed", "direction"))}
    return replace(cube, variables={**cube.variables, **extra})


def assert_true(coverage: Coverage) -> None:
    came_from = (coverage.values["bearing"] + 180.0) % 360.0
    assert apart(coverage.values["wind_from_direction"], came_from).max() < 0.01
    np.testing.assert_allclose(coverage.values["wind_speed"], SPEED, rtol=1e-5)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_directions_on_a_projection_refer_to_true_north_everywhere(name: str) -> None:
    cube = with_derived(projected(*PROJECTIONS[name]))
    assert_true(cube.select(Query()))


@pytest.mark.parametrize(
    "pole", [(39.25, -162.0), (-30.0, 20.0), (70.0, 0.0)], ids=["north", "south", "near"]
)
def test_directions_on_a_rotated_pole_refer_to_true_north_everywhere(
    pole: tuple[float, float],
) -> None:
    assert_true(with_derived(rotated(pole)).select(Query()))


def test_a_part_of_the_domain_and_single_cells_are_turned_as_in_the_whole() -> None:
    cube = with_derived(projected(LAMBERT, 2.5e6))
    assert_true(cube.select(Query(bbox=Bbox(0, 45, 10, 55))))
    one = cube.select(Query(("wind_from_direction", "wind_speed", "bearing"), Bbox(7, 49, 7, 49)))
    assert one.selection.size == 1
    assert_true(one)


@pytest.mark.parametrize("text", [LAMBERT, LAMBERT_SOUTH, POLAR_NORTH, POLAR_SOUTH, MERCATOR, UTM])
def test_the_turn_is_the_convergence_of_the_projection(text: str) -> None:
    crs = pyproj.CRS(text)
    cube = projected(text, 4e5 if text == UTM else 2e6)
    cells = np.arange(cube.grid.size)
    lon, lat = cube.grid.centres()
    inside = np.abs(lat) < 89.9
    orientation = orientation_of(cube.grid, crs.to_wkt())
    assert orientation is not None
    turned = orientation.north(cells)[inside]
    convergence = np.asarray(pyproj.Proj(crs).get_factors(lon, lat).meridian_convergence)[inside]
    assert min(apart(turned, convergence).max(), apart(turned, -convergence).max()) < 0.01


def test_a_mesh_without_a_projection_is_turned_by_its_own_rows() -> None:
    lambert = projected(LAMBERT, 2e6)
    lon, lat = (part.reshape(lambert.grid.shape) for part in lambert.grid.centres())
    whole = lambert.select(Query())
    facts = {"coordinates": "lat lon", "units": "m/s"}
    (mesh,) = cubes_of(
        [
            ("lon", ("y", "x"), lon, LON),
            ("lat", ("y", "x"), lat, LAT),
            (
                "u",
                ("y", "x"),
                values(whole, "u"),
                {**facts, "standard_name": "sea_water_x_velocity"},
            ),
            (
                "v",
                ("y", "x"),
                values(whole, "v"),
                {**facts, "standard_name": "sea_water_y_velocity"},
            ),
        ]
    )
    found = values(with_derived(mesh).select(Query()), "sea_water_velocity_to_direction")
    assert apart(found, values(whole, "bearing")).max() < 0.5


def values(coverage: Coverage, name: str) -> NDArray[Any]:
    """Values of all cells in the order of the grid, where they were selected in that order."""
    found = coverage.values[name]
    return found.reshape(coverage.grid.shape) if found.size == coverage.grid.size else found


def plain(items: Mapping[str, Mapping[str, Any]], grid: str = "rectilinear") -> Cube:
    """Variables by name with their attributes; values are 3, 4, 3, 4… in the order they are given."""
    lat, lon = np.array([50.0, 40.0, 30.0]), np.array([0.0, 10.0, 20.0])
    if grid == "points":
        dims, coordinates = ("cell",), [("lat", ("cell",), lat, LAT), ("lon", ("cell",), lon, LON)]
    else:
        dims, coordinates = (
            ("lat", "lon"),
            [("lat", ("lat",), lat, LAT), ("lon", ("lon",), lon, LON)],
        )
    shared = {"coordinates": "lat lon", "units": "m s-1"}
    data = [
        (name, dims, np.full((3,) * len(dims), 3.0 + position % 2), {**shared, **facts})
        for position, (name, facts) in enumerate(items.items())
    ]
    (cube,) = cubes_of([*coordinates, *data])
    return cube


def names(cube: Cube) -> list[str]:
    return sorted(variable.id for variable in derived(cube, ("speed", "direction")))


def test_wind_comes_from_and_currents_go_to() -> None:
    cube = with_derived(
        plain(
            {
                "u10": {},
                "v10": {},
                "uo": {"standard_name": "eastward_sea_water_velocity"},
                "vo": {"standard_name": "northward_sea_water_velocity"},
            }
        )
    )
    coverage = cube.select(Query())
    to = np.degrees(np.arctan2(3, 4))
    np.testing.assert_allclose(coverage.values["wind_from_direction"], to + 180, rtol=1e-6)
    np.testing.assert_allclose(coverage.values["sea_water_velocity_to_direction"], to, rtol=1e-6)
    np.testing.assert_allclose(coverage.values["wind_speed"], 5)
    np.testing.assert_allclose(coverage.values["sea_water_speed"], 5)
    direction = cube.variables["wind_from_direction"]
    assert direction.kind is VariableKind.DIRECTION
    assert (direction.units, direction.standard_name) == ("degree", "wind_from_direction")
    speed = cube.variables["wind_speed"]
    assert (speed.units, speed.standard_name, speed.dtype.kind) == ("m s-1", "wind_speed", "f")


def test_derived_fields_keep_what_was_done_over_time() -> None:
    cube = plain({"u10": {"cell_methods": "time: mean"}, "v10": {"cell_methods": "time: mean"}})
    speed, direction = derived(cube, ("speed", "direction"))
    assert speed.kind is VariableKind.MEAN
    assert direction.attributes["cell_methods"] == "time: mean"


def test_several_pairs_are_told_apart_by_their_height() -> None:
    assert names(plain({"u10": {}, "v10": {}, "u100": {}, "v100": {}})) == [
        "wind_from_direction_100m",
        "wind_from_direction_10m",
        "wind_speed_100m",
        "wind_speed_10m",
    ]
    grib = {
        name: {"GRIB_shortName": name, "standard_name": f"{way}_wind"}
        for name, way in (
            ("10u", "eastward"),
            ("10v", "northward"),
            ("200u", "eastward"),
            ("200v", "northward"),
        )
    }
    assert "wind_speed_200m" in names(plain(grib))
    assert names(plain({"ua": {}, "va": {}, "uas": {}, "vas": {}}))[-2:] == [
        "wind_speed_ua",
        "wind_speed_uas",
    ]


@pytest.mark.parametrize(
    "pair",
    [
        ("u", "v"),
        ("10u", "10v"),
        ("100u", "100v"),
        ("uas", "vas"),
        ("u10", "v10"),
        ("U", "V"),
        ("uwnd", "vwnd"),
        ("U10M", "V10M"),
        ("UGRD", "VGRD"),
    ],
)
def test_pairs_of_wind_are_known_by_their_usual_names(pair: tuple[str, str]) -> None:
    assert names(plain({name: {} for name in pair})) == ["wind_from_direction", "wind_speed"]


@pytest.mark.parametrize("pair", [("uo", "vo"), ("utotal", "vtotal"), ("uos", "vos")])
def test_pairs_of_currents_are_known_by_their_usual_names(pair: tuple[str, str]) -> None:
    assert names(plain({name: {} for name in pair})) == [
        "sea_water_speed",
        "sea_water_velocity_to_direction",
    ]
    current = {"u": {"long_name": "zonal current"}, "v": {"long_name": "meridional current"}}
    assert "sea_water_speed" in names(plain(current))


@pytest.mark.parametrize(
    "items",
    [
        {"u10": {}},
        {"u10": {}, "v10": {"units": "knots"}},
        {"u10": {"units": "N m-2"}, "v10": {"units": "N m-2"}},
        {"u": {"cell_methods": "time: sum"}, "v": {"cell_methods": "time: sum"}},
        {"u": {"standard_name": "surface_downward_eastward_stress"}, "v": {}},
        {"u": {}, "t": {}},
    ],
)
def test_what_is_not_a_pair_gives_nothing(items: Mapping[str, Mapping[str, Any]]) -> None:
    assert names(plain(items)) == []


def test_a_speed_that_the_data_have_stays() -> None:
    cube = plain({"u10": {}, "v10": {}, "wind_speed": {}})
    assert names(cube) == ["wind_from_direction"]


def test_calm_has_no_direction_and_missing_stays_missing() -> None:
    cube = plain({"u10": {}, "v10": {}})
    u = np.array([[0.0, np.nan, -1.0], [0.0, 0.0, 1.0], [1e-7, 3.0, 3.0]])
    v = np.array([[0.0, 1.0, -1e-12], [-1.0, 1.0, 0.0], [-1.0, np.nan, 4.0]])
    mask = np.ones((), bool)
    variables = {
        name: replace(
            cube.variables[name], field=PieceField(("lat", "lon"), field.astype("f4"), mask)
        )
        for name, field in (("u10", u), ("v10", v))
    }
    found = with_derived(replace(cube, variables=variables)).select(Query())
    direction = found.values["wind_from_direction"]
    nan = np.nan
    expected = [[nan, nan, 90.0], [0.0, 180.0, 270.0], [0.0, nan, 216.8699]]
    np.testing.assert_allclose(direction, expected, atol=1e-4)
    assert (direction[np.isfinite(direction)] < 360).all()


def test_components_say_what_they_refer_to() -> None:
    def said(cube: Cube) -> list[Any]:
        shown = with_orientation(cube).variables
        return [shown[name].attributes.get("vector_components") for name in ("u", "v")]

    assert said(projected(LAMBERT, 1e6)) == ["grid-relative"] * 2
    assert said(projected(LAMBERT, 1e6, ("eastward_wind", "northward_wind"))) == ["true north"] * 2
    assert said(rotated((39.25, -162.0))) == ["grid-relative"] * 2
    assert said(plain({"u": {}, "v": {}})) == ["true north"] * 2, "parallels and meridians"
    assert said(projected(LAMBERT, 1e6, ("", ""))) == [None, None], "nobody says"
    assert said(plain({"u": {}, "v": {}}, "points")) == [None, None]


@pytest.mark.parametrize(("flag", "direction"), [(1, True), (0, False)])
def test_the_flag_of_grib_decides_over_the_standard_name(flag: int, direction: bool) -> None:
    cube = projected(LAMBERT, 2e6, ("eastward_wind", "northward_wind"))
    flagged = {
        name: replace(variable, attributes={**variable.attributes, "GRIB_uvRelativeToGrid": flag})
        for name, variable in cube.variables.items()
    }
    coverage = with_derived(replace(cube, variables=flagged)).select(Query())
    came_from = (coverage.values["bearing"] + 180.0) % 360.0
    off = apart(coverage.values["wind_from_direction"], came_from).max()
    assert bool(off < 0.01) is direction


def test_there_is_no_direction_where_nobody_says_what_components_refer_to() -> None:
    assert names(projected(LAMBERT, 1e6, ("", ""))) == ["wind_speed"]
    assert names(plain({"u": {}, "v": {}}, "points")) == ["wind_speed"]


def test_derived_fields_lack_what_their_components_lack() -> None:
    values = np.ones((2, 3, 3))
    u = PieceField(("time", "lat", "lon"), values, np.array([True, True]))
    v = PieceField(("time", "lat", "lon"), values, np.array([True, False]))
    cube = plain({"u10": {}, "v10": {}})
    variables = {
        name: replace(cube.variables[name], field=field) for name, field in (("u10", u), ("v10", v))
    }
    (speed,) = derived(replace(cube, variables=variables), ("speed",))
    counts = speed.field.counts(("time",))  # type: ignore[attr-defined]
    assert counts.tolist() == [1, 0]
    assert np.isnan(speed.field.read({})[1]).all()
