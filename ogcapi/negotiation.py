"""Which representation a client gets: ``f=`` first, then the Accept header with its q-values (RFC 9110 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

from config.errors import InvalidParameter, NotAcceptable


@dataclass(frozen=True)
class Representation:
    """One form of an answer: the ``f=`` name, its media type, and other types it may be asked for by."""

    name: str
    media_type: str
    accepts: tuple[str, ...] = ()
    title: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        return (self.media_type, *self.accepts)


JSON = Representation("json", "application/json", title="JSON")
HTML = Representation("html", "text/html", title="HTML")


def choose(
    representations: Sequence[Representation], f: str | None, accept: MIMEAccept
) -> Representation:
    """The best form: the highest q-value wins, the server's order breaks ties, no Accept header takes the first."""
    if f is not None:
        wanted = f.strip().lower()
        for item in representations:
            if wanted in (
                item.name,
                item.title.lower(),
            ):  # EDR clients send what output_formats says
                return item
        names = [item.name for item in representations]
        raise InvalidParameter(
            f"f: {f[:40]!r} is not a format of this resource", parameter="f", allowed=names
        )
    if not accept:
        return representations[0]
    best: tuple[float, int, Representation] | None = None
    for position, item in enumerate(representations):
        quality = max(_quality(accept, media_type) for media_type in item.types)
        if quality > 0 and (best is None or (quality, -position) > best[:2]):
            best = (quality, -position, item)
    if best is None:
        raise NotAcceptable(
            "no representation of this resource has a type that you accept",
            parameter="Accept",
            allowed=[item.media_type for item in representations],
        )
    return best[2]


def _quality(accept: MIMEAccept, media_type: str) -> float:
    """q of a type: the most specific range that matches decides."""
    wanted = media_type.split(";")[0].strip().lower()
    kind = wanted.split("/")[0]
    ranks: dict[int, float] = {}
    for value, quality in accept:
        given = value.split(";")[0].strip().lower()
        rank = (
            2
            if given == wanted
            else 1
            if given == f"{kind}/*"
            else 0
            if given in ("*/*", "*")
            else -1
        )
        if rank >= 0:
            ranks[rank] = max(ranks.get(rank, 0.0), quality)
    return ranks[max(ranks)] if ranks else 0.0
