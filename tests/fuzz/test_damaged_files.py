"""Damaged files are served as far as they can be, or refused with a reason: never a crash, a hang or a full memory.

Files are opened in processes of their own, for libraries in C end theirs where they find a file impossible.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fuzz.damage import damaged
from tests.fuzz.originals import originals
from tests.fuzz.visit import MEMORY, PATIENCE
from tests.providers.conftest import DATA

ROOT = Path(__file__).parents[2]
FILES = 200
MANY = 4_000
PROCESSES = 2


@dataclass(frozen=True)
class Visit:
    """How it went: ``works``, ``refused`` with a reason, ``failed`` with a traceback, or ``ended`` the process."""

    path: Path
    outcome: str
    text: str
    seconds: float = 0.0
    megabytes: int = 0

    @property
    def is_good(self) -> bool:
        return self.outcome in ("works", "refused") and self.seconds < PATIENCE


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Path]]:
    samples = DATA.resolve()
    folder = tmp_path_factory.mktemp("whole")
    return originals(folder, samples if (samples / "grib").is_dir() else None)


def visits(paths: Sequence[Path]) -> Iterator[Visit]:
    """Every file in a process that goes on to the next; where one ends it, the next begins another."""
    waiting = list(paths)
    while waiting:
        process = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.visit"],
            input="".join(f"{path}\n" for path in waiting),
            capture_output=True, text=True, cwd=ROOT, timeout=1200, check=False,
        )  # fmt: skip
        lines = [json.loads(line) for line in process.stdout.splitlines()]
        assert lines, process.stderr
        for before, after in zip(lines[0::2], lines[1::2], strict=False):
            yield Visit(Path(before["path"]), **after)
        if len(lines) % 2:
            reason = f"ended with {process.returncode}: {process.stderr[-2000:]}"
            yield Visit(Path(lines[-1]["path"]), "ended", reason)
        waiting = waiting[(len(lines) + 1) // 2 :]


def visit_all(paths: Sequence[Path]) -> list[Visit]:
    with ThreadPoolExecutor(PROCESSES) as pool:
        parts = pool.map(
            lambda part: list(visits(part)), [paths[n::PROCESSES] for n in range(PROCESSES)]
        )
        return [found for part in parts for found in part]


def check(found: Sequence[Visit], count: int) -> None:
    assert len(found) == count
    bad = [f"{item.path}: {item.outcome} {item.text}" for item in found if not item.is_good]
    assert not bad, f"{len(bad)} of {count}:\n" + "\n".join(bad[:5])
    refused = [item for item in found if item.outcome == "refused"]
    assert not [item for item in refused if len(item.text.split()) < 2], "a reason for people"
    assert not [item for item in refused if str(item.path.parent) in item.text], (
        "without the folder"
    )
    assert max(item.megabytes for item in found) < MEMORY >> 21
    kinds = Counter(item.outcome for item in found)
    assert min(kinds["works"], kinds["refused"]) > count / 10, (
        kinds
    )  # the damage is neither nothing nor all


def test_damaged_files_are_served_or_refused_with_a_reason(
    whole: Mapping[str, Sequence[Path]], tmp_path: Path
) -> None:
    check(visit_all([damaged(seed, whole, tmp_path) for seed in range(FILES)]), FILES)


@pytest.mark.soak
def test_very_many_damaged_files(whole: Mapping[str, Sequence[Path]], tmp_path: Path) -> None:
    paths = [damaged(seed, whole, tmp_path) for seed in range(FILES, FILES + MANY)]
    check(visit_all(paths), MANY)


def test_the_whole_files_are_served(whole: Mapping[str, Sequence[Path]]) -> None:
    """What is damaged is good before, but for spectral coefficients and two files whose coordinates are elsewhere."""
    found = visit_all([path for paths in whole.values() for path in paths])
    poor = {item.path.stem: item.text for item in found if item.outcome != "works"}
    assert set(poor) <= {
        "ifs_z_spherical_harmonics", "sentinel3_sr_2_lan_measurement", "sentinel5p_no2_l2_header"
    }, poor  # fmt: skip
    assert not [item for item in found if item.text.startswith(("values:", "0 fields"))]
