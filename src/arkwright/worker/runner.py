"""The attempts that a worker has: claimed, run, renewed, reported.

Theory of operation
-------------------
* An attempt comes by name, from a transport that may bring it twice. The worker waits for a free slot, then claims it
  at the server; one that is not free is left. From then on it is *held*: its lease is renewed with all others in one
  message, four times per lease, until its end is reported.
* The worker never trusts a lease longer than the server does: it counts from the moment at which it asked. With two
  fifths left it stops the program itself; with a fifth left the guard kills it (`guard`), whatever state this process
  is in. So what the server takes for lost, and may give to somebody else, is dead by then.
* An end is told in order: log and output first, then the report, again and again until the server answers. One that the
  server refuses (the lease ran out meanwhile) is dropped: the attempt has its outcome already.
* kill -9 of the worker: programs go on, the guard watches them. A worker that is started again on the same folder in
  time claims what it finds there under its own name (`resume`), and goes on; what it is refused it kills.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.attempt_wire import Claimed, Held, Renewal, attempt_key, attempt_name
from arkwright.executors.base import Executor
from arkwright.executors.shipping import Shipper
from arkwright.nodes.base import AttemptKey, Context, Work
from arkwright.nodes.registry import Registry
from arkwright.worker import guard
from arkwright.worker.guarding import Guarding
from arkwright.worker.link import Refused, ServerLink, Unreachable, pause
from arkwright.worker.sink import ServerSink

log = logging.getLogger("arkwright.worker")

RENEWALS = 4
"""Per lease."""
STOP_LEFT = 0.4
"""Part of a lease that is left when the worker stops what it could not renew."""
KILL_LEFT = 0.2
"""And when the guard kills it."""
OUTPUTS = ("output", "columns")

FENCED_BEFORE = "The worker could not reach the server to renew its lease, and was started again since."


class Attempt:
    """One that this worker holds."""

    __slots__ = ("claimed", "context", "ended", "executor", "fenced", "outcome", "over", "stopped", "until")

    def __init__(self, claimed: Claimed, context: Context, executor: Executor, until: float) -> None:
        self.claimed = claimed
        self.context = context
        self.executor = executor
        self.until = until
        """End of its lease, by `guard.now_seconds`."""
        self.fenced = ""
        self.stopped = False
        """Somebody asked for its stop."""
        """Why this worker stops it by itself."""
        self.over = False
        """It is this worker's no more."""
        self.outcome: Outcome | None = None
        self.ended = asyncio.Event()
        """It is reported, or was given up."""


class Runner:
    def __init__(
        self,
        link: ServerLink,
        registry: Registry,
        executors: Mapping[Work, Executor],
        *,
        data: Path,
        slots: int,
        lease_seconds: float,
        log_cap_bytes: int,
    ) -> None:
        self._link = link
        self._registry = registry
        self._executors = executors
        self._runs = data / "runs"
        self._workspaces = data / "workspaces"
        self._lease = lease_seconds
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._held: dict[AttemptKey, Attempt] = {}
        self._coming: dict[AttemptKey, asyncio.Task[str]] = {}
        self._guarding = Guarding(data / "guard.log")
        self._shipper = Shipper(
            ServerSink(link, self._epoch),
            cap=log_cap_bytes,
            notes=data / "unshipped",
            folder_of=self._folder,
            patience_seconds=lease_seconds,
        )
        self._tasks: set[asyncio.Task[object]] = set()
        self._told_cancels: tuple[Held, ...] = ()
        self.draining = False
        self.refused = ""
        """Why the server will give this worker nothing any more."""
        self.useless = asyncio.Event()
        """Set with `refused`."""

    @property
    def running(self) -> int:
        return len(self._held)

    async def open(self) -> None:
        self._runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.rmtree, self._runs.parent / "unshipped", ignore_errors=True)
        self._guarding.open()
        await self._shipper.open()
        for executor in self._executors.values():
            await executor.open(self._finished)
        await self._take_up()
        self._in_background(self._renew_on())
        self._in_background(self._hear_cancels())

    async def close(self) -> None:
        """What still runs is left to the guard, or to the next start."""
        for task in [*self._tasks, *self._coming.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._coming.values(), return_exceptions=True)
        for executor in self._executors.values():
            await executor.close()
        await self._shipper.close()
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
            asked = guard.now_seconds()
            try:
                answer = await self._link.claim(key, resume=False)
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
            attempt = await self._hold(answer.claimed, asked + self._lease)
            if attempt is not None:
                attempt.executor.submit(answer.claimed.type, attempt.context)
                await attempt.ended.wait()
        return "ended"

    async def _hold(self, claimed: Claimed, until: float) -> Attempt | None:
        key = claimed.context.key
        folder = self._folder(key)
        workspace = self._workspaces / claimed.context.workspace_id
        context = replace(claimed.context, folder=folder, workspace_folder=workspace)
        found = self._registry.find(claimed.type)
        executor = None if isinstance(found, Failed) else self._executors.get(found.type.work)
        failure = found if isinstance(found, Failed) else None
        if executor is None:
            failure = failure or _refused(f"Workers don't run nodes of type {claimed.type}.")
            executor = next(iter(self._executors.values()))
        attempt = self._held[key] = Attempt(claimed, context, executor, until)
        try:
            await asyncio.to_thread(_make_folders, folder, workspace)
            self._guarding.watch(folder, until - KILL_LEFT * self._lease)
        except OSError as error:
            failure = failure or Failed(
                kind=FailureKind.ERROR, message=f"The worker's data folder can't be used: {error.strerror or error}."
            )
        if failure is not None:
            self._finished(key, failure)
            await attempt.ended.wait()
            return None
        self._shipper.begin(key, folder, adopted=False)
        return attempt

    async def _take_up(self) -> None:
        """What a worker of this name was running when it was killed."""
        for folder in sorted(self._runs.iterdir()):
            key = attempt_key(folder.name)
            if key is None:
                continue
            asked = guard.now_seconds()
            tries = 0
            while True:
                try:
                    answer = await self._link.claim(key, resume=True)
                    break
                except Unreachable as error:
                    if tries == 0:
                        log.warning("%s", error)
                    await pause(tries)
                    tries += 1
                    asked = guard.now_seconds()
            if answer.claimed is None:
                log.info("Attempt %s from before is not this worker's any more: %s", key, answer.refusal)
                await asyncio.to_thread(_clear, folder)
                continue
            attempt = await self._hold(answer.claimed, asked + self._lease)
            if attempt is not None:
                log.info("Attempt %s from before goes on.", key)
                attempt.executor.attach(answer.claimed.type, attempt.context)

    # -- the lease
    async def _renew_on(self) -> None:
        while True:
            await asyncio.sleep(self._lease / RENEWALS)
            await self._renew_now()
            now = guard.now_seconds()
            for attempt in list(self._held.values()):
                if attempt.until - now < STOP_LEFT * self._lease and attempt.outcome is None:
                    self._fence(
                        attempt, f"The worker {self._link.runner} could not reach the server to renew its lease."
                    )

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
                    self._guarding.watch(attempt.context.folder, attempt.until - KILL_LEFT * self._lease)
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
                    attempt.executor.cancel(attempt.context.key)

    def _fence(self, attempt: Attempt, reason: str) -> None:
        """Stop it by ourselves."""
        if not attempt.fenced and attempt.outcome is None:
            log.warning("Attempt %s is stopped: %s", attempt.context.key, reason)
            attempt.fenced = reason
            attempt.executor.cancel(attempt.context.key)

    def _refuse(self, error: Refused) -> None:
        log.error("The server refuses this worker: %s", error)
        if error.for_good:
            self._give_up(str(error))

    def _give_up(self, reason: str) -> None:
        self.refused = self.refused or reason
        self.useless.set()

    # -- the end
    def _finished(self, key: AttemptKey, outcome: Outcome) -> None:
        attempt = self._held.get(key)
        if attempt is None or attempt.outcome is not None:
            return
        if isinstance(outcome, Failed) and (attempt.fenced or _unasked(attempt, outcome)):
            outcome = Failed(kind=FailureKind.LOST, message=attempt.fenced or FENCED_BEFORE)
        elif outcome.message:
            outcome = msgspec.structs.replace(outcome, message=attempt.context.scrubbed(outcome.message))
        attempt.outcome = outcome
        self._in_background(self._report(attempt, outcome))

    async def _report(self, attempt: Attempt, outcome: Outcome) -> None:
        key, epoch = attempt.context.key, attempt.claimed.epoch
        if not attempt.over:
            await self._shipper.finish(key, OUTPUTS)
        tries = 0
        while not attempt.over:
            try:
                await self._link.finish(key, epoch, outcome)
                break
            except Unreachable as error:
                if tries == 0:
                    log.warning("The end of attempt %s can't be told: %s", key, error)
                await pause(tries)
                tries += 1
            except Refused as error:
                log.warning("The end of attempt %s counts no more: %s", key, error)
                break
        await asyncio.to_thread(_clear, attempt.context.folder)
        self._drop(attempt)

    def _drop(self, attempt: Attempt) -> None:
        key = attempt.context.key
        self._shipper.drop(key)
        self._guarding.forget(attempt.context.folder)
        self._told_cancels = tuple(each for each in self._told_cancels if each.attempt != attempt_name(key))
        if self._held.get(key) is attempt:
            del self._held[key]
        attempt.ended.set()

    # -- inside
    def _epoch(self, key: AttemptKey) -> int | None:
        """Of the claim, while the attempt is this worker's."""
        attempt = self._held.get(key)
        return None if attempt is None or attempt.over else attempt.claimed.epoch

    def _folder(self, key: AttemptKey) -> Path:
        return self._runs / attempt_name(key)

    def _in_background(self, work: object) -> None:
        task = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type, var-annotated]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unasked(attempt: Attempt, outcome: Failed) -> bool:
    """It was cancelled, and not because somebody wanted that: the process before this one had fenced it."""
    return outcome.kind is FailureKind.CANCELLED and not attempt.stopped


def _make_folders(folder: Path, workspace: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)


def _clear(folder: Path) -> None:
    """Nothing of it goes on, and nothing of it is left."""
    with contextlib.suppress(OSError):
        guard.kill(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
