"""Data: stores, readers, grids, cubes, formats, styles and the renderer."""

import pyproj  # noqa: F401 - before ecCodes, whose copy of PROJ else mixes with that of pyproj: abort at exit
