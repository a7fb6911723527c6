"""Opens files as a server does and tells how it went; run as a process of its own, for some files end one.

``python -m tests.fuzz.visit`` reads paths from standard input and writes two JSON lines for each: before and after.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from config.errors import OgcapiError
from ogcapi.inspect import report, text_of
from providers.crs import CRS84, parse_crs
from providers.cube import Cube, Query
from providers.queries import map_plan, one_cell
from providers.render import Pixels, Renderer
from providers.store import Source, Store

MEMORY = 4 << 30
"""Bytes of address space."""
PATIENCE = 10.0
"""Seconds for one file."""
_CELLS = 5
_VARIABLES = 40


def visit(path: Path) -> str:
    """Everything a server does with a file: lists it, reads some cells of every variable, draws small maps."""
    store = Store(cache_bytes=8 << 20)
    renderer = Renderer(index_bytes=1 << 20)
    try:
        dataset = store.dataset(Source((str(path),)))
        assert text_of(report(str(path)))
        failed: list[str] = []
        for named in dataset.cubes:
            for name in list(named.cube.variables)[:_VARIABLES]:
                try:
                    _read(named.cube, name)
                    _draw(renderer, named.cube, name)
                except OgcapiError as error:
                    failed.append(str(error))
        if failed:
            return f"values: {failed[0]}"
        count = sum(len(named.cube.variables) for named in dataset.cubes)
        return f"{count} fields, {len(dataset.refusals)} refused"
    finally:
        store.close()


def _read(cube: Cube, name: str) -> None:
    first = {axis: cube.axes[axis] for axis in cube.variables[name].axes}
    for cell in np.linspace(0, cube.grid.size - 1, _CELLS).astype(np.int64):
        lon = float(cube.grid.centres(np.array([cell]))[0][0])
        plan = map_plan(cube, Query(variables=(name,)))
        values = cube.read_variable(
            cube.variables[name], plan.positions, one_cell(cube, int(cell), lon)
        )
        assert values.size == 1, (name, values.shape)
    assert set(plan.positions) == set(first)


def _draw(renderer: Renderer, cube: Cube, name: str) -> None:
    pixels = Pixels(parse_crs(CRS84, "crs"), (-180.0, -90.0, 180.0, 90.0), 24, 12)
    plan = map_plan(cube, Query(variables=(name,)))
    assert renderer.png(cube, cube.variables[name], plan.positions, pixels)[:4] == b"\x89PNG"


def tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        tell(path=str(path))
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        started = time.perf_counter()
        outcome, text = "works", ""
        try:
            text = visit(path)
        except OgcapiError as error:
            outcome, text = "refused", str(error)
        except BaseException:
            outcome, text = "failed", traceback.format_exc()
        faulthandler.cancel_dump_traceback_later()
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        tell(outcome=outcome, text=text, seconds=time.perf_counter() - started, megabytes=used)


if __name__ == "__main__":
    main()
