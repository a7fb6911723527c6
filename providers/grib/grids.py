"""The grid of a GRIB message (first version)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import eccodes

from ..cf.coordinates import NoGrid
from ..grids import Grid, HealpixGrid, PointGrid, RectilinearGrid


@dataclass(frozen=True)
class GribGrid:
    grid: Grid
    crs: str | None
    array: Callable[[Any], Any]
    positions: Callable[[Any], Any]


def grid_of(h: int, c: Any = None) -> GribGrid:
    g = eccodes.codes_get(h, "gridType")
    gr: Grid
    if g in ("regular_ll", "regular_gg"):
        la = eccodes.codes_get_array(h, "distinctLatitudes")
        lo = eccodes.codes_get_array(h, "distinctLongitudes")
        if not eccodes.codes_get(h, "jScansPositively", int) and la[0] < la[-1]:
            la = la[::-1]
        gr = RectilinearGrid(la, lo)
    elif g == "sh":
        raise NoGrid("spectral coefficients")
    elif g == "healpix":
        gr = HealpixGrid(
            eccodes.codes_get(h, "Nside", int),
            nested=eccodes.codes_get(h, "orderingConvention") == "nested",
        )
    elif c is not None:
        gr = PointGrid(*c)
    else:
        gr = PointGrid(
            eccodes.codes_get_array(h, "longitudes"), eccodes.codes_get_array(h, "latitudes")
        )
    shape = gr.shape
    return GribGrid(gr, None, lambda v: v.reshape(shape), lambda i: i)
