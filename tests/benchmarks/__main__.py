"""``python -m tests.benchmarks``: one table of what requests cost."""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import sys
import tempfile
import warnings
from pathlib import Path

from tests.benchmarks.measure import Row, measure
from tests.benchmarks.rows import rows
from tests.benchmarks.table import markdown, put


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    parser.add_argument("--repeats", type=int, default=25, help="measured calls of each (25)")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--profile", action="store_true", help="where the time of ours goes")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs every row")
    warnings.filterwarnings("ignore")
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        chosen = [row for row in rows(Path(folder)) if options.only in row.name]
        if options.profile:
            for row in chosen:
                _profile(row, options.repeats)
            return
        results = []
        for row in chosen:
            print(row.name, file=sys.stderr)
            results.append(measure(row, options.repeats))
    table = markdown(results)
    print(table)
    if options.write:
        put(table)


def _profile(row: Row, repeats: int) -> None:
    """Calls of ours by their own time; warm."""
    for _ in range(2):
        row.ours()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(row.repeats or repeats):
        row.ours()
    profile.disable()
    print(f"\n== {row.name}: {row.repeats or repeats} calls")
    stats = pstats.Stats(profile)
    stats.sort_stats("cumulative").print_stats(45)
    stats.sort_stats("tottime").print_stats(20)


if __name__ == "__main__":
    main()
