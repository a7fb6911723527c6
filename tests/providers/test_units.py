"""CF units as UCUM codes: right where they are known, nothing where they are not."""

from __future__ import annotations

import pytest

from providers.units import ucum


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("K", "K"),
        ("degC", "Cel"),
        ("degree_Celsius", "Cel"),
        ("degrees_C", "Cel"),
        ("Pa", "Pa"),
        ("hPa", "hPa"),
        ("millibars", "mbar"),
        ("Deg C", "Cel"),
        ("KELVIN", "K"),
        ("Percent", "%"),
        ("m", "m"),
        ("m s-1", "m.s-1"),
        ("m s**-1", "m.s-1"),
        ("m.s-1", "m.s-1"),
        ("m/s", "m.s-1"),
        ("m s^-1", "m.s-1"),
        ("ms-1", "m/s"),
        ("m**2 s**-2", "m2.s-2"),
        ("m2 s-2", "m2.s-2"),
        ("kg m-2 s-1", "kg.m-2.s-1"),
        ("kg m**-2 s**-1", "kg.m-2.s-1"),
        ("W m-2", "W.m-2"),
        ("J kg-1 K-1", "J.kg-1.K-1"),
        ("kg/m^3", "kg.m-3"),
        ("1", "1"),
        ("", "1"),
        ("%", "%"),
        ("degrees", "deg"),
        ("degrees_north", "deg"),
        ("1e-3", "10*-3"),
        ("second-1", "s-1"),
        ("meter second-1", "m.s-1"),
        ("1/s", "s-1"),
        ("mm day-1", "mm.d-1"),
        ("umol m-2 s-1", "umol.m-2.s-1"),
    ],
)
def test_known_units_have_their_ucum_code(text: str, code: str) -> None:
    assert ucum(text) == code


@pytest.mark.parametrize(
    "text",
    ["psu", "furlong", "K furlong-1", "~", "m of water equivalent", "kg m-2 (snow)", "unknown",
     "numeric", "0-1", "s-", "degree_of_love"],
)  # fmt: skip
def test_unknown_units_are_not_guessed(text: str) -> None:
    assert ucum(text) is None


@pytest.mark.parametrize(
    ("text", "not_code"), [("M", "m"), ("S", "s"), ("Mg", "mg"), ("H", "h"), ("Mbar", "mbar")]
)
def test_letters_of_another_case_do_not_turn_one_unit_into_another(
    text: str, not_code: str
) -> None:
    assert ucum(text) != not_code
