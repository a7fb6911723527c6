"""Two stock servers in one process know nothing of each other: one test per trap of pygeoapi."""

from __future__ import annotations

import copy
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pygeoapi.api as core
import pytest
from pygeoapi.api import all_apis
from pygeoapi.formats import FORMAT_TYPES
from pygeoapi.openapi import OPENAPI_YAML
from pygeoapi.process.base import BaseProcessor
from pygeoapi.process.manager.tinydb_ import TinyDBManager

from ogcapi.stock import StockApi
from tests.stock.stock_samples import BASE_URL, MakeStock, app_of, feature, resources


def test_html_of_two_servers_has_their_own_titles_and_addresses(make: MakeStock) -> None:
    lakes = {"resources": {"lakes": feature("vector/ne_110m_lakes.geojson", title="Lakes")}}
    rivers = {"resources": {"rivers": feature("vector/ne_110m_rivers.geojson", title="Rivers")}}
    one = app_of(make("First server", lakes), "https://one.example.org").test_client()
    two = app_of(make("Second server", rivers), "https://two.example.org").test_client()
    for _ in range(2):
        first = one.get("/collections/lakes/items?f=html").text
        second = two.get("/collections/rivers/items?f=html").text
        assert "First server" in first
        assert "one.example.org" in first
        assert "Second server" in second
        assert "two.example.org" in second
        assert not re.search("Second server|two.example.org|Rivers", first)
        assert not re.search("First server|one.example.org|Lakes", second)
    assert two.get("/collections/lakes/items").status_code == 404


def test_one_server_answers_under_two_addresses(stock: StockApi) -> None:
    for address in ("https://one.example.org", "http://localhost:5000/x"):
        client = app_of(stock, address).test_client()
        for path in ("items?f=html", "items", "items/0", "schema"):
            text = client.get(f"/collections/lakes/{path}").text
            other = {"https://one.example.org", "http://localhost:5000/x"} - {address}
            assert address in text, path
            assert other.pop() not in text, path


def test_gzip_of_one_server_does_not_reach_any(make: MakeStock) -> None:
    before = dict(FORMAT_TYPES)
    zipped = make("Zipped", {"server": {"gzip": True}, "resources": resources()})
    for stock in (zipped, make("Plain")):
        client = app_of(stock).test_client()
        for path in ("/collections/lakes/items", "/collections/lakes/items?f=nonsense"):
            answer = client.get(path, headers={"Accept-Encoding": "gzip"})
            assert "Content-Encoding" not in answer.headers
            assert json.loads(answer.data)
    assert dict(FORMAT_TYPES) == before


METADATA = {
    "id": "who",
    "title": "Who",
    "description": "Tells its name",
    "jobControlOptions": ["sync-execute"],
    "inputs": {},
    "outputs": {"name": {"schema": {"type": "object", "contentMediaType": "application/json"}}},
}


class First(BaseProcessor):  # type: ignore[misc]
    """Tells its class; its metadata is a constant of the module, as in pygeoapi's own processes."""

    def __init__(self, definition: dict[str, Any]) -> None:
        super().__init__(definition, METADATA)

    def execute(self, data: Any, outputs: Any = None) -> tuple[str, dict[str, str]]:
        return "application/json", {"name": type(self).__name__}


class Second(First):
    """Another one."""


def processes() -> dict[str, Any]:
    return {
        name: {"type": "process", "processor": {"name": f"{__name__}.{name}"}}
        for name in ("First", "Second")
    }


def test_descriptions_leave_the_metadata_of_the_module_alone(make: MakeStock) -> None:
    before = copy.deepcopy(METADATA)
    stock = make("Described", {"resources": processes()})
    client = app_of(stock).test_client()
    answers = [client.get("/processes").get_json() for _ in range(2)]
    assert answers[0] == answers[1]
    options = [p["jobControlOptions"] for p in answers[0]["processes"]]
    assert options == [["sync-execute", "async-execute"]] * 2
    assert before == METADATA
    first, second = (stock.openapi_fragment(BASE_URL) for _ in range(2))
    assert first == second
    assert before == METADATA


def test_processes_that_run_at_once_do_not_swap_places(make: MakeStock) -> None:
    """pygeoapi's manager keeps the processor of the last request on itself."""
    app = app_of(make("Swapped", {"resources": processes()}))

    def run(name: str) -> str:
        path = f"/processes/{name}/execution"
        answer: str = app.test_client().post(path, json={"inputs": {}}).get_json()["name"]
        return answer

    names = ["First", "Second"] * 20
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, names)) == names


def test_openapi_makes_no_second_job_manager(
    stock: StockApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    constructor = TinyDBManager.__init__

    def counted(self: TinyDBManager, manager_def: dict[str, Any]) -> None:
        made.append(manager_def["name"])
        constructor(self, manager_def)

    monkeypatch.setattr(TinyDBManager, "__init__", counted)
    for _ in range(3):
        assert "/jobs" in stock.openapi_fragment(BASE_URL)["paths"]
    assert made == ["TinyDB"]


def test_constants_of_pygeoapi_do_not_grow(stock: StockApi) -> None:
    def constants() -> Any:
        lists = {k: getattr(m, "CONFORMANCE_CLASSES", None) for k, m in all_apis().items()}
        return copy.deepcopy((core.CONFORMANCE_CLASSES, core.HEADERS, lists, OPENAPI_YAML))

    before = constants()
    client = app_of(stock).test_client()
    for _ in range(3):
        stock.conformance_classes()
        stock.openapi_fragment(BASE_URL)
        client.get("/collections/lakes/items?f=html")
    assert constants() == before


def test_requests_do_not_write_into_the_configuration(make: MakeStock) -> None:
    """validate_datetime adds a time zone, get_supported_crs_list a CRS."""
    temporal = {"begin": "2020-01-01", "end": None}
    extents = {"spatial": {"bbox": [-180, -90, 180, 90]}, "temporal": temporal}
    lakes = feature("vector/ne_110m_lakes.geojson", extents=extents)
    lakes["providers"][0]["crs"] = ["http://www.opengis.net/def/crs/EPSG/0/4326"]
    stock = make("Written", {"resources": {"lakes": lakes}})
    before = copy.deepcopy(stock._config["resources"])
    client = app_of(stock).test_client()
    answers = [
        client.get("/collections/lakes/items?datetime=2021-01-01&bbox=0,0,50,50") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    stock.describe("lakes", BASE_URL)
    assert stock._config["resources"] == before


def test_the_root_logger_stays_as_it_is(make: MakeStock, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **options: calls.append(options))
    logging_ = {"level": "DEBUG", "logfile": "somewhere.log"}
    stock = make("Logging", {"logging": logging_, "resources": resources()})
    assert app_of(stock).test_client().get("/collections/lakes/items").status_code == 200
    assert calls == []


def test_eight_threads_on_two_servers_answer_as_one_after_the_other(make: MakeStock) -> None:
    rivers = {**resources(), "lakes": feature("vector/ne_110m_rivers.geojson", title="Rivers")}
    clients = [
        app_of(make("First"), "https://one.example.org"),
        app_of(make("Second", {"resources": rivers}), "https://two.example.org"),
    ]
    paths = [
        "/collections/lakes/items?limit=3",
        "/collections/lakes/items?f=html&limit=3",
        "/collections/lakes/items?bbox=1,2,3",
        "/collections/lakes/queryables",
        "/collections/scene/coverage?bbox=23,31.6,23.2,31.8",
        "/collections/winds/position?coords=POINT(-30 10)",
        "/processes",
        "/processes/hello-world?f=html",
        "!",
    ]

    def ask(number: int) -> str:
        app, path = clients[number % 2], paths[number % len(paths)]
        client = app.test_client()
        if path == "!":
            body = {"inputs": {"name": f"N{number % 18}"}}
            answer = client.post("/processes/hello-world/execution", json=body)
        else:
            answer = client.get(path)
        text = re.sub(r'"timeStamp":"[^"]+"|Z\d*\b', "", answer.text)
        return f"{answer.status_code} {answer.mimetype} {text}"

    serial = {number: ask(number) for number in range(18)}
    assert {text[:3] for text in serial.values()} == {"200", "400"}
    with ThreadPoolExecutor(8) as pool:
        numbers = list(range(144))
        answers = list(pool.map(ask, numbers))
    for number, answer in zip(numbers, answers, strict=True):
        assert answer == serial[number % 18], number
