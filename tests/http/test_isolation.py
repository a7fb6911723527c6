"""Two servers in one process: nothing of one shows in the other, whoever asks when."""

from __future__ import annotations

import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from config.configuration import load_configuration
from config.errors import ConfigurationError
from config.settings import Limits, Settings
from ogcapi.app import create_app
from tests.http.samples import problem_of, surface

PAGES = [
    "/", "/?f=html", "/conformance", "/openapi", "/openapi?f=yaml", "/api", "/collections", "/collections?f=html",
    "/collections/data", "/collections/data?f=html", "/collections/data/position?coords=POINT(0 0)",
    "/collections/data/schema?f=html", "/collections/data/map?width=16&height=8", "/collections/points",
    "/collections/points/items", "/collections/points/items?f=html", "/collections/points/items/1", "/processes",
    "/processes?f=html", "/health/ready", "/collections/nothing", "/collections/data/coverage?f=netcdf",
]  # fmt: skip


@dataclass(frozen=True)
class Server:
    """One of the two, with what its answers may and may not say."""

    client: FlaskClient
    base_url: str
    own: str
    foreign: tuple[str, ...]


def make(folder: Path, name: str, other: str, shift: float) -> Server:
    folder.mkdir()
    surface(f"{name} data", shift=shift).rename(t=f"t_{name}").to_netcdf(folder / "data.nc")
    feature = {
        "type": "Feature", "id": 1, "properties": {f"of_{name}": name},
        "geometry": {"type": "Point", "coordinates": [shift, 0]},
    }  # fmt: skip
    (folder / "points.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    (folder / "server.yml").write_text(
        f"metadata: {{identification: {{title: {name} server, description: {name} words, keywords: [{name}key]}}}}\n"
        "resources:\n"
        f"  data: {{type: collection, title: {name} title, source: data.nc}}\n"
        f"  points: {{type: collection, title: {name} points, description: {name} points, keywords: [{name}],\n"
        "    extents: {spatial: {bbox: [-180, -90, 180, 90]}},\n"
        f"    providers: [{{type: feature, name: GeoJSON, data: {folder / 'points.geojson'}, id_field: id}}]}}\n"
        "  hello-world: {type: process, processor: {name: HelloWorld}}\n"
    )
    settings = Settings(
        state_dir=folder / "state", limits=Limits(cells=5_000 if name == "Alder" else 25_000_000)
    )
    app = create_app(settings, configuration=load_configuration(folder))
    base_url = f"https://{name.lower()}.example"
    return Server(app.test_client(), base_url, name, (other, other.lower()))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Server]:
    folder = tmp_path_factory.mktemp("two")
    return make(folder / "a", "Alder", "Birch", 0.0), make(folder / "b", "Birch", "Alder", 0.25)


def ask(server: Server, path: str) -> tuple[int, bytes]:
    answer = server.client.get(path, base_url=server.base_url)
    text = answer.data
    for word in server.foreign:
        assert word.encode() not in text, f"{server.own} says {word} at {path}"
        assert word not in str(answer.headers), f"{server.own} says {word} in the headers of {path}"
    if answer.mimetype == "text/html" and answer.status_code == 200 and "/processes" not in path:
        assert server.own.encode() in text, path
    status = answer.status_code
    if status >= 400 or text.startswith(b"\x89HDF"):
        return status, b""  # the id of the request, the time of writing
    return status, re.sub(rb'"timeStamp":"[^"]+"', b"", text)


def test_nothing_of_one_server_shows_in_the_other(two: tuple[Server, Server]) -> None:
    for first, second in (two, two[::-1]):
        for path in PAGES:
            assert (
                ask(first, path)[0] == ask(second, path)[0] == (404 if "nothing" in path else 200)
            ), path


def test_nothing_changes_when_requests_of_both_are_mixed(two: tuple[Server, Server]) -> None:
    expected = {(server.own, path): ask(server, path) for server in two for path in PAGES}

    def client_of(seed: int) -> list[str]:
        order, wrong = random.Random(seed), []
        for _ in range(60):
            server, path = order.choice(two), order.choice(PAGES)
            if ask(server, path) != expected[server.own, path]:
                wrong.append(f"{server.own} {path}")
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert [line for lines in pool.map(client_of, range(4)) for line in lines] == []


def test_limits_and_values_are_those_of_the_server_asked(two: tuple[Server, Server]) -> None:
    alder, birch = two
    path = "/collections/data/coverage?bbox=-180,-90,180,90"
    assert birch.client.get(path).status_code == alder.client.get(path).status_code == 200
    small = create_app(
        Settings(state_dir=Path(alder.client.application.extensions["ogcapi"]["services"].settings.state_dir),
                 limits=Limits(cells=100)),
        configuration=None, paths=[],
    )  # fmt: skip
    assert small.test_client().get("/collections").get_json()["collections"] == []
    values = [
        server.client.get("/collections/data/position?coords=POINT(0 0)").get_json()["ranges"]
        for server in two
    ]
    assert set(values[0]) == {"t_Alder"}
    assert set(values[1]) == {"t_Birch"}
    difference = values[1]["t_Birch"]["values"][0] - values[0]["t_Alder"]["values"][0]
    assert difference == pytest.approx(0.25)


# stock collections and processes answer through the same dispatcher


@pytest.fixture
def client(two: tuple[Server, Server]) -> FlaskClient:
    return two[0].client


def test_stock_items_have_tags_origins_and_compression_like_ours(client: FlaskClient) -> None:
    for path in ("/collections/points/items/1", "/collections/points/queryables", "/processes"):
        answer = client.get(path, headers={"Origin": "https://app.example"})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Accept-Encoding" in answer.headers["Vary"]
        etag = answer.headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
        head = client.head(path)
        assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", etag)
    packed = client.get("/processes", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/collections/points/items?limit=x", 400), ("/collections/points/items?nothing=1", 400),
        ("/collections/points/items?bbox=1,2", 400), ("/collections/points/items?datetime=x", 400),
        ("/collections/points/items/99", 404), ("/collections/points/coverage", 404), ("/processes/nothing", 404),
        ("/jobs/nothing", 404), ("/collections/points/items?f=nothing", 400),
    ],
)  # fmt: skip
def test_errors_of_stock_resources_are_problems(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_stock_process_runs(client: FlaskClient) -> None:
    answer = client.post("/processes/hello-world/execution", json={"inputs": {"name": "Ada"}})
    assert answer.status_code == 200
    assert "Hello Ada!" in json.dumps(answer.get_json())
    later = client.post(
        "/processes/hello-world/execution",
        json={"inputs": {"name": "Ada"}},
        headers={"Prefer": "respond-async"},
    )
    assert later.status_code == 201
    job = client.get(later.headers["Location"].removeprefix("http://localhost"))
    assert job.status_code == 200
    wrong: list[Any] = [b"", b"[1, 2]", b"{", b"null", b'{"inputs": 3}']
    for body in wrong:
        answer = client.post(
            "/processes/hello-world/execution", data=body, content_type="application/json"
        )
        assert answer.status_code == 400, (body, answer.data)
        assert answer.mimetype == "application/problem+json"
    problem_of_get = client.get("/processes/hello-world/execution")
    assert problem_of_get.status_code == 405
    assert "POST" in problem_of_get.headers["Allow"]
    assert problem_of(client.put("/collections/data"), 405)


def test_a_collection_that_asks_for_access_rules_is_never_served_to_everyone(
    tmp_path: Path,
) -> None:
    """Rules that are not enforced must not look as if they were."""
    (tmp_path / "c.yml").write_text(
        "resources: {secret: {type: collection, title: s, source: secret.nc, access: members}}\n"
    )
    with pytest.raises(ConfigurationError, match="access is not enforced"):
        create_app(
            Settings(state_dir=tmp_path / "state"), configuration=load_configuration(tmp_path)
        )
