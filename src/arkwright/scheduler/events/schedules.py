"""Event schedules of batch jobs: start, stop, pause, resume; and what an event schedule needs to be started at all.

Decided here where the documents are silent. A start of a KAFKA schedule needs a connection and a topic (`channel`), of
an OBS schedule a path (`channel`). DIS is a service of the cloud that nothing here can stand in for: a start is
refused, and says what to use instead. Stopping ends nothing that runs. Pausing (by an operator, or by the failure
policy SUSPEND) keeps the position: on resuming, or on a new start with LAST, reading goes on there; a new start with
NEW forgets what came meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkwright.core.schedule import Event, EventType, ReadPolicy
from arkwright.core.schedule_document import read_event
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.nodes.kafka_connection import TYPES, is_kafka, library_missing
from arkwright.scheduler.events.obs import obs_path
from arkwright.scheduler.events.triggers import Triggers
from arkwright.store.base import Definition, Kind, Place, Store
from arkwright.store.trigger_record import Trigger, TriggerChange, TriggerKind, TriggerStart, TriggerState

OWN_SLOT = ""
_LIVE = frozenset({TriggerState.ACTIVE, TriggerState.SUSPENDED, TriggerState.DISABLED})


class EventSchedules:
    def __init__(self, store: Store, triggers: Triggers) -> None:
        self._store = store
        self._triggers = triggers

    async def start(self, job: Definition, *, by: str, parameters: Mapping[str, str]) -> None:
        """`job`: its submitted version. Raises `InvalidInput`, `NotFound`."""
        event = await self.check(job)
        body = event_body(job.body["schedule"]["event"], event) | {
            "started_by": by,
            "parameters": dict(parameters),
            "version": job.version,
        }
        start = TriggerStart(
            slot=OWN_SLOT,
            kind=TriggerKind(event.type.value),
            body=body,
            fresh=await self._fresh(job, event, body),
        )
        await self._triggers.start(job.place, job.id, [start], job_status="SCHEDULING")

    async def check(self, job: Definition) -> Event:
        """What could keep the schedule from firing, as far as it can be known without asking the source."""
        event = read_event((job.body.get("schedule") or {}).get("event"), "schedule.event")
        if event is None:
            raise InvalidInput(
                f"The job {job.name} has no event to start on.", field="schedule.event", code=Code.JOB_SCHEDULE_INVALID
            )
        await check_event(self._store, job.place, event, "schedule.event")
        return event

    async def is_live(self, job: Definition) -> bool:
        """Whether the job was started on events, and not stopped since."""
        own = await self._own(job)
        return own is not None and own.state in _LIVE

    async def stop(self, job: Definition) -> None:
        """Harmless on one that is stopped."""
        own = await self._own(job)
        states = {} if own is None else {own.id: TriggerState.STOPPED}
        await self._triggers.change(TriggerChange(states=states, job_id=job.id, job_status="STOPPED", wake=True))

    async def pause(self, job: Definition) -> None:
        own = await self._own(job)
        if own is None or own.state is not TriggerState.ACTIVE:
            raise IllegalState(
                f"Only a job whose schedule runs can be paused; {job.name} is {job.status or 'STOPPED'}.",
                field="job_name",
            )
        await self._triggers.change(
            TriggerChange(
                states={own.id: TriggerState.SUSPENDED},
                only_from=frozenset({TriggerState.ACTIVE}),
                job_id=job.id,
                job_status="PAUSED",
                bodies={own.id: {**own.body, "paused": True}},
                wake=True,
            )
        )

    async def resume(self, job: Definition) -> None:
        own = await self._own(job)
        if own is None or own.state is not TriggerState.SUSPENDED:
            raise IllegalState(
                f"Only a paused job can be resumed; {job.name} is {job.status or 'STOPPED'}.", field="job_name"
            )
        body = {key: value for key, value in own.body.items() if key not in ("paused", "suspended_by")}
        await self._triggers.change(
            TriggerChange(
                states={own.id: TriggerState.ACTIVE},
                only_from=frozenset({TriggerState.SUSPENDED}),
                job_id=job.id,
                job_status="SCHEDULING",
                bodies={own.id: body},
                wake=True,
            )
        )

    async def _own(self, job: Definition) -> Trigger | None:
        found = await self._store.list_triggers(job_id=job.id, slot=OWN_SLOT)
        return found[0] if found else None

    async def _fresh(self, job: Definition, event: Event, body: Mapping[str, Any]) -> bool:
        before = await self._own(job)
        return event.read_policy is ReadPolicy.NEW or (before is not None and listens_elsewhere(before.body, body))


async def check_event(store: Store, place: Place, event: Event, where: str) -> None:
    """Raises `InvalidInput` for an event that can't be listened to here, `NotFound` for a missing connection."""
    match event.type:
        case EventType.DIS:
            raise InvalidInput(
                f"{where}.eventType is DIS, a streaming service of the cloud that is not part of this server.",
                field=f"{where}.eventType",
                hint="Send the records to a Kafka topic (eventType KAFKA), listen to a path (OBS), or use a webhook.",
                code=Code.JOB_SCHEDULE_INVALID,
            )
        case EventType.OBS:
            if not event.channel:
                raise _needed(where, "channel", "the path to listen to, such as obs://bucket/folder/")
            obs_path(event.channel)
        case EventType.KAFKA:
            if not event.channel:
                raise _needed(where, "channel", "the topic")
            if not event.connection:
                raise _needed(where, "connectionName", "a connection of type KAFKA")
            missing = library_missing()
            if missing is not None:
                raise IllegalState(missing, field=f"{where}.eventType")
            connection = await store.get_definition(place, Kind.CONNECTION, event.connection)
            if connection is None:
                raise NotFound(
                    f"There is no connection {event.connection!r} in this workspace.", field=f"{where}.connectionName"
                )
            if not is_kafka(connection.category):
                raise InvalidInput(
                    f"The connection {event.connection} is of type {connection.category}.",
                    field=f"{where}.connectionName",
                    hint=f"A KAFKA event needs one of these types: {', '.join(sorted(TYPES))}.",
                )


def _needed(where: str, name: str, what: str) -> InvalidInput:
    return InvalidInput(f"{where}.{name} is missing: {what}.", field=f"{where}.{name}", code=Code.JOB_SCHEDULE_INVALID)


def event_body(document: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """What a trigger keeps of an event."""
    return {
        "event": dict(document),
        "concurrent": event.concurrent,
        "fail_policy": event.fail_policy.value,
        "fresh": event.read_policy is ReadPolicy.NEW,
    }


def listens_elsewhere(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether positions of the earlier start mean nothing to the new one: another kind, connection or path."""

    def place(body: Mapping[str, Any]) -> tuple[object, ...] | None:
        event = read_event(body.get("event"), "event")
        if event is None:
            return None
        # Positions in Kafka carry their topic's name.
        return (event.type, event.connection, "" if event.type is EventType.KAFKA else event.channel)

    return place(before) != place(after)
