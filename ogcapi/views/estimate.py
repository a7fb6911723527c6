"""``POST …/estimate``: what a request would cost, from metadata alone."""

from __future__ import annotations

from typing import Any, ClassVar

from ogcapi.answer import Answer
from ogcapi.budgets import published
from ogcapi.context import Context, Params
from ogcapi.negotiation import JSON, Representation
from ogcapi.views.base import View


class EstimateView(View):
    """The size of the answers of another view, and whether they are within the limits."""

    representations: ClassVar = (JSON,)

    def __init__(self, inner: View) -> None:
        self._inner = inner

    def parse(self, context: Context, params: Params, path: dict[str, str]) -> Any:
        return self._inner.parse(context, params, path)

    def version(self, context: Context, query: Any) -> str | None:
        return self._inner.version(context, query)

    def answer(self, context: Context, query: Any, representation: Representation) -> Answer:
        limits = context.services.settings.limits
        forms = {
            item.name: self._inner.estimate(context, query, item)
            for item in self._inner.representations
        }
        known = [item for item in forms.values() if item is not None]
        values, read = max(item.values for item in known), max(item.read for item in known)
        document = {
            "values": values,
            "bytes": max(item.nbytes for item in known),
            "valuesRead": read,
            "bodyBytes": {name: item.body for name, item in forms.items() if item is not None},
            "allowed": values <= limits.cells and read <= limits.cells_read,
            "limits": published(limits)["coverage"],
        }
        return Answer(document=document)
