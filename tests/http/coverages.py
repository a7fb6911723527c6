"""Reading CoverageJSON and NetCDF answers in tests, by name of axis and never by position."""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def get_coverage(client: FlaskClient, path: str, **query: str) -> dict[str, Any]:
    """The CoverageJSON of a request that must succeed."""
    asked = {name.replace("_", "-"): text for name, text in query.items()}
    answer = client.get(path, query_string=asked or None)
    assert answer.status_code == 200, (answer.status_code, answer.get_data(as_text=True)[:300])
    document: dict[str, Any] = answer.get_json()
    return document


def get_netcdf(client: FlaskClient, path: str, **query: str) -> xr.Dataset:
    """The NetCDF of a request that must succeed."""
    answer = client.get(path, query_string={"f": "netcdf", **query})
    assert answer.status_code == 200, (answer.status_code, answer.get_data(as_text=True)[:300])
    return dataset(answer)


def dataset(answer: TestResponse) -> xr.Dataset:
    """The body of a NetCDF answer as stored: nothing masked or decoded but times."""
    with netCDF4.Dataset("answer.nc", memory=answer.data) as stored:
        return xr.open_dataset(xr.backends.NetCDF4DataStore(stored)).load()


def axis(document: dict[str, Any], name: str) -> list[Any]:
    """Values of an axis, written out or as start, stop and number."""
    found = document["domain"]["axes"][name]
    if "values" in found:
        values: list[Any] = found["values"]
        return values
    return [float(value) for value in np.linspace(found["start"], found["stop"], found["num"])]


def array(document: dict[str, Any], name: str) -> xr.DataArray:
    """A range with its axes by name."""
    found = document["ranges"][name]
    shape, names = found["shape"], found["axisNames"]
    assert int(np.prod(shape)) == len(found["values"]), "values and shape disagree"
    coordinates = {key: [str(v) if key == "t" else v for v in axis(document, key)] for key in names}
    assert [len(coordinates[key]) for key in names] == shape, "axes and shape disagree"
    return xr.DataArray(np.array(found["values"], float).reshape(shape), coordinates, names)


def scalar(document: dict[str, Any], axis_name: str) -> Any:
    (value,) = axis(document, axis_name)
    return value
