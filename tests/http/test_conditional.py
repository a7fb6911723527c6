"""Conditional requests, HEAD, OPTIONS and the headers that browsers, caches and clients live by."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.samples import CRS84, MERCATOR, Site, problem_of, server
from tests.http.test_negotiation import EACH_FORM, with_f

KEPT = [form for form in EACH_FORM if not form[0].startswith("/health")]
COVERAGE = "/collections/levels/coverage?bbox=0,0,40,40"
OTHER = '"0123456789abcdef"'


def again(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(
        path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


@pytest.mark.parametrize(("path", "f", "media_type"), KEPT)
def test_a_client_that_has_the_answer_gets_304_and_no_body(
    client: FlaskClient, path: str, f: str, media_type: str
) -> None:
    """S8: no ETag, no Cache-Control, no Last-Modified."""
    first = client.get(with_f(path, f))
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    assert first.headers["Cache-Control"]
    assert client.get(with_f(path, f)).headers["ETag"] == etag
    second = again(client, with_f(path, f), If_None_Match=etag)
    assert (second.status_code, second.data) == (304, b"")
    assert second.headers["ETag"] == etag
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert second.headers["Vary"] == first.headers["Vary"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("{etag}", 304), ("W/{etag}", 304), ("*", 304), (f"{OTHER}, {{etag}}", 304), (f"W/{OTHER},W/{{etag}}", 304),
        (OTHER, 200), (f"W/{OTHER}", 200), ("", 200), ('""', 200), ('"{bare}x"', 200),
    ],
)  # fmt: skip
def test_if_none_match_takes_lists_stars_and_weak_tags(
    client: FlaskClient, given: str, status: int
) -> None:
    etag = client.get(COVERAGE).headers["ETag"]
    given = given.format(etag=etag, bare=etag.strip('"'))
    assert again(client, COVERAGE, If_None_Match=given).status_code == status


def test_each_form_and_coding_has_a_tag_of_its_own(client: FlaskClient) -> None:
    tags = [
        client.get(with_f(COVERAGE, f), headers={"Accept-Encoding": coding}).headers["ETag"]
        for f, coding in [("json", ""), ("json", "gzip"), ("json", "zstd"), ("netcdf", "")]
    ]
    other = client.get(COVERAGE.replace("40,40", "40,50")).headers["ETag"]
    assert len({*tags, other}) == 5


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_tag_of_a_compressed_answer_is_known_again(client: FlaskClient, coding: str) -> None:
    etag = again(client, COVERAGE, Accept_Encoding=coding).headers["ETag"]
    second = again(client, COVERAGE, Accept_Encoding=coding, If_None_Match=etag)
    assert (second.status_code, second.headers["ETag"]) == (304, etag)


def test_a_small_answer_is_known_again_by_a_client_that_takes_compression(
    client: FlaskClient,
) -> None:
    """Too small to compress, so its tag names no coding: neither may that of the 304."""
    path = "/collections/levels/position?coords=POINT(0 0)&z=500&parameter-name=t&datetime=2020-01-01T00:00:00Z"
    for address in (path, "/collections?offset=100"):
        first = again(client, address, Accept_Encoding="gzip")
        assert "Content-Encoding" not in first.headers
        second = again(client, address, Accept_Encoding="gzip", If_None_Match=first.headers["ETag"])
        assert (second.status_code, second.headers["ETag"]) == (304, first.headers["ETag"])


def test_a_copy_in_another_coding_is_not_called_current(client: FlaskClient) -> None:
    etag = again(client, COVERAGE, Accept_Encoding="zstd").headers["ETag"]
    assert again(client, COVERAGE, Accept_Encoding="gzip", If_None_Match=etag).status_code == 200


def test_last_modified_is_when_the_file_changed(site: Site, client: FlaskClient) -> None:
    answer = client.get(COVERAGE)
    stated = parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    assert stated == int((site.folder / "data" / "levels.nc").stat().st_mtime)
    later, earlier = formatdate(stated + 60, usegmt=True), formatdate(stated - 60, usegmt=True)
    assert (
        again(client, COVERAGE, If_Modified_Since=answer.headers["Last-Modified"]).status_code
        == 304
    )
    assert again(client, COVERAGE, If_Modified_Since=later).status_code == 304
    assert again(client, COVERAGE, If_Modified_Since=earlier).status_code == 200
    assert again(client, COVERAGE, If_Modified_Since=later, If_None_Match=OTHER).status_code == 200


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(("path", "f", "media_type"), EACH_FORM)
def test_head_is_get_without_the_body(
    client: FlaskClient, path: str, f: str, media_type: str, coding: str
) -> None:
    address, headers = with_f(path, f), {"Accept-Encoding": coding}
    get, head = client.get(address, headers=headers), client.head(address, headers=headers)
    assert (head.status_code, head.data) == (200, b"")
    ignored = {"X-Request-Id", "Date"}
    assert {k: v for k, v in head.headers if k not in ignored} == {
        k: v for k, v in get.headers if k not in ignored
    }
    assert head.headers["Content-Length"] == str(len(get.data))


def test_head_of_an_error_has_its_status_and_no_body(client: FlaskClient) -> None:
    answer = client.head("/collections/nothing")
    assert (answer.status_code, answer.data) == (404, b"")


@pytest.mark.parametrize("path", sorted({path for path, _, _ in EACH_FORM}))
def test_a_page_of_another_origin_may_ask_and_read(client: FlaskClient, path: str) -> None:
    """``cors: true`` did nothing."""
    address = path.split("?")[0]
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "accept",
    }
    preflight = client.options(address, headers=asked)
    assert preflight.status_code in (200, 204)
    assert {"GET", "HEAD", "OPTIONS"} <= set(preflight.headers["Allow"].replace(",", " ").split())
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]
    assert "accept" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = client.get(path, headers={"Origin": "https://app.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    for name in (
        "Link",
        "Location",
        "Content-Crs",
        "Content-Bbox",
        "ETag",
        "Content-Range",
        "RateLimit",
    ):
        assert name in exposed


def test_a_preflight_of_a_missing_collection_passes_so_that_the_404_can_be_read(
    client: FlaskClient,
) -> None:
    path, asked = "/collections/nothing/coverage", {"Origin": "https://app.example"}
    assert client.options(path, headers=asked).status_code in (200, 204)
    assert client.get(path, headers=asked).headers["Access-Control-Allow-Origin"] == "*"
    assert client.options("/nothing").status_code == 404


def test_an_error_can_be_read_across_origins_too(client: FlaskClient) -> None:
    answer = client.get("/collections?f=x", headers={"Origin": "https://app.example"})
    assert problem_of(answer, 400, "f")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_only_origins_that_are_named_may_read(site: Site) -> None:
    paths = [str(site.folder / "data" / "height.nc")]
    named = server(site.folder / "cors", paths, cors_origins=("https://app.example",)).test_client()
    good = named.get("/collections", headers={"Origin": "https://app.example"})
    assert good.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Origin" in good.headers["Vary"]
    for headers in ({"Origin": "https://evil.example"}, {}):
        bad = named.get("/collections", headers=headers)
        assert "Access-Control-Allow-Origin" not in bad.headers
        assert "Origin" in bad.headers["Vary"]  # or a cache would hand this one to the good origin
    off = server(site.folder / "no-cors", paths, cors_origins=()).test_client()
    answer = off.options("/collections", headers={"Origin": "https://app.example"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_coverage_says_where_it_is_and_what_to_call_it(client: FlaskClient) -> None:
    answer = client.get(with_f(COVERAGE, "netcdf"))
    assert answer.headers["Content-Crs"] == f"<{CRS84}>"
    west, south, east, north = map(float, answer.headers["Content-Bbox"].split(","))
    assert -15 <= west <= 0
    assert 30 <= east <= 60
    assert (south, north) == (0, 40)
    assert answer.headers["Content-Disposition"].endswith('filename="levels.nc"')


def test_a_map_says_where_it_is_in_the_axis_order_of_its_crs(client: FlaskClient) -> None:
    """3.5: no Content-Bbox and Content-Crs on maps."""
    path = (
        "/collections/levels/map?width=40&height=20&bbox=0,10,40,30&datetime=2020-01-01T06:00:00Z"
    )
    for crs, uri, box in [
        ("", CRS84, [0, 10, 40, 30]),
        ("EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326", [10, 0, 30, 40]),
    ]:
        answer = client.get(path + (f"&crs={crs}" if crs else ""))
        assert answer.headers["Content-Crs"] == f"<{uri}>"
        assert [float(part) for part in answer.headers["Content-Bbox"].split(",")] == box
        assert answer.headers["OGC-Datetime"] == "2020-01-01T06:00:00Z"
    mercator = client.get(f"{path}&crs={MERCATOR}")
    west, south, east, north = map(float, mercator.headers["Content-Bbox"].split(","))
    assert (round(west), round(east)) == (0, 4452780)
    assert (round(south), round(north)) == (1118890, 3503550)


def test_an_empty_answer_has_no_body_and_no_type(client: FlaskClient) -> None:
    answer = client.get("/collections/levels/coverage?datetime=1990-01-01")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


def test_health_is_never_kept_by_a_cache(client: FlaskClient) -> None:
    for path in ("/health/live", "/health/ready"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert "ETag" not in headers


def test_each_answer_has_an_id_that_finds_it_in_the_log(client: FlaskClient) -> None:
    answer = client.get("/collections?f=x")
    assert answer.headers["X-Request-Id"] in answer.get_json()["instance"]
    assert client.get("/").headers["X-Request-Id"] != client.get("/").headers["X-Request-Id"]
