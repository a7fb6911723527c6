"""Files that are rewritten, deleted, damaged and repaired while the server serves them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray as xr
from flask.testing import FlaskClient

from tests.http.coverages import get_coverage
from tests.http.samples import healpix, pressure_levels, problem_of, server, surface

ONE = "/collections/one/position?coords=POINT(0 0)"
TWO = "/collections/two/coverage?bbox=0,0,15,10"
SOON = 60.0
"""Seconds; hardly one on an idle machine, but tests run beside others."""


def within_seconds(check: Callable[[], bool]) -> None:
    """The check becomes true soon; what a user waits for after a file changed."""
    end = time.monotonic() + SOON
    while not check():
        assert time.monotonic() < end, f"still not so after {SOON:g} s"
        time.sleep(0.05)


def replace(path: Path, **arguments: float) -> None:
    """A new version beside the old one, then renamed: as careful writers do."""
    new = path.with_name(f".{path.name}.new")
    surface("Changed", **arguments).to_netcdf(new)
    new.replace(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    surface("One").to_netcdf(tmp_path / "one.nc")
    pressure_levels("Two").to_zarr(tmp_path / "two.zarr")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    paths = [str(folder / "one.nc"), str(folder / "two.zarr")]
    return server(folder / "state", paths, check_interval=0.1).test_client()


def test_a_changed_file_has_new_values_a_new_tag_and_a_new_title(
    client: FlaskClient, folder: Path
) -> None:
    first = client.get(ONE)
    listed = client.get("/collections")
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(ONE, headers=known).status_code == 304
    time.sleep(0.02)
    replace(folder / "one.nc", shift=0.5)
    within_seconds(lambda: client.get(ONE, headers=known).status_code == 200)
    second = client.get(ONE)
    assert second.headers["ETag"] != first.headers["ETag"]
    before, after = (answer.get_json()["ranges"]["t"]["values"] for answer in (first, second))
    assert [round(b - a, 6) for a, b in zip(before, after, strict=True)] == [0.5] * 4
    assert client.get("/collections/one").get_json()["title"] == "Changed"
    assert client.get("/collections").headers["ETag"] != listed.headers["ETag"]
    assert client.get(TWO).status_code == 200


def test_a_new_time_step_appears_in_values_extent_and_api(
    client: FlaskClient, folder: Path
) -> None:
    surface().isel(time=slice(2)).to_netcdf(folder / "one.nc")
    within_seconds(lambda: len(get_coverage(client, ONE)["domain"]["axes"]["t"]["values"]) == 2)
    document = client.get("/collections/one").get_json()
    assert document["extent"]["temporal"]["interval"][0][1] == "2020-01-01T06:00:00Z"
    replace(folder / "one.nc")
    within_seconds(lambda: len(get_coverage(client, ONE)["domain"]["axes"]["t"]["values"]) == 4)


def damage(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 3000)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(Path.unlink, id="deleted"),
        pytest.param(damage, id="damaged"),
        pytest.param(truncate, id="cut short"),
    ],
)
def test_a_file_that_breaks_takes_only_its_own_collection_away_until_it_is_repaired(
    client: FlaskClient, folder: Path, harm: Callable[[Path], None]
) -> None:
    good = get_coverage(client, ONE)
    harm(folder / "one.nc")
    within_seconds(lambda: client.get(ONE).status_code == 503)
    for path in (
        ONE,
        "/collections/one/schema",
        "/collections/one/coverage?f=netcdf",
        "/collections/one/map",
    ):
        answer = client.get(path)
        document = problem_of(answer, 503)
        assert "one" in document["detail"]
        assert len(document["detail"]) > len("collection one: ") + 5  # with a reason
        assert str(folder) not in answer.get_data(as_text=True)
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get(TWO).status_code == 200
    ready = client.get("/health/ready")
    assert ready.status_code == 200  # the others go on
    assert [item["id"] for item in ready.get_json()["unavailable"]] == ["one"]
    assert ready.get_json()["unavailable"][0]["reason"]
    listed = {item["id"]: item for item in client.get("/collections").get_json()["collections"]}
    assert set(listed) == {"one", "two"}
    assert listed["one"]["x-ogcapi:status"]
    assert client.get("/collections/one").status_code == 200
    assert client.get("/collections?f=html").status_code == 200
    assert client.get("/collections/one?f=html").status_code == 200
    assert client.get("/openapi").status_code == 200
    replace(folder / "one.nc")
    within_seconds(lambda: client.get(ONE).status_code == 200)
    assert get_coverage(client, ONE)["ranges"] == good["ranges"]
    assert client.get("/health/ready").get_json() == {
        "status": "ready",
        "collections": 2,
        "unavailable": [],
    }


def test_a_zarr_store_that_loses_its_chunks_or_itself_is_503_not_made_up_values(
    client: FlaskClient, folder: Path
) -> None:
    assert client.get("/collections/two/coverage").status_code == 200
    shutil.rmtree(folder / "two.zarr")
    within_seconds(lambda: client.get(TWO).status_code == 503)
    assert client.get(ONE).status_code == 200
    pressure_levels("Two").to_zarr(folder / "two.zarr")
    within_seconds(lambda: client.get(TWO).status_code == 200)


def test_a_damaged_chunk_is_503_that_names_the_field_and_not_a_value(folder: Path) -> None:
    path = folder / "three.zarr"
    healpix().to_zarr(path)
    chunks = [
        file
        for file in (path / "t").rglob("*")
        if file.is_file() and not file.name.endswith(".json")
    ]
    for chunk in chunks:
        chunk.write_bytes(b"not a chunk")
    client = server(folder / "state", [str(path)]).test_client()
    answer = client.get("/collections/three/coverage")
    assert answer.status_code == 503, answer.get_data(as_text=True)[:300]
    assert "array /t cannot be read" in problem_of(answer, 503)["detail"]
    assert str(folder) not in answer.get_data(as_text=True)


def test_a_server_starts_although_one_source_is_broken_from_the_start(tmp_path: Path) -> None:
    surface("Good").to_netcdf(tmp_path / "good.nc")
    (tmp_path / "bad.nc").write_bytes(b"CDF\x01" + b"\xff" * 100)
    paths = [str(tmp_path / name) for name in ("good.nc", "bad.nc")]
    client = server(tmp_path / "state", paths).test_client()
    assert client.get("/collections/good/coverage").status_code == 200
    problem_of(client.get("/collections/bad/coverage"), 503)
    assert client.get("/health/ready").get_json()["status"] == "degraded"


def test_a_server_of_which_nothing_can_be_served_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.nc").write_bytes(b"CDF\x01" + b"\xff" * 100)
    client = server(tmp_path / "state", [str(tmp_path / "bad.nc")]).test_client()
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready").get_json()
    assert ready["status"] == "degraded"
    assert ready["unavailable"][0]["id"] == "bad"
    assert ready["unavailable"][0]["reason"]


def one_chunk_a_time(path: Path, **options: Any) -> None:
    surface("Two").to_zarr(path, encoding={"t": {"chunks": (1, 19, 24)}}, **options)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_chunks_rewritten_in_place_answer_with_new_values_and_no_304(
    tmp_path: Path, version: Literal[2, 3]
) -> None:
    path = tmp_path / "two.zarr"
    one_chunk_a_time(path, zarr_format=version)
    client = server(tmp_path / "state", [str(path)], check_interval=0.1).test_client()
    url = "/collections/two/position?coords=POINT(0 0)"
    first = client.get(f"{url}&datetime=2020-01-01T00:00:00Z")
    known = {"If-None-Match": first.headers["ETag"]}
    part = surface().isel(time=slice(2)).drop_vars(["lat", "lon", "time"]) + 0.5
    part.to_zarr(path, region={"time": slice(2)}, mode="r+")
    within_seconds(lambda: client.get(first.request.url, headers=known).status_code == 200)
    values = get_coverage(client, url)["ranges"]["t"]["values"]
    truth = surface().t.sel(lat=0, lon=0).values + np.array([0.5, 0.5, 0, 0])
    assert values == pytest.approx(truth)


def test_an_append_to_a_deep_group_without_consolidated_metadata_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "deep.zarr"
    surface().isel(time=slice(2)).to_zarr(path, group="a/b/c", consolidated=False)
    client = server(tmp_path / "state", [str(path)], check_interval=0.1).test_client()
    name = client.get("/collections").get_json()["collections"][0]["id"]
    url = f"/collections/{name}/position?coords=POINT(0 0)"

    def times() -> int:
        return len(get_coverage(client, url)["domain"]["axes"]["t"]["values"])

    assert times() == 2
    surface().isel(time=slice(2, 4)).to_zarr(
        path, group="a/b/c", consolidated=False, append_dim="time"
    )
    within_seconds(lambda: times() == 4)


def ids_of(client: FlaskClient) -> dict[str, float]:
    """Collections with their value of one cell."""
    found = client.get("/collections").get_json()["collections"]
    url = "/collections/{}/position?coords=POINT(0 0)"
    return {
        item["id"]: get_coverage(client, url.format(item["id"]))["ranges"]["t"]["values"][0]
        for item in found
    }


def written(path: Path, shift: float = 0.0, day: int = 0) -> Path:
    """A file that has been lying still."""
    path.parent.mkdir(exist_ok=True, parents=True)
    data = surface(shift=shift)
    data.assign_coords(time=data.time + np.timedelta64(day, "D")).to_netcdf(path)
    os.utime(path, (time.time() - 100, time.time() - 100 + day))
    return path


def test_an_id_means_the_same_file_whatever_is_served_beside_it(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one/era.nc"), written(tmp_path / "two/era.nc", 0.5)
    state = tmp_path / "state"
    both = ids_of(server(state, [str(one), str(two)]).test_client())
    assert set(both) == {"era", "two_era"}
    alone = ids_of(server(state, [str(two)]).test_client())
    assert alone == {"two_era": both["two_era"]}
    assert ids_of(server(state, [str(two), str(one)]).test_client()) == both


def test_the_id_of_a_file_that_is_gone_is_free_for_another(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one/era.nc"), written(tmp_path / "two/era.nc", 0.5)
    state = tmp_path / "state"
    assert set(ids_of(server(state, [str(one)]).test_client())) == {"era"}
    one.unlink()
    assert set(ids_of(server(state, [str(two)]).test_client())) == {"era"}


def test_a_folder_keeps_its_id_when_files_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "arch"
    first = written(folder / "day1.nc")
    app = server(tmp_path / "state", [str(folder)], check_interval=0.1)
    client = app.test_client()
    assert set(ids_of(client)) == {"arch"}
    written(folder / "day2.nc", 0.5, day=1)
    url = "/collections/arch/position?coords=POINT(0 0)"
    within_seconds(lambda: len(get_coverage(client, url)["domain"]["axes"]["t"]["values"]) == 8)
    assert set(ids_of(client)) == {"arch"}
    other = surface().isel(lat=slice(5, 15))
    other.to_netcdf(folder / "small.nc")
    os.utime(folder / "small.nc", (time.time() - 100, time.time() - 100))
    first.unlink()
    within_seconds(lambda: len(ids_of(client)) == 2)
    found = ids_of(client)
    assert set(found) == {"arch", "small"}
    assert found["arch"] != found["small"]
    restarted = server(tmp_path / "state", [str(folder)]).test_client()
    assert ids_of(restarted) == found


def test_a_file_that_gets_more_cubes_keeps_the_id_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "era.nc"
    surface().to_netcdf(path)
    client = server(tmp_path / "state", [str(path)], check_interval=0.1).test_client()
    assert set(ids_of(client)) == {"era"}
    coarse = surface().rename(t="c").isel(lat=slice(None, None, 2))
    xr.merge([surface(), coarse.rename(lat="lat2").c]).to_netcdf(path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)

    def listed() -> list[str]:
        return [item["id"] for item in client.get("/collections").get_json()["collections"]]

    within_seconds(lambda: len(listed()) == 2)
    assert "era" in listed()
    document = client.get("/collections/era/schema").get_json()
    assert "t" in document["properties"]
