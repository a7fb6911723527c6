"""Ranges of bytes (RFC 9110, section 14) of every answer that is in memory."""

from __future__ import annotations

import base64
import hashlib

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.http.samples import problem_of

CHUNK = "/collections/levels/zarr/t/c/0/0/0/0"
PATHS = [
    CHUNK, "/collections/levels/zarr/.zmetadata", "/collections/levels/coverage?f=netcdf&bbox=0,0,40,40",
    "/collections/levels/map?width=64&height=32", "/collections/levels?f=json",
]  # fmt: skip


def ask(client: FlaskClient, path: str, asked: str, **headers: str) -> TestResponse:
    return client.get(path, headers={"Range": asked, **headers})


@pytest.mark.parametrize("path", PATHS)
def test_a_range_is_a_part_of_the_answer(client: FlaskClient, path: str) -> None:
    whole = client.get(path)
    size = len(whole.data)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, start, stop in [
        ("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=5-", 5, size), ("bytes=-7", size - 7, size),
        (f"bytes=0-{size * 2}", 0, size), (f"bytes=-{size * 2}", 0, size), (f"bytes={size - 1}-", size - 1, size),
    ]:  # fmt: skip
        part = ask(client, path, asked)
        assert part.status_code == 206
        assert part.data == whole.data[start:stop]
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert int(part.headers["Content-Length"]) == stop - start
        for name in ("ETag", "Content-Type", "Cache-Control", "Vary"):
            assert part.headers[name] == whole.headers[name]
        digest = base64.b64encode(hashlib.sha256(part.data).digest()).decode()
        assert part.headers["Content-Digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize("beyond", ["bytes={size}-", "bytes={size}-{size}0", "bytes=-0"])
def test_a_range_beyond_the_end_is_416_with_the_length(client: FlaskClient, beyond: str) -> None:
    size = len(client.get(CHUNK).data)
    answer = ask(client, CHUNK, beyond.format(size=size))
    problem_of(answer, 416, "Range")
    assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "form",
    ["bytes=0-1,4-5", "bytes=5-2", "bytes=", "bytes=a-b", "items=0-1", "0-1", "bytes=--1", f"bytes={'9' * 5000}-"],
)  # fmt: skip
def test_other_forms_are_ignored(client: FlaskClient, form: str) -> None:
    whole = client.get(CHUNK)
    answer = ask(client, CHUNK, form)
    assert (answer.status_code, answer.data) == (200, whole.data)


def test_if_range_gives_the_whole_answer_to_those_with_parts_of_another(
    client: FlaskClient,
) -> None:
    whole = client.get(CHUNK)
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    for known, status in [(tag, 206), (f"W/{tag}", 200), ('"other"', 200), (date, 200)]:
        answer = ask(client, CHUNK, "bytes=0-9", **{"If-Range": known})
        assert answer.status_code == status, known
        assert answer.data == whole.data[: 10 if status == 206 else None]


def test_a_client_that_has_the_answer_gets_304_whatever_its_range(client: FlaskClient) -> None:
    tag = client.get(CHUNK).headers["ETag"]
    assert ask(client, CHUNK, "bytes=0-9", **{"If-None-Match": tag}).status_code == 304


def test_head_tells_of_ranges_and_has_none(client: FlaskClient) -> None:
    whole = client.get(CHUNK)
    head = client.head(CHUNK, headers={"Range": "bytes=0-9"})
    assert head.status_code == 200
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.headers["Content-Length"] == str(len(whole.data))


def test_a_compressed_answer_has_no_ranges(client: FlaskClient) -> None:
    path = "/collections/levels/zarr/.zmetadata"
    answer = ask(client, path, "bytes=0-9", **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.status_code == 200
    assert "Accept-Ranges" not in answer.headers


def test_browsers_may_ask_for_ranges(client: FlaskClient) -> None:
    answer = client.options(CHUNK, headers={"Origin": "https://example.org"})
    assert "Range" in answer.headers["Access-Control-Allow-Headers"].replace(",", " ").split()
