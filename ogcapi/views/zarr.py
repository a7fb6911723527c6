"""``/collections/{collectionId}/zarr/…``: the collection as a group of Zarr 3 and Zarr 2, read chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from werkzeug.datastructures import MIMEAccept

from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import Representation, choose
from ogcapi.views.base import View, cube_of
from providers.cube import Cube
from providers.virtual_zarr import Chunk, Key, Tree, tree_of

MEDIA_TYPE = "application/vnd+zarr"
_ROOT = "zarr.json"
_GROUP = Representation("zarr", MEDIA_TYPE, title="Zarr group")
_METADATA = Representation("json", "application/json", title="Zarr metadata")
_CHUNK = Representation("zarr", "application/octet-stream", title="Zarr chunk")
_ANY = MIMEAccept()


@dataclass(frozen=True)
class ZarrQuery:
    """What stands under a key of a collection: pinned for the whole request."""

    collection: Collection
    cube: Cube
    found: Key


class ZarrView(View):
    """One key of the group."""

    representations: ClassVar[Sequence[Representation]] = (_METADATA, _CHUNK)

    def representation(
        self, path: dict[str, str], f: str | None, accept: MIMEAccept
    ) -> Representation:
        """The key decides, not what a client accepts: stores know one value of each key."""
        name = path.get("key", _ROOT).rpartition("/")[2]
        return choose((_METADATA if name == _ROOT or name[:1] == "." else _CHUNK,), f, _ANY)

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> ZarrQuery:
        collection, cube = cube_of(context, path)
        found = _tree(context, collection, cube).find(path.get("key", _ROOT))
        return ZarrQuery(collection, cube, found)

    def version(self, context: Context, query: ZarrQuery) -> str | None:
        return f"{query.cube.version}|{context.services.settings.limits.cells}"

    def modified(self, context: Context, query: ZarrQuery) -> float | None:
        return query.collection.modified

    def estimate(
        self, context: Context, query: ZarrQuery, representation: Representation
    ) -> Estimate | None:
        if not isinstance(query.found, Chunk):
            return None
        array = query.found.array
        return Estimate(values=array.cells, nbytes=array.cells * array.dtype.itemsize)

    def answer(self, context: Context, query: ZarrQuery, representation: Representation) -> Answer:
        if isinstance(query.found, Chunk):
            return Answer(body=query.found.read())
        return Answer(document=query.found.document)


class ZarrGroup(ZarrView):
    """The address that clients open: the metadata of the group."""

    representations: ClassVar[Sequence[Representation]] = (_GROUP,)

    def representation(
        self, path: dict[str, str], f: str | None, accept: MIMEAccept
    ) -> Representation:
        return choose(self.representations, f, _ANY)


def _tree(context: Context, collection: Collection, cube: Cube) -> Tree:
    """The tree of a collection, kept as long as the catalogue that knows it."""
    memo, key = context.catalogue.memo, ("zarr", collection.id)
    tree: Tree | None = memo.get(key)
    if tree is None:
        tree = memo[key] = tree_of(cube, context.services.settings.limits.cells)
    return tree
