"""Numbers about instances: how many are in which state, and the curve of those completed over the day.

Rules: all numbers are totals that the store keeps, never counted from history, so they follow its clock: an instance
belongs to the moment of its start (its planned time while it has none). The states of the overview exclude each other:
forced successes and successes with ignored failures are not counted as `success` again, so that the states add up to
the total. The curve shows, at each full hour, how many of the day's instances started until then have succeeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.records import all_of
from arkwright.api.route import Route, flag, text
from arkwright.api.v1.fields import choice
from arkwright.api.v2 import report_documents
from arkwright.api.v2.jobs import owner_of
from arkwright.api.v2.paths import route
from arkwright.core.instance import InstanceStatus
from arkwright.core.job_document import canonical_type
from arkwright.el.java_zones import find_zone
from arkwright.iam.model import Action
from arkwright.store.base import InstanceFilter, Kind

WEEK = 7
_STATUSES = {
    "fail_count": InstanceStatus.FAIL,
    "freeze_count": InstanceStatus.FREEZE,
    "manual_stop_count": InstanceStatus.MANUAL_STOP,
    "pause_count": InstanceStatus.PAUSE,
    "running_count": InstanceStatus.RUNNING,
    "running_exception_count": InstanceStatus.RUNNING_EXCEPTION,
    "skip_count": InstanceStatus.SKIP_BY_DEPEND,
    "waiting_confirm_count": InstanceStatus.WAITING_CONFIRM,
    "waiting_count": InstanceStatus.WAITING,
}
_DAYS = {"today": (0, 1), "yesterday": (-1, 0), "before_yesterday": (-2, -1), "all": (1 - WEEK, 1)}


async def show_overview(call: Call) -> Response:
    days = choice(call.query.get("query_days"), "query_days", _DAYS) or "today"
    first, last = (_midnight(call, day) for day in _DAYS[days])
    job_ids = None
    if call.flag("is_own"):
        job_ids = [job.id for job in await all_of(call, Kind.JOB) if owner_of(job) == call.actor.user_name]

    def count(**more: Any) -> Any:
        return _count(call, job_ids, first, last, **more)

    success = (InstanceStatus.SUCCESS,)
    names = [*_STATUSES, "success_count", "force_success_count", "ignore_success_count", "total_count"]
    counts = await asyncio.gather(
        *(count(statuses=(status,)) for status in _STATUSES.values()),
        count(statuses=success, force_success=False, ignore_success=False),
        count(statuses=success, force_success=True),
        count(statuses=success, force_success=False, ignore_success=True),
        count(),
    )
    return answer(dict(sorted(zip(names, counts, strict=True))))


async def show_completion(call: Call) -> Response:
    job_ids = await _jobs_with(call, call.query.get("type", ""))
    now = call.parts.now_ms()
    marks = _marks(call, 0)
    today = [mark for mark in marks if mark <= now]
    past = await asyncio.gather(*(_curve(call, job_ids, _marks(call, -day)) for day in range(1, WEEK + 1)))
    curve_today = await _curve(call, job_ids, today)
    # Days on which a clock changes have other numbers of hours.
    average = [
        round(sum(day[index] for day in past if index < len(day)) / sum(index < len(day) for day in past))
        for index in range(min(len(marks), max(map(len, past))))
    ]
    return answer(
        {
            "yesterday": _points(_marks(call, -1), past[0]),
            "average": _points(marks, average),
            "today": _points(today, curve_today),
        }
    )


# ---------------------------------------------------------------- inside


def _midnight(call: Call, day: int) -> int:
    """00:00 of the day so many days from today, in the workspace's time zone."""
    zone = find_zone(call.workspace.time_zone).info
    today = datetime.fromtimestamp(call.parts.now_ms() / 1000, zone).date() + timedelta(days=day)
    return int(datetime(today.year, today.month, today.day, tzinfo=zone).timestamp() * 1000)


def _marks(call: Call, day: int) -> list[int]:
    """The full hours of a day, from one o'clock until its end."""
    hour = 60 * 60 * 1000
    return list(range(_midnight(call, day) + hour, _midnight(call, day + 1) + 1, hour))


async def _curve(call: Call, job_ids: Sequence[int] | None, marks: Sequence[int]) -> list[int]:
    hour = 60 * 60 * 1000
    counts = await asyncio.gather(
        *(_count(call, job_ids, mark - hour, mark, statuses=(InstanceStatus.SUCCESS,)) for mark in marks)
    )
    total, curve = 0, []
    for each in counts:
        total += each
        curve.append(total)
    return curve


def _points(marks: Sequence[int], curve: Sequence[int]) -> list[dict[str, int]]:
    return [{"record_time": at, "task_completion_num": n} for at, n in zip(marks, curve, strict=False)]


async def _count(call: Call, job_ids: Sequence[int] | None, from_ms: int, before_ms: int, **more: Any) -> int:
    if job_ids is not None and not job_ids:
        return 0
    where = InstanceFilter(place=call.place, job_ids=job_ids, from_ms=from_ms, to_ms=before_ms - 1, **more)
    return (await call.parts.store.list_instances(where, limit=0)).total


async def _jobs_with(call: Call, node_type: str) -> list[int] | None:
    """Ids of the jobs that have a node of that type; None: all jobs."""
    if node_type in ("", "all"):
        return None
    wanted = canonical_type(node_type)
    return [
        job.id
        for job in await all_of(call, Kind.JOB)
        if any(canonical_type(str(node.get("type", ""))) == wanted for node in job.body.get("nodes", ()))
    ]


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/monitor/task-statistics-overview",
        show_overview,
        "listFactoryTaskOverview",
        "How many instances are in which state.",
        Action.JOB_READ,
        flag("is_own", "Instances of one's own jobs alone."),
        text("query_days", "Which days.", enum=list(_DAYS), default="today"),
        response=report_documents.Overview,
    ),
    route(
        "GET",
        "/monitor/task-completion-data",
        show_completion,
        "listFactoryTaskCompletion",
        "How many instances have succeeded, hour by hour.",
        Action.JOB_READ,
        text("type", "Jobs that have a node of this type; all: every job.", default="all"),
        response=report_documents.Completion,
    ),
)
