"""Small stores, one per awkward convention, each with the exact cells a reader must find.

``NASTY[name](folder)`` writes the store into the folder and returns its path and its truth.
"""

from tests.fixtures_nasty import grids, layout, packing, times
from tests.fixtures_nasty.store import Builder, Nasty, Truth

NASTY: dict[str, Builder] = {
    **{build.__name__: build for build in packing.BUILDERS},
    **times.BUILDERS,
    **grids.BUILDERS,
    **layout.BUILDERS,
}

__all__ = ["NASTY", "Nasty", "Truth"]
