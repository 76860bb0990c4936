"""A job document's schedule, in the older and the newer spelling, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from arkwright.core.schedule import (
    CatchUp,
    Cycle,
    Dependency,
    DependFailPolicy,
    EventFailPolicy,
    EventType,
    ReadPolicy,
    Schedule,
    ScheduleType,
    Take,
)
from arkwright.core.schedule_document import read_schedule
from arkwright.errors import Code, InvalidInput

CRON = {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 * * ?"}


def read(schedule: Any, **more: Any) -> Schedule:
    return read_schedule({"schedule": schedule, **more}, default_zone="Europe/Berlin")


def cron(**fields: Any) -> dict[str, Any]:
    return {"type": "CRON", "cron": {**CRON, **fields}}


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type]


def test_all_that_a_periodic_job_says_is_read() -> None:
    found = read(
        {
            **cron(
                endTime="2026-12-31T23:59:59Z",
                expressionTimeZone="GMT+8",
                intervalType="hours",
                period="1 hours",
                dependPrePeriod="true",
                concurrent="3",
                dependJobs={"jobs": ["b", "c"], "dependPeriod": "PRE_PERIOD", "dependFailPolicy": "SUSPEND"},
            ),
            "skipWaiting": True,
            "waitForEnd": "1",
            "manualConfirmation": 1,
            "calendar": "work",
            "catchUp": "LATEST",
            "taskGroup": "small",
            "obsListening": {"path": "obs://in/#{Job.planTime}/", "interval": 5, "timeout": 30},
        },
        cleanOverdueDays=7,
        basicConfig={"priority": "2"},
        emptyRunningJob="1",
    )
    plan = found.cron
    assert plan is not None
    assert (plan.start_ms, plan.end_ms) == (utc(2025, 12, 31, 16), utc(2026, 12, 31, 23, 59, 59))
    assert (plan.zone, plan.cycle, plan.period, plan.expression) == ("GMT+8", Cycle.HOUR, "1 hours", "0 0 2 * * ?")
    assert found.dependencies == tuple(
        Dependency(job=job, periods_back=1, fail_policy=DependFailPolicy.SUSPEND) for job in ("b", "c")
    )
    assert (found.self_dependent, found.concurrent, found.skip_waiting) == (True, 3, True)
    assert (found.wait_for_end, found.manual_confirmation, found.calendar) == (True, True, "work")
    assert (found.catch_up, found.task_group, found.waiting_days) == (CatchUp.LATEST, "small", 7)
    assert (found.priority, found.dry_run) == (2, True)
    listening = found.obs_listening
    assert listening is not None
    assert (listening.interval_seconds, listening.timeout_seconds) == (300, 1800)


def test_both_spellings_say_the_same() -> None:
    newer = {
        "sche_type": "SCHEDULE",
        "cron": {
            "start_time": "2026-01-01T00:00:00+0800",
            "end_time": "2026-02-01T00:00:00+08:00",
            "expression": "0 0 2 * * ?",
            "expression_time_zone": "Asia/Shanghai",
            "interval_type": "days",
            "depend_pre_period": True,
            "depend_jobs": [{"jobs": ["b"], "depend_period": "PRE_PERIOD", "depend_fail_policy": "IGNORE"}],
        },
        "skip_waiting": True,
        "obs_listening": {"path": "obs://a/"},
    }
    older = {
        "type": "CRON",
        "cron": {
            "startTime": "2026-01-01T00:00:00+08",
            "endTime": "2026-02-01T00:00:00+08",
            "expression": "0 0 2 * * ?",
            "expressionTimeZone": "Asia/Shanghai",
            "intervalType": "days",
            "dependPrePeriod": True,
            "dependJobs": {"jobs": ["b"], "dependPeriod": "PRE_PERIOD", "dependFailPolicy": "IGNORE"},
            "skipWaiting": True,
        },
        "obsListening": {"path": "obs://a/"},
    }
    assert read(newer) == read(older)


def test_times_without_an_offset_are_wall_times_of_the_plans_zone() -> None:
    assert read(cron(startTime="2026-07-01T00:00:00")).cron.start_ms == utc(2026, 6, 30, 22)  # type: ignore[union-attr]
    in_zone = read(cron(startTime="2026-07-01T00:00:00", expressionTimeZone="GMT+8")).cron
    assert in_zone is not None
    assert in_zone.start_ms == utc(2026, 6, 30, 16)


DEPENDENCIES = [
    ({"jobs": ["b"]}, [Dependency(job="b")]),
    ({"jobs": []}, []),
    ([], []),
    (
        [{"jobs": ["b"]}, {"jobs": ["c"], "dependFailPolicy": "IGNORE"}],
        [Dependency(job="b"), Dependency(job="c", fail_policy=DependFailPolicy.IGNORE)],
    ),
    ([{"jobName": "b", "dependOnLastPeriod": True}], [Dependency(job="b", periods_back=1)]),
    (
        {
            "jobs": ["b", "c"],
            "sameWorkSpaceJobs": [{"jobName": "b", "dependOnLastNPeriodValue": 3, "dependType": "LAST_INSTANCE"}],
        },
        [Dependency(job="b", periods_back=3, take=Take.LAST), Dependency(job="c")],
    ),
    (
        {
            "dependFailPolicy": "SUSPEND",
            "otherWorkSpaceJobs": [
                {"jobName": "b", "workSpace": "west", "workSpaceId": "w1", "dependType": "any"},
                {"jobName": "b", "workSpace": "east"},
            ],
        },
        [
            Dependency(
                job="b",
                workspace="w1",
                workspace_name="west",
                take=Take.ANY,
                fail_policy=DependFailPolicy.SUSPEND,
            ),
            Dependency(job="b", workspace_name="east", fail_policy=DependFailPolicy.SUSPEND),
        ],
    ),
    (
        {"dependPeriod": "PRE_PERIOD", "sameWorkSpaceJobs": [{"jobName": "b", "dependOnLastPeriod": "false"}]},
        [Dependency(job="b")],
    ),
]


@pytest.mark.parametrize(("given", "expected"), DEPENDENCIES)
def test_dependencies_have_many_spellings(given: Any, expected: list[Dependency]) -> None:
    assert list(read(cron(dependJobs=given)).dependencies) == expected


def test_an_event_is_read() -> None:
    found = read(
        {
            "type": "EVENT_TRIGGER",
            "event": {"eventType": "KAFKA", "channel": "orders", "concurrent": 128, "readPolicy": "NEW"},
        }
    )
    event = found.event
    assert event is not None
    assert (found.type, event.type, event.channel) == (ScheduleType.EVENT, EventType.KAFKA, "orders")
    assert (event.concurrent, event.read_policy, event.fail_policy) == (128, ReadPolicy.NEW, EventFailPolicy.SUSPEND)


@pytest.mark.parametrize("schedule", [None, {"type": "EXECUTE_ONCE"}, {"type": "RUN_ONCE", "cron": CRON}])
def test_a_job_that_is_run_by_hand_has_no_plan(schedule: Any) -> None:
    assert read(schedule) == Schedule(type=ScheduleType.EXECUTE_ONCE)


def test_cron_without_a_plan_is_no_plan_yet() -> None:
    assert read({"type": "CRON"}) == Schedule(type=ScheduleType.CRON)


CYCLES = [
    ("0 0/5 * * * ?", Cycle.MINUTE),
    ("0 0,30 2 * * ?", Cycle.MINUTE),
    ("0 0 * * * ?", Cycle.HOUR),
    ("0 0 1,13 * * ?", Cycle.HOUR),
    ("0 0 2 * * ?", Cycle.DAY),
    ("0 0 2 ? * 2-6", Cycle.WEEK),
    ("0 0 2 ? * *", Cycle.DAY),
    ("0 0 2 1,15 * ?", Cycle.MONTH),
    ("0 0 2 L * ?", Cycle.MONTH),
    ("0 0 2 ? * 6#3", Cycle.MONTH),
    ("0 0 2 ? * 6L", Cycle.MONTH),
    ("0 0 2 1 1/3 ?", Cycle.SEASON),
    ("0 0 2 29 6 ?", Cycle.YEAR),
]


@pytest.mark.parametrize(("expression", "cycle"), CYCLES)
def test_the_expression_tells_its_cycle_where_the_document_does_not(expression: str, cycle: Cycle) -> None:
    plan = read(cron(expression=expression)).cron
    assert plan is not None
    assert plan.cycle is cycle


@pytest.mark.parametrize(
    ("interval", "cycle"),
    list(zip(("minutes", "hours", "days", "weeks", "months", "seasons", "years"), Cycle, strict=True)),
)
def test_interval_type_is_the_cycle(interval: str, cycle: Cycle) -> None:
    plan = read(cron(intervalType=interval)).cron
    assert plan is not None
    assert plan.cycle is cycle


REFUSED = [
    ("often", "schedule", "must be an object"),
    ({"cron": CRON}, "schedule.type", "missing"),
    ({"type": "OFTEN"}, "schedule.type", "EXECUTE_ONCE, CRON, EVENT"),
    ({"type": "CRON", "cron": []}, "schedule.cron", "must be an object"),
    (cron(startTime=None), "schedule.cron.startTime", "missing"),
    (cron(startTime="2026-02-30T00:00:00"), "schedule.cron.startTime", "must be a time"),
    (cron(startTime="2026-02-03"), "schedule.cron.startTime", "must be a time"),
    (cron(startTime="2026-02-03T00:00:00+99"), "schedule.cron.startTime", "beyond a day"),
    (cron(endTime="2025-01-01T00:00:00Z"), "schedule.cron.endTime", "before startTime"),
    (cron(expression=""), "schedule.cron.expression", "six fields"),
    (cron(expression=5), "schedule.cron.expression", "must be a text"),
    (cron(expression="0 0 25 * * ?"), "schedule.cron.expression", "25 is outside 0 to 23"),
    (cron(expressionTimeZone="Mars/Base"), "schedule.cron.expressionTimeZone", "no time zone"),
    (cron(expressionTimeZone="GMT+88"), "schedule.cron.expressionTimeZone", "no time zone"),
    (cron(expressionTimeZone="../etc/passwd"), "schedule.cron.expressionTimeZone", "no time zone"),
    (cron(intervalType="fortnights"), "schedule.cron.intervalType", "seasons"),
    (cron(dependPrePeriod="maybe"), "schedule.cron.dependPrePeriod", "true or false"),
    (cron(concurrent=0), "schedule.cron.concurrent", "1 to 128"),
    (cron(concurrent=129), "schedule.cron.concurrent", "1 to 128"),
    (cron(dependJobs={"jobs": "b"}), "schedule.cron.dependJobs.jobs", "must be a list"),
    (cron(dependJobs={"jobs": [""]}), "schedule.cron.dependJobs.jobs[0]", "name of a job"),
    (cron(dependJobs=[{"jobs": ["b", 5]}]), "schedule.cron.dependJobs[0].jobs[1]", "must be a text"),
    (cron(dependJobs={"dependPeriod": "NEXT"}), "schedule.cron.dependJobs.dependPeriod", "PRE_PERIOD"),
    (cron(dependJobs={"dependFailPolicy": "X"}), "schedule.cron.dependJobs.dependFailPolicy", "SUSPEND"),
    (
        cron(dependJobs={"sameWorkSpaceJobs": [{"jobName": "b", "dependOnLastNPeriodValue": 31}]}),
        "schedule.cron.dependJobs.sameWorkSpaceJobs[0].dependOnLastNPeriodValue",
        "0 to 30",
    ),
    ({**cron(), "catchUp": "SOME"}, "schedule.catchUp", "ALL, LATEST, NONE"),
    (cron(skipWaiting=7), "schedule.cron.skipWaiting", "true or false"),
    ({**cron(), "obsListening": {"interval": 5}}, "schedule.obsListening.path", "missing"),
    ({**cron(), "obsListening": {"path": "obs://a", "interval": 61}}, "schedule.obsListening.interval", "1 to 60"),
    ({**cron(), "obsListening": {"path": "obs://a", "timeout": 1441}}, "schedule.obsListening.timeout", "1 to 1440"),
    ({"type": "EVENT", "event": {"channel": "a"}}, "schedule.event.eventType", "missing"),
    ({"type": "EVENT", "event": {"eventType": "KAFKA", "concurrent": 0}}, "schedule.event.concurrent", "1 to 128"),
]


@pytest.mark.parametrize(("schedule", "field", "words"), REFUSED)
def test_what_is_refused_names_the_field_and_the_rule(schedule: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(schedule)
    assert (caught.value.field, caught.value.code) == (field, Code.JOB_SCHEDULE_INVALID)
    assert field in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ({}, None),
        ({"cleanOverdueDays": 3}, 3),
        ({"cleanOverdueDays": "3"}, 3),
        ({"cleanOverdueDays": 0}, None),
        ({"cleanOverdueDays": True}, None),
        ({"cleanWaitingJob": "false", "cleanOverdueDays": 3}, 0),
        ({"clean_overdue_days": 9}, 9),
    ],
)
def test_how_long_instances_may_wait(more: dict[str, Any], days: int | None) -> None:
    assert read(cron(), **more).waiting_days == days
