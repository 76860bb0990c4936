"""Decides whether a waiting instance may start: pure, so that production, simulation and "why it waits" are one code.

Rules (factory-behaviour 4.3 to 4.5):

* Upstream instances of the window must have succeeded: all of them, the last one, or any. One that was skipped is
  passed over; one that failed, was cancelled or is frozen counts as failed: the failure policy says what that means.
  While plan times of the window are still to come, the gate waits for them. A window that holds nothing holds up
  nothing.
* When an upstream job is no longer scheduled, those that still wait for it are cancelled.
* The previous cycle must have succeeded; where there is none, nothing is waited for.
* Of the same job at most so many instances run; with 1, an older waiting one comes first.
* With "latest only", a newer planned instance makes this one skipped.
* Who has waited past its time limit is cancelled. A frozen instance is left alone.

Every unmet condition says in words what it waits for and what would release it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from arkwright.core.gate import (
    DEPENDENCIES,
    Condition,
    Confirmation,
    JobSlots,
    LatestOnly,
    NotBefore,
    ObjectExists,
    PreviousCycle,
    Upstream,
)
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.record import Record
from arkwright.core.schedule import DependFailPolicy, Take

FAILED = frozenset({InstanceStatus.FAIL, InstanceStatus.MANUAL_STOP, InstanceStatus.FREEZE})
"""What counts as failed for those that depend on it."""

HOLDING = frozenset({InstanceStatus.RUNNING, InstanceStatus.RUNNING_EXCEPTION, InstanceStatus.PAUSE})
"""Who holds one of its job's slots."""

SHOWN = 20
"""Instances named per condition."""


class Peer(Record, frozen=True, kw_only=True):
    """Another planned instance, as gates see it."""

    instance_id: int
    plan_time_ms: int
    status: InstanceStatus


class UpstreamFacts(Record, frozen=True, kw_only=True):
    instances: tuple[Peer, ...] = ()
    """Planned instances in the window, by plan time."""
    next_ms: int | None = None
    """The job's next plan time, if it is in the window: more is to come."""
    scheduled: bool = True
    """The job's schedule runs or is paused."""


class GateFacts(Record, frozen=True, kw_only=True):
    """What a verdict depends on, beside the instance itself."""

    now_ms: int
    upstreams: Mapping[str, UpstreamFacts] = {}
    """By the condition's key."""
    previous: Peer | None = None
    """The job's newest instance before this one."""
    running: tuple[Peer, ...] = ()
    """Instances of the job that hold a slot."""
    older: Peer | None = None
    """The oldest other waiting instance of the job, if it is older."""
    newer: Peer | None = None
    """The newest instance of the job, if it is newer."""


class Unmet(Record, frozen=True, kw_only=True):
    """One thing that an instance waits for."""

    key: str
    kind: str
    text: str
    release: str
    """What would release it."""
    instances: tuple[int, ...] = ()
    """Those that it waits for, as far as they exist."""
    removable: bool = False


_CONFIRMATION = Unmet(
    key=Confirmation().key,
    kind="confirmation",
    text="Its job needs a manual confirmation of every run.",
    release="Confirm the instance.",
)


class Withdrawal(Record, frozen=True, kw_only=True):
    """The instance is to be given up."""

    ending: InstanceStatus
    message: str


class Verdict(Record, frozen=True, kw_only=True):
    unmet: tuple[Unmet, ...] = ()
    withdrawal: Withdrawal | None = None

    @property
    def opens(self) -> bool:
        return not self.unmet and self.withdrawal is None


def judge(instance: Instance, facts: GateFacts) -> Verdict:
    """What is to become of a waiting instance now."""
    gate = instance.gate
    if gate is None or gate.open:
        again = instance.status is InstanceStatus.WAITING_CONFIRM
        return Verdict(unmet=(_CONFIRMATION,) if again else ())
    unmet: list[Unmet] = []
    withdrawal: Withdrawal | None = None
    if instance.status is InstanceStatus.FREEZE:
        unmet.append(
            Unmet(key="frozen", kind="frozen", text="It was frozen by an operator.", release="Unfreeze the instance.")
        )
    elif gate.expires_ms is not None and facts.now_ms >= gate.expires_ms:
        days = (gate.expires_ms - (gate.since_ms or instance.plan_time_ms)) / 86_400_000
        message = f"Cancelled: it has waited for longer than {days:.3g} days."
        withdrawal = Withdrawal(ending=InstanceStatus.MANUAL_STOP, message=message)
    for condition in gate.conditions:
        if isinstance(condition, DEPENDENCIES) and condition.key in (*gate.removed, *gate.met):
            continue
        found = _judge(instance, condition, facts)
        if isinstance(found, Withdrawal):
            withdrawal = withdrawal or found
        elif found is not None:
            unmet.append(found)
    if instance.status is InstanceStatus.FREEZE:
        withdrawal = None
    return Verdict(unmet=tuple(unmet), withdrawal=withdrawal)


def _judge(instance: Instance, condition: Condition, facts: GateFacts) -> Unmet | Withdrawal | None:
    match condition:
        case Upstream():
            return _upstream(condition, facts.upstreams.get(condition.key, UpstreamFacts()))
        case PreviousCycle():
            return _previous(condition, facts.previous)
        case JobSlots():
            return _slots(instance, condition, facts)
        case LatestOnly():
            return _latest(facts.newer)
        case Confirmation():
            gate = instance.gate
            if gate is None or gate.confirmed_by is not None:
                return None
            return _CONFIRMATION
        case NotBefore(at_ms=at_ms):
            if facts.now_ms >= at_ms:
                return None
            return Unmet(
                key=condition.key,
                kind="time",
                text=f"It is not to start before {when(at_ms)}.",
                release=f"Time: at {when(at_ms)}.",
            )
        case ObjectExists():
            return Unmet(
                key=condition.key,
                kind="file",
                text=f"{condition.path} does not exist yet (looked for every {condition.every_seconds} s).",
                release="Upload it, or remove this dependency.",
                removable=True,
            )
    raise AssertionError(condition)


# ---------------------------------------------------------------- upstream jobs


def _upstream(condition: Upstream, facts: UpstreamFacts) -> Unmet | Withdrawal | None:
    good, bad, pending = _sorted(condition, facts.instances)
    more = facts.next_ms
    if condition.take is Take.ANY and good:
        return None
    if condition.take is Take.LAST and more is None:
        counted = [each for each in facts.instances if each.status is not InstanceStatus.SKIP_BY_DEPEND]
        good, bad, pending = _sorted(condition, counted[-1:])
    elif condition.take is Take.LAST:
        good, bad, pending = [], [], []  # a later one is to come: what is there now decides nothing
    elif condition.take is Take.ANY and (pending or more is not None):
        bad = []  # one of the others may still succeed
    # Told in the order in which they stand in the way.
    if bad and condition.on_failure is DependFailPolicy.FAIL:
        first = bad[0]
        message = (
            f"Cancelled: instance {first.instance_id} of job {condition.job_name} "
            f"(planned for {when(first.plan_time_ms)}) is {first.status.value}, and the dependency's policy is FAIL."
        )
        return Withdrawal(ending=InstanceStatus.MANUAL_STOP, message=message)
    if condition.on_failure is DependFailPolicy.IGNORE:
        bad = []
    if not bad and not pending and more is None:
        return None
    if not facts.scheduled:
        message = f"Cancelled: it waited for job {condition.job_name}, whose schedule was stopped."
        return Withdrawal(ending=InstanceStatus.MANUAL_STOP, message=message)
    return Unmet(
        key=condition.key,
        kind="upstream",
        text=_upstream_text(condition, bad, pending, more),
        release=_upstream_release(condition, bad),
        instances=tuple(each.instance_id for each in (*bad, *pending)[:SHOWN]),
        removable=True,
    )


def _sorted(condition: Upstream, instances: Sequence[Peer]) -> tuple[list[Peer], list[Peer], list[Peer]]:
    good: list[Peer] = []
    bad: list[Peer] = []
    pending: list[Peer] = []
    for each in instances:
        if each.status is InstanceStatus.SUCCESS:
            good.append(each)
        elif each.status is InstanceStatus.SKIP_BY_DEPEND:
            continue
        elif each.status in FAILED:
            ended = each.status is not InstanceStatus.FREEZE
            (good if condition.ended_is_enough and ended else bad).append(each)
        else:
            pending.append(each)
    return good, bad, pending


def _upstream_text(condition: Upstream, bad: Sequence[Peer], pending: Sequence[Peer], more: int | None) -> str:
    which = {Take.ALL: "all instances", Take.ANY: "any instance", Take.LAST: "the last instance"}[
        condition.take if condition.take is not Take.DEFAULT else Take.ALL
    ]
    window = condition.window or f"{which} planned from {when(condition.from_ms)} to before {when(condition.to_ms)}"
    parts = [f"Job {condition.job_name}, {window}:"]
    named = [*bad, *pending]
    shown = ", ".join(f"{each.instance_id} ({when(each.plan_time_ms)}) is {each.status.value}" for each in named[:3])
    if shown:
        parts.append(shown + (f" and {len(named) - 3} more" if len(named) > 3 else "") + ("." if more is None else ";"))
    if more is not None:
        parts.append(f"the one planned for {when(more)} is still to come.")
    return " ".join(parts)


def _upstream_release(condition: Upstream, bad: Sequence[Peer]) -> str:
    if bad:
        return f"Run instance {bad[0].instance_id} again or set it to success; or remove this dependency."
    return f"They succeed (policy {condition.on_failure.value}); or remove this dependency."


def _previous(condition: PreviousCycle, previous: Peer | None) -> Unmet | None:
    if previous is None or previous.status in (InstanceStatus.SUCCESS, InstanceStatus.SKIP_BY_DEPEND):
        return None
    again = " Run it again or set it to success" if previous.status in FAILED else "It succeeds"
    return Unmet(
        key=condition.key,
        kind="previous-cycle",
        text=f"The job's previous instance {previous.instance_id} (planned for {when(previous.plan_time_ms)}) is "
        f"{previous.status.value}.",
        release=f"{again.strip()}; or remove this dependency.",
        instances=(previous.instance_id,),
        removable=True,
    )


# ---------------------------------------------------------------- the job itself


def _slots(instance: Instance, condition: JobSlots, facts: GateFacts) -> Unmet | None:
    running = [each for each in facts.running if each.instance_id != instance.id]
    held_by = tuple(each.instance_id for each in running[:SHOWN])
    if len(running) >= condition.limit:
        holders = ", ".join(str(each) for each in held_by)
        return Unmet(
            key=condition.key,
            kind="job-slots",
            text=f"At most {condition.limit} instances of its job run at once; slots are held by {holders}.",
            release="One of them ends; or raise the job's concurrency.",
            instances=held_by,
        )
    preferred = instance.gate is not None and instance.gate.preferred
    if condition.limit == 1 and facts.older is not None and not preferred:
        return Unmet(
            key=condition.key,
            kind="job-slots",
            text=f"Instances of its job run one after another; {facts.older.instance_id} (planned for "
            f"{when(facts.older.plan_time_ms)}) comes first.",
            release="That one ends; or run this one preferentially.",
            instances=(facts.older.instance_id,),
        )
    return None


def _latest(newer: Peer | None) -> Withdrawal | None:
    if newer is None:
        return None
    message = f"Skipped in favour of the newer instance {newer.instance_id} (planned for {when(newer.plan_time_ms)})."
    return Withdrawal(ending=InstanceStatus.SKIP_BY_DEPEND, message=message)


def when(at_ms: int) -> str:
    """`2026-11-22 08:00:00 UTC`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
