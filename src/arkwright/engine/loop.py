"""The engine's loop: the only writer of instances.

Events arrive in an inbox (`tell`). A tick takes all that are there, steps each instance, commits once, and then acts.
While a commit is under way the next events gather, so the load makes the ticks larger, not slower. Nothing polls: an
empty inbox sleeps.

Rules: only this loop changes `Active.state`; it holds exactly the instances that have not ended; one instance that
can't be stepped (a defect) is ended as failed and never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from arkwright.core.commands import Command
from arkwright.core.events import EngineFault, Event, InstanceRequested, RestartRequested
from arkwright.core.instance import Instance
from arkwright.core.job import Job, Plan
from arkwright.core.step import outstanding, step
from arkwright.engine.alerts import Alerts
from arkwright.engine.apart import Unwritable, take_apart
from arkwright.engine.children import Opened, end_of, make, sealed, unmade
from arkwright.engine.clock import Clock
from arkwright.engine.commit import Share
from arkwright.engine.faults import engine_fault
from arkwright.engine.placing import Placing
from arkwright.engine.plans import Plans
from arkwright.engine.room import Usage
from arkwright.engine.told import Told, answer
from arkwright.engine.vault import Vault
from arkwright.errors import ArkwrightError, StaleWrite, StoreUnavailable
from arkwright.store.base import Commit, Store
from arkwright.store.patience import Closing, insist

log = logging.getLogger("arkwright.engine")

RECONNECT_SECONDS = 1.0
"""Pause before a tick is repeated when the store was unavailable."""


class Active:
    """An instance that has not ended, and who watches it."""

    __slots__ = ("opened", "plan", "state", "watchers")

    def __init__(self, plan: Plan, state: Instance) -> None:
        self.plan = plan
        self.state = state
        self.opened: Opened = {}
        self.watchers: set[Callable[[Instance], None]] = set()


class Loop:
    def __init__(
        self,
        *,
        store: Store,
        plans: Plans,
        clock: Clock,
        owner: str,
        act: Callable[[Active, Sequence[Command]], None],
        alerts: Alerts | None = None,
        usage: Usage | None = None,
        vault: Vault | None = None,
        placing: Placing | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._clock = clock
        self._owner = owner
        self._act = act
        self._alerts = alerts
        self._usage = usage
        self._vault = vault
        self._placing = placing
        self._inbox: list[Told] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._quarantined: set[int] = set()
        """Instances that a defect keeps from being stepped; they hold up nobody else."""
        self.active: dict[int, Active] = {}
        self.onlookers: set[Callable[[Instance], None]] = set()
        """Told of each instance that is new here or has another status."""

    # -- from outside
    def tell(self, instance_id: int, event: Event, *, posted_id: int | None = None) -> None:
        """Take in an event. It must be told again after a crash by whoever holds it."""
        self._take_in(Told(instance_id, event, posted_id))

    def _take_in(self, told: Told) -> None:
        self._inbox.append(told)
        self._wake.set()

    async def tell_durably(self, instance_id: int, event: Event) -> None:
        """Returns once the event is committed. Raises what `step` raises, or `StaleWrite`."""
        told = Told(instance_id, event, None, asyncio.get_running_loop().create_future())
        self._take_in(told)
        assert told.durable is not None
        await told.durable

    def begin(self, plan: Plan, state: Instance) -> Active:
        """Hold an instance from now on."""
        active = Active(plan, state)
        self._hold(active)
        self._show(state)
        return active

    def go_on(self, plan: Plan, share: Share) -> None:
        """Hold an instance that was made together with its first step, and act on that."""
        active = self.begin(plan, share.after)
        self._act(active, share.commands)

    def _show(self, state: Instance) -> None:
        for onlooker in list(self.onlookers):
            onlooker(state)

    def _hold(self, active: Active) -> None:
        self.active[active.state.id] = active
        if self._usage is not None:
            self._usage.put(active.state)

    def _let_go(self, instance_id: int) -> None:
        self.active.pop(instance_id, None)
        if self._usage is not None:
            self._usage.drop(instance_id)

    def forget(self, instance_id: int) -> None:
        """Hold an instance no more: it is another engine's. Who watches it is told to look."""
        active = self.active.get(instance_id)
        if active is None:
            return
        self._let_go(instance_id)
        for watcher in list(active.watchers):
            watcher(active.state)

    def close(self) -> None:
        """End after the tick that is under way; what is still in the inbox is told again by its holders."""
        self._closing = True
        self._wake.set()

    # -- the loop
    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._closing:
                break
            batch, self._inbox = self._inbox, []
            if batch:
                await self._take(batch)
        for told in self._inbox:
            answer(told, StoreUnavailable("The server is shutting down.", hint="Send the request again."))

    async def _take(self, batch: list[Told]) -> None:
        try:
            await self._tick(batch)
        except Unwritable as fault:
            guilty = await take_apart(batch, fault, self._tick, self._clock.now_ms)
            self._quarantined |= guilty
        except (StoreUnavailable, Closing) as error:
            if not self._closing:
                raise
            log.warning("the last tick is left to the next start: %s", error.__cause__ or error)
            self._inbox[:0] = batch  # who waits for it is told

    async def _tick(self, batch: list[Told]) -> None:
        """Raises `Unwritable` for a tick that can't be stored; it has changed nothing then."""
        shares: dict[int, tuple[Active, Share]] = {}
        answers: list[Told] = []
        queue = deque(batch)
        while queue:
            told = queue.popleft()
            if told.instance_id in self._quarantined:
                answer(told, ArkwrightError(f"Instance {told.instance_id} can't be stepped; see the server's log."))
                continue
            try:
                active = self.active.get(told.instance_id)
                found = None if active is not None else await self._load(told.instance_id)
                active = active or found
                if active is None:
                    answer(told, StaleWrite(f"Instance {told.instance_id} is not this engine's."))
                    continue
                _, share = shares.setdefault(told.instance_id, (active, Share(active.state)))
                was = share.after
                first = isinstance(told.event, InstanceRequested | EngineFault)
                unbegun = not (active.state.version or share.events or first)
                if unbegun or (found is not None and not found.state.ended):
                    self._go_on(active, share)
                    queue.extend(await self._follow(active, share, was, told.event))  # the event may yet be refused
                    was = share.after
                plan = active.plan
                if isinstance(told.event, RestartRequested):
                    plan = await self._plans.plan(
                        active.state.job_id, told.event.job_version, told.event.script_versions
                    )
                self._step(active, share, told, plan)
                if told.child is None:
                    answers.append(told)
                else:
                    _hear(share, told.child, told.event, was)
                queue.extend(await self._follow(active, share, was, told.event))
            except StoreUnavailable as error:
                answer(told, error)
                if told.durable is None:  # its holder may not tell it again
                    asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._take_in, told)
            except ArkwrightError as error:
                if told.durable is None:
                    log.warning("event for instance %d was refused: %s", told.instance_id, error)
                answer(told, error)
        changed = [(active, share) for active, share in shares.values() if share.changed]
        stale = await self._commit([share for _, share in changed])
        for told in answers:
            if told.instance_id in stale and told.durable is None:
                continue
            answer(told, StaleWrite(f"Instance {told.instance_id} moved on.") if told.instance_id in stale else None)
        for active, share in changed:
            if share.after.id in stale:
                await self._recover_stale(active, share, [t for t in answers if t.instance_id == share.after.id])
            else:
                self._publish(active, share)
                for child in share.children:
                    await self._begin_child(child)

    async def _follow(self, active: Active, share: Share, was: Instance, event: Event) -> list[Told]:
        """What a step means for other instances: those that it starts, and the parent of one that it ends."""
        return [*await self._beget(active, share), *self._pass_on(share, was, event)]

    async def _beget(self, active: Active, share: Share) -> list[Told]:
        """Make the instances that the newest commands start. Answers the ends of those that can't be made."""
        fresh = share.commands[share.begotten :]
        share.begotten = len(share.commands)
        try:
            share.children += await make(
                self._store, self._clock, share.after, active.opened, fresh, lambda: self._closing
            )
        except Closing:
            raise
        except Exception as fault:
            log.exception("children of instance %d can't be made", share.after.id)
            return [Told(share.after.id, end) for end in unmade(fresh, fault, self._clock.now_ms())]
        return []

    def _pass_on(self, share: Share, was: Instance, event: Event) -> list[Told]:
        """The news of a child's end for its parent: taken in by this tick if that one is in hand."""
        after = share.after
        if after is was or not after.ended or (was.ended and was.status is after.status):
            return []
        news = end_of(after, event.at_ms)
        if news is None:
            return []
        share.informs.append(news)
        return [Told(*news, child=share)] if news[0] in self.active else []

    async def _begin_child(self, child: Instance) -> None:
        """Start an instance that the tick has made."""
        try:
            plan = await insist(lambda: self._plans.of(child), lambda: self._closing)
            event: Event = InstanceRequested(at_ms=child.submit_time_ms, instance=child)
        except ArkwrightError as error:
            plan = Plan(job=Job(name=child.job_name, nodes=()))
            event = EngineFault(at_ms=self._clock.now_ms(), message=f"It could not be started: {error}")
        self.begin(plan, child)
        self.tell(child.id, event)

    def _go_on(self, active: Active, share: Share) -> None:
        """An event came before recovery took up its instance, or before its first step (a stop right after the start):
        that comes first."""
        if active.state.version:
            self._act(active, outstanding(active.plan, active.state))
        else:
            event = InstanceRequested(at_ms=self._clock.now_ms(), instance=active.state)
            self._step(active, share, Told(active.state.id, event), active.plan)

    def _step(self, active: Active, share: Share, told: Told, plan: Plan) -> None:
        if told.posted_id is not None:
            share.posted.append(told.posted_id)
        try:
            after, commands = step(plan, share.after, told.event)
            event = told.event
        except ArkwrightError:
            raise
        except Exception as fault:
            event, after, commands = self._fault(active, share, told.instance_id, fault)
        if after is not share.after:
            active.plan = plan  # a restart may bring another one; a refused or repeated one must not
            share.add(event, after, sealed(self._vault, after, commands), runner=self._owner)

    def _fault(
        self, active: Active, share: Share, instance_id: int, fault: Exception
    ) -> tuple[Event, Instance, tuple[Command, ...]]:
        """A defect: end the instance as failed; if even that can't be worked out, leave it alone until a restart."""
        log.exception("instance %d can't be stepped; it is ended as failed", instance_id)
        event = engine_fault(fault, self._clock.now_ms())
        try:
            return event, *step(active.plan, share.after, event)
        except Exception as second:
            log.exception("instance %d can't even be ended", instance_id)
            self._quarantined.add(instance_id)
            raise ArkwrightError(f"Instance {instance_id} can't be stepped: {fault!r}") from second

    async def _commit(self, shares: list[Share]) -> frozenset[int]:
        if not shares:
            return frozenset()
        tick: list[Commit] | None = None
        while True:
            try:
                if tick is None:
                    if self._placing is not None:
                        await self._placing.decide(shares)
                    if self._alerts is not None:
                        await self._alerts.decide(shares)
                    tick = [share.seal() for share in shares]
                return frozenset(await self._store.commit(self._owner, tick))
            except StoreUnavailable as error:
                if self._closing:
                    raise
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)
            except Exception as fault:
                raise Unwritable from fault

    def _publish(self, active: Active, share: Share) -> None:
        before, active.state = active.state, share.after
        if share.after.ended:
            self._let_go(share.after.id)
        else:
            self._hold(active)
        self._act(active, share.commands)
        for watcher in list(active.watchers):
            watcher(share.after)
        if share.after.status is not before.status:
            self._show(share.after)

    async def _recover_stale(self, active: Active, share: Share, answers: list[Told]) -> None:
        """Somebody else wrote, or our own last commit did and its answer was lost: look again, and go on from there."""
        self._let_go(share.after.id)
        reloaded = await insist(lambda: self._load(share.after.id), lambda: self._closing)
        if reloaded is None:
            log.warning("instance %d is owned by another engine now", share.after.id)
            for watcher in list(active.watchers):
                watcher(active.state)
            return
        reloaded.watchers |= active.watchers
        self._act(reloaded, outstanding(reloaded.plan, reloaded.state))
        for watcher in list(reloaded.watchers):
            watcher(reloaded.state)
        self._inbox.extend(Told(told.instance_id, told.event, told.posted_id) for told in answers if not told.durable)
        self._wake.set()

    async def _load(self, instance_id: int) -> Active | None:
        """An instance that is not in hand: ended, or handed over to this engine."""
        state = await self._store.load_instance(instance_id)
        if state is None:
            return None
        if not state.ended and await self._store.owner_of(instance_id) != self._owner:
            return None
        active = Active(await self._plans.of(state), state)
        if not state.ended:
            self._hold(active)
        return active


def _hear(share: Share, child: Share, event: Event, was: Instance) -> None:
    """What became of a child's news: taken in, or meaningless for its parent (any more). After a defect it is left to
    the store."""
    if share.after is was:
        child.informs = [news for news in child.informs if news[1] is not event]
    elif share.events[-1] is event:
        share.heard.append(child.after.id)
