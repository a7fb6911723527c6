"""Which form of an answer a client gets: f=, Accept with q-values, browsers, content codings."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.samples import BROWSER, COVERAGEJSON, NETCDF, PROBLEM, Site, problem_of

DATA = {
    "json": COVERAGEJSON,
    "netcdf": NETCDF,
    "geotiff": "image/tiff",
    "cog": "image/tiff",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
EDR = {
    "json": COVERAGEJSON,
    "geojson": "application/geo+json",
    "netcdf": NETCDF,
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
GEO = "application/json"
OPENAPI = "application/vnd.oai.openapi+json"
COVERAGE = "/collections/levels/coverage?bbox=0,0,40,40"
FORMS = {
    "/": {"json": GEO, "html": "text/html"},
    "/conformance": {"json": GEO, "html": "text/html"},
    "/openapi": {"json": OPENAPI, "yaml": "application/vnd.oai.openapi", "html": "text/html"},
    "/api": {"html": "text/html", "json": OPENAPI},
    "/health/live": {"json": GEO},
    "/health/ready": {"json": GEO},
    "/collections": {"json": GEO, "html": "text/html"},
    "/collections/levels": {"json": GEO, "html": "text/html"},
    "/collections/levels/schema": {"json": "application/schema+json", "html": "text/html"},
    "/collections/levels/queryables": {"json": "application/schema+json", "html": "text/html"},
    COVERAGE: DATA,
    "/collections/levels/map?width=32": {"png": "image/png"},
    "/collections/levels/position?coords=POINT(0 0)": EDR,
    "/collections/levels/cube?bbox=0,0,40,40": EDR,
}
EACH_FORM = [
    (path, f, media_type) for path, forms in FORMS.items() for f, media_type in forms.items()
]


def with_f(path: str, f: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}f={f}"


def vary(answer: TestResponse) -> set[str]:
    return {part.strip() for part in answer.headers.get("Vary", "").split(",")}


def identity(answer: TestResponse) -> bytes:
    """The body without its content coding."""
    coding = answer.headers.get("Content-Encoding")
    if coding == "gzip":
        return gzip.decompress(answer.data)
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(answer.data)
    assert coding is None
    return answer.data


@pytest.mark.parametrize(("path", "f", "media_type"), EACH_FORM)
def test_f_names_each_form_of_each_resource(
    client: FlaskClient, path: str, f: str, media_type: str
) -> None:
    answer = client.get(with_f(path, f), headers={"Accept": "image/x-nothing"})
    assert (answer.status_code, answer.mimetype) == (200, media_type)
    assert answer.data


@pytest.mark.parametrize(("path", "f", "media_type"), EACH_FORM)
def test_the_accept_header_chooses_the_same_form_as_f(
    client: FlaskClient, path: str, f: str, media_type: str
) -> None:
    answer = client.get(path, headers={"Accept": media_type})
    assert answer.mimetype == media_type
    assert "Accept" in vary(answer)


@pytest.mark.parametrize("path", FORMS)
def test_every_form_offered_is_in_this_table(site: Site, path: str) -> None:
    """So that a form that is added is tested above."""
    names = problem_of(site.client.get(with_f(path, "nothing")), 400, "f")["allowed"]
    assert names == list(FORMS[path])


@pytest.mark.parametrize("path", FORMS)
def test_a_browser_gets_an_answer_everywhere(client: FlaskClient, path: str) -> None:
    """W8, E8: ``Accept: text/html, …, */*;q=0.8`` on data was an error."""
    answer = client.get(path, headers={"Accept": BROWSER})
    assert answer.status_code == 200
    assert answer.mimetype == (
        "text/html" if "html" in FORMS[path] else next(iter(FORMS[path].values()))
    )


@pytest.mark.parametrize("path", FORMS)
def test_no_accept_header_and_any_type_get_the_first_form(client: FlaskClient, path: str) -> None:
    first = next(iter(FORMS[path].values()))
    for headers in ({}, {"Accept": "*/*"}, {"Accept": ""}):
        assert client.get(path, headers=headers).mimetype == first, headers


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "accept", ["application/x-nothing", "*/*;q=0", "image/webp, audio/*;q=0.9", "text/turtle"]
)
def test_a_type_that_is_not_there_is_406_and_names_those_that_are(
    client: FlaskClient, path: str, accept: str
) -> None:
    document = problem_of(client.get(path, headers={"Accept": accept}), 406, "Accept")
    assert [item.split(";")[0] for item in document["allowed"]] == list(FORMS[path].values())


@pytest.mark.parametrize(
    ("accept", "f"),
    [
        ("text/html;q=0.5, application/json;q=0.9", "json"),
        ("application/json;q=0.5, text/html;q=0.9", "html"),
        ("application/json;q=0, */*", "html"),
        ("text/html;q=0, */*;q=0.1", "json"),
        ("text/*, application/json;q=0.2", "html"),
        ("application/*, text/html;q=0.2", "json"),
        ("TEXT/HTML", "html"),
        ("text/html;level=1;q=0.3, application/json;q=0.2", "html"),
        ("application/json , text/html", "json"),
        ("text/html;q=0.001", "html"),
        ("application/json;charset=utf-8", "json"),
    ],
)
def test_the_highest_q_wins_and_the_most_specific_range_decides(
    client: FlaskClient, accept: str, f: str
) -> None:
    assert (
        client.get("/collections", headers={"Accept": accept}).mimetype == FORMS["/collections"][f]
    )


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/x-netcdf", NETCDF), ("application/x-netcdf4", NETCDF), ("application/vnd.cov+json", COVERAGEJSON),
        ("application/json", COVERAGEJSON),
    ],
)  # fmt: skip
def test_old_names_of_a_media_type_are_understood(
    client: FlaskClient, accept: str, media_type: str
) -> None:
    assert client.get(COVERAGE, headers={"Accept": accept}).mimetype == media_type


def test_an_error_is_a_problem_document_whatever_is_asked_for(client: FlaskClient) -> None:
    """3.5: errors of /map were JSON typed image/png."""
    for path in ("/collections/levels/map?f=png&width=x", f"{COVERAGE}1,2&f=netcdf"):
        for accept in ("image/png", NETCDF, "application/json"):
            answer = client.get(path, headers={"Accept": accept})
            assert (answer.status_code, answer.mimetype) == (400, PROBLEM)


@pytest.mark.parametrize("f", ["NetCDF", "netCDF", "NETCDF", "CoverageJSON", "JSON"])
def test_f_in_capitals_is_understood(client: FlaskClient, f: str) -> None:
    """E8: ``f=NetCDF`` was 400, only ``f=netcdf`` worked; EDR clients send what output_formats names."""
    answer = client.get(with_f(COVERAGE, f))
    assert answer.mimetype == (NETCDF if f.lower() == "netcdf" else COVERAGEJSON)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(("path", "f", "media_type"), EACH_FORM)
def test_a_compressed_body_decodes_to_the_plain_one(
    client: FlaskClient, path: str, f: str, media_type: str, coding: str
) -> None:
    """S8: gzip without Vary, and bodies called gzip that were not."""
    plain = client.get(with_f(path, f))
    packed = client.get(with_f(path, f), headers={"Accept-Encoding": coding})
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in vary(plain)
    assert "Accept-Encoding" in vary(packed)
    assert identity(packed) == plain.data
    assert packed.headers["Content-Length"] == str(len(packed.data))
    if "Content-Encoding" in packed.headers:
        assert len(packed.data) < len(plain.data)
        assert packed.headers.get("ETag", "a") != plain.headers.get("ETag", "b")


def test_large_text_is_compressed_and_pictures_are_not(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip, deflate, br"}
    assert client.get("/openapi", headers=headers).headers["Content-Encoding"] == "gzip"
    assert (
        client.get("/collections/levels/coverage", headers=headers).headers["Content-Encoding"]
        == "gzip"
    )
    assert "Content-Encoding" not in client.get("/collections/levels/map", headers=headers).headers


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip;q=0", None), ("identity", None), ("br", None), ("gzip;q=0.5, zstd;q=0.1", "gzip"), ("*", "zstd"),
        ("gzip, zstd", "zstd"), ("identity;q=1, gzip;q=0.5", None), ("gzip;q=0.5, identity;q=0", "gzip"),
        ("GZIP", "gzip"), ("", None), ("*;q=0", None),
    ],
)  # fmt: skip
def test_the_coding_is_one_the_client_takes(
    client: FlaskClient, accepts: str, coding: str | None
) -> None:
    answer = client.get("/openapi", headers={"Accept-Encoding": accepts})
    assert answer.status_code == 200
    assert answer.headers.get("Content-Encoding") == coding
    assert json.loads(identity(answer))["openapi"]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_an_error_to_a_client_that_takes_compression_is_readable(
    client: FlaskClient, coding: str
) -> None:
    """3.5: 400 answers carried ``Content-Encoding: gzip`` on a body that was not."""
    for path in ("/collections?f=nonsense", "/nothing", f"/collections?{'x' * 3000}=1"):
        answer = client.get(path, headers={"Accept-Encoding": coding})
        assert json.loads(identity(answer))["status"] == answer.status_code >= 400


def test_a_page_is_in_the_language_it_says(client: FlaskClient) -> None:
    answer = client.get("/?f=html")
    assert answer.headers["Content-Language"] == "en"
    assert b'<html lang="en"' in answer.data
    assert "Accept-Language" in vary(answer)


def test_no_answer_tells_the_versions_of_the_software(client: FlaskClient) -> None:
    for path in FORMS:
        headers = client.get(path).headers
        assert not {"Server", "X-Powered-By"} & set(headers.keys())
        assert headers["X-Content-Type-Options"] == "nosniff"
