"""``ogcapi serve`` as a process: it comes up, answers, stands behind a proxy and goes away."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.samples import pressure_levels, surface

ROOT = Path(__file__).parents[2]
START = "from ogcapi.cli import main; main(prog_name='ogcapi')"
SOON = 120.0
"""Seconds; a few on an idle machine, but tests run beside others."""


def free_port() -> int:
    """Below those that clients are given, one of which might take it before the server does."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail("no port is free")


@dataclass
class Running:
    """A server process with everything it started in a session of its own."""

    process: subprocess.Popen[str]
    url: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return httpx.get(self.url + path, headers=named, timeout=SOON)

    def family(self) -> list[int]:
        """Process ids of the session: the server and its workers."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        return found


@contextlib.contextmanager
def serving(state: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    port = free_port()
    clean = {name: text for name, text in os.environ.items() if not name.startswith("OGCAPI_")}
    own = {"PYTHONPATH": str(ROOT), "OGCAPI_STATE_DIR": str(state / "state")}
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", *arguments, "--port", str(port)],
        cwd=state, env=clean | own | environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    server = Running(process, f"http://127.0.0.1:{port}")
    try:
        wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=SOON)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_ready(server: Running) -> None:
    end = time.monotonic() + SOON
    while True:
        if server.process.poll() is not None:
            pytest.fail(
                f"ended with {server.process.returncode}: {server.process.communicate()[1]}"
            )
        with contextlib.suppress(httpx.TransportError):
            if server.get("/health/ready").status_code == 200:
                return
        assert time.monotonic() < end, f"not ready after {SOON:g} s"
        time.sleep(0.1)


def wait_until(check: Callable[[], bool]) -> None:
    """The first worker may be ready before the second is started."""
    end = time.monotonic() + SOON
    while not check():
        assert time.monotonic() < end, f"still not so after {SOON:g} s"
        time.sleep(0.05)


def hrefs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("href", "$id", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from hrefs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from hrefs(inner)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("serve")
    surface("Surface").to_netcdf(found / "surface.nc")
    pressure_levels("Levels").to_zarr(found / "levels.zarr")
    return found


def test_a_file_and_a_folder_are_served_by_two_workers_and_stopped_without_a_trace(
    folder: Path,
) -> None:
    with serving(folder, "surface.nc", "levels.zarr", "--workers", "2") as server:
        wait_until(lambda: len(server.family()) == 3)  # the arbiter and two workers
        ids = {item["id"] for item in server.get("/collections").json()["collections"]}
        assert ids == {"surface", "levels"}
        for name in ids:
            answers = {
                server.get(f"/collections/{name}/position?coords=POINT(0 0)").content
                for _ in range(8)
            }
            assert len(answers) == 1
            assert (
                server.get(f"/collections/{name}/map?width=32&height=16").content[:4] == b"\x89PNG"
            )
        tags = {server.get("/collections").headers["ETag"] for _ in range(8)}
        assert len(tags) == 1  # the same of each worker, or caches would never agree
        assert not any(map(str.isdigit, server.get("/").headers.get("Server", "")))  # no version
        server.process.send_signal(signal.SIGTERM)
        _, errors = server.process.communicate(timeout=SOON)
        assert server.process.returncode == 0
        assert server.family() == []
        assert "Traceback" not in errors
        assert f"Serving on http://localhost:{server.url.rsplit(':', 1)[1]}/" in errors
    with pytest.raises(httpx.TransportError):
        server.get("/health/live")


def test_interrupting_ends_it_too(folder: Path) -> None:
    with serving(folder, "surface.nc", "--workers", "1") as server:
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=SOON)
        assert server.process.returncode == 0
        assert "Traceback" not in errors
        assert server.family() == []


def test_behind_a_proxy_every_link_is_the_public_one(folder: Path) -> None:
    forwarded = {
        "X_Forwarded_Proto": "https", "X_Forwarded_Host": "data.example.org", "X_Forwarded_Prefix": "/climate/api",
    }  # fmt: skip
    public = "https://data.example.org/climate/api"
    paths = ["/", "/collections", "/collections/surface", "/openapi", "/collections/surface/schema"]
    with serving(folder, "surface.nc", "--workers", "1", OGCAPI_TRUSTED_PROXIES="1") as server:
        for path in paths:
            links = list(hrefs(server.get(path, **forwarded).json()))
            assert links, path
            assert [
                link for link in links if not link.startswith((public, "http://www.opengis.net"))
            ] == []
        page = server.get("/collections/surface", **forwarded, Accept="text/html").text
        assert "127.0.0.1" not in page
        assert "localhost" not in page
        assert f"{public}/" in page or '"/climate/api/' in page
        assert 'href="/static' not in page  # outside of the prefix
        assert 'src="/static' not in page


def test_headers_of_a_proxy_that_is_not_trusted_change_nothing(folder: Path) -> None:
    with serving(
        folder, "surface.nc", "--workers", "1", OGCAPI_PUBLIC_URL="https://data.example.org/x/"
    ) as server:
        forged = {
            "X_Forwarded_Host": "evil.example",
            "X_Forwarded_Prefix": "/evil",
            "X_Forwarded_Proto": "gopher",
        }
        for path in ("/", "/collections", "/collections/surface", "/openapi"):
            answer = server.get(path, **forged)
            assert "evil" not in json.dumps(answer.json())
            links = list(hrefs(answer.json()))
            assert [
                link
                for link in links
                if not link.startswith(("https://data.example.org/x", "http://www.opengis.net"))
            ] == []
        page = server.get("/", Accept="text/html").text
        assert "127.0.0.1" not in page
        assert "https://data.example.org/x/" in page or '"/x/' in page
