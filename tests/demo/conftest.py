"""The demo cache, built once for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ogcapi.demo import build_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_demo(tmp_path_factory.mktemp("cache") / "demo")
