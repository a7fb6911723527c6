"""The GRIB forecasts of the demo: one on the octahedral grid, an ensemble; two runs of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ogcapi.demo import grib
from ogcapi.demo.fields import Site, Weather
from ogcapi.demo.forecast_errors import forecast_world
from ogcapi.demo.land import Floats

RUNS = (0, 12)  # hours since the epoch of the weather
OCTAHEDRAL = 96
STEPS = tuple(range(0, 25, 6))
DEGREES = 2.0
ENSEMBLE_STEPS = tuple(range(0, 49, 6))
MEMBERS = 9  # the control among them


def write_octahedral(folder: Path, weather: Weather) -> None:
    """One file per run: 2t, 10u, 10v, msl at each step, tp accumulated from the start of the run."""
    folder.mkdir()
    grid, longitude, latitude = grib.octahedral(OCTAHEDRAL)
    site = weather.at(longitude, latitude)
    site.prepare()
    for run in RUNS:
        keys = grib.header(**{"class": "od"}, stream="oper", type="fc", **grid, **grib.start(run))
        with grib.template(keys) as shared, _run_file(folder, run).open("wb") as file:
            rain: Floats = 0.0 * site.land
            for step in STEPS:
                for name, values in _moment(site, weather, run, step):
                    file.write(_instant(shared, name, step, values))
                rain = rain + _rain_since(STEPS, step, site, weather, run)
                if step:
                    file.write(_accumulated(shared, "tp", step, rain))


def write_ensemble(folder: Path, weather: Weather) -> None:
    """One file per run: 2t, 10u, 10v of the control (type cf, number 0) and the perturbed members."""
    folder.mkdir()
    grid, longitude, latitude = grib.regular(DEGREES)
    site = weather.at(longitude, latitude)
    site.prepare()
    for run in RUNS:
        keys = grib.header(**{"class": "od"}, stream="enfo", **grid, **grib.start(run))
        member = {
            "productDefinitionTemplateNumber": grib.MEMBER,
            "numberOfForecastsInEnsemble": MEMBERS,
        }
        with grib.template({**keys, **member}) as shared, _run_file(folder, run).open("wb") as file:
            for step in ENSEMBLE_STEPS:
                for number in range(MEMBERS):
                    for name, values in _moment(site, weather, run, step, number):
                        if name != "msl":
                            file.write(_instant(shared, name, step, values, **_member(number)))


def _run_file(folder: Path, run: int) -> Path:
    time = grib.start(run)
    return folder / f"{time['dataDate']}{time['dataTime'] // 100:02d}.grib2"


def _moment(
    site: Site, weather: Weather, run: int, step: int, member: int = 0
) -> Iterator[tuple[str, Floats]]:
    """The fields that a forecast has for one step."""
    there = site.under(forecast_world(weather, run, step, member))
    hours = float(run + step)
    state = there.state(hours)
    eastward, northward = there.wind(state)
    yield "2t", there.air_temperature(state, hours)
    yield "10u", eastward
    yield "10v", northward
    yield "msl", there.sea_level_pressure(state, hours)


def _rain_since(
    steps: tuple[int, ...], step: int, site: Site, weather: Weather, run: int
) -> Floats:
    """Rain in kg m-2 from the step before, hour by hour by the rate near the middle of the hour."""
    before = max((other for other in steps if other < step), default=step)
    total: Floats = 0.0 * site.land
    for hour in range(before, step):
        there = site.under(forecast_world(weather, run, hour + 0.5))
        state = there.state(run + hour + 0.5)
        total = total + there.precipitation_rate(state, run + hour + 0.5)
    return total


def _instant(shared: int, name: str, step: int, values: Floats, **keys: Any) -> bytes:
    return grib.message(shared, name, values, {**keys, "shortName": name, "step": step})


def _accumulated(shared: int, name: str, step: int, values: Floats) -> bytes:
    """Since the start of the run; ``tp`` in kg m-2 has paramId 228228 in GRIB 2."""
    keys = {
        "productDefinitionTemplateNumber": grib.ACCUMULATED,
        "paramId": 228228, "stepRange": f"0-{step}",
    }  # fmt: skip
    return grib.message(shared, name, values, keys)


def _member(number: int) -> dict[str, Any]:
    """MARS type and number; code table 4.6 knows an unperturbed and a multi-model forecast."""
    return {
        "type": "pf" if number else "cf",
        "perturbationNumber": number,
        "typeOfEnsembleForecast": 4 if number else 1,
    }
