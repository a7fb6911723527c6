"""What pygeoapi needs in a configuration, filled in so that ``resources`` alone is enough."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dateutil.parser import isoparse

Json = dict[str, Any]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
SERVED = ("collection", "process")


def stock_configuration(raw: Mapping[str, Any], title: str, state_dir: Path) -> Json:
    """A complete copy of ``raw`` with the stock resources only; jobs are kept in ``state_dir``.

    Left out on purpose: ``server.gzip`` (it leaks into every other app through ``FORMAT_TYPES``),
    ``server.admin``, ``api_rules`` (prefixes and versions are ours) and ``logging.logfile`` (it
    configures the root logger of the process).
    """
    config = deepcopy(dict(raw))
    server = dict(config.get("server") or {})
    for key in ("gzip", "admin", "api_rules"):
        server.pop(key, None)
    legacy_limit = server.pop("limit", None)
    defaults: Json = {
        "url": "http://localhost",  # replaced in every request by the address the client used
        "languages": [server.get("language") or "en-US"],
        "encoding": "utf-8",
        "limits": {"default_items": legacy_limit or 10, "max_items": max(legacy_limit or 0, 10000)},
        "map": {
            "url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
            "attribution": "&copy; OpenStreetMap contributors",
        },
        "manager": {"name": "TinyDB"},
    }
    config["server"] = {**defaults, **server}
    config["server"]["manager"] = _manager(config["server"]["manager"], state_dir)
    config["logging"] = {"level": (config.get("logging") or {}).get("level", "ERROR")}
    config["metadata"] = _metadata(config.get("metadata") or {}, title)
    config["resources"] = {
        key: _resource(key, resource)
        for key, resource in (config.get("resources") or {}).items()
        if resource.get("type") in SERVED and "source" not in resource
    }
    return config


def _manager(manager: Json, state_dir: Path) -> Json:
    """Where jobs are kept: TinyDB's file and every output folder lie inside ``state_dir``."""
    manager = dict(manager)
    if manager.get("name") == "TinyDB":
        manager["connection"] = str(state_dir / "stock-jobs.json")
    if manager.get("name") != "Dummy":
        manager["output_dir"] = str(state_dir / "stock-jobs")
    return manager


def _metadata(given: Json, title: str) -> Json:
    defaults: Json = {
        "identification": {
            "title": title,
            "description": title,
            "keywords": [],
            "terms_of_service": "",
            "url": "",
        },
        "license": {"name": "", "url": ""},
        "provider": {"name": "", "url": ""},
        "contact": {"name": ""},
    }
    filled = {key: {**value, **(given.get(key) or {})} for key, value in defaults.items()}
    return {**given, **filled}


def _resource(key: str, resource: Json) -> Json:
    if resource["type"] == "process":
        return resource
    world = {"spatial": {"bbox": [-180, -90, 180, 90], "crs": CRS84}}
    defaults = {"title": key, "description": "", "keywords": [], "links": [], "providers": []}
    filled = {**defaults, **resource}
    filled["extents"] = {**world, **(resource.get("extents") or {})}
    temporal = filled["extents"].get("temporal")
    if temporal:
        filled["extents"]["temporal"] = {
            **temporal,
            "begin": _instant(temporal.get("begin")),
            "end": _instant(temporal.get("end")),
        }
    return filled


def _instant(value: Any) -> Any:
    """``begin: 2020-01-01`` is a date in YAML, for which pygeoapi refuses every ``datetime``."""
    if value in (None, "", ".."):
        return None
    if isinstance(value, str):
        return isoparse(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value
