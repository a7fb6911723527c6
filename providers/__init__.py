"""Data: stores, readers, grids, cubes, formats, styles and the renderer."""
