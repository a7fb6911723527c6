import pyproj  # noqa: F401 - before ecCodes: see providers/__init__.py
