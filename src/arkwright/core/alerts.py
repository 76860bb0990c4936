"""Which notices a change of an instance makes: rules, the state before and the state after in, notices out.

Rules (factory-behaviour 7.1):
* A notice is made when an instance *enters* a state, by comparing what was committed last with what is committed now;
  it is stored with that commit, so one change makes one notice per rule, whatever crashes.
* `running-exception` and `fail` are one trouble: going from one to the other is no second notice.
* A success after trouble is a recovery. Whether there was any notice of the trouble only the store knows, so a
  recovery says `only_after_failure` and the store drops it where none was made.
* PatchData instances tell neither success nor recovery; executed scripts tell nothing; instances made by a Subjob or
  For Each node tell nothing by themselves (their parent does), unless a rule names their job.
* A notice carries no message of a node: programs print what they like, and mail leaves the house. The one exception is
  what a job says on purpose, in an SMN node.

Pure: times come in from the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeStatus
from arkwright.core.record import Record

DAY_MS = 24 * 60 * 60 * 1000
MINUTE_MS = 60 * 1000
NAMED_NODES = 20


class Remind(IntEnum):
    """What a notice is about, with the documents' numbers."""

    SUCCESS = 0
    FAILURE = 1
    UNFINISHED = 3
    PERIOD_UNFINISHED = 12
    CANCELED = 13
    RECOVERED = 14
    STALLED = 100
    """The scheduler does not keep up: ours."""
    MESSAGE = 101
    """What a node had to say (SMN): no rule asks for it."""


LATE = frozenset({Remind.UNFINISHED, Remind.PERIOD_UNFINISHED})


class AlertRule(Record, frozen=True, kw_only=True):
    """A rule as it decides; the stored document has more."""

    id: int
    name: str
    remind: Remind
    topic: str
    jobs: frozenset[str] = frozenset()
    """Names of jobs; without names and ids: all of the workspace."""
    job_ids: frozenset[int] = frozenset()
    """The same jobs by id, so that a job that was renamed is still meant."""
    complete_minute: int | None = None
    """Minute of the day, in the workspace's time zone, by which the day's instance must have succeeded."""
    rounds: int = 1
    """A trouble that lasts is told so many times at most."""
    interval_ms: int = 0
    since_ms: int = 0
    """When the rule was written last: times of day before are not its business."""
    recovery: bool = False
    """A failure rule that also tells the recovery."""


class AlertPolicy(Record, frozen=True, kw_only=True):
    """A workspace's settings about notices."""

    days: int = 7
    """Nothing is told of instances that were made longer ago."""
    ignored_failure_fails: bool = False
    """Whether a success with ignored failures is told as a failure."""
    each_retry: bool = False
    """Whether each failed attempt is told, not only the last one."""


class FailedNode(Record, frozen=True, kw_only=True):
    name: str
    exit_code: int | None = None


class Notice(Record, frozen=True, kw_only=True):
    """Something to be told to a topic. Times are epoch milliseconds."""

    key: str
    """The same for the same happening and rule: it is stored once."""
    remind: Remind
    at_ms: int
    rule_id: int = 0
    rule_name: str = ""
    topic: str
    job_id: int = 0
    job_name: str = ""
    instance_id: int | None = None
    instance_type: int = 0
    plan_time_ms: int | None = None
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    status: str = ""
    nodes: tuple[FailedNode, ...] = ()
    """Nodes that failed, the first `NAMED_NODES`."""
    detail: str = ""
    """A sentence of ours."""
    time_zone: str = "UTC"
    round: int = 1
    rounds: int = 1
    interval_ms: int = 0
    only_after_failure: bool = False
    test: bool = False
    subject: str = ""
    text: str = ""
    """Of a `MESSAGE`, as the job wrote them."""
    text_by_kind: Mapping[str, str] = {}
    """Other texts for topics of a kind."""


_DEFAULT = AlertPolicy()
_TROUBLE = frozenset({InstanceStatus.RUNNING_EXCEPTION, InstanceStatus.FAIL})


def notable(before: Instance, after: Instance) -> bool:
    """Whether the change may make a notice: a cheap question, asked of every commit."""
    return before.status is not after.status or before.nodes is not after.nodes or before.overdue is not after.overdue


def notices(
    rules: Iterable[AlertRule], policy: AlertPolicy, before: Instance, after: Instance, *, version: int, at_ms: int
) -> tuple[Notice, ...]:
    """What is to be told of the change to `after`, which is committed as that version."""
    if after.instance_type is InstanceType.SCRIPT or at_ms - after.submit_time_ms > policy.days * DAY_MS:
        return ()
    happened = dict(_happened(policy, before, after))
    if not happened:
        return ()
    made: list[Notice] = []
    for rule in rules:
        named = after.job_name in rule.jobs or after.job_id in rule.job_ids
        if (rule.jobs or rule.job_ids) and not named:
            continue
        if after.instance_type is InstanceType.SUBJOB and not named:
            continue
        for remind, detail in happened.items():
            if _concerns(rule, remind):
                made.append(_notice(rule, remind, detail, after, version, at_ms))
    return tuple(made)


def _concerns(rule: AlertRule, remind: Remind) -> bool:
    if remind is Remind.UNFINISHED:  # both numbers mean the same to an instance that takes too long
        return rule.remind in LATE
    return rule.remind is remind or (remind is Remind.RECOVERED and rule.recovery and rule.remind is Remind.FAILURE)


def _happened(policy: AlertPolicy, before: Instance, after: Instance) -> Iterator[tuple[Remind, str]]:
    patched = after.instance_type is InstanceType.PATCH_DATA
    if after.overdue and not before.overdue:
        yield Remind.UNFINISHED, "It takes longer than its job allows; it goes on."
    if after.status is not before.status:
        if after.status in _TROUBLE and before.status not in _TROUBLE:
            yield Remind.FAILURE, "It failed." if after.ended else "A node failed, and the instance is suspended."
        elif after.status is InstanceStatus.SUCCESS:
            if after.ignore_success and policy.ignored_failure_fails:
                yield Remind.FAILURE, "It succeeded, but failures of nodes were ignored."
            elif not patched:
                yield Remind.SUCCESS, "An operator set it to success." if after.force_success else "It succeeded."
                yield Remind.RECOVERED, "It succeeded after it had failed."
        elif after.status is InstanceStatus.MANUAL_STOP:
            yield Remind.CANCELED, _stopped(after.message)
    elif policy.each_retry and _retried(before, after):
        yield Remind.FAILURE, "A node failed and is retried."


def _stopped(message: str | None) -> str:
    """`Stopped by …` is our own sentence; other messages may hold what programs printed."""
    if message is not None and message.startswith("Stopped by ") and len(message) < 200:
        return message
    return "It was stopped."


def _retried(before: Instance, after: Instance) -> bool:
    return any(
        i < len(before.nodes) and run is not before.nodes[i] and run.retries > before.nodes[i].retries
        for i, run in enumerate(after.nodes)
    )


def _notice(rule: AlertRule, remind: Remind, detail: str, after: Instance, version: int, at_ms: int) -> Notice:
    repeated = remind is Remind.FAILURE and rule.rounds > 1 and after.status in _TROUBLE
    return Notice(
        key=f"{after.id}.{version}.{rule.id}.{int(remind)}",
        remind=remind,
        at_ms=at_ms,
        rule_id=rule.id,
        rule_name=rule.name,
        topic=rule.topic,
        job_id=after.job_id,
        job_name=after.job_name,
        instance_id=after.id,
        instance_type=int(after.instance_type),
        plan_time_ms=after.plan_time_ms,
        start_time_ms=after.start_time_ms,
        end_time_ms=after.end_time_ms,
        status=after.status.value,
        nodes=tuple(
            FailedNode(name=run.name, exit_code=run.exit_code) for run in after.nodes if run.status is NodeStatus.FAIL
        )[:NAMED_NODES],
        detail=detail,
        time_zone=after.time_zone,
        rounds=rule.rounds if repeated else 1,
        interval_ms=rule.interval_ms if repeated else 0,
        only_after_failure=remind is Remind.RECOVERED,
    )


def next_round(notice: Notice) -> Notice | None:
    """The repetition that follows a notice that was sent; whether the trouble lasts is asked when it is due."""
    if notice.round >= notice.rounds:
        return None
    fields = {name: getattr(notice, name) for name in notice.__struct_fields__}
    first_key = notice.key.partition("#")[0]
    return Notice(**{**fields, "round": notice.round + 1, "key": f"{first_key}#{notice.round + 1}"})


def lasts(notice: Notice, now: Instance | None) -> bool:
    """Whether a repetition is still worth sending."""
    return notice.round == 1 or (now is not None and now.status in _TROUBLE)


def late_notice(
    rule: AlertRule, job_id: int, job_name: str, *, day: str, at_ms: int, time_zone: str, newest: Instance | None
) -> Notice:
    """The day's instance of the job has not succeeded by the rule's time."""
    minute = rule.complete_minute or 0
    by = f"{minute // 60:02}:{minute % 60:02}"
    state = "No instance has begun." if newest is None else f"Its instance is {newest.status.value}."
    return Notice(
        key=f"late.{rule.id}.{job_id}.{day}",
        remind=rule.remind,
        at_ms=at_ms,
        rule_id=rule.id,
        rule_name=rule.name,
        topic=rule.topic,
        job_id=job_id,
        job_name=job_name,
        instance_id=None if newest is None else newest.id,
        instance_type=0 if newest is None else int(newest.instance_type),
        plan_time_ms=None if newest is None else newest.plan_time_ms,
        start_time_ms=None if newest is None else newest.start_time_ms,
        status="" if newest is None else newest.status.value,
        detail=f"It has not succeeded by {by} of {day}. {state}",
        time_zone=time_zone,
    )


def stall_notice(rule: AlertRule, *, due_ms: int, at_ms: int, time_zone: str) -> Notice:
    """The scheduler should have acted at `due_ms` and has not."""
    seconds = max(at_ms - due_ms, 0) // 1000
    return Notice(
        key=f"stall.{rule.id}.{due_ms}",
        remind=Remind.STALLED,
        at_ms=at_ms,
        rule_id=rule.id,
        rule_name=rule.name,
        topic=rule.topic,
        plan_time_ms=due_ms,
        detail=f"The scheduler is {seconds} s behind.",
        time_zone=time_zone,
    )


# ---------------------------------------------------------------- reading stored documents


def read_alert_policy(settings: Mapping[str, Any]) -> AlertPolicy:
    """A workspace's settings: `alerts: {days, ignoredFailure, eachRetry}`."""
    given = settings.get("alerts")
    if not given:
        return _DEFAULT
    return AlertPolicy(
        days=int(given.get("days") or _DEFAULT.days),
        ignored_failure_fails=given.get("ignoredFailure") == "failure",
        each_retry=bool(given.get("eachRetry")),
    )


def read_rule(id_: int, name: str, document: Mapping[str, Any], *, since_ms: int = 0) -> AlertRule | None:
    """The rule that a stored document describes. None: it is switched off, or of a type that nothing here makes."""
    try:
        remind = Remind(int(document.get("remind_type", -1)))
    except ValueError:
        return None
    if not _on(document.get("use_flag")):
        return None
    persistent = bool(document.get("enable_persistent_alarm")) or "enable_persistent_alarm" not in document
    rounds = int(document.get("max_send_times") or 1) if persistent else 1
    return AlertRule(
        id=id_,
        name=str(document.get("rule_name") or name),
        remind=remind,
        topic=str(document.get("topic_name") or document.get("smn_config_name") or ""),
        jobs=frozenset(job_names(document)),
        job_ids=frozenset(int(each) for each in document.get("node_id_list") or ()),
        complete_minute=minute_of_day(document),
        rounds=max(1, min(rounds, 50)),
        interval_ms=max(5, min(int(document.get("send_interval") or 5), 60)) * MINUTE_MS,
        since_ms=since_ms,
        recovery=bool(document.get("enable_recovery")),
    )


def job_names(document: Mapping[str, Any]) -> Sequence[str]:
    """The jobs that a rule names, each once."""
    listed = document.get("node_name_list")
    names = [document.get("name"), *(listed if isinstance(listed, list) else ())]
    return list(dict.fromkeys(str(each) for each in names if each))


def minute_of_day(document: Mapping[str, Any]) -> int | None:
    """Of `complete_time` (`HH:mm`, with or without seconds), also where it stands in `alarm_periods`."""
    periods = document.get("alarm_periods")
    first = periods[0].get("complete_time") if isinstance(periods, list) and periods else None
    text = str(document.get("complete_time") or first or "")
    hours, _, rest = text.partition(":")
    minutes = rest[:2]
    if not (hours.isdigit() and minutes.isdigit()) or int(hours) > 23 or int(minutes) > 59:
        return None
    return int(hours) * 60 + int(minutes)


def _on(flag: Any) -> bool:
    return flag is None or str(flag).lower() not in {"0", "false"}
