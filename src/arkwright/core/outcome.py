"""How an attempt of a node ended: a value, never an exception that crosses the engine."""

from __future__ import annotations

from enum import StrEnum

from arkwright.core.record import Tagged


class FailureKind(StrEnum):
    """Why an attempt did not succeed."""

    ERROR = "error"
    """The node's work failed (exit code, HTTP status, SQL error)."""
    REFUSED = "refused"
    """The node's settings can't be honoured here; a repeat would end the same way, so it is never retried."""
    CANCELLED = "cancelled"
    """It was stopped on request."""
    LOST = "lost"
    """Its fate can't be known: whoever ran it is gone and left no answer."""


class Succeeded(Tagged, frozen=True, kw_only=True):
    """The work is done.

    `output` refers to the text that `Job.getNodeOutput` answers, not the text itself: a node names a file in its
    attempt's folder, the engine makes it a path relative to the runs folder. None: the node has no output, and
    `getNodeOutput` answers null.
    """

    output: str | None = None
    input_row_count: int | None = None
    output_row_count: int | None = None
    message: str | None = None


class Failed(Tagged, frozen=True, kw_only=True):
    """The work is not done, or not known to be."""

    kind: FailureKind
    message: str
    exit_code: int | None = None
    output: str | None = None


Outcome = Succeeded | Failed
