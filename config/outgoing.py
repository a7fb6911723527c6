"""Outgoing HTTP, safe to use with an address that somebody else chose.

A host is resolved once per connection, every address it has is judged, and the connection is made
to the judged address itself: a redirect or a name that changes its address (DNS rebinding) passes
the same check. Proxies of the environment are not used, for they would resolve names unseen.
"""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from config.errors import ConfigurationError, InvalidParameter, SourceUnavailable
from config.settings import Settings

RETRIED = frozenset({502, 503, 504})
MAX_REDIRECTS = 5
MAX_WAIT_SECONDS = 5.0

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class OutgoingAnswer:
    """What the other server said, read to its end. ``url`` is the last one after redirects."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: str

    def json(self) -> Any:
        """The content as JSON; raises ``SourceUnavailable`` when it is not."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise SourceUnavailable(f"{_host(self.url)} did not answer with JSON") from error


class OutgoingHttp:
    """GET and POST with a deadline, a cap on the answer, retries, and the check of addresses.

    Thread-safe. Nothing is opened before the first request. Every failure is an ``OgcapiError``:
    ``InvalidParameter`` for an address that may not be asked, ``SourceUnavailable`` for one that
    does not answer; a status such as 404 or 500 is an answer, the caller's to judge.
    """

    def __init__(self, settings: Settings, *, retries: int = 3, backoff: float = 0.25) -> None:
        self._settings = settings
        self._guard = AddressGuard(settings.outgoing_allow)
        self._retries = retries
        self._backoff = backoff
        self._lock = threading.Lock()
        self._opened: httpx.Client | None = None

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
    ) -> OutgoingAnswer:
        """GET ``url``; tried again when the connection fails or the answer is 502, 503 or 504."""
        request = self._client().build_request("GET", _checked(url), params=params, headers=headers)
        return self._send(request, self._retries, timeout, max_bytes)

    def post(
        self,
        url: str,
        *,
        json: object = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
        idempotent: bool = False,
    ) -> OutgoingAnswer:
        """POST to ``url``; tried again only when the caller says that twice does no harm."""
        request = self._client().build_request(
            "POST", _checked(url), json=json, data=data, content=content, headers=headers
        )
        return self._send(request, self._retries if idempotent else 0, timeout, max_bytes)

    def close(self) -> None:
        """Closes the connections; a later request opens new ones."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._opened is None:
                self._opened = httpx.Client(
                    transport=_GuardedTransport(self._guard),
                    follow_redirects=True,
                    max_redirects=MAX_REDIRECTS,
                    trust_env=False,
                    headers={"User-Agent": "destine-ogcapi"},
                )
            return self._opened

    def _send(
        self, request: httpx.Request, retries: int, timeout: float | None, max_bytes: int | None
    ) -> OutgoingAnswer:
        seconds = timeout or self._settings.outgoing_timeout
        limit = max_bytes or self._settings.outgoing_bytes
        for attempt in range(retries + 1):
            last = attempt == retries
            wait = self._backoff * 2**attempt * (1 + random.random())
            try:
                answer = self._once(request, seconds, limit)
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if last:
                    raise SourceUnavailable(f"{request.url.host} does not answer") from error
            except httpx.TimeoutException as error:
                raise SourceUnavailable(
                    f"{request.url.host} did not answer within {seconds:g} s"
                ) from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SourceUnavailable(f"{request.url.host}: {error}") from error
            else:
                if last or answer.status not in RETRIED:
                    return answer
                wait = max(wait, _retry_after(answer.headers))
            time.sleep(min(wait, MAX_WAIT_SECONDS))
        raise AssertionError("the last attempt returns or raises")

    def _once(self, request: httpx.Request, seconds: float, limit: int) -> OutgoingAnswer:
        deadline = time.monotonic() + seconds
        request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
        response = self._client().send(request, stream=True)
        try:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > limit:
                    raise SourceUnavailable(
                        f"{response.url.host} answered with more than {limit} bytes"
                    )
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("deadline", request=request)
            return OutgoingAnswer(
                response.status_code, response.headers, bytes(content), str(response.url)
            )
        finally:
            response.close()


class AddressGuard:
    """Which hosts may be asked: public addresses, and what ``allow`` names.

    ``allow`` holds host names (exact), addresses and CIDR networks.
    """

    def __init__(self, allow: Iterable[str]) -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for entry in allow:
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                if "/" in entry:
                    raise ConfigurationError(
                        f"{entry!r} is not a network: {error}", key="outgoing_allow"
                    ) from error
                self._hosts.add(entry.lower().rstrip("."))

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of ``host``, each of which may be connected to.

        Raises ``InvalidParameter`` when one of them may not: a name that mixes public and private
        addresses is refused whole. ``OSError`` when the name has none.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if host.lower().rstrip(".") in self._hosts:
            return addresses
        for address in addresses:
            if not self._may_reach(ipaddress.ip_address(address.partition("%")[0])):
                raise InvalidParameter(f"{host} is not a public address; it is not asked")
        return addresses

    def _may_reach(self, address: Address) -> bool:
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast and not _carries_ipv4(address)


def _carries_ipv4(address: Address) -> bool:
    """Whether an IPv4 address, which may be private, is reached through this IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return False
    return bool(address.sixtofour or address.teredo or address in NAT64)


class _GuardedTransport(httpx.HTTPTransport):
    """The transport of httpx over a pool that connects through the guard."""

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(guard),
        )


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves, judges, connects to what was judged. TLS still verifies the host's name."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._guard.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"unknown host {host}") from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("local sockets are not asked")


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidParameter(f"not a URL: {error}", parameter="url") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidParameter("not a URL to ask", parameter="url", allowed=["http://", "https://"])
    return parsed


def _host(url: str) -> str:
    return httpx.URL(url).host


def _retry_after(headers: httpx.Headers) -> float:
    value = headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
