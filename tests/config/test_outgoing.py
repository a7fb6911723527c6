"""Outgoing HTTP: what may be asked, and how failures look."""

import gzip
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore
import pytest

from config.errors import ConfigurationError, InvalidParameter, SourceUnavailable
from config.outgoing import AddressGuard, OutgoingHttp
from config.settings import Settings

LOOPBACK = ("127.0.0.0/8", "::1")


class Handler(BaseHTTPRequestHandler):
    seen: Counter[str]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.seen[path] += 1
        self.seen[f"Host: {self.headers['Host']}"] += 1
        getattr(self, path.strip("/").replace("-", "_"))(query)

    def do_POST(self) -> None:
        self.seen[self.path] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say(503 if self.path == "/down" else 200, body)

    def hello(self, _query: str) -> None:
        self._say(200, b'{"hello": "world"}')

    def flaky(self, _query: str) -> None:
        self._say(200 if self.seen["/flaky"] == 3 else 503, b"")

    def down(self, _query: str) -> None:
        self._say(502, b"")

    def missing(self, _query: str) -> None:
        self._say(404, b"none")

    def large(self, _query: str) -> None:
        self._say(200, gzip.compress(b"0" * 2_000_000), {"Content-Encoding": "gzip"})

    def slow(self, _query: str) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the client is meant to leave
            for _ in range(20):
                self.wfile.write(b".")
                threading.Event().wait(0.1)

    def redirect(self, query: str) -> None:
        self._say(302, b"", {"Location": query})

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal of the tests."""


@pytest.fixture
def seen() -> Counter[str]:
    return Counter()


@pytest.fixture
def server(seen: Counter[str]) -> Iterator[str]:
    handler = type("SeeingHandler", (Handler,), {"seen": seen})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def outgoing(*allow: str, **changes: object) -> OutgoingHttp:
    return OutgoingHttp(Settings(outgoing_allow=allow, **changes), backoff=0.001)


def test_an_allowed_address_answers(server):
    answer = outgoing(*LOOPBACK).get(f"{server}/hello", params={"a": "b"})
    assert (answer.status, answer.json()) == (200, {"hello": "world"})


def test_an_allowed_host_name_answers(server):
    assert outgoing("LocalHost").get(server.replace("127.0.0.1", "localhost") + "/hello").status


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_loopback_is_refused_in_every_spelling(server, seen, host):
    port = server.rpartition(":")[2]
    with pytest.raises(InvalidParameter, match="not a public address"):
        outgoing().get(f"http://{host}:{port}/hello")
    assert not seen


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "fd00::1",
        "::",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)
def test_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(InvalidParameter):
        AddressGuard([]).resolve(address, 80)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_asked(address):
    assert AddressGuard([]).resolve(address, 80) == [address]


class Names:
    """A name server of the test: each look-up of a name gives the next of its address lists."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]) -> None:
        self.lookups: Counter[str] = Counter()
        self.answers = {f"{name}.test": lists for name, lists in answers.items()}
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)

    def resolve(self, host, port, *args, **options):
        if host not in self.answers:
            return self.real(host, port, *args, **options)
        lists = self.answers[host]
        addresses = lists[min(self.lookups[host], len(lists) - 1)]
        self.lookups[host] += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


def test_a_redirect_to_a_private_address_is_refused(server, seen, monkeypatch):
    Names(monkeypatch, inside=[["127.0.0.2"]])
    inside = server.replace("127.0.0.1", "inside.test")
    with pytest.raises(InvalidParameter, match=r"inside\.test"):
        outgoing("127.0.0.1").get(f"{server}/redirect?{inside}/hello")
    assert (seen["/redirect"], seen["/hello"]) == (1, 0)


def test_a_name_that_changes_its_address_is_connected_where_it_was_judged(
    server, seen, monkeypatch
):
    names = Names(monkeypatch, rebinding=[["93.184.215.14"], ["127.0.0.1"]])
    connected: list[str] = []

    def refuse(_self, host, *_args, **_options):
        connected.append(host)
        raise httpcore.ConnectError("closed")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", refuse)
    with pytest.raises((SourceUnavailable, InvalidParameter)):
        outgoing().get(server.replace("127.0.0.1", "rebinding.test") + "/hello")
    assert names.lookups["rebinding.test"] == 2
    assert connected == ["93.184.215.14"]
    assert not seen


def test_a_name_with_a_private_address_among_public_ones_is_refused(monkeypatch):
    Names(monkeypatch, mixed=[["93.184.215.14", "10.0.0.1"]])
    with pytest.raises(InvalidParameter):
        outgoing().get("http://mixed.test/")


def test_the_server_sees_the_name_it_was_asked_by(server, seen, monkeypatch):
    Names(monkeypatch, named=[["127.0.0.1"]])
    url = server.replace("127.0.0.1", "named.test")
    assert outgoing(*LOOPBACK).get(f"{url}/hello").status == 200
    assert seen["Host: " + url.removeprefix("http://")] == 1


def test_a_redirect_is_followed_when_it_may_be(server):
    answer = outgoing(*LOOPBACK).get(f"{server}/redirect?{server}/hello")
    assert (answer.status, answer.url) == (200, f"{server}/hello")


def test_redirects_in_a_circle_end(server, seen):
    with pytest.raises(SourceUnavailable):
        outgoing(*LOOPBACK).get(f"{server}/redirect?{server}/redirect")
    assert seen["/redirect"] <= 7


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/x", "nonsense", "http://"]
)
def test_only_http_is_asked(url):
    with pytest.raises(InvalidParameter):
        outgoing(*LOOPBACK).get(url)


def test_busy_servers_are_asked_again(server, seen):
    assert outgoing(*LOOPBACK).get(f"{server}/flaky").status == 200
    assert seen["/flaky"] == 3


def test_a_server_that_stays_down_is_the_callers_to_judge(server, seen):
    assert outgoing(*LOOPBACK).get(f"{server}/down").status == 502
    assert seen["/down"] == 4


def test_other_errors_are_answers(server, seen):
    assert outgoing(*LOOPBACK).get(f"{server}/missing").status == 404
    assert seen["/missing"] == 1


def test_a_post_is_repeated_only_when_harmless(server, seen):
    client = outgoing(*LOOPBACK)
    assert client.post(f"{server}/echo", json={"a": 1}).json() == {"a": 1}
    assert client.post(f"{server}/down", json={}).status == 503
    assert seen["/down"] == 1
    client.post(f"{server}/down", json={}, idempotent=True)
    assert seen["/down"] == 5


def test_a_small_body_that_unpacks_to_too_much_is_cut(server):
    with pytest.raises(SourceUnavailable, match="more than 1000000 bytes"):
        outgoing(*LOOPBACK, outgoing_bytes=1_000_000).get(f"{server}/large")


def test_an_answer_that_drips_ends_at_the_deadline(server):
    with pytest.raises(SourceUnavailable, match=r"within 0\.3 s"):
        outgoing(*LOOPBACK, outgoing_timeout=0.3).get(f"{server}/slow")


def test_a_closed_port_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="does not answer"):
        outgoing(*LOOPBACK).get(f"http://127.0.0.1:{port}/")


def test_text_that_is_not_json_is_unavailable(server):
    with pytest.raises(SourceUnavailable, match="JSON"):
        outgoing(*LOOPBACK).get(f"{server}/missing").json()


def test_a_malformed_network_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.1/8"):
        outgoing("10.0.0.1/8")
