"""Longitudes and latitudes of cells that stand in another file than the data: the grid files of ICON and its kin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.errors import SourceUnavailable

from ..cf.coordinates import NoGrid, degrees, is_latitude, is_longitude
from ..grids.base import Floats
from ..readers.base import RawGroup, RawVariable, stat_fingerprint

LATITUDES = ("clat", "tlat", "lat", "latitude", "rlat")
LONGITUDES = ("clon", "tlon", "lon", "longitude", "rlon")
"""Short names of messages, and names of variables, that are the coordinates of cell centres, best first."""

Coordinates = tuple[Floats, Floats]


def cell_coordinates(hints: Mapping[str, Any]) -> Coordinates | None:
    """Longitudes and latitudes in degrees from the NetCDF or Zarr file that the configuration names.

    Raises SourceUnavailable when it cannot be read, or holds no coordinates.
    """
    location = hints.get("coordinates")
    if location is None:
        return None
    mark = "" if "://" in location else stat_fingerprint(Path(location))
    return _read(str(location), mark)


@lru_cache(maxsize=8)
def _read(location: str, mark: str) -> Coordinates:
    from ..readers.registry import reader_for  # the readers import this package

    file = reader_for(location).open(location)
    try:
        for group in file.groups:
            found = _pair(group)
            if found is not None:
                return found
    except NoGrid as error:
        raise SourceUnavailable(f"{Path(location).name}: {error}") from error
    finally:
        file.close()
    raise SourceUnavailable(f"{Path(location).name}: holds no longitudes and latitudes of cells")


def _pair(group: RawGroup) -> Coordinates | None:
    variables = group.variables.values()
    lat = _first((item for item in variables if is_latitude(item)), LATITUDES)
    lon = _first((item for item in variables if is_longitude(item)), LONGITUDES)
    if lat is None or lon is None or lat.shape != lon.shape:
        return None
    return degrees(lon).ravel(), degrees(lat).ravel()


def _first(candidates: Iterable[RawVariable], names: tuple[str, ...]) -> RawVariable | None:
    """The variable with the best name: grid files hold corners and edges beside the centres."""
    found = sorted(
        candidates,
        key=lambda item: names.index(item.name.lower()) if item.name.lower() in names else 99,
    )
    return found[0] if found else None
