"""The scheduler: what `interface.Scheduler` promises, put together from planner, gates and schedules.

Of several servers on one database one plans and decides at a time: whoever holds the lease. The others stand by: each
waits for the moment when it runs out, or is given back, and one of them takes over. A server whose lease ran out
without its noticing does no harm: whatever it still writes is refused (`store/server_record.py`), and it stands by.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from arkwright.core.gate_rules import SHOWN, Unmet, judge
from arkwright.core.held_up import held_up
from arkwright.core.identity import Workspace
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.slots import SlotLimits
from arkwright.engine.clock import Clock
from arkwright.engine.interface import Engine
from arkwright.errors import StoreUnavailable
from arkwright.scheduler.gate_reader import GateReader
from arkwright.scheduler.gates import Gates
from arkwright.scheduler.interface import CatchingUp, ScheduleStart, Why
from arkwright.scheduler.jobs import ScheduledJobs, WorkspaceNamed
from arkwright.scheduler.patch_data import Patches
from arkwright.scheduler.planner import Planner
from arkwright.scheduler.schedules import Schedules
from arkwright.scheduler.slot_keeper import SlotKeeper
from arkwright.store.base import Definition, Place, Store
from arkwright.store.schedule_record import ScheduleRow
from arkwright.store.server_record import Fence

log = logging.getLogger("arkwright.scheduler")

LEASE = "scheduler"


class DurableScheduler:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        workspace_of: Callable[[str], Workspace | None],
        workspace_named: WorkspaceNamed,
        name: str,
        lease_seconds: float | None = None,
        runs: bool = True,
        room_left: Callable[[], bool] = lambda: True,
        expect: Callable[[int | None], None] = lambda at_ms: None,
    ) -> None:
        """`lease_seconds`: None where the data folder's lock proves that there is no other server. `runs`: whether
        this server plans, or only lets others do it."""
        self._store = store
        self._clock = clock
        self._name = name
        self._lease_seconds = lease_seconds
        self._runs = runs
        jobs = ScheduledJobs(store, workspace_named)
        self._reader = GateReader(store)
        self.gates = Gates(store, clock, self._reader, engine.hear if lease_seconds is None else store.post)
        self.planner = Planner(
            store=store,
            engine=engine,
            clock=clock,
            gates=self.gates,
            reader=self._reader,
            jobs=jobs,
            workspace_of=workspace_of,
            owner=name if lease_seconds is None else None,
            room_left=room_left,
            expect=self._outside_the_fence(expect),
        )
        self.patches = Patches(
            store=store,
            engine=engine,
            clock=clock,
            gates=self.gates,
            reader=self._reader,
            jobs=jobs,
            workspace_of=workspace_of,
            owner=name if lease_seconds is None else None,
        )
        self.schedules = Schedules(store, clock, jobs, workspace_of)
        self.slots = SlotKeeper(store, clock, workspace_of)
        self._epoch: int | None = None
        """Which hold of the lease is ours; None: another server plans, or nobody does."""
        self._stands_by = False
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.takeovers = 0
        """How often this server began to plan."""

    async def open(self) -> None:
        if not self._runs:
            return
        self._store.on_planned(self._planned)
        self._store.on_schedules(self._schedules_changed)
        self._store.on_slots(self.limits_changed)
        if self._lease_seconds is None:
            held = await self._store.hold_lease(LEASE, self._name, lease_ms=None)
            self._begin(held.epoch)
            return
        self._store.on_lease_free(self._look.set)
        self._tasks.append(asyncio.create_task(self._hold_on(self._lease_seconds), name="scheduler lease"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._runs:
            return
        with contextlib.suppress(StoreUnavailable):  # the lease runs out by itself
            await self._give_back()

    def stand_by(self, stands_by: bool) -> None:
        """Whether to leave planning to others."""
        self._stands_by = stands_by
        self._look.set()

    @property
    def plans(self) -> bool:
        return self._epoch is not None

    # -- the lease
    async def _hold_on(self, lease_seconds: float) -> None:
        while True:
            seconds = lease_seconds / 3
            self._look.clear()
            try:
                if self._stands_by:
                    await self._give_back()
                else:
                    held = await self._store.hold_lease(LEASE, self._name, lease_ms=int(lease_seconds * 1000))
                    if self._epoch is not None and held.epoch is None:
                        log.warning("another server plans now")
                    if held.epoch != self._epoch:
                        await self._let_go()
                        self._begin(held.epoch)
                    if held.epoch is None and held.left_ms is not None:
                        seconds = held.left_ms / 1000 + 0.01  # nobody can have it earlier, unless it is given back
            except StoreUnavailable as error:
                log.error("the scheduler's lease could not be renewed: %s", error)
            except Exception:
                log.exception("the scheduler's lease could not be seen to; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), seconds)

    def _begin(self, epoch: int | None) -> None:
        if epoch is None:
            return
        self._epoch = epoch
        self.takeovers += 1
        # Where the data folder's lock proves that nobody else plans, nothing has to be compared.
        alone = self._lease_seconds is None
        with self._store.fenced(None if alone else Fence(lease=LEASE, epoch=epoch, lost=self._look.set)):
            self.planner.open()
            self.gates.open()
            self.slots.open()
            self.patches.open()

    async def _give_back(self) -> None:
        held = self._epoch is not None
        await self._let_go()
        if held and self._lease_seconds is not None:
            await self._store.hold_lease(LEASE, self._name, lease_ms=0)

    def _outside_the_fence(self, expect: Callable[[int | None], None]) -> Callable[[int | None], None]:
        """Who watches the planner tells of it whoever plans."""

        def unfenced(at_ms: int | None) -> None:
            with self._store.fenced(None):
                expect(at_ms)

        return unfenced

    async def _let_go(self) -> None:
        if self._epoch is None:
            return
        self._epoch = None
        await self.planner.close()
        await self.patches.close()
        await self.gates.close()
        await self.slots.close()

    def limits_changed(self) -> None:
        """A workspace's settings may be others now; or somebody waits for a slot, or one became free."""
        if self.plans:
            self.slots.wake()

    def _planned(self, jobs: frozenset[int] | None) -> None:
        if self.plans:
            self.gates.heard(jobs)

    def _schedules_changed(self) -> None:
        if self.plans:
            self.planner.wake()

    # -- for the API
    async def start(self, wish: ScheduleStart) -> ScheduleRow:
        return await self.schedules.start(wish)

    async def stop(self, job: Definition) -> None:
        await self.schedules.stop(job)

    async def pause(self, job: Definition) -> None:
        await self.schedules.pause(job)

    async def resume(self, job: Definition) -> None:
        await self.schedules.resume(job)

    async def catching_up(self) -> CatchingUp | None:
        return self.planner.catching_up

    async def why(self, place: Place, instance_id: int) -> Why | None:
        instance = await self._store.get_instance(place, instance_id)
        return None if instance is None else await self._why(instance)

    async def _why(self, instance: Instance) -> Why:
        confirms = instance.status is InstanceStatus.WAITING_CONFIRM
        if instance.nodes and not instance.ended and not confirms:
            return Why(instance=instance, unmet=(*held_up(instance), *await self._missing_slots(instance)))
        if instance.gate is None or (instance.gate.open and not confirms) or instance.ended:
            return Why(instance=instance, unmet=())
        [facts] = await self._reader.facts([instance], self._clock.now_ms())
        verdict = judge(instance, self._reader.with_released(instance, facts))
        soon = verdict.withdrawal.message if verdict.withdrawal is not None else ""
        return Why(instance=instance, unmet=verdict.unmet, soon=soon or ("It starts now." if verdict.opens else ""))

    async def _missing_slots(self, instance: Instance) -> list[Unmet]:
        """What nodes of a running instance wait for."""
        place = Place(project_id=instance.project_id, workspace_id=instance.workspace_id)
        limits: SlotLimits | None = None
        missing: list[Unmet] = []
        for run in instance.nodes:
            if run.slot is None or run.slot.held:
                continue
            limits = limits or await self.slots.limits(place)
            group = run.slot.group
            holders = await self._store.slot_holders(place, group or None, limit=SHOWN)
            full = group if limits.groups.get(group) and len(holders) >= limits.groups[group] else ""
            if not full:
                holders = await self._store.slot_holders(place, None, limit=SHOWN)
            what = f"task group {full}: {limits.groups[full]}" if full else f"workspace: {limits.workspace}"
            held_by = ", ".join(f"{holder}/{node}" for holder, node in holders)
            missing.append(
                Unmet(
                    key=f"slot:{run.name}",
                    kind="slot",
                    text=f"Node {run.name} waits for a slot of the {what} nodes run at once, and these are held by "
                    f"(instance/node number) {held_by or 'nobody'}.",
                    release="One of these nodes ends; or raise the limit.",
                    instances=tuple(dict.fromkeys(holder for holder, _ in holders)),
                )
            )
        return missing
