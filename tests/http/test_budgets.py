"""What requests cost is known before they are read: estimates, limits, HEAD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.settings import Limits
from providers.cube import Cube
from tests.http.samples import Site, pressure_levels, problem_of, server

ALL = 4 * 3 * 19 * 24 * 2
REQUESTS = [
    ("coverage", ALL),
    ("coverage?properties=t&datetime=2020-01-01T00:00:00Z", 3 * 19 * 24),
    ("coverage?width=6&height=5&properties=t", 4 * 3 * 30),
    ("cube?bbox=0,0,40,40", 4 * 3 * 5 * 3 * 2),
    ("position?coords=POINT(0 0)", 4 * 3 * 2),
    ("area?coords=POLYGON((-1 -1,31 -1,31 21,-1 21,-1 -1))", 4 * 3 * 2 * 9),
]


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be read."""

    def fail(*_: Any) -> Any:
        raise AssertionError("data were read")

    monkeypatch.setattr(Cube, "read_variable", fail)


@pytest.mark.parametrize(("request_", "values"), REQUESTS)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.usefixtures("blind")
def test_estimates_are_made_from_metadata(
    site: Site, request_: str, values: int, method: str
) -> None:
    path, _, query = request_.partition("?")
    answer = getattr(site.client, method)(f"/collections/levels/{path}/estimate?{query}")
    assert answer.status_code == 200, answer.text
    document = answer.get_json()
    assert document["values"] == values
    assert document["allowed"] is True
    assert set(document["bodyBytes"]) >= {"json", "netcdf", "csv", "parquet"}


@pytest.mark.parametrize(("request_", "values"), REQUESTS)
def test_estimates_are_what_answers_hold(site: Site, request_: str, values: int) -> None:
    """Exact for values; bytes of the body within a factor of four."""
    join = "&" if "?" in request_ else "?"
    document = site.client.get(f"/collections/levels/{request_}{join}f=json").get_json()
    held = sum(len(item["values"]) for item in document["ranges"].values())
    assert held == values
    path, _, query = request_.partition("?")
    told = site.client.get(f"/collections/levels/{path}/estimate?{query}").get_json()["bodyBytes"]
    for form in ("json", "csv"):
        size = len(site.client.get(f"/collections/levels/{request_}{join}f={form}").data)
        if values > 500:
            assert size / 4 < told[form] < size * 4, form


@pytest.mark.usefixtures("blind")
def test_over_a_limit_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "levels.nc"
    pressure_levels().to_netcdf(path)
    app = server(tmp_path / "state", [str(path)], limits=Limits(cells=1000, cells_read=5000))
    client = app.test_client()
    for request_ in ("coverage", "cube?bbox=-180,-90,180,90"):
        problem = problem_of(client.get(f"/collections/levels/{request_}"), 413)
        assert f"{ALL:,} values" in problem["detail"]
        assert "1,000" in problem["detail"]
        assert "smaller" in problem["detail"]
    told = client.post("/collections/levels/coverage/estimate").get_json()
    assert told["allowed"] is False
    assert told["limits"]["maxCells"] == 1000
    problem = problem_of(client.get("/collections/levels/coverage?width=2&height=2"), 413)
    assert "5,000" in problem["detail"]


def test_limits_are_published(site: Site) -> None:
    info = site.client.get("/openapi?f=json").get_json()["info"]
    assert info["x-OGC-limits"]["coverage"]["maxCells"] > 0
    assert info["x-OGC-limits"]["map"]["maxPixels"] > 0
    links = site.client.get("/?f=json").get_json()["links"]
    assert any(link["rel"] == "service-meta" for link in links)


@pytest.mark.usefixtures("blind")
def test_head_of_a_large_answer_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "levels.nc"
    pressure_levels().to_netcdf(path)
    app = server(tmp_path / "state", [str(path)], limits=Limits(bytes_buffered=1000))
    answer = app.test_client().head("/collections/levels/coverage?f=netcdf")
    assert answer.status_code == 200
    assert answer.headers["X-Estimated-Values"] == str(ALL)
    assert answer.headers["ETag"]
