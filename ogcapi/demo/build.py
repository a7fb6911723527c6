"""Building the demo cache once, whoever asks and however many ask at once."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import FileLock

from ogcapi.demo.atmosphere import write_era, write_healpix
from ogcapi.demo.climate import write_climate
from ogcapi.demo.fields import Weather, make_weather
from ogcapi.demo.forecasts import write_ensemble, write_octahedral
from ogcapi.demo.land_cover import write_land_cover, write_relief
from ogcapi.demo.metadata import ATTRIBUTION, LICENCE
from ogcapi.demo.sea_and_stations import write_ocean, write_stations

CONTENT_VERSION = 2  # raise it with any change of what is written
MARKER = "demo.json"
CONFIGURATION = "demo.yml"


@dataclass(frozen=True)
class DemoStore:
    """One store of the demo: its name in the folder, what to call it, and who writes it.

    A file, or a folder of files that are one dataset; the id is that of its collection.
    """

    id: str
    file: str
    title: str
    description: str
    write: Callable[[Path, Weather], None]


DEMO = (
    DemoStore(
        "era_like_global", "era_like_global.zarr", "Demo reanalysis, hourly, 0.25 degrees",
        "Temperature, wind, pressure and hourly precipitation of one synthetic day.", write_era,
    ),
    DemoStore(
        "climate_dt_like_healpix", "climate_dt_like_healpix.zarr", "Demo climate, daily, HEALPix",
        "Daily means on the nested HEALPix grid of level 7, sea surface temperature included.",
        write_healpix,
    ),
    DemoStore(
        "ocean_curvilinear", "ocean_curvilinear.nc", "Demo ocean, daily, tripolar grid",
        "Temperature and salinity of the sea on twelve depths and a curvilinear grid.", write_ocean,
    ),
    DemoStore(
        "stations", "stations.nc", "Demo stations, hourly series",
        "Temperature, wind speed and precipitation of cities over ten synthetic days.",
        write_stations,
    ),
    DemoStore(
        "octahedral_forecast", "octahedral_forecast", "Demo forecast, six-hourly, O96",
        "Two runs on the octahedral reduced Gaussian grid; precipitation since the start of the "
        "run.", write_octahedral,
    ),
    DemoStore(
        "ensemble_forecast", "ensemble_forecast", "Demo ensemble forecast, six-hourly, 2 degrees",
        "Two runs of two days that overlap, each of a control forecast and eight members.",
        write_ensemble,
    ),
    DemoStore(
        "climate_dt_like_grib", "climate_dt_like_grib", "Demo climate, six-hourly, HEALPix, GRIB",
        "Temperature at 2 m and on pressure levels on nested HEALPix cells of level 6, described "
        "as the Climate DT is.", write_climate,
    ),
    DemoStore(
        "land_cover", "land_cover.tif", "Demo land cover, 1/8 degree",
        "Classes with the codes of ESA WorldCover, in a Cloud-Optimized GeoTIFF.",
        write_land_cover,
    ),
    DemoStore(
        "relief", "relief.tif", "Demo relief, 1/4 degree",
        "Heights of land and sea bed, in a Cloud-Optimized GeoTIFF.", write_relief,
    ),
)  # fmt: skip


def build_demo(
    folder: Path, *, seed: int = 20260101, progress: Callable[[str], None] | None = None
) -> Path:
    """Build the demo stores into ``folder`` unless they are there; returns the folder.

    ``CONFIGURATION`` in it is the YAML that serves them. All stores appear together by one rename,
    so a reader never sees half of them. Several
    processes may call this at once: one builds, the others wait. A folder of an older content
    version or another seed is replaced. Raises FileExistsError for a folder that holds anything
    the demo did not write.
    """
    say = progress or (lambda _: None)
    folder = folder.absolute()
    if _is_current(folder, seed):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if _is_current(folder, seed):
            return folder
        _refuse_foreign(folder)
        prefix = f".{folder.name}.building-"
        for left_over in folder.parent.glob(f"{prefix}*"):  # of a build that died; we hold the lock
            shutil.rmtree(left_over)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
        try:
            _build_into(work / "new", seed, say)
            _swap(work / "new", folder, work / "old")
        finally:
            shutil.rmtree(work)
    say(f"demo: ready in {folder.name}")
    return folder


def _build_into(folder: Path, seed: int, say: Callable[[str], None]) -> None:
    folder.mkdir()
    weather = make_weather(seed)
    for number, store in enumerate(DEMO, start=1):
        say(f"demo: {number}/{len(DEMO)} {store.title}")
        store.write(folder / store.file, weather)
    (folder / CONFIGURATION).write_text(_configuration(), encoding="utf-8")
    marker = {**_expected(seed), "files": [*(store.file for store in DEMO), CONFIGURATION]}
    (folder / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")


def _configuration() -> str:
    """The YAML that serves the stores: licence and attribution, which GRIB has no place for."""
    resources = {
        store.id: {
            "source": store.file,
            "title": store.title,
            "description": store.description,
            "license": LICENCE,
            "attribution": ATTRIBUTION,
        }
        for store in DEMO
    }
    return yaml.safe_dump({"resources": resources}, sort_keys=False, allow_unicode=True)


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Put ``new`` in the place of ``folder``; on failure what was there is there again."""
    had_one = folder.exists()
    if had_one:
        folder.replace(old)
    try:
        new.replace(folder)
    except OSError:
        if had_one:
            old.replace(folder)
        raise


def _expected(seed: int) -> dict[str, int]:
    return {"content": CONTENT_VERSION, "seed": seed}


def _read_marker(folder: Path) -> dict[str, object] | None:
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not isinstance(marker, dict):
        raise FileExistsError(f"{folder.name}/{MARKER} is not the marker of a demo cache")
    return marker


def _is_current(folder: Path, seed: int) -> bool:
    marker = _read_marker(folder)
    return marker is not None and all(marker.get(k) == v for k, v in _expected(seed).items())


def _refuse_foreign(folder: Path) -> None:
    """Never replace a folder that is not ours."""
    if not folder.exists():
        return
    marker = _read_marker(folder)
    ours = {MARKER, *(str(name) for name in _listed(marker))} if marker else set()
    foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)
    if foreign:
        raise FileExistsError(
            f"{folder.name} holds files that the demo did not write: {foreign[0]}"
        )


def _listed(marker: dict[str, object]) -> list[object]:
    files = marker.get("files", [])
    return files if isinstance(files, list) else []
