"""Random gates in random surroundings: the core's verdict against the oracle's, and what it says of each condition."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.building import new_instance, plan
from tests.core.gate_oracle import verdict
from tests.examples import some

from arkwright.core.gate import Condition, Confirmation, Gate, JobSlots, LatestOnly, PreviousCycle, Upstream
from arkwright.core.gate_rules import GateFacts, Peer, UpstreamFacts, judge
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.schedule import DependFailPolicy, Take

PLAN = plan("a")
STATES = [each.value for each in InstanceStatus]
NOW = 1_000_000


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    times = draw(st.lists(st.integers(0, 9), max_size=4, unique=True))
    return {
        "instances": [(time, draw(st.sampled_from(STATES))) for time in times],
        "take": draw(st.sampled_from(["ALL", "ANY", "LAST"])),
        "policy": draw(st.sampled_from(["FAIL", "IGNORE", "SUSPEND"])),
        "next_plan": draw(st.sampled_from([None, None, 10])),
        "stopped": draw(st.booleans()),
        "end_is_enough": draw(st.booleans()),
        "removed": draw(st.sampled_from([False, False, True])),
    }


@st.composite
def surroundings(draw: st.DrawFn) -> dict[str, Any]:
    rarely = st.sampled_from([False, False, False, True])
    confirmation = draw(st.booleans())
    return {
        "state": draw(st.sampled_from(["waiting", "waiting", "waiting", "freeze"])),
        "expired": draw(rarely),
        "confirmation": confirmation,
        "confirmed": confirmation and draw(st.booleans()),
        "windows": draw(st.lists(windows(), max_size=3)),
        "previous": draw(st.sampled_from([None, *STATES])),
        "previous_removed": draw(rarely),
        "latest_only": draw(st.booleans()),
        "newer": draw(rarely),
        "limit": draw(st.integers(1, 3)),
        "running": draw(st.integers(0, 3)),
        "older": draw(st.booleans()),
        "preferred": draw(rarely),
    }


def peer(number: int, state: str, time: int = 0) -> Peer:
    return Peer(instance_id=number, plan_time_ms=time, status=InstanceStatus(state))


def built(world: dict[str, Any]) -> tuple[Instance, GateFacts]:
    conditions: list[Condition] = []
    upstreams: dict[str, UpstreamFacts] = {}
    removed: list[str] = []
    if world["confirmation"]:
        conditions.append(Confirmation())
    for number, window in enumerate(world["windows"]):
        condition = Upstream(
            job_id=number,
            job_name=f"up{number}",
            from_ms=0,
            to_ms=11,
            take=Take(window["take"]),
            on_failure=DependFailPolicy(window["policy"]),
            ended_is_enough=window["end_is_enough"],
        )
        conditions.append(condition)
        upstreams[condition.key] = UpstreamFacts(
            instances=tuple(peer(100 + time, state, time) for time, state in sorted(window["instances"])),
            next_ms=window["next_plan"],
            scheduled=not window["stopped"],
        )
        if window["removed"]:
            removed.append(condition.key)
    if world["previous"] is not None:
        conditions.append(PreviousCycle())
    if world["previous_removed"]:
        removed.append("previous-cycle")
    if world["latest_only"]:
        conditions.append(LatestOnly())
    conditions.append(JobSlots(limit=world["limit"]))
    gate = Gate(
        conditions=tuple(conditions),
        since_ms=0,
        expires_ms=NOW - 1 if world["expired"] else NOW + 1,
        confirmed_by="anna" if world["confirmed"] else None,
        removed=tuple(removed),
        preferred=world["preferred"],
    )
    facts = GateFacts(
        now_ms=NOW,
        upstreams=upstreams,
        previous=None if world["previous"] is None else peer(7, world["previous"]),
        running=tuple(peer(10 + number, "running") for number in range(world["running"])),
        older=peer(8, "waiting") if world["older"] else None,
        newer=peer(9, "waiting") if world["newer"] else None,
    )
    return new_instance(PLAN, status=InstanceStatus(world["state"]), gate=gate), facts


@settings(max_examples=some(1500), deadline=None, derandomize=True, database=None)
@given(surroundings())
def test_a_verdict_is_what_the_oracle_says(world: dict[str, Any]) -> None:
    instance, facts = built(world)
    found = judge(instance, facts)
    if found.withdrawal is not None:
        assert found.withdrawal.ending.value == verdict(world)
        assert found.withdrawal.message
    else:
        assert verdict(world) == ("opens" if found.opens else "waits")
    keys = [each.key for each in found.unmet]
    assert len(set(keys)) == len(keys)
    assert all(each.text and each.release and each.kind for each in found.unmet)
    assert instance.gate is not None
    assert not set(keys) & set(instance.gate.removed)


def test_an_instance_without_a_gate_waits_for_nothing() -> None:
    assert judge(new_instance(PLAN), GateFacts(now_ms=NOW)).opens
    assert judge(new_instance(PLAN, gate=Gate(conditions=(Confirmation(),), open=True)), GateFacts(now_ms=NOW)).opens


def test_what_would_release_it_names_the_instance_that_failed() -> None:
    upstream = Upstream(
        job_id=1, job_name="up", from_ms=0, to_ms=9, on_failure=DependFailPolicy.SUSPEND, window="all of the day"
    )
    failed = UpstreamFacts(instances=(peer(42, "fail", 3),))
    instance = new_instance(PLAN, gate=Gate(conditions=(upstream,)))
    [unmet] = judge(instance, GateFacts(now_ms=NOW, upstreams={"job:up": failed})).unmet
    assert (unmet.key, unmet.instances, unmet.removable) == ("job:up", (42,), True)
    assert "all of the day" in unmet.text
    assert "Run instance 42 again or set it to success" in unmet.release
