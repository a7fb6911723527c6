"""The climate run of the demo: GRIB 2 on nested HEALPix cells with the metadata of the Climate DT."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ogcapi.demo import grib
from ogcapi.demo.fields import Site, State, Weather
from ogcapi.demo.land import Floats

LEVEL = 6  # Nside 64
DAYS = 3
HOURS = (0, 6, 12, 18)
PRESSURES = (1000, 850, 500, 250)  # hPa

DESTINE = {
    "class": "d1", "dataset": "climate-dt", "activity": "ScenarioMIP", "experiment": "SSP3-7.0",
    "generation": 1, "model": "IFS-NEMO", "realization": 1, "resolution": "standard",
    "stream": "clte", "type": "fc", "expver": grib.EXPERIMENT,
}  # fmt: skip

LAPSE_EXPONENT = 287.05 * 0.0062 / 9.80665  # of pressure, for 6.2 K per km


def write_climate(folder: Path, weather: Weather) -> None:
    """One file per day: 2t and the temperature of four pressure levels, every six hours."""
    folder.mkdir()
    grid, longitude, latitude = grib.healpix(LEVEL)
    # A cyclone is added to a run of points near its latitude: in ring order that run is short.
    order = np.argsort(latitude, kind="stable")
    site = weather.at(longitude[order], latitude[order])
    site.prepare()
    nested_order = np.argsort(order)
    for day in range(DAYS):
        date = grib.start(24 * day)["dataDate"]
        with (folder / f"{date}.grib2").open("wb") as file:
            for hour in HOURS:
                hours = float(24 * day + hour)
                with grib.template(_header() | grid | grib.start(hours)) as shared:
                    state = site.state(hours)
                    surface = site.air_temperature(state, hours)[nested_order]
                    file.write(grib.message(shared, "2t", surface, {"shortName": "2t"}))
                    for pressure in PRESSURES:
                        upper = upper_temperature(site, state, hours, pressure)[nested_order]
                        keys = {"shortName": "t", "typeOfLevel": "isobaricInhPa", "level": pressure}
                        file.write(grib.message(shared, "t", upper, keys))


def _header() -> dict[str, object]:
    """The status of a DestinE product has to come before the keys that only such a product has."""
    shared = grib.header(subCentre=1003, localTablesVersion=1, significanceOfReferenceTime=2)
    return shared | {"productionStatusOfProcessedData": grib.DESTINE_TEST_PRODUCT} | DESTINE


def upper_temperature(site: Site, state: State, hours: float, pressure: float) -> Floats:
    """Air temperature in K on a pressure level (hPa): troposphere below, stratosphere above.

    The troposphere cools by 6.2 K per km from the air at the ground, without its daily wave and
    with half of what a cold winter surface lacks; the stratosphere is coldest over the tropics.
    """
    # The daily wave has the opposite sign twelve hours later.
    ground = 0.5 * (site.air_temperature(state, hours) + site.air_temperature(state, hours + 12.0))
    ground = ground + np.float32(0.0062) * site.height
    ground = ground + np.float32(0.5) * np.maximum(np.float32(275.0) - ground, 0)
    troposphere = ground * np.float32((pressure / 1000.0) ** LAPSE_EXPONENT)
    tropics = np.exp(-((site.latitude / np.float32(25.0)) ** 2))
    stratosphere = np.float32(219.0) - np.float32(21.0) * tropics
    blend = np.float32(4.0)  # K over which one passes into the other
    upper: Floats = blend * np.logaddexp(troposphere / blend, stratosphere / blend)
    return upper
