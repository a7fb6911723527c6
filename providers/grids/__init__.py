"""Grid classes, one per way of placing cells; ``GRIDS`` names them for the configuration."""

from .base import EARTH_RADIUS, Bbox, Grid, Selection
from .healpix import HealpixGrid
from .projected import ProjectedGrid
from .rectilinear import RectilinearGrid
from .reduced import ReducedGaussianGrid
from .scattered import CurvilinearGrid, PointGrid

GRIDS: dict[str, type[Grid]] = {
    grid.kind: grid
    for grid in (
        RectilinearGrid,
        CurvilinearGrid,
        PointGrid,
        HealpixGrid,
        ReducedGaussianGrid,
        ProjectedGrid,
    )
}

__all__ = [
    "EARTH_RADIUS",
    "GRIDS",
    "Bbox",
    "CurvilinearGrid",
    "Grid",
    "HealpixGrid",
    "PointGrid",
    "ProjectedGrid",
    "RectilinearGrid",
    "ReducedGaussianGrid",
    "Selection",
]
