"""Calls about the audit: who did what."""

from __future__ import annotations

from dataclasses import dataclass

from arkwright.client.calls import Answer, Call, Document, document, filled


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    records: list[Document]
    next_marker: str
    """Where the next page begins; empty: there is none."""


def find(
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    user: str = "",
    operation: str = "",
    object: str = "",  # noqa: A002  the API's word
    outcome: str = "",
    installation: bool = False,
    marker: str = "",
    limit: int = 100,
) -> Call[AuditPage]:
    """Newest first. Times are epoch milliseconds, at most 92 days apart; without them the last seven days."""
    query = filled(
        to=to_ms,
        user=user,
        operation=operation,
        object=object,
        outcome=outcome,
        installation="true" if installation else "",
        marker=marker,
        limit=limit,
    )
    if from_ms is not None:
        query["from"] = str(from_ms)
    return Call(method="GET", path="audit", query=query, read=_page)


def _page(answer: Answer) -> AuditPage:
    value = document(answer)
    return AuditPage(records=value["records"], next_marker=value["next_marker"])
