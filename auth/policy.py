"""What a subject may do: one question, asked for lists and for single answers alike."""

from __future__ import annotations

from typing import Literal, Protocol

from .subject import Subject

Action = Literal["read", "run", "manage"]


class Policy(Protocol):
    """Decides. ``sees`` says whether a resource exists for a subject at all, ``allows`` whether it may act on it."""

    def sees(self, subject: Subject, resource: str) -> bool: ...
    def allows(self, subject: Subject, action: Action, resource: str) -> bool: ...


class OpenPolicy:
    """Everything is public: the policy while identity is off."""

    def sees(self, subject: Subject, resource: str) -> bool:
        return True

    def allows(self, subject: Subject, action: Action, resource: str) -> bool:
        return action != "manage" or subject.authenticated
