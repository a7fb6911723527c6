"""Stock collections and processes through their own handlers."""

from __future__ import annotations

import copy
import datetime
import json
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from openapi_spec_validator import OpenAPIV30SpecValidator
from pygeoapi.process.base import BaseProcessor

from config.errors import NotFound, SourceUnavailable
from ogcapi.stock import StockApi
from tests.stock.stock_samples import (
    BASE_URL,
    MakeStock,
    app_of,
    coverage,
    feature,
    pictures,
    resources,
)


def test_only_resources_are_needed_and_those_with_a_source_are_not_stock(make: MakeStock) -> None:
    config = {"resources": resources()}
    before = copy.deepcopy(config)
    stock = make("Minimal", config)
    assert stock.collection_ids == ("lakes", "scene", "winds")
    assert stock.process_ids == ("hello-world",)
    app_of(stock).test_client().get("/collections/lakes/items?f=html")
    assert config == before


def test_items_filter_page_and_link_to_the_address_of_the_client(client: Any) -> None:
    answer = client.get("/collections/lakes/items?limit=2&bbox=100,40,120,60")
    assert answer.mimetype == "application/geo+json"
    document = answer.get_json()
    assert [f["properties"]["name"] for f in document["features"]] == ["Lake Baikal"]
    first = client.get("/collections/lakes/items?limit=2").get_json()
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    assert following.startswith(f"{BASE_URL}/collections/lakes/items?")
    second = client.get(following.removeprefix(BASE_URL)).get_json()
    names = [f["properties"]["name"] for f in first["features"] + second["features"]]
    assert len(set(names)) == 4


def test_a_property_filters_and_an_item_answers(client: Any) -> None:
    document = client.get("/collections/lakes/items?name=Lake+Winnipeg").get_json()
    (lake,) = document["features"]
    item = client.get(f"/collections/lakes/items/{lake['id']}")
    assert item.mimetype == "application/geo+json"
    assert item.get_json()["properties"]["name"] == "Lake Winnipeg"
    assert client.get("/collections/lakes/items/999999").status_code == 404


def test_items_by_posted_cql2(client: Any) -> None:
    query = {"op": "=", "args": [{"property": "name"}, "Lake Winnipeg"]}
    answer = client.post("/collections/lakes/items", json=query)
    assert answer.status_code == 200
    assert answer.get_json()["type"] == "FeatureCollection"


@pytest.mark.parametrize(
    ("path", "mimetype"),
    [
        ("/collections/lakes/items?f=html", "text/html"),
        ("/collections/lakes/items?f=csv", "text/csv"),
        ("/collections/lakes/items?f=jsonld", "application/ld+json"),
        ("/collections/lakes/schema", "application/schema+json"),
        ("/collections/lakes/queryables", "application/schema+json"),
        ("/collections/scene/coverage?properties=1", "application/prs.coverage+json"),
        ("/collections/scene/coverage?f=gtiff", "image/tiff"),
        ("/collections/winds/position?coords=POINT(-30 10)", "application/vnd.cov+json"),
        ("/processes", "application/json"),
        ("/processes/hello-world?f=html", "text/html"),
        ("/jobs", "application/json"),
    ],
)
def test_every_kind_of_answer(client: Any, path: str, mimetype: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert answer.data
    assert not {"X-Powered-By", "Content-Encoding"} & set(answer.headers.keys())


def test_the_accept_header_chooses_a_format_the_route_has(client: Any) -> None:
    path = "/collections/lakes/items"
    assert client.get(path, headers={"Accept": "text/csv"}).mimetype == "text/csv"
    image = client.get(path, headers={"Accept": "image/png"})
    assert image.mimetype == "application/geo+json"
    tiff = client.get("/collections/scene/coverage", headers={"Accept": "image/tiff"})
    assert tiff.data[:2] in (b"II", b"MM")


def test_a_bbox_crs_may_be_a_uri(client: Any) -> None:
    utm = "http://www.opengis.net/def/crs/EPSG/0/32634"
    path = "/collections/scene/coverage?bbox=700000,3500000,760000,3560000"
    domain = client.get(f"{path}&bbox-crs={utm}").get_json()["domain"]
    assert domain["axes"]["x"]["num"] == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC/1.3/CRS84"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG/0/3857"),
        ("urn:ogc:def:crs:EPSG::3857", "EPSG/0/3857"),
        ("[EPSG:3857]", "EPSG/0/3857"),
        ("3857", "EPSG/0/3857"),
    ],
)
def test_a_map_understands_every_way_to_write_a_crs(
    make: MakeStock, given: str, understood: str
) -> None:
    client = app_of(make("Maps", {"resources": pictures()})).test_client()
    path = "/collections/pictures/map"
    answer = client.get(path, query_string={"crs": given, "bbox": "-10,-10,10,10"})
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert json.loads(answer.data)["crs"].endswith(understood)


def test_maps_and_tiles(make: MakeStock) -> None:
    stock = make("Pictures", {"resources": pictures()})
    client = app_of(stock).test_client()
    base = "/collections/pictures"
    for query in ("bbox=1,2,3,4,5,6", "width=0", "crs=nowhere", "f=json", "layers=x"):
        answer = client.get(f"{base}/map?{query}")
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), query
    tile = client.get(f"{base}/tiles/WebMercatorQuad/1/0/1")
    assert (tile.data, tile.mimetype) == (b"1/0/1", "application/vnd.mapbox-vector-tile")
    for address in ("WebMercatorQuad/1/0/7", "WebMercatorQuad/99/0/0", "WebMercatorQuad/a/b/c"):
        answer = client.get(f"{base}/tiles/{address}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json"), address
    for path in (f"{base}/tiles", f"{base}/tiles/WebMercatorQuad", "/TileMatrixSets"):
        assert client.get(path).mimetype == "application/json", path
    assert client.get("/TileMatrixSets/WebMercatorQuad").get_json()["id"] == "WebMercatorQuad"
    paths = stock.openapi_fragment(BASE_URL)["paths"]
    assert {f"{base}/map", f"{base}/tiles"} < set(paths)


def test_describe_uses_the_base_url_and_language_of_each_call(stock: StockApi) -> None:
    english = stock.describe("lakes", "https://one.example.org")
    assert english["title"] == "Lakes"
    hrefs = [link["href"] for link in english["links"]]
    assert all(href.startswith("https://one.example.org") for href in hrefs)
    assert "two.example.org/x/collections/scene" in str(
        stock.describe("scene", "https://two.example.org/x")
    )
    with pytest.raises(NotFound):
        stock.describe("ours", BASE_URL)


def test_a_language_of_the_configuration_is_answered(make: MakeStock) -> None:
    stock = make("Two", {"server": {"languages": ["en-US", "fr-CA"]}, "resources": resources()})
    assert stock.describe("lakes", BASE_URL, "fr")["title"] == "Lacs"
    assert stock.describe("lakes", BASE_URL)["title"] == "Lakes"


def test_a_broken_source_is_told_without_its_path(make: MakeStock, tmp_path: Path) -> None:
    gone = tmp_path / "secret" / "gone.tif"
    geojson = feature("vector/ne_110m_lakes.geojson")
    geojson["providers"][0]["data"] = str(gone)
    plugin = feature("vector/ne_110m_lakes.geojson")
    plugin["providers"][0]["name"] = "nowhere.Provider"
    config = {"resources": {"tif": coverage(str(gone)), "json": geojson, "plugin": plugin}}
    stock = make("Broken", config)
    client = app_of(stock).test_client()
    for key in ("tif", "json"):
        with pytest.raises(SourceUnavailable) as error:
            stock.describe(key, BASE_URL)
        assert "secret" not in error.value.detail
    for path in ("tif/coverage", "tif/schema", "json/items", "json/queryables"):
        answer = client.get(f"/collections/{path}")
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert "secret" not in answer.text
    assert client.get("/collections/plugin/items").status_code == 503
    assert stock.openapi_fragment(BASE_URL)["paths"]["/collections/tif/coverage"]


def test_a_source_that_comes_back_is_served_at_once(make: MakeStock, tmp_path: Path) -> None:
    lakes = feature("vector/ne_110m_lakes.geojson")
    there = tmp_path / "lakes.geojson"
    content = Path(lakes["providers"][0]["data"]).read_bytes()
    lakes["providers"][0]["data"] = str(there)
    client = app_of(make("Back", {"resources": {"lakes": lakes}})).test_client()
    assert client.get("/collections/lakes/items").status_code == 503
    there.write_bytes(content)
    assert client.get("/collections/lakes/items").status_code == 200


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("lakes/items?bbox=1,2,3,4,5,6", "bbox"),
        ("lakes/items?bbox=a,b,c,d", "bbox"),
        ("lakes/items?bbox=0,10,5,-10", "bbox"),
        ("lakes/items?bbox=0,0,nan,10", "bbox"),
        ("lakes/items?datetime=x", "datetime"),
        ("lakes/items?datetime=2020-02-30", "datetime"),
        ("lakes/items?datetime=../..", "datetime"),
        ("lakes/items?limit=0", "limit"),
        ("lakes/items?limit=x", "limit"),
        ("lakes/items?offset=-1", "offset"),
        ("lakes/items?f=nonsense", "f"),
        ("lakes/items?colour=blue", "colour"),
        ("lakes/schema?limit=1", "limit"),
        ("scene/coverage?bbox=1,2,3", "bbox"),
        ("scene/coverage?bbox=100,70,101,71", "bbox"),
        ("scene/coverage?bbox=1,2,3,4&bbox-crs=nowhere", "bbox-crs"),
        ("scene/coverage?scale-factor=2", "scale-factor"),
        ("scene/coverage?datetime=x", "datetime"),
        ("winds/position?coords=POINT(0 0)&f=png", "f"),
        ("winds/position?coords=", "coords"),
        ("winds/cube?bbox=1,2,3", "bbox"),
        ("winds/cube?bbox=1,2,3,4&z=", "z"),
    ],
)
def test_bad_input_is_a_400_that_names_the_parameter(
    client: Any, path: str, parameter: str
) -> None:
    answer = client.get(f"/collections/{path}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    document = answer.get_json()
    assert document["parameter"] == parameter
    assert parameter in document["detail"]
    assert document["code"] == "InvalidParameterValue"
    assert document["description"] == document["detail"]
    assert document["status"] == 400
    assert document["title"] == "Bad Request"
    assert document["type"]


def test_errors_of_the_handlers_are_problems_in_html_too(client: Any) -> None:
    for path in ("/collections/lakes/items?sortby=nothing&f=html", "/collections/nothing/items"):
        answer = client.get(path)
        assert answer.status_code in (400, 404)
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["description"]
    assert client.get("/collections/lakes/coverage").status_code == 404
    assert client.get("/collections/hello-world/schema").status_code == 404
    assert client.get("/processes/lakes").status_code == 404


def test_a_date_in_the_extent_does_not_refuse_every_datetime(make: MakeStock) -> None:
    """`begin: 2020-01-01` is a date in YAML."""
    temporal = {"begin": datetime.date(2020, 1, 1), "end": "2020-12-31T00:00:00Z"}
    extents = {"spatial": {"bbox": [-180, -90, 180, 90]}, "temporal": temporal}
    lakes = feature("vector/ne_110m_lakes.geojson", extents=extents)
    stock = make("Dates", {"resources": {"lakes": lakes}})
    client = app_of(stock).test_client()
    before = stock.describe("lakes", BASE_URL)
    for value in ("2020-05-01", "2020-05-01T12:00:00Z/..", "2020-03/2020-04"):
        assert client.get(f"/collections/lakes/items?datetime={value}").status_code == 200
    assert client.get("/collections/lakes/items?datetime=1999-01-01").status_code == 400
    assert stock.describe("lakes", BASE_URL) == before


def test_an_angle_bracket_stays_one_in_json_and_is_escaped_in_html(
    make: MakeStock, tmp_path: Path
) -> None:
    text = "a < b > c & d &lt; e"
    properties = {"id": "1", "name": text, "missing": float("nan")}
    item = {"type": "Feature", "id": "1", "geometry": None, "properties": properties}
    path = tmp_path / "text.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    provider = {"type": "feature", "name": "GeoJSON", "data": str(path), "id_field": "id"}
    config = {"resources": {"text": {"type": "collection", "providers": [provider]}}}
    client = app_of(make("Text", config)).test_client()
    answer = client.get("/collections/text/items")
    found = json.loads(answer.data, parse_constant=pytest.fail)["features"][0]["properties"]
    assert found["name"] == text
    assert found["missing"] is None
    assert "<script" not in client.get("/collections/text/items/1?f=html").text.split(text)[-1:]
    assert text not in client.get("/collections/text/items/1?f=html").text


def test_a_process_runs_at_once_and_as_a_job(client: Any, tmp_path: Path) -> None:
    request = {"inputs": {"name": "World"}}
    path = "/processes/hello-world/execution"
    now = client.post(path, json=request)
    assert now.get_json() == {"id": "echo", "value": "Hello World!"}
    later = client.post(path, json=request, headers={"Prefer": "respond-async, wait=5"})
    assert later.status_code == 201
    location = later.headers["Location"]
    assert location.startswith(f"{BASE_URL}/jobs/")
    job = location.removeprefix(BASE_URL)
    deadline = time.monotonic() + 120
    while client.get(job).get_json()["status"] != "successful":
        assert time.monotonic() < deadline, client.get(job).text
        time.sleep(0.05)
    assert client.get(f"{job}/results").get_json() == {"id": "echo", "value": "Hello World!"}
    assert len(client.get("/jobs").get_json()["jobs"]) == 2
    assert client.delete(job).status_code == 200
    gone = client.get(job)
    assert gone.status_code == 404
    assert gone.get_json()["type"].endswith("/no-such-job")
    assert client.get("/jobs/none/results").get_json()["code"] == "NoSuchJob"


def test_jobs_are_written_in_the_state_folder_only(make: MakeStock, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    manager = {"name": "TinyDB", "connection": f"{outside}/jobs.db", "output_dir": str(outside)}
    stock = make("State", {"server": {"manager": manager}, "resources": resources()})
    client = app_of(stock).test_client()
    answer = client.post("/processes/hello-world/execution", json={"inputs": {"name": "x"}})
    assert answer.status_code == 200
    assert not list(outside.iterdir())
    assert list((tmp_path / "State" / "stock-jobs").iterdir())


@pytest.mark.parametrize("body", ["[1, 2]", '{"inputs": 3}', '{"inputs": {}, "subscriber": "x"}'])
def test_an_execution_request_that_is_no_object_is_400(client: Any, body: str) -> None:
    answer = client.post("/processes/hello-world/execution", data=body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


class FailingProcessor(BaseProcessor):  # type: ignore[misc]
    """Fails with a text that holds a path."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        metadata = {"id": "fails", "title": "", "description": "", "inputs": {}, "outputs": {}}
        options = {"jobControlOptions": ["sync-execute", "async-execute"]}
        super().__init__(processor_def, {**metadata, **options})

    def execute(self, data: Any, outputs: Any = None) -> Any:
        raise RuntimeError("no /srv/secret/file")


def test_a_process_that_fails_keeps_its_inside_to_itself(make: MakeStock) -> None:
    name = f"{__name__}.FailingProcessor"
    config = {"resources": {"fails": {"type": "process", "processor": {"name": name}}}}
    client = app_of(make("Fails", config)).test_client()
    answer = client.post("/processes/fails/execution", json={"inputs": {}})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    jobs = client.get("/jobs")
    assert "failed" in jobs.text
    assert "secret" not in answer.text + jobs.text


def test_conformance_is_that_of_the_resources(make: MakeStock, stock: StockApi) -> None:
    classes = stock.conformance_classes()
    assert stock.conformance_classes() == classes == sorted(set(classes))
    for word in ("features-1", "coverages-1", "edr-1", "processes-1"):
        assert any(word in class_ for class_ in classes), word
    assert not any("tiles" in class_ or "landing-page" in class_ for class_ in classes)
    lakes = {"resources": {"lakes": feature("vector/ne_110m_lakes.geojson")}}
    assert not any("processes" in c for c in make("Lakes", lakes).conformance_classes())
    assert make("None", {"resources": {}}).conformance_classes() == []


def test_openapi_is_valid_and_declares_what_is_accepted(stock: StockApi, client: Any) -> None:
    fragment = stock.openapi_fragment(BASE_URL)
    info = {"title": "x", "version": "1"}
    document = {"openapi": "3.0.3", "info": info, **json.loads(json.dumps(fragment))}
    OpenAPIV30SpecValidator(document).validate()
    assert '"$ref": "http' not in json.dumps(document)
    for path in ("lakes/items", "lakes/items/{item_id}", "scene/coverage", "winds/position"):
        assert f"/collections/{path}" in fragment["paths"]
    assert "/collections/scene/items" not in fragment["paths"]
    assert "post" in fragment["paths"]["/processes/hello-world/execution"]
    assert set(fragment["paths"]["/jobs/{job_id}"]) == {"get", "delete"}
    parameters = fragment["components"]["parameters"]
    for path, operations in fragment["paths"].items():
        if "{" in path or "get" not in operations:
            continue
        for parameter in operations["get"]["parameters"]:
            name = parameter.get("name") or parameters[parameter["$ref"].split("/")[-1]]["name"]
            answer = client.get(path, query_string={name: "1"})
            assert "Unknown parameter" not in answer.text, (path, name)


def test_the_schema_of_a_hidden_collection_is_served_but_not_listed(make: MakeStock) -> None:
    lakes = feature("vector/ne_110m_lakes.geojson", visibility="hidden")
    stock = make("Hidden", {"resources": {"lakes": lakes}})
    assert stock.collection_ids == ("lakes",)
    assert stock.listed_collection_ids == ()
    assert stock.openapi_fragment(BASE_URL)["paths"] == {}
    schema = app_of(stock).test_client().get("/collections/lakes/schema").get_json()
    validate({"name": "Lake"}, schema)
