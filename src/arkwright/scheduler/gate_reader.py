"""Reads from the store what the gates of some instances depend on, all in one look.

What was decided but is not stored yet is remembered here (`released`), so that nobody is let into a slot that is
already promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from arkwright.core.gate import JobSlots, LatestOnly, PreviousCycle, Upstream
from arkwright.core.gate_rules import HOLDING, GateFacts, Peer, UpstreamFacts
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.store.base import Store
from arkwright.store.schedule_record import GateAnswers, GateQuestions, ScheduleState

_QUEUED = frozenset({InstanceStatus.WAITING, InstanceStatus.WAITING_CONFIRM})


class GateReader:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._released: dict[int, dict[int, Peer]] = {}
        """Per job, those that were released and may not be seen running yet."""

    async def facts(self, instances: Sequence[Instance], now_ms: int) -> list[GateFacts]:
        """Per instance, in order."""
        questions = _questions(instances)
        answers = await self._store.answer_gates(questions)
        self._forget_seen(questions.jobs, answers)
        return [self._facts_of(each, answers, now_ms) for each in instances]

    def released(self, instance: Instance) -> None:
        peer = Peer(instance_id=instance.id, plan_time_ms=instance.plan_time_ms, status=InstanceStatus.RUNNING)
        self._released.setdefault(instance.job_id, {})[instance.id] = peer

    def with_released(self, instance: Instance, facts: GateFacts) -> GateFacts:
        """The facts, and what was released since they were read."""
        known = {each.instance_id for each in facts.running}
        promised = self._released.get(instance.job_id, {})
        more = tuple(peer for id_, peer in promised.items() if id_ not in known)
        older = facts.older
        if older is not None and older.instance_id in promised:
            older = None  # it runs now, which counts already
        if not more and older is facts.older:
            return facts
        return msgspec.structs.replace(facts, running=(*facts.running, *more), older=older)

    def _forget_seen(self, jobs: Iterable[int], answers: GateAnswers) -> None:
        for job_id in jobs:
            promised = self._released.get(job_id)
            if not promised:
                continue
            queued = {each.instance_id for each in answers.jobs.get(job_id, ()) if each.status in _QUEUED}
            for id_ in [id_ for id_ in promised if id_ not in queued]:
                del promised[id_]
            if not promised:
                del self._released[job_id]

    def _facts_of(self, instance: Instance, answers: GateAnswers, now_ms: int) -> GateFacts:
        gate = instance.gate
        upstreams: dict[str, UpstreamFacts] = {}
        previous: Peer | None = None
        newer: Peer | None = None
        running: tuple[Peer, ...] = ()
        older: Peer | None = None
        for condition in gate.conditions if gate is not None else ():
            match condition:
                case Upstream():
                    upstreams[condition.key] = _upstream(condition, answers)
                case PreviousCycle():
                    previous = answers.before.get((instance.job_id, instance.plan_time_ms))
                case LatestOnly():
                    newest = answers.newest.get(instance.job_id)
                    newer = newest if newest is not None and newest.plan_time_ms > instance.plan_time_ms else None
                case JobSlots():
                    peers = answers.jobs.get(instance.job_id, ())
                    promised = self._released.get(instance.job_id, {})
                    running = tuple(each for each in peers if each.status in HOLDING or each.instance_id in promised)
                    older = next(
                        (
                            each
                            for each in peers
                            if each.status in _QUEUED
                            and each.instance_id not in promised
                            and (each.plan_time_ms, each.instance_id) < (instance.plan_time_ms, instance.id)
                        ),
                        None,
                    )
        return GateFacts(
            now_ms=now_ms, upstreams=upstreams, previous=previous, running=running, older=older, newer=newer
        )


def _questions(instances: Iterable[Instance]) -> GateQuestions:
    windows: set[tuple[int, int, int]] = set()
    before: set[tuple[int, int]] = set()
    newest: set[int] = set()
    jobs: set[int] = set()
    schedules: set[int] = set()
    for instance in instances:
        if instance.gate is None:
            continue
        for condition in instance.gate.conditions:
            match condition:
                case Upstream():
                    windows.add((condition.job_id, condition.from_ms, condition.to_ms))
                    schedules.add(condition.job_id)
                case PreviousCycle():
                    before.add((instance.job_id, instance.plan_time_ms))
                case LatestOnly():
                    newest.add(instance.job_id)
                case JobSlots():
                    jobs.add(instance.job_id)
    return replace(
        GateQuestions(),
        windows=frozenset(windows),
        before=frozenset(before),
        newest=frozenset(newest),
        jobs=frozenset(jobs),
        schedules=frozenset(schedules),
    )


def _upstream(condition: Upstream, answers: GateAnswers) -> UpstreamFacts:
    peers = tuple(answers.windows.get((condition.job_id, condition.from_ms, condition.to_ms), ()))
    state, next_ms = answers.schedules.get(condition.job_id, (ScheduleState.STOPPED, None))
    to_come = state is ScheduleState.SCHEDULING and next_ms is not None and next_ms < condition.to_ms
    return UpstreamFacts(
        instances=peers,
        next_ms=next_ms if to_come else None,
        scheduled=state is not ScheduleState.STOPPED,
    )
