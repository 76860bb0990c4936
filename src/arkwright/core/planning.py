"""What a schedule plans, and what each planned instance waits for: pure, for production and simulation alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from arkwright.core.calendar import Calendar, is_working_day
from arkwright.core.fire_times import fire_times, next_fire, previous_fire
from arkwright.core.gate import (
    Condition,
    Confirmation,
    Gate,
    JobSlots,
    LatestOnly,
    ObjectExists,
    PreviousCycle,
    Upstream,
)
from arkwright.core.record import Record
from arkwright.core.schedule import CatchUp, Cron, Cycle, Dependency, DependencyPolicy, Schedule
from arkwright.core.windows import windows
from arkwright.core.zone_changes import offset_at

LATE_MS = 60_000
"""A plan time that is not taken up within this time counts as missed: the server was down."""

DAY_MS = 86_400_000
INSTANCES_PER_JOB = 5
WAITING_DAYS = 60


class PlanSettings(Record, frozen=True, kw_only=True):
    """A workspace's settings, for jobs that have none of their own."""

    dependency_policy: DependencyPolicy = DependencyPolicy.NATURAL
    catch_up: CatchUp = CatchUp.ALL
    waiting_days: int = WAITING_DAYS
    """0: waiting instances are kept."""
    instances_per_job: int = INSTANCES_PER_JOB
    time_zone: str = "UTC"


class UpstreamJob(Record, frozen=True, kw_only=True):
    """A job that another one depends on, as it is submitted."""

    job_id: int
    job_name: str
    workspace_id: str
    cron: Cron


class Due(Record, frozen=True, kw_only=True):
    """The plan times of a schedule that are to be made now."""

    times: tuple[int, ...] = ()
    """Oldest first."""
    cursor_ms: int
    """Up to here everything is planned or passed over."""
    next_ms: int | None
    missed: bool = False
    """They were missed, and are made up for."""


def due_times(cron: Cron, cursor_ms: int, now_ms: int, *, catch_up: CatchUp, waiting_days: int, limit: int) -> Due:
    """Plan times after the cursor up to now, at most `limit`; missed ones by the policy for catching up."""
    if cursor_ms >= now_ms:
        return Due(cursor_ms=cursor_ms, next_ms=next_fire(cron, cursor_ms))
    first = next_fire(cron, cursor_ms)
    if first is None or first > now_ms:
        return Due(cursor_ms=now_ms, next_ms=first)
    fresh_after = max(cursor_ms, now_ms - LATE_MS)
    missed = first <= fresh_after
    start = cursor_ms
    if missed:
        match catch_up:
            case CatchUp.ALL:
                if waiting_days:
                    start = max(cursor_ms, now_ms - waiting_days * DAY_MS)
            case CatchUp.LATEST:
                newest = previous_fire(cron, fresh_after + 1)
                fresh = next_fire(cron, fresh_after)
                start = fresh_after if newest is None or (fresh is not None and fresh <= now_ms) else newest - 1
            case CatchUp.NONE:
                start = fresh_after
    times: list[int] = []
    for at in fire_times(cron, start):
        if at > now_ms:
            break
        if len(times) == limit:
            return Due(times=tuple(times), cursor_ms=times[-1], next_ms=at, missed=missed)
        times.append(at)
    return Due(times=tuple(times), cursor_ms=now_ms, next_ms=next_fire(cron, now_ms), missed=missed)


def gate_of(
    schedule: Schedule,
    cron: Cron,
    plan_time_ms: int,
    upstreams: Sequence[tuple[Dependency, UpstreamJob]],
    settings: PlanSettings,
    *,
    now_ms: int,
    ignore_previous: bool = False,
) -> Gate:
    """What an instance for that plan time waits for.

    `ignore_previous`: the first instance after a start that was told to ignore the self-dependency. Raises
    `InvalidInput` for a pair of cycles that the workspace's policy does not allow.
    """
    conditions: list[Condition] = []
    if schedule.manual_confirmation:
        conditions.append(Confirmation())
    numbers: dict[str, int] = {}
    for dependency, job in upstreams:
        for window in windows(settings.dependency_policy, cron, job.cron, plan_time_ms, dependency):
            numbers[job.job_name] = numbers.get(job.job_name, 0) + 1
            conditions.append(
                Upstream(
                    job_id=job.job_id,
                    job_name=job.job_name,
                    workspace_id=job.workspace_id,
                    from_ms=window.from_ms,
                    to_ms=window.to_ms,
                    take=window.take,
                    on_failure=dependency.fail_policy,
                    window=window.rule,
                    ended_is_enough=schedule.wait_for_end,
                    number=numbers[job.job_name],
                )
            )
    if schedule.self_dependent and not ignore_previous:
        conditions.append(PreviousCycle())
    if schedule.skip_waiting and cron.cycle in (Cycle.MINUTE, Cycle.HOUR):
        conditions.append(LatestOnly())
    if schedule.obs_listening is not None:
        listening = schedule.obs_listening
        conditions.append(
            ObjectExists(
                path=listening.path,
                every_seconds=listening.interval_seconds,
                until_ms=now_ms + listening.timeout_seconds * 1000,
            )
        )
    conditions.append(JobSlots(limit=schedule.concurrent or settings.instances_per_job))
    days = settings.waiting_days if schedule.waiting_days is None else schedule.waiting_days
    return Gate(conditions=tuple(conditions), expires_ms=now_ms + days * DAY_MS if days else None)


def is_dry(calendar: Calendar, plan_time_ms: int, zone: str) -> bool:
    """Whether the day of the plan time is none to work on."""
    wall = datetime.fromtimestamp(0, UTC) + timedelta(
        seconds=plan_time_ms // 1000 + offset_at(zone, plan_time_ms // 1000)
    )
    return not is_working_day(calendar, wall.date())
