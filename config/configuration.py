"""The configuration: pygeoapi's YAML, read from one file or a folder of them, with our additions.

Files are read in the order of their names. ``server``, ``logging`` and ``metadata`` merge key by
key and the later file wins; a resource belongs to one file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigurationError
from config.extents import for_pygeoapi
from config.resources import (
    OUR_KEYS,
    PYGEOAPI_KEYS,
    GridHints,
    Resource,
    Source,
    Text,
    Texts,
    Variable,
)
from config.yaml_reader import Document, read_yaml

TOP_KEYS = ("server", "logging", "metadata", "resources", "pubsub")
SUFFIXES = (".yml", ".yaml")
SECRET_NAMES = ("password", "passwd", "secret", "token", "api_key", "apikey", "private_key")
REFUSED_SERVER_KEYS = {
    "admin": "pygeoapi's administration has no login and is not offered; edit the YAML, "
    "changes are noticed",
    "gzip": "answers are compressed as the client asks, without a setting; remove the key",
}
#: which model the keys of a part belong to, for the names to offer
PARTS: dict[str, type[BaseModel]] = {"grid": GridHints, "source": Source, "variables": Variable}


class Metadata(BaseModel):
    """What the server says of itself; ``None`` where the configuration is silent."""

    model_config = ConfigDict(frozen=True)

    title: Text | None = None
    description: Text | None = None
    keywords: Texts = Field(default_factory=list)
    url: str | None = None
    terms_of_service: Text | None = None
    license: dict[str, Any] = Field(default_factory=dict)
    provider: dict[str, Any] = Field(default_factory=dict)
    contact: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """An immutable configuration: what is served, and how it presents itself."""

    server: Mapping[str, Any] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=Metadata)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    #: file and key of each value that looks like a secret written into the YAML
    secrets: tuple[tuple[str, str], ...] = ()
    _merged: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def raw(self) -> dict[str, Any]:
        """The merged YAML for pygeoapi's handlers: a new deep copy, theirs to change."""
        return deepcopy(self._merged)


def load_configuration(
    directory: Path, environment: Mapping[str, str] | None = None
) -> Configuration:
    """Reads the YAML file, or every ``*.yml`` and ``*.yaml`` of the folder, ``directory``.

    Raises ``ConfigurationError`` that names the file, the key and the reason.
    """
    variables = os.environ if environment is None else environment
    documents = [read_yaml(file, variables) for file in _files(directory)]
    merged: dict[str, Any] = {}
    origins: dict[str, Path] = {}
    for document in documents:
        _check_top(document)
        for name, part in document.content.items():
            if name == "resources":
                _add_resources(merged.setdefault(name, {}), part or {}, document, origins)
            else:
                merged[name] = _merge(merged.get(name), part)
    resources = {
        name: _resource(name, content, origins[name])
        for name, content in merged.get("resources", {}).items()
    }
    for name, resource in resources.items():
        content = merged["resources"][name]
        content["type"] = resource.type
        if resource.extents:
            content["extents"] = for_pygeoapi(resource.extents)
    return Configuration(
        server=deepcopy(merged.get("server") or {}),
        metadata=_metadata(merged.get("metadata") or {}, documents),
        resources=resources,
        files=tuple(document.file for document in documents),
        secrets=tuple(_secrets(documents)),
        _merged=merged,
    )


def _files(directory: Path) -> list[Path]:
    if directory.is_file():
        return [directory.absolute()]
    if not directory.is_dir():
        raise ConfigurationError("there is no such file or folder", file=str(directory))
    files = sorted(
        f for f in directory.absolute().iterdir() if f.suffix in SUFFIXES and f.is_file()
    )
    if not files:
        raise ConfigurationError("the folder holds no *.yml or *.yaml", file=str(directory))
    return files


def _check_top(document: Document) -> None:
    file = str(document.file)
    for name, part in document.content.items():
        if name not in TOP_KEYS and (close := get_close_matches(str(name), TOP_KEYS)):
            raise ConfigurationError(_unknown(close), file=file, key=str(name))
        if name in TOP_KEYS and part is not None and not isinstance(part, dict):
            raise ConfigurationError("must be a mapping", file=file, key=name)
    server = document.content.get("server") or {}
    for name, reason in REFUSED_SERVER_KEYS.items():
        if server.get(name):
            raise ConfigurationError(f"is refused: {reason}", file=file, key=f"server.{name}")


def _merge(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: _merge(below.get(name), value) for name, value in above.items()}
    return below if above is None and isinstance(below, dict) else above


def _add_resources(
    merged: dict[str, Any], part: dict[Any, Any], document: Document, origins: dict[str, Path]
) -> None:
    for identifier, content in part.items():
        name = str(identifier)
        key = f"resources.{name}"
        if name in origins:
            raise ConfigurationError(
                f"is defined in {origins[name].name} already", file=str(document.file), key=key
            )
        if not isinstance(content, dict):
            raise ConfigurationError("must be a mapping", file=str(document.file), key=key)
        origins[name] = document.file
        merged[name] = content


def _resource(name: str, content: dict[str, Any], file: Path) -> Resource:
    for key in content:
        close = _close_keys(str(key), typed="source" in content)
        if close is not None:
            raise ConfigurationError(_unknown(close), file=str(file), key=f"resources.{name}.{key}")
    try:
        resource = Resource.model_validate({**content, "id": name, "file": str(file)})
    except ValidationError as error:
        raise _configuration_error(error, f"resources.{name}", str(file)) from error
    if resource.source is None:
        return resource
    located: dict[str, Any] = {"source": resource.source.beside(file.parent)}
    if resource.grid is not None:
        located["grid"] = resource.grid.beside(file.parent)
    return resource.model_copy(update=located)


def _close_keys(key: str, *, typed: bool) -> list[str] | None:
    """Names to offer for an unknown key of a resource; ``None`` when the key may stand.

    A stock resource may hold keys of other plugins, unless they look like one of ours misspelt.
    """
    known = OUR_KEYS | PYGEOAPI_KEYS
    if key in known:
        return None
    close = get_close_matches(key, known if typed else OUR_KEYS, cutoff=0.6 if typed else 0.8)
    return close if typed or close else None


def _metadata(content: dict[str, Any], documents: list[Document]) -> Metadata:
    identification = content.get("identification") or {}
    parts = {
        name: content[name] for name in ("license", "provider", "contact") if content.get(name)
    }
    try:
        return Metadata.model_validate({**identification, **parts})
    except ValidationError as error:
        file = next((str(d.file) for d in reversed(documents) if "metadata" in d.content), "")
        raise _configuration_error(error, "metadata", file) from error


def _configuration_error(error: ValidationError, prefix: str, file: str) -> ConfigurationError:
    first = error.errors()[0]
    steps = [str(step) for step in first["loc"]]
    return ConfigurationError(_reason(first, steps), file=file, key=".".join([prefix, *steps]))


def _reason(error: ErrorDetails, steps: list[str]) -> str:
    if error["type"] == "extra_forbidden" and steps[0] in PARTS:
        known = list(PARTS[steps[0]].model_fields)
        return _unknown(get_close_matches(steps[-1], known) or sorted(known))
    return error["msg"].removeprefix("Value error, ")


def _unknown(close: Iterable[str]) -> str:
    names = ", ".join(close)
    return f"unknown key; did you mean {names}?" if names else "unknown key"


def _secrets(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    for document in documents:
        for key, value in _strings(document.content, ""):
            name = key.rpartition(".")[2].lower()
            if value and key not in document.interpolated and name.endswith(SECRET_NAMES):
                yield str(document.file), key


def _strings(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, f"{key}[{index}]")
    elif isinstance(value, str):
        yield key, value
