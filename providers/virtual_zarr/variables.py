"""Variables of a cube as arrays that are read block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..coverage import Block
from ..cube import Cube, Variable
from ..grids import Selection
from .arrays import Array
from .cells import Cells
from .missing import stored_with_fill
from .naming import json_attributes

_NOT_REPEATED = {"bounds", "climatology", "formula_terms", "long_name", "units", "standard_name"}
"""Attributes that name other variables of the file, and those that the variable states itself."""
_NOWHERE = np.empty(0)


def data_array(
    cube: Cube, variable: Variable, names: Mapping[str, str], cells: Cells, times: str | None
) -> Array:
    """A variable over its axes, scalar ones left out, then the cells.

    ``names`` are those of the arrays of axes; ``times`` is that of valid times over reference times and steps.
    """
    axes = [name for name in variable.axes if cube.axes[name].dim is not None]
    scalars = [names[name] for name in variable.axes if name not in axes]
    shape = tuple(cube.axes[name].size for name in axes) + cube.grid.shape
    coordinates = [*scalars, *cells.coordinates]
    if times is not None and {"reference_time", "step"} <= set(variable.axes):
        coordinates.append(times)
    attributes = _attributes(variable) | dict(cells.mapping)
    if coordinates:
        attributes["coordinates"] = " ".join(coordinates)
    source = dict(zip(variable.field.dims, variable.field.chunks, strict=True))
    own = [cube.axes[name].dim for name in axes] + list(cube.dims)
    dtype, fill = stored_with_fill(variable.field)

    def read(block: Block) -> NDArray[Any]:
        selection = Selection(block[len(axes) :], _NOWHERE, _NOWHERE, separable=False)
        values = cube.read_variable(variable, _positions(axes, block), selection)
        return values.reshape([part.stop - part.start for part in block])

    def is_hole(block: Block) -> bool:
        counts = getattr(variable.field, "counts", None)
        within = {cube.axes[name].dim: at for name, at in _positions(axes, block).items()}
        count = None if counts is None else counts((), within)
        return count is not None and not count.any()

    return Array(
        dims=tuple(names[name] for name in axes) + cells.dims,
        shape=shape,
        dtype=dtype,
        chunks=tuple(1 if dim is None else source[dim] for dim in own),
        attributes=attributes,
        read=read,
        fill=fill,
        is_hole=is_hole,
    )


def _positions(axes: list[str], block: Block) -> dict[str, NDArray[np.int64]]:
    parts = zip(axes, block, strict=False)
    return {name: np.arange(part.start, part.stop) for name, part in parts}


def _attributes(variable: Variable) -> dict[str, Any]:
    """What the data say of the variable, with what the configuration says instead."""
    found = {
        name: value
        for name, value in json_attributes(variable.attributes).items()
        if name not in _NOT_REPEATED
    }
    stated = {
        "long_name": variable.title,
        "units": variable.units,
        "standard_name": variable.standard_name,
    }
    found |= {name: value for name, value in stated.items() if value is not None}
    if variable.categories:
        found["flag_values"] = list(variable.categories)
        found["flag_meanings"] = " ".join(
            "_".join(name.split()) for name in variable.categories.values()
        )
    return found
