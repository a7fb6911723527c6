"""How forecasts of the synthetic weather go wrong: systems too early, too far, too deep.

A forecast samples the same world with its waves and cyclones displaced. The displacement is drawn
once for a run and a member and grows with lead time, so errors stay smooth in space and time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ogcapi.demo.fields import Weather
from ogcapi.demo.land import Floats
from ogcapi.demo.systems import Cyclone, Wave

FULL_GROWTH = 48.0  # hours of lead after which a displacement is what was drawn
CONTROL_ERROR = 0.6  # of the displacement of a member
START_SPREAD = 0.25  # of the displacement at full growth, for members at lead 0

PHASE, AMPLITUDE = 9.0, 0.10  # standard deviations: degrees of a wave, fraction
EAST, NORTH, DEPTH = 2.5, 1.2, 0.15  # degrees, degrees, fraction of a cyclone
SHOWERS = 0.5  # radians of the grain of showers


def forecast_world(weather: Weather, run: float, lead: float, member: int = 0) -> Weather:
    """The world as a run of hour ``run`` has it ``lead`` hours later.

    Member 0 is the control: it starts from the weather itself. The others are spread around it.
    """
    growth = lead / FULL_GROWTH
    shift = CONTROL_ERROR * growth * _draw(weather, run, 0)
    if member:
        shift = shift + (START_SPREAD + growth) * _draw(weather, run, member)
    waves, cyclones = len(weather.waves), len(weather.cyclones)
    texture = weather.texture.copy()
    texture[:, 3] += SHOWERS * shift[waves + cyclones :, 0]
    return replace(
        weather,
        waves=tuple(map(_moved_wave, weather.waves, shift[:waves])),
        cyclones=tuple(map(_moved_cyclone, weather.cyclones, shift[waves : waves + cyclones])),
        texture=texture,
    )


def _draw(weather: Weather, run: float, member: int) -> Floats:
    """Standard normal numbers without outliers, a row of three for each system."""
    rng = np.random.default_rng([weather.seed, int(run), member])
    systems = len(weather.waves) + len(weather.cyclones) + len(weather.texture)
    return np.clip(rng.standard_normal((systems, 3)), -2.0, 2.0)


def _moved_wave(wave: Wave, shift: Floats) -> Wave:
    return replace(
        wave,
        phase=wave.phase + PHASE * float(shift[0]),
        amplitude=wave.amplitude * (1.0 + AMPLITUDE * float(shift[1])),
    )


def _moved_cyclone(cyclone: Cyclone, shift: Floats) -> Cyclone:
    return replace(
        cyclone,
        longitude=cyclone.longitude + EAST * float(shift[0]),
        latitude=cyclone.latitude + NORTH * float(shift[1]),
        depth=cyclone.depth * (1.0 + DEPTH * float(shift[2])),
    )
