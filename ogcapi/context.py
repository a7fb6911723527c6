"""What a view is given: one object, nothing reached for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import MultiDict

from auth.policy import Policy
from auth.subject import ANONYMOUS, Subject
from config.errors import InvalidParameter
from config.settings import Settings
from ogcapi.catalogue import Catalogue
from ogcapi.html import Pages
from ogcapi.without_stock import NoStock
from processes.hooks import Hooks
from providers.formats.spool import Spool
from providers.render import Renderer
from providers.store import Store

if TYPE_CHECKING:
    from ogcapi.stock import StockApi


@dataclass(frozen=True)
class Services:
    """The parts of one app, made in ``create_app`` and nowhere else."""

    settings: Settings
    store: Store
    renderer: Renderer
    pages: Pages
    stock: StockApi | NoStock
    policy: Policy
    hooks: Hooks
    spool: Spool
    title: str
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """One request: who asks, the catalogue as that subject sees it, and how this server is addressed."""

    services: Services
    catalogue: Catalogue
    request_id: str
    base_url: str
    lang: str = "en"
    subject: Subject = ANONYMOUS


class Params:
    """Query parameters, each of which may be given once unless a view asks for all of its values."""

    def __init__(self, values: MultiDict[str, str]) -> None:
        self._values = values

    def one(self, name: str) -> str | None:
        """The value, None when absent; raises InvalidParameter for an empty or repeated parameter."""
        found = self._values.getlist(name)
        if not found:
            return None
        if len(found) > 1:
            raise InvalidParameter(
                f"{name}: given {len(found)} times", parameter=name, allowed=["once"]
            )
        if not found[0].strip():
            raise InvalidParameter(
                f"{name}: empty", parameter=name, allowed=["a value, or no parameter at all"]
            )
        return found[0]

    def maybe_empty(self, name: str) -> str | None:
        """The value of a parameter for which an empty one means the default."""
        found = self._values.getlist(name)
        return self.one(name) if any(value.strip() for value in found) else None

    def either(self, *names: str) -> tuple[str, str | None]:
        """The one that is given of several spellings, and its value."""
        given = [name for name in names if self._values.getlist(name)]
        if len(given) > 1:
            raise InvalidParameter(
                f"{given[1]}: given together with {given[0]}", parameter=given[1], allowed=names[:1]
            )
        return (given or names)[0], self.one((given or names)[0])

    def many(self, name: str) -> list[str]:
        """All values; an empty one is an error."""
        found = self._values.getlist(name)
        if any(not value.strip() for value in found):
            raise InvalidParameter(
                f"{name}: empty", parameter=name, allowed=["a value, or no parameter at all"]
            )
        return found

    def without(self, *names: str) -> Params:
        """The parameters but for some."""
        kept = [(k, v) for k, v in self._values.items(multi=True) if k not in names]
        return Params(MultiDict(kept))

    def names(self) -> list[str]:
        return list(self._values)

    def canonical(self, *, without: tuple[str, ...] = ()) -> str:
        """The parameters in one order, for version tags."""
        items = sorted((k, v) for k, v in self._values.items(multi=True) if k not in without)
        return repr(items)
