"""The documentation tells of everything there is, and of nothing there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import environment_names
from ogcapi.cli import main
from ogcapi.views.table import view_table
from providers.formats import FORMATS
from providers.grids import GRIDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table():
    return view_table(lambda context: {}, lambda context: [])


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_described(name):
    assert f"`ogcapi {name}" in text("docs/commands.md")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_of_a_command_is_described(name):
    line = next(line for line in text("docs/commands.md").splitlines() if f"`ogcapi {name}" in line)
    options = [opt for param in main.commands[name].params for opt in param.opts if opt[:2] == "--"]
    assert [opt for opt in options if opt not in line] == []


def test_no_command_is_described_that_does_not_exist():
    told = set(re.findall(r"^\| `ogcapi ([a-z]+)", text("docs/commands.md"), re.MULTILINE))
    assert told == set(main.commands)


@pytest.mark.parametrize("name", sorted(environment_names()))
def test_every_setting_is_described(name):
    assert name in text("docs/settings.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_settings_that_exist(page):
    told = set(re.findall(r"\bOGCAPI_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
    assert told - set(environment_names()) - {"OGCAPI_TEST_DATA"} == set()


def test_every_parameter_of_a_request_is_described():
    names = {parameter.name for route in table() for parameter in route.parameters}
    page = text("docs/requests.md")
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_format_is_described():
    page = text("docs/requests.md")
    assert [
        form.name for form in FORMATS if f"| `{form.name}` | `{form.media_type}`" not in page
    ] == []


def test_every_grid_is_described():
    assert [kind for kind in GRIDS if f"| {kind} |" not in text("docs/data.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_commands_of_the_first_screen_exist():
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    told = set(re.findall(r"^make ([a-z-]+)", text("README.md"), re.MULTILINE))
    assert {"serve", "test"} <= told <= targets


def test_every_page_is_reached_from_the_first_one():
    linked = set(re.findall(r"\]\(docs/([a-z-]+\.md)", text("README.md")))
    assert linked == {page.name for page in (ROOT / "docs").glob("*.md")}
