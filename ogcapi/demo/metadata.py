"""Attributes that all demo stores share."""

from __future__ import annotations

import numpy as np

from ogcapi.demo.land import Floats

TIME_UNITS = "hours since 2026-01-01 00:00:00"
LICENCE = "CC-BY-4.0"
ATTRIBUTION = "destine-ogcapi demo data (synthetic)"


def dataset_attributes(title: str, conventions: str) -> dict[str, str]:
    """Global attributes: title, licence, attribution, and that nothing here was ever observed."""
    return {
        "Conventions": conventions,
        "title": title,
        "summary": "Synthetic weather for trying the server out. Not an observation or a forecast.",
        "institution": "destine-ogcapi demo",
        "source": "analytic functions of longitude, latitude and time",
        "license": LICENCE,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "comment": "Made by build_demo",
        "version": "1",
    }


def bounds_of(starts: Floats, length: float) -> Floats:
    """Interval bounds of shape (n, 2)."""
    return np.stack([starts, starts + length], axis=1)
