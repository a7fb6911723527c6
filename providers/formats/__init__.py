"""Formats of coverages, registered once: negotiation, OpenAPI, links and pages all read this table."""

from .base import Format
from .coveragejson import COVERAGEJSON
from .csv import CSV
from .geojson import GEOJSON
from .geotiff import COG, GEOTIFF
from .netcdf import NETCDF
from .parquet import PARQUET

FORMATS: tuple[Format, ...] = (COVERAGEJSON, NETCDF, GEOTIFF, COG, CSV, PARQUET)
EDR_FORMATS: tuple[Format, ...] = (COVERAGEJSON, GEOJSON, NETCDF, CSV, PARQUET)

__all__ = [
    "COG",
    "COVERAGEJSON",
    "CSV",
    "EDR_FORMATS",
    "FORMATS",
    "GEOJSON",
    "GEOTIFF",
    "NETCDF",
    "PARQUET",
    "Format",
]
