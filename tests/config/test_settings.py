"""Settings: read from the environment, documented, immutable."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.resources import OUR_KEYS, GridHints, Resource, Source, Variable
from config.settings import Limits, Settings, environment_names

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_defaults_serve_this_machine_only(tmp_path):
    settings = Settings()
    assert (settings.host, settings.port, settings.trusted_proxies) == ("127.0.0.1", 5000, 0)
    assert 1 <= settings.workers <= 4
    assert settings.state_dir == tmp_path / "destine-ogcapi"
    assert settings.limits == Limits()


def test_without_xdg_the_state_is_kept_at_home(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Settings().state_dir == Path("/home/somebody/.local/state/destine-ogcapi")


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("OGCAPI_PORT", "8080")
    monkeypatch.setenv("OGCAPI_WORKERS", "3")
    monkeypatch.setenv("OGCAPI_CACHE_BYTES", "3000")
    monkeypatch.setenv("OGCAPI_CORS_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("OGCAPI_LIMITS__CELLS", "7")
    monkeypatch.setenv("OGCAPI_LOG_LEVEL", "debug")
    settings = Settings()
    assert (settings.port, settings.limits.cells, settings.log_level) == (8080, 7, "DEBUG")
    assert settings.cors_origins == ("https://a.example",)
    assert settings.cache_share == 1000
    assert settings.limits.pixels == 4096 * 4096


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "-1"), ("WORKERS", "0"), ("LOG_FORMAT", "xml"), ("PUBLIC_URL", "nonsense")],
)
def test_a_setting_out_of_range_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"OGCAPI_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_the_database_password_is_not_shown():
    assert "hunter2" not in repr(Settings(database_url="postgresql://u:hunter2@h/d"))


def test_every_setting_has_a_description_and_stands_in_the_docs():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(OGCAPI_\w+)` \|", text, re.MULTILINE))
    assert documented == set(environment_names())
    assert [name for name, description in environment_names().items() if not description] == []


@pytest.mark.parametrize("part", [Source, GridHints, Variable])
def test_every_option_of_a_part_stands_in_the_docs(part):
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in part.model_fields if f"| `{name}` |" not in text] == []


def test_every_option_of_a_collection_stands_in_the_docs():
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in sorted(OUR_KEYS) if f"| `{name}` |" not in text] == []
    assert {"source", "license", "doi"} <= OUR_KEYS <= set(Resource.model_fields)
