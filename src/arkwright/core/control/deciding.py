"""What a node that the core decides comes to: a message, and what it leaves to the nodes behind it."""

from __future__ import annotations

from arkwright.core.record import Record


class Decision(Record, frozen=True, kw_only=True):
    message: str | None = None
    value: str | None = None
    """Of an Assignment: what it gives to later nodes."""
    chosen: tuple[int, ...] | None = None
    """Of a Branch: positions of the nodes right behind it that may run."""
