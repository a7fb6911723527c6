"""CSV and Parquet: every value once, in the row of its place."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from providers.cube import Coverage, Cube, Query
from providers.formats import CSV, PARQUET
from providers.formats.spool import Spool
from providers.grids import Bbox
from providers.store import Source, Store
from tests.http.samples import pressure_levels, value_at, write_all


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cube]:
    folder = tmp_path_factory.mktemp("tables")
    store = Store()
    return {
        Path(path).stem: store.dataset(Source((path,))).cubes[0].cube for path in write_all(folder)
    }


def taken(cube: Cube, box: Bbox | None = None) -> Coverage:
    return cube.lazy(cube.plan(Query(bbox=box)))


def frame(coverage: Coverage) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(CSV.write(coverage.load())))


def test_each_row_of_csv_is_a_place(cubes: dict[str, Cube]) -> None:
    found = frame(taken(cubes["levels"], Bbox(-30, -20, 45, 40)))
    assert list(found.columns) == ["time", "level", "lon", "lat", "t", "u"]
    assert len(found) == 4 * 3 * 7 * 6
    assert found.lon.between(-30, 45).all()
    for row in found.sample(50, random_state=1).itertuples():
        time = pd.Timestamp(row.time)
        step = int((time - pd.Timestamp("2020-01-01", tz="UTC")) / pd.Timedelta("6h"))
        expected = value_at(step, row.level, row.lat, row.lon)
        assert row.t == pytest.approx(expected, rel=1e-7)
        assert row.u == pytest.approx(-expected, rel=1e-7)
    assert not found.duplicated(["time", "level", "lon", "lat"]).any()


def test_parquet_is_typed_and_says_its_units(cubes: dict[str, Cube]) -> None:
    table = parquet.read_table(io.BytesIO(PARQUET.write(taken(cubes["levels"]).load())))
    assert table.num_rows == pressure_levels()["t"].size
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("t").metadata[b"units"] == b"K"
    assert table.schema.field("level").metadata[b"units"] == b"hPa"
    assert table.schema.metadata[b"title"] == b"Pressure levels"
    values = table["t"].to_numpy().reshape(4, 3, 19, 24)
    np.testing.assert_array_equal(values, taken(cubes["levels"]).load().values["t"])


def test_calendars_and_forecasts(cubes: dict[str, Cube]) -> None:
    climate = frame(taken(cubes["climate"], Bbox(0, 0, 1, 1)))
    assert "2020-02-30T00:00:00Z" in set(climate.time)
    forecast = parquet.read_table(
        io.BytesIO(PARQUET.write(taken(cubes["forecast"], Bbox(0, 0, 1, 1)).load()))
    )
    assert forecast.schema.field("time").type == pa.timestamp("us", tz="UTC")  # of the newest run
    assert forecast.schema.field("reference_time").type == pa.timestamp("us", tz="UTC")
    assert forecast.num_rows == len(forecast.to_pandas().drop_duplicates())


@pytest.mark.parametrize("name", ["levels", "healpix", "forecast", "height", "scenarios"])
@pytest.mark.parametrize("written", [CSV, PARQUET], ids=lambda item: item.name)
def test_streams_hold_the_same_rows(
    cubes: dict[str, Cube], name: str, written: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from providers.formats.tables import Table

    coverage = taken(cubes[name], Bbox(-60, -60, 60, 60))
    whole = written.write(coverage.load())  # type: ignore[attr-defined]
    monkeypatch.setattr(Table.batches, "__defaults__", (4096,))
    pieces = list(written.stream(coverage, Spool(1 << 30)))  # type: ignore[attr-defined]
    if written is CSV:
        assert len(pieces) > 1 or name == "height"
        assert b"".join(pieces) == whole
    else:
        one, other = (parquet.read_table(io.BytesIO(body)) for body in (whole, b"".join(pieces)))
        assert one.equals(other)
        assert one.schema.metadata == other.schema.metadata


def test_missing_values_are_empty_cells() -> None:
    from tests.providers.test_formats import grid_of_everything

    coverage = grid_of_everything()
    missing = int(np.isnan(coverage.values["t"]).sum())
    assert missing
    assert frame(coverage)["t"].isna().sum() == missing
    assert parquet.read_table(io.BytesIO(PARQUET.write(coverage)))["t"].null_count == missing


def test_variables_on_other_axes_have_rows_of_their_own() -> None:
    from tests.providers.memory import cubes_of
    from tests.providers.test_formats import RECTANGLE, TIMES

    (cube,) = cubes_of(
        [
            *RECTANGLE,
            *TIMES,
            ("t", ("time", "lat", "lon"), np.arange(18.0).reshape(3, 2, 3), {}),
            ("height", ("lat", "lon"), np.arange(6.0).reshape(2, 3), {}),
        ]
    )
    found = frame(cube.select(Query()))
    assert len(found) == 18 + 6
    assert found.t.notna().sum() == 18
    assert found[found.time.isna()].height.tolist() == list(range(6))
