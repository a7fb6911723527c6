"""What a request may cost: estimates against limits, and how both are told."""

from __future__ import annotations

from config.errors import TooLarge
from config.settings import Limits
from ogcapi.answer import Estimate


def check(estimate: Estimate | None, limits: Limits) -> None:
    """Raises TooLarge with the limit, the estimate and what to do."""
    if estimate is None:
        return
    if estimate.pixels > limits.pixels:
        raise TooLarge(
            f"width, height: the image would cost as much as {estimate.pixels:,} pixels of a regular grid; the "
            f"limit is {limits.pixels:,}",
            parameter="width",
            allowed=[f"width × height × cost of the grid up to {limits.pixels}"],
        )
    if estimate.pixels:
        return
    if estimate.values > limits.cells:
        raise TooLarge(
            f"the answer would hold {estimate.values:,} values ({estimate.nbytes:,} bytes in memory); the limit is "
            f"{limits.cells:,} values: ask for a smaller bbox, fewer times, levels or fields",
            allowed=[f"up to {limits.cells} values"],
        )
    if estimate.read > limits.cells_read:
        raise TooLarge(
            f"{estimate.read:,} stored values would have to be read; the limit is {limits.cells_read:,}: ask for a "
            "smaller bbox, fewer times, levels or fields",
            allowed=[f"up to {limits.cells_read} values read"],
        )


def headers(estimate: Estimate | None) -> dict[str, str]:
    """What an answer, and HEAD before it is made, say of its size."""
    if estimate is None:
        return {}
    return {
        "X-Estimated-Values": str(estimate.values or estimate.pixels),
        "X-Estimated-Bytes": str(estimate.body or estimate.nbytes),
    }


def published(limits: Limits) -> dict[str, dict[str, int]]:
    """Limits as ``x-OGC-limits`` names them, by kind of resource (19-087, recommendation on limits)."""
    values = {"maxCells": limits.cells, "maxCellsRead": limits.cells_read}
    return {"coverage": values, "edr": values, "map": {"maxPixels": limits.pixels}}
