"""The attempts that a worker has: claimed, run, renewed, reported.

Theory of operation
-------------------
* An attempt comes by name, from a transport that may bring it twice. The worker waits for a free slot, then claims it
  at the server; one that is not free is left. From then on it is *held*: its lease is renewed with all others in one
  message, four times per lease, until its end is reported.
* The worker never trusts a lease longer than the server does: it counts from the moment at which it asked. With two
  fifths left it stops the program itself; if it can't, the guard does with a quarter left, and kills it a little later
  (`guard`), whatever state this process is in. So what the server takes for lost, and may give to somebody else, is
  dead by then. A hosted node is part of this process: then the guard kills that.
* Before it starts, files of the server's that it needs are brought (`supply`); its end is told by `reports`.
* kill -9 of the worker: programs go on, the guard watches them. A worker that is started again on the same folder in
  time claims what it finds there under its own name (`resume`), and goes on; what it is refused it kills.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.attempt_wire import ClaimAnswer, Claimed, Held, Renewal, attempt_key, attempt_name
from arkwright.executors.background import Background
from arkwright.executors.base import Executor
from arkwright.nodes.base import AttemptKey, NodeImplementation, Work
from arkwright.nodes.registry import Registry
from arkwright.worker import guard
from arkwright.worker.attempt import FENCED_BY_GUARD, Attempt
from arkwright.worker.ceilings import Ceilings
from arkwright.worker.folders import WorkerFolders
from arkwright.worker.guarding import Guarding
from arkwright.worker.link import Refused, ServerLink, Unreachable, pause
from arkwright.worker.reports import Reports
from arkwright.worker.supply import Supply

log = logging.getLogger("arkwright.worker")

RENEWALS = 4
"""Per lease."""
STOP_LEFT = 0.4
"""Part of a lease that is left when the worker stops what it could not renew."""
GUARD_LEFT = 0.25
"""When the guard stops what the worker did not (it hangs, or is gone): what runs elsewhere, in a container or over SSH,
ends with that."""
KILL_LEFT = 0.15
"""And when the guard kills it."""


class Runner:
    def __init__(
        self,
        link: ServerLink,
        registry: Registry,
        executors: Mapping[Work, Executor],
        *,
        ceilings: Ceilings,
        data: Path,
        slots: int,
        lease_seconds: float,
        log_cap_bytes: int,
    ) -> None:
        """`ceilings`: told what each claim allows; the executor of programs asks them."""
        self._link = link
        self._registry = registry
        self._executors = executors
        self._ceilings = ceilings
        self._folders = WorkerFolders(data)
        self._lease = lease_seconds
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._held: dict[AttemptKey, Attempt] = {}
        self._coming: dict[AttemptKey, asyncio.Task[str]] = {}
        self._guarding = Guarding(data / "guard.log")
        self._supply = Supply(link)
        self._reports = Reports(
            link, self._folders, self._epoch, log_cap_bytes=log_cap_bytes, patience_seconds=lease_seconds
        )
        self._background = Background(self._defect)
        self._told_cancels: tuple[Held, ...] = ()
        self._renewing = False
        self.draining = False
        self.refused = ""
        """Why this worker is of no use any more: the server will give it nothing, or it has a defect."""
        self.useless = asyncio.Event()
        """Set with `refused`."""

    async def open(self, stopped: asyncio.Event) -> None:
        """Asks for what it finds from before until the server answers, or `stopped`."""
        await asyncio.to_thread(self._folders.make)
        self._guarding.open()
        await self._reports.open()
        for executor in self._executors.values():
            executor.beginning.until = self._begins_until
            await executor.open(self._finished)
        self._background.begin(self._renew_on(), "renews leases")
        await self._take_up(stopped)
        self._background.begin(self._hear_cancels(), "hears of stops")

    async def close(self) -> None:
        """What still runs is left to the guard, or to the next start."""
        await self._background.close()
        for task in self._coming.values():
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)
        for executor in self._executors.values():
            await executor.close()
        await self._reports.close()
        self._guarding.close()

    async def drain(self, grace_seconds: float) -> None:
        """Take no more, finish what runs; after the grace stop it, and report it lost."""
        self.draining = True
        await self._renew_now()
        held = [attempt.ended.wait() for attempt in self._held.values()]
        if held:
            log.info("Waiting %g s at most for %d attempts.", grace_seconds, len(held))
            await asyncio.wait([asyncio.ensure_future(each) for each in held], timeout=grace_seconds)
        left = list(self._held.values())
        for attempt in left:
            reason = f"The worker {self._link.runner} was shut down and gave it {grace_seconds:g} s to end."
            self._fence(attempt, reason)
        if left:
            ends = [asyncio.ensure_future(attempt.ended.wait()) for attempt in left]
            await asyncio.wait(ends, timeout=self._lease)

    # -- coming in
    async def take(self, name: str) -> str:
        """See an attempt through; a word about it when it is over here. Twice is once."""
        key = attempt_key(name)
        if key is None:
            return "no attempt"
        if key not in self._coming:
            task = asyncio.get_running_loop().create_task(self._take(key))
            self._coming[key] = task
            task.add_done_callback(lambda _: self._coming.pop(key, None))
        return await asyncio.shield(self._coming[key])  # the transport's end is not the attempt's

    async def _take(self, key: AttemptKey) -> str:
        known = self._held.get(key)
        if known is not None:
            await known.ended.wait()
            return "ended"
        async with self._free:
            if self.draining or self.refused:
                return "this worker takes no more"
            try:
                answer, asked = await self._claim(key)
            except Unreachable as error:
                log.warning("Attempt %s is left: %s", key, error)
                return "no server"
            except Refused as error:
                self._refuse(error)
                return str(error)
            if answer.claimed is None:
                log.info("Attempt %s is left: %s", key, answer.refusal)
                if answer.stop:
                    self._give_up(answer.refusal)
                return answer.refusal
            attempt = self._hold(answer.claimed, asked + self._lease)
            await self._begin(attempt, attach=False)
            await attempt.ended.wait()
        return "ended"

    async def _claim(self, key: AttemptKey) -> tuple[ClaimAnswer, float]:
        """The answer, and when it was asked for. Where only the answer is lost, the attempt is this worker's all the
        same, and nobody else's until the lease is over: so long it asks for what it may have already."""
        asked = guard.now_seconds()
        until = asked + self._lease
        tries = 0
        while True:
            try:
                if tries:
                    answer = await self._link.claim(key, resume=True)
                    if answer.claimed is not None:
                        return answer, asked
                    asked = guard.now_seconds()  # the question was lost, too
                return await self._link.claim(key, resume=False), asked
            except Unreachable:
                await pause(tries)
                asked, tries = guard.now_seconds(), tries + 1
                if asked > until:
                    raise

    async def _take_up(self, stopped: asyncio.Event) -> None:
        """What a worker of this name was running when it was killed."""
        for key, folder in await asyncio.to_thread(lambda: list(self._folders.found())):
            asked = guard.now_seconds()
            tries = 0
            while True:
                try:
                    answer = await self._link.claim(key, resume=True)
                    break
                except Unreachable as error:
                    if tries == 0:
                        log.warning("%s", error)
                    await pause(tries, stopped)
                    if stopped.is_set():
                        return  # the guard looks after it
                    tries += 1
                    asked = guard.now_seconds()
            if answer.claimed is None:
                log.info("Attempt %s from before is not this worker's any more: %s", key, answer.refusal)
                await asyncio.to_thread(self._folders.clear, folder)
                continue
            log.info("Attempt %s from before goes on.", key)
            attempt = self._hold(answer.claimed, asked + self._lease)
            self._background.begin(self._begin(attempt, attach=True), f"goes on with attempt {key}")

    def _hold(self, claimed: Claimed, until: float) -> Attempt:
        context = self._folders.placed(claimed.context)
        self._ceilings.learn(context.workspace_id, claimed.limits)
        found = self._registry.find(claimed.type)
        executor = None if isinstance(found, Failed) else self._executors.get(found.type.work)
        attempt = Attempt(claimed, context, executor or next(iter(self._executors.values())), until)
        self._held[context.key] = attempt
        attempt.preparing = asyncio.get_running_loop().create_task(self._prepare(attempt, found))
        if Held(attempt=attempt_name(context.key), epoch=claimed.epoch) in self._told_cancels:
            attempt.stopped = True  # somebody was quicker than the answer to the claim
            attempt.stop()
        return attempt

    async def _begin(self, attempt: Attempt, *, attach: bool) -> None:
        """Hand it to its executor once all is there."""
        assert attempt.preparing is not None
        try:
            failure = await attempt.preparing
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure = None
        except Exception as error:  # a fault in a node type must not hold a slot for ever
            log.exception("Attempt %s of type %s", attempt.key, attempt.claimed.type)
            message = f"The node type {attempt.claimed.type} is faulty: {error!r}."
            failure = Failed(kind=FailureKind.ERROR, message=message)
        attempt.preparing = None
        if failure is None and (attempt.stopped or attempt.fenced):
            failure = Failed(kind=FailureKind.CANCELLED, message="It was cancelled before it started.")
        if failure is not None:
            self._finished(attempt.key, failure)
        elif attach:
            attempt.executor.attach(attempt.claimed.type, attempt.context)
        else:
            attempt.executor.submit(attempt.claimed.type, attempt.context)

    async def _prepare(self, attempt: Attempt, node: NodeImplementation | Failed) -> Failed | None:
        """What speaks against its start."""
        if isinstance(node, Failed):
            return node
        if node.type.work not in self._executors:
            message = f"Workers don't run nodes of type {node.type.name}."
            return Failed(kind=FailureKind.REFUSED, message=message)
        context, hosted = attempt.context, node.type.work is Work.HOSTED
        try:
            await asyncio.to_thread(self._folders.prepare, attempt.claimed, context, hosted=hosted)
            self._watch(attempt)
        except OSError as error:
            message = f"The worker's data folder can't be used: {error.strerror or error}."
            return Failed(kind=FailureKind.ERROR, message=message)
        self._reports.begin(attempt.key, context.folder)
        return await self._supply.bring(attempt, node)

    # -- the lease
    def _begins_until(self, key: AttemptKey) -> float:
        attempt = self._held.get(key)
        return 0.0 if attempt is None else attempt.until - STOP_LEFT * self._lease

    async def _renew_on(self) -> None:
        while True:
            begun = guard.now_seconds()
            self._renewing = True
            try:
                await self._renew_now()
            finally:
                self._renewing = False
            now = guard.now_seconds()
            for attempt in list(self._held.values()):  # alarms wait for a renewal, and sleep with the machine
                if attempt.until - now < STOP_LEFT * self._lease:
                    self._out_of_lease(attempt)
            await asyncio.sleep(max(0.0, begun + self._lease / RENEWALS - now))

    async def _renew_now(self) -> None:
        asked = guard.now_seconds()
        sent = {attempt_name(key): attempt for key, attempt in self._held.items() if not attempt.over}
        held = tuple(Held(attempt=name, epoch=attempt.claimed.epoch) for name, attempt in sent.items())
        renewal = Renewal(runner=self._link.runner, held=held, slots=self._slots, draining=self.draining)
        try:
            async with asyncio.timeout(self._lease / RENEWALS):
                renewed = set((await self._link.renew(renewal)).attempts)
        except (Unreachable, TimeoutError) as error:
            log.warning("The leases can't be renewed: %s", error or "no answer in time")
            return
        except Refused as error:
            self._refuse(error)
            return
        for name, attempt in sent.items():
            if name in renewed:
                attempt.until = asked + self._lease
                with contextlib.suppress(OSError):
                    self._watch(attempt)
            elif not attempt.ended.is_set():
                attempt.over = True
                self._fence(attempt, "The server gave it up.")
                if attempt.outcome is not None:
                    self._drop(attempt)

    async def _hear_cancels(self) -> None:
        tries = 0
        while True:
            try:
                wanted = await self._link.cancels(self._told_cancels)
                tries = 0
            except Unreachable:
                await pause(tries)
                tries += 1
                continue
            except Refused as error:
                self._refuse(error)
                await pause(tries)
                tries += 1
                continue
            self._told_cancels = wanted
            for each in wanted:
                key = attempt_key(each.attempt)
                attempt = None if key is None else self._held.get(key)
                if attempt is not None and attempt.claimed.epoch == each.epoch:
                    attempt.stopped = True
                    attempt.stop()

    def _watch(self, attempt: Attempt) -> None:
        """See to it that it ends in time. Raises `OSError`."""
        until, lease = attempt.until, self._lease
        if attempt.alarm is not None:
            attempt.alarm.cancel()
        left = until - STOP_LEFT * lease - guard.now_seconds()
        attempt.alarm = asyncio.get_running_loop().call_later(max(0.0, left), self._out_of_lease, attempt)
        self._guarding.watch(attempt.context.folder, stop=until - GUARD_LEFT * lease, kill=until - KILL_LEFT * lease)

    def _out_of_lease(self, attempt: Attempt) -> None:
        if self._renewing:
            return  # it may come yet: until then that is the guard's
        self._fence(attempt, f"The worker {self._link.runner} could not reach the server to renew its lease.")

    def _fence(self, attempt: Attempt, reason: str) -> None:
        """Stop it by ourselves."""
        if not attempt.fenced and attempt.outcome is None:
            log.warning("Attempt %s is stopped: %s", attempt.context.key, reason)
            attempt.fenced = reason
            attempt.stop()

    def _refuse(self, error: Refused) -> None:
        log.error("The server refuses this worker: %s", error)
        if error.for_good:
            self._give_up(str(error))

    def _defect(self, what: str, error: BaseException) -> None:
        log.error("What %s ended by a defect.", what, exc_info=error)
        self._give_up(f"What {what} ended by a defect: {error!r}.")

    def _give_up(self, reason: str) -> None:
        self.refused = self.refused or reason
        self.useless.set()

    # -- the end
    def _finished(self, key: AttemptKey, outcome: Outcome) -> None:
        attempt = self._held.get(key)
        if attempt is None or attempt.outcome is not None:
            return
        if not attempt.fenced and self._folders.fenced(attempt.context):
            attempt.fenced = FENCED_BY_GUARD
        attempt.outcome = attempt.told(outcome)
        self._folders.release(attempt.context)
        self._background.begin(self._report(attempt, attempt.outcome), f"reports attempt {key}")

    async def _report(self, attempt: Attempt, outcome: Outcome) -> None:
        await self._reports.tell(attempt, outcome)
        await asyncio.to_thread(self._folders.clear, attempt.context.folder)
        self._drop(attempt)

    def _drop(self, attempt: Attempt) -> None:
        key = attempt.key
        self._reports.forget(key)
        self._guarding.forget(attempt.context.folder)
        if attempt.alarm is not None:
            attempt.alarm.cancel()
        self._told_cancels = tuple(each for each in self._told_cancels if each.attempt != attempt_name(key))
        if self._held.get(key) is attempt:
            del self._held[key]
        attempt.ended.set()

    # -- inside
    def _epoch(self, key: AttemptKey) -> int | None:
        """Of the claim, while the attempt is this worker's."""
        attempt = self._held.get(key)
        return None if attempt is None or attempt.over else attempt.epoch
