"""Calls about jobs, running one now included."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from arkwright.client.calls import Answer, Call, Document, JobRecord, Page, document, filled, nothing, path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that was accepted."""

    instance_id: int
    status: str | None = None
    """The instance's status, if the call waited for it; ended or not."""


def create(job: Document) -> Call[None]:
    return Call(method="POST", path="jobs", body=job, idempotency_key=uuid.uuid4().hex, read=nothing)


def edit(name: str, job: Document) -> Call[None]:
    """A new version of the job; another name in the document renames it."""
    return Call(method="PUT", path=path("jobs", name), body=job, read=nothing)


def get(name: str, *, version: int | None = None, submitted: bool = False) -> Call[Document]:
    """The newest version, that version, or the submitted one."""
    query = filled(version=version, getJobSubmitVersion="true" if submitted else "")
    return Call(method="GET", path=path("jobs", name), query=query, read=document)


def find(*, name: str = "", job_type: str = "", page: int = 0, limit: int = 10) -> Call[Page[JobRecord]]:
    """Jobs whose name contains `name`. Pages count from 0."""
    query = filled(jobName=name, jobType=job_type, offset=page, limit=limit)
    return Call(method="GET", path="jobs", query=query, read=_page)


def delete(name: str) -> Call[None]:
    return Call(method="DELETE", path=path("jobs", name), read=nothing)


def run(
    name: str,
    *,
    parameters: Mapping[str, str] | None = None,
    idempotency_key: str = "",
    wait_seconds: float | None = None,
) -> Call[Run]:
    """Run the job's submitted version now.

    Without a key of the caller's own, the call gets a fresh one, so that repeating it after a broken connection
    never makes a second instance. A caller that itself may be repeated gives its own key.
    """
    given = [{"name": key, "value": value, "paramType": "variable"} for key, value in (parameters or {}).items()]
    return Call(
        method="POST",
        path=path("jobs", name, "run-immediate"),
        query=filled(wait=wait_seconds),
        body={"jobParams": given} if given else None,
        idempotency_key=idempotency_key or uuid.uuid4().hex,
        extra_seconds=wait_seconds or 0,
        read=_run,
    )


def _page(answer: Answer) -> Page[JobRecord]:
    value = document(answer)
    return Page(total=value["total"], items=value["jobs"])


def _run(answer: Answer) -> Run:
    value = document(answer)
    return Run(instance_id=int(value["instanceId"]), status=value.get("status"))
