"""The engine: what `interface.Engine` promises, put together from loop, plans and dispatch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from arkwright.core.commands import Command
from arkwright.core.control.children import PinnedJob
from arkwright.core.events import (
    Event,
    InstanceRequested,
    Operation,
    RemoveDependencyRequested,
    RestartFrom,
    RestartRequested,
    StopRequested,
)
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.job import Plan
from arkwright.core.rules import Rules
from arkwright.core.step import step
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS, allowed_operations
from arkwright.engine.alerts import Alerts
from arkwright.engine.attempt_ends import AttemptEnds
from arkwright.engine.clock import Clock
from arkwright.engine.connections import Connections
from arkwright.engine.dispatch import Dispatch
from arkwright.engine.environment import environment_in_hand, read_environment
from arkwright.engine.folders import Folders
from arkwright.engine.handover import Handover
from arkwright.engine.interface import Occurrence, RunRequest
from arkwright.engine.lease import EngineLease
from arkwright.engine.lookups import ObsExists
from arkwright.engine.loop import Active, Loop
from arkwright.engine.placement import Placement
from arkwright.engine.plans import Pins, Plans
from arkwright.engine.recovery import Recovery
from arkwright.engine.room import Admission
from arkwright.engine.run_files import RunFiles
from arkwright.engine.subjobs import Nesting
from arkwright.engine.tallies import Tallies
from arkwright.engine.vault import Vault
from arkwright.errors import (
    ArkwrightError,
    Code,
    IllegalState,
    IllegalTransition,
    NotFound,
    StaleWrite,
    StoreUnavailable,
)
from arkwright.executors.base import Executor
from arkwright.executors.remote import RemoteAttempts
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Accepted, Definition, Place, Store
from arkwright.store.trigger_record import Fired, Firing

log = logging.getLogger("arkwright.engine")

FOREIGN_WATCH_SECONDS = 5.0
"""How often an instance of another engine is looked at, while somebody watches it here: news of its status comes by
itself, that of its nodes does not."""

FOREIGN_PAUSE_SECONDS = 0.02
"""Least time between two looks, whatever the news."""

LEAVE_SECONDS = 2.0
LEAVE_AT_ONCE = 2000
"""How long a server that ends takes to hand over what it has, and how many instances go in one transaction."""

STALE_TRIES = 3

RECONNECT_SECONDS = 1.0
"""Pause before the plan of an instance that was just made is read again."""


class Engine:
    """Runs instances (`runs=True`), or only accepts them for other engines on the same store (`runs=False`)."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        folders: Folders,
        registry: Registry,
        executors: Mapping[Work, Executor],
        local_programs_allowed: Callable[[str], bool],
        name: str,
        lease_seconds: float | None = None,
        runs: bool = True,
        obs_exists: ObsExists | None = None,
        alerts: Alerts | None = None,
        admission: Admission | None = None,
        nesting: Nesting | None = None,
        vault: Vault | None = None,
        connections: Connections | None = None,
        run_files: RunFiles | None = None,
        ends: AttemptEnds | None = None,
        remote: RemoteAttempts | None = None,
        placement: Placement | None = None,
        rules: Callable[[str], Rules] = lambda _: Rules(),
    ) -> None:
        """`rules`: of a workspace, now. Without a vault nothing can be masked."""
        self._store = store
        self._vault = vault
        self._rules = rules
        self._admission = admission
        self._clock = clock
        self._runs = runs
        self._begins = runs
        """Whether what is made here begins here."""
        self._name = name
        self.tallies = Tallies()
        self._plans = Plans(store, nesting)
        self._dispatch = Dispatch(
            store=store,
            clock=clock,
            folders=folders,
            registry=registry,
            executors=executors,
            local_programs_allowed=local_programs_allowed,
            tell=self._tell,
            holds=lambda instance_id: instance_id in self._loop.active,
            obs_exists=obs_exists,
            name=name,
            vault=vault,
            connections=connections,
            run_files=run_files,
            ends=ends,
            remote=remote,
            placement=placement,
        )
        self._loop = Loop(
            store=store,
            plans=self._plans,
            clock=clock,
            owner=name,
            act=self._act,
            alerts=alerts,
            usage=None if admission is None else admission.usage,
            vault=vault,
        )
        self.lease = EngineLease(store, name, lease_seconds)
        self.handover = Handover(store, self._loop, self._dispatch, name=name, act=self._act, lose=self._lose)
        self.recovery = Recovery(
            store=store,
            clock=clock,
            loop=self._loop,
            plans=self._plans,
            act=self._act,
            lose=self._lose,
            crowded=lambda: self._dispatch.queued > 0,
            name=name,
            lease=self.lease,
            defect=self._failed,
        )
        self._running: asyncio.Task[None] | None = None
        self.failed = asyncio.Event()
        """Set when the loop ended by a defect: the process should end too, its successor recovers."""

    # -- life
    async def open(self) -> None:
        """Take up work; recovery goes on behind it (`ready`)."""
        await self._store.reserve_ids(1)
        if self._runs:
            await self._dispatch.open()
            self._running = asyncio.create_task(self._loop.run(), name="engine loop")
            self._running.add_done_callback(self._loop_ended)
            self.handover.open()
            await self.recovery.open()

    async def close(self) -> None:
        """Start nothing new, finish the tick under way, let go of what runs."""
        if not self._runs:
            return
        try:
            if self.lease.seconds is not None:
                await self._leave()
        finally:
            await self._close()

    async def _close(self) -> None:
        await self.recovery.close()
        await self.handover.close()
        self._loop.close()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        await self._dispatch.close()

    def empty(self, emptying: bool) -> None:
        """Begin nothing more and hand over what can go; or take work again."""
        if not self._runs:
            return
        self._begins = not emptying
        self.recovery.take(not emptying)
        self.handover.empty(emptying)

    async def _leave(self) -> None:
        """Let others have at once what nothing of runs here. The rest is this server's until its lease runs out: it may
        be back by then."""
        self._begins = False
        self.lease.takes = False
        with contextlib.suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.lease.renew()
                while await self.handover.give(list(self._loop.active)[:LEAVE_AT_ONCE]):
                    pass

    @property
    def ready(self) -> bool:
        return not self._runs or (self.recovery.done.is_set() and not self.failed.is_set())

    @property
    def name(self) -> str:
        return self._name

    @property
    def lack(self) -> str | None:
        return None if self._admission is None else self._admission.room.lack()

    @property
    def queued(self) -> int:
        """Programs that wait here for their turn."""
        return self._dispatch.queued

    @property
    def active_count(self) -> int:
        """Instances in hand."""
        return len(self._loop.active)

    # -- runs
    async def submit(self, request: RunRequest) -> Accepted:
        definition, pins = await self._plans.submitted(request.place, request.job_name, request.kind)
        self._check_room(request.place)
        subjobs = await self._plans.subjobs(request.place, definition)
        instance = self._new(request, definition, pins, await self.environment(request.place), subjobs)
        accepted = await self._store.create_instance(
            instance, owner=self._name if self._begins else None, idempotency=request.idempotency
        )
        if self._begins and not accepted.replayed:
            self._begin(await self._plans.of(instance), instance)
        return accepted

    async def fire(self, request: RunRequest, occurrence: Occurrence, firing: Firing) -> Fired:
        definition, pins = await self._plans.submitted(request.place, request.job_name, request.kind)
        self._check_room(request.place)
        instance = msgspec.structs.replace(
            self._new(
                request,
                definition,
                pins,
                await self.environment(request.place),
                await self._plans.subjobs(request.place, definition),
            ),
            event_data=occurrence.data,
            obs_new_files=occurrence.new_files,
            event_source=occurrence.source,
        )
        if occurrence.plan_time_ms is not None:
            instance = msgspec.structs.replace(instance, plan_time_ms=occurrence.plan_time_ms)
        plan = await self._plans.of(instance)  # before it is durable: what can't be read is not fired
        fired = await self._store.fire_trigger(
            instance, firing, owner=self._name if self._begins else None, idempotency=request.idempotency
        )
        if self._begins and fired.refusal is None and not fired.replayed:
            self._begin(plan, instance)
        return fired

    async def check(self, place: Place, job_name: str) -> None:
        definition, _ = await self._plans.submitted(place, job_name)
        await self._plans.subjobs(place, definition)

    def submit_soon(self, request: RunRequest, told: Callable[[int | None, BaseException | None], None]) -> None:
        definition, pins = self._plans.submitted_in_hand(request.place, request.job_name)
        if self._admission is not None and self._admission.refusal(request.place.workspace_id) is not None:
            raise LookupError("no room")
        instance = self._new(request, definition, pins, environment_in_hand(self._store, request.place))
        plan = self._plans.in_hand(instance) if self._begins else None

        def created(accepted: Accepted | None, error: BaseException | None) -> None:
            if accepted is not None and plan is not None:
                self._begin(plan, instance)
            told(None if accepted is None else instance.id, error)

        self._store.create_instance_soon(instance, owner=self._name if self._begins else None, told=created)

    def _new(
        self,
        request: RunRequest,
        definition: Definition,
        pins: Pins,
        environment: Mapping[str, str],
        subjobs: Mapping[str, PinnedJob] | None = None,
    ) -> Instance:
        now_ms = self._clock.now_ms()
        return Instance(
            id=self._store.next_id(),
            project_id=request.place.project_id,
            workspace_id=request.place.workspace_id,
            job_id=definition.id,
            job_name=definition.name,
            job_version=definition.version,
            script_versions=pins,
            instance_type=request.instance_type,
            plan_time_ms=now_ms,
            submit_time_ms=now_ms,
            time_zone=request.time_zone,
            parameters=self._sealed(request, definition),
            environment=environment,
            subjobs=subjobs or {},
            condition_policy=request.condition_policy,
            rules=self._rules(request.place.workspace_id),
            created_by=request.by,
        )

    def _sealed(self, request: RunRequest, definition: Definition) -> Mapping[str, str]:
        """The run's own values, those of masked parameters sealed."""
        masked = self._plans.masked(definition)
        if not masked or self._vault is None:
            return request.parameters
        return self._vault.seal_named(request.place.workspace_id, request.parameters, masked)

    def _begin(self, plan: Plan, instance: Instance) -> None:
        """Start an instance that is durable."""
        self._loop.begin(plan, instance)
        self._loop.tell(instance.id, InstanceRequested(at_ms=instance.submit_time_ms, instance=instance))

    async def stop(self, place: Place, instance_id: int, *, by: str, operation_id: str) -> None:
        await self._operate(
            await self._get(place, instance_id),
            StopRequested(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by),
            "Only an instance that has not ended can be stopped",
        )

    async def operate(self, place: Place, instance_id: int, operation: str, *, by: str, operation_id: str) -> None:
        event = OPERATIONS[operation](at_ms=self._clock.now_ms(), operation_id=operation_id, by=by)
        await self._operate(await self._get(place, instance_id), cast("Event", event), _rule(operation))

    async def operate_node(
        self, place: Place, instance_id: int, node_name: str, operation: str, *, by: str, operation_id: str
    ) -> None:
        kind = NODE_OPERATIONS[operation]
        event = kind(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by, node_name=node_name)
        await self._operate(await self._get(place, instance_id), cast("Event", event), _rule(f"node {operation}"))

    async def restart(
        self,
        place: Place,
        instance_id: int,
        *,
        by: str,
        operation_id: str,
        position: RestartFrom = RestartFrom.FIRST_NODE,
        node_name: str | None = None,
        latest: bool = False,
    ) -> None:
        instance = await self._get(place, instance_id)
        self._check_room(place)
        version, pins, subjobs = instance.job_version, instance.script_versions, instance.subjobs
        if latest:
            definition, pins = await self._plans.submitted(place, instance.job_name)
            version = definition.version
            subjobs = await self._plans.subjobs(place, definition)
        event = RestartRequested(
            at_ms=self._clock.now_ms(),
            operation_id=operation_id,
            by=by,
            position=position,
            node_name=node_name,
            job_version=version,
            script_versions=pins,
            subjobs=subjobs,
        )
        await self._operate(instance, event, "Only an instance that succeeded, failed or was stopped can be restarted")

    async def wait(self, instance_id: int, timeout_seconds: float) -> Instance | None:
        latest: Instance | None = None
        try:
            async with asyncio.timeout(timeout_seconds), contextlib.aclosing(self.watch(instance_id)) as states:
                async for state in states:
                    latest = state
        except TimeoutError:
            pass
        return latest or await self._store.load_instance(instance_id)  # the time was over before the first look

    async def watch(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        active = self._loop.active.get(instance_id)
        if active is None and self._runs:
            await self.recovery.done.wait()  # it may be among those that are still being taken up
            active = self._loop.active.get(instance_id)
        if active is None:
            async for state in self._watch_stored(instance_id):
                yield state
            return
        news: asyncio.Queue[Instance] = asyncio.Queue()
        active.watchers.add(news.put_nowait)
        try:
            state = active.state
            yield state
            while not state.ended:
                state = await news.get()
                if not state.ended and instance_id not in self._loop.active:
                    break  # it is another engine's now
                yield state
        finally:
            active.watchers.discard(news.put_nowait)
        if not state.ended:
            async for state in self._watch_stored(instance_id):
                yield state

    async def watch_all(self) -> AsyncGenerator[Instance, None]:
        news: asyncio.Queue[Instance] = asyncio.Queue()
        self._loop.onlookers.add(news.put_nowait)
        try:
            while True:
                yield await news.get()
        finally:
            self._loop.onlookers.discard(news.put_nowait)

    async def _watch_stored(self, instance_id: int) -> AsyncGenerator[Instance, None]:
        """An instance that is not in hand here: ended, or another engine's."""
        seen = -1
        news = asyncio.Event()
        unheard: Callable[[], None] | None = None

        def seen_here(state: Instance) -> None:
            if state.id == instance_id:
                news.set()

        self._loop.onlookers.add(seen_here)
        try:
            while True:
                news.clear()
                state = await self._store.load_instance(instance_id)
                if state is None:
                    return
                if state.version != seen:
                    seen = state.version
                    yield state
                if state.ended:
                    return
                if unheard is None:
                    place = Place(project_id=state.project_id, workspace_id=state.workspace_id)
                    unheard = await self._store.on_foreign_changes(place, news.set)
                    continue  # it may have changed before we listened
                await asyncio.sleep(FOREIGN_PAUSE_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), FOREIGN_WATCH_SECONDS)
        finally:
            self._loop.onlookers.discard(seen_here)
            if unheard is not None:
                unheard()

    async def find_facts(self, instance: Instance, keys: frozenset[str]) -> tuple[Mapping[str, Any], str | None]:
        return await self._dispatch.find_facts(instance, keys)

    async def environment(self, place: Place) -> Mapping[str, str]:
        return await read_environment(self._store, place)

    # -- for the scheduler
    async def prepare(self, request: RunRequest, definition: Definition) -> Instance:
        pins = await self._plans.pins_of(definition)
        subjobs = await self._plans.subjobs(request.place, definition)
        return self._new(request, definition, pins, await self.environment(request.place), subjobs)

    def warm(self, definition: Definition) -> None:
        self._plans.warm(definition)

    async def load(self, instances: Sequence[Instance]) -> Sequence[Plan | ArkwrightError]:
        return [await self._loaded(each) for each in instances]

    async def adopt(self, instances: Sequence[Instance], plans: Sequence[Plan | ArkwrightError] | None = None) -> None:
        if not self._runs:
            return
        for position, instance in enumerate(instances):
            plan = await self._loaded(instance) if plans is None else plans[position]
            if isinstance(plan, ArkwrightError):
                self.recovery.give_up(instance, plan)
            elif instance.id not in self._loop.active:
                self._begin(plan, instance)

    async def _loaded(self, instance: Instance) -> Plan | ArkwrightError:
        while True:
            try:
                return await self._plans.of(instance)
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)
            except ArkwrightError as error:
                return error

    async def hear(self, instance_id: int, event: Event) -> None:
        if instance_id in self._loop.active:
            self._loop.tell(instance_id, event)
        else:
            await self._store.post(instance_id, event)

    async def remove_dependency(self, place: Place, instance_id: int, key: str, *, by: str, operation_id: str) -> None:
        event = RemoveDependencyRequested(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by, key=key)
        await self._operate(await self._get(place, instance_id), event, "Only a waiting instance has dependencies")

    # -- inside
    def _check_room(self, place: Place) -> None:
        if self._admission is not None:
            self._admission.check(place.workspace_id)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed("loop", error)

    def _failed(self, what: str, error: BaseException) -> None:
        log.critical("the engine's %s ended", what, exc_info=error)
        self.failed.set()

    def _tell(self, instance_id: int, event: Event) -> None:
        self._loop.tell(instance_id, event)

    def _lose(self, instance_id: int) -> None:
        active = self._loop.active.get(instance_id)
        if active is not None:
            self._dispatch.forget(active.state)
            self._loop.forget(instance_id)

    def _act(self, active: Active, commands: Sequence[Command]) -> None:
        if active.state.ended:
            self.tallies.count(active.plan, active.state)
        # Frozen past its lease, an engine does nothing until it knows what is still its own; then what is outstanding.
        if not self.lease.holds or self.handover.withholds(active, commands):
            return
        self._dispatch.carry_out(active.state, commands, active.plan.job.log_path)

    async def _get(self, place: Place, instance_id: int) -> Instance:
        instance = await self._store.get_instance(place, instance_id)
        if instance is None:
            raise NotFound(
                f"There is no instance {instance_id} in this workspace.",
                field="instance_id",
                code=Code.INSTANCE_NOT_FOUND,
            )
        return instance

    async def _operate(self, instance: Instance, event: Event, rule: str) -> None:
        for _ in range(STALE_TRIES):
            if self._runs and (instance.ended or await self._store.owner_of(instance.id) == self._name):
                try:
                    await self._loop.tell_durably(instance.id, event)
                    return
                except IllegalTransition as error:
                    raise _illegal(rule, error.state) from error
                except StaleWrite:
                    continue  # It changed hands between the look and the commit: look again.
            if isinstance(event, Operation):
                await self._rehearse(instance, event, rule)
            await self._store.post(instance.id, event)
            return
        raise StaleWrite(f"Instance {instance.id} keeps changing hands.", hint="Try again.")

    async def _rehearse(self, instance: Instance, event: Event, rule: str) -> None:
        """Refuse what the owner would refuse too: it could not tell whoever asked."""
        try:
            step(await self._plans.of(instance), instance, event)
        except IllegalTransition as error:
            raise _illegal(rule, error.state) from error


def _rule(operation: str) -> str:
    states = [status.value for status in InstanceStatus if operation in allowed_operations(status)]
    return f"{operation} is allowed for an instance that is {' or '.join(states)}"


def _illegal(rule: str, state: str) -> IllegalState:
    allowed = allowed_operations(InstanceStatus(state))
    hint = f"Allowed now: {', '.join(allowed)}." if allowed else "Nothing can be done to it any more."
    return IllegalState(f"{rule}; this one is {state}.", field="instance_id", hint=hint)
