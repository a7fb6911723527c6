"""CF NetCDF-4: small answers are built in memory, large ones in a file, under the process-wide lock of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import netCDF4
import numpy as np

from ..coverage import Coverage
from ..readers.netcdf import LOCK
from ..variables import Variable
from .base import Format
from .netcdf_axes import write_axis
from .netcdf_cells import Cells, write_cells
from .netcdf_names import free_name, stored_type, writable
from .spool import Spool
from .stable import erase_times, without_times

_CONVENTIONS = "CF-1.11"
_LIKE_SOURCE = {
    "long_name",
    "standard_name",
    "units",
    "cell_methods",
    "comment",
    "flag_values",
    "flag_meanings",
    "flag_masks",
}
_ROOM = 1 << 20
"""Bytes of a file beside its values, about."""


def write(coverage: Coverage) -> bytes:
    """The coverage as a NetCDF-4 file."""
    size = sum(values.nbytes for values in coverage.values.values())
    with LOCK:
        dataset = netCDF4.Dataset(
            "coverage.nc", "w", format="NETCDF4", memory=max(size + 65536, _ROOM)
        )
        try:
            for variable, stored in _define(dataset, coverage):
                values = coverage.values[variable.id]
                stored[...] = values.astype(stored.dtype, copy=False).reshape(stored.shape)
        except BaseException:
            dataset.close()
            raise
        body = bytes(dataset.close())
    return without_times(body)


def stream(coverage: Coverage, spool: Spool) -> Iterator[bytes]:
    """The same file, written slab by slab and then sent."""

    def fill(path: Path) -> None:
        with LOCK:
            dataset = netCDF4.Dataset(path, "w", format="NETCDF4")
        try:
            with LOCK:
                defined = _define(dataset, coverage)
            for variable, stored in defined:
                scalars = tuple(
                    at for at, name in enumerate(variable.axes) if coverage.axes[name].dim is None
                )
                for block, values in coverage.slabs(variable):
                    at = tuple(part for axis, part in enumerate(block) if axis not in scalars)
                    values = values.astype(stored.dtype, copy=False)
                    with LOCK:
                        stored[at] = values.reshape([part.stop - part.start for part in at])
        finally:
            with LOCK:
                dataset.close()
        erase_times(path)

    return spool.sent(coverage.nbytes + 16 * coverage.selection.size + _ROOM, fill, ".nc")


def _define(
    dataset: netCDF4.Dataset, coverage: Coverage
) -> list[tuple[Variable, netCDF4.Variable]]:
    """Everything but the values; variables with where their values go."""
    dataset.set_fill_off()
    dataset.setncatts({**writable(coverage.attributes), "Conventions": _CONVENTIONS})
    if coverage.resampling is not None:
        dataset.setncattr("resampling", coverage.resampling)
    cells = write_cells(dataset, coverage)
    axes = {name: write_axis(dataset, axis) for name, axis in coverage.axes.items()}
    return [
        (variable, _define_variable(dataset, coverage, variable, axes, cells))
        for variable in coverage.variables
    ]


def _define_variable(
    dataset: netCDF4.Dataset,
    coverage: Coverage,
    variable: Variable,
    axes: dict[str, str],
    cells: Cells,
) -> netCDF4.Variable:
    dtype = stored_type(coverage.dtype(variable))
    kept = [name for name in variable.axes if coverage.axes[name].dim is not None]
    fill = np.array(np.nan, dtype)[()] if dtype.kind == "f" else False
    name = free_name(dataset, variable.id, "field")
    dims = tuple(axes[name] for name in kept) + cells.dims
    stored = dataset.createVariable(name, dtype.str[1:], dims, fill_value=fill)
    stored.set_auto_maskandscale(False)
    attributes = {
        key: value for key, value in writable(variable.attributes).items() if key in _LIKE_SOURCE
    }
    scalars = [axes[axis] for axis in variable.axes if coverage.axes[axis].dim is None]
    coordinates = " ".join([*scalars, *cells.coordinates])
    if coordinates:
        attributes["coordinates"] = coordinates
    if cells.grid_mapping is not None:
        attributes["grid_mapping"] = cells.grid_mapping
    if variable.units is not None:
        attributes["units"] = variable.units
    stored.setncatts(attributes)
    return stored


NETCDF = Format(
    name="netcdf",
    media_type="application/netcdf",
    title="CF NetCDF-4",
    write=write,
    suffix=".nc",
    accepts=("application/x-netcdf", "application/x-netcdf4"),
    stream=stream,
)
