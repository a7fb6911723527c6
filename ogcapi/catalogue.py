"""The catalogue: which collections there are now. An immutable snapshot, swapped when a source changes.

It is the only way to a collection, so what a subject may not see is simply not in theirs.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any

from config.database import Database
from config.errors import ConfigurationError, NotFound, SourceUnavailable
from config.resources import Resource
from config.resources import Variable as ConfiguredVariable
from ogcapi.ids import RESOURCE, Claim, CollectionIds
from providers.build import Refusal
from providers.cube import Cube, Variable, VariableKind
from providers.readers.registry import READERS
from providers.semantics.components import with_orientation
from providers.semantics.winds import derived
from providers.store import Dataset, NamedCube, Source, Store
from providers.styles import is_colormap

_SHARE, _LONGEST_PAUSE = 5.0, 3.0
"""With very many sources looking at them takes a fifth of the time at most, but happens every three seconds."""

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """One source that collections come from: zero-configuration paths, or a resource of the configuration."""

    source: Source
    name: str
    """The id wanted for a single cube."""
    parents: tuple[str, ...] = ()
    """Names of the folders above, nearest first: they make equal names distinct."""
    resource: Resource | None = None
    scope: str = ""
    """Ids are unique within a scope: one configuration, or all paths ever given on the command line."""

    @property
    def identity(self) -> str:
        """Whose an id is, in the state database: the configured resource, or the paths."""
        if self.resource is not None:
            return f"{RESOURCE}{self.resource.id}"
        return "\n".join(self.source.paths)


@dataclass(frozen=True)
class Collection:
    """A collection as it is now. ``kind`` is ``data`` for ours and ``stock`` for those pygeoapi's handlers answer."""

    id: str
    kind: str
    resource: Resource | None = None
    version: str = ""
    data: Cube | None = None
    error: str | None = None
    modified: float | None = None
    """When the data changed, seconds since 1970."""

    def cube(self) -> Cube:
        """The data; raises SourceUnavailable with the reason."""
        if self.error is not None:
            raise SourceUnavailable(f"collection {self.id}: {self.error}", parameter=self.id)
        if self.data is None:
            raise NotFound(f"collection {self.id} has no such resource", parameter="collectionId")
        return self.data


@dataclass(frozen=True)
class Catalogue:
    """All collections of one moment, in a stable order."""

    collections: Mapping[str, Collection]
    generation: int = 0
    refusals: Mapping[str, tuple[Refusal, ...]] | None = None
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was derived from this snapshot (documents of collections); it ends with it."""

    @cached_property
    def version(self) -> str:
        """Digest of everything the catalogue says."""
        parts = "|".join(
            f"{item.id}={item.version}={item.error}" for item in self.collections.values()
        )
        return hashlib.sha256(parts.encode()).hexdigest()[:20]

    def get(self, collection_id: str) -> Collection:
        """A collection by id; raises NotFound."""
        found = self.collections.get(collection_id)
        if found is None:
            raise NotFound(f"no collection {collection_id[:80]!r}", parameter="collectionId")
        return found

    def filtered(self, sees: Callable[[str], bool]) -> Catalogue:
        """Only what a subject may see; the same object when that is everything."""
        kept = {name: item for name, item in self.collections.items() if sees(name)}
        return self if len(kept) == len(self.collections) else replace(self, collections=kept)

    @property
    def broken(self) -> dict[str, str]:
        """Collections that cannot be served now, with the reason."""
        return {item.id: item.error for item in self.collections.values() if item.error is not None}


class CatalogueKeeper:
    """Builds the catalogue and keeps it current: sources are looked at again once an interval."""

    def __init__(
        self,
        store: Store,
        database: Database,
        origins: Sequence[Origin],
        stock: Iterable[tuple[str, Resource | None]] = (),
        *,
        interval: float = 1.0,
    ) -> None:
        self._store = store
        self._origins = tuple(origins)
        self._ids = CollectionIds(database, [origin.identity for origin in self._origins])
        self._stock = tuple(stock)
        self._interval = self._pause = interval
        self._lock = threading.Lock()
        self._current: Catalogue | None = None
        self._checked = 0.0
        self._seen: dict[str, tuple[Any, ...]] = {}

    def current(self) -> Catalogue:
        """The newest catalogue. One thread refreshes it; the others go on with the one there is."""
        now = time.monotonic()
        current = self._current
        if current is not None and now - self._checked < self._pause:
            return current
        if current is not None and not self._lock.acquire(blocking=False):
            return current
        if current is None:
            self._lock.acquire()
        try:
            if self._current is None or time.monotonic() - self._checked >= self._pause:
                started = time.monotonic()
                self._refresh()
                self._checked = time.monotonic()
                effort = min(_SHARE * (self._checked - started), _LONGEST_PAUSE)
                self._pause = max(self._interval, effort)
            assert self._current is not None
            return self._current
        finally:
            self._lock.release()

    def _refresh(self) -> None:
        states: list[tuple[Origin, Dataset | None, str | None]] = []
        for origin in self._origins:
            try:
                states.append((origin, self._store.dataset(origin.source), None))
            except SourceUnavailable as error:
                states.append((origin, None, error.detail))
        seen = {
            str(position): (dataset.version if dataset else None, error)
            for position, (_, dataset, error) in enumerate(states)
        }
        if self._current is not None and seen == self._seen:
            return
        generation = (self._current.generation if self._current else 0) + 1
        self._current = Catalogue(self._collections(states), generation, _refusals(states))
        self._seen = seen
        for name, reason in self._current.broken.items():
            LOG.warning("collection %s is not available: %s", name, reason)

    def _collections(
        self, states: Sequence[tuple[Origin, Dataset | None, str | None]]
    ) -> dict[str, Collection]:
        found: dict[str, Collection] = {}
        for name, resource in self._stock:
            found[name] = Collection(name, "stock", resource, version="stock")
        for origin, dataset, error in states:
            if dataset is None:
                for item in self._broken(origin, error or "", found):
                    found[item.id] = item
                continue
            claims = [
                Claim(f"{named.name}|{named.cube.key}", named.pieces, tuple(wanted))
                for named, wanted in _wishes(origin, dataset.cubes)
            ]
            ids = self._ids.assign(origin.scope, origin.identity, claims, found)
            for collection_id, named in zip(ids, dataset.cubes, strict=True):
                found[collection_id] = Collection(
                    collection_id,
                    "data",
                    origin.resource,
                    version=named.cube.version,
                    data=configured(named.cube, origin.resource),
                    modified=dataset.modified,
                )
        return found

    def _broken(
        self, origin: Origin, error: str, taken: Mapping[str, Collection]
    ) -> Iterable[Collection]:
        """Collections the source had before, or the one it would have; each says why it is not there."""
        names = self._ids.known(origin.scope, origin.identity) or [origin.name]
        for name in names:
            if name not in taken:
                yield Collection(name, "data", origin.resource, version=error, error=error)


def configured(cube: Cube, resource: Resource | None) -> Cube:
    """The cube with what the configuration says of its variables, licence and citation."""
    cube = with_orientation(cube)
    if resource is None:
        return cube
    variables = _configured_variables(cube.variables, resource)
    whole = replace(cube, variables=variables)
    extra = {variable.id: variable for variable in derived(whole, resource.derived)}
    variables = {**variables, **_configured_variables(extra, resource)}
    stated = {
        name: str(value)
        for name in ("license", "attribution", "citation", "doi", "version")
        if isinstance(value := getattr(resource, name), str)
    }
    said = hashlib.sha256(repr((resource.variables, resource.derived, stated)).encode())
    return replace(
        cube,
        variables={
            name: variable
            for name, variable in variables.items()
            if not (name in resource.variables and resource.variables[name].hidden)
        },
        attributes={**cube.attributes, **stated},
        version=f"{cube.version}+{said.hexdigest()[:12]}",
        coarser=tuple(configured(other, resource) for other in cube.coarser),
    )


def _configured_variables(
    variables: Mapping[str, Variable], resource: Resource
) -> dict[str, Variable]:
    said = resource.variables
    return {
        name: _configured_variable(variable, said[name]) if name in said else variable
        for name, variable in variables.items()
    }


_KINDS = {"component": VariableKind.INSTANT}


def _configured_variable(variable: Variable, said: ConfiguredVariable) -> Variable:
    kind = variable.kind
    if said.kind is not None:
        kind = _KINDS.get(said.kind) or VariableKind(said.kind)
    return replace(
        variable,
        title=_plain(said.title) or variable.title,
        units=said.units or variable.units,
        standard_name=said.standard_name or variable.standard_name,
        kind=kind,
        colormap=said.style,
        colour_range=said.range,
    )


def _plain(text: Any) -> str | None:
    """A text in English where it has several languages."""
    if isinstance(text, Mapping):
        return str(text.get("en") or next(iter(text.values()), "")) or None
    return None if text is None else str(text)


def _refusals(
    states: Sequence[tuple[Origin, Dataset | None, str | None]],
) -> dict[str, tuple[Refusal, ...]]:
    return {origin.name: dataset.refusals for origin, dataset, _ in states if dataset is not None}


def _wishes(
    origin: Origin, cubes: Sequence[NamedCube]
) -> Iterable[tuple[NamedCube, Iterable[str]]]:
    """The ids that each cube of a source would like. A folder that is one dataset has the folder's name."""
    several = len(cubes) > 1
    files = len({named.name for named in cubes}) > 1 and not origin.source.is_single
    for named in cubes:
        yield named, _candidates(origin, named, several=several, files=files)


def _candidates(origin: Origin, named: NamedCube, *, several: bool, files: bool) -> Iterable[str]:
    """Ids for a cube, best first: the file's (or resource's) name, a suffix that tells cubes apart, then parents."""
    base = origin.name
    stem = slug(named.name) if named.name and files else ""
    if origin.resource is None and stem:
        base = stem
    elif stem and stem != base:
        base = f"{base}-{stem}"
    suffix = slug(named.cube.key.replace("|", "-").replace("/", "-")) if several else ""
    name = f"{base}-{suffix}" if suffix and named.cube.key else base
    yield name
    if several and not named.name and named.pieces:
        first = PurePath(named.pieces[0].rpartition("|")[0]).stem
        yield f"{name}-{slug(first)}"
    prefix = name
    for parent in origin.parents:
        prefix = f"{parent}_{prefix}"
        yield prefix
    said = f"{origin.identity}{named.name}{named.cube.key}{named.pieces[:1]}"
    yield f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def slug(text: str) -> str:
    """A collection id from a name: lower case, ``[a-z0-9_-]``, everything else ``_``."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower()).strip("-") or "data"


_EXTENSIONS = {".json", ".yaml", ".yml", ".zip", ".gz"}.union(
    *(reader.suffixes for reader in READERS)
)
"""What is no part of a collection's id at the end of a file name; other dots are (``t2m.v1.nc``)."""


def origin_of_path(path: str, *, scope: str) -> Origin:
    """The zero-configuration origin of a path or URL."""
    pure = PurePath(path.rstrip("/"))
    stem = pure.name
    for suffix in reversed(pure.suffixes):
        if suffix.lower() not in _EXTENSIONS:
            break
        stem = stem[: -len(suffix)]
    stem = re.sub(r"[*?\[\]]+", "", stem) or pure.parent.name or "data"
    parents = tuple(slug(part) for part in reversed(pure.parts[:-1]) if part not in ("/", "\\"))
    return Origin(Source((path,)), slug(stem), parents, scope=scope)


def origin_of_resource(resource: Resource, *, scope: str) -> Origin:
    """The origin of a configured collection."""
    assert resource.source is not None
    if resource.access not in (None, "open"):
        raise ConfigurationError(
            "access is not enforced by this version, which serves everything to everyone; "
            "remove the collection, or state access: open",
            file=resource.file,
            key=f"resources.{resource.id}.access",
        )
    for name, variable in resource.variables.items():
        if variable.style is not None and not is_colormap(variable.style):
            raise ConfigurationError(
                f"no colour map {variable.style!r}; for example viridis, cmocean:thermal",
                file=resource.file,
                key=f"resources.{resource.id}.variables.{name}.style",
            )
    hints: dict[str, Any] = {}
    if resource.grid is not None:
        hints = {
            name: value for name, value in resource.grid.model_dump().items() if value is not None
        }
        if "radius_km" in hints:
            hints["radius"] = hints.pop("radius_km") / 111.195
    if resource.crs is not None:
        hints["crs"] = resource.crs
    source = Source(resource.source.paths, hints, resource.source.reader)
    return Origin(source, resource.id, (), resource, scope=scope)
