"""The engine: what `interface.Engine` promises, put together from loop, plans and dispatch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from arkwright.core.commands import Command
from arkwright.core.control.children import PinnedJob
from arkwright.core.events import (
    Event,
    InstanceRequested,
)
from arkwright.core.instance import Instance
from arkwright.core.job import Plan
from arkwright.core.rules import Rules
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
from arkwright.engine.operating import OperateMethods
from arkwright.engine.placement import Placement
from arkwright.engine.plans import Pins, Plans
from arkwright.engine.recovery import Recovery
from arkwright.engine.room import Admission
from arkwright.engine.run_files import RunFiles
from arkwright.engine.subjobs import Nesting
from arkwright.engine.tallies import Tallies
from arkwright.engine.vault import Vault
from arkwright.engine.watching import WatchMethods
from arkwright.errors import (
    ArkwrightError,
    StoreUnavailable,
)
from arkwright.executors.base import Executor
from arkwright.executors.remote import RemoteAttempts
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import Accepted, Definition, Place, Store
from arkwright.store.trigger_record import Fired, Firing

log = logging.getLogger("arkwright.engine")

LEAVE_SECONDS = 2.0
LEAVE_AT_ONCE = 2000
"""How long a server that ends takes to hand over what it has, and how many instances go in one transaction."""

RECONNECT_SECONDS = 1.0
"""Pause before the plan of an instance that was just made is read again."""


class Engine(OperateMethods, WatchMethods):
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

    # -- inside
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
