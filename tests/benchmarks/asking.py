"""Ways to ask: the application over some files, and a request to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from config.settings import Settings
from ogcapi.app import create_app
from tests.benchmarks.measure import Work

Parts = tuple[Any, ...]
"""ours, floor, peer, repeats, calls of the peer."""
MERCATOR = (0.0, 5009377.0, 2504689.0, 7514066.0)
"""A Web Mercator tile of central Europe."""


def app(state: Path, paths: Sequence[str], **settings: Any) -> FlaskClient:
    return create_app(Settings(state_dir=state, workers=1, **settings), paths=paths).test_client()


def getting(client: FlaskClient, path: str) -> Work:
    """A request that must succeed; the whole body is read."""
    return lambda: _get(client, path)


def _get(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.data[:500])
    return answer.data


def map_path(collection: str, east: float = 0.0) -> str:
    """A map of 256×256 pixels, some metres east of :data:`MERCATOR`."""
    x0, y0, x1, y1 = MERCATOR
    box = ",".join(f"{value:.0f}" for value in (x0 + east, y0, x1 + east, y1))
    size = "width=256&height=256&crs=EPSG:3857&bbox-crs=EPSG:3857"
    return f"/collections/{collection}/map?{size}&bbox={box}"


def mapping(client: FlaskClient, collection: str) -> Work:
    """A map of another place in every call, so that no cell under a pixel is known from before."""
    count = iter(range(1, 1_000_000))
    return lambda: _get(client, map_path(collection, 1000.0 * next(count)))
