"""Real-time jobs: each node runs by a trigger of its own, and the job goes on until it is stopped.

Decided here where the documents are silent:

* A node with an `eventTrigger` runs per event (at most 10 at once), one with a `cronTrigger` by the clock, any other
  one once, from the job's start on, for as long as it likes: its maximum execution time does not count. Lines between
  nodes are only drawn.
* A node runs as a job of its own, named `JOB_NODE`, whose instances are those that lists show. Its retries are its
  restart policy: when they are used up, a node that ran once is in state EXCEPTION until somebody restores it.
* A failed run of an event or cron node suspends it (EXCEPTION), unless its failure policy is IGNORE.
* What runs is the version that was submitted when the job was started; a new version takes effect at the next start.
* Pausing keeps what runs and starts nothing new. Stopping stops what runs; the job is STOPPING until all has ended.
* Restoring a node goes on where it was: events and times that passed meanwhile are made up for. A node that ran once
  and has ended is started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arkwright.core.real_time import RealTimeState, job_state
from arkwright.core.schedule import Event, ReadPolicy
from arkwright.core.schedule_document import read_cron, read_event
from arkwright.engine.clock import Clock
from arkwright.engine.interface import Engine
from arkwright.errors import AlreadyExists, Code, IllegalState, InvalidInput, NotFound
from arkwright.scheduler.events.schedules import check_event, event_body, listens_elsewhere
from arkwright.scheduler.events.triggers import Triggers
from arkwright.store.base import Definition, DefinitionWrite, Kind, Store
from arkwright.store.trigger_record import Trigger, TriggerChange, TriggerKind, TriggerStart, TriggerState

MOST_AT_ONCE = 10
CRON_AT_ONCE = 10
"""Of a cronTrigger that doesn't say how many (factory-api 6.2)."""
ENDLESS_MINUTES = 100 * 365 * 24 * 60
_TRIGGERS = ("eventTrigger", "event_trigger", "cronTrigger", "cron_trigger")
_SLOT = "node:"
_PAUSED, _SUSPENDED_BY = "paused", "suspended_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node of a real-time job, as it is now."""

    name: str
    state: RealTimeState
    trigger: Trigger
    report: Mapping[str, Any]


class RealTimeJobs:
    def __init__(self, store: Store, engine: Engine, triggers: Triggers, clock: Clock) -> None:
        self._store = store
        self._engine = engine
        self._triggers = triggers
        self._clock = clock

    # -- the job
    async def start(self, job: Definition, *, by: str, parameters: Mapping[str, str], time_zone: str) -> None:
        """`job`: its submitted version. Nothing starts unless all nodes can. Raises `InvalidInput`, `NotFound`."""
        before = {each.slot: each for each in await self._store.list_triggers(job_id=job.id)}
        starts: list[TriggerStart] = []
        for index, node in enumerate(job.body.get("nodes") or ()):
            starts.append(await self._start_of(job, index, node, before.get(_SLOT + node["name"]), time_zone))
        common = {"started_by": by, "parameters": dict(parameters), "started_ms": self._clock.now_ms()}
        complete: list[TriggerStart] = []
        for node, each in zip(job.body.get("nodes") or (), starts, strict=True):
            hidden = await self._put_hidden(job, node, endless=each.kind is TriggerKind.ONCE, by=by)
            body = {**each.body, **common, "runs": hidden.id, "version": hidden.version, "job_version": job.version}
            complete.append(TriggerStart(slot=each.slot, kind=each.kind, body=body, fresh=each.fresh))
        left = [
            each for slot, each in before.items() if slot.startswith(_SLOT) and slot not in {s.slot for s in starts}
        ]
        for earlier in left:  # nodes of an earlier version
            await self._store.delete_trigger(earlier.id)
        await self._triggers.start(job.place, job.id, complete, job_status=RealTimeState.STARTING.value)
        await self._restate(job)

    async def stop(self, job: Definition, *, by: str = "") -> None:
        """Harmless on one that is stopped. What runs is being stopped when it returns."""
        live = [each for each in await self._nodes(job) if each.state is not TriggerState.STOPPED]
        await self._triggers.change(
            TriggerChange(
                states={each.id: TriggerState.STOPPING for each in live},
                bodies={each.id: {**each.body, "stopped_by": by} for each in live},
                job_id=job.id,
                job_status=(RealTimeState.STOPPING if live else RealTimeState.STOPPED).value,
                wake=True,
            )
        )

    async def pause(self, job: Definition) -> None:
        active = [each for each in await self._nodes(job) if each.state is TriggerState.ACTIVE]
        if not active:
            raise _not_so(job, "Only a running job can be paused")
        await self._change(
            job,
            {each.id: TriggerState.SUSPENDED for each in active},
            {each.id: {**each.body, _PAUSED: True} for each in active},
        )

    async def resume(self, job: Definition) -> None:
        """Paused nodes go on, and those that a failure suspended."""
        suspended = [each for each in await self._nodes(job) if each.state is TriggerState.SUSPENDED]
        if not suspended:
            raise _not_so(job, "Only a paused job, or one in state EXCEPTION, can be resumed")
        for each in suspended:
            await self._activate(job, each)

    async def nodes(self, job: Definition) -> Sequence[NodeState]:
        """Of the version that was started; in the order of its nodes."""
        found = []
        for each in await self._nodes(job):
            report = self._triggers.report(each)
            found.append(
                NodeState(
                    name=each.slot.removeprefix(_SLOT),
                    state=node_state(each.kind, each.state, each.body, report),
                    trigger=each,
                    report=report,
                )
            )
        return found

    async def state(self, job: Definition) -> RealTimeState:
        return job_state(each.state for each in await self.nodes(job))

    async def status_after(self, trigger: Trigger, states: Mapping[int, TriggerState]) -> str | None:
        """The job's state once its triggers have changed; see `Triggers`."""
        if not trigger.slot.startswith(_SLOT):
            return "PAUSED" if states.get(trigger.id) is TriggerState.SUSPENDED else None
        nodes = [
            node_state(each.kind, states.get(each.id, each.state), each.body, self._triggers.report(each))
            for each in await self._store.list_triggers(job_id=trigger.job_id)
            if each.slot.startswith(_SLOT)
        ]
        return job_state(nodes).value

    # -- one node
    async def disable_node(self, job: Definition, name: str) -> None:
        """It starts nothing until it is restored; what it runs goes on."""
        node = await self._node(job, name)
        if node.state not in (TriggerState.ACTIVE, TriggerState.SUSPENDED):
            raise _not_so(job, f"The node {name} is not running")
        await self._change(job, {node.id: TriggerState.DISABLED}, {})

    async def restore_node(self, job: Definition, name: str, *, concurrent: int | None = None) -> None:
        """`concurrent`: how many runs at once from now on, such as to make up for what was missed."""
        node = await self._node(job, name)
        if node.state not in (TriggerState.DISABLED, TriggerState.SUSPENDED):
            raise _not_so(job, f"The node {name} is neither disabled nor in state EXCEPTION")
        await self._activate(job, node, {} if concurrent is None else {"concurrent": concurrent})

    async def configure_node(self, job: Definition, name: str, changes: Mapping[str, Any]) -> None:
        """Other event settings (`concurrent`, `failPolicy`, `intervalSeconds`) until the next start."""
        node = await self._node(job, name)
        if node.kind not in (TriggerKind.KAFKA, TriggerKind.OBS):
            raise InvalidInput(f"The node {name} has no event trigger.", field="node_name")
        document = {**node.body["event"], **changes}
        event = read_event(document, "eventTrigger")
        assert event is not None
        _check_at_once(event, "eventTrigger")
        body = {**node.body, **event_body(document, event)}
        await self._triggers.change(TriggerChange(bodies={node.id: body}, wake=True))

    async def clear_node(self, job: Definition, name: str) -> None:
        """Pass over the messages or files that are waiting: only what comes from now on counts."""
        node = await self._node(job, name)
        if node.kind not in (TriggerKind.KAFKA, TriggerKind.OBS):
            raise InvalidInput(
                f"The node {name} has no event trigger, so there is nothing to clear.", field="node_name"
            )
        again = TriggerStart(
            slot=node.slot, kind=node.kind, body={**node.body, "fresh": True}, fresh=True, state=node.state
        )
        await self._triggers.start(job.place, job.id, [again], job_status=(await self.state(job)).value)

    # -- inside
    async def _start_of(
        self, job: Definition, index: int, node: Mapping[str, Any], before: Trigger | None, time_zone: str
    ) -> TriggerStart:
        where = f"nodes[{index}]"
        event = read_event(_given(node, "eventTrigger", "event_trigger"), f"{where}.eventTrigger")
        cron_document = _given(node, "cronTrigger", "cron_trigger")
        cron = read_cron(cron_document, f"{where}.cronTrigger", default_zone=time_zone)
        slot = _SLOT + str(node["name"])
        if event is not None and cron is not None:
            raise InvalidInput(f"{where} has an eventTrigger and a cronTrigger; a node has one of them.", field=where)
        if event is not None:
            await check_event(self._store, job.place, event, f"{where}.eventTrigger")
            _check_at_once(event, f"{where}.eventTrigger")
            body = event_body(_given(node, "eventTrigger", "event_trigger") or {}, event)
            elsewhere = before is not None and listens_elsewhere(before.body, body)
            return TriggerStart(
                slot=slot,
                kind=TriggerKind(event.type.value),
                body=body,
                fresh=event.read_policy is ReadPolicy.NEW or elsewhere,
            )
        if cron is not None:
            concurrent = int((cron_document or {}).get("concurrent") or CRON_AT_ONCE)
            fail_policy = str(node.get("failPolicy") or "")
            body = {
                "cron": dict(cron_document or {}),
                "time_zone": time_zone,
                "concurrent": concurrent,
                "fail_policy": "IGNORE" if fail_policy == "IGNORE" else "SUSPEND",
            }
            return TriggerStart(slot=slot, kind=TriggerKind.CRON, body=body, fresh=True)
        return TriggerStart(slot=slot, kind=TriggerKind.ONCE, body={"concurrent": 1, "fail_policy": "SUSPEND"})

    async def _put_hidden(self, job: Definition, node: Mapping[str, Any], *, endless: bool, by: str) -> Definition:
        """The job that a node runs as."""
        name = hidden_name(job.name, str(node["name"]))
        single = {key: value for key, value in node.items() if key not in _TRIGGERS}
        single |= {"preNodeName": [], "conditions": []}
        if endless:
            single["maxExecutionTime"] = ENDLESS_MINUTES
        body = {
            "name": name,
            "nodes": [single],
            "params": job.body.get("params") or [],
            "schedule": {"type": "EXECUTE_ONCE"},
            "realTimeJob": job.id,
        }
        known = await self._store.get_definition(job.place, Kind.REAL_TIME_NODE, name)
        if known is not None and await self._is_run_by_another(job, known):
            raise AlreadyExists(
                f"Another real-time job's node runs under the name {name} already.",
                field="nodes",
                hint="Rename the job or the node: JOB_NODE must be unique in a workspace.",
            )
        write = DefinitionWrite(
            name=name,
            category="BATCH",
            directory=job.directory,
            body=body,
            submit=True,
            actor=by,
            at_ms=self._clock.now_ms(),
        )
        if known is None:
            return await self._store.create_definition(job.place, Kind.REAL_TIME_NODE, write)
        if known.body == body:
            return known
        return await self._store.save_definition(job.place, Kind.REAL_TIME_NODE, name, write)

    async def _is_run_by_another(self, job: Definition, hidden: Definition) -> bool:
        other = int(hidden.body.get("realTimeJob") or job.id)
        if other == job.id:
            return False
        found = await self._store.list_triggers(job_id=other)
        return any(each.body.get("runs") == hidden.id and each.state is not TriggerState.STOPPED for each in found)

    async def _activate(self, job: Definition, node: Trigger, changes: Mapping[str, Any] | None = None) -> None:
        body = {key: value for key, value in node.body.items() if key not in (_PAUSED, _SUSPENDED_BY)}
        body |= changes or {}
        over = node.kind is TriggerKind.ONCE and not await self._store.trigger_runs(node.id)
        if over and not node.body.get(_PAUSED):
            # A new start of the node: the one run of the last start has ended.
            again = TriggerStart(slot=node.slot, kind=node.kind, body=body)
            await self._triggers.start(job.place, job.id, [again], job_status=RealTimeState.STARTING.value)
            await self._restate(job)
            return
        await self._change(job, {node.id: TriggerState.ACTIVE}, {node.id: body})

    async def _change(
        self, job: Definition, states: Mapping[int, TriggerState], bodies: Mapping[int, Mapping[str, Any]]
    ) -> None:
        await self._triggers.change(TriggerChange(states=states, bodies=bodies, wake=True))
        await self._restate(job)

    async def _restate(self, job: Definition) -> None:
        for first in (await self._nodes(job))[:1]:
            await self._triggers.restate(first)

    async def _nodes(self, job: Definition) -> list[Trigger]:
        return [each for each in await self._store.list_triggers(job_id=job.id) if each.slot.startswith(_SLOT)]

    async def _node(self, job: Definition, name: str) -> Trigger:
        for each in await self._nodes(job):
            if each.slot == _SLOT + name:
                return each
        started = bool(await self._nodes(job))
        raise NotFound(
            f"The real-time job {job.name} has no node {name!r}."
            if started
            else f"The job {job.name} was not started.",
            field="node_name",
            code=Code.NODE_NOT_FOUND,
        )


def hidden_name(job: str, node: str) -> str:
    """Under which name a node's instances are listed (factory-api 6.4)."""
    return f"{job}_{node}"


def node_state(
    kind: TriggerKind, state: TriggerState, body: Mapping[str, Any], report: Mapping[str, Any]
) -> RealTimeState:
    match state:
        case TriggerState.STOPPED:
            return RealTimeState.STOPPED
        case TriggerState.STOPPING:
            return RealTimeState.STOPPING
        case TriggerState.DISABLED:
            return RealTimeState.DISABLE
        case TriggerState.SUSPENDED:
            return RealTimeState.PAUSE if body.get(_PAUSED) else RealTimeState.EXCEPTION
        case TriggerState.ACTIVE if report.get("error"):
            return RealTimeState.EXCEPTION
        case TriggerState.ACTIVE if kind is TriggerKind.ONCE:
            return RealTimeState.NORMAL if report.get("instance") else RealTimeState.STARTING
        case TriggerState.ACTIVE:
            return RealTimeState.NORMAL if report.get("listening") else RealTimeState.STARTING


def _check_at_once(event: Event, where: str) -> None:
    if event.concurrent > MOST_AT_ONCE:
        raise InvalidInput(
            f"{where}.concurrent must be from 1 to {MOST_AT_ONCE} in a real-time job, not {event.concurrent}.",
            field=f"{where}.concurrent",
        )


def _given(node: Mapping[str, Any], *names: str) -> Mapping[str, Any] | None:
    return next((node[name] for name in names if node.get(name)), None)


def _not_so(job: Definition, rule: str) -> IllegalState:
    return IllegalState(f"{rule}; {job.name} is {job.status or 'STOPPED'}.", field="job_name")
