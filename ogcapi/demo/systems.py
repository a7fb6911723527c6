"""The moving parts of the synthetic weather: planetary waves, cyclones, the grain of showers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Wave:
    """A travelling wave of pressure: amplitude in Pa, band of latitudes, degrees per hour."""

    number: int
    amplitude: float
    latitude: float
    width: float
    speed: float
    phase: float
    tilt: float


@dataclass(frozen=True)
class Cyclone:
    """A travelling low: place at ``peak`` (hours), drift in degrees per hour, depth in Pa."""

    longitude: float
    latitude: float
    drift_east: float
    drift_north: float
    depth: float
    sharpness: float
    peak: float
    life: float

    def strength(self, hours: float) -> float:
        """0 to 1, greatest at ``peak``."""
        return float(np.exp(-(((hours - self.peak) / self.life) ** 2)))

    def centre(self, hours: float) -> tuple[float, float]:
        since = hours - self.peak
        return self.longitude + self.drift_east * since, float(
            np.clip(self.latitude + self.drift_north * since, -78.0, 78.0)
        )


def draw_waves(rng: np.random.Generator) -> tuple[Wave, ...]:
    """Nine waves around each hemisphere; the longest ones drift westward."""
    waves = []
    for hemisphere in (1.0, -1.0):
        strength = 1.0 if hemisphere > 0 else 0.75
        for number in range(1, 10):
            amplitude = (
                strength * rng.uniform(0.7, 1.2) * (620.0 if number in (2, 3, 5, 6, 7) else 380.0)
            )
            speed = (number - 2.5) * 0.055 + rng.uniform(-0.03, 0.03)
            waves.append(
                Wave(
                    number, amplitude, hemisphere * rng.uniform(46, 58), rng.uniform(13, 20),
                    speed, rng.uniform(0, 360), hemisphere * rng.uniform(-1.6, -0.4),
                )
            )  # fmt: skip
    return tuple(waves)


def draw_cyclones(rng: np.random.Generator) -> tuple[Cyclone, ...]:
    """Two storm tracks, their lows spread around the hemisphere."""
    cyclones = []
    for hemisphere, count in ((1.0, 13), (-1.0, 12)):
        for index in range(count):
            cyclones.append(
                Cyclone(
                    longitude=360.0 * (index + rng.uniform(-0.3, 0.3)) / count,
                    latitude=hemisphere * rng.uniform(40, 63),
                    drift_east=rng.uniform(0.45, 0.85),
                    drift_north=hemisphere * rng.uniform(0.02, 0.14),
                    depth=rng.uniform(1600, 4300),
                    sharpness=rng.uniform(45, 110),
                    peak=rng.uniform(-24, 110),
                    life=rng.uniform(45, 110),
                )
            )
    return tuple(cyclones)


def draw_texture(rng: np.random.Generator) -> NDArray[np.float64]:
    """The grain of showers; rows of wave numbers east and north, degrees per hour, phase."""
    return np.stack(
        [
            rng.integers(14, 75, 12), rng.integers(-60, 60, 12),
            rng.uniform(0.1, 0.7, 12), rng.uniform(0, 6.28, 12),
        ],
        axis=1,
    ).astype(float)  # fmt: skip
