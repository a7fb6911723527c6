"""Running the app: gunicorn with threads, one app per worker made after the fork."""

from __future__ import annotations

import errno
import json
import logging
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from config.errors import ConfigurationError
from config.files import private_folder
from config.settings import Settings

_PATIENCE = 20.0
"""Seconds a client may keep a thread waiting for its next bytes, or for taking ours."""


class _Socket(socket.socket):
    """A socket that waits so long and no longer where gunicorn would wait for ever."""

    def setblocking(self, flag: bool) -> None:
        self.settimeout(_PATIENCE if flag else 0.0)

    def recv(self, *args: Any) -> bytes:
        try:
            return super().recv(*args)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow") from error

    def sendall(self, *args: Any) -> None:
        try:
            super().sendall(*args)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow") from error


class _Worker(ThreadWorker):
    """gunicorn's threads, not to be held by clients that send or take nothing."""

    def enqueue_req(self, conn: Any) -> None:
        if not isinstance(conn.sock, _Socket):
            conn.sock = _Socket(fileno=conn.sock.detach())
        super().enqueue_req(conn)


class _Server(BaseApplication):
    def __init__(self, settings: Settings, paths: Sequence[str], config_dir: Path | None) -> None:
        self._server_settings = settings
        self._paths = tuple(paths)
        self._config_dir = config_dir
        super().__init__()

    def load_config(self) -> None:
        settings = self._server_settings
        options: dict[str, Any] = {
            "bind": _address(settings),
            "workers": settings.workers,
            "worker_class": _Worker,
            # who may say how the server is addressed is settings.trusted_proxies, for the app to decide
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "accesslog": "-" if settings.access_log else None,
            "threads": settings.threads,
            "keepalive": 30,
            "timeout": 120,
            "graceful_timeout": 30,
            "limit_request_line": 0,
            "loglevel": "warning"
            if settings.log_level in ("INFO", "WARNING")
            else settings.log_level.lower(),
            "proc_name": "ogcapi",
            "when_ready": lambda server: _announce(settings),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from config.configuration import load_configuration
        from ogcapi.app import create_app

        set_up_logging(self._server_settings)
        configuration = (
            load_configuration(self._config_dir) if self._config_dir is not None else None
        )
        app = create_app(self._server_settings, paths=self._paths, configuration=configuration)
        app.extensions["ogcapi"]["keeper"].current()
        return app


def run(settings: Settings, paths: Sequence[str], config_dir: Path | None) -> int:
    """Serve until stopped; the exit code. Raises ConfigurationError when the address is taken."""
    if settings.port:
        _check_port(settings)
    _check_state(settings)
    set_up_logging(settings)
    _Server(settings, paths, config_dir).run()
    return 0


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _announce(settings: Settings) -> None:
    url = str(settings.public_url or f"http://{_shown(settings.host)}:{settings.port}").rstrip("/")
    sys.stderr.write(f"Serving on {url}/  (press Ctrl+C to stop)\n")
    sys.stderr.flush()


def _shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {_address(settings)}: {error.strerror}; choose another with --port"
            ) from error


_QUIET = {"alembic": logging.WARNING, "pygeoapi": logging.WARNING, "pygeoapi.l10n": logging.ERROR}
"""Libraries that tell of their inner life at INFO, or warn of what is no fault."""


def _check_state(settings: Settings) -> None:
    """A state folder that cannot be written is told before anything starts."""
    try:
        private_folder(settings.state_dir)
        with tempfile.TemporaryFile(dir=settings.state_dir):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {settings.state_dir}: {error.strerror}", key="OGCAPI_STATE_DIR"
        ) from error


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(settings: Settings) -> None:
    """Logs of this process on stderr, as text or one JSON object a line."""
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if settings.log_format == "json" else plain)
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, logging.getLevelName(settings.log_level)))
