"""The API definition, what it promises, and every link of every document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest
from urllib.parse import urlsplit

import html5lib
import pytest
import schemathesis
import yaml
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV30SpecValidator
from schemathesis.generation import GenerationMode

from tests.http.samples import PROBLEM, Site
from tests.http.test_regressions import configured

ROOT = "http://localhost"
EXPANDED = {
    "position": "coords=POINT(5 5)",
    "radius": "coords=POINT(5 5)&within=500&within-units=km",
    "area": "coords=POLYGON((0 0,20 0,20 20,0 0))",
    "cube": "bbox=0,0,20,20",
    "trajectory": "coords=LINESTRING(0 0,20 20)",
    "corridor": "coords=LINESTRING(0 0,20 20)&corridor-width=500&width-units=km&corridor-height=1&height-units=m",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A server of data, stock features and a process."""
    return configured(tmp_path_factory.mktemp("both"))


@pytest.fixture(params=["data", "data and stock"])
def any_client(request: pytest.FixtureRequest, site: Site, both: FlaskClient) -> FlaskClient:
    return site.client if request.param == "data" else both


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete", "options", "head"):
                yield path, method, operation


def test_the_definition_is_valid_openapi(any_client: FlaskClient) -> None:
    document = any_client.get("/openapi").get_json()
    errors = list(OpenAPIV30SpecValidator(document).iter_errors())
    assert not errors, errors[:3]


def test_the_yaml_form_says_the_same(any_client: FlaskClient) -> None:
    as_yaml = yaml.safe_load(any_client.get("/openapi?f=yaml").data)
    assert as_yaml == any_client.get("/openapi?f=json").get_json()


def test_every_route_is_in_it_with_its_parameters(site: Site) -> None:
    document = site.client.get("/openapi").get_json()
    table = site.app.extensions["ogcapi"]["definition"].table
    for route in table:
        if not route.documented:
            continue
        stated = document["paths"][route.path]["get"]["parameters"]
        names = {item["name"] for item in stated if item["in"] == "query"}
        assert {item.name for item in route.parameters} <= names
        assert "f" in names
    assert len(document["paths"]) == len([route for route in table if route.documented])


def test_operation_ids_are_unique_and_parameters_not_doubled(any_client: FlaskClient) -> None:
    """3.5: a property called ``datetime`` put that parameter twice into the definition."""
    found = list(operations(any_client.get("/openapi").get_json()))
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids))
    for path, method, operation in found:
        names = [(p["in"], p["name"]) for p in operation.get("parameters", []) if "name" in p]
        assert len(names) == len(set(names)), (method, path)


def test_the_definition_answers_at_the_address_of_this_server(any_client: FlaskClient) -> None:
    document = any_client.get("/openapi", base_url="https://data.example.org/api").get_json()
    assert document["servers"][0]["url"] == "https://data.example.org/api"


def test_conformance_is_what_the_table_declares(site: Site) -> None:
    table = site.app.extensions["ogcapi"]["definition"].table
    declared = {name for route in table for name in route.conformance}
    stated = site.client.get("/conformance").get_json()["conformsTo"]
    assert sorted(declared) == sorted(stated)
    assert len(stated) == len(set(stated))


def links_of(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("href"), str):
            yield value
        for inner in value.values():
            yield from links_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links_of(inner)


def with_path(href: str) -> str:
    """An address without a path is that of the root, as HTTP clients take it."""
    return href if urlsplit(href).path else urlsplit(href)._replace(path="/").geturl()


def expanded(link: dict[str, Any]) -> str:
    """The address of a link; a template gets the values its query needs."""
    href = with_path(str(link["href"]))
    if not link.get("templated"):
        return href
    base = href.split("{")[0]
    kind = base.rsplit("/", 1)[1]
    return f"{base}?{EXPANDED[kind]}" if kind in EXPANDED else base


def pages(client: FlaskClient) -> list[str]:
    ids = [item["id"] for item in client.get("/collections").get_json()["collections"]]
    found = ["/", "/collections", *(f"/collections/{name}" for name in ids)]
    return found + (
        ["/processes", "/processes/hello-world"]
        if client.get("/processes").status_code == 200
        else []
    )


def test_every_link_of_every_document_answers_with_the_type_it_says(
    any_client: FlaskClient,
) -> None:
    checked: dict[str, str] = {}
    for page in pages(any_client):
        for link in links_of(any_client.get(page).get_json()):
            href = expanded(link)
            # pygeoapi's own documents link to JSON-LD, which it has for collections and features alone
            if "/processes" in href and link.get("type") == "application/ld+json":
                continue
            if not href.startswith(ROOT) or href in checked:
                continue
            checked[href] = page
            if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/execute":
                answer = any_client.post(href, json={"inputs": {"name": "you"}})
            elif (
                link["rel"] == "data"
                and not link.get("templated")
                and (kind := href.rsplit("/", 1)[1]) in EXPANDED
            ):
                answer = any_client.get(f"{href}?{EXPANDED[kind]}")
            else:
                answer = any_client.get(href)
            assert 200 <= answer.status_code < 300, (
                page,
                link,
                answer.get_data(as_text=True)[:200],
            )
            if link.get("type"):
                assert answer.mimetype == link["type"].split(";")[0], (page, link)
    assert len(checked) > 20


def test_every_link_of_every_page_for_people_answers(any_client: FlaskClient) -> None:
    tree = {"{http://www.w3.org/1999/xhtml}a": "href", "{http://www.w3.org/1999/xhtml}link": "href",
            "{http://www.w3.org/1999/xhtml}img": "src", "{http://www.w3.org/1999/xhtml}script": "src"}  # fmt: skip
    seen: set[str] = set()
    for page in ["/", "/collections", "/conformance", "/api", *pages(any_client)[2:4]]:
        root = html5lib.parse(any_client.get(page, headers={"Accept": "text/html"}).data)
        for element in root.iter():
            href = element.get(tree.get(str(element.tag), "-"))
            if href is None or href.startswith("#") or href in seen:
                continue
            if href.startswith("/"):
                href = ROOT + href
            if not href.startswith(ROOT):
                assert not str(element.tag).endswith(("script", "img")), (
                    f"{page} loads {href} from elsewhere"
                )
                continue
            seen.add(href)
            answer = any_client.get(with_path(href.split("#")[0]))
            assert answer.status_code < 300, (page, href, answer.get_data(as_text=True)[:200])
    assert len(seen) > 10


def test_problem_documents_are_as_the_definition_describes_them(both: FlaskClient) -> None:
    document = both.get("/openapi").get_json()
    validator = Draft202012Validator(document["components"]["schemas"]["problem"])
    for path in (
        "/nothing",
        "/collections?f=x",
        "/collections/nothing",
        "/collections/points/items?limit=x",
    ):
        answer = both.get(path)
        assert answer.mimetype == PROBLEM
        validator.validate(answer.get_json())


def test_schemas_of_fields_and_queryables_are_json_schema(any_client: FlaskClient) -> None:
    for item in any_client.get("/collections").get_json()["collections"]:
        for name in ("schema", "queryables"):
            document = any_client.get(f"/collections/{item['id']}/{name}").get_json()
            Draft202012Validator.check_schema(document)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_that_the_definition_allows_or_forbids_is_a_server_error(
    any_client: FlaskClient, mode: GenerationMode
) -> None:
    """schemathesis: values by the schema, and values against it."""
    schema = schemathesis.openapi.from_dict(any_client.get("/openapi").get_json())
    asked: Counter[int] = Counter()
    failures: list[str] = []

    def ask(case: schemathesis.Case) -> None:
        answer = case.call(session=None, app=any_client.application, base_url=ROOT)
        asked[answer.status_code] += 1
        if answer.status_code >= 500:
            failures.append(f"{case.as_curl_command()} {answer.status_code} {answer.text[:200]}")

    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        cases = operation.as_strategy(generation_mode=mode)
        bounded = settings(
            max_examples=12, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        try:
            bounded(given(case=cases)(ask))()
        except (Unsatisfiable, SkipTest):
            continue  # nothing can be wrong in a request without parameters
    assert not failures, "\n".join(failures)
    assert sum(asked.values()) > 100, asked
    assert asked[200] > 10 if mode is GenerationMode.POSITIVE else asked[400] > 10, asked
