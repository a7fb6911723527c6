"""Colours: every kind of variable gets some, and categories each their own."""

from __future__ import annotations

import numpy as np
import pytest

from providers.cube import Variable, VariableKind
from providers.styles import COLOURS, default_style, is_colormap


def variable(kind: VariableKind, **more) -> Variable:
    return Variable("v", None, (), kind=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(VariableKind))
def test_every_kind_of_variable_can_be_drawn(kind):
    style = default_style(variable(kind, categories={0: "a", 7: "b"}), 0.0, 7.0)
    index = style.index(np.array([0.0, 7.0, np.nan]))
    palette = style.palette()
    assert palette.shape == (256, 4)
    assert index[2] == 0
    assert palette[0, 3] == 0
    assert palette[index[0], 3] == palette[index[1], 3] == 255


def test_each_code_of_a_category_has_a_colour_of_its_own():
    codes = {code: f"class {code}" for code in (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)}
    style = default_style(variable(VariableKind.CATEGORY, categories=codes), 10.0, 100.0)
    index = style.index(np.array(list(codes), np.uint8))
    assert len(set(index.tolist())) == len(codes)
    assert len({tuple(colour) for colour in style.palette()[index]}) == len(codes)


def test_values_beyond_the_range_take_its_ends():
    style = default_style(variable(VariableKind.INSTANT), 0.0, 10.0)
    low, high = style.index(np.array([-1e9, 1e9]))
    assert (low, high) == (1, COLOURS)


def test_an_anomaly_is_centred_on_zero():
    style = default_style(variable(VariableKind.INSTANT, title="temperature anomaly"), -1.0, 5.0)
    assert style.low == -style.high


def test_a_colour_map_that_does_not_exist_is_known_as_such():
    assert is_colormap("viridis")
    assert not is_colormap("no-such-map")
