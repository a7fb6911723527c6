"""Who asks. Every request and every job row carries a subject, the anonymous one where nobody signed in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subject:
    """A person or a service. ``id`` is stable (OIDC ``iss`` and ``sub``), ``roles`` come from the issuer."""

    id: str
    name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    authenticated: bool = False


ANONYMOUS = Subject("anonymous", "anonymous")
"""Everybody, while identity is off."""
