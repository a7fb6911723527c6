"""The ``ogcapi`` command as it is typed: what it prints, where, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV30SpecValidator

from ogcapi.cli import main
from tests.http.samples import healpix, pressure_levels, surface

COMMANDS = ["serve", "inspect", "check", "openapi"]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def ogcapi(*arguments: str, state: Path, **environment: str) -> Ended:
    """The command as typed in the folder ``state``."""
    names = {name: None for name in os.environ if name.startswith("OGCAPI_")}
    own = {"OGCAPI_STATE_DIR": str(state / "state")}
    with contextlib.chdir(state):
        found = CliRunner().invoke(
            main, arguments, env={**names, **own, **environment}, prog_name="ogcapi"
        )
    text = "" if found.exception is None or isinstance(found.exception, SystemExit) else "Traceback"
    return Ended(found.exit_code, found.stdout, found.stderr + text)


def refused(result: Ended, code: int, *words: str) -> None:
    """One line on stderr that says what is wrong (usage errors add click's hint), and nothing else."""
    assert result.returncode == code, (result.returncode, result.stderr)
    assert result.stdout == ""
    lines = [
        line for line in result.stderr.splitlines() if line and not line.startswith("warning:")
    ]
    assert len(lines) == 1 if code == 1 else 1 <= len(lines) <= 4, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[-1], result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("cli")
    surface("Surface of the earth").to_netcdf(found / "surface.nc")
    pressure_levels("Levels").to_zarr(found / "levels.zarr")
    healpix().to_zarr(found / "healpix.zarr")
    (found / "broken.nc").write_bytes(b"CDF\x01" + b"\xff" * 50)
    (found / "empty").mkdir()
    good = found / "good"
    good.mkdir()
    (good / "a.yml").write_text(
        "resources: {ours: {type: collection, source: ../surface.nc, title: Ours}}\n"
    )
    for name, text in {
        "bad-yaml": "resources: [\n",
        "bad-key": "resources: {ours: {type: collection, sorce: x.nc}}\n",
        "bad-source": "resources: {ours: {type: collection, source: ../nothing.nc}}\n",
        "bad-variable": "resources: {ours: {type: collection, source: ../surface.nc, variables: {q: {title: Q}}}}\n",
        "bad-style": "resources: {ours: {type: collection, source: ../surface.nc, variables: {t: {style: nosuch}}}}\n",
    }.items():
        (found / name).mkdir()
        (found / name / "a.yml").write_text(text)
    return found


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]])
def test_help_is_there_for_every_command(folder: Path, command: list[str]) -> None:
    result = ogcapi(*command, "--help", state=folder)
    assert result.returncode == 0
    assert "Usage: " in result.stdout
    for name in [] if command else COMMANDS:
        assert name in result.stdout


def test_the_version_is_told(folder: Path) -> None:
    result = ogcapi("--version", state=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ogcapi")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serve", "nothing.nc"], 1, ["nothing.nc", "no such file"]),
        (["serve", "nothing*.nc"], 1, ["nothing*.nc"]),
        (["serve", "surface.nc", "--port", "70000"], 2, ["--port"]),
        (["serve", "surface.nc", "--port", "x"], 2, ["--port"]),
        (["serve", "surface.nc", "--workers", "0"], 2, ["--workers"]),
        (["serve", "surface.nc", "--nothing"], 2, ["--nothing"]),
        (["serve", "--config", "nowhere"], 1, ["nowhere"]),
        (["serve", "--config", "bad-yaml"], 1, ["a.yml"]),
        (["serve", "--config", "bad-key"], 1, ["a.yml", "sorce", "source"]),
        (["serve", "--config", "bad-style"], 1, ["a.yml", "resources.ours.variables.t.style"]),
        (["inspect", "nothing.nc"], 1, ["nothing.nc"]),
        (["inspect"], 2, ["PATH_OR_URL"]),
        (["check", "--config", "bad-yaml"], 1, ["a.yml"]),
        (["check", "--config", "bad-key"], 1, ["sorce"]),
        (["check", "--config", "bad-source"], 1, ["a.yml", "resources.ours.source", "nothing.nc"]),
        (["check", "--config", "bad-variable"], 1, ["resources.ours.variables.q", "t"]),
        (["check", "--config", "bad-style"], 1, ["resources.ours.variables.t.style"]),
        (["check"], 2, ["--config"]),
        (["openapi", "--format", "xml"], 2, ["xml"]),
        (["openapi", "nothing.nc"], 1, ["nothing.nc"]),
        (["nothing"], 2, ["nothing"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else str(value),
)
def test_a_mistake_is_one_line_and_an_exit_code(
    folder: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    refused(ogcapi(*arguments, state=folder), code, *words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OGCAPI_PORT", "abc"), ("OGCAPI_PORT", "70000"), ("OGCAPI_WORKERS", "-1"), ("OGCAPI_PUBLIC_URL", "no url"),
        ("OGCAPI_LIMITS__CELLS", "many"), ("OGCAPI_LIMITS", "{"), ("OGCAPI_CORS_ORIGINS", "["),
        ("OGCAPI_LOG_LEVEL", "LOUD"),
        ("OGCAPI_LIMITS__NOTHING", "1"),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_the_environment_is_named(folder: Path, name: str, value: str) -> None:
    result = ogcapi("serve", "surface.nc", state=folder, **{name: value})
    refused(result, 1, name)


def test_a_port_in_use_is_said_before_anything_starts(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(
            ogcapi("serve", "surface.nc", "--port", str(port), state=folder), 1, str(port), "--port"
        )


def test_debug_shows_where_an_error_comes_from(folder: Path) -> None:
    result = ogcapi("--debug", "serve", "nothing.nc", state=folder)
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_inspect_tells_people_what_would_be_published(folder: Path) -> None:
    result = ogcapi("inspect", "levels.zarr", state=folder)
    assert result.returncode == 0, result.stderr
    for word in (
        "levels: Levels",
        "19 × 24",
        "time",
        "2020-01-01T00:00:00Z",
        "level",
        "hPa",
        "Air temperature",
        "[K]",
    ):
        assert word in result.stdout


def test_inspect_tells_programs_the_same(folder: Path) -> None:
    for name, grid in (("levels.zarr", None), ("surface.nc", None), ("healpix.zarr", "healpix")):
        result = ogcapi("inspect", name, "--json", state=folder)
        assert result.returncode == 0, result.stderr
        (item,) = json.loads(result.stdout)["collections"]
        assert item["id"] == name.split(".")[0]
        assert item["extent"]["temporal"]["interval"][0][0] == "2020-01-01T00:00:00Z"
        assert item["variables"][0]["units"] == "K"
        assert grid is None or grid in json.dumps(item["grid"]).lower()


def test_inspect_says_why_nothing_can_be_served(folder: Path) -> None:
    for name in ("broken.nc", "empty"):
        result = ogcapi("inspect", name, state=folder)
        assert result.returncode == 1
        assert len((result.stdout + result.stderr).strip()) > 10
        assert "Traceback" not in result.stderr


def test_check_passes_a_good_configuration(folder: Path) -> None:
    result = ogcapi("check", "--config", "good", state=folder)
    assert (result.returncode, result.stdout) == (0, "ok\n"), result.stderr
    assert all(line.startswith("warning:") for line in result.stderr.splitlines())


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_openapi_prints_the_document(folder: Path, form: str) -> None:
    result = ogcapi("openapi", "surface.nc", "--format", form, state=folder,
                    OGCAPI_PUBLIC_URL="https://data.example.org/api/")  # fmt: skip
    assert result.returncode == 0, result.stderr
    document = yaml.safe_load(result.stdout) if form == "yaml" else json.loads(result.stdout)
    assert not list(OpenAPIV30SpecValidator(document).iter_errors())
    assert document["servers"] == [{"url": "https://data.example.org/api"}]
    assert "surface" in json.dumps(document["paths"])
