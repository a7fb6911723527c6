"""Finding the messages of a file: held against ecCodes, on real, made and damaged files."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import SourceUnavailable
from providers.grib import headers, sources
from providers.grib.frames import Damage, Frame, header_message, message_bytes, scan
from providers.grib.keys import LOCK, describe, opened

SAMPLES = ("regular_ll_sfc_grib1", "regular_ll_sfc_grib2")
OF_THE_VALUES = {
    "totalLength", "getNumberOfValues", "numberOfCodedValues", "dataLength", "section4Length", "section6Length",
    "section7Length", "md5Section6", "md5Section7", "md5Headers", "isMessageValid", "numberOfMissing", "isConstant",
    "bitMapIndicator", "bitmapPresent", "legacyGaussSubarea", "energyNorm", "unpackedValues", "packedValues", "values",
    "codedValues", "latLonValues", "latitudes", "longitudes", "distinctLatitudes", "distinctLongitudes", "bitmap",
    "maximum", "minimum", "average", "standardDeviation", "skewness", "kurtosis",
}  # fmt: skip
OF_THE_TIME = {
    "dataDate", "dataTime", "year", "month", "day", "hour", "minute", "second", "date", "time", "validityDate",
    "validityTime", "validityDateTime", "julianDay", "yearOfCentury", "centuryOfReferenceTimeOfData", "md5Section1",
    "md5Product",
}  # fmt: skip
OF_THE_PACKING = {
    "referenceValue", "binaryScaleFactor", "referenceValueError", "md5Section5", "packingError", "bitsPerValue",
    "section1Flags", "numberOfValues", "md5Section4",
}  # fmt: skip
OF_THE_BITMAP = {
    "numberOfValues", "md5Section1", "md5Section3", "section3Length", "tableReference",
    "numberOfUnusedBitsAtEndOfSection3", "missingDataFlag", "section1Flags", "section3Padding", "padding_sec3_1",
}  # fmt: skip
SPECTRAL = {"numberOfDataPoints", "numberOfValues"}
"""Keys that ecCodes counts in the values themselves where the field is spectral."""


class Bytes:
    """A source in memory that counts what is read of it."""

    is_remote = False

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.count = 0

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= self.size
        self.count += length
        return self.data[offset : offset + length]

    @contextmanager
    def held(self) -> Iterator[Bytes]:
        yield self


def local(path: Path) -> sources.ByteSource:
    return sources.open_source(str(path), sources.fingerprint(str(path)))


def frames(items: list[Frame | Damage]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def damages(items: list[Frame | Damage]) -> list[Damage]:
    return [item for item in items if isinstance(item, Damage)]


def found(data: bytes) -> list[Frame | Damage]:
    return list(scan(Bytes(data)))


def message(sample: str = SAMPLES[1], values: Any = None, **keys: Any) -> bytes:
    with LOCK:
        handle = eccodes.codes_grib_new_from_samples(sample)
        try:
            for name, value in keys.items():
                eccodes.codes_set(handle, name, value)
            if values is not None:
                eccodes.codes_set_values(handle, np.asarray(values, float))
            return bytes(eccodes.codes_get_message(handle))
        finally:
            eccodes.codes_release(handle)


def values_of(data: bytes) -> np.ndarray[Any, Any]:
    with opened(data) as handle:
        return np.asarray(eccodes.codes_get_values(handle))


def metadata(data: bytes) -> dict[str, Any]:
    """All keys of a message in all namespaces, and what no namespace has."""
    with opened(data) as handle:
        names = {
            "md5GridSection",
            "pl",
            "pv",
            "gridType",
            "packingType",
            "bitsPerValue",
            "paramId",
            "stepRange",
        }
        for space in (None, "ls", "mars", "geography", "time", "parameter", "vertical"):
            iterator = eccodes.codes_keys_iterator_new(handle, space)
            while eccodes.codes_keys_iterator_next(iterator):
                names.add(eccodes.codes_keys_iterator_get_name(iterator))
            eccodes.codes_keys_iterator_delete(iterator)
        return {name: _value(handle, name) for name in names - OF_THE_VALUES}


def _value(handle: int, name: str) -> Any:
    try:
        if eccodes.codes_get_size(handle, name) == 1:
            return eccodes.codes_get_string(handle, name)
        return tuple(eccodes.codes_get_array(handle, name))
    except (eccodes.CodesInternalError, IndexError) as error:
        return str(error)


def reference(data: bytes) -> int:
    """Reference time by ecCodes, microseconds since 1970."""
    with opened(data) as handle:
        year, month, day, hour, minute, second = (
            eccodes.codes_get_long(handle, name)
            for name in ("year", "month", "day", "hour", "minute", "second")
        )
        if eccodes.codes_get_long(handle, "edition") == 1:
            year = eccodes.codes_get_long(handle, "dataDate") // 10_000
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000


# real files


def test_every_message_is_found_where_eccodes_finds_it(grib_files: list[Path]) -> None:
    for path in grib_files:
        if "corrupted" in path.name:
            continue
        items = list(scan(local(path)))
        assert not damages(items), path.name
        with path.open("rb") as file:
            offsets = []
            while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                offset = eccodes.codes_get_long(handle, "offset")
                offsets.append((offset, eccodes.codes_get_long(handle, "totalLength")))
                eccodes.codes_release(handle)
        assert [frame.ranges for frame in frames(items)] == [(place,) for place in offsets]
        assert [frame.number for frame in frames(items)] == list(range(1, len(offsets) + 1))


def test_the_good_message_behind_a_corrupt_one_is_found(grib_folder: Path) -> None:
    source = local(grib_folder / "era5_corrupted.grib")
    damage, frame = scan(source)
    assert isinstance(damage, Damage)
    assert isinstance(frame, Frame)
    assert (damage.number, damage.offset, damage.length) == (1, 0, 22068)
    assert frame.number == 2
    assert len(values_of(message_bytes(source, frame.ranges))) == 120 * 61


def test_header_messages_say_what_whole_messages_say(grib_files: list[Path]) -> None:
    seen = set()
    for path in grib_files:
        source = local(path)
        for frame in frames(list(scan(source))):
            if frame.header.key_digest in seen or frame.number % 7 > 1:
                continue
            seen.add(frame.header.key_digest)
            short, whole = header_message(source, frame), message_bytes(source, frame.ranges)
            is_reduced = "octahedral" in path.name or "reduced" in path.name
            assert len(short) < 8000 or (is_reduced and len(short) == len(whole))
            ignored = SPECTRAL if "spherical" in path.name else set()
            if frame.header.edition == 1:
                ignored = ignored | {"md5Section4"}
            if "missing" in path.name:
                ignored = ignored | OF_THE_BITMAP
            expected, got = metadata(whole), metadata(short)
            differ = {
                name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name)
            }
            assert differ <= ignored, (path.name, frame.number)
            assert describe(short) == describe(whole)


def test_reference_times_and_bits_are_those_of_eccodes(grib_files: list[Path]) -> None:
    for path in grib_files:
        source = local(path)
        for frame in frames(list(scan(source)))[::5]:
            whole = message_bytes(source, frame.ranges)
            assert frame.header.reference == reference(whole), path.name
            with opened(whole) as handle:
                assert frame.header.bits == eccodes.codes_get_long(handle, "bitsPerValue")
                assert frame.header.edition == eccodes.codes_get_long(handle, "edition")


def test_an_hourly_month_is_one_kind_of_message(grib_folder: Path) -> None:
    items = frames(list(scan(local(grib_folder / "era5_2t_uk_hourly_2019-03.grib"))))
    assert len({frame.header.key_digest for frame in items}) == 1
    start = datetime(2019, 3, 1, tzinfo=UTC)
    expected = [start + timedelta(hours=hour) for hour in range(744)]
    assert [frame.header.reference / 1e6 for frame in items] == [t.timestamp() for t in expected]


def test_messages_of_one_key_differ_in_time_and_packing_alone(grib_files: list[Path]) -> None:
    for path in grib_files:
        source = local(path)
        first: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        for frame in frames(list(scan(source)))[:300:3]:
            whole = message_bytes(source, frame.ranges)
            said, keys = describe(whole), metadata(whole)
            said_first, keys_first = first.setdefault(frame.header.key_digest, (said, keys))
            assert said == said_first, (path.name, frame.number)
            differ = {name for name in keys if keys[name] != keys_first[name]}
            assert differ <= OF_THE_TIME | OF_THE_PACKING, (path.name, frame.number)


def test_scanning_large_messages_reads_little(grib_folder: Path) -> None:
    data = (grib_folder / "gdps_2t_global_15km.grib2").read_bytes() * 8
    source = Bytes(data)
    assert len(frames(list(scan(source)))) == 8
    assert source.count < 9 * 16_384 + 9 * 300_000 * 0.1


def test_scanning_takes_microseconds_a_message(grib_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.grib"
    path.write_bytes((grib_folder / "era5_2t_uk_hourly_2019-03.grib").read_bytes() * 5)
    source = local(path)
    times = []
    for _ in range(3):
        start = time.thread_time()
        count = sum(1 for _ in scan(source))
        times.append((time.thread_time() - start) / count)
    assert min(times) < 60e-6


# between messages


def test_padding_headings_and_mixed_editions() -> None:
    one, two = message(SAMPLES[0]), message(SAMPLES[1])
    heading = b"\x01\r\r\n123\r\r\nHTXX11 ECMF 010000\r\r\n"
    data = heading + one + b"\r\r\n\x03" + bytes(5000) + two + b"\0" * 13 + one + b" " * 900
    items = found(data)
    assert not damages(items)
    assert [frame.header.edition for frame in frames(items)] == [1, 2, 1]
    source = Bytes(data)
    assert [message_bytes(source, frame.ranges) for frame in frames(items)] == [one, two, one]


def test_a_message_whose_first_word_is_damaged_is_reported() -> None:
    one = message(SAMPLES[0])
    items = found(one + b"GRIP" + one[4:] + one)
    assert [type(item) for item in items] == [Frame, Damage, Frame]
    assert items[1] == Damage(
        None, len(one), len(one), f"{len(one)} bytes that are no GRIB message"
    )
    assert frames(items)[1].number == 2


def test_what_stands_behind_the_last_message_is_reported_once() -> None:
    one = message()
    rest = random.Random(1).randbytes(100_000)
    assert damages(found(one + rest)) == [
        Damage(None, len(one), 100_000, "100000 bytes that are no GRIB message")
    ]
    assert damages(found(one + bytes(100_000))) == []
    assert damages(found(rest)) == [
        Damage(None, 0, 100_000, "100000 bytes that are no GRIB message")
    ]
    assert found(b"") == []


def test_the_word_in_a_text_is_no_message() -> None:
    assert frames(found(b"made of GRIB files" + message()))[0].number == 1


@pytest.mark.parametrize("edition", [0, 3, 4, 77])
def test_other_editions_are_damages(edition: int) -> None:
    one = message()
    other = one[:7] + bytes([edition]) + one[8:]
    damage, frame = found(other + one)
    assert isinstance(damage, Damage)
    assert damage.number == 1
    assert str(edition) in damage.reason
    assert isinstance(frame, Frame)
    assert frame.number == 2


# damaged messages


def test_a_file_cut_off_anywhere_keeps_its_whole_messages() -> None:
    for sample in SAMPLES:
        one = message(sample, values=np.arange(16 * 31))
        for length in range(1, len(one)):
            items = found(one + one[:length])
            assert [frame.number for frame in frames(items)] == [1]
            numbered = [damage for damage in damages(items) if damage.number]
            assert [damage.number for damage in numbered] == ([2] if length >= 4 else [])
            cut = found(one[:length] + one)
            assert frames(cut)[-1].ranges == ((length, len(one)),)


def test_flipped_bits_are_damages_and_the_rest_is_found() -> None:
    rng = random.Random(7)
    for sample in SAMPLES:
        one = message(sample, values=rng.sample(range(10_000), 16 * 31))
        for _ in range(1500):
            bad = bytearray(one)
            for _ in range(rng.randint(1, 4)):
                bad[rng.randrange(200)] ^= 1 << rng.randrange(8)
            source = Bytes(bytes(bad) + one + one)
            items = list(scan(source))
            whole = {frame.ranges for frame in frames(items)}
            assert {((len(one), len(one)),), ((2 * len(one), len(one)),)} <= whole
            assert len(items) <= 4
            for frame in frames(items):
                header_message(source, frame)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([b"GRIB", b"7777", b"GRIB\0\0\x40\1", b"GRIB\xff\xff\0\2" + bytes(6) + b"\1\0"]),
            st.integers(0, 300).map(lambda n: message(SAMPLES[0])[:n]),
            st.integers(0, 300).map(lambda n: message(SAMPLES[1])[n:]),
            st.just(message(SAMPLES[1])),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_any_bytes_are_scanned_to_the_end(parts: list[bytes]) -> None:
    data = b"".join(parts)
    source = Bytes(data)
    items = list(scan(source))
    numbers = [item.number for item in items if item.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    for item in items:
        if isinstance(item, Damage):
            assert 0 <= item.offset < item.offset + item.length <= len(data)
        else:
            assert message_bytes(source, item.ranges)[:4] == b"GRIB"
            header_message(source, item)


def test_many_false_beginnings_take_no_long_time() -> None:
    start = time.thread_time()
    items = found(b"GRIB\0\x7f\xff\1" * 20_000)
    assert len(items) == 20_000
    assert time.thread_time() - start < 10


# GRIB 2 with several fields in a message


def multi(*parts: bytes, start: int = 4) -> bytes:
    """Messages put into one that repeats its sections from ``start`` on."""
    import tempfile

    with LOCK, tempfile.TemporaryFile() as file:
        joined = eccodes.codes_grib_multi_new()
        for part in parts:
            handle = eccodes.codes_new_from_message(part)
            eccodes.codes_grib_multi_append(handle, start, joined)
            eccodes.codes_release(handle)
        eccodes.codes_grib_multi_write(joined, file)
        eccodes.codes_grib_multi_release(joined)
        file.seek(0)
        return file.read()


def fields_by_eccodes(data: bytes) -> list[tuple[str, str, np.ndarray[Any, Any]]]:
    import tempfile

    result = []
    with LOCK, tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        eccodes.codes_grib_multi_support_on()
        try:
            while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                result.append(
                    (
                        eccodes.codes_get_string(handle, "shortName"),
                        eccodes.codes_get_string(handle, "level"),
                        eccodes.codes_get_values(handle),
                    )
                )
                eccodes.codes_release(handle)
        finally:
            eccodes.codes_grib_multi_support_off()
    return result


@pytest.mark.parametrize("start", [3, 4])
def test_every_field_of_a_message_is_a_message_of_its_own(start: int) -> None:
    count = 16 * 31
    parts = [
        message(values=np.arange(count) * (n + 1.0), shortName=name, level=level)
        for n, (name, level) in enumerate([("u", 500), ("v", 500), ("t", 850)])
    ]
    single = message(SAMPLES[0])
    data = single + multi(*parts, start=start) + single
    expected = fields_by_eccodes(multi(*parts, start=start))
    assert len(expected) == 3
    source = Bytes(data)
    items = list(scan(source))
    assert not damages(items)
    assert [frame.number for frame in frames(items)] == [1, 2, 3, 4, 5]
    for frame, (name, level, values) in zip(frames(items)[1:4], expected, strict=True):
        assert len(frame.ranges) > 1
        whole = message_bytes(source, frame.ranges)
        np.testing.assert_array_equal(values_of(whole), values)
        for data_ in (whole, header_message(source, frame)):
            with opened(data_) as handle:
                assert eccodes.codes_get_string(handle, "shortName") == name
                assert eccodes.codes_get_string(handle, "level") == level
        assert len(frames(found(whole))) == 1


def sections(data: bytes) -> dict[int, bytes]:
    at, result = 16, {}
    while data[at : at + 4] != b"7777":
        length, number = struct.unpack_from(">IB", data, at)
        result[number] = data[at : at + length]
        at += length
    return result


def joined(*parts: bytes) -> bytes:
    body = b"".join(parts) + b"7777"
    return b"GRIB\0\0\0\2" + (16 + len(body)).to_bytes(8) + body


def with_gaps(factor: float) -> bytes:
    values = np.arange(16 * 31) * factor
    values[::3] = 9999
    return message(bitmapPresent=1, missingValue=9999, values=values)


def test_a_bitmap_of_an_earlier_field_is_put_in() -> None:
    one, two = sections(with_gaps(1.0)), sections(with_gaps(2.0))
    again = b"\0\0\0\6\6\xfe"
    data = joined(one[1], one[3], one[4], one[5], one[6], one[7], two[4], two[5], again, two[7])
    source = Bytes(data)
    first, second = frames(list(scan(source)))
    np.testing.assert_array_equal(
        values_of(message_bytes(source, first.ranges)), values_of(with_gaps(1.0))
    )
    np.testing.assert_array_equal(
        values_of(message_bytes(source, second.ranges)), values_of(with_gaps(2.0))
    )


def test_a_bitmap_that_is_not_there_is_a_damage_of_that_field() -> None:
    one = sections(message())
    again = b"\0\0\0\6\6\xfe"
    items = found(
        joined(one[1], one[3], one[4], one[5], one[6], one[7], one[4], one[5], again, one[7])
    )
    assert [type(item) for item in items] == [Frame, Damage]
    assert items[1].number == 2
    assert "bitmap" in damages(items)[0].reason


def test_sections_out_of_order_are_a_damage() -> None:
    one = sections(message())
    for parts in ([1, 3, 4, 5, 6], [1, 3, 5, 4, 6, 7], [3, 4, 5, 6, 7], [1, 3, 4, 5, 6, 7, 7], []):
        (damage,) = found(joined(*(one[number] for number in parts)))
        assert isinstance(damage, Damage)
        assert damage.number == 1


# GRIB 1


def test_a_message_too_long_for_its_length_is_found() -> None:
    """ECMWF's convention: bit 23 of the length set, the rest in units of 120 bytes, the pad in section 4."""
    count = 3000 * 1500
    keys = {"Ni": 3000, "Nj": 1500, "bitsPerValue": 16}
    large = message(SAMPLES[0], values=np.arange(count) % 1000, **keys)
    assert len(large) > 0x7FFFFF
    assert large[4] & 0x80
    small = message(SAMPLES[0])
    source = Bytes(small + large + small)
    items = list(scan(source))
    assert [getattr(item, "ranges", item) for item in items] == [
        ((0, len(small)),),
        ((len(small), len(large)),),
        ((len(small) + len(large), len(small)),),
    ]
    assert source.count < 3_000_000
    with opened(header_message(source, frames(items)[1])) as handle:
        assert eccodes.codes_get_long(handle, "Ni") == 3000


def test_years_of_all_centuries() -> None:
    for date in (18991231, 19000101, 19991231, 20000101, 20001231, 20010101, 21000228):
        (frame,) = frames(found(message(SAMPLES[0], dataDate=date, dataTime=0)))
        day = datetime.strptime(str(date), "%Y%m%d").replace(tzinfo=UTC)
        assert frame.header.reference == round(day.timestamp()) * 1_000_000


def test_a_date_that_is_none_is_a_damage() -> None:
    for sample, octets in ((SAMPLES[0], (21, 22)), (SAMPLES[1], (30, 31))):
        data = bytearray(message(sample))
        data[octets[0]] = 13
        (damage,) = found(bytes(data))
        assert isinstance(damage, Damage)
        assert "-13-" in damage.reason


def test_a_day_zero_is_the_first_of_the_month() -> None:
    data = bytearray(message(SAMPLES[0], dataDate=20100501, dataTime=0))
    assert data[8 + 14] == 1
    data[8 + 14] = 0
    (frame,) = frames(found(bytes(data)))
    assert frame.header.reference == round(datetime(2010, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000


# the key


def digest(data: bytes) -> str:
    (frame,) = frames(found(data))
    return frame.header.key_digest


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_key_ignores_date_values_and_bitmap(sample: str) -> None:
    plain = digest(message(sample, dataDate=20200101))
    gaps = np.arange(16 * 31.0)
    gaps[5] = 9999
    assert digest(message(sample, dataDate=20211231, dataTime=1800)) == plain
    assert digest(message(sample, values=np.arange(16 * 31.0))) == plain
    assert digest(message(sample, bitmapPresent=1, missingValue=9999, values=gaps)) == plain
    for keys in (
        {"level": 7, "typeOfLevel": "isobaricInhPa"},
        {"shortName": "tp"},
        {"step": 6},
        {"latitudeOfFirstGridPointInDegrees": 59},
        {"centre": 7},
    ):
        assert digest(message(sample, **keys)) != plain, keys


@pytest.mark.parametrize(
    ("sample", "unit"), [(SAMPLES[0], "unitOfTimeRange"), (SAMPLES[1], "indicatorOfUnitForForecastTime")]
)  # fmt: skip
def test_steps_by_the_calendar_keep_the_date_in_the_key(sample: str, unit: str) -> None:
    for code, is_same in ((1, True), (3, False), (4, False), (2, True)):
        keys = {"unitOfTimeRange" if sample == SAMPLES[0] else unit: code}
        one, two = (digest(message(sample, dataDate=date, **keys)) for date in (20200101, 20200201))
        assert (one == two) is is_same, code


def interval(date: int, **keys: Any) -> bytes:
    return message(dataDate=date, productDefinitionTemplateNumber=8, shortName="tp", **keys)


def test_the_end_of_an_interval_counts_from_the_reference_time() -> None:
    day, other = interval(20200101, stepRange="0-24"), interval(20200531, stepRange="0-24")
    assert digest(day) == digest(other)
    assert digest(interval(20200101, stepRange="0-12")) != digest(day)
    assert digest(interval(20200101, stepRange="24-48")) != digest(day)
    longer = bytearray(day)
    at = day.index(day[0:4]) + _end_of_interval(day)
    assert struct.unpack_from(">HBB", day, at) == (2020, 1, 2)
    longer[at + 3] = 5  # an end that the length of the range does not say
    assert digest(bytes(longer)) != digest(day)


def _end_of_interval(data: bytes) -> int:
    with opened(data) as handle:
        return int(eccodes.codes_get_offset(handle, "yearOfEndOfOverallTimeInterval"))


def test_an_interval_of_months_keeps_the_date_in_the_key() -> None:
    january, march = (
        interval(date, indicatorOfUnitForTimeRange=3, lengthOfTimeRange=1)
        for date in (20200101, 20200301)
    )
    assert digest(january) != digest(march)


def test_the_octets_of_templates_are_those_of_eccodes() -> None:
    for template, unit in headers.UNIT_OF_TIME.items():
        with LOCK:
            handle = eccodes.codes_grib_new_from_samples("GRIB2")
            try:
                newest = eccodes.codes_get_long(handle, "tablesVersionLatest")
                eccodes.codes_set(handle, "tablesVersion", newest)
                eccodes.codes_set(handle, "productDefinitionTemplateNumber", template)
                start = eccodes.codes_get_long(handle, "offsetSection4")
                name = "indicatorOfUnitForForecastTime"
                assert eccodes.codes_get_offset(handle, name) - start == unit, template
                name = "yearOfEndOfOverallTimeInterval"
                if not eccodes.codes_is_defined(handle, name):
                    assert template not in headers.END_OF_INTERVAL, template
                    continue
                end = eccodes.codes_get_offset(handle, name) - start
                assert headers.END_OF_INTERVAL[template] == end, template
                name = "typeOfStatisticalProcessing"
                assert eccodes.codes_get_offset(handle, name) - start == end + 12, template
            finally:
                eccodes.codes_release(handle)


# sources


def test_a_file_that_changes_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message() * 3)
    source = local(path)
    assert source.read(0, 4) == b"GRIB"
    with pytest.raises(SourceUnavailable, match="ends at"):
        source.read(source.size - 2, 3)
    path.write_bytes(message() * 4)
    with pytest.raises(SourceUnavailable, match="changed"):
        source.read(0, 4)
    with pytest.raises(SourceUnavailable, match="changed"):
        list(scan(source))
    path.unlink()
    with pytest.raises(SourceUnavailable, match="gone"):
        source.read(0, 4)


def test_a_file_that_grows_during_a_scan_is_noticed_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(message() * 3)
    items = scan(local(path))
    next(items)
    with path.open("ab") as file:
        file.write(message())
    with pytest.raises(SourceUnavailable, match="changed"):
        list(items)


def test_an_object_on_a_server_is_read_by_ranges(grib_folder: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    data = (grib_folder / "era5_pl_members.grib").read_bytes()
    location = "memory://bucket/era5.grib"
    fsspec.filesystem("memory").pipe_file("/bucket/era5.grib", data)
    mark = sources.fingerprint(location)
    source = sources.open_source(location, mark)
    assert source.is_remote
    items = list(scan(source))
    assert items == found(data)
    ((offset, length),) = frames(items)[9].ranges
    assert message_bytes(source, ((offset, length),)) == data[offset : offset + length]
    with pytest.raises(SourceUnavailable, match="ends at"):
        source.read(source.size, 1)
    fsspec.filesystem("memory").pipe_file("/bucket/era5.grib", data[:14760])
    assert sources.fingerprint(location) != mark
    with pytest.raises(SourceUnavailable, match="changed"):
        sources.open_source(location, mark)
