"""Formats of coverages, registered once: negotiation, OpenAPI, links and pages all read this table."""

from .base import Format
from .coveragejson import COVERAGEJSON
from .csv import CSV
from .netcdf import NETCDF
from .parquet import PARQUET

FORMATS: tuple[Format, ...] = (COVERAGEJSON, NETCDF, CSV, PARQUET)

__all__ = ["COVERAGEJSON", "CSV", "FORMATS", "NETCDF", "PARQUET", "Format"]
