"""What messages are that differ from described ones in their step alone: a long forecast has few kinds otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .headers import Header

Template = Mapping[str, Any]

_MOST = 100_000
"""Families that are kept at hand."""


@dataclass(frozen=True)
class _Family:
    """What is known of messages that are alike but for their step. Without ``template`` they do not follow a rule."""

    template: Template | None
    step: int
    is_certain: bool = False


class Steps:
    """Templates by example.

    Two messages of different steps have to be the same but for ``start`` and ``end``, both equal to the step of the
    header, before a third one is taken to follow: ecCodes may name a parameter by its step.
    """

    def __init__(self) -> None:
        self._families: dict[bytes, _Family] = {}

    def derived(self, header: Header) -> Template | None:
        """The template of a message by those of its family; None where it has to be described itself."""
        family = self._families.get(_key(header))
        if header.step is None or family is None or family.template is None:
            return None
        return _at(family.template, header.step.microseconds) if family.is_certain else None

    def learn(self, header: Header, template: Template | str) -> None:
        """Takes note of a message that was described, or refused with a reason."""
        if header.step is None:
            return
        step = header.step.microseconds
        key = _key(header)
        before = self._families.get(key)
        if isinstance(template, str) or _at(template, step) != template:
            found = _Family(None, step)
        elif before is None or before.step == step:
            found = _Family(template, step)
        else:
            follows = before.template is not None and _at(before.template, step) == template
            found = _Family(template if follows else None, step, follows)
        if len(self._families) >= _MOST:
            self._families = {}
        self._families[key] = found


def _key(header: Header) -> bytes:
    """The key of a header without the step."""
    step = header.step
    if step is None:
        return b""
    return header.key[: step.at] + bytes(step.length) + header.key[step.at + step.length :]


def _at(template: Template, step: int) -> Template:
    return {**template, "start": step, "end": step}
