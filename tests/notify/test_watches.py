"""Jobs that are late by a rule's time of day, and a scheduler that is behind: on a clock of the test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.notify.house import PLACE, Clock, define, in_loop, opened, settled, stored

from arkwright.core.instance import InstanceStatus, InstanceType
from arkwright.engine.alerts import AlertRules
from arkwright.notify.lateness import LateWatch, _times
from arkwright.notify.stall import StallWatch
from arkwright.store.base import Commit, Kind, Store
from arkwright.testing.store_records import ENGINE, instance, requested, running

ZONE = "Europe/Berlin"
HOUR, DAY = 3_600_000, 86_400_000
DAILY = {"schedule": {"type": "CRON", "cron": {"intervalType": "days"}}}
WEEKLY = {"schedule": {"type": "CRON", "cron": {"intervalType": "weeks"}}}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


async def rule(store: Store, clock: Clock, name: str = "r", **body: Any) -> None:
    document = {"remind_type": 12, "topic_name": "ops", "complete_time": "06:30", **body}
    await define(store, Kind.ALARM_RULE, name, document, at_ms=clock.now_ms())


async def ran(store: Store, job_id: int, planned: str, status: str, started: str = "") -> None:
    start = at(started or planned)
    new = instance(
        store,
        place=PLACE,
        job_id=job_id,
        plan_time_ms=at(planned),
        submit_time_ms=start,
        instance_type=InstanceType.NORMAL,
    )
    await store.create_instance(new, owner=ENGINE)
    after = running(new, status=InstanceStatus(status), start_time_ms=start)
    assert await store.commit(ENGINE, [Commit(before=new, after=after, events=[requested(new)])]) == []


async def watch(store: Store, clock: Clock) -> LateWatch:
    made = LateWatch(store=store, clock=clock, rules=AlertRules(store), places=lambda: [(PLACE, ZONE)])
    await made.open()
    await settled()
    return made


@in_loop
async def test_a_daily_job_that_has_not_succeeded_by_its_time_is_told_of_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock(at("2026-03-01T12:00"))
        states = {"good": "success", "slow": "running", "bad": "fail", "absent": "", "old": ""}
        jobs = {
            name: await define(store, Kind.JOB, name, DAILY, at_ms=clock.now_ms(), status="SCHEDULING")
            for name in states
        }
        await define(store, Kind.JOB, "weekly", WEEKLY, at_ms=clock.now_ms(), status="SCHEDULING")
        await define(store, Kind.JOB, "stopped", DAILY, at_ms=clock.now_ms(), status="STOPPED")
        await rule(store, clock)
        late = await watch(store, clock)
        assert clock.waiting == [at("2026-03-02T06:30")]
        for name, status in states.items():
            if status:
                await ran(store, jobs[name], "2026-03-02T01:00", status, started="2026-03-02T01:05")
        await ran(store, jobs["old"], "2026-03-01T23:30", "success", started="2026-03-02T00:10")  # yesterday's
        clock.jump(at("2026-03-02T06:29") - clock.now_ms())
        await settled()
        assert await stored(store) == []
        await clock.pass_(60_000)
        told = {each.notice.job_name: each.notice.detail for each in await stored(store)}
        assert set(told) == {"slow", "bad", "absent", "old"}
        assert told["slow"] == "It has not succeeded by 06:30 of 2026-03-02. Its instance is running."
        assert told["absent"] == "It has not succeeded by 06:30 of 2026-03-02. No instance has begun."
        assert clock.waiting == [at("2026-03-03T06:30")]
        await late.close()

        # A restart looks at the last day again, and tells nothing twice.
        again = await watch(store, clock)
        assert len(await stored(store)) == 4
        await again.close()


@in_loop
async def test_a_time_that_passed_while_the_server_was_down_is_made_up_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock(at("2026-03-01T12:00"))
        await define(store, Kind.JOB, "absent", DAILY, at_ms=clock.now_ms(), status="SCHEDULING")
        await rule(store, clock, node_name_list=["absent", "no such job"])
        clock.jump(at("2026-03-02T09:00") - clock.now_ms())
        late = await watch(store, clock)
        assert [each.notice.at_ms for each in await stored(store)] == [at("2026-03-02T06:30")]
        await late.close()


@in_loop
async def test_a_new_rule_says_nothing_of_times_before_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        clock = Clock(at("2026-03-02T09:00"))
        await define(store, Kind.JOB, "absent", DAILY, at_ms=clock.now_ms(), status="SCHEDULING")
        late = await watch(store, clock)
        assert clock.waiting == []  # no rule, no timer
        await rule(store, clock)
        await settled()
        assert await stored(store) == []
        assert clock.waiting == [at("2026-03-03T06:30")]
        await late.close()


def test_times_of_day_over_the_changes_of_the_clock() -> None:
    spring = list(_times(150, ZONE, at("2026-03-28T12:00"), at("2026-03-30T12:00")))
    # 02:30 does not exist on 29 March; it comes by the gap later.
    assert [datetime.fromtimestamp(each / 1000, UTC).isoformat() for each in spring] == [
        "2026-03-29T01:30:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]
    autumn = list(_times(150, ZONE, at("2026-10-24T12:00"), at("2026-10-26T12:00")))
    assert len(autumn) == 2
    assert len(list(_times(0, "GMT+8", 0, 10 * DAY))) == 10
    assert list(_times(0, "Nowhere/At_All", 0, DAY)) == []


@pytest.mark.parametrize("acts", [True, False], ids=["it acts", "it does not"])
@in_loop
async def test_a_scheduler_that_does_not_act_in_time_is_told_of_once(tmp_path: Path, acts: bool) -> None:
    async with opened(tmp_path) as store:
        clock = Clock()
        await define(store, Kind.ALARM_RULE, "r", {"remind_type": 100, "topic_name": "ops"}, at_ms=clock.now_ms())
        stall = StallWatch(store=store, clock=clock, rules=AlertRules(store), places=lambda: [(PLACE, ZONE)])
        due = clock.now_ms() + HOUR
        stall.expect(due)
        await clock.pass_(HOUR)
        if acts:
            stall.expect(due + DAY)
        await clock.pass_(60_000)
        told = [each.notice.detail for each in await stored(store)]
        assert told == ([] if acts else ["The scheduler is 60 s behind."])
        assert stall.behind_since_ms == (None if acts else due)
        await clock.pass_(HOUR)
        assert len(await stored(store)) == len(told)
        stall.expect(None)
        assert stall.behind_since_ms is None
        assert clock.waiting == []
        await stall.close()
