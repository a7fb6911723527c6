"""Messages that differ in their step alone: two are described, the others follow, and say the same as if they were."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import eccodes
import pytest

from providers.grib import sources
from providers.grib.index import FileIndex, GribIndex
from providers.grib.keys import describe

SAMPLES = ("regular_ll_pl_grib2", "regular_ll_pl_grib1")
STEPS = (6, 0, 12, 240, 3)


def write(path: Path, sample: str, messages: list[dict[str, Any]]) -> Path:
    with path.open("wb") as file:
        for keys in messages:
            handle = eccodes.codes_grib_new_from_samples(sample)
            for name, value in keys.items():
                eccodes.codes_set(handle, name, value)
            file.write(eccodes.codes_get_message(handle))
            eccodes.codes_release(handle)
    return path


def indexed(path: Path, said: Any = describe) -> tuple[FileIndex, list[bytes]]:
    """The index, and the headers that were described for it."""
    asked: list[bytes] = []

    def describing(message: bytes) -> Any:
        asked.append(message)
        return said(message)

    mark = sources.fingerprint(str(path))
    found = GribIndex(None).file(
        str(path), mark, lambda: sources.open_source(str(path), mark), describing
    )
    return found, asked


def alone(path: Path, folder: Path, index: FileIndex) -> list[Mapping[str, Any]]:
    """The template of every message as that of a file of its own."""
    data = path.read_bytes()
    found = []
    for row, (offset, length) in enumerate(zip(index.offset, index.length, strict=True)):
        single = folder / f"{row}.grib"
        single.write_bytes(data[offset : offset + length])
        found.append(indexed(single)[0].templates[0])
    return found


@pytest.mark.parametrize("sample", SAMPLES)
def test_steps_follow_two_that_were_described(tmp_path: Path, sample: str) -> None:
    messages = [{"level": level, "step": step} for step in STEPS for level in (500, 850)]
    path = write(tmp_path / "many.grib", sample, messages)
    index, asked = indexed(path)
    assert len(index.templates) == len(messages)
    assert len(asked) == 4
    said = [index.templates[number] for number in index.template]
    assert said == alone(path, tmp_path, index)
    assert [item["end"] // 3_600_000_000 for item in said] == [item["step"] for item in messages]


@pytest.mark.parametrize("unit", ["m", "D", "s"])
def test_steps_in_other_units_say_the_same(tmp_path: Path, unit: str) -> None:
    code = {"m": 0, "D": 2, "s": 13}[unit]
    messages = [{"indicatorOfUnitOfTimeRange": code, "forecastTime": time} for time in (1, 60, 90)]
    path = write(tmp_path / "units.grib", SAMPLES[0], messages)
    index, _ = indexed(path)
    assert [index.templates[number] for number in index.template] == alone(path, tmp_path, index)


@pytest.mark.parametrize("sample", SAMPLES)
def test_intervals_are_described_one_by_one(tmp_path: Path, sample: str) -> None:
    messages = [{"stepType": "accum", "stepRange": f"0-{step}"} for step in (6, 12, 18)]
    path = write(tmp_path / "sums.grib", sample, messages)
    index, asked = indexed(path)
    assert len(asked) == 3
    assert [index.templates[number] for number in index.template] == alone(path, tmp_path, index)


def test_sums_that_look_like_instants_are_described_one_by_one(tmp_path: Path) -> None:
    messages = [{"paramId": 228, "dataType": "fc", "step": step} for step in (0, 6, 12, 18)]
    path = write(tmp_path / "tp.grib", SAMPLES[1], messages)
    index, asked = indexed(path)
    assert len(asked) == 4
    assert {item["kind"] for item in index.templates} == {"accumulated"}
    assert {(item["start"], item["end"] // 3_600_000_000) for item in index.templates} == {
        (0, step) for step in (0, 6, 12, 18)
    }


def test_names_that_depend_on_the_step_are_asked_for(tmp_path: Path) -> None:
    def said(message: bytes) -> dict[str, Any]:
        found = describe(message)
        return {**found, "name": f"name{found['end']}"}

    path = write(tmp_path / "names.grib", SAMPLES[0], [{"step": step} for step in STEPS])
    index, asked = indexed(path, said)
    assert len(asked) == len(STEPS)
    assert len({item["name"] for item in index.templates}) == len(STEPS)


def test_refused_kinds_give_a_reason_each(tmp_path: Path) -> None:
    def refused(message: bytes) -> dict[str, Any]:
        raise ValueError("no")

    path = write(tmp_path / "refused.grib", SAMPLES[0], [{"step": step} for step in STEPS])
    index, _ = indexed(path, refused)
    assert [damage.reason for damage in index.damages] == ["no"] * len(STEPS)
