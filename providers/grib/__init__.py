"""GRIB 1 and 2: where the messages of a file are, what they are, and their values."""

from . import library as library
