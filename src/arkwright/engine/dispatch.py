"""Carries out the core's commands, after they are durable. Every act may be done twice without harm.

Which executor runs an attempt follows from its node type's kind of work; what an executor reports becomes one
`AttemptEnded` event. What can't be carried out because of a defect ends with that reason, where it would else leave its
instance waiting for ever; it holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

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
from arkwright.core.workers import GROUP, HERE, Way
from arkwright.engine.attempt_ends import AttemptEnds
from arkwright.engine.children import Care
from arkwright.engine.clock import Clock
from arkwright.engine.connections import Connections
from arkwright.engine.contexts import Contexts
from arkwright.engine.faults import engine_fault, internal
from arkwright.engine.folders import Folders
from arkwright.engine.log_names import log_path_of
from arkwright.engine.lookups import Lookups, ObsExists
from arkwright.engine.placement import Placement
from arkwright.engine.placing import Placing
from arkwright.engine.run_files import RunFiles
from arkwright.engine.timers import INSTANCE, Timers
from arkwright.engine.vault import Vault
from arkwright.executors.background import Defect
from arkwright.executors.base import Executor, Queueing
from arkwright.executors.remote import LEASE_SECONDS, RemoteAttempts
from arkwright.nodes.base import AttemptKey, Context, NodeImplementation, Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Store
from arkwright.store.patience import insist

log = logging.getLogger("arkwright.engine")


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
        run_files: RunFiles | None = None,
        ends: AttemptEnds | None = None,
        remote: RemoteAttempts | None = None,
        placement: Placement | None = None,
    ) -> None:
        self._name = name
        self._contexts = Contexts(
            folders=folders, local_programs_allowed=local_programs_allowed, vault=vault, connections=connections
        )
        self._remote = remote or RemoteAttempts(store, clock.now_ms, lease_seconds=LEASE_SECONDS)
        self._placement = placement or Placement(ways=self._remote.ways)
        self.placing = Placing(
            placement=self._placement, registry=registry, contexts=self._contexts, connections=connections
        )
        self._secrets: dict[AttemptKey, tuple[str, ...]] = {}
        """Of attempts that were given any: nothing that is said of them may hold one."""
        self._store = store
        self._clock = clock
        self._folders = folders
        self._registry = registry
        self._executors = executors
        self._queueing = [each for each in executors.values() if isinstance(each, Queueing)]
        self._tell = tell
        run_files = run_files or RunFiles(folders)
        self._ends = ends or AttemptEnds(run_files)
        self._lookups = Lookups(clock, run_files, obs_exists, store)
        self._care = Care(store=store, clock=clock, tell=tell, holds=holds)
        self._timers = Timers(clock, tell)
        self._executor_of: dict[AttemptKey, Executor] = {}
        self._attaching: set[AttemptKey] = set()
        self._restored = False
        """What is known here is from a backup: anything may have begun since."""
        self._cancelled_early: set[AttemptKey] = set()
        """Of those being attached, which are to be cancelled as soon as that is done."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, defect: Defect) -> None:
        """`defect` is told when something that all need goes on no more."""
        self._restored = await asyncio.to_thread(self._folders.restored)
        await self._ends.open()
        for executor in self._executors.values():
            await executor.open(self.finished)
        await self._remote.open(defect)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._timers.close()
        for executor in self._executors.values():
            await executor.close()
        await self._remote.close()
        await self._ends.close()

    def finished(self, key: AttemptKey, outcome: Outcome) -> None:
        """An executor saw an attempt end. Only inserts an event."""
        self._executor_of.pop(key, None)
        self._timers.clear(key.instance_id, key.node)
        secrets = self._secrets.pop(key, ())
        if secrets and outcome.message:
            outcome = msgspec.structs.replace(outcome, message=scrub(outcome.message, secrets))
        if outcome.output is not None:
            outcome = msgspec.structs.replace(outcome, output=Folders.reference(key, outcome.output))
        ended = AttemptEnded(at_ms=self._clock.now_ms(), node=key.node, attempt=key.attempt, outcome=outcome)
        self._ends.settle(key, outcome, lambda: self._tell(key.instance_id, ended))

    def carry_out(self, state: Instance, commands: Sequence[Command], log_path: str = "") -> None:
        """`log_path`: the job's own."""
        for command in commands:
            match command:
                case StartAttempt():
                    self._start(state, command, log_path, attach=False)
                case AttachAttempt():
                    key = _key(command)
                    self._attaching.add(key)
                    lost = partial(self._broken, key, FailureKind.LOST)
                    self._in_background(self._attach(state, command, log_path), lost)
                case CancelAttempt():
                    self._cancel(command)
                case OpenChildren() | StartChildren():
                    pass  # the commit did it
                case AttachChildren():
                    self._in_background(self._care.look(state, command), partial(self._at_fault, state))
                case StopChildren():
                    self._in_background(self._care.stop(state, command), partial(self._at_fault, state))
                case LookUp():
                    self._in_background(self._look_up(state, command), partial(self._at_fault, state))
                case SetRetryTimer(node=node, attempt=attempt, at_ms=at_ms):
                    self._timers.set(state.id, node, at_ms, RetryDue(at_ms=at_ms, node=node, attempt=attempt))
                case SetDeadline(node=node, attempt=attempt, at_ms=at_ms):
                    self._timers.set(state.id, node, at_ms, DeadlinePassed(at_ms=at_ms, node=node, attempt=attempt))
                case SetInstanceTimer(at_ms=at_ms):
                    self._timers.set(state.id, INSTANCE, at_ms, InstanceOverdue(at_ms=at_ms))
                case Finish():
                    self._timers.drop(state.id)

    # -- attempts
    def _start(self, state: Instance, command: StartAttempt, log_path: str, *, attach: bool) -> None:
        try:
            self._begin(state, command, log_path, attach=attach)
        except Exception as fault:
            self._broken(_key(command), FailureKind.LOST if attach else FailureKind.ERROR, fault)

    def _begin(self, state: Instance, command: StartAttempt, log_path: str, *, attach: bool) -> None:
        key = AttemptKey(instance_id=state.id, node=command.node, attempt=command.attempt)
        if command.group not in ("", HERE):
            (self._remote.offer if attach else self._remote.announce)(key, command.group)
            return
        implementation = self._registry.find(command.type)
        if isinstance(implementation, Failed):
            self.finished(key, implementation)
            return
        executor = self._executors.get(implementation.type.work)
        if executor is None:
            message = f"Nothing here runs nodes of type {implementation.type.name}."
            self.finished(key, Failed(kind=FailureKind.REFUSED, message=message))
            return
        context = self._contexts.texts(state, command)
        if isinstance(context, Failed):
            self.finished(key, context)
            return
        if not command.group:  # there are no workers, or what was decided is a refusal
            group = self._placement.given(implementation, context) or self._placement.otherwise(implementation, context)
            if isinstance(group, Failed):
                self.finished(key, group)
                return
        if context.secrets:
            self._secrets[key] = context.secrets
        own_path = log_path_of(state, command.node_name, log_path) if log_path else ""
        if Contexts.connects(implementation, context):
            self._attaching.add(key)
            broken = partial(self._broken, key, FailureKind.LOST if attach else FailureKind.ERROR)
            self._in_background(self._connect(executor, implementation, context, own_path, attach=attach), broken)
        else:
            self._hand(executor, implementation, context, own_path, attach=attach)

    async def _connect(
        self,
        executor: Executor,
        node: NodeImplementation,
        context: Context,
        own_path: str,
        *,
        attach: bool,
    ) -> None:
        """Hand over an attempt with the connections that it names."""
        context, failure = await self._contexts.connected(node, context)
        key = context.key
        self._attaching.discard(key)
        cancelled = key in self._cancelled_early
        self._cancelled_early.discard(key)
        if context.secrets:
            self._secrets[key] = context.secrets
        if failure is not None and not attach:  # one that may be running is found again whatever became of them
            self.finished(key, failure)
            return
        self._hand(executor, node, context, own_path, attach=attach)
        if cancelled:
            self._cancel(CancelAttempt(instance_id=key.instance_id, node=key.node, attempt=key.attempt))

    def _hand(
        self, executor: Executor, node: NodeImplementation, context: Context, own_path: str, *, attach: bool
    ) -> None:
        self._ends.begin(context.key, context.folder, own_path, adopted=attach)
        self._executor_of[context.key] = executor
        if attach:
            executor.attach(node.type.name, context)
        else:
            executor.submit(node.type.name, context)

    async def _attach(self, state: Instance, command: AttachAttempt, log_path: str) -> None:
        key = _key(command)
        id_ = (key.instance_id, key.node, key.attempt)
        row = await insist(lambda: self._store.get_attempt(*id_))
        self._attaching.discard(key)
        cancelled = state.nodes[command.node].cancelling or key in self._cancelled_early
        self._cancelled_early.discard(key)
        if row is None:
            message = "Its record is missing, so what became of it can't be known."
            self.finished(key, Failed(kind=FailureKind.LOST, message=message))
            return
        offer = None if row.runner == self._name else await insist(lambda: self._store.find_offer(id_))
        if offer is not None and not offer.runner and self._restored:
            message = "It waited for a worker when the backup was made, and may have run since."
            self.finished(key, Failed(kind=FailureKind.LOST, message=message))
            return
        if offer is not None:
            self._remote.attach(offer)
            if cancelled:
                self._remote.cancel(key)
            return
        started = msgspec.convert(row.request, StartAttempt)
        # One that is told to run on a worker never begins here. (Earlier versions made it first, and then offered it.)
        elsewhere = (started.group or started.properties.get(GROUP, "").strip()) not in ("", HERE)
        if row.runner not in ("", self._name) and not elsewhere:
            # Its files and processes are where that server is; here they are missing, which proves nothing.
            message = f"It was begun by the server {row.runner}, which is gone, so what became of it can't be known."
            self.finished(key, Failed(kind=FailureKind.LOST, message=message))
            return
        if not started.group:
            # One that may run here already goes on here.
            begun = self._restored or self._folders.attempt(key).exists()
            group = HERE if begun else await insist(lambda: self.placing.group(state, started))
            started = msgspec.structs.replace(started, group=group) if isinstance(group, str) else started
        self._start(state, started, log_path, attach=True)
        if cancelled:
            self._cancel(CancelAttempt(instance_id=state.id, node=command.node, attempt=command.attempt))

    def _cancel(self, command: CancelAttempt) -> None:
        key = _key(command)
        if key in self._attaching:
            self._cancelled_early.add(key)
        executor = self._executor_of.get(key)
        if executor is not None:
            executor.cancel(key)
        elif key not in self._attaching:
            self._remote.cancel(key)

    @property
    def ways(self) -> Sequence[Way]:
        """To workers."""
        return self._remote.ways

    # -- for handing over
    @property
    def queued(self) -> int:
        """Attempts that wait for their turn."""
        return sum(each.queued for each in self._queueing)

    @property
    def slots(self) -> int:
        """How many programs are under way at once, at most."""
        return sum(each.slots for each in self._queueing)

    @property
    def room(self) -> int:
        """How many more would begin at once."""
        return sum(each.room for each in self._queueing)

    @property
    def full(self) -> bool:
        """Whether one more would have to wait."""
        return any(not each.room for each in self._queueing)

    def waiting(self) -> Iterator[AttemptKey]:
        """Those that wait for their turn, the last one first."""
        return chain.from_iterable(each.waiting() for each in self._queueing)

    def has(self, key: AttemptKey) -> bool:
        """Whether an executor here has it, or is about to."""
        return key in self._executor_of or key in self._attaching

    def only_waits(self, key: AttemptKey) -> bool:
        """Whether an attempt certainly has not begun: it stands in an executor's queue."""
        executor = self._executor_of.get(key)
        return isinstance(executor, Queueing) and executor.waits(key)

    def take_out(self, key: AttemptKey) -> None:
        """Forget an attempt that only waits."""
        executor = self._executor_of.pop(key)
        assert isinstance(executor, Queueing)
        executor.take_out(key)
        self._secrets.pop(key, None)
        self._ends.forget(key)

    def forget(self, state: Instance) -> None:
        """The instance is another engine's: what runs of it here is stopped, and nothing is told of it."""
        self._timers.drop(state.id)
        for run in state.nodes:
            key = AttemptKey(instance_id=state.id, node=run.index, attempt=run.attempt)
            if (executor := self._executor_of.get(key)) is not None:
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

    # -- behind the calls
    def _in_background(self, work: Coroutine[Any, Any, None], broken: Callable[[Exception], None]) -> None:
        """`broken` is told of a defect."""
        task = asyncio.get_running_loop().create_task(_seen_to(work, broken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _broken(self, key: AttemptKey, kind: FailureKind, fault: Exception) -> None:
        log.error("attempt %s can't be seen to", key, exc_info=fault)
        self._attaching.discard(key)
        self._cancelled_early.discard(key)
        self.finished(key, Failed(kind=kind, message=internal(fault)))

    def _at_fault(self, state: Instance, fault: Exception) -> None:
        log.error("what instance %d needs can't be done; it is ended as failed", state.id, exc_info=fault)
        self._tell(state.id, engine_fault(fault, self._clock.now_ms()))


async def _seen_to(work: Coroutine[Any, Any, None], broken: Callable[[Exception], None]) -> None:
    try:
        await work
    except Exception as fault:
        broken(fault)


def _key(command: StartAttempt | AttachAttempt | CancelAttempt) -> AttemptKey:
    return AttemptKey(instance_id=command.instance_id, node=command.node, attempt=command.attempt)
