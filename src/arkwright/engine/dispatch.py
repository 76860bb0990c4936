"""Carries out the core's commands, after they are durable. Every act may be done twice without harm.

Which executor runs an attempt follows from its node type's kind of work; what an executor reports becomes one
`AttemptEnded` event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from arkwright.core.commands import (
    AttachAttempt,
    AttachChildren,
    CancelAttempt,
    Command,
    Finish,
    LookUp,
    OpenChildren,
    SetDeadline,
    SetInstanceTimer,
    SetRetryTimer,
    StartAttempt,
    StartChildren,
    StopChildren,
)
from arkwright.core.events import AttemptEnded, DeadlinePassed, Event, FactsFound, InstanceOverdue, RetryDue
from arkwright.core.instance import Instance
from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.core.scrubbing import scrub
from arkwright.engine.children import Care
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.engine.connections import LOCAL, Connections
from arkwright.engine.folders import Folders
from arkwright.engine.lookups import Lookups, ObsExists
from arkwright.engine.vault import OpenedTexts, Vault
from arkwright.errors import SettingInvalid, StoreUnavailable
from arkwright.executors.base import Executor
from arkwright.nodes.base import AttemptKey, Connection, Context, HostedNode, NamesConnections, Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import AttemptRow, Place, Store

log = logging.getLogger("arkwright.engine")

_INSTANCE = -1
"""In the place of a node's position, the timer of the instance."""

RECONNECT_SECONDS = 1.0
"""Pause before an attempt is looked up again when the store was unavailable."""


class Dispatch:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        folders: Folders,
        registry: Registry,
        executors: Mapping[Work, Executor],
        local_programs_allowed: Callable[[str], bool],
        tell: Callable[[int, Event], None],
        holds: Callable[[int], bool],
        name: str,
        obs_exists: ObsExists | None = None,
        vault: Vault | None = None,
        connections: Connections | None = None,
    ) -> None:
        self._name = name
        self._connections = connections
        self._vault = vault
        self._secrets: dict[AttemptKey, tuple[str, ...]] = {}
        """Of attempts that were given any: nothing that is said of them may hold one."""
        self._store = store
        self._clock = clock
        self._folders = folders
        self._registry = registry
        self._executors = executors
        self._local_programs_allowed = local_programs_allowed
        self._tell = tell
        self._lookups = Lookups(clock, folders, obs_exists, store)
        self._care = Care(store=store, clock=clock, tell=tell, holds=holds)
        self._timers: dict[int, dict[int, TimerHandle]] = {}
        self._executor_of: dict[AttemptKey, Executor] = {}
        self._attaching: set[AttemptKey] = set()
        self._cancelled_early: set[AttemptKey] = set()
        """Of those being attached, which are to be cancelled as soon as that is done."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        for executor in self._executors.values():
            await executor.open(self.finished)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timers in self._timers.values():
            for timer in timers.values():
                timer.cancel()
        for executor in self._executors.values():
            await executor.close()

    def finished(self, key: AttemptKey, outcome: Outcome) -> None:
        """An executor saw an attempt end. Only inserts an event."""
        self._executor_of.pop(key, None)
        self._clear_timer(key.instance_id, key.node)
        secrets = self._secrets.pop(key, ())
        if secrets and outcome.message:
            outcome = msgspec.structs.replace(outcome, message=scrub(outcome.message, secrets))
        if outcome.output is not None:
            reference = f"{Folders.relative(key)}/{outcome.output}"
            outcome = msgspec.structs.replace(outcome, output=reference)
        self._tell(
            key.instance_id,
            AttemptEnded(at_ms=self._clock.now_ms(), node=key.node, attempt=key.attempt, outcome=outcome),
        )

    def carry_out(self, state: Instance, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case StartAttempt():
                    self._start(state, command, attach=False)
                case AttachAttempt():
                    self._attaching.add(_key(command))
                    self._in_background(self._attach(state, command))
                case CancelAttempt():
                    self._cancel(command)
                case OpenChildren() | StartChildren():
                    pass  # the commit did it
                case AttachChildren():
                    self._in_background(self._care.look(state, command))
                case StopChildren():
                    self._in_background(self._care.stop(state, command))
                case LookUp():
                    self._in_background(self._look_up(state, command))
                case SetRetryTimer(node=node, attempt=attempt, at_ms=at_ms):
                    self._set_timer(state.id, node, at_ms, RetryDue(at_ms=at_ms, node=node, attempt=attempt))
                case SetDeadline(node=node, attempt=attempt, at_ms=at_ms):
                    self._set_timer(state.id, node, at_ms, DeadlinePassed(at_ms=at_ms, node=node, attempt=attempt))
                case SetInstanceTimer(at_ms=at_ms):
                    self._set_timer(state.id, _INSTANCE, at_ms, InstanceOverdue(at_ms=at_ms))
                case Finish():
                    for timer in self._timers.pop(state.id, {}).values():
                        timer.cancel()

    # -- attempts
    def _start(self, state: Instance, command: StartAttempt, *, attach: bool) -> None:
        key = AttemptKey(instance_id=state.id, node=command.node, attempt=command.attempt)
        implementation = self._registry.find(command.type)
        if isinstance(implementation, Failed):
            self.finished(key, implementation)
            return
        executor = self._executors.get(implementation.type.work)
        if executor is None:
            message = f"Nothing here runs nodes of type {implementation.type.name}."
            self.finished(key, Failed(kind=FailureKind.REFUSED, message=message))
            return
        try:
            texts = OpenedTexts(self._vault, state.workspace_id, command)
        except SettingInvalid as error:
            self.finished(key, Failed(kind=FailureKind.REFUSED, message=f"{error} {error.hint}".strip()))
            return
        if texts.secrets:
            self._secrets[key] = texts.secrets
        context = Context(
            key=key,
            project_id=state.project_id,
            workspace_id=state.workspace_id,
            job_name=state.job_name,
            node_name=command.node_name,
            properties=texts.properties,
            script=texts.script,
            parameters=texts.parameters,
            secrets=texts.secrets,
            secret_places=texts.places,
            plan_time_ms=state.plan_time_ms,
            folder=self._folders.attempt(key),
            workspace_folder=self._folders.workspace(state.workspace_id),
            local_programs_allowed=self._local_programs_allowed(state.workspace_id),
        )
        if isinstance(implementation, NamesConnections):
            self._attaching.add(key)
            self._in_background(self._connect_several(executor, command.type, context, implementation, attach=attach))
            return
        name = _connection_name(context) if implementation.type.connections else ""
        if name in LOCAL:
            self._hand_over(executor, command.type, context, attach=attach)
        else:
            self._attaching.add(key)
            types = implementation.type.connections
            self._in_background(self._connect(executor, command.type, context, name, types, attach=attach))

    async def _connect(
        self, executor: Executor, type_name: str, context: Context, name: str, types: tuple[str, ...], *, attach: bool
    ) -> None:
        """Hand over an attempt with the connection that it names."""
        found = await self._found_connection(context, name, types)
        if not isinstance(found, Failed):
            connection, secrets = found
            context = replace(context, connection=connection, secrets=(*context.secrets, *secrets))
        self._connected(executor, type_name, context, found if isinstance(found, Failed) else None, attach=attach)

    async def _connect_several(
        self, executor: Executor, type_name: str, context: Context, node: NamesConnections, *, attach: bool
    ) -> None:
        """Hand over an attempt with all connections that its settings name."""
        failure: Failed | None = None
        connections: dict[str, Connection] = {}
        secrets = context.secrets
        types = cast(HostedNode, node).type.connections
        try:
            names = await asyncio.to_thread(node.connection_names, context)
        except (ValueError, OSError) as error:
            names, failure = (), Failed(kind=FailureKind.REFUSED, message=str(error))
        for name in names:
            found = await self._found_connection(context, name, types)
            if isinstance(found, Failed):
                failure = found
                break
            connections[name], more = found
            secrets = (*secrets, *more)
        context = replace(context, connections=connections, secrets=secrets)
        self._connected(executor, type_name, context, failure, attach=attach)

    def _connected(
        self, executor: Executor, type_name: str, context: Context, failure: Failed | None, *, attach: bool
    ) -> None:
        key = context.key
        self._attaching.discard(key)
        cancelled = key in self._cancelled_early
        self._cancelled_early.discard(key)
        if context.secrets:
            self._secrets[key] = context.secrets
        if failure is not None and not attach:  # one that may be running is found again whatever became of them
            self.finished(key, failure)
            return
        self._hand_over(executor, type_name, context, attach=attach)
        if cancelled:
            executor.cancel(key)

    async def _found_connection(
        self, context: Context, name: str, types: tuple[str, ...]
    ) -> tuple[Connection, tuple[str, ...]] | Failed:
        if self._connections is None:
            return Failed(kind=FailureKind.REFUSED, message=f"Nothing here knows the connection {name!r}.")
        place = Place(project_id=context.project_id, workspace_id=context.workspace_id)
        while True:
            try:
                return await self._connections.find(place, name, types)
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)

    def _hand_over(self, executor: Executor, type_name: str, context: Context, *, attach: bool) -> None:
        self._executor_of[context.key] = executor
        if attach:
            executor.attach(type_name, context)
        else:
            executor.submit(type_name, context)

    async def _attach(self, state: Instance, command: AttachAttempt) -> None:
        row = await self._recorded(command)
        key = _key(command)
        self._attaching.discard(key)
        cancelled = state.nodes[command.node].cancelling or key in self._cancelled_early
        self._cancelled_early.discard(key)
        if row is None:
            message = "Its record is missing, so what became of it can't be known."
            self.finished(key, Failed(kind=FailureKind.LOST, message=message))
            return
        if row.runner not in ("", self._name):
            # Its files and processes are where that server is; here they are missing, which proves nothing.
            message = f"It was begun by the server {row.runner}, which is gone, so what became of it can't be known."
            self.finished(key, Failed(kind=FailureKind.LOST, message=message))
            return
        self._start(state, msgspec.convert(row.request, StartAttempt), attach=True)
        if cancelled:
            self._cancel(CancelAttempt(instance_id=state.id, node=command.node, attempt=command.attempt))

    async def _recorded(self, command: AttachAttempt) -> AttemptRow | None:
        """Its row. Nobody else asks for it, so this goes on until the store can tell."""
        while True:
            try:
                return await self._store.get_attempt(command.instance_id, command.node, command.attempt)
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)

    def _cancel(self, command: CancelAttempt) -> None:
        key = _key(command)
        if key in self._attaching:
            self._cancelled_early.add(key)
        executor = self._executor_of.get(key)
        if executor is not None:
            executor.cancel(key)

    # -- facts
    async def _look_up(self, state: Instance, command: LookUp) -> None:
        facts, failure = await self._lookups.find(state, command.facts)
        at_ms = self._clock.now_ms()
        self._tell(
            state.id,
            FactsFound(at_ms=at_ms, node=command.node, number=command.number, facts=facts, failure=failure),
        )

    async def find_facts(self, state: Instance, keys: frozenset[str]) -> tuple[dict[str, Any], str | None]:
        """For those who only want to know, such as a preview."""
        return await self._lookups.find(state, keys)

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- timers: at most one per node, for its retry or its deadline, and one of the instance
    def _set_timer(self, instance_id: int, node: int, at_ms: int, event: Event) -> None:
        self._clear_timer(instance_id, node)
        timers = self._timers.setdefault(instance_id, {})

        def fire() -> None:
            timers.pop(node, None)
            self._tell(instance_id, event)

        timers[node] = self._clock.call_at(at_ms, fire)

    def _clear_timer(self, instance_id: int, node: int) -> None:
        timers = self._timers.get(instance_id)
        timer = timers.pop(node, None) if timers else None
        if timer is not None:
            timer.cancel()


def _key(command: AttachAttempt | CancelAttempt) -> AttemptKey:
    return AttemptKey(instance_id=command.instance_id, node=command.node, attempt=command.attempt)


def _connection_name(context: Context) -> str:
    """The node's own, else its script's."""
    script = context.script
    return context.properties.get("connectionName", "").strip() or (script.connection_name if script else "")
