"""What the scheduler would do over a span of time, on a clock that jumps: nothing is stored, nothing runs.

The decisions are production's own (`core/planning.py`, `core/gate_rules.py`, `core/windows.py`); only what stores and
executors do is replaced, by these assumptions: a run takes as long as it is said to take and then succeeds (or fails,
if its job is named as failing), a confirmation is given and a file is there at once, plan times before the span ended
well, and nodes find a free slot. Pure: it neither waits nor reads anything.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Final

from msgspec.structs import replace

from arkwright.core.fire_times import next_fire
from arkwright.core.gate import (
    Confirmation,
    Gate,
    JobSlots,
    LatestOnly,
    NotBefore,
    ObjectExists,
    PreviousCycle,
    Upstream,
)
from arkwright.core.gate_rules import GateFacts, Peer, UpstreamFacts, judge
from arkwright.core.instance import Instance, InstanceStatus, InstanceType
from arkwright.core.planning import due_times, gate_of, is_dry
from arkwright.core.schedule import CatchUp, Take
from arkwright.errors import InvalidInput
from arkwright.scheduler.simulation_records import Conflict, SimulatedInstance, SimulatedJob, Simulation

MOST_INSTANCES: Final = 300_000

_END, _RELEASE, _PLAN, _EXPIRE, _TIME = range(5)
"""What happens at one moment, in this order."""


@dataclass(slots=True, eq=False)
class _Live:
    """An instance while time goes on."""

    job: _JobState
    instance: Instance
    peer: Peer
    waited_for: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    start_ms: int | None = None
    end_ms: int | None = None
    message: str = ""
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per upstream job a window of which all instances must have ended before this one can start."""


@dataclass(slots=True, eq=False)
class _JobState:
    job: SimulatedJob
    cursor_ms: int
    next_ms: int | None = None
    times: list[int] = field(default_factory=list)
    lives: list[_Live] = field(default_factory=list)
    """In the order of `times`."""
    running: dict[int, Peer] = field(default_factory=dict)
    waiting: list[tuple[int, int]] = field(default_factory=list)
    """(plan time, id), ascending."""
    watchers: dict[int, _Live] = field(default_factory=dict)
    """Waiting instances of other jobs that this job's instances may release."""

    bad_news: bool = False
    """An instance ended otherwise than well, and nobody has looked yet what that means for others."""
    released_ms: int | None = None
    """When its waiting instances are looked at, or were last."""

    def holds_up(self, live: _Live) -> bool:
        """Whether an instance certainly waits on for some of this job's: only a short cut, `judge` decides."""
        span = live.spans.get(self.job.job_id)
        if span is None:
            return False
        from_ms, to_ms = span
        if self.next_ms is not None and from_ms <= self.next_ms < to_ms:
            return True
        if any(from_ms <= each.plan_time_ms < to_ms for each in self.running.values()):
            return True
        place = bisect_left(self.waiting, (from_ms, 0))
        return place < len(self.waiting) and self.waiting[place][0] < to_ms

    @property
    def full(self) -> bool:
        return len(self.running) >= (self.job.schedule.concurrent or self.job.settings.instances_per_job)


def simulate(jobs: Sequence[SimulatedJob], from_ms: int, to_ms: int) -> Simulation:
    """The instances planned in `from_ms <= plan time < to_ms`, and what becomes of them until `to_ms`.

    Raises `InvalidInput` for a span with too many of them.
    """
    return _World(jobs, from_ms, to_ms).run()


class _World:
    def __init__(self, jobs: Sequence[SimulatedJob], from_ms: int, to_ms: int) -> None:
        self._to_ms = to_ms
        self._jobs = {each.job_id: _JobState(each, from_ms - 1) for each in jobs if not each.problems}
        self._refused = [each for each in jobs if each.problems]
        self._heap: list[tuple[int, int, int, Any]] = []
        self._lives: list[_Live] = []
        for job_id, state in self._jobs.items():
            state.next_ms = next_fire(state.job.cron, from_ms - 1)
            self._at(state.next_ms, _PLAN, job_id)

    def run(self) -> Simulation:
        while self._heap and self._heap[0][0] < self._to_ms:
            now_ms, kind, key, what = heappop(self._heap)
            if kind == _PLAN:
                self._plan(self._jobs[key], now_ms)
            elif kind == _END:
                self._end(what, now_ms)
            elif kind == _RELEASE:
                self._jobs[key].released_ms = None
                self._release(self._jobs[key], now_ms)
            elif what.peer.status is InstanceStatus.WAITING:
                self._judge(what, now_ms)
        found = sorted((self._told(each) for each in self._lives), key=lambda each: (each.planTime, each.job))
        return Simulation(instances=found, conflicts=[*self._conflicts()])

    def _at(self, at_ms: int | None, kind: int, key: int, what: Any = None) -> None:
        if at_ms is not None and at_ms < self._to_ms:
            heappush(self._heap, (at_ms, kind, key, what))

    # -- what happens
    def _plan(self, state: _JobState, now_ms: int) -> None:
        job = state.job
        due = due_times(job.cron, state.cursor_ms, now_ms, catch_up=CatchUp.ALL, waiting_days=0, limit=1000)
        state.cursor_ms, state.next_ms = due.cursor_ms, due.next_ms
        self._at(due.next_ms, _PLAN, job.job_id)
        for plan_time_ms in due.times:
            live = self._made(state, plan_time_ms, now_ms)
            self._judge(live, now_ms)
        if due.times and job.schedule.skip_waiting:
            for _, id_ in list(state.waiting):
                self._judge(self._lives[id_ - 1], now_ms)

    def _made(self, state: _JobState, plan_time_ms: int, now_ms: int) -> _Live:
        if len(self._lives) >= MOST_INSTANCES:
            raise InvalidInput(
                f"The span has more than {MOST_INSTANCES} planned instances.",
                field="to",
                hint="Simulate a shorter span, or fewer jobs.",
            )
        job = state.job
        gate = _assumed(gate_of(job.schedule, job.cron, plan_time_ms, job.upstreams, job.settings, now_ms=now_ms))
        gate = replace(gate, since_ms=now_ms)
        id_ = len(self._lives) + 1
        dry = job.schedule.dry_run or (job.calendar is not None and is_dry(job.calendar, plan_time_ms, job.cron.zone))
        instance = Instance(
            id=id_,
            project_id="",
            workspace_id=job.workspace_id,
            job_id=job.job_id,
            job_name=job.name,
            job_version=1,
            instance_type=InstanceType.NORMAL,
            plan_time_ms=plan_time_ms,
            submit_time_ms=now_ms,
            time_zone=job.cron.zone,
            gate=gate,
            dry_run=dry,
        )
        peer = Peer(instance_id=id_, plan_time_ms=plan_time_ms, status=InstanceStatus.WAITING)
        live = _Live(state, instance, peer)
        self._lives.append(live)
        state.times.append(plan_time_ms)  # a plan only goes forward
        state.lives.append(live)
        insort(state.waiting, (plan_time_ms, id_))
        for watched in self._watched(live):
            watched.watchers[id_] = live
        self._at(gate.expires_ms, _EXPIRE, id_, live)
        for condition in gate.conditions:
            if isinstance(condition, Upstream) and condition.take is Take.ALL:
                live.spans.setdefault(condition.job_id, (condition.from_ms, condition.to_ms))
            elif isinstance(condition, NotBefore):
                self._at(condition.at_ms, _TIME, id_, live)
        return live

    def _release(self, state: _JobState, now_ms: int) -> None:
        """An instance of the job has ended: look at who waits for it, the job's own first, oldest first."""
        place = 0
        while place < len(state.waiting) and not state.full:
            live = self._lives[state.waiting[place][1] - 1]
            self._judge(live, now_ms)
            if live.peer.status is InstanceStatus.WAITING:
                if state.job.schedule.self_dependent:
                    break  # the later ones wait for this one
                place += 1
        bad_news, state.bad_news = state.bad_news, False
        # Who waits for all of a window that is not over yet waits on, whatever has ended well.
        lives = [each for each in state.watchers.values() if bad_news or not state.holds_up(each)]
        for live in sorted(lives, key=lambda each: (each.instance.plan_time_ms, each.instance.id)):
            if live.peer.status is InstanceStatus.WAITING:
                self._judge(live, now_ms)

    def _judge(self, live: _Live, now_ms: int) -> None:
        verdict = judge(live.instance, self._facts(live, now_ms))
        if verdict.withdrawal is not None:
            live.message = verdict.withdrawal.message
            self._leave(live)
            self._finish(live, verdict.withdrawal.ending, now_ms)
        elif verdict.opens:
            self._start(live, now_ms)
        elif not live.waited_for:
            live.waited_for = tuple(each.text for each in verdict.unmet)
            live.kinds = frozenset(each.kind for each in verdict.unmet)
        else:
            live.kinds |= {each.kind for each in verdict.unmet}

    def _start(self, live: _Live, now_ms: int) -> None:
        self._leave(live)
        live.start_ms = now_ms
        live.peer = replace(live.peer, status=InstanceStatus.RUNNING)
        live.job.running[live.instance.id] = live.peer
        takes_ms = 0 if live.instance.dry_run else live.job.job.duration_ms
        self._at(now_ms + takes_ms, _END, live.instance.id, live)

    def _end(self, live: _Live, now_ms: int) -> None:
        del live.job.running[live.instance.id]
        failed = live.job.job.fails and not live.instance.dry_run
        self._finish(live, InstanceStatus.FAIL if failed else InstanceStatus.SUCCESS, now_ms)

    def _finish(self, live: _Live, ending: InstanceStatus, now_ms: int) -> None:
        live.end_ms = now_ms
        live.job.bad_news = live.job.bad_news or ending is not InstanceStatus.SUCCESS
        live.peer = replace(live.peer, status=ending)
        if live.job.released_ms != now_ms:
            live.job.released_ms = now_ms
            self._at(now_ms, _RELEASE, live.job.job.job_id)

    def _leave(self, live: _Live) -> None:
        """It waits no more."""
        state = live.job
        place = bisect_left(state.waiting, (live.instance.plan_time_ms, live.instance.id))
        del state.waiting[place]
        for watched in self._watched(live):
            watched.watchers.pop(live.instance.id, None)

    def _watched(self, live: _Live) -> list[_JobState]:
        gate = live.instance.gate
        assert gate is not None
        others = {each.job_id for each in gate.conditions if isinstance(each, Upstream)} - {live.instance.job_id}
        return [self._jobs[each] for each in sorted(others) if each in self._jobs]

    # -- what a gate asks (production: `gate_reader`)
    def _facts(self, live: _Live, now_ms: int) -> GateFacts:
        state, instance = live.job, live.instance
        upstreams: dict[str, UpstreamFacts] = {}
        previous: Peer | None = None
        newer: Peer | None = None
        running: tuple[Peer, ...] = ()
        older: Peer | None = None
        assert instance.gate is not None
        for condition in instance.gate.conditions:
            match condition:
                case Upstream():
                    upstreams[condition.key] = self._upstream(condition)
                case PreviousCycle():
                    place = bisect_left(state.times, instance.plan_time_ms)
                    previous = state.lives[place - 1].peer if place else None
                case LatestOnly():
                    newest = state.lives[-1].peer
                    newer = newest if newest.plan_time_ms > instance.plan_time_ms else None
                case JobSlots():
                    running = tuple(state.running.values())
                    if state.waiting and state.waiting[0] < (instance.plan_time_ms, instance.id):
                        older = self._lives[state.waiting[0][1] - 1].peer
        return GateFacts(
            now_ms=now_ms, upstreams=upstreams, previous=previous, running=running, older=older, newer=newer
        )

    def _upstream(self, condition: Upstream) -> UpstreamFacts:
        state = self._jobs.get(condition.job_id)
        if state is None:
            return UpstreamFacts(scheduled=False)
        first, last = bisect_left(state.times, condition.from_ms), bisect_left(state.times, condition.to_ms)
        to_come = state.next_ms is not None and state.next_ms < condition.to_ms
        return UpstreamFacts(
            instances=tuple(each.peer for each in state.lives[first:last]), next_ms=state.next_ms if to_come else None
        )

    # -- what is told of it
    def _told(self, live: _Live) -> SimulatedInstance:
        instance = live.instance
        gate = instance.gate
        assert gate is not None
        return SimulatedInstance(
            job=instance.job_name,
            workspaceId=instance.workspace_id,
            planTime=instance.plan_time_ms,
            status=live.peer.status.value,
            startTime=live.start_ms,
            endTime=live.end_ms,
            dryRun=instance.dry_run,
            windows=tuple(f"{each.job_name}: {each.window}" for each in gate.conditions if isinstance(each, Upstream)),
            waitedFor=live.waited_for,
            message=live.message,
        )

    def _conflicts(self) -> Iterable[Conflict]:
        for job in self._refused:
            for problem in job.problems:
                yield Conflict(kind="not-schedulable", job=job.name, workspaceId=job.workspace_id, text=problem)
        for state in self._jobs.values():
            found: dict[str, list[_Live]] = {}
            for position, live in enumerate(state.lives):
                for kind in _kinds(live, state, position):
                    found.setdefault(kind, []).append(live)
            for kind, lives in found.items():
                first = lives[0]
                text = first.message or (first.waited_for[0] if first.waited_for else _TEXTS[kind])
                yield Conflict(
                    kind=kind,
                    job=state.job.name,
                    workspaceId=state.job.workspace_id,
                    planTime=first.instance.plan_time_ms,
                    count=len(lives),
                    text=text,
                )


_TEXTS = {
    "late": "It starts after the next plan time of its job.",
    "never-starts": "It still waits at the end of the span.",
    "queued": "It waits for a slot of its job.",
    "cancelled": "It is cancelled.",
    "skipped": "It is skipped.",
}


def _kinds(live: _Live, state: _JobState, position: int) -> Iterable[str]:
    match live.peer.status:
        case InstanceStatus.WAITING:
            yield "never-starts"
        case InstanceStatus.MANUAL_STOP:
            yield "cancelled"
        case InstanceStatus.SKIP_BY_DEPEND:
            yield "skipped"
    if "job-slots" in live.kinds:
        yield "queued"
    following = state.times[position + 1] if position + 1 < len(state.times) else None
    if live.start_ms is not None and following is not None and live.start_ms >= following:
        yield "late"


def _assumed(gate: Gate) -> Gate:
    """The gate, confirmed, and with the files there that it waits for."""
    met = tuple(each.key for each in gate.conditions if isinstance(each, ObjectExists))
    confirmed = any(isinstance(each, Confirmation) for each in gate.conditions)
    if not met and not confirmed:
        return gate
    return replace(gate, met=(*gate.met, *met), confirmed_by="simulation" if confirmed else gate.confirmed_by)
