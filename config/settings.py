"""The settings of one server: typed, immutable, read from ``OGCAPI_…`` of the environment.

A nested field is reached with two underscores: ``OGCAPI_LIMITS__CELLS=1000000``; lists are JSON.
``docs/settings.md`` describes each of them, and a test holds the two together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


def _workers() -> int:
    available = getattr(os, "sched_getaffinity", None)
    return min(4, len(available(0)) if available else os.cpu_count() or 1)


def _state_dir() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path("~/.local/state")) / "destine-ogcapi"


class Limits(BaseModel):
    """What one request may cost; a request over a limit is answered 413 with limit and estimate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: Annotated[int, Field(gt=0, description="Values that one answer may hold.")] = 25_000_000
    cells_read: Annotated[
        int, Field(gt=0, description="Stored values that one answer may be computed from.")
    ] = 250_000_000
    pixels: Annotated[int, Field(gt=0, description="Pixels of one map or tile.")] = 4096 * 4096
    bytes_buffered: Annotated[
        int,
        Field(
            gt=0,
            description="Answers whose values take more bytes are streamed, or written to a file first.",
        ),
    ] = 32 * MEBIBYTE
    bytes_spooled: Annotated[
        int, Field(gt=0, description="Temporary files of large answers, together, in each worker.")
    ] = 4096 * MEBIBYTE
    url_length: Annotated[int, Field(ge=1024, description="Characters of a request URL.")] = 16_384
    request_body: Annotated[int, Field(gt=0, description="Bytes of a request body.")] = (
        10 * MEBIBYTE
    )


class Settings(BaseSettings):
    """How the server runs on this machine. What it serves stands in the configuration."""

    model_config = SettingsConfigDict(
        env_prefix="OGCAPI_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on (0: any free).")] = (
        5000
    )
    workers: int = Field(
        default_factory=_workers,
        ge=1,
        description="Server processes. Default: the CPUs this process may use, at most 4.",
    )
    threads: Annotated[int, Field(ge=1, description="Request threads of each worker.")] = 8
    public_url: Annotated[
        AnyHttpUrl | None,
        Field(description="URL clients reach the server by, with path prefix; unset: per request."),
    ] = None
    trusted_proxies: Annotated[
        int, Field(ge=0, description="Proxies in front whose X-Forwarded-* headers are trusted.")
    ] = 0
    state_dir: Path = Field(
        default_factory=_state_dir,
        description="Folder of what the server must remember: database, indexes, outputs.",
    )
    database_url: Annotated[
        str | None,
        Field(
            repr=False, description="SQLAlchemy URL of the database; unset: SQLite in state_dir."
        ),
    ] = None
    cache_bytes: Annotated[
        int, Field(ge=0, description="Cache of decoded chunks, for all workers together.")
    ] = 512 * MEBIBYTE
    check_interval: Annotated[
        float, Field(gt=0, description="Seconds between two looks at a source for changes.")
    ] = 1.0
    cors_origins: Annotated[
        tuple[str, ...],
        Field(description="Origins that browsers may call from; empty: CORS is off."),
    ] = ("*",)
    outgoing_allow: Annotated[
        tuple[str, ...],
        Field(
            description="Host names, addresses or CIDR networks that outgoing requests may reach "
            "although they are not public."
        ),
    ] = ()
    outgoing_timeout: Annotated[
        float, Field(gt=0, description="Seconds an outgoing request may take, retries apart.")
    ] = 20.0
    outgoing_bytes: Annotated[
        int, Field(gt=0, description="Bytes of an answer read from another server.")
    ] = 64 * MEBIBYTE
    title: Annotated[str, Field(description="Title when the configuration has none.")] = (
        "DestinE OGC API"
    )
    description: Annotated[
        str, Field(description="Description when the configuration has none.")
    ] = "Earth-system data through the OGC APIs"
    language: Annotated[
        str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="Default language.")
    ] = "en"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        Field(description="Least severe messages that are logged."),
    ] = "INFO"
    access_log: Annotated[bool, Field(description="One line on stdout for every request.")] = False
    log_format: Annotated[
        Literal["text", "json"], Field(description="Log lines for people, or one JSON object each.")
    ] = "text"
    debug: Annotated[
        bool, Field(description="Tracebacks in the log and on the command line; not for service.")
    ] = False
    limits: Annotated[Limits, Field(description="What one request may cost.")] = Limits()

    @field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def cache_share(self) -> int:
        """Bytes of the chunk cache in each worker process."""
        return self.cache_bytes // self.workers


def environment_names() -> dict[str, str]:
    """Name in the environment → description, for every setting, the nested ones included."""
    prefix = str(Settings.model_config["env_prefix"])
    names: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        if field.annotation is Limits:
            for inner, nested in Limits.model_fields.items():
                names[f"{prefix}{name}__{inner}".upper()] = nested.description or ""
        else:
            names[f"{prefix}{name}".upper()] = field.description or ""
    return names
