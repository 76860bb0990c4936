"""What happens to an instance (ours): live as server-sent events, and its whole history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp

from arkwright.api.call import Call, answer
from arkwright.api.event_stream import EventStream, StreamEvent
from arkwright.api.log_objects import own_base_of
from arkwright.api.route import Route, number
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.instances import detail, found, node_types
from arkwright.core.events import Event, InstanceRequested
from arkwright.core.instance import Instance
from arkwright.errors import Code
from arkwright.iam.model import Action


class HistoryItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    sequence: int
    time: Milliseconds
    event: str
    nodeName: str = ""
    details: dict[str, Any] = {}


class History(msgspec.Struct, kw_only=True):
    events: list[HistoryItem]


async def watch_instance(call: Call) -> ASGIApp:
    return EventStream(call, _states(call, await found(call)))


async def _states(call: Call, instance: Instance) -> AsyncGenerator[StreamEvent, None]:
    types: dict[int, dict[str, str]] = {}
    async with aclosing(call.parts.engine.watch(instance.id)) as states:
        async for state in states:
            if state.job_version not in types:
                types[state.job_version] = await node_types(call, state)
            record = detail(state, types[state.job_version], await own_base_of(call, state))
            yield StreamEvent(name="instance", data=record, id=state.version)


NEWS_SECONDS = 0.4
"""Changes of this time are told together."""


class InstanceNews(msgspec.Struct, kw_only=True):
    """Jobs of which instances began, ended or have another status since the last event; at most a hundred. None is
    named where other servers' instances changed, or may have."""

    jobs: list[str]


async def watch_instances(call: Call) -> ASGIApp:
    return EventStream(call, _news(call))


async def _news(call: Call) -> AsyncGenerator[StreamEvent, None]:
    workspace_id = call.workspace.id
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    end = await call.parts.store.on_foreign_changes(call.place, lambda: queue.put_nowait(None))

    async def listen() -> None:
        async with aclosing(call.parts.engine.watch_all()) as states:
            async for state in states:
                if state.workspace_id == workspace_id:
                    queue.put_nowait(state.job_name)

    listening = asyncio.ensure_future(listen())
    try:
        await asyncio.sleep(0)  # it listens
        yield StreamEvent(name="changed", data=InstanceNews(jobs=[]))  # look now: nothing is missed from here on
        while True:
            told = {await queue.get()}
            await asyncio.sleep(NEWS_SECONDS)
            while not queue.empty():
                told.add(queue.get_nowait())
            jobs = sorted(job for job in told if job is not None)
            yield StreamEvent(name="changed", data=InstanceNews(jobs=[] if None in told else jobs[:100]))
    finally:
        end()
        listening.cancel()


async def show_history(call: Call) -> ASGIApp:
    instance = await found(call)
    after = call.number("after", 0) or 0
    size = call.number("limit", 1000, least=1, most=1000) or 1000
    rows = await call.parts.store.read_events(instance.id, after=after, limit=size)
    return answer(History(events=[_item(sequence, event, instance) for sequence, event in rows]))


def _item(sequence: int, event: Event, instance: Instance) -> HistoryItem:
    plain = _fields(event)
    name = plain.pop("kind_")
    time = plain.pop("at_ms")
    index = plain.pop("node", None)
    if isinstance(event, InstanceRequested):
        made = event.instance
        plain = {"by": made.created_by, "job_version": made.job_version, "parameters": dict(made.parameters)}
    node_name = instance.nodes[index].name if index is not None and index < len(instance.nodes) else ""
    if (outcome := getattr(event, "outcome", None)) is not None:
        plain["outcome"] = _wire(_fields(outcome))
    return HistoryItem(sequence=sequence, time=time, event=name, nodeName=node_name, details=_wire(plain))


def _fields(record: Struct) -> dict[str, Any]:
    """With those that have their defaults, which the stored form leaves out."""
    plain: dict[str, Any] = {"kind_": type(record).__name__}
    return plain | {name: msgspec.to_builtins(getattr(record, name)) for name in record.__struct_fields__}


def _wire(record: dict[str, Any]) -> dict[str, Any]:
    """Names of our own records as the wire writes names; what is not set is left out."""
    return {_camel(key): value for key, value in record.items() if value is not None}


def _camel(name: str) -> str:
    if name == "kind_":
        return "type"
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_INSTANCE = "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}"

ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/instances/events",
        handler=watch_instances,
        operation="watchJobInstances",
        summary="Which jobs' instances changed, as events `changed`, several changes in one.",
        tag="instances",
        action=Action.JOB_READ,
        response=str,
        media_type="text/event-stream",
        ours=True,
    ),
    Route(
        method="GET",
        path=f"{_INSTANCE}/events",
        handler=watch_instance,
        operation="watchJobInstance",
        summary="The instance and its nodes now and after each change, until it has ended, as events `instance`.",
        tag="instances",
        action=Action.JOB_READ,
        response=str,
        media_type="text/event-stream",
        errors=(Code.INSTANCE_NOT_FOUND,),
        ours=True,
    ),
    Route(
        method="GET",
        path=f"{_INSTANCE}/history",
        handler=show_history,
        operation="showJobInstanceHistory",
        summary="Everything that has happened to an instance, in order.",
        tag="instances",
        action=Action.JOB_READ,
        parameters=(
            number("after", "Only what came after this sequence number.", minimum=0, default=0),
            number("limit", "At most so many.", minimum=1, maximum=1000, default=1000),
        ),
        response=History,
        errors=(Code.INSTANCE_NOT_FOUND,),
        ours=True,
    ),
)
