"""Forecasts with holes: which run answers, and what of it, compared with a plain list of the messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import eccodes
import numpy as np
import pytest

from config.errors import NoData
from providers.cube import Cube, Query, Range
from providers.store import Source, Store

Message = dict[str, int]


def messages(path: Path, *names: str) -> list[Message]:
    """Keys of every message of a file, and its valid time in hours since 1970 as ``valid``."""
    found: list[Message] = []
    with path.open("rb") as stream:
        while (handle := eccodes.codes_grib_new_from_file(stream)) is not None:
            keys = {name: eccodes.codes_get(handle, name) for name in names}
            eccodes.codes_release(handle)
            start = datetime.strptime(f"{keys['dataDate']}{keys['dataTime']:04}", "%Y%m%d%H%M")
            valid = start + timedelta(hours=int(keys["endStep"]))
            keys["run"] = int((start - datetime(1970, 1, 1)) / timedelta(hours=1))
            keys["valid"] = int((valid - datetime(1970, 1, 1)) / timedelta(hours=1))
            found.append(keys)
    return found


@pytest.fixture
def opened(grib_folder: Path) -> Iterator[dict[str, Cube]]:
    store = Store()
    yield {
        name: store.dataset(Source((str(grib_folder / name),))).cubes[0].cube
        for name in ("c3s_seasonal_2t_ukmo.grib", "ifs_uv_pl_steps.grib")
    }
    store.close()


HOUR = 3_600_000_000
KEYS = ("dataDate", "dataTime", "endStep")


def test_a_lagged_ensemble_answers_with_the_members_of_one_run(
    grib_folder: Path, opened: dict[str, Cube]
) -> None:
    """Every start date has other members and other steps: an eighth of the array at most is there."""
    name = "c3s_seasonal_2t_ukmo.grib"
    known, cube = messages(grib_folder / name, *KEYS, "number"), opened[name]
    newest = max(item["run"] for item in known)
    whole = cube.plan(Query())
    own = [item for item in known if item["run"] == newest]
    assert whole.axes["reference_time"].values.tolist() == [newest * HOUR]
    assert whole.axes["member"].values.tolist() == sorted({item["number"] for item in own})
    assert whole.axes["step"].values.tolist() == sorted({item["valid"] * HOUR for item in own})
    assert cube.valid_times is not None
    assert (cube.valid_times[0] // HOUR).tolist() == sorted({item["valid"] for item in known})
    for valid in {item["valid"] for item in known}:
        count = {
            run: sum(item["valid"] == valid and item["run"] == run for item in known)
            for run in {item["run"] for item in known}
        }
        best = max(run for run, number in count.items() if number == max(count.values()))
        found = cube.select(Query(valid_time=Range(valid * HOUR, valid * HOUR)))
        assert found.axes["reference_time"].values.tolist() == [best * HOUR]
        assert found.values["2t"].shape[0] == count[best]
        assert np.isfinite(found.values["2t"]).all()


def test_levels_are_those_that_the_variable_has(grib_folder: Path, opened: dict[str, Cube]) -> None:
    name = "ifs_uv_pl_steps.grib"
    known, cube = messages(grib_folder / name, *KEYS, "level", "shortName"), opened[name]
    for variable in ("u", "v"):
        levels = {item["level"] for item in known if str(item["shortName"]) == variable}
        found = cube.select(Query((variable,)))
        assert set(found.axes["pressure"].values.tolist()) == levels
        assert np.isfinite(found.values[variable]).all()
    lacking = {item["level"] for item in known} - levels
    assert lacking
    for level in lacking:
        with pytest.raises(NoData):
            cube.plan(Query(("v",), ranges={"pressure": Range(level, level)}))
