"""Formats of coverages, registered once: negotiation, OpenAPI, links and pages all read this table."""

from .base import Format
from .coveragejson import COVERAGEJSON
from .netcdf import NETCDF

FORMATS: tuple[Format, ...] = (COVERAGEJSON, NETCDF)

__all__ = ["COVERAGEJSON", "FORMATS", "NETCDF", "Format"]
