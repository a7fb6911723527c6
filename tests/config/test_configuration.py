"""Reading the configuration: pygeoapi's YAML stays valid, ours is typed, mistakes are named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pygeoapi.api import validate_datetime
from pygeoapi.config import validate_config

from config.configuration import load_configuration
from config.errors import ConfigurationError
from config.extents import rfc3339
from config.problems import problems

STOCK = """
server:
  bind: {host: 0.0.0.0, port: "${PORT:-5000}"}
  url: ${URL:-http://localhost:5000}
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  languages: [en, fr]
  map: {url: "https://tile.example/{z}/{x}/{y}.png", attribution: someone}
logging: {level: ERROR}
metadata:
  identification:
    title: {en: Data, fr: Données}
    description: {en: Some data, fr: Des données}
    keywords: {en: [sea], fr: [mer]}
    terms_of_service: https://example.org/terms
    url: https://example.org
  license: {name: CC-BY-4.0, url: https://creativecommons.org/licenses/by/4.0/}
  provider: {name: Us, url: https://example.org}
  contact: {name: A Person, email: person@example.org}
resources:
  lakes:
    type: collection
    title: {en: Lakes, fr: Lacs}
    description: Lakes of the world
    keywords: [lakes]
    links: [{type: text/html, rel: canonical, href: "https://example.org/lakes"}]
    extents:
      spatial: {bbox: [-180, -90, 180, 90]}
      temporal: {begin: 2011-11-11T11:11:11Z, end: null}
    providers: [{type: feature, name: GeoJSON, data: lakes.geojson, id_field: id}]
  hello-world:
    type: process
    processor: {name: HelloWorld}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "configuration"


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


def resource(folder: Path, text: str, **environment: str):
    """The one resource ``r`` with the lines ``text``."""
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    write(folder, one=f"resources:\n  r:\n{indented}\n")
    return load_configuration(folder, environment).resources["r"]


def refusal(folder: Path, **files: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        load_configuration(write(folder, **files), {})
    return raised.value


def test_a_configuration_of_pygeoapi_is_read_and_stays_valid(folder):
    configuration = load_configuration(
        write(folder, stock=STOCK.replace('"${PORT:-5000}"', "5000"))
    )
    assert validate_config(configuration.raw)
    assert configuration.metadata.title == {"en": "Data", "fr": "Données"}
    assert configuration.metadata.license["name"] == "CC-BY-4.0"
    lakes = configuration.resources["lakes"]
    assert (lakes.stock, lakes.title["fr"], lakes.keywords) == (True, "Lacs", ["lakes"])
    assert configuration.resources["hello-world"].type == "process"
    assert [line for line in problems(configuration) if not line.startswith("warning:")] == []


def test_one_file_is_enough(folder):
    write(folder, stock=STOCK)
    assert "lakes" in load_configuration(folder / "stock.yml", {}).resources


def test_raw_is_the_readers_own_copy(folder):
    configuration = load_configuration(write(folder, stock=STOCK), {})
    configuration.raw["resources"].clear()
    assert set(configuration.raw["resources"]) == {"lakes", "hello-world"}


def test_files_merge_in_the_order_of_their_names(folder):
    configuration = load_configuration(
        write(
            folder,
            b="server: {url: 'https://b'}\nresources: {two: {source: b.nc}}",
            a="server: {url: 'https://a', pretty_print: true}\nresources: {one: {source: a.nc}}",
        ),
        {},
    )
    assert configuration.server == {"url": "https://b", "pretty_print": True}
    assert set(configuration.resources) == {"one", "two"}
    assert [file.name for file in configuration.files] == ["a.yml", "b.yml"]


def test_a_resource_in_two_files_names_both(folder):
    text = "resources: {same: {source: a.nc}}"
    error = refusal(folder, a=text, b=text)
    assert "b.yml: resources.same: is defined in a.yml already" in str(error)


@pytest.mark.parametrize(
    ("written", "environment", "value"),
    [
        ("${N}", {"N": "7"}, 7),
        ("${N:-5}", {}, 5),
        ('"${N:-5}"', {}, "5"),
        ("${N:-}", {}, None),
        ("a ${N} and ${M:-c}", {"N": "b"}, "a b and c"),
        ("${N}", {"N": "${M}"}, "${M}"),
        ("$N ${", {}, "$N ${"),
    ],
)
def test_the_environment_is_read_into_values(folder, written, environment, value):
    write(folder, one=f"server:\n  key: {written}\n")
    assert load_configuration(folder, environment).server["key"] == value


def test_a_variable_that_is_not_set_is_named_with_file_and_key(folder):
    error = refusal(folder, one="resources:\n  r:\n    source: [a.nc, '${NOT_THERE}/b.nc']\n")
    assert Path(error.file).name == "one.yml"
    assert error.key == "resources.r.source[1]"
    assert "NOT_THERE is not set" in error.detail


@pytest.mark.parametrize(
    ("written", "paths"),
    [
        ("data/a.nc", ["{here}/data/a.nc"]),
        ("[a.grib, 'more/*.grib']", ["{here}/a.grib", "{here}/more/*.grib"]),
        ("{path: a.zarr}", ["{here}/a.zarr"]),
        ("{paths: [a.nc, /abs/b.nc]}", ["{here}/a.nc", "/abs/b.nc"]),
        ("s3://bucket/key.zarr", ["s3://bucket/key.zarr"]),
    ],
)
def test_relative_sources_lie_beside_the_file(folder, written, paths):
    found = resource(folder, f"source: {written}")
    assert list(found.source.paths) == [path.format(here=folder) for path in paths]
    assert not found.stock


def test_our_parts_are_typed(folder):
    found = resource(
        folder,
        """source: {path: icon.grib, reader: grib}
grid: {type: healpix, nside: 32, order: nested}
variables: {t2m: {title: {en: Temperature}, units: K, kind: instantaneous, range: [230, 310]}}
doi: 10.24381/cds.adbb2d47
version: 1.0
license: CC-BY-4.0""",
    )
    assert (found.grid.nside, found.grid.order) == (32, "nested")
    assert found.variables["t2m"].range == (230.0, 310.0)
    assert (found.version, found.source.reader) == ("1.0", "grib")


@pytest.mark.parametrize(
    ("lines", "key", "offered"),
    [
        ("sorce: a.nc", "resources.r.sorce", "source"),
        ("source: a.nc\nvariabels: {}", "resources.r.variabels", "variables"),
        ("source: a.nc\ngrid: {nsides: 8}", "resources.r.grid.nsides", "nside"),
        ("source: a.nc\nvariables: {t: {unit: K}}", "resources.r.variables.t.unit", "units"),
        ("source: {pathes: [a.nc]}", "resources.r.source", "paths"),
    ],
)
def test_a_misspelt_key_is_named_with_what_it_could_be(folder, lines, key, offered):
    with pytest.raises(ConfigurationError) as raised:
        resource(folder, lines)
    assert raised.value.key.startswith(key)
    assert raised.value.file == str(folder / "one.yml")
    assert offered in str(raised.value)


def test_a_stock_resource_may_hold_keys_of_other_plugins(folder):
    found = resource(folder, "providers: [{type: feature, name: X, data: d}]\nx-mine: 1")
    assert found.stock


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("server: {admin: true}", "server.admin"),
        ("server: {gzip: true}", "server.gzip"),
        ("resorces: {}", "resorces"),
        ("server: [1]", "server"),
        ("resources: {a: 5}", "resources.a"),
        ("server: {url: a, url: b}", "server.url"),
        ("resources: {a: {source: a.nc}, a: {source: b.nc}}", "resources.a"),
        ("resources: {a: {source: a.nc, type: colection}}", "resources.a.type"),
        ("resources: {a: {source: a.nc, doi: nonsense}}", "resources.a.doi"),
        ("resources: {a: {source: []}}", "resources.a.source.paths"),
        ("resources: {a: {extents: {temporal: {begin: soon}}}}", "resources.a.extents"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_key(folder, text, key):
    assert refusal(folder, one=text).key == key


@pytest.mark.parametrize("text", ["a: [1", "- a\n- list", "a: \t- x"])
def test_text_that_is_no_mapping_names_the_file(folder, text):
    assert "one.yml" in str(refusal(folder, one=text))


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        load_configuration(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match=r"no \*\.yml"):
        load_configuration(tmp_path)


@pytest.mark.parametrize(
    ("written", "begin", "end"),
    [
        ("2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T23:59:59Z"),
        ("'2020-01-01'", "2020-01-01T00:00:00Z", "2020-01-01T23:59:59Z"),
        ("2020-01-01T06:00:00+02:00", "2020-01-01T04:00:00Z", "2020-01-01T04:00:00Z"),
        ("'2020-01-01T06:00'", "2020-01-01T06:00:00Z", "2020-01-01T06:00:00Z"),
        ("'2020-02'", "2020-02-01T00:00:00Z", "2020-02-29T23:59:59Z"),
        ("1979", "1979-01-01T00:00:00Z", "1979-12-31T23:59:59Z"),
        ("2020-02-30", "2020-02-30T00:00:00Z", "2020-02-30T23:59:59Z"),
        ("2020-02-30T12:00:00Z", "2020-02-30T12:00:00Z", "2020-02-30T12:00:00Z"),
        ("..", None, None),
        ("", None, None),
    ],
)
def test_times_of_extents_are_rfc3339(folder, written, begin, end):
    found = resource(
        folder, f"source: a.nc\nextents:\n  temporal:\n    begin: {written}\n    end: {written}"
    )
    assert found.extents["temporal"] == {"begin": begin, "end": end}


@pytest.mark.parametrize("value", ["2020-13-01", "2020-01-32", "2020-01-01T25:00", "yesterday", 20])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError):
        rfc3339(value)


def test_a_yaml_date_does_not_break_every_request_with_datetime(folder):
    text = STOCK.replace("begin: 2011-11-11T11:11:11Z, end: null", "begin: 2020-01-01")
    stock = yaml.safe_load(text)["resources"]["lakes"]["extents"]
    with pytest.raises((ValueError, KeyError)):
        validate_datetime(stock, "2020-06-01")
    extents = load_configuration(write(folder, one=text), {}).raw["resources"]["lakes"]["extents"]
    assert extents["temporal"] == {"begin": datetime(2020, 1, 1, tzinfo=UTC), "end": None}
    assert validate_datetime(extents, "2020-06-01") == "2020-06-01"
    with pytest.raises(ValueError, match="out of range"):
        validate_datetime(extents, "2019-06-01")


def test_a_date_of_another_calendar_does_not_break_requests_with_datetime(folder):
    text = STOCK.replace("end: null", "end: 2020-02-30")
    extents = load_configuration(write(folder, one=text), {}).raw["resources"]["lakes"]["extents"]
    assert validate_datetime(extents, "2020-02-28") == "2020-02-28"


def lines(folder: Path, text: str, **environment: str) -> list[str]:
    return problems(load_configuration(write(folder, one=text), environment))


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("resources: {a: {title: A}}", "resources.a", "has no data"),
        ("resources: {a: {type: process}}", "resources.a", "processor"),
        (
            "resources: {a: {source: a.nc, extents: {spatial: {bbox: [0, 5, 1, 2]}}}}",
            "resources.a.extents.spatial.bbox",
            "south",
        ),
        (
            "resources: {a: {source: a.nc, extents: {spatial: {bbox: [0, 5]}}}}",
            "resources.a.extents.spatial.bbox",
            "four or six",
        ),
        (
            "resources: {a: {source: a, extents: {temporal: {begin: 2020, end: 2019}}}}",
            "resources.a.extents.temporal",
            "after its end",
        ),
        (
            "resources: {a: {providers: [{type: feature, name: X, data: d}]}}",
            "resources.a.keywords",
            "pygeoapi",
        ),
    ],
)
def test_check_says_what_is_wrong(folder, text, key, reason):
    found = [line for line in lines(folder, text) if not line.startswith("warning:")]
    assert any(
        line.startswith(f"{folder / 'one.yml'}: {key}: ") and reason in line for line in found
    ), found


def test_check_warns_of_a_missing_licence_and_attribution(folder):
    found = lines(folder, "resources: {a: {source: a.nc, attribution: Us}}")
    assert len(found) == 1
    assert found[0].startswith("warning: ")
    assert "resources.a.license" in found[0]
    assert lines(folder, "resources: {a: {source: a.nc, attribution: Us, license: MIT}}") == []


def test_secrets_belong_into_the_environment(folder):
    text = "server: {{manager: {{connection: {{password: {}}}}}}}"
    written = lines(folder, text.format("hunter2"))
    assert written[0].startswith(f"{folder / 'one.yml'}: server.manager.connection.password: ")
    assert "hunter2" not in written[0]
    assert lines(folder, text.format('"${DB_PASSWORD}"'), DB_PASSWORD="hunter2") == []
