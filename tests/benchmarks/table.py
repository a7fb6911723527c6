"""The table, and where it stands in the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.measure import Result

PAGE = Path(__file__).parents[2] / "docs/performance.md"
BEGIN, END = "<!-- table: make bench -->", "<!-- end of table -->"
_PACKAGES = (
    "pygeoapi",
    "zarr",
    "numpy",
    "xarray",
    "netCDF4",
    "orjson",
    "pillow",
    "eccodes",
    "cfgrib",
    "rasterio",
)


def markdown(results: Sequence[Result]) -> str:
    lines = [
        "| work | ours, ms | floor, ms | stock, ms | ours ÷ floor | stock ÷ ours |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        cells = [_number(result.medians.get(way)) for way in ("ours", "floor", "peer")]
        cells += [_number(result.above_floor), _number(result.gain)]
        lines.append(f"| {result.name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _circumstances(results)])


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 3 if value < 0.1 else 2 if value < 10 else 0
    return f"{value:,.{digits}f}"


def _circumstances(results: Sequence[Result]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    counts = sorted({result.repeats for result in results}, reverse=True)
    return (
        f"Medians of {' or '.join(str(count) for count in counts)} interleaved calls "
        "(one of stock where it takes seconds), "
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPUs ({_processor()}), "
        f"{platform.system()}, Python {platform.python_version()}; {packages}."
    )


def _processor() -> str:
    """Name of the processor where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def put(table: str, page: Path = PAGE) -> None:
    """Replace the table of the page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")
