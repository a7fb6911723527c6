"""Values on other cells than those of the data: interpolated, or reduced over the cells that fall into each."""

from .blocks import BLOCK_METHODS
from .resample import METHODS, Method, resampled
from .targets import even_degrees, even_plane, rows_and_columns, spread

__all__ = [
    "BLOCK_METHODS",
    "METHODS",
    "Method",
    "even_degrees",
    "even_plane",
    "resampled",
    "rows_and_columns",
    "spread",
]
