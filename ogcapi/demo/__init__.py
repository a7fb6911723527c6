"""A demo cache of synthetic weather: something to serve before there are data."""

from ogcapi.demo.build import DEMO, DemoStore, build_demo

__all__ = ["DEMO", "DemoStore", "build_demo"]
