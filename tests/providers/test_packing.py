"""Stored numbers become values as netCDF4 unpacks them, and as CF and the NetCDF User Guide say where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from providers.cf.packing import packing_of
from tests.providers.memory import raw

NAN = np.nan


def unpacked(values: ArrayLike, fill: Any = None, **attributes: Any) -> NDArray[Any]:
    facts = {
        ("_" + name if name in ("FillValue", "Unsigned") else name): item
        for name, item in attributes.items()
    }
    variable = raw("v", ("x",), values, facts, fill=fill)
    return packing_of(variable).unpack(np.asarray(values))


def assert_values(got: NDArray[Any], expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-7)


def i2(*values: int) -> NDArray[np.int16]:
    return np.array(values, np.int16)


def f4(*values: Any) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_numbers_without_attributes_stay_as_they_are() -> None:
    got = unpacked(i2(1, 2, 3))
    assert got.dtype == np.int16
    assert_values(got, [1, 2, 3])


def test_scale_and_offset_apply_after_the_fill_is_found() -> None:
    got = unpacked(i2(0, 10, -1), FillValue=np.int16(-1), scale_factor=0.5, add_offset=100.0)
    assert_values(got, [100, 105, NAN])
    assert got.dtype == np.float64


def test_single_precision_attributes_give_single_precision_values() -> None:
    got = unpacked(i2(3), scale_factor=np.float32(0.1), add_offset=np.float32(0))
    assert got.dtype == np.float32


def test_large_integers_with_single_precision_attributes_keep_their_digits() -> None:
    got = unpacked(
        np.array([123_456_789], np.int32), scale_factor=np.float32(1), add_offset=np.float32(0.5)
    )
    assert_values(got, [123_456_789.5])


def test_both_fill_attributes_and_lists_of_them_count() -> None:
    got = unpacked(f4(1, -9, -8, -7), FillValue=np.float32(-9), missing_value=f4(-8, -7))
    assert_values(got, [1, NAN, NAN, NAN])


def test_a_fill_given_in_double_precision_matches_single_precision_data() -> None:
    assert_values(unpacked(f4(1e20, 1), FillValue=1e20), [NAN, 1])
    assert_values(unpacked(f4(-9999.9, 1), missing_value=-9999.9), [NAN, 1])


def test_a_fill_of_nan_leaves_zero_alone() -> None:
    assert_values(unpacked(f4(0, NAN), FillValue=np.float32(NAN)), [0, NAN])


def test_a_fill_that_the_type_cannot_hold_is_ignored() -> None:
    assert_values(unpacked(i2(0, -1, 5), FillValue=1e37, scale_factor=1.0), [0, -1, 5])
    assert_values(unpacked(i2(0, -1, 5), FillValue=NAN, scale_factor=1.0), [0, -1, 5])


def test_a_fill_as_text_of_a_number_or_not_does_no_harm() -> None:
    assert_values(unpacked(f4(-999, 1), missing_value="-999"), [NAN, 1])
    assert_values(unpacked(f4(-999, 1), missing_value="none"), [-999, 1])


def test_integers_with_gaps_become_numbers_that_can_be_missing() -> None:
    got = unpacked(np.array([1, 2, -1], np.int32), FillValue=np.int32(-1))
    assert got.dtype == np.float64
    assert_values(got, [1, 2, NAN])


def test_integers_without_a_gap_stay_integers() -> None:
    assert unpacked(i2(1, 2), FillValue=np.int16(-1)).dtype == np.int16


def test_unsigned_bytes_are_0_to_255() -> None:
    stored = np.array([0, 127, -128, -1], np.int8)
    assert_values(unpacked(stored, Unsigned="true"), [0, 127, 128, 255])
    assert_values(
        unpacked(stored, Unsigned="true", FillValue=np.int8(-1), scale_factor=2.0),
        [0, 254, 256, NAN],
    )
    assert_values(unpacked(stored, Unsigned="false"), [0, 127, -128, -1])


def test_valid_range_is_in_stored_units() -> None:
    got = unpacked(i2(-1, 0, 50, 51), valid_range=i2(0, 50), scale_factor=0.1, add_offset=20.0)
    assert_values(got, [NAN, 20, 25, NAN])
    assert_values(
        unpacked(f4(-5, 3, 99), valid_min=np.float32(0), valid_max=np.float32(50)), [NAN, 3, NAN]
    )


def test_a_valid_range_in_unpacked_units_does_not_wipe_out_the_data() -> None:
    got = unpacked(
        i2(-20_000, 0), valid_range=np.array([0.0, 50.0]), scale_factor=0.001, add_offset=25.0
    )
    assert_values(got, [5, 25])


def test_cells_never_written_are_missing() -> None:
    default = netCDF4.default_fillvals["f4"]
    assert_values(unpacked(f4(default, 1), fill=default), [NAN, 1])
    assert_values(unpacked(f4(default, 1), fill=default, FillValue=np.float32(1)), [default, NAN])


def test_unpacking_leaves_the_stored_numbers_alone() -> None:
    stored = f4(-9, 1)
    unpacked(stored, FillValue=np.float32(-9), scale_factor=2.0)
    assert_values(stored, [-9, 1])


TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"]


@given(st.data())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_packing_reads_as_netcdf4_reads_it(data: st.DataObject) -> None:
    kind = np.dtype(data.draw(st.sampled_from(TYPES)))
    integers = st.integers(0, 100) if kind.kind == "u" else st.integers(-100, 100)
    values = np.array(data.draw(st.lists(integers, min_size=1, max_size=8)), kind)
    number = integers.map(kind.type)
    attributes: dict[str, Any] = {}
    if data.draw(st.booleans()):
        attributes["missing_value"] = data.draw(number)
    if data.draw(st.booleans()):
        attributes["scale_factor"] = data.draw(st.sampled_from([0.01, 2.0, -0.5, 1.0]))
    if data.draw(st.booleans()):
        attributes["add_offset"] = data.draw(st.sampled_from([273.15, 0.0, -10.0]))
    if data.draw(st.booleans()):
        attributes["valid_min"] = data.draw(number)
    if data.draw(st.booleans()):
        attributes["valid_max"] = data.draw(number)
    fill = data.draw(st.one_of(st.none(), number))
    expected = _by_netcdf4(values, fill, attributes)
    stated = attributes if fill is None else {**attributes, "_FillValue": fill}
    variable = raw("v", ("x",), values, stated)
    np.testing.assert_allclose(packing_of(variable).unpack(values), expected, rtol=1e-6)


def _by_netcdf4(values: NDArray[Any], fill: Any, attributes: dict[str, Any]) -> NDArray[np.float64]:
    with netCDF4.Dataset("memory.nc", "w", diskless=True) as file:
        file.createDimension("x", len(values))
        made = file.createVariable("v", values.dtype, ("x",), fill_value=fill)
        made.setncatts(attributes)
        made.set_auto_maskandscale(False)
        made[:] = values
        made.set_auto_maskandscale(True)
        return np.ma.filled(np.ma.asarray(made[:]).astype(np.float64), np.nan)


@pytest.mark.parametrize("format", ["NETCDF3_CLASSIC", "NETCDF4"])
def test_a_step_never_written_is_missing_in_every_container(tmp_path: Path, format: Any) -> None:
    from providers.cube import Query
    from providers.store import Source, Store

    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format=format) as file:
        for name, size in (("time", None), ("lat", 2), ("lon", 2)):
            file.createDimension(name, size)
        file.createVariable("lat", "f8", ("lat",)).units = "degrees_north"
        file.createVariable("lon", "f8", ("lon",)).units = "degrees_east"
        file.createVariable("time", "f8", ("time",)).units = "hours since 2026-01-01"
        file["lat"][:], file["lon"][:], file["time"][:] = [0, 1], [0, 1], [0, 6]
        file.createVariable("v", "i2", ("time", "lat", "lon"))[0] = 5
    store = Store()
    values = store.dataset(Source((str(path),))).cubes[0].cube.select(Query()).values["v"]
    store.close()
    assert_values(values[0], np.full((2, 2), 5))
    assert np.isnan(values[1]).all()
