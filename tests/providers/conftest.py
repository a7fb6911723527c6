"""The sample files, as they are and rewritten as Zarr, and servers over them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))


@pytest.fixture(scope="session")
def netcdf_folder() -> Path:
    """The folder of sample NetCDF files."""
    folder = (DATA / "netcdf").resolve()
    if not folder.is_dir():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    return folder
