"""Files of GRIB that come and go: one pool of messages, however they are cut into files."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from config.settings import Settings
from ogcapi.app import create_app
from providers.grib.frames import Frame, message_bytes, scan
from providers.grib.sources import fingerprint, open_source
from tests.grib.synthetic import message

HOUR = 3_600_000_000
ERA5 = "era5_2t_uk_hourly_2019-03.grib"
PLACE = "position?coords=POINT(0 51.5)&f=json"


def by_day(path: Path) -> dict[str, bytes]:
    """The messages of a file by the day of their reference time."""
    source = open_source(str(path), fingerprint(str(path)))
    days: dict[str, bytes] = {}
    for frame in scan(source):
        assert isinstance(frame, Frame)
        day = str(np.datetime64(frame.header.reference, "us").astype("M8[D]"))
        days[day] = days.get(day, b"") + message_bytes(source, frame.ranges)
    return days


def test_daily_files_are_one_collection_and_a_late_day_appears(
    grib_folder: Path, tmp_path: Path
) -> None:
    days = by_day(grib_folder / ERA5)
    assert len(days) == 31
    folder = tmp_path / "era5"
    folder.mkdir()
    for day in list(days)[:-1]:
        (folder / f"{day}.grib").write_bytes(days[day])
    settings = Settings(state_dir=tmp_path / "state", check_interval=0.2)
    client = create_app(settings, paths=[str(folder), str(grib_folder / ERA5)]).test_client()
    whole = client.get(f"/collections/{Path(ERA5).stem}/{PLACE}").get_json()["ranges"]["2t"]
    last = list(days)[-1]
    (folder / "half.grib").write_bytes(days[last][:5000])
    first = client.get(f"/collections/era5/{PLACE}").get_json()["ranges"]["2t"]
    assert first["values"] == whole["values"][:720]
    (folder / "half.grib").unlink()
    (folder / f"{last}.grib").write_bytes(days[last])
    end = time.monotonic() + 60  # 5 s are promised; tests run beside others
    while True:
        found = client.get(f"/collections/era5/{PLACE}").get_json()["ranges"]["2t"]
        if len(found["values"]) == 744:
            break
        assert time.monotonic() < end, "a new day is not there"
        time.sleep(0.1)
    assert found["values"] == whole["values"]


def test_the_newer_of_two_runs_answers_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for run in (0, 12):
        steps = [
            message(
                run + step / 100, shortName="2t", dataDate=20240101, dataTime=run * 100,
                stepRange=str(step), bitsPerValue=24,
            )
            for step in range(0, 25, 6)
        ]  # fmt: skip
        (folder / f"{run:02d}.grib2").write_bytes(b"".join(steps))
    settings = Settings(state_dir=tmp_path / "state")
    client = create_app(settings, paths=[str(folder)]).test_client()
    url = "/collections/runs/coverage?f=json&datetime=2024-01-01T18:00:00Z"
    newer = client.get(url)
    assert newer.headers["OGC-Reference-Time"] == "2024-01-01T12:00:00Z"
    assert newer.get_json()["ranges"]["2t"]["values"][0] == pytest.approx(12.06, abs=1e-3)
    older = client.get(f'{url}&subset=reference_time("2024-01-01T00:00:00Z")')
    assert older.get_json()["ranges"]["2t"]["values"][0] == pytest.approx(0.18, abs=1e-3)
