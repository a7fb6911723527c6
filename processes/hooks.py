"""What happens around every answer and job: authorise → hold → run → trace → capture → notify.

Each hook does nothing by default; billing, traceability and notification replace the ones they need.
"""

from __future__ import annotations

from dataclasses import dataclass

from auth.subject import Subject


@dataclass(frozen=True)
class Usage:
    """What an answer or job cost: estimated before it runs, measured after."""

    action: str
    resource: str
    values: int = 0
    nbytes: int = 0
    seconds: float = 0.0


class Hooks:
    """Called in this order with the subject who pays. Raise an error of ``config.errors`` to refuse."""

    def authorise(self, subject: Subject, usage: Usage) -> None:
        """May it run at all?"""

    def hold(self, subject: Subject, usage: Usage) -> None:
        """Reserve what the estimate says it costs."""

    def trace(self, subject: Subject, usage: Usage) -> None:
        """Record what was made from what."""

    def capture(self, subject: Subject, usage: Usage) -> None:
        """Settle what it really cost."""

    def notify(self, subject: Subject, usage: Usage) -> None:
        """Tell whoever asked to be told."""
