"""``EdrProvider``: OGC API EDR position and cube queries in a stock pygeoapi."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import shapely
from pygeoapi.provider.base_edr import BaseEDRProvider

from config.errors import InvalidParameter, NoData
from providers.cube import Cube, Query
from providers.formats import coveragejson
from providers.queries import plan_at

from .describe import parameters as edr_parameters
from .request import query_of
from .shared import CubeProvider, pygeoapi_errors


class EdrProvider(CubeProvider, BaseEDRProvider):
    """pygeoapi finds the query types in the ``__dict__`` of this very class, so they cannot be mixed in."""

    def position(self, **kwargs: Any) -> dict[str, Any]:
        """The cell that holds each point (clause 8.2.1); several points make a CoverageCollection."""
        cube = self.data_cube
        with pygeoapi_errors():
            query = _query(cube, kwargs)
            found = [plan_at(cube, query, point) for point in _points(kwargs["wkt"])]
            plans = [self.within_limits(plan) for plan in found if plan is not None]
            if not plans:
                raise NoData("coords: no cell holds the point", parameter="coords")
            coverages = [cube.read(plan) for plan in plans]
            if len(coverages) == 1:
                return _document(coveragejson.write(coverages[0]))
            return _document(coveragejson.write_collection(coverages))

    def cube(self, **kwargs: Any) -> dict[str, Any]:
        """Everything inside a box (clause 8.2.6)."""
        cube = self.data_cube
        with pygeoapi_errors():
            plan = self.within_limits(cube.plan(_query(cube, kwargs, bbox=kwargs["bbox"])))
            return _document(coveragejson.write(cube.read(plan)))

    def get_parameters(
        self, parameters: Iterable[str] = (), as_list: bool = False
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Parameters with units as they are: pygeoapi's own calls every unit a UCUM one."""
        wanted = set(parameters)
        names = [name for name in self.data_cube.variables if not wanted or name in wanted]
        found = edr_parameters(self.data_cube, names)
        return found if as_list else dict(zip(names, found, strict=True))


def _query(cube: Cube, kwargs: dict[str, Any], **more: Any) -> Query:
    if kwargs.get("crs_transform_spec") is not None:
        raise InvalidParameter("crs: answers are in CRS84", parameter="crs", allowed=["CRS84"])
    names = kwargs.get("select_properties") or ()
    time, z = kwargs.get("datetime_"), kwargs.get("z")
    return query_of(cube, names, "parameter-name", datetime_=time, z=z, **more)


def _points(geometry: Any) -> list[tuple[float, float, float | None]]:
    if geometry.is_empty or geometry.geom_type not in ("Point", "MultiPoint"):
        raise InvalidParameter(
            "coords: a position is a POINT or a MULTIPOINT",
            parameter="coords",
            allowed=["POINT(lon lat)", "MULTIPOINT(lon lat, …)"],
        )
    found = []
    for point in shapely.get_parts(geometry):
        if not (abs(point.y) <= 90 and abs(point.x) <= 540):
            raise InvalidParameter(
                "coords: latitudes are -90 to 90, longitudes -180 to 180", parameter="coords"
            )
        found.append((point.x, point.y, point.z if point.has_z else None))
    return found


def _document(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(body)
    return document
