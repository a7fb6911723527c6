"""Wrong requests: each is refused with the name of the parameter, what is wrong and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.settings import Limits
from tests.http.samples import PROBLEM, Site, problem_of, server

BOXES = [
    "", " ", ",", "a,b,c,d", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,", "nan,0,10,10", "0,0,inf,10",
    "1e309,0,10,10", "-1e309,0,10,10", "0,20,10,-20", "0,-91,10,0", "0,0,10,91", "-400,0,10,10", "0,0,600,10",
    "0;0;10;10", "0,0,10,10\0", "0,0,10,10'--", "０,0,10,10", "1_0,0,20,20", "0x1,0,10,10",
]  # fmt: skip
CRSS = [
    "", "x", "EPSG", "EPSG:", "EPSG:999999", "EPSG:-1", "FOO:4326", "http://example.org/crs/4326",
    "http://www.opengis.net/def/crs/EPSG/0/0", "http://www.opengis.net/def/crs/OGC/1.3/CRS27", "EPSG:5703",
    "EPSG:4978", "EPSG:３８５７", "' OR 1=1", "9" * 400, "EPSG:" + "9" * 400,
]  # fmt: skip
TIMES = [
    "", " ", "x", "now", "2020-13", "2020-01-32", "2020-02-30", "2020-01-01T25:00:00Z", "2020-01-01T00:61:00Z",
    "2020-01-01T00:00:00+99", "2020-01-02/2020-01-01", "2020/2021/2022", "2020-01-01/x",
    "../x", "x/..", "/..x", "2020-1-1", "20200101", "1e9", "nan", "9" * 300, "2020-01-01\0",
    "2020-01-01T00:00:00Z<script>", "２０２０", '"', "T00:00:00Z", "2020-01-01T24:00:01Z",
    "2020-01-01T00:00:00+25:00", "2020-01-01T00:00:00+00:75",
]  # fmt: skip
SUBSETS = [
    "", "level", "level()", "level(", "level(a)", "level(nan)", "level(inf)", "level(1e309)", "level(1:2:3)",
    "level(1000),level(500)", "nolevel(1)", "(1)", "1(1)", "level[1000]", "level(850:x)", "level(:)", "level(850:)",
    "time(x)", "time()", "time(2020-13-01)", 'time("2020-01-01":"x")', 'time("2021-01-01":"2020-01-01")',
    "Lat(x)", "Lat(95)", "Lat(-91:0)", "Lat(20:-20)", "Lat(1e309)", "Lon(x)", "Lon(nan:10)", "Lon(1e309:2)",
    "Lon(0:1:2)", "Lon(-1000:1000)", "Lat(0),lat(1)", "Lat(0),Latitude(1)", "level(850),z(500)", "level(850)x",
    "level('; DROP TABLE collections')", "level(<script>)", "level(850)\0", "level(" + "9" * 2000 + ")",
]  # fmt: skip
FIELDS = [
    "",
    " ",
    ",",
    "nothing",
    "t,nothing",
    "t,",
    "T",
    "t;u",
    "t\0",
    "<b>t</b>",
    "x" * 3000,
    "ｔ",
]
WHOLE = ["", " ", "0", "-1", "x", "1.5", "1e3", "nan", "inf", "9" * 30, "٣", "0x10", "1_0", "1\0"]
COORDS = [
    "", " ", "x", "POINT", "POINT()", "POINT EMPTY", "POINT(1)", "POINT(a b)", "POINT(nan nan)", "POINT(inf 0)",
    "POINT(0 91)", "POINT(1e309 0)", "POINT(1000 0)", "LINESTRING(0 0,1 1)", "POLYGON((0 0,1 0,1 1,0 0))",
    "MULTIPOINT EMPTY", "POINT(0 0", "0,0", "POINT(0 0)\0", "POINT(0 0); DROP TABLE x", "GEOMETRYCOLLECTION EMPTY",
    "MULTIPOINT((0 0),(0 95))", "POINT(0 0 nan 1 1)", "(" * 5000,
]  # fmt: skip
HEIGHTS = [
    "",
    "x",
    "nan",
    "inf",
    "1e309",
    "a/b",
    "500/",
    "/",
    "1/2/3",
    "R5/1000",
    "R-1/0/1",
    "500,",
    "R5/x/1",
    "..",
    "R0/1/1",
    "R9/1e309/1",
]
FORMS = [
    "",
    "x",
    "jsonx",
    "pdf",
    "../../etc/passwd",
    "json,html",
    "<b>",
    "netcdf\0",
    "application/json",
]
FLAGS = ["", "yes", "1", "0", "truefalse", "none", "<b>", "true\0"]
COLOURS = [
    "",
    "0x12",
    "0xGGGGGG",
    "#12345",
    "0x1234567",
    "rgb(0,0,0)",
    "0xFFFFFF\0",
    "０" * 6,
]

AREA = {"bbox": BOXES, "bbox-crs": [f"{crs}" for crs in CRSS]}
SHARED = {"datetime": TIMES, "subset": SUBSETS, "f": FORMS}
VIEWS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "/collections": (
        "", {**AREA, "datetime": TIMES, "limit": WHOLE, "offset": [w for w in WHOLE if w != "0"], "f": FORMS},
    ),
    "/collections/levels/coverage": ("", {**AREA, **SHARED, "properties": FIELDS}),
    "/collections/levels/map": (
        "",
        {
            **AREA, **SHARED, "properties": [*FIELDS, "t,u"], "crs": CRSS, "width": WHOLE, "height": WHOLE,
            "transparent": FLAGS, "bgcolor": COLOURS,
        },
    ),
    "/collections/levels/position": (
        "coords=POINT(0 0)", {**SHARED, "coords": COORDS, "z": HEIGHTS, "parameter-name": FIELDS, "crs": CRSS},
    ),
    "/collections/levels/cube": (
        "bbox=0,0,10,10", {**AREA, **SHARED, "z": HEIGHTS, "parameter-name": FIELDS, "crs": CRSS},
    ),
}  # fmt: skip
ROUTES = [
    "/", "/conformance", "/openapi", "/api", "/health/live", "/health/ready", "/collections", "/collections/levels",
    "/collections/levels/schema", "/collections/levels/queryables", "/collections/levels/coverage",
    "/collections/levels/map", "/collections/levels/position?coords=POINT(0 0)",
    "/collections/levels/cube?bbox=0,0,10,10",
]  # fmt: skip
INTERNAL = re.compile(
    r"Traceback|File \"|site-packages|/(?:tmp|home|usr|var|root|srv)/|\.py\b|0x[0-9a-f]{8,}|\.nc\b|\.zarr\b"
)


def ask(client: FlaskClient, path: str, given: str, name: str, value: str) -> TestResponse:
    """GET with one parameter set, whatever the characters; those given beside it stay unless they are the same."""
    beside = [part for part in given.split("&") if part and not part.startswith(f"{name}=")]
    if name == "bbox-crs" and not any(part.startswith("bbox=") for part in beside):
        beside.append("bbox=0,0,10,10")
    query = "&".join(
        [*(quote(part, safe="=") for part in beside), f"{name}={quote(value, safe='')}"]
    )
    return client.get(f"{path}?{query}")


@pytest.mark.parametrize(
    ("path", "given", "name"),
    [(path, given, name) for path, (given, names) in VIEWS.items() for name in names],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    client: FlaskClient, path: str, given: str, name: str
) -> None:
    wrong = []
    for value in VIEWS[path][1][name]:
        answer = ask(client, path, given, name, value)
        text = answer.get_data(as_text=True)
        document = (answer.get_json() or {}) if answer.mimetype == PROBLEM else {}
        good = (
            answer.status_code == 400
            and document.get("parameter") == name
            and document.get("allowed")
            and name in document["detail"]
            and not INTERNAL.search(text.replace(value, ""))
            and len(text) < 20_000
            and "\0" not in text
        )
        if not good:
            wrong.append((value[:60], answer.status_code, text[:200]))
    assert not wrong, "\n".join(map(repr, wrong))


@pytest.mark.parametrize(
    ("path", "given", "name"),
    [
        (path, given, name)
        for path, (given, names) in VIEWS.items()
        for name in names
        if name != "subset"
    ],
)
def test_a_parameter_given_twice_is_refused_not_half_read(
    client: FlaskClient, path: str, given: str, name: str
) -> None:
    good = {
        "bbox": "0,0,10,10", "bbox-crs": "EPSG:4326", "datetime": "2020-01-01", "limit": "1", "offset": "1",
        "f": "json",
        "properties": "t", "parameter-name": "t", "coords": "POINT(0 0)", "z": "500", "crs": "EPSG:4326", "width": "10",
        "height": "10", "transparent": "true", "bgcolor": "0xFFFFFF",
    }  # fmt: skip
    first = ask(client, path, given, name, good[name])
    twice = client.get(first.request.full_path + f"&{name}={quote(good[name])}")
    assert "2 times" in problem_of(twice, 400, name)["detail"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "name", ["scale_factor", "F", "bbox_crs", "<script>", "x\0", "é", "", "__class__"]
)
def test_an_unknown_parameter_is_refused_on_every_route(
    client: FlaskClient, path: str, name: str
) -> None:
    join = "&" if "?" in path else "?"
    document = problem_of(client.get(f"{path}{join}{quote(name)}=2"), 400, name)
    assert "f" in document["allowed"]


@pytest.mark.parametrize(
    ("collection", "subset", "word"),
    [
        ("forecast", "member(9.5:x)", "subset"),
        ("forecast", "step(x)", "PT6H"),
        ("forecast", "step(P)", "PT6H"),
        ("forecast", "step(PT)", "PT6H"),
        ("forecast", "step(PT1e9H)", "PT6H"),
        ("forecast", "step(1e300)", "PT6H"),
        ("forecast", "step(P99999999999999999999D)", "PT6H"),
        ("forecast", "reference_time(yesterday)", "2020-01-31"),
        ("forecast", "reference_time(2020-01-01:yesterday)", "2020-01-31"),
        ("forecast", "time(yesterday)", "2020-01-31"),
        ("forecast", "level(500)", "member"),
        ("scenarios", "scenario(ssp126:ssp585)", "ssp126"),
        ("scenarios", "time(2020-01-01)", "scenario"),
        ("climate", "time(2020-02-31)", "360_day"),
        ("climate", "time(2020-01-01T12:00)x", "axis(low:high)"),
        ("height", "level(500)", "Lat"),
        ("healpix", "Lat(91)", "Lat"),
        ("healpix", "cell(3)", "Lat"),
    ],
)
def test_a_subset_of_each_kind_of_axis_says_what_the_axis_takes(
    client: FlaskClient, collection: str, subset: str, word: str
) -> None:
    answer = client.get(f"/collections/{collection}/coverage", query_string={"subset": subset})
    assert word in " ".join([*problem_of(answer, 400, "subset")["allowed"]]) or word == "subset"


@pytest.mark.parametrize(
    "name", ["nothing", "levels2", "LEVELS", "%00", "..", "%2e%2e", "<b>", "é" * 200, "a" * 9000]
)
@pytest.mark.parametrize(
    "view", ["", "/schema", "/coverage", "/map", "/position", "/cube", "/items"]
)
def test_an_unknown_collection_is_404(client: FlaskClient, name: str, view: str) -> None:
    answer = client.get(f"/collections/{quote(name, safe='%')}{view}")
    text = answer.get_data(as_text=True)
    problem_of(answer, 404)
    assert len(text) < 2000


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/collections/levels/nothing", "/collections/levels/coverage/x", "/static/../cli.py",
     "/static/%2e%2e/cli.py", "/static/", "/health", "/robots.txt", "/collections/levels/items", "/%00",
     "/.git/config", "//etc/passwd"],
)  # fmt: skip
def test_a_path_that_is_not_there_is_a_404_problem_and_no_html_page(
    client: FlaskClient, path: str
) -> None:
    problem_of(client.get(path), 404)


@pytest.mark.parametrize("path", [route.split("?")[0] for route in ROUTES])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_405_and_tells_the_ones_that_are(
    client: FlaskClient, path: str, method: str
) -> None:
    there = {"GET", "HEAD", "OPTIONS"}
    if "/position" in path or "/cube" in path:
        there.add("POST")
    if method in there:
        return
    answer = client.open(path, method=method, data=b"{}")
    problem_of(answer, 405)
    assert {part.strip() for part in answer.headers["Allow"].split(",")} == there


@pytest.mark.parametrize(
    ("path", "limit", "estimate"),
    [
        ("coverage", "10,000", f"{2 * 4 * 3 * 19 * 24:,}"),
        ("coverage?f=netcdf", "10,000", f"{2 * 4 * 3 * 19 * 24:,}"),
        ("cube?bbox=-180,-90,180,90", "10,000", f"{2 * 4 * 3 * 19 * 24:,}"),
        ("position?coords=MULTIPOINT(" + ",".join(["0 0"] * 500) + ")", "10,000", "12,000"),
        ("map?width=2000&height=1000", "1,000,000", "2,000,000"),
        ("map?width=16384&height=16384", "1,000,000", f"{2**28:,}"),
    ],
)
def test_an_answer_over_a_limit_is_413_with_limit_and_estimate(
    site: Site, tmp_path: Path, path: str, limit: str, estimate: str
) -> None:
    limits = Limits(cells=10_000, pixels=1_000_000)
    small = server(tmp_path, [str(site.folder / "data" / "levels.nc")], limits=limits)
    detail = problem_of(small.test_client().get(f"/collections/levels/{path}"), 413)["detail"]
    assert limit in detail
    assert estimate in detail


def test_files_of_pages_can_be_got_and_not_written(client: FlaskClient) -> None:
    assert client.get("/static/style.css").mimetype == "text/css"
    for method in ("POST", "PUT", "DELETE"):
        answer = client.open("/static/style.css", method=method)
        problem_of(answer, 405)
        assert answer.headers["Allow"] == "GET, HEAD"


def test_an_address_longer_than_the_limit_is_refused_not_a_crash(client: FlaskClient) -> None:
    answer = client.get("/collections?bbox=" + "1" * 20_000)
    assert answer.status_code in (413, 414)
    assert "16384" in answer.get_json()["detail"].replace(",", "")


@pytest.mark.parametrize("body", [b"", b"\xff" * 100, b"{" * 1000])
def test_get_with_a_body_is_answered_as_without(client: FlaskClient, body: bytes) -> None:
    assert client.get("/collections/levels", data=body).status_code == 200


@pytest.mark.parametrize(
    "raw",
    ["bbox=%", "bbox=%zz", "f=%ff%fe", "%ff=1", "bbox=0,0,10,10&&&", "a=1;b=2", "=", "&", "?", "f"],
)
@pytest.mark.parametrize("path", ["/collections", "/collections/levels/coverage", "/"])
def test_a_query_string_that_is_not_one_is_never_a_server_error(
    client: FlaskClient, path: str, raw: str
) -> None:
    answer = client.get(f"{path}?{raw}")
    assert answer.status_code < 500
    assert answer.status_code == 200 or problem_of(answer, answer.status_code)


@pytest.mark.parametrize(
    "header",
    [
        ("Accept", "\xff"), ("Accept", "a" * 5000), ("Accept", "text/html;q=x"), ("Accept", ";;;,,,"),
        ("Accept-Encoding", "gzip;q=nan"), ("Accept-Encoding", "*;q=-1"), ("If-None-Match", '"'),
        ("If-None-Match", "W/" * 500), ("If-Modified-Since", "yesterday"), ("If-Modified-Since", "-1"),
        ("Accept-Language", "\xff;q=2"), ("Origin", "null"), ("Range", "bytes=0-"), ("Host", "a b"),
        ("Host", "<script>"), ("X-Forwarded-Prefix", "/\r\n"), ("Cookie", "\xff=1"), ("Content-Length", "x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/collections/levels/coverage?bbox=0,0,10,10"])
def test_headers_that_are_not_well_formed_are_never_a_server_error(
    client: FlaskClient, path: str, header: tuple[str, str]
) -> None:
    name, value = header
    if "\r" in value:
        value = value.strip()
    answer = client.get(path, headers=[(name, value)])
    assert answer.status_code < 500, answer.get_data(as_text=True)
    assert "<script>" not in answer.get_data(as_text=True)
