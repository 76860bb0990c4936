"""Which changes of an instance are told, by a table of its own: no code is shared with what is tested."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from arkwright.core.alerts import (
    AlertPolicy,
    AlertRule,
    Notice,
    Remind,
    lasts,
    next_round,
    notable,
    notices,
    read_alert_policy,
    read_rule,
)
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun, NodeStatus

NOON = 1_790_000_000_000
DAY = 86_400_000
ALL = [
    AlertRule(id=n, name=f"rule {n}", remind=remind, topic="ops")
    for n, remind in enumerate((Remind.SUCCESS, Remind.FAILURE, Remind.CANCELED, Remind.RECOVERED), 1)
]


def state(status: str, **changes: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": 5,
        "project_id": "p",
        "workspace_id": "w",
        "job_id": 7,
        "job_name": "nightly",
        "job_version": 1,
        "plan_time_ms": NOON,
        "submit_time_ms": NOON,
        "time_zone": "UTC",
        "instance_type": InstanceType.NORMAL,
        "status": InstanceStatus(status),
    }
    return Instance(**{**fields, **changes})


def told(
    before: str, after: str, *, rules: list[AlertRule] | None = None, policy: AlertPolicy | None = None, **changes: Any
) -> list[Notice]:
    made = notices(
        ALL if rules is None else rules,
        policy or AlertPolicy(),
        state(before),
        state(after, **changes),
        version=3,
        at_ms=changes.get("at_ms", NOON + 1000),
    )
    return list(made)


def kinds(*arguments: str, **more: Any) -> list[int]:
    return sorted(int(each.remind) for each in told(*arguments, **more))


ENTERED = {
    "success": [0, 14],
    "fail": [1],
    "running-exception": [1],
    "manual-stop": [13],
    "skip-by-depend": [],
    "freeze": [],
    "waiting": [],
    "waiting-confirm": [],
    "running": [],
    "pause": [],
}


@pytest.mark.parametrize("after", list(ENTERED))
@pytest.mark.parametrize("before", list(ENTERED))
def test_entering_a_state_is_told_once(before: str, after: str) -> None:
    expected = [] if before == after else ENTERED[after]
    if {before, after} <= {"fail", "running-exception"}:
        expected = []  # one trouble
    assert kinds(before, after) == expected


def test_every_state_is_in_the_table() -> None:
    assert set(ENTERED) == {status.value for status in InstanceStatus}


def test_a_commit_without_a_change_of_state_is_no_question() -> None:
    one = state("running", nodes=(NodeRun(index=0, name="a"),))
    assert not notable(one, msgspec.structs.replace(one, version=9))
    assert notable(one, msgspec.structs.replace(one, status=InstanceStatus.FAIL))


def test_patch_data_tells_failures_and_neither_success_nor_recovery() -> None:
    assert kinds("running", "success", instance_type=InstanceType.PATCH_DATA) == []
    assert kinds("running", "fail", instance_type=InstanceType.PATCH_DATA) == [1]


def test_executed_scripts_tell_nothing() -> None:
    assert kinds("running", "fail", instance_type=InstanceType.SCRIPT) == []


def test_a_subjob_is_told_of_only_by_its_name() -> None:
    assert kinds("running", "fail", instance_type=InstanceType.SUBJOB) == []
    named = AlertRule(id=1, name="r", remind=Remind.FAILURE, topic="t", jobs=frozenset({"nightly"}))
    assert kinds("running", "fail", rules=[named], instance_type=InstanceType.SUBJOB) == [1]


def test_a_job_that_was_renamed_is_still_meant() -> None:
    rule = AlertRule(id=1, name="r", remind=Remind.FAILURE, topic="t", jobs=frozenset({"old"}), job_ids=frozenset({7}))
    assert kinds("running", "fail", rules=[rule]) == [1]
    assert kinds("running", "fail", rules=[rule], job_id=8) == []
    assert kinds("running", "fail", rules=[rule], job_id=8, job_name="old") == [1]


def test_a_rule_for_another_job_is_silent() -> None:
    other = AlertRule(id=1, name="r", remind=Remind.FAILURE, topic="t", jobs=frozenset({"weekly"}))
    assert told("running", "fail", rules=[other]) == []


def test_instances_made_too_long_ago_are_not_told_of() -> None:
    late = {"submit_time_ms": NOON - 8 * DAY}
    assert kinds("running", "fail", **late) == []
    assert kinds("running", "fail", policy=AlertPolicy(days=9), **late) == [1]


def test_an_instance_that_takes_too_long_is_told_of_by_either_number() -> None:
    before = state("running")
    after = msgspec.structs.replace(before, overdue=True)
    assert notable(before, after)
    for remind in (Remind.UNFINISHED, Remind.PERIOD_UNFINISHED):
        rule = AlertRule(id=1, name="r", remind=remind, topic="t")
        [notice] = notices([rule], AlertPolicy(), before, after, version=2, at_ms=NOON)
        assert notice.remind is Remind.UNFINISHED
        assert notices([rule], AlertPolicy(), after, after, version=3, at_ms=NOON) == ()
    assert notices(ALL, AlertPolicy(), before, after, version=2, at_ms=NOON) == ()


def test_ignored_failures_are_told_as_the_workspace_says() -> None:
    assert kinds("running", "success", ignore_success=True) == [0, 14]
    assert kinds("running", "success", ignore_success=True, policy=AlertPolicy(ignored_failure_fails=True)) == [1]


def test_each_retry_is_told_only_if_the_workspace_wants_it() -> None:
    before = state("running", nodes=(NodeRun(index=0, name="a", status=NodeStatus.RUNNING),))
    after = msgspec.structs.replace(
        before, nodes=(NodeRun(index=0, name="a", status=NodeStatus.RUNNING, retries=1, retry_at_ms=NOON),)
    )
    for policy, expected in ((AlertPolicy(), 0), (AlertPolicy(each_retry=True), 1)):
        assert len(notices(ALL, policy, before, after, version=2, at_ms=NOON)) == expected


def test_a_notice_names_the_failed_nodes_and_nothing_that_a_program_printed() -> None:
    nodes = (
        NodeRun(index=0, name="load", status=NodeStatus.FAIL, exit_code=3, message="password=hunter2"),
        NodeRun(index=1, name="report", status=NodeStatus.SKIP),
    )
    [notice] = told("running", "fail", nodes=nodes, message="Node load failed: password=hunter2")
    assert [(each.name, each.exit_code) for each in notice.nodes] == [("load", 3)]
    assert b"hunter2" not in msgspec.json.encode(notice)
    [stopped] = told("running", "manual-stop", message="Stopped by anna.")
    assert stopped.detail == "Stopped by anna."
    [printed] = told("running", "manual-stop", message="token=abc")
    assert "abc" not in printed.detail


def test_keys_differ_by_instance_version_rule_and_kind() -> None:
    [one] = told("running", "fail")
    assert one.key == "5.3.2.1"
    assert len({each.key for each in told("running", "success")}) == 2


def test_a_failure_rule_can_tell_the_recovery_too() -> None:
    rule = AlertRule(id=1, name="r", remind=Remind.FAILURE, topic="t", recovery=True)
    [notice] = told("running", "success", rules=[rule])
    assert (notice.remind, notice.only_after_failure) == (Remind.RECOVERED, True)


def test_a_lasting_failure_has_as_many_rounds_as_its_rule() -> None:
    rule = AlertRule(id=1, name="r", remind=Remind.FAILURE, topic="t", rounds=3, interval_ms=300_000)
    [first] = told("running", "fail", rules=[rule])
    second = next_round(first)
    assert second is not None
    third = next_round(second)
    assert third is not None
    assert [each.round for each in (first, second, third)] == [1, 2, 3]
    assert len({first.key, second.key, third.key}) == 3
    assert next_round(third) is None
    assert lasts(second, state("fail"))
    assert lasts(second, state("running-exception"))
    assert not lasts(second, state("running"))
    assert not lasts(second, None)
    assert lasts(first, None)


@pytest.mark.parametrize(
    ("document", "minute"),
    [
        ({"complete_time": "06:30"}, 390),
        ({"complete_time": "6:05:59"}, 365),
        ({"alarm_periods": [{"complete_time": "23:59", "period": 1}]}, 1439),
        ({"complete_time": "24:00"}, None),
        ({"complete_time": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_of_day_of_a_rule(document: dict[str, Any], minute: int | None) -> None:
    rule = read_rule(1, "r", {"remind_type": 12, "topic_name": "t", **document})
    assert rule is not None
    assert rule.complete_minute == minute


def test_stored_rules_are_read_with_the_documents_names() -> None:
    document = {
        "remind_type": 1,
        "topic_name": "ops",
        "name": "a",
        "node_name_list": ["b", "a"],
        "max_send_times": 99,
        "send_interval": 1,
        "enable_recovery": True,
    }
    rule = read_rule(1, "r", document, since_ms=4)
    assert rule == AlertRule(
        id=1,
        name="r",
        remind=Remind.FAILURE,
        topic="ops",
        jobs=frozenset({"a", "b"}),
        rounds=50,
        interval_ms=300_000,
        since_ms=4,
        recovery=True,
    )
    once = read_rule(1, "r", {**document, "enable_persistent_alarm": False})
    assert once is not None
    assert once.rounds == 1
    for off in ({"use_flag": 0}, {"use_flag": "0"}, {"remind_type": 7}, {"remind_type": 15}):
        assert read_rule(1, "r", {**document, **off}) is None


def test_the_settings_of_a_workspace_about_notices() -> None:
    assert read_alert_policy({}) == AlertPolicy()
    given = {"alerts": {"days": 2, "ignoredFailure": "failure", "eachRetry": True}}
    assert read_alert_policy(given) == AlertPolicy(days=2, ignored_failure_fails=True, each_retry=True)
