"""What coverage and EDR views share: answers prepared from metadata, estimated, and only then read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from config.errors import InvalidParameter, TooLarge
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import Representation
from ogcapi.parse import Box, subsets
from ogcapi.views.base import View
from providers.crs import CRS84, northing_first
from providers.cube import Coverage, Cube, Query
from providers.formats import FORMATS, Format
from providers.grids import ProjectedGrid
from providers.grids.base import Window
from providers.queries import build_query
from providers.ranges import Subset
from providers.raster import fills_area, is_raster, raster_of


@dataclass(frozen=True)
class DataQuery:
    """Answers that are not read yet, with the collection and cube they are of: pinned for the whole request."""

    collection: Collection
    cube: Cube
    coverages: tuple[Coverage, ...]
    token: str
    """The request in a canonical form, for the version tag."""
    read: int | None = None
    """How many stored values have to be read, where it is not the number of values of the answer."""
    raster: Callable[[], Coverage] | None = None
    """The answer on even cells, for formats that hold nothing else, where its own cells are not."""


def data_representations(formats: Sequence[Format] = FORMATS) -> Sequence[Representation]:
    """Formats as representations."""
    return tuple(
        Representation(item.name, item.media_type, item.accepts, item.title) for item in formats
    )


class DataView(View):
    """A view that answers with coverages."""

    formats: ClassVar[Sequence[Format]] = FORMATS
    representations: ClassVar = data_representations()

    def version(self, context: Context, query: DataQuery) -> str | None:
        return f"{query.cube.version}|{query.token}"

    def modified(self, context: Context, query: DataQuery) -> float | None:
        return query.collection.modified

    def estimate(
        self, context: Context, query: DataQuery, representation: Representation
    ) -> Estimate:
        written = self._format(representation)
        coverages = _suited(query, written)
        values = sum(coverage.count for coverage in coverages)
        nbytes = sum(coverage.nbytes for coverage in coverages)
        each = written.bytes_per_value
        return Estimate(
            values=values,
            nbytes=nbytes,
            read=max(values, query.read or 0),
            body=nbytes if each is None else int(values * each),
        )

    def answer(self, context: Context, query: DataQuery, representation: Representation) -> Answer:
        written = self._format(representation)
        coverages = _suited(query, written)
        for coverage in coverages:
            reason = written.refuses(coverage)
            if reason is not None:
                raise InvalidParameter(
                    f"f: {written.title} cannot hold this answer: {reason}",
                    parameter="f",
                    allowed=[item.name for item in self.formats if item is not written],
                )
        estimate = self.estimate(context, query, representation)
        is_large = estimate.largest > context.services.settings.limits.bytes_buffered
        headers = _headers(query, coverages[0], written)
        if len(coverages) > 1:
            if written.write_many is None:
                raise InvalidParameter(
                    f"f: {written.title} holds one coverage, the answer is {len(coverages)}",
                    parameter="f",
                    allowed=[item.name for item in self.formats if item.write_many is not None],
                )
            if is_large:
                raise TooLarge("several coverages at once hold too many values", allowed=["one"])
            body = written.write_many([coverage.load() for coverage in coverages])
            return Answer(body=body, media_type=written.media_type, headers=headers)
        coverage = coverages[0]
        if not is_large:
            body = written.write(coverage.load())
            return Answer(body=body, media_type=written.media_type, headers=headers)
        if written.stream is None:
            raise TooLarge(
                f"f: {written.title} is written in memory; this answer takes about {estimate.largest:,} bytes",
                parameter="f",
                allowed=[item.name for item in self.formats if item.stream is not None],
            )
        stream = written.stream(coverage, context.services.spool)
        return Answer(stream=stream, media_type=written.media_type, headers=headers)

    def _format(self, representation: Representation) -> Format:
        return next(item for item in self.formats if item.name == representation.name)


def _suited(query: DataQuery, written: Format) -> list[Coverage]:
    """The answers on cells that a format holds."""
    if not written.needs_raster:
        return list(query.coverages)
    if query.raster is not None and fills_area(query.coverages[0]):
        return [query.raster()] if not is_raster(query.coverages[0]) else list(query.coverages)
    return [raster_of(coverage) for coverage in query.coverages]


def _headers(query: DataQuery, coverage: Coverage, written: Format) -> dict[str, str]:
    """What the header should say of an answer."""
    uri, box = _place(coverage)
    headers = {
        "Content-Crs": f"<{uri}>",
        "Content-Disposition": f'inline; filename="{query.collection.id}{written.suffix}"',
    }
    if box is not None:
        headers["Content-Bbox"] = ",".join(f"{value:.9g}" for value in box)
    if coverage.run is not None:
        headers["OGC-Reference-Time"] = coverage.run
    if coverage.resampling is not None:
        headers["OGC-Resampling"] = coverage.resampling
    return headers


def _place(coverage: Coverage) -> tuple[str, tuple[float, ...] | None]:
    """The CRS that the cells lie along, and the box of them in it."""
    selection = coverage.selection
    if isinstance(selection, Window):
        grid = selection.grid
        if isinstance(grid, ProjectedGrid) and grid.is_upright and grid.uri is not None:
            x0, y0, x1, y1 = bounds = grid.bounds(selection.rows, selection.columns)
            return grid.uri, (y0, x0, y1, x1) if northing_first(grid.crs) else bounds
        return CRS84, None
    if not selection.size:
        return CRS84, None
    x, y = selection.x, selection.y
    return CRS84, (float(x.min()), float(y.min()), float(x.max()), float(y.max()))


def cube_query(
    cube: Cube,
    params: Params,
    found: Box | None,
    *names: str,
    z: str | None = None,
    items: Iterable[Subset] | None = None,
) -> Query:
    """The query of ``bbox``, ``datetime``, ``subset``, ``z`` and a list of fields (by any spelling in ``names``).

    ``items`` stand for ``subset`` where some of it was read already.
    """
    name, listed = params.either(*names)
    return build_query(
        cube,
        names=[] if listed is None else [part.strip() for part in listed.split(",")],
        names_parameter=name,
        bbox=found.degrees if found else None,
        heights=found.vertical if found else None,
        subsets=subsets(params.many("subset")) if items is None else items,
        datetime=params.one("datetime"),
        z=z,
    )
