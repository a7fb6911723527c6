"""Bytes of files on a server, over real HTTP."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.errors import SourceUnavailable
from providers.grib import sources
from providers.grib.frames import Frame, header_message, message_bytes, scan
from providers.grib.index import GribIndex
from providers.grib.keys import describe

pytest.importorskip("aiohttp")


class Server(ThreadingHTTPServer):
    """Serves one object, by ranges where it is told to; notes what was asked for."""

    def __init__(self, data: bytes, *, ranges: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.ranges = ranges
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a.grib"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        data, status = self.server.data, 200
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        span = self.headers.get("Range")
        if self.headers.get("If-Match") not in (None, etag):
            status, data = 412, b""
        elif span and self.server.ranges:
            self.server.asked.append(span)
            first, last = span.removeprefix("bytes=").split("-")
            status, data = 206, data[int(first) : int(last) + 1]
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if with_body:
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(grib_folder: Path) -> Iterator[Server]:
    with Server((grib_folder / "era5_pl_members.grib").read_bytes()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_messages_of_a_remote_file_are_those_of_the_local_one(
    server: Server, grib_folder: Path
) -> None:
    mark = sources.fingerprint(server.url)
    source = sources.open_source(server.url, mark)
    path = str(grib_folder / "era5_pl_members.grib")
    here = sources.open_source(path, sources.fingerprint(path))
    items = list(scan(source))
    assert items == list(scan(here))
    assert len(server.asked) < 10
    for item in items[::50]:
        assert isinstance(item, Frame)
        assert message_bytes(source, item.ranges) == message_bytes(here, item.ranges)
        assert header_message(source, item) == header_message(here, item)


def test_a_remote_file_is_indexed_in_few_requests(server: Server, tmp_path: Path) -> None:
    mark = sources.fingerprint(server.url)
    index = GribIndex(tmp_path / "i.sqlite")
    found = index.file(server.url, mark, lambda: sources.open_source(server.url, mark), describe)
    assert (found.total, len(found.templates)) == (160, 40)
    assert len(server.asked) < 10


def test_a_remote_file_that_is_replaced_is_not_read_on(server: Server) -> None:
    mark = sources.fingerprint(server.url)
    assert sources.fingerprint(server.url) == mark
    source = sources.open_source(server.url, mark)
    assert source.read(0, 4) == b"GRIB"
    server.data = server.data[:-1] + b"8"
    with pytest.raises(SourceUnavailable, match="changed"):
        source.read(0, 4)
    assert sources.fingerprint(server.url) != mark
    with pytest.raises(SourceUnavailable, match="changed"):
        sources.open_source(server.url, mark)


def test_a_server_without_ranges_is_refused(server: Server) -> None:
    source = sources.open_source(server.url, sources.fingerprint(server.url))
    server.ranges = False
    with pytest.raises(SourceUnavailable, match="no ranges"):
        source.read(0, 4)


def test_what_is_not_there_is_said_without_its_address(server: Server) -> None:
    with pytest.raises(SourceUnavailable, match="no way") as caught:
        sources.fingerprint("none://127.0.0.1/a.grib")
    assert "127" not in caught.value.detail
    closed = f"http://127.0.0.1:{server.server_port + 1}/a.grib"
    with pytest.raises((FileNotFoundError, SourceUnavailable)):
        sources.fingerprint(closed)


def test_local_sources_read_in_many_threads(grib_folder: Path) -> None:
    path = grib_folder / "era5_2t_uk_hourly_2019-03.grib"
    data = path.read_bytes()
    source = sources.open_source(str(path), sources.fingerprint(str(path)))
    wrong: list[int] = []

    def run(seed: int) -> None:
        for at in range(seed, len(data) - 5000, 9973):
            if source.read(at, 5000) != data[at : at + 5000]:
                wrong.append(at)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not [link for link in Path("/proc/self/fd").iterdir() if link.resolve() == path]
