"""YAML as the configuration reads it: environment variables, no key twice, no impossible date.

``${NAME}`` and ``${NAME:-default}`` are replaced inside any value. A value that is not quoted is
then typed as if its text stood in the file (``port: ${PORT:-5000}`` is a number); a quoted one
stays a string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.errors import ConfigurationError

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
STRING_TAG = "tag:yaml.org,2002:str"
MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Document:
    """One YAML file. ``interpolated`` holds the keys whose value came from the environment."""

    file: Path
    content: dict[str, Any]
    interpolated: frozenset[str]


class _Loader(yaml.SafeLoader):
    """The safe loader, except that a date of another calendar (2020-02-30) stays text."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def read_yaml(file: Path, environment: Mapping[str, str]) -> Document:
    """The mapping in ``file``; raises ``ConfigurationError`` with file and key (or line)."""
    try:
        loader = _Loader(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot be read: {error}", file=str(file)) from error
    try:
        node = loader.get_single_node()
        walk = _Walk(file, environment, loader)
        if node is not None:
            walk.visit(node, "")
        content = {} if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigurationError(_one_line(error), file=str(file)) from error
    finally:
        loader.dispose()
    if not isinstance(content, dict):
        raise ConfigurationError("is not a mapping of keys to values", file=str(file))
    return Document(file, content, frozenset(walk.interpolated))


@dataclass
class _Walk:
    """Goes over the nodes of one file once, while their keys and quotes are still known."""

    file: Path
    environment: Mapping[str, str]
    loader: _Loader
    interpolated: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)

    def visit(self, node: yaml.Node, key: str) -> None:
        if id(node) in self.seen:  # an alias of a node that was visited
            return
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, key)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.visit(item, f"{key}[{index}]")
        elif isinstance(node, yaml.ScalarNode) and node.tag == STRING_TAG and "${" in node.value:
            self._interpolate(node, key)

    def _mapping(self, node: yaml.MappingNode, key: str) -> None:
        names: set[str] = set()
        for name_node, value in node.value:
            name = str(name_node.value)
            inner = f"{key}.{name}" if key else name
            if name in names and name_node.tag != MERGE_TAG:
                raise ConfigurationError("is written twice", file=str(self.file), key=inner)
            names.add(name)
            self.visit(value, inner)

    def _interpolate(self, node: yaml.ScalarNode, key: str) -> None:
        def value_of(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            value = self.environment.get(name, default)
            if value is None:
                raise ConfigurationError(
                    f"the environment variable {name} is not set (and has no default: "
                    f"${{{name}:-…}})",
                    file=str(self.file),
                    key=key,
                )
            return value

        text, count = VARIABLE.subn(value_of, node.value)
        if count == 0:
            return
        node.value = text
        self.interpolated.add(key)
        if node.style is None:
            node.tag = self.loader.resolve(yaml.ScalarNode, text, (True, False))


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark is not None else " ".join(problem.split())
