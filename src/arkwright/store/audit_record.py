"""What the audit keeps, and how it is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what, when, from where, and what came of it. Written once, never changed."""

    at_ms: int
    project_id: str
    """Empty: before a project was known, such as a log-in."""
    workspace_id: str
    """Empty: outside of workspaces."""
    user_id: str
    user_name: str
    """Who it was, or claimed to be."""
    source: str
    """The client's address."""
    operation: str
    object: str
    """Name or id of what was changed; empty where nothing is named."""
    outcome: str
    """`success`, or the error code."""
    message: str = ""
    request_id: str = ""
    id: int = 0
    """Given by the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which audit records to list; empty texts ask for nothing."""

    workspace_id: str
    from_ms: int
    to_ms: int
    """Inclusive."""
    user_name: str = ""
    operation: str = ""
    object: str = ""
    outcome: str = ""
    """`success`, `refused` (all others), or an error code."""
    before: tuple[int, int] | None = None
    """(at_ms, id) of the last record of the page before."""
