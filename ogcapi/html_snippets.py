"""How to open a collection elsewhere, written from the links it has and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ogcapi.html_documents import tail
from ogcapi.html_links import Link, read_links


@dataclass(frozen=True)
class Snippet:
    """``code`` is to be copied, ``where`` says into what."""

    title: str
    where: str
    code: str


def snippets(doc: Mapping[str, Any], base_url: str) -> list[Snippet]:
    """QGIS and Python snippets for what the collection offers, in that order."""
    links = [link for link in read_links(doc) if link.href]
    return [*_qgis(links, base_url), *_python(links)]


def _qgis(links: list[Link], base_url: str) -> Iterator[Snippet]:
    wms = next((link for link in links if tail(link.rel) == "wms" or "/wms" in link.address), None)
    if wms:
        yield Snippet(
            "QGIS: WMS", "Layer › Add Layer › Add WMS/WMTS Layer › New › URL", wms.address
        )
    geotiff = _coverage(links, "tiff")
    if geotiff:
        where = "Layer › Add Layer › Add Raster Layer › Protocol: HTTP(S) › URI"
        yield Snippet("QGIS: raster", where, geotiff.address)
    if _items(links):
        where = "Layer › Add Layer › Add WFS / OGC API – Features Layer › New › URL"
        yield Snippet("QGIS: features", where, f"{base_url}/")


def _python(links: list[Link]) -> Iterator[Snippet]:
    """URLs are written as JSON strings, which are Python literals: none can end its quotes."""
    netcdf, items = _coverage(links, "netcdf"), _items(links)
    if netcdf:
        code = (
            "import io\n\nimport requests\nimport xarray as xr\n\n"
            f"url = {json.dumps(netcdf.address)}\n"
            "answer = requests.get(url)\nanswer.raise_for_status()\n"
            "ds = xr.open_dataset(io.BytesIO(answer.content))\nprint(ds)"
        )
        yield Snippet("Python: xarray", "pip install requests xarray h5netcdf", code)
    else:
        covjson = _coverage(links, "json")
        if covjson:
            code = (
                "import requests\n\n"
                f"url = {json.dumps(covjson.address)}\n"
                "answer = requests.get(url)\nanswer.raise_for_status()\n"
                'coverage = answer.json()\nprint(coverage["ranges"].keys())'
            )
            yield Snippet("Python: CoverageJSON", "pip install requests", code)
    if items:
        code = (
            "import geopandas as gpd\n\n"
            f"gdf = gpd.read_file({json.dumps(items.address)})\nprint(gdf.head())"
        )
        yield Snippet("Python: GeoPandas", "pip install geopandas", code)


def _coverage(links: list[Link], media_type: str) -> Link | None:
    """The coverage in a format, by a piece of its media type."""
    return next(
        (link for link in links if tail(link.rel) == "coverage" and media_type in link.media_type),
        None,
    )


def _items(links: list[Link]) -> Link | None:
    return next(
        (link for link in links if tail(link.rel) == "items" and "json" in link.media_type), None
    )
