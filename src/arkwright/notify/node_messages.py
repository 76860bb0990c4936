"""What SMN nodes say, as an executor: an attempt's message goes into the outbox, once, and that is its end.

Theory of operation: the notice's key is the attempt, and the outbox keeps a key once. So submitting, attaching and
repeating after a crash are all the same: see to it that it is there. From there on it is the delivery's. What comes too
late (`beginning`) waits for the next lease, or is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from arkwright.core.alerts import Notice, Remind
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.engine.clock import Clock
from arkwright.errors import StoreUnavailable
from arkwright.executors.base import Finished
from arkwright.executors.beginning import LATE_SECONDS, Beginning
from arkwright.nodes.base import AttemptKey, Context, MessageNode, Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Kind, Place, Store

log = logging.getLogger("arkwright.notify")

RECONNECT_SECONDS = 1.0


class NodeMessages:
    """An `Executor` for nodes whose work is `Work.MESSAGE`."""

    def __init__(self, registry: Registry, store: Store, clock: Clock) -> None:
        self._registry = registry
        self._store = store
        self._clock = clock
        self.beginning = Beginning()
        self._finished: Finished | None = None
        self._tasks: dict[AttemptKey, asyncio.Task[None]] = {}
        self._cancelled: set[AttemptKey] = set()

    async def open(self, finished: Finished) -> None:
        self._finished = finished

    def submit(self, type_name: str, context: Context) -> None:
        if context.key not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._see_to(type_name, context))
            self._tasks[context.key] = task

    attach = submit

    def cancel(self, key: AttemptKey) -> None:
        if key in self._tasks:
            self._cancelled.add(key)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._finished = None

    async def _see_to(self, type_name: str, context: Context) -> None:
        key = context.key
        try:
            outcome = await self._put(type_name, context)
        except Exception as fault:  # a defect must not leave the attempt without an end
            log.exception("the message of attempt %s", key)
            outcome = Failed(kind=FailureKind.ERROR, message=f"{type(fault).__name__}: {fault}")
        self._tasks.pop(key, None)
        self._cancelled.discard(key)
        if self._finished is not None:
            self._finished(key, outcome)

    async def _put(self, type_name: str, context: Context) -> Outcome:
        node = self._registry.find(type_name)
        if isinstance(node, Failed):
            return node
        if node.type.work is not Work.MESSAGE:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {node.type.name} have no message.")
        message = cast(MessageNode, node).message(context)
        if isinstance(message, Failed):
            return message
        place = Place(project_id=context.project_id, workspace_id=context.workspace_id)
        notice = Notice(
            key=f"message {context.key}",
            remind=Remind.MESSAGE,
            at_ms=self._clock.now_ms(),
            topic=message.topic,
            job_name=context.job_name,
            instance_id=context.key.instance_id,
            plan_time_ms=context.plan_time_ms or None,
            subject=message.subject,
            text=message.text,
            text_by_kind=dict(message.by_kind),
        )
        while True:
            if context.key in self._cancelled:
                return Failed(kind=FailureKind.CANCELLED, message="It was stopped before its message was stored.")
            if not self.beginning.open(context.key):
                await asyncio.sleep(LATE_SECONDS)
                continue
            try:
                if await self._store.get_definition(place, Kind.ALERT_TOPIC, message.topic) is None:
                    text = f"There is no topic {message.topic!r} in this workspace; `arkwright alert` makes one."
                    return Failed(kind=FailureKind.REFUSED, message=text)
                await self._store.reserve_ids(1)
                await self._store.add_notices(place, [(self._store.next_id(), notice)])
            except StoreUnavailable as error:
                log.error("a message could not be stored (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                return Succeeded(message=f"The message to {message.topic} is in the outbox.")
