"""What is wrong with a configuration that could be read, as far as reading it tells."""

from __future__ import annotations

from collections.abc import Iterator

from config.configuration import Configuration
from config.resources import Resource

STOCK_KEYS = ("title", "description", "keywords", "extents")
WARNING = "warning:"


def problems(configuration: Configuration) -> list[str]:
    """One line ``file: key: reason`` per problem; lines that begin with ``warning:`` may stand."""
    lines = [
        f"{file}: {key}: a secret in the YAML; write ${{NAME}} and set it in the environment"
        for file, key in configuration.secrets
    ]
    for resource in configuration.resources.values():
        for warning, key, reason in _of(resource):
            line = f"{resource.file}: resources.{resource.id}{key}: {reason}"
            lines.append(f"{WARNING} {line}" if warning else line)
    return lines


def _without_effect(resource: Resource) -> Iterator[tuple[bool, str, str]]:
    for name in ("styles", "price", "trace"):
        if getattr(resource, name) not in (None, {}):
            yield True, f".{name}", "has no effect in this version"


def _of(resource: Resource) -> Iterator[tuple[bool, str, str]]:
    if resource.type == "process":
        if "processor" not in (resource.model_extra or {}):
            yield False, "", "a process needs `processor`"
        return
    if resource.stock and not resource.providers:
        yield False, "", "has no data: give it `source` (or pygeoapi `providers`)"
    elif resource.stock:
        for name in STOCK_KEYS:
            if not getattr(resource, name):
                yield False, f".{name}", "missing; pygeoapi cannot show the collection without it"
    yield from _without_effect(resource)
    yield from _extents(resource)
    for name in ("license", "attribution"):
        if not getattr(resource, name) and not _linked(resource, name):
            yield True, f".{name}", "missing; users must know what they may do with the data"


def _extents(resource: Resource) -> Iterator[tuple[bool, str, str]]:
    temporal = resource.extents.get("temporal") or {}
    begin, end = temporal.get("begin"), temporal.get("end")
    if begin and end and begin > end:
        yield False, ".extents.temporal", f"begins ({begin}) after its end ({end})"
    bbox = (resource.extents.get("spatial") or {}).get("bbox")
    if bbox is None:
        return
    box = bbox[0] if bbox and isinstance(bbox[0], list) else bbox
    if len(box) not in (4, 6) or not all(isinstance(number, int | float) for number in box):
        yield False, ".extents.spatial.bbox", "must be four or six numbers"
    elif box[1] > box[len(box) // 2 + 1]:
        yield False, ".extents.spatial.bbox", "its south lies north of its north"


def _linked(resource: Resource, relation: str) -> bool:
    return any(link.get("rel") == relation for link in resource.links)
