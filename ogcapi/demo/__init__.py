"""A demo cache of synthetic weather: something to serve before there are data."""

import pyproj  # noqa: F401 - before ecCodes: see providers/__init__.py

from ogcapi.demo.build import CONFIGURATION, DEMO, DemoStore, build_demo

__all__ = ["CONFIGURATION", "DEMO", "DemoStore", "build_demo"]
