"""The GRIB files of the demo, read with ecCodes and held against the weather they are made of."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import cfgrib
import numpy as np
import pytest

from ogcapi.demo import grib
from ogcapi.demo.climate import PRESSURES, upper_temperature, write_climate
from ogcapi.demo.fields import Site, Weather, make_weather
from ogcapi.demo.forecast_errors import forecast_world
from ogcapi.demo.forecasts import write_ensemble, write_octahedral
from tests.demo.messages import Message, messages, places

SEED = 20260101
DATA = Path(os.environ.get("OGCAPI_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))


@pytest.fixture(scope="module")
def weather() -> Weather:
    return make_weather(SEED)


@pytest.fixture(scope="module")
def octahedral(demo: Path) -> dict[int, list[Message]]:
    folder = demo / "octahedral_forecast"
    return {run: messages(folder / f"20260101{run:02d}.grib2") for run in (0, 12)}


@pytest.fixture(scope="module")
def ensemble(demo: Path) -> dict[int, list[Message]]:
    folder = demo / "ensemble_forecast"
    return {run: messages(folder / f"20260101{run:02d}.grib2") for run in (0, 12)}


@pytest.fixture(scope="module")
def climate(demo: Path) -> dict[int, list[Message]]:
    folder = demo / "climate_dt_like_grib"
    return {day: messages(folder / f"2026010{day}.grib2") for day in (1, 2, 3)}


def sample(path: Path, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in a message with their longitudes and latitudes, sorted by latitude."""
    longitude, latitude = places(path)
    chosen = np.random.default_rng(5).choice(longitude.size, count, replace=False)
    chosen = chosen[np.argsort(latitude[chosen])]
    return chosen, longitude[chosen], latitude[chosen]


def field(site: Site, name: str, hours: float, level: float = 0) -> np.ndarray:
    state = site.state(hours)
    if name == "2t":
        return site.air_temperature(state, hours)
    if name == "msl":
        return site.sea_level_pressure(state, hours)
    if name == "t":
        return upper_temperature(site, state, hours, level)
    return site.wind(state)[("10u", "10v").index(name)]


# the octahedral forecast


def test_each_run_of_the_octahedral_forecast_is_complete(
    octahedral: dict[int, list[Message]],
) -> None:
    for run, found in octahedral.items():
        held = Counter((item["shortName"], item["stepRange"]) for item in found)
        instants = {
            (name, str(step)) for name in ("2t", "10u", "10v", "msl") for step in range(0, 25, 6)
        }
        sums = {("tp", f"0-{step}") for step in range(6, 25, 6)}
        assert held == Counter(instants | sums)
        assert {(item["dataDate"], item["dataTime"]) for item in found} == {(20260101, 100 * run)}


def test_octahedral_messages_say_what_they_are(octahedral: dict[int, list[Message]]) -> None:
    units = {"2t": "K", "10u": "m s**-1", "10v": "m s**-1", "msl": "Pa", "tp": "kg m**-2"}
    levels = {
        "2t": ("heightAboveGround", 2), "10u": ("heightAboveGround", 10),
        "10v": ("heightAboveGround", 10), "msl": ("meanSea", 0), "tp": ("surface", 0),
    }  # fmt: skip
    for item in octahedral[0]:
        assert (item["gridType"], item["N"], item["isOctahedral"]) == ("reduced_gg", 96, 1)
        assert item["numberOfDataPoints"] == item.values.size == 4 * 96 * (96 + 9)
        assert item["packingType"] == "grid_ccsds"
        assert item["units"] == units[item["shortName"]]
        assert (item["typeOfLevel"], item["level"]) == levels[item["shortName"]]
        assert item["stepType"] == ("accum" if item["shortName"] == "tp" else "instant")
        assert {**item.mars, "class": "od", "stream": "oper", "type": "fc", "expver": "demo"} == (
            item.mars
        )
        assert np.isfinite(item.values).all()


def test_octahedral_places_are_those_of_eccodes(demo: Path) -> None:
    longitude, latitude = places(demo / "octahedral_forecast/2026010100.grib2")
    _, ours_longitude, ours_latitude = grib.octahedral(96)
    np.testing.assert_allclose(ours_longitude, longitude, atol=1e-6)
    np.testing.assert_allclose(ours_latitude, latitude, atol=1e-6)


def test_octahedral_values_are_those_of_the_weather(
    demo: Path, octahedral: dict[int, list[Message]], weather: Weather
) -> None:
    chosen, longitude, latitude = sample(demo / "octahedral_forecast/2026010100.grib2")
    for run, found in octahedral.items():
        for item in found:
            if item["shortName"] == "tp":
                continue
            world = forecast_world(weather, run, item["endStep"])
            expected = field(
                world.at(longitude, latitude), item["shortName"], run + item["endStep"]
            )
            np.testing.assert_allclose(
                item.values[chosen], expected, rtol=0, atol=item.precision + 1e-3
            )


def test_precipitation_is_summed_from_the_start_of_the_run(
    demo: Path, octahedral: dict[int, list[Message]], weather: Weather
) -> None:
    chosen, longitude, latitude = sample(demo / "octahedral_forecast/2026010100.grib2")
    sums = [item for item in octahedral[12] if item["shortName"] == "tp"]
    total = np.zeros(chosen.size)
    for hour in range(24):
        site = forecast_world(weather, 12, hour + 0.5).at(longitude, latitude)
        total += site.precipitation_rate(site.state(12.5 + hour), 12.5 + hour)
        if (hour + 1) % 6 == 0:
            item = sums[hour // 6]
            assert (item["startStep"], item["endStep"]) == (0, hour + 1)
            assert item["productDefinitionTemplateNumber"] == 8
            np.testing.assert_allclose(item.values[chosen], total, atol=item.precision + 2e-3)
    for before, after in pairwise(sums):
        assert (after.values - before.values).min() > -after.precision
    assert sums[0].values.min() == 0


# the climate on HEALPix


def test_each_day_of_the_climate_is_complete(climate: dict[int, list[Message]]) -> None:
    fields = {("2t", 2), *(("t", pressure) for pressure in PRESSURES)}
    for day, found in climate.items():
        held = Counter((item["dataTime"], item["shortName"], item["level"]) for item in found)
        assert held == Counter((time, *one) for time in (0, 600, 1200, 1800) for one in fields)
        assert {(item["dataDate"], item["stepRange"]) for item in found} == {(20260100 + day, "0")}


def test_climate_messages_carry_the_keys_of_the_climate_dt(
    climate: dict[int, list[Message]],
) -> None:
    ours = climate[1][0]
    assert (ours["gridType"], ours["Nside"], ours["orderingConvention"]) == (
        "healpix", 64, "nested",
    )  # fmt: skip
    assert ours["packingType"] == "grid_ccsds"
    assert ours["productionStatusOfProcessedData"] == 13  # a test product of DestinE
    stated = {
        "class": "d1", "dataset": "climate-dt", "activity": "ScenarioMIP",
        "experiment": "SSP3-7.0", "generation": "1", "model": "IFS-NEMO", "realization": "1",
        "resolution": "standard", "stream": "clte", "type": "fc", "expver": "demo",
    }  # fmt: skip
    for item in climate[1]:
        assert {**item.mars, **stated} == item.mars
        assert np.isfinite(item.values).all()
    upper = climate[1][1]
    assert (upper.mars["levtype"], upper.mars["levelist"], upper["typeOfLevel"]) == (
        "pl", str(PRESSURES[0]), "isobaricInhPa",
    )  # fmt: skip


def test_climate_messages_have_the_same_mars_keys_as_a_real_one(
    climate: dict[int, list[Message]],
) -> None:
    real = DATA / "grib/climate_dt_2t_15deg.grib2"
    if not real.is_file():
        pytest.skip("sample data are absent; set OGCAPI_TEST_DATA")
    (theirs,) = messages(real)
    ours = climate[1][0]
    different = {"date", "expver"}
    assert ours.mars.keys() == theirs.mars.keys()
    assert {key: ours.mars[key] for key in ours.mars.keys() - different} == {
        key: theirs.mars[key] for key in theirs.mars.keys() - different
    }
    assert ours["shapeOfTheEarth"] == theirs["shapeOfTheEarth"]


def test_healpix_places_are_those_of_eccodes(demo: Path) -> None:
    longitude, latitude = places(demo / "climate_dt_like_grib/20260101.grib2")
    _, ours_longitude, ours_latitude = grib.healpix(6)
    np.testing.assert_allclose(ours_longitude, longitude, atol=1e-6)
    np.testing.assert_allclose(ours_latitude, latitude, atol=1e-6)


def test_climate_values_are_those_of_the_weather(
    demo: Path, climate: dict[int, list[Message]], weather: Weather
) -> None:
    chosen, longitude, latitude = sample(demo / "climate_dt_like_grib/20260101.grib2")
    site = weather.at(longitude, latitude)
    for day, found in climate.items():
        for item in found:
            hours = 24.0 * (day - 1) + item["dataTime"] / 100
            expected = field(site, item["shortName"], hours, item["level"])
            np.testing.assert_allclose(
                item.values[chosen], expected, rtol=0, atol=item.precision + 1e-3
            )


def test_the_air_is_colder_higher_up(climate: dict[int, list[Message]]) -> None:
    """Means of equal cells, beside those of the standard atmosphere: 288, 279, 252, 221 K."""
    means = [item.values.mean() for item in climate[2][1:5]]
    np.testing.assert_allclose(means, [288, 279, 252, 221], atol=10)
    assert means == sorted(means, reverse=True)
    for item in climate[2][1:5]:
        assert 195 < item.values.min() < item.values.max() < 315


# the ensemble


def test_each_run_of_the_ensemble_is_complete(ensemble: dict[int, list[Message]]) -> None:
    for run, found in ensemble.items():
        held = Counter((item["shortName"], item["endStep"], item["number"]) for item in found)
        assert held == Counter(
            (name, step, number)
            for name in ("2t", "10u", "10v")
            for step in range(0, 49, 6)
            for number in range(9)
        )
        assert {(item["dataDate"], item["dataTime"]) for item in found} == {(20260101, 100 * run)}


def test_control_and_members_are_told_apart(ensemble: dict[int, list[Message]]) -> None:
    for item in ensemble[12]:
        number = item["number"]
        assert item["productDefinitionTemplateNumber"] == 1
        assert item["numberOfForecastsInEnsemble"] == 9
        assert item.mars["stream"] == "enfo"
        assert item.mars["type"] == item["dataType"] == ("pf" if number else "cf")
        assert item.mars.get("number") == (str(number) if number else None)
        assert (item["gridType"], item["Ni"], item["Nj"]) == ("regular_ll", 180, 91)
        assert np.isfinite(item.values).all()


def test_ensemble_values_are_those_of_the_weather(
    demo: Path, ensemble: dict[int, list[Message]], weather: Weather
) -> None:
    chosen, longitude, latitude = sample(demo / "ensemble_forecast/2026010100.grib2", 60)
    for run, found in ensemble.items():
        for item in found[:: len(found) // 40]:
            world = forecast_world(weather, run, item["endStep"], item["number"])
            expected = field(
                world.at(longitude, latitude), item["shortName"], run + item["endStep"]
            )
            np.testing.assert_allclose(
                item.values[chosen], expected, rtol=0, atol=item.precision + 1e-3
            )


def temperatures(found: list[Message], step: int) -> np.ndarray:
    """2t of all members at a step, the control first."""
    chosen = [item for item in found if (item["shortName"], item["endStep"]) == ("2t", step)]
    return np.stack([item.values for item in sorted(chosen, key=lambda item: item["number"])])


def test_the_spread_grows_and_stays_plausible(ensemble: dict[int, list[Message]]) -> None:
    spread = [temperatures(ensemble[0], step).std(axis=0).mean() for step in range(0, 49, 6)]
    assert spread == sorted(spread)
    assert 0.05 < spread[0] < 1
    assert 0.3 < spread[-1] < 4


def test_the_newer_run_is_nearer_to_what_happens(
    demo: Path, ensemble: dict[int, list[Message]], weather: Weather
) -> None:
    """Both hold 2026-01-02T12Z, 24 and 36 hours ahead; the control begins with the weather itself."""
    longitude, latitude = places(demo / "ensemble_forecast/2026010100.grib2")
    order = np.argsort(latitude, kind="stable")
    site = weather.at(longitude[order], latitude[order])
    truth, start = field(site, "2t", 36.0), field(site, "2t", 12.0)
    older, newer = temperatures(ensemble[0], 36), temperatures(ensemble[12], 24)
    errors = [np.abs(run[0, order] - truth).mean() for run in (older, newer)]
    assert errors[1] < errors[0]
    assert np.abs(older - newer).max() > 2  # which run answers can be told
    np.testing.assert_allclose(temperatures(ensemble[12], 0)[0, order], start, atol=0.05)


def test_the_two_forecasts_agree(
    demo: Path, octahedral: dict[int, list[Message]], ensemble: dict[int, list[Message]]
) -> None:
    """The control of the ensemble is the octahedral forecast on another grid."""
    longitude, latitude = places(demo / "octahedral_forecast/2026010100.grib2")
    fine = next(
        item for item in octahedral[0] if (item["shortName"], item["endStep"]) == ("2t", 24)
    )
    control = temperatures(ensemble[0], 24)[0].reshape(91, 180)
    row, column = np.rint((90 - latitude) / 2).astype(int), np.rint(longitude / 2).astype(int) % 180
    assert np.abs(fine.values - control[row, column]).mean() < 1.5


# all of them


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_other_readers_find_the_same_cubes(demo: Path) -> None:
    found = cfgrib.open_datasets(
        str(demo / "ensemble_forecast/2026010112.grib2"), backend_kwargs={"indexpath": ""}
    )
    shapes = {
        (name, *data[name].sizes.items()) for data in found for name in data.data_vars
    }  # control and members apart, as cfgrib has it
    grid = (("latitude", 91), ("longitude", 180))
    assert shapes == {
        (name, *member, ("step", 9), *grid)
        for name in ("t2m", "u10", "v10")
        for member in ((), (("number", 8),))
    }


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("octahedral_forecast", write_octahedral),
        ("ensemble_forecast", write_ensemble),
        ("climate_dt_like_grib", write_climate),
    ],
)
def test_equal_seeds_give_equal_messages(
    demo: Path, tmp_path: Path, weather: Weather, name: str, write
) -> None:
    write(tmp_path / name, weather)
    written = {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
    assert written == {file.name: file.read_bytes() for file in (demo / name).iterdir()}


def test_the_new_systems_are_small(demo: Path) -> None:
    names = ("octahedral_forecast", "ensemble_forecast", "climate_dt_like_grib")
    size = sum(file.stat().st_size for name in names for file in (demo / name).iterdir())
    size += sum((demo / name).stat().st_size for name in ("land_cover.tif", "relief.tif"))
    assert 5e6 < size < 12e6


def test_a_site_under_another_world_is_not_the_first_one(weather: Weather) -> None:
    site = weather.at(np.array([10.0, 20.0]), np.array([50.0, -40.0]))
    site.prepare()
    other = site.under(make_weather(3))
    assert np.abs(other.state(0.0).pressure - site.state(0.0).pressure).min() > 1
    alone = make_weather(3).at(site.longitude, site.latitude)
    np.testing.assert_array_equal(other.state(0.0).pressure, alone.state(0.0).pressure)
