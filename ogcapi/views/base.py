"""The view protocol: parse → estimate → answer. The dispatcher does everything that is the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from werkzeug.datastructures import MIMEAccept

from auth.policy import Action
from ogcapi.answer import Answer, Estimate
from ogcapi.catalogue import Collection
from ogcapi.context import Context, Params
from ogcapi.negotiation import HTML, JSON, Representation, choose
from openapi.parameters import Parameter
from providers.cube import Cube


class View:
    """One resource of one standard. Views hold no state; everything they need is in the context."""

    representations: ClassVar[Sequence[Representation]] = (JSON, HTML)

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Any:
        """The typed query of a request; raises InvalidParameter or NotFound."""
        return path

    def representation(
        self, path: dict[str, str], f: str | None, accept: MIMEAccept
    ) -> Representation:
        """The form of the answer; raises InvalidParameter or NotAcceptable."""
        return choose(self.representations, f, accept)

    def version(self, context: Context, query: Any) -> str | None:
        """What changes when the answer may change, known before it is made; None tags the answer by its bytes."""
        return None

    def modified(self, context: Context, query: Any) -> float | None:
        """When the data behind the answer changed, seconds since 1970."""
        return None

    def estimate(
        self, context: Context, query: Any, representation: Representation
    ) -> Estimate | None:
        """Size of the answer from metadata; None where it does not depend on data."""
        return None

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        """The answer in one representation."""
        raise NotImplementedError


@dataclass(frozen=True)
class Route:
    """One row of the view table: everything else (routes, OpenAPI, conformance, unknown parameters) is derived."""

    path: str
    view: View
    operation: str
    summary: str
    tag: str
    action: Action = "read"
    conformance: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = field(default=())
    methods: tuple[str, ...] = ("GET",)
    """GET also stands for HEAD; POST takes the same parameters from a form or a JSON object."""
    documented: bool = True


def cube_of(context: Context, path: dict[str, str]) -> tuple[Collection, Cube]:
    """The collection of a path and its cube; raises NotFound, or SourceUnavailable with the reason."""
    collection = context.catalogue.get(path["collectionId"])
    return collection, collection.cube()
