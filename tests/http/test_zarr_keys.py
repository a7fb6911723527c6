"""Keys of the virtual Zarr group over HTTP: what stands under them, their tags, their sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from flask.testing import FlaskClient

from tests.http.samples import pressure_levels, server, temperature


def test_both_formats_name_the_same_chunks(client: FlaskClient) -> None:
    root = "/collections/chunked/zarr"
    old = client.get(f"{root}/t/.zarray").get_json()
    new = client.get(f"{root}/t/zarr.json").get_json()
    assert old["chunks"] == new["chunk_grid"]["configuration"]["chunk_shape"]
    assert client.get(f"{root}/t/0.0.0.0").data == client.get(f"{root}/t/c/0/0/0/0").data
    assert client.get(f"{root}/crs/0").data == client.get(f"{root}/crs/c").data
    whole = client.get(f"{root}/zarr.json").get_json()
    assert whole["consolidated_metadata"]["metadata"]["t"] == new
    assert client.get(f"{root}/.zmetadata").get_json()["metadata"]["t/.zarray"] == old
    assert client.get(root).get_json(force=True) == whole


@pytest.mark.parametrize(
    "key",
    ["nothing", "t", "t/", "t/c", "t/c/0", "t/c/0/0/0/9", "t/0.0.0", "t/0.0.0.0.0", "t/00.0.0.0", "t/c/-1/0/0/0",
     "t/c/0.0.0.0", "t/c/1e0/0/0/0", "t/c/99999999999999999999/0/0/0", "t/.zgroup", "c/0", ".zarray", "x/zarr.json",
     "zarr.json/t", "t/zarr.json/c", "%2e%2e/zarr.json", "crs/c/0"],
)  # fmt: skip
def test_there_is_nothing_under_other_keys(client: FlaskClient, key: str) -> None:
    answer = client.get(f"/collections/levels/zarr/{key}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_key_decides_the_media_type(client: FlaskClient) -> None:
    root = "/collections/levels/zarr"
    for accept in ("*/*", "application/json", "text/html", "image/png"):
        metadata = client.get(f"{root}/zarr.json", headers={"Accept": accept})
        assert (metadata.status_code, metadata.headers["Content-Type"]) == (200, "application/json")
        chunk = client.get(f"{root}/t/c/0/0/0/0", headers={"Accept": accept})
        assert chunk.status_code == 200
        assert chunk.headers["Content-Type"] == "application/octet-stream"
    assert client.get(f"{root}/zarr.json?key=x").status_code == 400
    link = next(
        link
        for link in client.get("/collections/levels").get_json()["links"]
        if link["type"] == "application/vnd+zarr"
    )
    assert link["rel"] == "enclosure"
    group = client.get(link["href"])
    assert group.headers["Content-Type"] == link["type"]
    assert group.get_json(force=True)["node_type"] == "group"
    page = client.get("/collections/levels?f=html").get_data(as_text=True)
    assert link["href"] in page


@pytest.mark.parametrize("key", ["zarr.json", ".zmetadata", "t/c/0/0/0/0", "t/0.0.0.0"])
def test_keys_have_strong_tags_and_are_known_again(client: FlaskClient, key: str) -> None:
    path = f"/collections/levels/zarr/{key}"
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert "Last-Modified" in first.headers
    assert "no-cache" in first.headers["Cache-Control"]
    again = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(path, headers={"Accept-Encoding": "gzip"})
    assert head.status_code == 200
    assert head.headers["ETag"] == tag
    assert head.headers["Content-Length"] == first.headers["Content-Length"]


def test_other_data_have_other_tags_and_another_version(tmp_path: Path) -> None:
    tags, versions = [], []
    for shift in (0.0, 1.0):
        (tmp_path / "levels.nc").unlink(missing_ok=True)  # the first server has it open
        pressure_levels(shift=shift).to_netcdf(tmp_path / "levels.nc")
        client = server(tmp_path / "state", [str(tmp_path / "levels.nc")]).test_client()
        root = "/collections/levels/zarr"
        tags.append(
            [client.get(f"{root}/{key}").headers["ETag"] for key in ("zarr.json", "t/0.0.0.0")]
        )
        versions.append(client.get(f"{root}/.zattrs").get_json()["data_version"])
    assert not set(tags[0]) & set(tags[1])
    assert versions[0] != versions[1]


def test_chunks_are_never_over_the_limit(tmp_path: Path) -> None:
    """However low the limit is: they are made smaller."""
    pressure_levels().to_netcdf(tmp_path / "levels.nc")
    app = server(tmp_path / "state", [str(tmp_path / "levels.nc")], limits={"cells": 100})
    client = app.test_client()
    arrays = client.get("/collections/levels/zarr/zarr.json").get_json()
    arrays = arrays["consolidated_metadata"]["metadata"]
    for name, array in arrays.items():
        chunks = array["chunk_grid"]["configuration"]["chunk_shape"]
        assert np.prod(chunks) <= 100
        last = [-(-size // chunk) - 1 for size, chunk in zip(array["shape"], chunks, strict=True)]
        key = "/".join(["c", *map(str, last)])
        assert client.get(f"/collections/levels/zarr/{name}/{key}").status_code == 200


def test_holes_of_a_forecast_are_chunks_that_are_not_there(tmp_path: Path) -> None:
    """A file for each step of two runs that have other steps: no file, no chunk."""
    lat, lon = np.linspace(80, -80, 300), np.linspace(0, 359, 360)
    for day, step in ((1, 0), (1, 6), (2, 12)):
        shape = (1, 1, len(lat), len(lon))
        xr.Dataset(
            {"t": (("reference_time", "step", "lat", "lon"), np.full(shape, day, "f4"), temperature())},
            {
                "reference_time": ("reference_time", [np.datetime64(f"2020-01-0{day}", "ns")],
                                   {"standard_name": "forecast_reference_time"}),
                "step": ("step", [float(step)], {"standard_name": "forecast_period", "units": "hours"}),
                "lat": ("lat", lat, {"units": "degrees_north"}),
                "lon": ("lon", lon, {"units": "degrees_east"}),
            },
        ).to_netcdf(tmp_path / f"run{day}-{step}.nc")  # fmt: skip
    app = server(tmp_path / "state", [str(tmp_path / "run*.nc")])
    client = app.test_client()
    (item,) = client.get("/collections").get_json()["collections"]
    root = f"/collections/{item['id']}/zarr"
    shape = client.get(f"{root}/t/.zarray").get_json()
    assert shape["shape"] == [2, 3, 300, 360]
    assert shape["chunks"][:2] == [1, 1]
    found = {
        (run, step)
        for run in range(2)
        for step in range(3)
        if client.get(f"{root}/t/c/{run}/{step}/0/0").status_code == 200
    }
    assert found == {(0, 0), (0, 1), (1, 2)}
