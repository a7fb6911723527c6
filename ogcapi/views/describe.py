"""The collection document: what OGC API Common Part 2, Coverages, Maps and EDR want to know of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from config.resources import Resource
from ogcapi.catalogue import Collection
from ogcapi.context import Context
from ogcapi.views.describe_edr import QUERIES, data_queries, edr_parameter
from ogcapi.views.zarr import MEDIA_TYPE as ZARR
from providers.axes import Axis, AxisKind, regular_step
from providers.cf.calendar import iso_times
from providers.crs import CRS84
from providers.cube import Cube
from providers.formats import EDR_FORMATS, FORMATS
from providers.grids import RectilinearGrid

_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_MOST_VALUES = 100
"""Irregular axes longer than this are published by their ends and length only."""


def collection_document(context: Context, collection: Collection) -> dict[str, Any]:
    """The document of one collection; a broken one says why and keeps what the configuration tells."""
    url = f"{context.base_url}/collections/{collection.id}"
    resource = collection.resource
    document: dict[str, Any] = {"id": collection.id, "title": _title(collection, context.lang)}
    description = _description(collection, context.lang)
    if description:
        document["description"] = description
    if resource is not None and resource.keywords:
        document["keywords"] = _localised(resource.keywords, context.lang)
    document.update(_credits(collection))
    links = document_links(url) + _credit_links(document) + list(resource.links if resource else [])
    if collection.error is not None:
        document["x-ogcapi:status"] = collection.error
    if collection.data is not None:
        document.update(_data_part(url, collection.data))
        links += _data_links(url)
    document["links"] = links
    return document


def _localised(value: Any, lang: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(lang) or value.get("en") or next(iter(value.values()), None)
    return value


def _attributes(collection: Collection) -> Mapping[str, Any]:
    return collection.data.attributes if collection.data is not None else {}


def _title(collection: Collection, lang: str) -> str:
    resource = collection.resource
    if resource is not None and resource.title:
        return str(_localised(resource.title, lang))
    title = _attributes(collection).get("title")
    return str(title).strip() if title and str(title).strip() else collection.id


def _description(collection: Collection, lang: str) -> str | None:
    resource = collection.resource
    if resource is not None and resource.description:
        return str(_localised(resource.description, lang))
    attributes = _attributes(collection)
    text = next(
        (
            attributes[name]
            for name in ("summary", "description", "comment")
            if attributes.get(name)
        ),
        None,
    )
    return None if text is None else str(text)


def _credits(collection: Collection) -> dict[str, Any]:
    """Licence, attribution, citation, DOI and version: the configuration's, else the data's own."""
    resource, attributes = collection.resource, _attributes(collection)
    found: dict[str, Any] = {}
    for name, keys in (
        ("license", ("license", "licence")),
        ("attribution", ("attribution", "credit", "institution")),
        ("citation", ("citation",)),
        ("doi", ("doi", "id_doi")),
        ("version", ("product_version", "version")),
    ):
        stated = getattr(resource, name, None) if isinstance(resource, Resource) else None
        value = (
            stated
            if stated is not None
            else next((attributes[k] for k in keys if attributes.get(k)), None)
        )
        if value is not None:
            found[name] = value if isinstance(value, dict) else str(value)
    return found


def _credit_links(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    links = []
    licence = document.get("license")
    href = licence.get("url") if isinstance(licence, Mapping) else licence
    if isinstance(href, str) and href.startswith(("http://", "https://")):
        links.append({"rel": "license", "href": href, "title": "Licence"})
    if document.get("doi"):
        links.append(
            {"rel": "cite-as", "href": f"https://doi.org/{document['doi']}", "title": "Cite as"}
        )
    return links


def document_links(url: str) -> list[dict[str, Any]]:
    """A document as JSON and as a page."""
    return [
        {
            "rel": "self",
            "type": "application/json",
            "title": "This document",
            "href": f"{url}?f=json",
        },
        {
            "rel": "alternate",
            "type": "text/html",
            "title": "This document as a page",
            "href": f"{url}?f=html",
        },
    ]


def _data_links(url: str) -> list[dict[str, Any]]:
    links = [
        {
            "rel": f"{_REL}schema",
            "type": "application/schema+json",
            "title": "Schema",
            "href": f"{url}/schema?f=json",
        },
        {
            "rel": f"{_REL}queryables",
            "type": "application/schema+json",
            "title": "Queryables",
            "href": f"{url}/queryables?f=json",
        },
    ]
    links += [
        {
            "rel": f"{_REL}coverage",
            "type": item.media_type,
            "title": f"Coverage as {item.title}",
            "href": f"{url}/coverage?f={item.name}",
        }
        for item in FORMATS
    ]
    links += [
        {
            "rel": f"{_REL}coverage-{name}",
            "type": "application/json",
            "title": title,
            "href": f"{url}/coverage/{name}",
        }
        for name, title in (
            ("domainset", "Extent and resolution"),
            ("rangetype", "Fields as bands"),
        )
    ]
    links.append(
        {
            "rel": f"{_REL}map",
            "type": "image/png",
            "title": "Map as PNG",
            "href": f"{url}/map?f=png",
        }
    )
    links.append(
        {
            "rel": "enclosure",
            "type": ZARR,
            "title": "Zarr group (xarray.open_zarr)",
            "href": f"{url}/zarr",
        }
    )
    links += [
        {
            "rel": "data",
            "type": FORMATS[0].media_type,
            "title": f"EDR {name}",
            "href": f"{url}/{name}",
        }
        for name in QUERIES
    ]
    return links


def _data_part(url: str, cube: Cube) -> dict[str, Any]:
    return {
        "extent": extent(cube),
        "crs": [CRS84],
        "storageCrs": CRS84,
        "dataType": "coverage",
        "output_formats": [item.title for item in EDR_FORMATS],
        "data_queries": data_queries(url, cube),
        "parameter_names": {
            name: edr_parameter(variable) for name, variable in cube.variables.items()
        },
        "x-ogcapi:grid": cube.grid.describe(),
        "x-ogcapi:axes": [axis_document(axis) for axis in cube.axes.values()],
    }


def extent(cube: Cube) -> dict[str, Any]:
    """Spatial, temporal, vertical and further extents, from the data (Common Part 2, uniform multidimensional)."""
    box = cube.grid.extent
    found: dict[str, Any] = {
        "spatial": {
            "bbox": [[round(float(value), 6) for value in box]],
            "crs": CRS84,
            "grid": _spatial_grid(cube),
        },
    }
    levels = sum(axis.kind is AxisKind.Z for axis in cube.axes.values())
    times = cube.valid_times
    if times is not None:
        found["temporal"] = _temporal(*times)
    for axis in cube.axes.values():
        if axis.kind is AxisKind.TIME or (axis.kind is AxisKind.STEP and cube.is_forecast):
            continue
        if axis.kind is AxisKind.Z:
            if axis is cube.axis(AxisKind.Z) and (axis.dim is not None or levels == 1):
                found["vertical"] = _vertical(axis)
        else:
            found[axis.name] = axis_extent(axis)
            found.setdefault("custom", []).append(_custom(axis, found[axis.name]))
    return found


def _custom(axis: Axis, told: Mapping[str, Any]) -> dict[str, Any]:
    """An axis as EDR 1.1 lists it (clause 8.1.3, custom dimensions)."""
    values = {"values": axis.labels()} if axis.size <= _MOST_VALUES else {}
    reference = axis.standard_name or axis.title or axis.name
    return {"id": axis.name, "interval": told["interval"], "reference": reference, **values}


def _spatial_grid(cube: Cube) -> list[dict[str, Any]]:
    if not isinstance(cube.grid, RectilinearGrid):
        return []
    shape = cube.grid.shape
    step_x, step_y = cube.grid.spacing
    return [
        {"cellsCount": shape[1], "resolution": round(step_x, 9)},
        {"cellsCount": shape[0], "resolution": round(step_y, 9)},
    ]


def _temporal(values: np.ndarray, calendar: str) -> dict[str, Any]:
    first, last = iso_times(values[[0, -1]], calendar)
    trs = (
        _GREGORIAN
        if calendar in ("standard", "proleptic_gregorian")
        else f"http://www.opengis.net/def/calendar/{calendar}"
    )
    found: dict[str, Any] = {"interval": [[first, last]], "trs": trs, "calendar": calendar}
    step = regular_step(values)
    grid: dict[str, Any] = {"cellsCount": len(values), "firstCoordinate": first}
    if step is not None:
        from providers.axes import iso_duration

        grid["resolution"] = iso_duration(int(step))
    elif len(values) <= _MOST_VALUES:
        grid["coordinates"] = iso_times(values, calendar)
    found["grid"] = grid
    return found


def _vertical(axis: Axis) -> dict[str, Any]:
    found = axis_extent(axis)
    found["interval"] = [[str(end) for end in ends] for ends in found["interval"]]
    labels = axis.labels()
    if len(labels) <= _MOST_VALUES:
        found["values"] = [str(label) for label in labels]
    facts = [
        f'"{axis.title or axis.standard_name or axis.name}"',
        f'"{axis.units}"' if axis.units else "",
        axis.positive or "",
    ]
    found["vrs"] = "VERTICAL " + " ".join(part for part in facts if part)
    return found


def axis_extent(axis: Axis) -> dict[str, Any]:
    """Interval and grid of an axis."""
    ends = axis.labels(np.array([int(np.argmin(_sortable(axis))), int(np.argmax(_sortable(axis)))]))
    found: dict[str, Any] = {"interval": [ends]}
    if axis.title or axis.standard_name:
        found["definition"] = axis.standard_name or axis.title
    if axis.units:
        found["unit"] = axis.units
    grid: dict[str, Any] = {"cellsCount": axis.size}
    if axis.size <= _MOST_VALUES:
        grid["coordinates"] = axis.labels()
    found["grid"] = grid
    return found


def _sortable(axis: Axis) -> np.ndarray:
    return np.arange(axis.size) if axis.is_text else axis.values


def axis_document(axis: Axis) -> dict[str, Any]:
    """An axis for people: name, unit, first, last, size."""
    first, last = axis.labels(np.array([0, axis.size - 1]))
    facts = {
        "name": axis.name,
        "title": axis.title,
        "kind": axis.kind.value,
        "unit": axis.units,
        "positive": axis.positive,
        "calendar": axis.calendar,
        "size": axis.size,
        "first": first,
        "last": last,
    }
    return {name: value for name, value in facts.items() if value is not None}
