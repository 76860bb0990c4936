"""One trigger that this server looks after: its source, its runs under way, and how it fares.

Rules: at most `limit` runs at once, counted by the store; an event waits for room and is then taken in the order of
its source. A run's end is dealt with once (failure policy), also after a crash: until then the store lists the run. A
source that fails is tried again after 1, 2, 4 … 60 seconds, and says why meanwhile. A run that is stuck at an error
(`running-exception`) counts as failed, and goes on holding its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.engine.clock import Clock
from arkwright.engine.interface import Engine, RunRequest
from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.scheduler.events.base import Happening, Source, TriggerOver
from arkwright.store.base import Store
from arkwright.store.trigger_record import Firing, Refusal, Trigger, TriggerState

log = logging.getLogger("arkwright.events")

LONGEST_PAUSE_SECONDS = 60.0
REPORT_MS = 60_000
"""How old a written report may get while its trigger is polled: servers that don't own it answer the written one."""

_FAILED = frozenset({InstanceStatus.FAIL, InstanceStatus.RUNNING_EXCEPTION})


class Runner:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        owner: str,
        trigger: Trigger,
        source: Source | None,
        request: Callable[[Trigger], Awaitable[RunRequest]],
        run_ended: Callable[[Trigger, Instance | None, int, bool], Awaitable[None]],
        fares: Callable[[Trigger], Awaitable[None]],
    ) -> None:
        """`source`: None while nothing new may start. `run_ended(trigger, instance, id, failed)` deals with an end.
        `fares(trigger)` is told when the source hears something, and when it does not any more."""
        self.trigger = trigger
        self.store = store
        self.clock = clock
        self._engine = engine
        self._owner = owner
        self._source = source
        self._request = request
        self._run_ended = run_ended
        self._fares = fares
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._room = asyncio.Event()
        self._supervising: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._pause_seconds = 1.0
        self._written_ms = 0
        self._report: dict[str, Any] = dict(trigger.report)
        self.over = False
        """It starts nothing more, whatever its trigger says by now."""
        self.heard = asyncio.Event()
        """The source is open, or has failed once."""

    @property
    def limit(self) -> int:
        return int(self.trigger.body.get("concurrent") or 1)

    @property
    def report(self) -> Mapping[str, Any]:
        """How it fares now."""
        return {**self._report, "running": sorted(self._runs)}

    async def open(self) -> None:
        await self._watch_listed()
        if self._source is not None and self.trigger.state is TriggerState.ACTIVE:
            self._supervising = asyncio.create_task(self._supervise(self._source), name=f"trigger {self.trigger.id}")
        else:
            self.heard.set()

    async def close(self) -> None:
        """Listen no more. Its runs go on."""
        tasks = [each for each in (self._supervising, self._writing, *self._runs.values()) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def quiet(self) -> None:
        """Start nothing more, but go on watching what runs."""
        self.over = True
        if self._supervising is not None:
            self._supervising.cancel()
            await asyncio.gather(self._supervising, return_exceptions=True)
            self._supervising = None

    # -- what a source asks for
    async def take(self, happening: Happening) -> bool:
        while True:
            while len(self._runs) >= self.limit:
                self._room.clear()
                self._note(waiting="As many runs as it may have at once are under way.")
                await self._room.wait()
            request = await self._request(self.trigger)
            fired = await self._engine.fire(request, happening.occurrence, self._firing(happening))
            self._report.pop("waiting", None)
            match fired.refusal:
                case None:
                    assert fired.instance_id is not None
                    self._watch(fired.instance_id)
                    self._note(
                        write=int(self._report.get("fired") or 0) == 0,
                        fired_ms=self.clock.now_ms(),
                        instance=fired.instance_id,
                        event=happening.occurrence.source,
                        fired=int(self._report.get("fired") or 0) + 1,
                    )
                    return True
                case Refusal.SEEN:
                    return False
                case Refusal.FULL:
                    await self._watch_listed()
                    await asyncio.sleep(0)
                    if len(self._runs) < self.limit:
                        await self.pause(1.0)  # runs of another server, whose ends are dealt with there
                case Refusal.INACTIVE | Refusal.NOT_OWNER:
                    raise TriggerOver

    def _firing(self, happening: Happening) -> Firing:
        return Firing(
            trigger_id=self.trigger.id,
            epoch=self.trigger.epoch,
            owner=self._owner,
            limit=self.limit,
            source=happening.source,
            position=happening.position,
            marks=happening.marks,
        )

    def listening(self) -> None:
        self._pause_seconds = 1.0
        self._report.pop("error", None)
        self._report.pop("error_ms", None)
        self._note(write=True, listening=True)
        self.heard.set()

    def polled(self, **more: Any) -> None:
        self._note(polled_ms=self.clock.now_ms(), **more)

    def warn(self, message: str) -> None:
        log.warning("trigger %d: %s", self.trigger.id, message)
        self._note(write=True, warning=message, warning_ms=self.clock.now_ms())

    async def pause(self, seconds: float) -> None:
        over = asyncio.get_running_loop().create_future()
        timer = self.clock.call_at(
            self.clock.now_ms() + int(seconds * 1000), lambda: None if over.done() else over.set_result(None)
        )
        try:
            await over
        finally:
            timer.cancel()

    # -- the source
    async def _supervise(self, source: Source) -> None:
        while True:
            try:
                await source.run(self)
                self.heard.set()
                return
            except TriggerOver:
                self.over = True
                self.heard.set()
                return
            except ArkwrightError as error:
                self.fail(str(error))
            except Exception as fault:
                log.exception("the source of trigger %d", self.trigger.id)
                self.fail(f"{type(fault).__name__}: {fault}")
            await self.pause(self._pause_seconds)
            self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)

    def fail(self, message: str) -> None:
        """Nothing is heard just now, for this reason."""
        if self._report.get("error") != message:
            log.warning("trigger %d hears nothing: %s", self.trigger.id, message)
        self._note(write=True, error=message, error_ms=self.clock.now_ms(), listening=False)
        self.heard.set()

    # -- runs
    async def _watch_listed(self) -> None:
        for instance_id in await self.store.trigger_runs(self.trigger.id):
            self._watch(instance_id)

    def _watch(self, instance_id: int) -> None:
        if instance_id not in self._runs:
            self._runs[instance_id] = asyncio.create_task(self._follow(instance_id), name=f"run {instance_id}")

    async def _follow(self, instance_id: int) -> None:
        """Until its end has been dealt with."""
        told = False
        last: Instance | None = None
        while True:
            try:
                async with contextlib.aclosing(self._engine.watch(instance_id)) as states:
                    async for state in states:
                        last = state
                        if state.status in _FAILED and not state.ended and not told:
                            told = True
                            await self._run_ended(self.trigger, state, instance_id, True)
                failed = last is not None and last.status in _FAILED and not told
                await self._run_ended(self.trigger, last, instance_id, failed)
                break
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await self.pause(1.0)
        self._runs.pop(instance_id, None)
        if last is not None:
            self._note(ended=instance_id, ended_status=last.status.value)
        self._room.set()

    # -- the report
    def _note(self, *, write: bool = False, **changes: Any) -> None:
        self._report.update(changes)
        now_ms = self.clock.now_ms()
        if not write and now_ms - self._written_ms < REPORT_MS:
            return
        self._written_ms = now_ms
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name=f"report of trigger {self.trigger.id}")

    async def _write(self) -> None:
        await asyncio.sleep(0)  # what else is noted at this moment goes with it
        with contextlib.suppress(StoreUnavailable):
            await self.store.report_trigger(self.trigger.id, self.trigger.epoch, dict(self._report))
            await self._fares(self.trigger)
