"""``MapProvider``: OGC API Maps in a stock pygeoapi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pygeoapi.provider.base import BaseProvider

from config.errors import InvalidParameter, TooLarge
from providers.crs import CRS84, Crs, checked_box, from_crs84, ordered, parse_crs
from providers.cube import Cube
from providers.grids import Bbox
from providers.queries import default_field, map_plan
from providers.render import Pixels

from .request import query_of
from .shared import CubeProvider, engine, pygeoapi_errors


class MapProvider(CubeProvider, BaseProvider):
    """PNG pictures of one field, chosen by ``properties`` or by the style of its name."""

    def query(
        self,
        style: str | None = None,
        bbox: Sequence[float] = (-180, -90, 180, 90),
        width: int = 500,
        height: int = 300,
        crs: str = CRS84,
        datetime_: str | None = None,
        transparent: Any = True,
        format_: str = "png",
        subsets: Mapping[str, Sequence[Any]] | None = None,
        select_properties: Sequence[str] = (),
        **more: Any,
    ) -> bytes:
        """The picture: of the time nearest to now unless asked for others, the first position of every other axis.

        ``bbox`` is what pygeoapi's handler passes: in ``crs`` with x first where the handler had to transform it,
        else as the client wrote it, in the axis order of ``crs``.
        """
        cube = self.data_cube
        with pygeoapi_errors():
            if format_ not in ("png", "html", self._format.get("name")):
                raise InvalidParameter(f"f: no format {format_[:40]!r}", parameter="f")
            pixels = _pixels(
                bbox, parse_crs(crs, "crs"), width, height, str(more.get("bbox-crs", crs))
            )
            names = _field(cube, style, select_properties)
            query = query_of(cube, names, "properties", datetime_=datetime_, subsets=subsets)
            return engine().renderer.png(
                cube,
                cube.variables[names[0]],
                map_plan(cube, query).positions,
                pixels,
                background=None if str(transparent).lower() == "true" else (255, 255, 255),
            )


def _field(cube: Cube, style: str | None, names: Sequence[str]) -> tuple[str]:
    if len(names) > 1:
        raise InvalidParameter("properties: a map shows one field", parameter="properties")
    if style not in (None, "default", *cube.variables):
        raise InvalidParameter(f"style: no style {style!r}", allowed=cube.variables)
    if names:
        return (names[0],)
    if style in cube.variables:
        return (str(style),)
    return (default_field(cube),)


def _pixels(bbox: Sequence[float], crs: Crs, width: int, height: int, bbox_crs: str) -> Pixels:
    limit = engine().limits.pixels
    if width < 1 or height < 1:
        raise InvalidParameter("width and height: whole numbers from 1", parameter="width")
    if width * height > limit:
        raise TooLarge(f"the map would have {width * height} pixels; the limit is {limit}")
    corners = (bbox[0], bbox[1], bbox[2], bbox[3])
    if parse_crs(bbox_crs, "bbox-crs").uri == crs.uri:
        corners = ordered(corners, crs)
    if crs.is_geographic:
        corners = from_crs84(checked_box(Bbox(*corners)), crs)
    if not np.isfinite(corners).all() or corners[0] >= corners[2] or corners[1] >= corners[3]:
        raise InvalidParameter("bbox: no area in the CRS of the map", parameter="bbox")
    return Pixels(crs, corners, width, height)
