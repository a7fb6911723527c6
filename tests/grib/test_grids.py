"""Grids of GRIB messages: where ecCodes says the points are, however they are scanned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import pyproj
import pytest
from numpy.typing import NDArray

from providers.cf.coordinates import NoGrid
from providers.grib.grids import GribGrid, grid_of
from providers.grib.keys import LOCK
from providers.grids import EARTH_RADIUS, Bbox, PointGrid, ProjectedGrid, ReducedGaussianGrid

Doubles = NDArray[np.floating[Any]]
SPHERE = 4 * np.pi * EARTH_RADIUS**2


def degrees(value: float) -> int:
    """As GRIB 2 stores an angle."""
    return round(value * 1e6)


def made(sample: str = "regular_ll_sfc_grib2", points: int | None = None, **keys: Any) -> bytes:
    """A message of one of ecCodes' samples on another grid, its values numbered from 0."""
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        try:
            for name, value in keys.items():
                set_key = eccodes.codes_set_array if isinstance(value, list) else eccodes.codes_set
                set_key(handle, name, value)
            eccodes.codes_set(handle, "bitsPerValue", 24)
            count = points or eccodes.codes_get_size(handle, "values")
            eccodes.codes_set_values(handle, np.arange(float(count)))
            return bytes(eccodes.codes_get_message(handle))
        finally:
            eccodes.codes_release(handle)


def read(message: bytes, coordinates: Any = None) -> GribGrid:
    with LOCK:
        handle = eccodes.codes_new_from_message(message)
        try:
            return grid_of(handle, coordinates)
        finally:
            eccodes.codes_release(handle)


def listed(message: bytes) -> tuple[Doubles, Doubles]:
    """Longitudes and latitudes of ecCodes, in the order of the message."""
    with LOCK:
        handle = eccodes.codes_new_from_message(message)
        try:
            lon, lat = (
                eccodes.codes_get_array(handle, name) for name in ("longitudes", "latitudes")
            )
            return lon, lat
        finally:
            eccodes.codes_release(handle)


def unit(lon: Any, lat: Any) -> Doubles:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), -1)


def metres_apart(one: Any, other: Any) -> Doubles:
    return np.linalg.norm(unit(*one) - unit(*other), axis=-1) * EARTH_RADIUS


def is_consistent(found: GribGrid) -> None:
    """Values are put where their positions are, and a centre is in its own cell."""
    index = np.arange(found.grid.size)
    positions = found.positions(index)
    in_array = found.array(index.astype(float))
    assert in_array.shape == found.grid.shape
    np.testing.assert_array_equal(in_array.ravel(), positions)
    lon, lat = found.grid.centres()
    known = np.isfinite(lon)
    cells = found.grid.locate(lon[known], lat[known])
    again = found.grid.centres(cells)
    assert (cells >= 0).all()
    assert metres_apart(again, (lon[known], lat[known])).max() < 0.01  # at a pole, any of its cells


def is_where_eccodes_is(message: bytes, near: float = 2.0) -> GribGrid:
    """Every centre within ``near`` metres of where ecCodes has that point of the message."""
    found = read(message)
    lon, lat = listed(message)
    positions = found.positions(np.arange(found.grid.size))
    assert metres_apart(found.grid.centres(), (lon[positions], lat[positions])).max() < near
    is_consistent(found)
    return found


# real files


def kinds_in(path: Path) -> Iterator[bytes]:
    """One message of each grid in a file."""
    seen = set()
    with path.open("rb") as file:
        while True:
            with LOCK:
                try:
                    handle = eccodes.codes_grib_new_from_file(file)
                except eccodes.CodesInternalError:
                    return
                if handle is None:
                    return
                grid = eccodes.codes_get(handle, "md5GridSection")
                message = bytes(eccodes.codes_get_message(handle))
                eccodes.codes_release(handle)
            if grid not in seen:
                seen.add(grid)
                yield message


def test_cells_of_every_file_are_where_eccodes_has_them(grib_files: list[Path]) -> None:
    found, refused = 0, []
    for path in grib_files:
        for message in kinds_in(path):
            try:
                is_where_eccodes_is(message, near=0.5)
                found += 1
            except NoGrid as error:
                refused.append((path.name, str(error)))
    assert found >= 20
    assert [name for name, _ in refused] == ["ifs_z_spherical_harmonics.grib"]
    assert "spectral" in refused[0][1]


def test_areas_of_global_files_sum_to_the_sphere(grib_files: list[Path]) -> None:
    wanted = {
        "ifs_2t_octahedral_o160.grib": "O160",
        "ifs_2t_octahedral_o32.grib1": "O32",
        "ifs_10u_reduced_gg_n48.grib": "N48",
        "era5_healpix_h32_ring.grib2": None,
        "gdps_2t_global_15km.grib2": None,
        "ifs_t_model_levels_gaussian.grib2": None,
    }
    for path in grib_files:
        if path.name in wanted:
            grid = read(next(kinds_in(path))).grid
            assert grid.areas().sum() == pytest.approx(SPHERE, rel=1e-9)
            assert grid.extent == Bbox(-180.0, -90.0, 180.0, 90.0)
            assert getattr(grid, "name", None) == wanted[path.name]


# samples and messages of other centres' grids


@pytest.mark.parametrize(
    "sample",
    [
        "regular_ll_sfc_grib2", "regular_gg_sfc_grib2", "reduced_gg_sfc_grib2", "reduced_gg_pl_32_grib2",
        "reduced_gg_pl_160_grib1", "reduced_ll_sfc_grib2", "reduced_ll_sfc_grib1", "rotated_ll_sfc_grib2",
        "rotated_ll_sfc_grib1", "rotated_gg_sfc_grib2",
    ],
)  # fmt: skip
def test_cells_of_samples_are_where_eccodes_has_them(sample: str) -> None:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        message = bytes(eccodes.codes_get_message(handle))
        eccodes.codes_release(handle)
    is_where_eccodes_is(message)


PLANE: dict[str, Any] = {
    "Nx": 50,
    "Ny": 40,
    "Dx": 50_000_000,
    "Dy": 40_000_000,
    "jScansPositively": 1,
    "points": 2000,
}
SPACE: dict[str, Any] = {
    "gridType": "space_view", "Nx": 100, "Ny": 90, "latitudeOfSubSatellitePoint": 0,
    "longitudeOfSubSatellitePoint": degrees(140), "dx": 96, "dy": 95, "Xp": 60_000, "Yp": 65_000, "Xo": 10, "Yo": 20,
    "orientationOfTheGrid": 0, "Nr": 6_610_700, "points": 9000,
}  # fmt: skip
LAMBERT: dict[str, Any] = {
    "gridType": "lambert", **PLANE, "latitudeOfFirstGridPoint": degrees(43), "LaD": degrees(50),
    "longitudeOfFirstGridPoint": degrees(355), "LoV": degrees(8), "Latin1": degrees(49), "Latin2": degrees(60),
}  # fmt: skip
POLAR: dict[str, Any] = {
    "gridType": "polar_stereographic", **PLANE, "latitudeOfFirstGridPoint": degrees(70), "LaD": degrees(60),
    "longitudeOfFirstGridPoint": degrees(225), "orientationOfTheGrid": degrees(249),
}  # fmt: skip
MERCATOR: dict[str, Any] = {
    "gridType": "mercator", "Ni": 60, "Nj": 40, "latitudeOfFirstGridPoint": degrees(-20), "LaD": degrees(10),
    "longitudeOfFirstGridPoint": degrees(160), "latitudeOfLastGridPoint": degrees(15), "Di": 100_000_000,
    "longitudeOfLastGridPoint": degrees(213), "Dj": 100_000_000, "jScansPositively": 1, "points": 2400,
}  # fmt: skip
ROTATED: dict[str, Any] = {
    "gridType": "rotated_ll", "Ni": 60, "Nj": 40, "latitudeOfFirstGridPoint": degrees(20),
    "longitudeOfFirstGridPoint": degrees(340), "latitudeOfLastGridPoint": degrees(-19), "points": 2400,
    "longitudeOfLastGridPoint": degrees(39), "iDirectionIncrement": degrees(1), "jDirectionIncrement": degrees(1),
    "latitudeOfSouthernPole": degrees(-39.25), "longitudeOfSouthernPole": degrees(18),
}  # fmt: skip
AZIMUTHAL: dict[str, Any] = {
    "gridType": "lambert_azimuthal_equal_area", **PLANE, "latitudeOfFirstGridPoint": degrees(40),
    "longitudeOfFirstGridPoint": degrees(355), "standardParallel": degrees(52), "centralLongitude": degrees(10),
}  # fmt: skip
PROJECTIONS: dict[str, dict[str, Any]] = {
    "lambert": {**LAMBERT, "shapeOfTheEarth": 6},
    "lambert_on_an_ellipsoid": {**LAMBERT, "shapeOfTheEarth": 4, "Latin2": degrees(49)},
    "lambert_alternating": {**LAMBERT, "alternativeRowScanning": 1},
    "lambert_of_the_south": {
        **LAMBERT, "shapeOfTheEarth": 5, "latitudeOfFirstGridPoint": degrees(-43), "LaD": degrees(-40),
        "LoV": degrees(145), "longitudeOfFirstGridPoint": degrees(140), "Latin1": degrees(-30),
        "Latin2": degrees(-50), "projectionCentreFlag": 128,
    },
    "mercator_over_the_dateline": {**MERCATOR, "shapeOfTheEarth": 6},
    "mercator_on_wgs84": {**MERCATOR, "shapeOfTheEarth": 5},
    "azimuthal": {**AZIMUTHAL, "shapeOfTheEarth": 6},
    "azimuthal_on_grs80": {**AZIMUTHAL, "shapeOfTheEarth": 4},
    "azimuthal_southward": {**AZIMUTHAL, "jScansPositively": 0, "latitudeOfFirstGridPoint": degrees(60)},
    "polar_over_the_pole": {**POLAR, "shapeOfTheEarth": 6},
    "polar_of_the_south": {
        **POLAR, "projectionCentreFlag": 128, "latitudeOfFirstGridPoint": degrees(-70), "LaD": degrees(-71),
    },
    "rotated_pole": ROTATED,
    "rotated_globe": {
        **ROTATED, "Ni": 36, "Nj": 19, "latitudeOfFirstGridPoint": degrees(90), "longitudeOfFirstGridPoint": 0,
        "latitudeOfLastGridPoint": degrees(-90), "longitudeOfLastGridPoint": degrees(350), "points": 684,
        "iDirectionIncrement": degrees(10), "jDirectionIncrement": degrees(10),
    },
}  # fmt: skip


@pytest.mark.parametrize("keys", PROJECTIONS.values(), ids=PROJECTIONS)
def test_projected_cells_are_where_eccodes_has_them(keys: dict[str, Any]) -> None:
    message = made(**keys)
    if keys.get(
        "alternativeRowScanning"
    ):  # whose latitudes and longitudes are those of its sorted values
        found = read(message)
        natural = read(made(**{**keys, "alternativeRowScanning": 0})).grid
        assert metres_apart(found.grid.centres(), natural.centres()).max() < 1e-3
        is_consistent(found)
    else:
        found = is_where_eccodes_is(message)
    assert isinstance(found.grid, ProjectedGrid)
    assert found.crs is not None
    assert pyproj.CRS(found.crs) == found.grid.crs


def test_areas_of_a_rotated_globe_sum_to_the_sphere() -> None:
    grid = read(made(**PROJECTIONS["rotated_globe"])).grid
    assert grid.areas().sum() == pytest.approx(SPHERE, rel=1e-9)
    assert grid.extent == Bbox(-180.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize("shape", [2, 6])
def test_cells_seen_from_space_are_where_eccodes_has_them(shape: int) -> None:
    message = made(**SPACE, shapeOfTheEarth=shape)
    found = read(message)
    lon, lat = listed(message)
    on_earth = (lon != 0) | (lat != 0)
    x, y = found.grid.centres()
    assert np.isfinite(x[on_earth]).all()
    assert np.isfinite(x).sum() - on_earth.sum() < 5  # at the very limb
    away = metres_apart((x[on_earth], y[on_earth]), (lon[on_earth], lat[on_earth]))
    assert away.max() < 2
    is_consistent(found)
    assert (found.grid.locate([140 - 90, 140 + 90, 0], [0, 0, 0]) == -1).all()


def test_albers_is_placed_by_its_own_formulas() -> None:
    """ecCodes has no coordinates for template 3.31."""
    message = made(
        gridDefinitionTemplateNumber=31, **PLANE, latitudeOfFirstGridPoint=degrees(25),
        longitudeOfFirstGridPoint=degrees(240), LaD=degrees(23), LoV=degrees(264), Latin1=degrees(29.5),
        Latin2=degrees(45.5), shapeOfTheEarth=6,
    )  # fmt: skip
    found = read(message)
    plane = pyproj.Proj("+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +R=6371229")
    x, y = plane(240, 25)
    mesh_x, mesh_y = np.meshgrid(x + 50e3 * np.arange(50), y + 40e3 * np.arange(40))
    expected = plane(mesh_x.ravel(), mesh_y.ravel(), inverse=True)
    assert metres_apart(found.grid.centres(), expected).max() < 0.01


def test_a_polar_projection_of_an_ellipsoid_is_placed_as_pyproj_does() -> None:
    """ecCodes knows that projection for spheres alone."""
    found = read(made(**POLAR, shapeOfTheEarth=5))
    plane = pyproj.Proj("+proj=stere +lat_0=90 +lat_ts=60 +lon_0=249 +datum=WGS84")
    x, y = plane(225, 70)
    mesh_x, mesh_y = np.meshgrid(x + 50e3 * np.arange(50), y + 40e3 * np.arange(40))
    expected = plane(mesh_x.ravel(), mesh_y.ravel(), inverse=True)
    assert metres_apart(found.grid.centres(), expected).max() < 0.01


def test_a_turn_about_a_rotated_pole_is_the_one_of_the_standard() -> None:
    """Code of PROJ's own GRIB convention; ecCodes turns about the axis of the Earth instead."""
    found = read(made(**ROTATED, angleOfRotationInDegrees=30.0))
    angle = 'ANGLEUNIT["degree",0.0174532925199433]'
    parameters = "".join(
        f',PARAMETER["{name}",{value},{angle}]'
        for name, value in (
            ("Latitude of the southern pole (GRIB convention)", -39.25),
            ("Longitude of the southern pole (GRIB convention)", 18),
            ("Axis rotation (GRIB convention)", 30),
        )
    )
    crs = pyproj.CRS.from_wkt(
        'GEOGCRS["turned",BASEGEOGCRS["sphere",DATUM["sphere",ELLIPSOID["sphere",6371229,0]]],'
        'DERIVINGCONVERSION["turned",METHOD["Pole rotation (GRIB convention)"]'
        f'{parameters}],CS[ellipsoidal,2],AXIS["lat",north],AXIS["lon",east],{angle}]'
    )
    transformer = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    mesh = np.meshgrid(-20.0 + np.arange(60), 20.0 - np.arange(40))
    expected = transformer.transform(*(part.ravel() for part in mesh))
    assert metres_apart(found.grid.centres(), expected).max() < 0.01


@pytest.mark.parametrize("order", ["ring", "nested"])
def test_healpix_cells_are_where_eccodes_has_them(order: str) -> None:
    found = is_where_eccodes_is(
        made(
            gridType="healpix", Nside=16, orderingConvention=order, points=12 * 256,
            longitudeOfFirstGridPointInDegrees=45.0,
        )
    )  # fmt: skip
    assert found.grid.describe()["indexing_scheme"] == order
    assert found.grid.areas().sum() == pytest.approx(SPHERE, rel=1e-9)


# reduced grids


def octahedral(number: int) -> list[int]:
    half = [20 + 4 * row for row in range(number)]
    return half + half[::-1]


def test_an_octahedral_grid_is_where_eccodes_has_it() -> None:
    counts = octahedral(96)
    found = is_where_eccodes_is(
        made(
            "reduced_gg_pl_32_grib2", sum(counts), N=96, Nj=192, pl=counts,
            latitudeOfFirstGridPoint=degrees(89.284227), latitudeOfLastGridPoint=degrees(-89.284227),
            longitudeOfLastGridPoint=degrees(359.1),
        )
    )  # fmt: skip
    grid = found.grid
    assert isinstance(grid, ReducedGaussianGrid)
    assert grid.name == "O96"
    assert grid.areas().sum() == pytest.approx(SPHERE, rel=1e-9)
    np.testing.assert_array_equal(grid.locate(*grid.centres()), np.arange(grid.size))


@pytest.mark.parametrize(
    "area", [(60.0, -10.0, 35.0, 30.0), (20.0, 170.0, -30.0, 200.0), (85.0, 0.0, 10.0, 359.0)]
)
def test_a_part_of_a_reduced_grid_has_rows_where_eccodes_has_points(
    area: tuple[float, float, float, float],
) -> None:
    north, west, south, east = area
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples("reduced_gg_pl_32_grib2")
        latitudes = np.unique(eccodes.codes_get_array(handle, "latitudes"))[::-1]
        rows = np.flatnonzero((latitudes <= north) & (latitudes >= south))
        counts = eccodes.codes_get_array(handle, "pl")[rows]
        eccodes.codes_release(handle)
    inside = [
        sum(1 for lon in np.arange(count) * 360.0 / count if (lon - west) % 360 <= (east - west) % 360)
        for count in counts
    ]  # fmt: skip
    message = made(
        "reduced_gg_pl_32_grib2", int(sum(inside)), Nj=len(rows), pl=[int(count) for count in counts],
        latitudeOfFirstGridPointInDegrees=float(latitudes[rows[0]]),
        latitudeOfLastGridPointInDegrees=float(latitudes[rows[-1]]),
        longitudeOfFirstGridPointInDegrees=west % 360, longitudeOfLastGridPointInDegrees=east % 360,
        numberOfDataPoints=int(sum(inside)),
    )  # fmt: skip
    found = is_where_eccodes_is(message)
    assert isinstance(found.grid, ReducedGaussianGrid)
    assert (found.grid.locate([west - 20, 0], [0, -80]) == -1).all() or east - west > 300


# scanning


@pytest.mark.parametrize(("west", "north", "by_column", "turning"), product((0, 1), repeat=4))
def test_every_scanning_mode_puts_values_where_they_were_made(
    west: int, north: int, by_column: int, turning: int
) -> None:
    """Values are a function of the place; ecCodes itself sets the order of alternating rows."""
    lon = 10.0 + 5 * np.arange(12)
    lat = 30.0 - 10 * np.arange(7)
    lon, lat = (lon[::-1] if west else lon), (lat[::-1] if north else lat)
    mesh_lon, mesh_lat = np.meshgrid(lon, lat)
    field = 1000 * (mesh_lat + 90) + mesh_lon
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
        keys = {
            "Ni": 12, "Nj": 7, "latitudeOfFirstGridPoint": degrees(lat[0]),
            "latitudeOfLastGridPoint": degrees(lat[-1]), "longitudeOfFirstGridPoint": degrees(lon[0]),
            "longitudeOfLastGridPoint": degrees(lon[-1]), "iDirectionIncrement": degrees(5),
            "jDirectionIncrement": degrees(10), "iScansNegatively": west, "jScansPositively": north,
            "jPointsAreConsecutive": by_column, "bitsPerValue": 24,
        }  # fmt: skip
        for name, value in keys.items():
            eccodes.codes_set(handle, name, value)
        order = field.T if by_column else field
        if turning and by_column:  # ecCodes can swap rows, not columns
            order = order.copy()
            order[1::2] = order[1::2, ::-1]
            eccodes.codes_set(handle, "alternativeRowScanning", 1)
        eccodes.codes_set_values(handle, np.ascontiguousarray(order).ravel())
        if turning and not by_column:
            eccodes.codes_set(handle, "swapScanningAlternativeRows", 1)
        stored = eccodes.codes_get_values(handle)
        message = bytes(eccodes.codes_get_message(handle))
        eccodes.codes_release(handle)
    found = read(message)
    x, y = found.grid.centres()
    np.testing.assert_allclose(found.array(stored).ravel(), 1000 * (y + 90) + x, atol=0.02)
    assert found.array(stored).shape == (7, 12)
    is_consistent(found)
    if not turning:
        is_where_eccodes_is(message)


# headers with little in them


def test_a_first_edition_message_goes_around_the_earth_although_its_ends_are_rounded() -> None:
    """0.28125 degrees are stored as 281 thousandths: added up they would miss by a third of a degree."""
    message = made(
        "regular_ll_sfc_grib1", 1280 * 3, Ni=1280, Nj=3, latitudeOfFirstGridPoint=281, latitudeOfLastGridPoint=-281,
        longitudeOfFirstGridPoint=0, longitudeOfLastGridPoint=359719, iDirectionIncrement=281,
        jDirectionIncrement=281,
    )  # fmt: skip
    grid = read(message).grid
    lon, _ = grid.centres(np.arange(1280))
    np.testing.assert_allclose(lon, 0.28125 * np.arange(1280))
    assert grid.extent.width == 360


def test_increments_that_are_not_given_follow_from_the_ends() -> None:
    message = made(
        "regular_ll_sfc_grib2", 20 * 11, Ni=20, Nj=11, latitudeOfFirstGridPoint=degrees(10),
        latitudeOfLastGridPoint=degrees(-10), longitudeOfFirstGridPoint=degrees(350),
        longitudeOfLastGridPoint=degrees(28), ijDirectionIncrementGiven=0,
    )  # fmt: skip
    found = is_where_eccodes_is(message)
    assert found.grid.spacing == pytest.approx((2.0, 2.0))
    assert found.grid.extent == Bbox(-11.0, -11.0, 29.0, 11.0)


def test_a_globe_that_begins_at_the_dateline_is_one() -> None:
    message = made(
        "regular_ll_sfc_grib2", 36 * 19, Ni=36, Nj=19, latitudeOfFirstGridPoint=degrees(90),
        latitudeOfLastGridPoint=degrees(-90), longitudeOfFirstGridPoint=degrees(180),
        longitudeOfLastGridPoint=degrees(170), iDirectionIncrement=degrees(10), jDirectionIncrement=degrees(10),
    )  # fmt: skip
    found = is_where_eccodes_is(message)
    assert found.grid.extent == Bbox(-180.0, -90.0, 180.0, 90.0)
    assert found.grid.locate(0.0, 90.0) == 18


def test_a_part_of_a_regular_gaussian_grid_has_its_rows() -> None:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples("regular_gg_sfc_grib2")
        latitudes = np.unique(eccodes.codes_get_array(handle, "latitudes"))[::-1]
        eccodes.codes_release(handle)
    message = made(
        "regular_gg_sfc_grib2", 9 * 12, Ni=9, Nj=12, longitudeOfFirstGridPoint=degrees(354.375),
        latitudeOfFirstGridPointInDegrees=float(latitudes[10]), longitudeOfLastGridPoint=degrees(16.875),
        latitudeOfLastGridPointInDegrees=float(latitudes[21]), iDirectionIncrement=degrees(2.8125),
    )  # fmt: skip
    is_where_eccodes_is(message)


# what has no grid


def test_spectral_coefficients_are_refused_by_name() -> None:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples("sh_pl_grib2")
        message = bytes(eccodes.codes_get_message(handle))
        eccodes.codes_release(handle)
    with pytest.raises(NoGrid, match="spectral"):
        read(message)


UNSTRUCTURED: dict[str, Any] = {
    "gridType": "unstructured_grid",
    "numberOfGridUsed": 26,
    "numberOfDataPoints": 100,
}


def test_an_unstructured_grid_says_which_one_it_is_and_what_can_be_done() -> None:
    message = made(points=100, **UNSTRUCTURED)
    with pytest.raises(NoGrid, match=r"number 26 .*coordinates: FILE"):
        read(message)
    with pytest.raises(NoGrid, match="100 cells, its coordinates are 5"):
        read(message, (np.arange(5.0), np.arange(5.0)))


def test_an_unstructured_grid_takes_the_coordinates_it_is_given() -> None:
    lon, lat = np.linspace(0, 50, 100), np.linspace(40, 60, 100)
    found = read(made(points=100, **UNSTRUCTURED), (lon, lat))
    assert isinstance(found.grid, PointGrid)
    np.testing.assert_array_equal(found.grid.locate(lon, lat), np.arange(100))


def test_cells_that_are_not_rows_by_columns_are_refused() -> None:
    message = made(points=496)
    with LOCK:
        handle = eccodes.codes_new_from_message(message)
        eccodes.codes_set(handle, "Ni", 17)
        broken = bytes(eccodes.codes_get_message(handle))
        eccodes.codes_release(handle)
    with pytest.raises(NoGrid, match="496 points are not 17 by 31"):
        read(broken)
