"""What variables are, from what their metadata say of them, and nothing from what they do not say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from providers.cf.kinds import is_direction, kind_of_variable
from providers.cf.methods import cell_methods, time_method
from providers.cube import VariableKind
from tests.providers.memory import raw


def kind(attributes: Mapping[str, str]) -> VariableKind:
    return kind_of_variable(raw("x", ("time",), np.zeros(2), attributes), np.dtype("f4"))


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ("time: point", "instantaneous"),
        ("time: mean", "mean"),
        ("time:mean", "mean"),
        ("time: mean (interval: 1 hour)", "mean"),
        ("time: sum (interval: 6 hours comment: packed)", "accumulated"),
        ("time: maximum", "maximum"),
        ("area: mean time: minimum", "minimum"),
        ("lat: lon: mean where land", "instantaneous"),
        ("area: mean", "instantaneous"),
        ("time: lat: lon: mean", "mean"),
        ("time: maximum within days time: mean over days", "mean"),
        ("time: mean within years time: maximum over years", "maximum"),
        ("time: standard_deviation", "instantaneous"),
        ("height: mean time: sum area: mean", "accumulated"),
        ("realization: mean", "instantaneous"),
        ("mean", "instantaneous"),
        ("", "instantaneous"),
    ],
)
def test_cell_methods_say_what_was_done_over_time(methods: str, expected: str) -> None:
    assert kind({"cell_methods": methods}).value == expected


def test_the_parts_of_cell_methods() -> None:
    (first, second) = cell_methods("lat: lon: mean where land (interval: 1 degree) time: sum")
    assert (first.names, first.method, first.qualifiers) == (
        ("lat", "lon"),
        "mean",
        ("where", "land"),
    )
    assert first.comment == "interval: 1 degree"
    assert (second.names, second.method) == (("time",), "sum")
    climate = time_method({"cell_methods": "time: minimum within days time: mean over days"})
    assert climate is not None
    assert climate.is_climatological
    assert time_method({"cell_methods": "area: mean"}) is None


@pytest.mark.parametrize(
    ("step_type", "expected"),
    [
        ("accum", "accumulated"),
        ("avg", "mean"),
        ("max", "maximum"),
        ("min", "minimum"),
        ("instant", "instantaneous"),
    ],
)
def test_files_converted_from_grib_keep_the_type_of_their_step(
    step_type: str, expected: str
) -> None:
    assert kind({"GRIB_stepType": step_type}).value == expected
    assert (
        kind({"GRIB_stepType": step_type, "cell_methods": "time: point"}).value == "instantaneous"
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {"standard_name": "wind_from_direction", "units": "degree"},
        {"standard_name": "wind_to_direction"},
        {"standard_name": "sea_surface_wave_from_direction", "units": "degrees"},
        {"standard_name": "sea_surface_swell_wave_to_direction", "units": "degree"},
        {"standard_name": "sea_surface_wave_from_direction_at_variance_spectral_density_maximum"},
        {"standard_name": "sea_water_velocity_to_direction", "units": "degree"},
        {"standard_name": "direction_of_sea_ice_velocity", "units": "degree"},
        {"standard_name": "solar_azimuth_angle", "units": "degree"},
        {"standard_name": "wind_from_direction", "units": "rad"},
        {"units": "Degree true", "long_name": "Mean wave period of something"},
        {"units": "Degree true", "standard_name": "unknown", "long_name": "Mean wave direction"},
        {"units": "degrees", "long_name": "Wind direction at 10 m"},
    ],
)
def test_bearings_are_directions(attributes: Mapping[str, str]) -> None:
    assert is_direction(attributes)
    assert kind(attributes) is VariableKind.DIRECTION


@pytest.mark.parametrize(
    "attributes",
    [
        {"standard_name": "sea_surface_wave_directional_spread", "units": "degree"},
        {"standard_name": "sea_surface_wave_directional_variance_spectral_density"},
        {"standard_name": "wind_speed", "units": "m s-1"},
        {"standard_name": "wind_from_direction", "units": "m s-1"},
        {"standard_name": "solar_zenith_angle", "units": "degree"},
        {"units": "degrees", "long_name": "Directional width"},
        {"units": "degrees", "long_name": "Standard deviation of wind direction"},
        {"units": "degree", "long_name": "Wave direction spread"},
        {"units": "degree_true", "long_name": "Bias of wave direction"},
        {"units": "degrees", "long_name": "Slope"},
        {"units": "degree_Celsius", "long_name": "Direction"},
        {"units": "1", "long_name": "Wind direction"},
        {"long_name": "Wind direction"},
        {},
    ],
)
def test_nothing_else_is_a_direction(attributes: Mapping[str, str]) -> None:
    assert not is_direction(attributes)
