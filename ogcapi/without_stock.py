"""What stands in for the stock part where a configuration has none: nothing of pygeoapi is imported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import NotFound

if TYPE_CHECKING:
    from ogcapi.stock import StockApi


class NoStock:
    """The interface of ``StockApi`` without a resource."""

    collection_ids: tuple[str, ...] = ()
    listed_collection_ids: tuple[str, ...] = ()
    process_ids: tuple[str, ...] = ()

    def routes(self) -> tuple[Any, ...]:
        return ()

    def describe(self, collection_id: str, base_url: str, lang: str | None = None) -> Any:
        raise NotFound(f"no collection {collection_id[:80]!r}", parameter="collectionId")

    def handle(self, route: Any, request: Any, base_url: str, **path: str) -> Any:
        raise NotFound("there is no such resource", parameter="path")

    def conformance_classes(self) -> list[str]:
        return []

    def openapi_fragment(self, base_url: str) -> dict[str, Any]:
        return {}


def stock_of(
    raw: Mapping[str, Any],
    *,
    title: str,
    state_dir: Path,
    native_lock: AbstractContextManager[Any],
) -> StockApi | NoStock:
    """pygeoapi's part of a configuration; its import costs a second, so only when there is such a part."""
    resources = raw.get("resources") or {}
    if not any(not item.get("source") for item in resources.values()):
        return NoStock()
    from ogcapi.stock import StockApi

    return StockApi(raw, title=title, state_dir=state_dir, native_lock=native_lock)
