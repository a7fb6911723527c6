"""One server over the sample stores for all tests that only read."""

from __future__ import annotations

import os

import pytest
from flask.testing import FlaskClient

from tests.http.samples import Site, make_site


@pytest.fixture(scope="session", autouse=True)
def plain_environment() -> None:
    """Settings of whoever runs the tests do not reach the servers."""
    for name in [name for name in os.environ if name.startswith("OGCAPI_")]:
        if name != "OGCAPI_TEST_DATA":
            del os.environ[name]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def client(site: Site) -> FlaskClient:
    return site.client
