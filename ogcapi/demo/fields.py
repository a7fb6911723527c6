"""Synthetic weather: smooth functions of longitude, latitude and time that look like a January.

Planetary waves and travelling cyclones make one pressure field. Wind balances its gradient with
friction, the temperature field is folded by the same systems (which makes the fronts), rain
falls along those fronts and in the tropical rain belt. Every demo store samples this one world,
so a value at a place and time agrees between stores up to grid and averaging.

Times are hours since ``EPOCH``. Results are float32 and have the broadcast shape of longitude
and latitude; a column of latitudes with a row of longitudes is much cheaper than a full grid.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ogcapi.demo.land import Floats, land_fraction, terrain_height
from ogcapi.demo.systems import Cyclone, Wave, draw_cyclones, draw_texture, draw_waves

EPOCH = np.datetime64("2026-01-01T00:00:00", "s")

EARTH_RADIUS = 6.371e6
ROTATION = 7.292e-5
AIR_DENSITY = 1.2
CYCLONE_REACH = 26.0  # degrees of latitude beyond which a cyclone is not felt


@dataclass(frozen=True)
class Weather:
    """One world: its waves and cyclones, all drawn from the seed."""

    seed: int
    waves: tuple[Wave, ...]
    cyclones: tuple[Cyclone, ...]
    texture: NDArray[np.float64]

    def at(self, longitude: ArrayLike, latitude: ArrayLike) -> Site:
        """The weather over points given in degrees."""
        return Site(
            self,
            np.asarray(longitude, dtype=np.float32),
            np.asarray(latitude, dtype=np.float32),
        )


def make_weather(seed: int) -> Weather:
    """Draw a world; equal seeds give equal worlds."""
    rng = np.random.default_rng(seed)
    return Weather(seed, draw_waves(rng), draw_cyclones(rng), draw_texture(rng))


@dataclass(frozen=True)
class State:
    """What all variables of one moment share.

    ``pressure`` is the anomaly from the zonal mean in Pa with its gradients per metre, ``fold`` the
    degrees by which air at a point came from further south, ``storm`` 0 to about 1 near a low.
    """

    pressure: Floats
    eastward: Floats
    northward: Floats
    fold: Floats
    storm: Floats


@dataclass(frozen=True)
class Site:
    """The weather over fixed points; holds what does not change with time."""

    weather: Weather
    longitude: Floats
    latitude: Floats
    _waves: dict[int, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.longitude.shape, self.latitude.shape)

    def prepare(self) -> None:
        """Fill every table that times share; needed before threads share the site."""
        numbers = {wave.number for wave in self.weather.waves}
        for east in self.weather.texture[:, 0].astype(int):
            numbers |= {int(east), int(east) // 3}
        for number in sorted(numbers):
            self._harmonic(number)
        _ = self.height, self._sin_cos_lat

    def under(self, weather: Weather) -> Site:
        """The same points in another world; after ``prepare`` the two share their tables."""
        other = copy(self)
        object.__setattr__(other, "weather", weather)
        return other

    @cached_property
    def land(self) -> Floats:
        """Fraction of land, 0 to 1."""
        return land_fraction(self.longitude, self.latitude)

    @cached_property
    def height(self) -> Floats:
        """Terrain in metres."""
        return terrain_height(self.longitude, self.latitude, self.land)

    @cached_property
    def _sin_cos_lat(self) -> tuple[Floats, Floats]:
        phi = np.deg2rad(self.latitude)
        return np.sin(phi), np.maximum(np.cos(phi), np.float32(0.02))

    def _harmonic(self, number: int) -> tuple[Floats, Floats]:
        if number not in self._waves:
            angle = np.deg2rad(np.float32(number) * self.longitude)
            self._waves[number] = (np.cos(angle), np.sin(angle))
        return self._waves[number]

    def state(self, hours: float) -> State:
        """Pressure systems at a time."""
        pressure, eastward, northward = (np.zeros(self.shape, np.float32) for _ in range(3))
        fold = np.zeros(self.shape, np.float32)
        storm = np.zeros(self.shape, np.float32)
        per_radian = np.float32(1.0 / EARTH_RADIUS)
        _, cos_lat = self._sin_cos_lat
        for number, terms in self._wave_terms(hours).items():
            cosine, sine = self._harmonic(number)
            c, s, dc, ds = terms
            pressure += c * cosine + s * sine
            scale = np.float32(number) * per_radian / cos_lat
            along = (s * scale) * cosine - (c * scale) * sine
            eastward += along
            northward += (dc * per_radian) * cosine + (ds * per_radian) * sine
            # Southerly flow lies where pressure rises eastward (north of the equator).
            fold += along * (np.float32(3600.0) * np.tanh(self.latitude / 20.0))
        for cyclone in self.weather.cyclones:
            self._add_cyclone(cyclone, hours, (pressure, eastward, northward, fold, storm))
        return State(pressure, eastward, northward, fold, storm)

    def _wave_terms(self, hours: float) -> dict[int, tuple[Floats, Floats, Floats, Floats]]:
        """Per wave number the factors of cos and sin, and their derivatives by latitude (rad)."""
        terms: dict[int, tuple[Floats, Floats, Floats, Floats]] = {}
        for wave in self.weather.waves:
            distance = (self.latitude - np.float32(wave.latitude)) / np.float32(wave.width)
            _, cos_lat = self._sin_cos_lat
            envelope = np.float32(wave.amplitude) * np.exp(-(distance**2)) * cos_lat
            slope = np.float32(-2.0 / np.deg2rad(wave.width)) * distance * envelope
            slope -= envelope * np.tan(np.deg2rad(np.clip(self.latitude, -88, 88)))
            crest = wave.number * wave.speed * hours + wave.phase
            angle = np.deg2rad(np.float32(crest % 360.0) + np.float32(wave.tilt) * self.latitude)
            c, s = envelope * np.cos(angle), envelope * np.sin(angle)
            tilt = np.float32(wave.tilt)
            dc = slope * np.cos(angle) - tilt * s
            ds = slope * np.sin(angle) + tilt * c
            old = terms.get(wave.number)
            terms[wave.number] = (
                (c, s, dc, ds) if old is None
                else (old[0] + c, old[1] + s, old[2] + dc, old[3] + ds)
            )  # fmt: skip
        return terms

    def _add_cyclone(self, cyclone: Cyclone, hours: float, into: tuple[Floats, ...]) -> None:
        """Add a low and the fold of the air around it, only to the rows it reaches."""
        strength = cyclone.strength(hours)
        lon0, lat0 = cyclone.centre(hours)
        near = np.abs(self.latitude - lat0) < CYCLONE_REACH
        rows = (
            np.flatnonzero(near.reshape(near.shape[0], -1).any(axis=1)) if near.ndim else near[None]
        )
        if strength < 0.02 or not rows.size or not near.any():
            return
        part = slice(int(rows[0]), int(rows[-1]) + 1) if near.ndim else Ellipsis
        sin_lat, cos_lat = (table[part] for table in self._sin_cos_lat)
        longitude = (
            self.longitude[part] if self.longitude.shape[:1] == near.shape[:1] else self.longitude
        )
        delta = np.deg2rad(longitude - np.float32(lon0))
        sin0, cos0 = np.float32(np.sin(np.deg2rad(lat0))), np.float32(np.cos(np.deg2rad(lat0)))
        cos_delta, sin_delta = np.cos(delta), np.sin(delta)
        low = np.exp(
            np.float32(cyclone.sharpness) * ((sin_lat * sin0 - 1) + (cos_lat * cos0) * cos_delta)
        )
        pressure, eastward, northward, fold, storm = (array[part] for array in into)
        depth = np.float32(-cyclone.depth * strength)
        slope = np.float32(depth * cyclone.sharpness / EARTH_RADIUS) * low
        pressure += depth * low
        eastward -= slope * (cos0 * sin_delta)
        northward += slope * ((cos_lat * sin0) - (sin_lat * cos0) * cos_delta)
        # Air turns about the centre: the angle falls off outward, which winds up the front.
        east = np.float32(57.3) * sin_delta * cos_lat
        north = self.latitude[part] - np.float32(lat0)
        turn = np.float32(np.sign(lat0) * 2.4 * strength) * low
        fold += east * np.sin(turn) + north * (1 - np.cos(turn))
        storm += np.float32(strength) * low

    def sea_level_pressure(self, state: State, hours: float) -> Floats:
        """Mean sea level pressure in Pa."""
        high_land = np.float32(900.0) * self._band(50.0, 14.0) - np.float32(500.0) * self._band(
            -22.0, 12.0
        )
        tide = (
            np.float32(110.0)
            * self._sin_cos_lat[1] ** 3
            * np.cos(2 * self._solar_angle(hours, highest=10.0))
        )
        pressure: Floats = self._zonal_pressure() + high_land * self.land + tide + state.pressure
        return pressure

    def wind(self, state: State) -> tuple[Floats, Floats]:
        """Eastward and northward wind at 10 m in m s-1: pressure gradient, rotation, friction."""
        step = np.float32(0.1)
        zonal_slope = (self._zonal_pressure(step) - self._zonal_pressure(-step)) / np.float32(
            2 * np.deg2rad(0.1) * EARTH_RADIUS
        )
        coriolis = np.float32(2 * ROTATION) * self._sin_cos_lat[0]
        drag = np.float32(4.5e-5) + np.float32(4.5e-5) * self.land
        factor = np.float32(0.8 / AIR_DENSITY) / (drag**2 + coriolis**2)
        northward = state.northward + zonal_slope
        u = -factor * (drag * state.eastward + coriolis * northward)
        v = factor * (coriolis * state.eastward - drag * northward)
        return self._gusty(u, v)

    def _gusty(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Hold winds below about 40 m s-1 smoothly, direction kept."""
        limit = 1 / np.sqrt(1 + (u * u + v * v) * np.float32(1 / 40.0**2))
        return u * limit, v * limit

    def air_temperature(self, state: State, hours: float) -> Floats:
        """Air temperature at 2 m in K."""
        origin = self.latitude - state.fold
        mild = np.float32(300.0) - np.float32(22.0) * np.sin(np.deg2rad(origin + 9.0)) ** 2
        northern = np.float32(-8.0) * np.tanh((origin - 44.0) * np.float32(1 / 3.5))
        southern = np.float32(-5.0) * np.tanh((-origin - 47.0) * np.float32(1 / 3.5))
        polar = (
            np.float32(-8.0)
            * np.float32(1.0)
            / (1 + np.exp((62.0 - self.latitude) * np.float32(0.2)))
        )
        season = (
            np.float32(-17.0) * self._band(63.0, 17.0)
            + np.float32(4.0) * self._band(-25.0, 15.0)
            - np.float32(12.0) * self._band(-82.0, 9.0)
        )
        # The warm Atlantic west of Europe, the cold interior of Asia.
        from_west = np.exp(1.8 * (np.cos(np.deg2rad(self.longitude + 5.0)) - 1.0))
        inland = np.exp(1.8 * (np.cos(np.deg2rad(self.longitude - 115.0)) - 1.0))
        season = season + (11.0 * from_west - 9.0 * inland) * self._band(60.0, 14.0)
        warmth = self._band(-10.0, 45.0)
        sunlit = np.float32(0.5) + np.float32(5.5) * warmth
        daily = self.land * sunlit * np.cos(self._solar_angle(hours, highest=14.5))
        temperature: Floats = (
            mild + northern + southern + polar - 9.0
            + self.land * season + daily - np.float32(0.0062) * self.height
        )  # fmt: skip
        return temperature

    def precipitation_rate(self, state: State, hours: float) -> Floats:
        """Rain and snow in kg m-2 per hour, zero over most of the world."""
        origin = self.latitude - state.fold
        grain = self._grain(hours)
        front = np.exp(-(((np.abs(origin) - 46.0) * np.float32(1 / 3.2)) ** 2))
        lift = np.clip(state.storm * 1.6 - state.pressure * np.float32(1 / 5000.0), 0, 1.8)
        frontal = np.float32(3.2) * front * lift * (1 + np.float32(0.35) * grain)
        belt_lat = (
            np.float32(-5.0)
            + np.float32(4.0) * np.sin(np.deg2rad(2 * self.longitude + 40.0))
            - np.float32(4.0) * self.land
        )
        belt = np.exp(-(((self.latitude - belt_lat) * np.float32(1 / 6.5)) ** 2))
        pulse = np.cos(np.deg2rad(7 * self.longitude + np.float32(2.3 * hours % 360)))
        afternoon = 1 + np.float32(0.7) * self.land * np.cos(self._solar_angle(hours, highest=17.0))
        showers = np.float32(3.4) * belt * np.clip(grain + 0.45 * pulse - 0.35, 0, None) * afternoon
        drizzle = np.float32(0.25)
        rate: Floats = np.clip(frontal - drizzle, 0, None) + np.clip(showers - drizzle, 0, None)
        return rate

    def sea_temperature(self, depth: float, hours: float) -> Floats:
        """Sea water potential temperature in degrees Celsius; says nothing of land."""
        origin = self.latitude + np.float32(6.0) - self._eddies(hours)
        surface = (
            np.float32(29.5) * np.exp(-((np.abs(origin) / 40.0) ** 2.6)) - 1.3
            + np.float32(1.2) * np.sin(np.deg2rad(self.longitude + 20.0)) * self._band(0.0, 20.0)
        )  # fmt: skip
        deep = np.float32(1.2) + np.float32(1.6) * self._band(20.0, 40.0)
        mixing = np.float32(np.exp(-((max(depth - 40.0, 0.0) / 420.0) ** 0.85)))
        return np.maximum(deep + (surface - deep) * mixing, np.float32(-1.8))

    def salinity(self, depth: float, hours: float) -> Floats:
        """Sea water practical salinity (1)."""
        surface = (
            np.float32(34.3) + np.float32(1.9) * (self._band(25.0, 13.0) + self._band(-24.0, 13.0))
            - np.float32(2.6) * self._band(85.0, 18.0) - np.float32(0.7) * self._band(5.0, 7.0)
            + np.float32(1.0) * np.cos(np.deg2rad(self.longitude + 35.0)) * self._band(20.0, 30.0)
            + np.float32(0.06) * self._eddies(hours)
        )  # fmt: skip
        mixing = np.float32(np.exp(-depth / 600.0))
        salinity: Floats = np.float32(34.75) + (surface - np.float32(34.75)) * mixing
        return salinity

    def _band(self, centre: float, width: float) -> Floats:
        return np.exp(-(((self.latitude - np.float32(centre)) / np.float32(width)) ** 2))

    def _zonal_pressure(self, shift: float | np.float32 = 0.0) -> Floats:
        latitude = self.latitude + np.float32(shift)

        def band(centre: float, width: float) -> Floats:
            return np.exp(-(((latitude - np.float32(centre)) / np.float32(width)) ** 2))

        zonal: Floats = (
            np.float32(101300.0) + np.float32(1250.0) * (band(31, 12) + band(-33, 11))
            - np.float32(450.0) * band(-5, 13) - np.float32(900.0) * band(61, 10)
            - np.float32(2500.0) * band(-65, 11)
        )  # fmt: skip
        return zonal

    def _solar_angle(self, hours: float, *, highest: float) -> Floats:
        """Radians that are 0 at the local solar hour ``highest``."""
        angle: Floats = np.deg2rad(self.longitude + np.float32((15.0 * (hours - highest)) % 360.0))
        return angle

    def _grain(self, hours: float) -> Floats:
        """A moving texture around 0, about -2 to 2."""
        total = np.zeros(self.shape, np.float32)
        for east, north, drift, phase in self.weather.texture:
            cosine, sine = self._harmonic(int(east))
            angle = np.deg2rad(np.float32(north) * self.latitude) + np.float32(
                (phase + np.deg2rad(east * drift * hours)) % (2 * np.pi)
            )
            total += np.cos(angle) * cosine + np.sin(angle) * sine
        return total * np.float32(0.4)

    def _eddies(self, hours: float) -> Floats:
        """Degrees of latitude by which currents meander, strongest in the middle latitudes."""
        total = np.zeros(self.shape, np.float32)
        for east, north, drift, phase in self.weather.texture[:7]:
            cosine, sine = self._harmonic(int(east // 3))
            angle = np.deg2rad(np.float32(north / 3) * self.latitude) + np.float32(
                (phase + np.deg2rad(east * drift * hours / 60)) % (2 * np.pi)
            )
            total += np.cos(angle) * cosine + np.sin(angle) * sine
        strength = np.float32(0.35) + np.float32(1.0) * (
            self._band(41.0, 9.0) + self._band(-43.0, 9.0)
        )
        return total * strength
