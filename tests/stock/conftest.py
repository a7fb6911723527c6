"""A stock server over the sample data, and a client of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ogcapi.stock import StockApi
from tests.stock.stock_samples import MakeStock, app_of, resources


@pytest.fixture
def make(tmp_path: Path) -> MakeStock:
    def make(title: str = "Stock", config: dict[str, Any] | None = None) -> StockApi:
        state = tmp_path / title.replace(" ", "-")
        return StockApi(config or {"resources": resources()}, title=title, state_dir=state)

    return make


@pytest.fixture
def stock(make: MakeStock) -> StockApi:
    return make()


@pytest.fixture
def client(stock: StockApi) -> Any:
    return app_of(stock).test_client()
