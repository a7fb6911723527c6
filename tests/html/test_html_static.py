"""The files under /static: what is served, and that nothing else can be."""

from __future__ import annotations

import re

import pytest

from ogcapi.html import asset_path, static_file

OWN = ["style.css", "app.js", "api.js", "favicon.svg"]
SWAGGER = ["swagger/swagger-ui.css", "swagger/swagger-ui-bundle.js"]


@pytest.mark.parametrize("name", OWN + SWAGGER)
def test_a_file_has_body_type_and_entity_tag(name: str) -> None:
    found = static_file(name)
    assert found is not None
    body, media_type, etag = found
    assert body
    assert media_type.split("/")[0] in ("text", "image")
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    assert static_file(name) is found


def test_files_differ_in_entity_tag() -> None:
    tags = {found[2] for found in map(static_file, OWN + SWAGGER) if found}
    assert len(tags) == len(OWN + SWAGGER)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../html.py",
        "../templates/base.html",
        "..\\html.py",
        "/etc/passwd",
        "./style.css",
        "style.css/",
        "style.css\0",
        "style.css\n",
        "STYLE.CSS",
        "missing.css",
        "swagger/",
        "swagger/../style.css",
        "swagger/index.html",
        "swagger/swagger-initializer.js",
        "swagger/../../__init__.py",
        "swagger/swagger/swagger-ui.css",
        "other/style.css",
        "../static/style.css",
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    assert static_file(name) is None


def test_swagger_assets_are_found_by_name_only() -> None:
    found = asset_path("swagger-ui.css")
    assert found is not None
    assert found.is_file()
    assert asset_path("../swagger-ui.css") is None
    assert asset_path("index.html") is None


@pytest.mark.parametrize("name", OWN)
def test_our_files_name_no_other_host(name: str) -> None:
    found = static_file(name)
    assert found is not None
    text = found[0].decode().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
    assert "@import" not in text


def test_swagger_reports_to_no_validator() -> None:
    found = static_file("api.js")
    assert found is not None
    assert b"validatorUrl: null" in found[0]
