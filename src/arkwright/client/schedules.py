"""Calls about plans: when they fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arkwright.client.calls import Answer, Call, Document, document


def preview(
    *, cron: Mapping[str, Any] | None = None, job: str = "", count: int = 10, after_ms: int | None = None
) -> Call[list[int]]:
    """Fire times as epoch milliseconds, of a cron object or of a saved job."""
    given = {"cron": cron, "jobName": job or None, "after": after_ms}
    body = {"count": count} | {name: value for name, value in given.items() if value is not None}
    return Call(method="POST", path="schedule/preview", body=body, read=_times)


def _times(answer: Answer) -> list[int]:
    return [int(each) for each in document(answer)["fireTimes"]]


def simulate(
    *,
    from_: str | int,
    to: str | int,
    jobs: Sequence[str] = (),
    only: bool = False,
    documents: Sequence[Document] = (),
    durations: Mapping[str, float] | None = None,
    default_duration: float | None = None,
    failing: Sequence[str] = (),
    history: Sequence[Mapping[str, Any]] = (),
    limit: int | None = None,
) -> Call[Document]:
    """What the schedules would do: `instances`, `conflicts`, with documents also `diff`, with a history `shadow`."""
    given = {
        "from": from_,
        "to": to,
        "jobs": list(jobs),
        "only": only or None,
        "documents": list(documents),
        "durations": durations,
        "defaultDuration": default_duration,
        "failing": list(failing),
        "history": list(history),
        "limit": limit,
    }
    body = {name: value for name, value in given.items() if value is not None and value not in ([], {})}
    return Call(method="POST", path="schedule/simulation", body=body, read=document, extra_seconds=120)
