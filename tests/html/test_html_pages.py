"""Every page, from usual and hostile documents: valid, self-contained, escaped, accessible."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
import pytest

from ogcapi.html import Pages
from tests.html import samples

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
PAGES: list[tuple[str, Callable[[], dict[str, Any]], str]] = [
    ("landing.html", samples.landing, "/"),
    ("collections.html", samples.collections, "/collections"),
    ("collection.html", samples.collection, "/collections/era5-pl"),
    ("conformance.html", samples.conformance, "/conformance"),
    ("api.html", dict, "/api"),
    ("schema.html", samples.schema, "/collections/era5-pl/schema"),
    ("document.html", samples.document, "/tileMatrixSets/WebMercatorQuad"),
    ("problem.html", samples.problem, "/collections"),
]
IDS = [name for name, _, _ in PAGES]


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages("Test server")


def parse(body: bytes) -> Element:
    """The page as a tree; strict parsing raises at the first error in the HTML."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root: Element = parser.parse(body.decode())
    return root


def render(pages: Pages, template: str, doc: Any, path: str = "/x", **extra: Any) -> Element:
    return parse(pages.render(template, doc=doc, base_url=samples.BASE, path=path, **extra))


def words(root: Element) -> str:
    return " ".join(" ".join(root.itertext()).split())


def hrefs(root: Element) -> set[str]:
    return {anchor.get("href", "") for anchor in root.iter("a")}


@pytest.mark.parametrize("is_hostile", [False, True], ids=["plain", "hostile"])
@pytest.mark.parametrize(("template", "sample", "path"), PAGES, ids=IDS)
class TestEveryPage:
    def page(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> Element:
        doc = samples.hostile(sample()) if is_hostile else sample()
        return render(pages, template, doc, path)

    def test_loads_from_this_server_only(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> None:
        root = self.page(pages, template, sample, path, is_hostile)
        loaded = [element.get("src") for element in root.iter() if element.get("src")]
        loaded += [
            element.get("href")
            for element in root.iter("link")
            if element.get("rel") in ("stylesheet", "icon")
        ]
        assert len(loaded) >= 3
        assert [url for url in loaded if not str(url).startswith(f"{samples.BASE}/")] == []

    def test_has_no_inline_script_style_or_handler(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> None:
        root = self.page(pages, template, sample, path, is_hostile)
        scripts = list(root.iter("script"))
        assert scripts
        assert all(script.get("src") and not script.text for script in scripts)
        assert list(root.iter("style")) == []
        names = [name for element in root.iter() for name in element.attrib]
        assert [name for name in names if name == "style" or name.startswith("on")] == []

    def test_links_are_http_or_in_the_page(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> None:
        found = hrefs(self.page(pages, template, sample, path, is_hostile))
        assert {urlsplit(href).scheme or href[0] for href in found} <= {"http", "https", "#"}

    def test_has_language_title_landmarks_and_skip_link(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> None:
        root = self.page(pages, template, sample, path, is_hostile)
        assert root.get("lang") == "en"
        assert words(next(root.iter("title"))).endswith("Test server")
        assert [main.get("id") for main in root.iter("main")] == ["main"]
        assert next(root.iter("a")).get("href") == "#main"
        assert len(list(root.iter("h1"))) == 1
        assert all(image.get("alt") is not None for image in root.iter("img"))
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))

    def test_headings_leave_out_no_level(
        self, pages: Pages, template: str, sample: Any, path: str, is_hostile: bool
    ) -> None:
        root = self.page(pages, template, sample, path, is_hostile)
        levels = [int(e.tag[1]) for e in root.iter() if e.tag in ("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("template", IDS)
@pytest.mark.parametrize("odd", [None, 1, "text", [], [None], {}, {"a": []}, [[{}]], True])
def test_a_document_of_odd_types_still_makes_a_page(pages: Pages, template: str, odd: Any) -> None:
    keys = [*samples.landing(), *samples.collection(), *samples.problem(), *samples.schema()]
    keys += ["collections", "conformsTo", "x-ogcapi:status", "numberMatched"]
    assert list(render(pages, template, dict.fromkeys(keys, odd)).iter("h1"))
    nested = {"extent": {"spatial": odd, "temporal": odd, "custom": odd, "other": odd}}
    nested |= {key: {"t": odd} for key in ("parameter_names", "data_queries", "properties")}
    assert list(render(pages, template, nested | {"collections": [nested, odd]}).iter("h1"))


def test_the_landing_page_opens_what_the_server_offers(pages: Pages) -> None:
    doc = samples.landing()
    root = render(pages, "landing.html", doc, "/")
    assert "Climate data cache" in words(root)
    assert {one["href"] for one in doc["links"]} <= hrefs(root)
    doc["links"] = [one for one in doc["links"] if "processes" not in one["rel"]]
    assert "Run computations" in words(root)
    assert "Run computations" not in words(render(pages, "landing.html", doc, "/"))


def test_a_collection_shows_variables_axes_and_grid(pages: Pages) -> None:
    shown = words(render(pages, "collection.html", samples.collection()))
    assert "t Air temperature K air_temperature mean PT1H" in shown
    assert "longitude ° -180 179.75 1440 0.25" in shown
    assert "time Gregorian 2020-01-01T00:00:00Z 2020-12-31T18:00:00Z 1464 PT6H" in shown
    assert "vertical hPa 1000 10 5 1000, 850, 500, 250, 10" in shown
    assert "reference_time R3/2020-01-01T00:00:00Z/P1D" in shown
    assert "Native CRS OGC:CRS84 Served in OGC:CRS84, EPSG:4326" in shown
    assert "rectilinear" in shown
    assert "of the <global> atmosphere" in shown


def test_named_axes_keep_the_order_of_the_data(pages: Pages) -> None:
    named = [
        {"name": "level", "kind": "z", "unit": "hPa", "size": 5, "first": 1000, "last": 10},
        {"name": "step", "kind": "step", "unit": "m/s", "size": 0, "first": 0, "last": 0},
    ]
    doc = samples.collection() | {"x-ogcapi:axes": named}
    doc["extent"]["vertical"]["interval"] = [[10, 1000]]
    shown = words(render(pages, "collection.html", doc))
    assert "level hPa 1000 10 5 1000, 850, 500, 250, 10" in shown
    assert "step m/s 0 0 0" in shown
    assert "reference_time R3" not in shown


def test_a_query_is_shown_once_as_its_template(pages: Pages) -> None:
    doc = samples.collection()
    url = f"{samples.BASE}/collections/era5-pl/position"
    template = {"href": f"{url}{{?coords,f}}", "rel": "data", "templated": True}
    doc["data_queries"] = {"position": {"link": template}}
    doc["links"].append({"href": url, "rel": "data", "title": "EDR position"})
    root = render(pages, "collection.html", doc)
    assert f"{url}{{?coords,f}}" in words(root)
    assert url not in hrefs(root)


def test_a_licence_may_be_an_object(pages: Pages) -> None:
    doc = samples.collection() | {"license": {"name": "CC BY", "url": "https://example.org/by"}}
    root = render(pages, "collection.html", doc)
    assert "Licence CC BY" in words(root)
    assert "https://example.org/by" in hrefs(root)


def test_hundreds_of_axis_values_are_shown_by_their_ends_and_number(pages: Pages) -> None:
    shown = words(render(pages, "collection.html", samples.collection()))
    assert "member 0 499 500" in shown
    assert "250, 251" not in shown


def test_metres_are_not_shown_beside_a_box_in_degrees(pages: Pages) -> None:
    doc = samples.collection() | {"storageCrs": "http://www.opengis.net/def/crs/EPSG/0/3035"}
    shown = words(render(pages, "collection.html", doc))
    assert "x 1440 0.25" in shown
    doc["extent"]["spatial"]["storageCrsBbox"] = [0, 10, 5000, 6000]
    assert "x 0 5000 1440" in words(render(pages, "collection.html", doc))


def test_the_map_is_shown_only_where_there_is_one(pages: Pages) -> None:
    doc = samples.collection()
    image = f"{samples.BASE}/collections/era5-pl/map?width=800&height=400"
    images = {one.get("src"): one for one in render(pages, "collection.html", doc).iter("img")}
    assert "ERA5 on pressure levels" in str(images[image].get("alt"))
    doc["links"] = [one for one in doc["links"] if not one["rel"].endswith("/map")]
    rest = [one.get("src") for one in render(pages, "collection.html", doc).iter("img")]
    assert image not in rest


def test_a_broken_collection_says_why_and_offers_no_data(pages: Pages) -> None:
    doc = samples.collection() | {"x-ogcapi:status": "the file ends too early"}
    root = render(pages, "collection.html", doc)
    assert "the file ends too early" in words(root)
    assert "Download" not in words(root)
    assert not [one for one in root.iter("img") if "/map" in str(one.get("src"))]


def test_links_are_grouped_by_standard_and_templates_are_no_links(pages: Pages) -> None:
    root = render(pages, "collection.html", samples.collection())
    shown = words(root)
    for group in ("Coverages", "Maps", "Tiles", "Environmental Data Retrieval"):
        assert f"OGC API – {group}" in shown
    assert f"{samples.BASE}/collections/era5-pl/tiles/{{tileMatrix}}" in shown
    assert not [href for href in hrefs(root) if "{" in href]


def test_snippets_are_python_whatever_the_address_holds(pages: Pages) -> None:
    doc = samples.collection()
    evil = 'https://example.org/a?x="\\";import os#'
    netcdf = next(one for one in doc["links"] if one["type"] == "application/netcdf")
    for address in (netcdf["href"], evil.replace("\\", "").replace(" ", "%20")):
        netcdf["href"] = address
        codes = ["".join(e.itertext()) for e in render(pages, "collection.html", doc).iter("pre")]
        code = next(code for code in codes if "xarray" in code)
        compile(code, "snippet", "exec")
        assert f"url = {json.dumps(address)}\n" in code


def test_every_collection_is_listed_and_the_next_page_linked(pages: Pages) -> None:
    root = render(pages, "collections.html", samples.collections(500), "/collections")
    assert len([one for one in root.iter("li") if one.get("class") == "card"]) == 500
    assert {f"{samples.BASE}/collections/c{number}" for number in range(500)} <= hrefs(root)
    assert f"{samples.BASE}/collections?offset=500" in hrefs(root)
    assert "Not available" in words(root)


def test_an_id_cannot_leave_its_path(pages: Pages) -> None:
    doc = {"collections": [{"id": "../jobs?x#y"}], "links": []}
    root = render(pages, "collections.html", doc)
    assert f"{samples.BASE}/collections/..%2Fjobs%3Fx%23y" in hrefs(root)


def test_conformance_classes_are_grouped_by_standard(pages: Pages) -> None:
    root = render(pages, "conformance.html", samples.conformance())
    assert "OGC API – Environmental Data Retrieval, Part 1: Core (1.1) core covjson" in words(root)
    assert set(samples.conformance()["conformsTo"]) <= hrefs(root)


def test_the_api_page_hands_the_document_to_swagger(pages: Pages) -> None:
    root = render(pages, "api.html", {}, "/api")
    place = next(e for e in root.iter("div") if e.get("id") == "swagger-ui")
    assert place.get("data-openapi") == f"{samples.BASE}/openapi?f=json"
    other = render(pages, "api.html", {}, openapi_url="https://a.example/o")
    assert "https://a.example/o" in hrefs(other)


def test_a_document_of_any_shape_is_readable(pages: Pages) -> None:
    root = render(pages, "document.html", samples.document())
    shown = words(root)
    assert samples.document()["uri"] in hrefs(root)
    assert "0, 1, … 399 (400 values)" in shown
    assert "100 more in the JSON." in shown
    assert "[[[0.0, 1.0], [2.0, 3.0]]]" in shown
    assert '{"i": "deep"}' in shown
    assert "flag yes none –" in shown


def test_a_schema_lists_its_properties(pages: Pages) -> None:
    shown = words(render(pages, "schema.html", samples.schema()))
    assert "t Air temperature number K" in shown
    assert "kind string, null type a, b" in shown
    assert "level number 10 … 1000" in shown


def test_a_problem_names_the_allowed_values(pages: Pages) -> None:
    root = render(pages, "problem.html", samples.problem(), "/collections/a")
    shown = words(root)
    assert "400 Bad Request f: 'pdf' is not a format" in shown
    assert "Allowed values json html netcdf" in shown
    assert "This page as JSON" not in shown


def test_breadcrumbs_lead_back(pages: Pages) -> None:
    root = render(pages, "schema.html", samples.schema(), "/collections/a b/schema")
    crumbs = next(nav for nav in root.iter("nav") if nav.get("aria-label") == "Breadcrumbs")
    assert words(crumbs) == "Home Collections a b schema"
    assert [a.get("href") for a in crumbs.iter("a")] == [
        f"{samples.BASE}/",
        f"{samples.BASE}/collections",
        f"{samples.BASE}/collections/a%20b",
    ]
    landing = render(pages, "landing.html", samples.landing(), "/")
    assert not [nav for nav in landing.iter("nav") if nav.get("aria-label") == "Breadcrumbs"]


def test_the_language_is_that_of_the_context(pages: Pages) -> None:
    root = render(pages, "landing.html", {"title": {"en": "Sea", "fr": "Mer"}}, "/", lang="fr")
    assert root.get("lang") == "fr"
    assert words(next(root.iter("h1"))) == "Mer"


def test_two_servers_in_one_process_keep_their_titles() -> None:
    first, second = Pages("First"), Pages("Second")
    assert b"Second" not in first.render("landing.html", doc={}, base_url="", path="/")
    assert b"First" not in second.render("landing.html", doc={}, base_url="", path="/")


def test_an_unknown_template_is_an_error(pages: Pages) -> None:
    with pytest.raises(KeyError):
        pages.render("../html.py", doc={}, base_url="", path="/")
