"""Every message of every sample file: its values where ecCodes says they are, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import eccodes
import numpy as np
import pytest
from flask.testing import FlaskClient

from config.settings import Settings
from ogcapi.app import create_app
from providers.crs import parse_crs
from providers.cube import Cube
from providers.grib.keys import LOCK
from providers.queries import one_cell
from providers.render import Pixels, Renderer
from providers.store import Dataset, NothingToServe, Source, Store

POINTS = 20
REFUSED = {"era5_corrupted.grib", "ifs_z_spherical_harmonics.grib"}


def messages(path: Path) -> Iterator[dict[str, Any]]:
    """Keys of each message, and the value, longitude and latitude of some of its cells, by ecCodes alone."""
    random = np.random.default_rng(3)
    with path.open("rb") as file, LOCK:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            eccodes.codes_set(handle, "missingValue", 1e36)
            values = eccodes.codes_get_values(handle)
            at = random.integers(0, len(values), POINTS)
            clock = int(eccodes.codes_get(handle, "validityTime"))
            day = str(eccodes.codes_get(handle, "validityDate"))
            valid = datetime.strptime(f"{day}{clock:04d}", "%Y%m%d%H%M").replace(tzinfo=UTC)
            lon = eccodes.codes_get_array(handle, "longitudes")[at]
            lat = eccodes.codes_get_array(handle, "latitudes")[at]
            step = float(np.ptp(values[values < 1e35])) if (values < 1e35).any() else 0.0
            yield {
                "name": eccodes.codes_get(handle, "shortName"),
                "type": eccodes.codes_get(handle, "typeOfLevel"),
                "level": float(eccodes.codes_get(handle, "level")),
                "valid": int(valid.timestamp()) * 1_000_000,
                "member": _number(handle),
                "size": len(values),
                "values": np.where(values[at] > 1e35, np.nan, values[at]),
                "lon": lon,
                "lat": lat,
                "room": step * 1e-6,
                "start": _reference(handle),
            }
            eccodes.codes_release(handle)


def _number(handle: int) -> int | None:
    defined = eccodes.codes_is_defined(handle, "number")
    return int(eccodes.codes_get(handle, "number")) if defined else None


def _reference(handle: int) -> int:
    text = (
        f"{eccodes.codes_get(handle, 'dataDate')}{int(eccodes.codes_get(handle, 'dataTime')):04d}"
    )
    return int(datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()) * 1_000_000


def found(dataset: Dataset, message: dict[str, Any]) -> tuple[Cube, dict[str, int]]:
    """The cube of a message, and its position on every axis of the variable."""
    for item in dataset.cubes:
        cube = item.cube
        variable = cube.variables.get(message["name"])
        if variable is None or variable.attributes["GRIB_typeOfLevel"] != message["type"]:
            continue
        if cube.grid.size != message["size"]:
            continue
        wanted = {"time": message["valid"], "reference_time": message["start"]}
        wanted["step"] = message["valid"] - message["start"]
        wanted["member"] = message["member"]
        at = {}
        for name in variable.axes:
            axis = cube.axes[name]
            hits = np.flatnonzero(axis.values == wanted.get(name, message["level"]))
            at[name] = int(hits[0]) if axis.size > 1 else 0
        return cube, at
    raise AssertionError(f"no variable for {message['name']} {message['type']}")


def test_every_message_has_the_values_that_eccodes_decodes(grib_folder: Path) -> None:
    checked = 0
    for path in sorted(grib_folder.glob("*.grib*")):
        if path.name in REFUSED:
            continue
        dataset = Store().dataset(Source((str(path),)))
        total, served = dataset.messages
        assert total == served, (path.name, dataset.refusals)
        count = 0
        for message in messages(path):
            count += 1
            cube, at = found(dataset, message)
            variable = cube.variables[message["name"]]
            positions = {name: np.array([position]) for name, position in at.items()}
            cells = cube.grid.locate(message["lon"], message["lat"])
            assert (cells >= 0).all(), path.name
            for cell, lon, value in zip(cells, message["lon"], message["values"], strict=True):
                selection = one_cell(cube, int(cell), float(lon))
                got = cube.read_variable(variable, positions, selection).ravel()
                room = message["room"] + abs(value) * 1e-6
                assert got == pytest.approx(value, abs=room, nan_ok=True), (path.name, message)
        assert count == total, path.name
        checked += count
    assert checked > 1400


def test_every_view_shows_the_values_of_the_messages(grib_folder: Path, tmp_path: Path) -> None:
    """The last message of each name and kind of level in every file, which the defaults may have to be asked for."""
    for path in served(grib_folder):
        last = {(item["name"], item["type"], item["size"]): item for item in messages(path)}
        compare_views(path, tmp_path / path.stem, last.values())


@pytest.mark.soak
def test_every_view_shows_the_values_of_every_message(grib_folder: Path, tmp_path: Path) -> None:
    count = sum(
        compare_views(path, tmp_path / path.stem, messages(path)) for path in served(grib_folder)
    )
    print(f"{count} messages, {POINTS} points each, by position, coverage and map")
    assert count > 1400


def served(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.grib*")) if path.name not in REFUSED]


def compare_views(path: Path, state: Path, chosen: Iterable[dict[str, Any]]) -> int:
    """How many messages have the right values at all their points, through every view there is."""
    client = create_app(Settings(state_dir=state), paths=[str(path)]).test_client()
    listed = {item["id"] for item in client.get("/collections?limit=50").get_json()["collections"]}
    dataset = Store().dataset(Source((str(path),)))
    count = 0
    for message in chosen:
        cube, at = found(dataset, message)
        (name,) = [name for name in listed if name == path.stem or name.endswith(f"-{cube.key}")]
        views = View(client, f"/collections/{name}", message["name"], _subsets(cube, at))
        shown = views.positions(message["lon"], message["lat"])
        pairs = zip(message["lon"], message["lat"], message["values"], shown, strict=True)
        for lon, lat, value, at_position in pairs:
            room = message["room"] + abs(value) * 1e-6
            pixel = Pixels(
                parse_crs("OGC:CRS84", "crs"),
                (lon - 1e-7, lat - 1e-7, lon + 1e-7, lat + 1e-7),
                1,
                1,
            )
            places = {axis: np.array([position]) for axis, position in at.items()}
            drawn = Renderer().values(cube, cube.variables[message["name"]], places, pixel).item()
            for got in (at_position, views.coverage(lon, lat), drawn):
                assert got == pytest.approx(value, abs=room, nan_ok=True), (path.name, message)
        count += 1
    return count


@dataclass(frozen=True)
class View:
    """One field of one collection over HTTP; missing values are NaN."""

    client: FlaskClient
    collection: str
    field: str
    asked: str

    def positions(self, lon: Any, lat: Any) -> list[float]:
        """Values at all points by one request."""
        points = ",".join(f"({x:.9f} {y:.9f})" for x, y in zip(lon, lat, strict=True))
        document = self._get(f"position?coords=MULTIPOINT({points})&parameter-name={self.field}")
        parts = document["coverages"]
        return [_number_of(part["ranges"][self.field]["values"]) for part in parts]

    def coverage(self, lon: float, lat: float) -> float:
        """The value of the cell at a point."""
        where = f"subset=Lon({lon:.9f}),Lat({lat:.9f})&properties={self.field}"
        document = self._get(f"coverage?f=json&{where}")
        return _number_of(document["ranges"][self.field]["values"])

    def _get(self, address: str) -> dict[str, Any]:
        answer = self.client.get(f"{self.collection}/{address}{self.asked}")
        assert answer.status_code == 200, (self.collection, address, answer.text[:300])
        document: dict[str, Any] = answer.get_json()
        return document


def _number_of(values: list[float | None]) -> float:
    (value,) = values
    return np.nan if value is None else value


def _subsets(cube: Cube, at: dict[str, int]) -> str:
    """``subset`` for every axis of more than one value; times by ``datetime``."""
    parts = []
    for name, position in at.items():
        axis = cube.axes[name]
        label = axis.labels(np.array([position]))[0]
        if axis.size == 1:
            continue
        if name == "time":
            parts.append(f"&datetime={label}")
        elif name == "step":
            continue
        else:
            parts.append(
                f'&subset={name}("{label}")'
                if isinstance(label, str)
                else f"&subset={name}({label})"
            )
    if "step" in at:
        reference, step = cube.axes["reference_time"], cube.axes["step"]
        start = reference.values[at["reference_time"]] + step.values[at["step"]]
        valid = np.datetime64(int(start), "us").astype("M8[s]")
        parts.append(f"&datetime={valid}Z")
    return "".join(parts)


def test_what_cannot_be_served_is_counted_and_named(grib_folder: Path) -> None:
    corrupted = Store().dataset(Source((str(grib_folder / "era5_corrupted.grib"),)))
    assert corrupted.messages == (2, 1)
    assert [item.name for item in corrupted.refusals] == ["message 1"]
    with pytest.raises(NothingToServe, match="spectral") as error:
        Store().dataset(Source((str(grib_folder / "ifs_z_spherical_harmonics.grib"),)))
    assert error.value.messages == (1, 0)
