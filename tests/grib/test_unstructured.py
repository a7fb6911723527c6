"""Grids without coordinates of their own: cells as ICON and ocean models have them."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from flask.testing import FlaskClient

from config.configuration import load_configuration
from config.settings import Settings
from ogcapi.app import create_app
from providers.readers.netcdf import LOCK
from providers.store import NothingToServe, Source, Store
from tests.grib.synthetic import message, write

CELLS = 3000
_at = np.arange(CELLS) + 0.5
LAT = np.degrees(np.arcsin(1 - 2 * _at / CELLS))
LON = (_at * 180 * (1 + 5**0.5) + 180) % 360 - 180
"""Points of a spiral, evenly over the sphere."""
VALUES = 273.0 + LAT / 2 + LON / 100
GRID = {
    "gridType": "unstructured_grid",
    "numberOfDataPoints": CELLS,
    "numberOfGridInReference": 1,
}
"""Reference 1 are the centres of cells, which coordinates are messages of as well."""


def data(path: Path) -> Path:
    return write(
        path, message(VALUES, grid=GRID, shortName="2t", dataDate=20240101, bitsPerValue=24)
    )


def client(state: Path, **where: object) -> FlaskClient:
    return create_app(Settings(state_dir=state), **where).test_client()  # type: ignore[arg-type]


def check(site: FlaskClient, collection: str) -> None:
    for cell in (0, 7, 1500, CELLS - 1):
        place = f"POINT({LON[cell]:.9f} {LAT[cell]:.9f})"
        answer = site.get(
            f"/collections/{collection}/position?coords={place}&parameter-name=2t&f=json"
        ).get_json()
        assert answer["ranges"]["2t"]["values"] == pytest.approx([VALUES[cell]], abs=1e-3)
        assert answer["domain"]["axes"]["y"]["values"] == pytest.approx([LAT[cell]], abs=1e-4)


def test_coordinates_come_from_messages_in_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "icon"
    folder.mkdir()
    data(folder / "2t.grib2")
    places = [
        message(values, grid=GRID, shortName=name, dataDate=20240101, bitsPerValue=24)
        for name, values in (("tlat", LAT), ("tlon", LON))
    ]
    write(folder / "places.grib2", *places)
    check(client(tmp_path / "state", paths=[str(folder)]), "icon")


def test_coordinates_come_from_the_file_that_the_configuration_names(tmp_path: Path) -> None:
    with LOCK, netCDF4.Dataset(tmp_path / "places.nc", "w") as file:
        file.createDimension("cell", CELLS)
        for name, values, standard in (("clon", LON, "longitude"), ("clat", LAT, "latitude")):
            variable = file.createVariable(name, "f8", ("cell",))
            variable.units, variable.standard_name = "radian", standard
            variable[:] = np.radians(values)
    data(tmp_path / "icon.grib2")
    config = tmp_path / "config"
    config.mkdir()
    (config / "icon.yml").write_text(
        "resources:\n  icon:\n    type: collection\n    source: ../icon.grib2\n"
        "    grid:\n      coordinates: ../places.nc\n"
    )
    check(client(tmp_path / "state", configuration=load_configuration(config)), "icon")


def test_without_coordinates_the_reason_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingToServe, match="coordinates"):
        Store().dataset(Source((str(data(tmp_path / "a.grib2")),)))
