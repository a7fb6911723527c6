"""What ``ogcapi inspect`` and ``ogcapi check`` tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.configuration import load_configuration
from config.database import memory_database
from config.errors import ConfigurationError, SourceUnavailable
from config.problems import problems
from ogcapi.catalogue import CatalogueKeeper, Collection, origin_of_path, origin_of_resource
from ogcapi.derived import derived_fields
from ogcapi.views.describe import axis_document, extent
from providers.build import Refusal
from providers.store import NothingToServe, Store


def report(path: str) -> dict[str, Any]:
    """Collections of a path with grid, axes, variables and extent; warnings; what is refused, and why."""
    store = Store()
    located = path if "://" in path else str(Path(path).expanduser().absolute())
    origin = origin_of_path(located, scope="inspect")
    try:
        dataset = store.dataset(origin.source)
    except NothingToServe as error:
        return {"path": path, "collections": [], **_not_served((), error.refusals, error.messages)}
    except SourceUnavailable as error:
        return {"path": path, "collections": [], **_not_served([error.detail], (), (0, 0))}
    catalogue = CatalogueKeeper(store, memory_database(), [origin]).current()
    return {
        "path": path,
        "collections": [_collection(item) for item in catalogue.collections.values()],
        **_not_served(dataset.warnings, dataset.refusals, dataset.messages),
    }


def _not_served(
    warnings: Sequence[str], refusals: Sequence[Refusal], messages: tuple[int, int]
) -> dict[str, Any]:
    """Warnings, refusals, and the count of GRIB messages: each is served or refused with a reason."""
    refused = [{"name": item.name, "reason": item.reason, "count": item.count} for item in refusals]
    found: dict[str, Any] = {"warnings": list(warnings), "refused": refused}
    total, served = messages
    if total:
        found["messages"] = {"total": total, "served": served, "refused": total - served}
    return found


def _collection(item: Collection) -> dict[str, Any]:
    cube = item.cube()
    return {
        "id": item.id,
        "title": str(cube.attributes.get("title") or item.id),
        "grid": cube.grid.describe(),
        "extent": extent(cube),
        "axes": [axis_document(axis) for axis in cube.axes.values()],
        "variables": [
            {
                "id": variable.id,
                "title": variable.title,
                "units": variable.units,
                "standard_name": variable.standard_name,
                "kind": variable.kind.value,
                "axes": [*variable.axes],
                "type": str(variable.dtype),
            }
            for variable in cube.variables.values()
        ],
    }


def text_of(found: dict[str, Any]) -> str:
    """The report for people."""
    lines: list[str] = []
    for item in found["collections"]:
        grid = item["grid"]
        box = ", ".join(f"{value:g}" for value in item["extent"]["spatial"]["bbox"][0])
        shape = " × ".join(str(size) for size in grid.get("shape", [grid.get("cells")]))
        lines += [f"{item['id']}: {item['title']}", f"  grid       {grid['type']}, {shape}; {box}"]
        for axis in item["axes"]:
            unit = f" {axis['unit']}" if axis.get("unit") else ""
            lines.append(
                f"  axis       {axis['name']}: {axis['size']} from {axis['first']} to {axis['last']}{unit}"
            )
        for variable in item["variables"]:
            unit = f" [{variable['units']}]" if variable["units"] else ""
            over = f" over {', '.join(variable['axes'])}" if variable["axes"] else ""
            title = f": {variable['title']}" if variable["title"] else ""
            lines.append(f"  variable   {variable['id']}{title}{unit}{over}")
    if "messages" in found:
        count = found["messages"]
        lines.append(f"{count['total']} GRIB messages, {count['served']} served")
    lines += [f"warning: {text}" for text in found["warnings"]]
    lines += [f"not served: {item['name']}: {item['reason']}" for item in found["refused"]]
    return "\n".join(lines) or "nothing to serve"


def check_configuration(directory: Path) -> list[str]:
    """One line per problem of a configuration, sources opened; lines of advice begin with ``warning:``."""
    try:
        configuration = load_configuration(directory)
    except ConfigurationError as error:
        return [str(error)]
    lines = list(problems(configuration))
    store = Store()
    for resource in configuration.resources.values():
        if resource.type != "collection" or resource.source is None:
            continue
        try:
            origin = origin_of_resource(resource, scope="check")
            dataset = store.dataset(origin.source)
        except ConfigurationError as error:
            lines.append(str(error))
            continue
        except SourceUnavailable as error:
            lines.append(f"{resource.file}: resources.{resource.id}.source: {error.detail}")
            continue
        extra, missing = derived_fields(resource, [named.cube for named in dataset.cubes])
        lines += missing
        names = {name for named in dataset.cubes for name in named.cube.variables} | extra
        for name in resource.variables:
            if name not in names:
                known = ", ".join(sorted(names)[:12])
                lines.append(
                    f"{resource.file}: resources.{resource.id}.variables.{name}: not in the data ({known})"
                )
        lines += [
            f"warning: {resource.file}: resources.{resource.id}.source: {item.name}: {item.reason}"
            for item in dataset.refusals
        ]
    return lines
