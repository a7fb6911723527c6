"""``CoverageProvider``: OGC API Coverages in a stock pygeoapi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pygeoapi.provider.base import BaseProvider

from config.errors import InvalidParameter
from providers.formats import COVERAGEJSON, FORMATS, Format

from .request import query_of
from .shared import CubeProvider, pygeoapi_errors


class CoverageProvider(CubeProvider, BaseProvider):
    """The values of a cube: a box, times, positions on any axis, fields."""

    def query(
        self,
        properties: Sequence[str] = (),
        subsets: Mapping[str, Sequence[Any]] | None = None,
        bbox: Sequence[float] = (),
        bbox_crs: str | None = None,
        datetime_: str | None = None,
        format_: str = "json",
        **_: Any,
    ) -> dict[str, Any] | bytes:
        """A document of CoverageJSON, or the bytes of the format the definition names.

        All selections combine; a bbox does not need a datetime. Longitudes of the answer run eastward in the frame of
        the box, whatever the file's own order.
        """
        cube = self.data_cube
        with pygeoapi_errors():
            writer = self._writer(format_)
            query = query_of(
                cube,
                properties,
                "properties",
                bbox=bbox,
                bbox_crs=bbox_crs,
                datetime_=datetime_,
                subsets=subsets,
            )
            body = writer.write(cube.read(self.within_limits(cube.plan(query))))
        if format_ == self._format.get("name"):
            return body
        document: dict[str, Any] = orjson.loads(body)
        return document

    def _writer(self, name: str) -> Format:
        """The configured format by its name in pygeoapi, else CoverageJSON; raises InvalidParameter."""
        if name == self._format.get("name"):
            media_type = self._format.get("mimetype", "").split(";")[0]
            for item in FORMATS:
                if name.lower() == item.name or media_type in (item.media_type, *item.accepts):
                    return item
        if name == "json":
            return COVERAGEJSON
        raise InvalidParameter(f"f: no format {name[:40]!r}", parameter="f")
