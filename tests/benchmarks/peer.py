"""Stock pygeoapi with its xarray providers, through its own Flask app."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from flask.testing import FlaskClient

_NETCDF = {"name": "netcdf", "mimetype": "application/x-netcdf"}


def definition(kind: str, path: Path) -> dict[str, Any]:
    """A provider definition of type ``coverage`` or ``edr``."""
    name = {"coverage": "xarray", "edr": "xarray-edr"}[kind]
    return {"type": kind, "name": name, "data": str(path), "format": _NETCDF}


def client(folder: Path, name: str, sources: Mapping[str, Path]) -> FlaskClient:
    """A client of one pygeoapi over ``sources`` by collection id; ``flask_app`` reads its files when imported."""
    config, openapi = folder / f"{name}.yml", folder / f"{name}.json"
    config.write_text(yaml.safe_dump(_configuration(sources)))
    openapi.write_text(json.dumps({"openapi": "3.0.2", "paths": {}}))
    found = importlib.util.find_spec("pygeoapi.flask_app")
    assert found is not None
    assert found.origin is not None
    spec = importlib.util.spec_from_file_location(f"stock_{name}", found.origin)
    assert spec is not None
    assert spec.loader is not None
    before = {key: os.environ.get(key) for key in ("PYGEOAPI_CONFIG", "PYGEOAPI_OPENAPI")}
    os.environ.update(PYGEOAPI_CONFIG=str(config), PYGEOAPI_OPENAPI=str(openapi))
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
    made: FlaskClient = module.APP.test_client()
    return made


def _configuration(sources: Mapping[str, Path]) -> dict[str, Any]:
    empty: dict[str, Any] = {"name": "", "url": ""}
    names = {"title": "Stock", "description": "Stock", "keywords": [], "url": ""}
    return {
        "server": {
            "bind": {"host": "localhost", "port": 5000},
            "url": "http://localhost:5000",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "pretty_print": False,
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "", "attribution": ""},
        },
        "logging": {"level": "CRITICAL"},
        "metadata": {
            "identification": {**names, "terms_of_service": ""},
            "license": empty,
            "provider": empty,
            "contact": {"name": ""},
        },
        "resources": {name: _collection(path) for name, path in sources.items()},
    }


def _collection(path: Path) -> dict[str, Any]:
    return {
        "type": "collection",
        "title": path.stem,
        "description": path.stem,
        "keywords": [],
        "links": [],
        "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
        "providers": [definition("coverage", path), definition("edr", path)],
    }
