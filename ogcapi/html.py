"""The HTML of the server: pages made from the standards' JSON documents, and the files they load.

A page shows a document and adds nothing to it. Everything a page loads comes from this server's
``/static`` and no page holds an inline script or style: ``CONTENT_SECURITY_POLICY`` fits them all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ogcapi import html_axes, html_links
from ogcapi import html_documents as documents
from ogcapi.html_snippets import snippets

MEDIA_TYPE = "text/html; charset=utf-8"

#: ``data:`` images are icons inside the style sheet of Swagger UI.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

NAVIGATION = (("Collections", "/collections"), ("API", "/api"), ("Conformance", "/conformance"))

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+)+", re.ASCII)
_SWAGGER_ASSETS = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Pages:
    """The pages of one server; every template is compiled here, so a broken one fails at start.

    ``navigation`` is (label, path) of the entries in the header. ``description`` is the sentence
    search engines and link previews show where a document has none of its own.
    """

    def __init__(
        self,
        title: str,
        *,
        description: str = "",
        navigation: Sequence[tuple[str, str]] = NAVIGATION,
    ) -> None:
        environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        environment.globals.update(
            site_title=title,
            site_description=description,
            navigation=tuple(navigation),
            axes=html_axes.axes,
            variables=html_axes.variables,
            snippets=snippets,
            extent_rows=html_axes.extent_rows,
            link_groups=html_links.link_groups,
            downloads=html_links.downloads,
            find_link=html_links.find_link,
            conformance_groups=documents.conformance_groups,
            has_map=html_links.has_map,
            credit=documents.credit,
            kind=documents.kind,
            columns=documents.columns,
            status_reason=documents.status_reason,
        )
        environment.filters.update(
            url=documents.safe_url,
            words=documents.text,
            entries=documents.entries,
            mapping=documents.mapping,
            sequence=documents.sequence,
            scalar=documents.scalar,
            compact=documents.compact,
            crs=documents.crs_name,
            segment=_segment,
            paragraphs=_paragraphs,
        )
        self._templates: dict[str, Template] = {
            name: environment.get_template(name)
            for name in environment.list_templates(extensions=["html"])
        }

    def render(
        self,
        template: str,
        *,
        doc: Mapping[str, Any],
        base_url: str,
        path: str,
        lang: str = "en",
        **extra: Any,
    ) -> bytes:
        """A page as UTF-8; ``path`` is below ``base_url``, decoded, without query.

        ``extra`` goes to the template as it is.
        Raises ``KeyError`` for a template that does not exist.
        """
        base_url = base_url.rstrip("/")
        context = {
            "doc": doc,
            "base_url": base_url,
            "path": path,
            "lang": lang,
            "breadcrumbs": documents.breadcrumbs(path, base_url),
            "json_url": html_links.json_url(doc, base_url, path),
            "openapi_url": f"{base_url}/openapi?f=json",
            **extra,
        }
        return self._templates[template].render(context).encode("utf-8", "replace")


def asset_path(name: str) -> Path | None:
    """File of the installed Swagger UI that the API page loads, or None for any other name."""
    if name not in _SWAGGER_ASSETS:
        return None
    from swagger_ui_bundle import swagger_ui_path

    path = Path(str(swagger_ui_path)) / name
    return path if path.is_file() else None


def static_file(name: str) -> tuple[bytes, str, str] | None:
    """Body, media type and strong ETag (quoted) of ``/static/{name}``; None for no such file.

    ``swagger/…`` is Swagger UI. A name is matched as a whole, so it can leave neither folder.
    """
    folder, _, file = name.rpartition("/")
    if folder == "swagger":
        path = asset_path(file)
    elif not folder and _NAME.fullmatch(file):
        path = _FOLDER / "static" / file
    else:
        path = None
    if path is None or path.suffix not in _MEDIA_TYPES or not path.is_file():
        return None
    return _read(path)


@cache
def _read(path: Path) -> tuple[bytes, str, str]:
    body = path.read_bytes()
    return body, _MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _segment(value: str) -> str:
    return quote(value, safe="")


def _paragraphs(value: str) -> Markup:
    """Plain text as paragraphs, escaped: a blank line ends one."""
    blocks = (block.strip() for block in re.split(r"\n\s*\n", value))
    return Markup("").join(Markup("<p>{}</p>").format(block) for block in blocks if block)
