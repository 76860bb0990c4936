"""Lets waiting instances start: looks at those that something has changed for, and at nothing else.

Theory of operation
-------------------
The store says which jobs' planned instances changed; who watches one of these jobs is read and judged
(`core/gate_rules.py`). What opens is told `Released`, what is given up `Withdrawn`; the engine that owns the instance
makes that durable, which the store says again. Nothing is remembered that can't be read again: after a crash all that
wait are judged once. A verdict that was told twice changes nothing the second time.

One server decides at a time (`scheduler.py` holds the lease), so that limits are kept by counting: what it tells is
written behind the lease's fence, and who was told to start counts as started.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from arkwright.core.events import Event, Released, Withdrawn
from arkwright.core.gate import JobSlots, NotBefore
from arkwright.core.gate_rules import judge
from arkwright.core.instance import Instance
from arkwright.engine.clock import Clock, TimerHandle
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.scheduler.gate_reader import GateReader
from arkwright.store.base import Store

log = logging.getLogger("arkwright.scheduler")

PAGE = 1000
RETRY_MS = 1000
DEFECT_MS = 60_000


class Gates:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        reader: GateReader,
        hear: Callable[[int, Event], Awaitable[None]],
    ) -> None:
        """`hear` tells an instance something; where several servers may plan, it is durable when it returns."""
        self._store = store
        self._hear = hear
        self._clock = clock
        self._reader = reader
        self._watched: set[int] = set()
        """Jobs that somebody may wait for: news of others costs nothing."""
        self._all = False
        self._dirty: set[int] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._expiry: TimerHandle | None = None
        self.listen_for: Callable[[Instance], None] = lambda _: None
        """Told of each instance that goes on waiting: whoever listens for objects looks at its conditions."""
        self.idle = asyncio.Event()
        """Nothing is left to be looked at."""

    def open(self) -> None:
        self._all = True
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="gates")

    async def close(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def watch(self, jobs: frozenset[int]) -> None:
        """Somebody is about to wait for these."""
        self._watched |= jobs

    def heard(self, jobs: frozenset[int] | None) -> None:
        """Planned instances of these jobs changed."""
        if jobs is None:
            self._all = True
        else:
            self._dirty |= jobs & self._watched
        if self._all or self._dirty:
            self._wake()

    def _wake(self) -> None:
        self.idle.clear()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            dirty, everything = self._dirty, self._all
            self._dirty, self._all = set(), False
            try:
                if everything:
                    self._watched |= await self._store.watched_jobs()
                    await self._look(None)
                elif dirty:
                    await self._look(dirty)
                await self._expire()
                await self._set_expiry()
            except StoreUnavailable as error:
                log.error("waiting instances could not be looked at (%s); trying again", error)
                self._dirty |= dirty
                self._all = self._all or everything
                self._clock.call_at(self._clock.now_ms() + RETRY_MS, self._wake)
                continue
            except Exception:
                log.exception("waiting instances could not be looked at; trying again in a minute")
                self._all = True
                self._clock.call_at(self._clock.now_ms() + DEFECT_MS, self._wake)
            if not self._woken.is_set():
                self.idle.set()

    async def _look(self, jobs: set[int] | None) -> None:
        after = 0
        seen: set[int] = set()
        while True:
            page = await self._store.watching(jobs, after=after, limit=PAGE)
            await self._judge(page)
            seen.update(each.job_id for each in page)
            if len(page) < PAGE:
                break
            after = page[-1].id
        if jobs is not None and not after and not page:
            self._watched -= jobs  # nobody waits for these any more

    async def _judge(self, instances: Sequence[Instance]) -> None:
        if not instances:
            return
        # Who is preferred first, then by plan time: the order in which slots are given away.
        ordered = sorted(instances, key=lambda i: (not (i.gate and i.gate.preferred), i.plan_time_ms, i.id))
        now_ms = self._clock.now_ms()
        for instance, facts in zip(ordered, await self._reader.facts(ordered, now_ms), strict=True):
            verdict = judge(instance, self._reader.with_released(instance, facts))
            try:
                if verdict.withdrawal is not None:
                    await self._hear(
                        instance.id,
                        Withdrawn(at_ms=now_ms, ending=verdict.withdrawal.ending, message=verdict.withdrawal.message),
                    )
                elif verdict.opens:
                    if _limited(instance):
                        self._reader.released(instance)
                    await self._hear(instance.id, Released(at_ms=now_ms))
                else:
                    self._look_in_time(instance, now_ms)
                    with self._store.fenced(None):  # who listens goes on, whoever plans
                        self.listen_for(instance)
            except StoreUnavailable:
                raise
            except ArkwrightError as error:
                log.warning("instance %d could not be told that it may start: %s", instance.id, error)

    def _look_in_time(self, instance: Instance, now_ms: int) -> None:
        for condition in instance.gate.conditions if instance.gate is not None else ():
            if isinstance(condition, NotBefore) and condition.at_ms > now_ms:
                jobs = frozenset({instance.job_id})
                self._clock.call_at(condition.at_ms, partial(self.heard, jobs))

    async def _expire(self) -> None:
        # Those beyond the page come when these have ended, which wakes us.
        await self._judge(await self._store.expiring(until_ms=self._clock.now_ms(), limit=PAGE))

    async def _set_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        at_ms = await self._store.next_expiry(after_ms=self._clock.now_ms())
        if at_ms is not None:
            self._expiry = self._clock.call_at(at_ms, self._wake)


def _limited(instance: Instance) -> bool:
    return instance.gate is not None and any(isinstance(each, JobSlots) for each in instance.gate.conditions)
