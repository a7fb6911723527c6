"""Runs of a forecast as EDR instances (19-086, clause 8.1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from config.errors import NotFound
from ogcapi.answer import Answer
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.instances import of_run, run_ids, runs_of
from ogcapi.negotiation import Representation
from ogcapi.views.base import View, cube_of
from ogcapi.views.collections import document_of
from ogcapi.views.describe import document_links
from ogcapi.views.describe_edr import data_queries
from providers.axes import Axis
from providers.cf.calendar import iso_times
from providers.cube import Cube, Query

_OF_THE_COLLECTION = ("license", "attribution", "crs", "output_formats", "parameter_names")


@dataclass(frozen=True)
class Runs:
    """Runs of one collection, all or one."""

    collection: Collection
    cube: Cube
    ids: tuple[str, ...]


class Instances(View):
    """``/instances``: the runs, newest first."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Runs:
        collection, cube = cube_of(context, path)
        axis = runs_of(cube)
        if axis is None:
            raise NotFound(f"collection {collection.id} has no runs", parameter="collectionId")
        newest = np.argsort(np.asarray(axis.values))[::-1]
        ids = run_ids(axis)
        return Runs(collection, cube, tuple(ids[at] for at in newest))

    def answer(self, context: Context, query: Runs, representation: Representation) -> Answer:
        url = f"{context.base_url}/collections/{query.collection.id}/instances"
        document = {
            "title": f"Runs of {query.collection.id}",
            "links": document_links(url),
            "instances": [_document(context, query, name) for name in query.ids],
        }
        return Answer(document=document, template="document.html")


class Instance(View):
    """``/instances/{instanceId}``: one run, described like a collection."""

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Runs:
        collection, cube = cube_of(context, path)
        of_run(cube, Query(), path["instanceId"])
        return Runs(collection, cube, (path["instanceId"],))

    def answer(self, context: Context, query: Runs, representation: Representation) -> Answer:
        return Answer(document=_document(context, query, query.ids[0]), template="document.html")


def _document(context: Context, runs: Runs, name: str) -> dict[str, Any]:
    url = f"{context.base_url}/collections/{runs.collection.id}/instances/{name}"
    whole = document_of(context, runs.collection)
    extent = dict(whole["extent"])
    axis = runs_of(runs.cube)
    assert axis is not None
    extent.pop(axis.name, None)
    custom = [item for item in extent.pop("custom", ()) if item["id"] != axis.name]
    if custom:
        extent["custom"] = custom
    extent["temporal"] = {**extent.get("temporal", {}), **_times(runs.cube, axis, name)}
    extent["temporal"].pop("grid", None)
    return {
        "id": name,
        "title": f"Run of {axis.labels()[run_ids(axis).index(name)]}",
        "links": document_links(url),
        "extent": extent,
        "data_queries": data_queries(url, runs.cube),
        **{key: whole[key] for key in _OF_THE_COLLECTION if key in whole},
    }


def _times(cube: Cube, axis: Axis, name: str) -> dict[str, Any]:
    """The first and last valid time of a run."""
    plan = cube.plan(of_run(cube, Query(), name))
    times = next((item for item in plan.axes.values() if item.kind == "time"), None)
    if times is None or not times.size:
        return {}
    ends = np.array([times.values.min(), times.values.max()])
    labels = iso_times(ends, axis.calendar or "standard")
    return {"interval": [labels], "values": [f"{labels[0]}/{labels[1]}"]}
