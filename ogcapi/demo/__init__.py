"""A demo cache of synthetic weather: something to serve before there are data."""

import providers.grib.library  # noqa: F401 - loads ecCodes, before anything imports it
from ogcapi.demo.build import CONFIGURATION, DEMO, DemoStore, build_demo

__all__ = ["CONFIGURATION", "DEMO", "DemoStore", "build_demo"]
