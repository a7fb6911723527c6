"""OGC API Maps Part 1 (20-058): ``/map`` as PNG."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from config.errors import InvalidParameter
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import Representation
from ogcapi.parse import Box, boolean, box, colour, integer
from ogcapi.views.base import View, cube_of
from ogcapi.views.data import cube_query
from providers.crs import CRS84, Crs, from_crs84, ordered, parse_crs
from providers.cube import Cube, Plan, Variable
from providers.grids import Bbox
from providers.queries import default_field, map_plan
from providers.render import Pixels

PNG = Representation("png", "image/png", title="PNG")
_DEFAULT_WIDTH = 1024
_MOST_SIDE = 16_384


@dataclass(frozen=True)
class MapQuery:
    """One field at one position of every axis, on a raster of pixels."""

    collection: Collection
    cube: Cube
    variable: Variable
    plan: Plan
    pixels: Pixels
    background: tuple[int, int, int] | None
    token: str


class MapView(View):
    """A picture of one field: the time nearest to now, the first of every other axis by default."""

    representations: ClassVar = (PNG,)

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> MapQuery:
        collection, cube = cube_of(context, path)
        found = box(params.one("bbox"), params.one("bbox-crs"))
        query = cube_query(cube, params, None, "properties")
        names = query.variables or (default_field(cube),)
        if len(names) > 1:
            raise InvalidParameter(
                "properties: a map shows one field", parameter="properties", allowed=cube.variables
            )
        plan = map_plan(cube, replace(query, variables=names))
        crs = parse_crs(params.one("crs") or CRS84, "crs")
        pixels = self._pixels(cube, params, found, query.bbox, crs)
        background = None
        if not boolean(params.one("transparent"), "transparent", default=True):
            background = colour(params.one("bgcolor"), "bgcolor") or (255, 255, 255)
        elif params.one("bgcolor") is not None:
            colour(params.one("bgcolor"), "bgcolor")
        token = params.canonical(without=("f",))
        return MapQuery(collection, cube, cube.variables[names[0]], plan, pixels, background, token)

    def _pixels(
        self, cube: Cube, params: Params, found: Box | None, subset: Bbox | None, crs: Crs
    ) -> Pixels:
        if found is not None and found.crs.uri == crs.uri and not crs.is_geographic:
            bounds = ordered(found.corners, crs)
        else:
            area = found.degrees if found is not None else subset or cube.grid.extent
            bounds = from_crs84(area, crs)
        bounds = _widened(bounds, crs)
        width = integer(params.one("width"), "width", low=1, high=_MOST_SIDE)
        height = integer(params.one("height"), "height", low=1, high=_MOST_SIDE)
        ratio = (bounds[3] - bounds[1]) / (bounds[2] - bounds[0])
        if width is None and height is None:
            width = _DEFAULT_WIDTH if ratio <= 1 else max(1, round(_DEFAULT_WIDTH / ratio))
        if width is None:
            assert height is not None
            width = max(1, min(_MOST_SIDE, round(height / ratio)))
        if height is None:
            height = max(1, min(_MOST_SIDE, round(width * ratio)))
        return Pixels(crs, bounds, width, height)

    def version(self, context: Context, query: MapQuery) -> str | None:
        shown = [axis.labels() for axis in query.plan.axes.values()]
        return f"{query.cube.version}|{query.token}|{shown}"

    def modified(self, context: Context, query: MapQuery) -> float | None:
        return query.collection.modified

    def estimate(
        self, context: Context, query: MapQuery, representation: Representation
    ) -> Estimate | None:
        pixels = query.pixels.width * query.pixels.height * query.cube.grid.cost
        return Estimate(values=pixels, nbytes=pixels, pixels=pixels)

    def answer(self, context: Context, query: MapQuery, representation: Representation) -> Answer:
        image = context.services.renderer.png(
            query.cube,
            query.variable,
            query.plan.positions,
            query.pixels,
            background=query.background,
        )
        bounds = ordered(query.pixels.bounds, query.pixels.crs)
        headers = {
            "Content-Crs": f"<{query.pixels.crs.uri}>",
            "Content-Bbox": ",".join(f"{value:.9g}" for value in bounds),
        }
        times = [axis for axis in query.plan.axes.values() if axis.name == "time"]
        if times:
            headers["Content-Datetime"] = headers["OGC-Datetime"] = times[0].labels()[0]
        if query.plan.run is not None:
            headers["OGC-Reference-Time"] = query.plan.run
        return Answer(body=image, media_type=PNG.media_type, headers=headers)


def _widened(
    bounds: tuple[float, float, float, float], crs: Crs
) -> tuple[float, float, float, float]:
    """A box with some width and height: a single point or line is shown with its surroundings."""
    x0, y0, x1, y1 = bounds
    least = 0.5 if crs.is_geographic else 50_000.0
    if x1 - x0 <= 0:
        x0, x1 = x0 - least, x1 + least
    if y1 - y0 <= 0:
        y0, y1 = y0 - least, y1 + least
    return x0, y0, x1, y1
