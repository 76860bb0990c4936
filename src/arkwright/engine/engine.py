"""The engine: what `interface.Engine` promises, put together from loop, plans and dispatch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arkwright.core.commands import Command
from arkwright.core.events import (
    Event,
)
from arkwright.core.instance import Instance
from arkwright.core.job import Plan
from arkwright.core.rules import Rules
from arkwright.core.workers import Way
from arkwright.engine.accepting import AcceptMethods
from arkwright.engine.alerts import Alerts
from arkwright.engine.attempt_ends import AttemptEnds
from arkwright.engine.clock import Clock
from arkwright.engine.connections import Connections
from arkwright.engine.dispatch import Dispatch
from arkwright.engine.first_step import FirstStep
from arkwright.engine.folders import Folders
from arkwright.engine.handover import Handover
from arkwright.engine.interface import RunRequest
from arkwright.engine.lease import EngineLease
from arkwright.engine.lookups import ObsExists
from arkwright.engine.loop import Active, Loop
from arkwright.engine.operating import OperateMethods
from arkwright.engine.placement import Placement
from arkwright.engine.plans import Plans
from arkwright.engine.recovery import Recovery
from arkwright.engine.room import Admission
from arkwright.engine.run_files import RunFiles
from arkwright.engine.sharing import Sharing
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
from arkwright.store.base import Definition, Store
from arkwright.store.patience import insist

log = logging.getLogger("arkwright.engine")

LEAVE_SECONDS = 2.0
LEAVE_AT_ONCE = 2000
"""How long a server that ends takes to hand over what it has, and how many instances go in one transaction."""


class Engine(AcceptMethods, OperateMethods, WatchMethods):
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
        self._first = FirstStep(name, alerts, self._dispatch.placing)
        self._loop = Loop(
            store=store,
            plans=self._plans,
            clock=clock,
            owner=name,
            act=self._act,
            alerts=alerts,
            usage=None if admission is None else admission.usage,
            vault=vault,
            placing=self._dispatch.placing,
        )
        self.lease = EngineLease(store, name, lease_seconds)
        for executor in executors.values():
            executor.beginning.until = lambda key: self.lease.begins_until
        self.handover = Handover(
            store, self._loop, self._dispatch, name=name, act=self._act, lose=self._lose, defect=self.defect
        )
        self.recovery = Recovery(
            store=store,
            clock=clock,
            loop=self._loop,
            plans=self._plans,
            act=self._act,
            lose=self._lose,
            crowded=lambda: self._dispatch.full,
            name=name,
            lease=self.lease,
            defect=self.defect,
        )
        self.sharing = Sharing(
            store,
            self.handover,
            self._dispatch,
            self.lease,
            renew=self.recovery.renew,
            look_around=self.recovery.look_around,
            renew_soon=self.recovery.renew_soon,
            taken=lambda: self.recovery.claimed,
            able=lambda: self.lack is None,
            defect=self.defect,
        )
        self._running: asyncio.Task[None] | None = None
        self.failed = asyncio.Event()
        """Set when the loop ended by a defect: the process should end too, its successor recovers."""

    # -- life
    async def open(self) -> None:
        """Take up work; recovery goes on behind it (`ready`)."""
        await self._store.reserve_ids(1)
        if self._runs:
            await self._dispatch.open(self.defect)
            self._running = asyncio.create_task(self._loop.run(), name="engine loop")
            self._running.add_done_callback(self._loop_ended)
            self.handover.open()
            self.sharing.open()
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
        await self.sharing.close()
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
    def ways(self) -> Sequence[Way]:
        return self._dispatch.ways if self._runs else ()

    @property
    def active_count(self) -> int:
        """Instances in hand."""
        return len(self._loop.active)

    def defect(self, what: str, error: BaseException) -> None:
        """Something that goes on behind all calls has ended by a defect: the process is to end, too."""
        log.critical("the engine's %s ended", what, exc_info=error)
        self.failed.set()

    # -- facts
    async def find_facts(self, instance: Instance, keys: frozenset[str]) -> tuple[Mapping[str, Any], str | None]:
        return await self._dispatch.find_facts(instance, keys)

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
        try:
            return await insist(lambda: self._plans.of(instance))
        except ArkwrightError as error:
            return error

    async def hear(self, instance_id: int, event: Event) -> None:
        if instance_id in self._loop.active:
            self._loop.tell(instance_id, event)
        else:
            await self._store.post(instance_id, event)

    # -- inside
    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError("by nobody here") if task.cancelled() else task.exception()
        if error is not None:
            self.defect("loop", error)

    def _tell(self, instance_id: int, event: Event) -> None:
        self._loop.tell(instance_id, event)
        self.sharing.changed()

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
        self.sharing.changed()
