"""The sample GRIB files, and places for files made by tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import providers.grib

assert providers.grib.library, "ecCodes is loaded before a test module does it in its own way"

DATA = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))


@pytest.fixture(scope="session")
def grib_folder() -> Path:
    """The folder of sample GRIB files."""
    folder = (DATA / "grib").resolve()
    if not folder.is_dir():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def grib_files(grib_folder: Path) -> list[Path]:
    """All sample GRIB files."""
    return sorted(path for path in grib_folder.iterdir() if path.suffix.startswith(".grib"))
