"""Programs on this host: starts them, finds them again, stops them, and says how they ended.

Theory of operation
-------------------
A program runs below a small shell (`wrapper`) in its own session, with its log as stdout. The shell claims the
attempt's folder before it starts the program and leaves the exit code there (`folder`), so the folder alone tells what
became of the attempt. The server only watches (`process`): it may die and come back at any point.

| The server dies …              | The next one (`attach`) finds | and |
|--------------------------------|-------------------------------|-----|
| before the spawn               | no claim                | starts it |
| between spawn and claim        | no claim                | starts it; one wrapper gets the claim, and is watched |
| while it runs                  | claim, process lives    | watches it |
| after it ended                 | exit code               | reports it |
| between TERM and KILL          | claim and `cancel`      | cancels it again |
| together with the machine      | claim of another boot   | reports it lost (no claim at all: see `local_boot`) |
| and the wrapper is killed, too | claim, no process       | kills what is left of its group, reports it lost |

Threads: what may block (folders, program files, reading the end; `local_steps`) runs in a few worker threads, but for
nodes that say that their steps are short: those are done on the event loop's thread, one in each turn of it, as long
as the disk is quick. A spawn holds Python's lock whichever thread it is on, so a thread's help would only cost
(decision 0019). The state of an attempt changes only on the event loop's thread. At most `max_programs` run at a time;
the others wait in order, unclaimed. Nothing polls: a pidfd wakes the loop. Only a cancelled program whose children
outlive it, and one that can't be seen just now (no descriptor is left), is looked at again for a while.

A program that ends leaves its background processes alone unless it was cancelled; they may write to the log on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from arkwright.core.outcome import Outcome
from arkwright.executors.base import Finished
from arkwright.executors.beginning import LATE_SECONDS, Beginning
from arkwright.executors.folder import Claiming, Lost, NotStarted
from arkwright.executors.local_boot import BootMark
from arkwright.executors.local_guard import LogGuard
from arkwright.executors.local_steps import Attempt, Found, Steps, Unclear
from arkwright.executors.process import Handle, System, signal_group, this_system
from arkwright.nodes.base import AttemptKey, Context
from arkwright.nodes.program_limits import ProgramLimits
from arkwright.nodes.registry import Registry

LOG_CAP_BYTES = 30_000_000
GRACE_SECONDS = 5.0
MAX_PROGRAMS = 64
THREADS = 2
CLAIM_WAIT_SECONDS = 2.0
"""How long a claim may stay half written before it counts as broken."""
AGAIN_SECONDS, UNCLEAR_SECONDS = 1.0, 120.0  # how often, and how long, one that can't be looked at is looked at again
SLOW_SECONDS = 0.02
"""A step on the event loop's thread that takes longer …"""
THREAD_SECONDS = 1.0
"""… leaves the steps of so long to the worker threads."""
YOUNG_SECONDS = 0.25
"""What ends sooner never costs the guard anything; a fork bomb makes thousands of processes meanwhile."""
SETTLE_SECONDS = 30.0
"""Recovery counts as over when nothing was attached for so long."""

logger = logging.getLogger(__name__)


class LocalExecutor:
    """Runs program nodes as processes of this host. `root` is the folder below which all attempts' folders are."""

    def __init__(
        self,
        registry: Registry,
        *,
        root: Path,
        max_programs: int = MAX_PROGRAMS,
        threads: int = THREADS,
        grace_seconds: float = GRACE_SECONDS,
        log_cap_bytes: int = LOG_CAP_BYTES,
        settle_seconds: float = SETTLE_SECONDS,
        system: System | None = None,
        limits_of: Callable[[str], ProgramLimits] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`limits_of`: what the programs of a workspace (id) may take. `settings`: what nodes are configured with,
        secrets included; they pass them on by the hidden text alone."""
        self._max = max_programs
        self._grace = grace_seconds
        self._settle_seconds = settle_seconds
        self._system = system or this_system()
        self._mark = BootMark(root, self._system.boot)
        self.beginning = Beginning()
        self._steps = Steps(registry, self._system, self._mark, log_cap_bytes, limits_of, settings, self.beginning)
        self._late_timer: asyncio.TimerHandle | None = None
        self._guard = LogGuard(log_cap_bytes)
        self._guard_timer: asyncio.TimerHandle | None = None
        self._settle_timer: asyncio.TimerHandle | None = None
        self._attempts: dict[AttemptKey, Attempt] = {}
        self._waiting: deque[Attempt] = deque()
        self._slots = 0
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._short: deque[tuple[Attempt, Callable[[Attempt], Found]]] = deque()
        """Steps for the event loop's thread; while there are any, it is about to do the first."""
        self._slow_until = 0.0
        self._threads = [
            threading.Thread(target=self._work, name=f"arkwright-local-{n}", daemon=True) for n in range(threads)
        ]
        self._closing = False
        self._loop: asyncio.AbstractEventLoop
        self._finished: Finished

    # -- contract

    async def open(self, finished: Finished) -> None:
        self._loop = asyncio.get_running_loop()
        self._finished = finished
        await self._loop.run_in_executor(None, self._mark.read)
        for thread in self._threads:
            thread.start()
        self._arm_settle()

    def submit(self, type_name: str, context: Context) -> None:
        if context.key not in self._attempts and not self._closing:
            attempt = self._attempts[context.key] = Attempt(type_name, context, adopted=False)
            self._enqueue(attempt)

    def attach(self, type_name: str, context: Context) -> None:
        if context.key not in self._attempts and not self._closing:
            attempt = self._attempts[context.key] = Attempt(type_name, context, adopted=True)
            self._arm_settle()
            self._do(attempt, self._steps.look)

    def cancel(self, key: AttemptKey) -> None:
        attempt = self._attempts.get(key)
        if attempt is None or attempt.cancelled or attempt.ending:
            return
        attempt.cancelled = True
        if attempt.waiting:
            attempt.waiting = False
            self._waiting.remove(attempt)
            self._do(attempt, self._steps.bar)
        elif attempt.handle is not None:
            self._stop(attempt)
        # else a worker has it: `Steps.start` looks before it spawns, and `_watch` after

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def slots(self) -> int:
        return self._max

    @property
    def room(self) -> int:
        return 0 if self._waiting else max(0, self._max - self._slots)

    def waiting(self) -> Iterator[AttemptKey]:
        return (attempt.context.key for attempt in reversed(self._waiting))

    def waits(self, key: AttemptKey) -> bool:
        attempt = self._attempts.get(key)
        return attempt is not None and attempt.waiting

    def take_out(self, key: AttemptKey) -> None:
        attempt = self._attempts.pop(key)
        attempt.waiting = False
        self._waiting.remove(attempt)

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._waiting.clear()
        for timer in (self._guard_timer, self._settle_timer, self._late_timer):
            if timer is not None:
                timer.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        await self._loop.run_in_executor(None, self._join)
        for attempt in self._attempts.values():
            self._let_go(attempt)
        self._attempts.clear()
        self._guard.close()

    # -- steps

    def _do(self, attempt: Attempt, step: Callable[[Attempt], Found]) -> None:
        if time.monotonic() < self._slow_until or not self._steps.short(attempt):
            self._jobs.put(partial(self._take, attempt, step))
            return
        self._short.append((attempt, step))
        if len(self._short) == 1:
            self._loop.call_soon(self._do_here)

    def _do_here(self) -> None:
        if self._closing:
            return
        attempt, step = self._short[0]
        begun = time.monotonic()
        found = self._steps.take(attempt, step)
        if time.monotonic() - begun > SLOW_SECONDS:
            self._slow_until = time.monotonic() + THREAD_SECONDS
        self._short.popleft()
        if self._short:
            self._loop.call_soon(self._do_here)
        self._found(attempt, found)

    # -- worker threads

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _take(self, attempt: Attempt, step: Callable[[Attempt], Found]) -> None:
        if self._closing:  # nothing has happened yet: the next server attaches
            return
        found = self._steps.take(attempt, step)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the next server attaches
            self._loop.call_soon_threadsafe(self._found, attempt, found)

    def _settle(self) -> None:
        try:
            self._mark.settle()
        except OSError as error:  # harmless: the next start finds the restart again
            logger.warning("The mark of this boot can't be written: %s", error)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    # -- on the loop's thread

    def _found(self, attempt: Attempt, found: Found) -> None:
        match found:
            case Handle():
                self._watch(attempt, found)
            case NotStarted():
                self._put_back(attempt)
            case Claiming():
                self._look_again(attempt)
            case Unclear():
                self._look_later(attempt, found)
            case _:
                self._report(attempt, found)

    def _enqueue(self, attempt: Attempt) -> None:
        if attempt.cancelled:
            self._do(attempt, self._steps.bar)
        elif self._slots < self._max and self.beginning.open(attempt.context.key):
            self._take_slot(attempt)
            self._do(attempt, self._steps.start)
        else:
            attempt.waiting = True
            self._waiting.append(attempt)
            if self._slots < self._max and self._late_timer is None:
                self._late_timer = self._loop.call_later(LATE_SECONDS, self._admit)

    def _put_back(self, attempt: Attempt) -> None:
        """It has not begun: it came too late, or nobody had it."""
        self._let_go(attempt)
        self._slots -= attempt.slot
        attempt.ending = attempt.guarded = attempt.slot = False
        self._enqueue(attempt)

    def _admit(self) -> None:
        """Begin those that wait, as many as may."""
        self._late_timer = None
        while self._waiting and self._slots < self._max:
            following = self._waiting.popleft()
            following.waiting = False
            self._enqueue(following)
            if following.waiting:
                self._waiting.rotate(1)
                break

    def _take_slot(self, attempt: Attempt) -> None:
        self._slots += not attempt.slot
        attempt.slot = True

    def _watch(self, attempt: Attempt, handle: Handle) -> None:
        if attempt.handle is not None:  # our own wrapper left: another one has the claim
            self._system.release(self._loop, attempt.handle)
        attempt.handle = handle
        attempt.ending = False
        attempt.unclear_since, attempt.status = 0.0, None
        if self._closing:
            return  # `close` lets go of it
        self._take_slot(attempt)
        attempt.started_at = self._loop.time()
        self._system.watch(self._loop, handle, partial(self._ended, attempt))
        if self._guard_timer is None:
            self._guard_timer = self._loop.call_later(YOUNG_SECONDS, self._guard_logs)
        if attempt.limits.processes:
            self._guard.ready()
        if attempt.cancelled or (attempt.adopted and attempt.folder.cancel_requested()):
            self._stop(attempt)

    def _stop(self, attempt: Attempt) -> None:
        assert attempt.handle is not None
        attempt.cancelled = attempt.stopped = True
        try:
            attempt.folder.request_cancel()
        except OSError as error:  # a full disk must not keep anybody from stopping a program
            logger.warning("Attempt %s: the wish to cancel can't be noted: %s", attempt.context.key, error)
        attempt.deadline = self._loop.time() + self._grace
        signal_group(attempt.handle.pid, signal.SIGTERM)
        attempt.timer = self._loop.call_later(self._grace, signal_group, attempt.handle.pid, signal.SIGKILL)

    def _ended(self, attempt: Attempt) -> None:
        if self._closing:
            return
        if attempt.stopped:
            self._sweep(attempt)
        else:
            attempt.ending = True
            self._do(attempt, self._steps.conclude)

    def _sweep(self, attempt: Attempt, pause: float = 0.02) -> None:
        """The wrapper of a cancelled program is gone: give its children the rest of the grace, then kill them."""
        assert attempt.handle is not None
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.status is None:
            attempt.status = self._system.reap(attempt.handle)  # a dead leader would count as a member of its group
        left = attempt.deadline - self._loop.time()
        pid = attempt.handle.pid
        if self._system.group_lives(pid):
            if left > 0:
                attempt.timer = self._loop.call_later(min(left, pause), self._sweep, attempt, 2 * pause)
                return
            signal_group(pid, signal.SIGKILL)
        attempt.ending = True
        self._do(attempt, self._steps.conclude)

    def _look_later(self, attempt: Attempt, found: Unclear) -> None:
        now = self._loop.time()
        if not attempt.unclear_since:
            logger.warning("Attempt %s can't be looked at (%s); trying again", attempt.context.key, found.reason)
            attempt.unclear_since = now
        if now - attempt.unclear_since < UNCLEAR_SECONDS:
            self._loop.call_later(AGAIN_SECONDS, self._do, attempt, self._steps.look)
        else:
            self._report(attempt, found.lost)

    def _look_again(self, attempt: Attempt) -> None:
        """Its claim is being written at this moment."""
        now = self._loop.time()
        attempt.unclear_since = attempt.unclear_since or now
        if now - attempt.unclear_since < CLAIM_WAIT_SECONDS:
            self._loop.call_later(0.02, self._do, attempt, self._steps.look)
        else:
            broken = Lost("its claim is not whole (killed while claiming, or the disk is full)")
            self._do(attempt, lambda attempt: self._steps.lose(attempt, broken))

    def _report(self, attempt: Attempt, outcome: Outcome) -> None:
        if self._closing:
            return  # the next server's `attach` reports it
        self._let_go(attempt)
        self._attempts.pop(attempt.context.key, None)
        self._slots -= attempt.slot
        self._admit()
        self._finished(attempt.context.key, outcome)

    def _let_go(self, attempt: Attempt) -> None:
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.handle is not None:
            self._system.release(self._loop, attempt.handle)
            attempt.handle = None
        if attempt.guarded and not self._closing:
            self._guard.forget(attempt.folder.path)

    def _guard_logs(self) -> None:
        """Have the guard look after programs that have run for a while."""
        self._guard_timer = None
        young = False
        for attempt in self._attempts.values():
            if attempt.guarded or attempt.handle is None:
                continue
            if self._loop.time() - attempt.started_at < 0.9 * YOUNG_SECONDS:
                young = True
                continue
            attempt.guarded = True
            self._guard.watch(attempt.handle.pid, attempt.folder.path, attempt.limits)
        if young:
            self._guard_timer = self._loop.call_later(YOUNG_SECONDS, self._guard_logs)

    def _arm_settle(self) -> None:
        if self._mark.rebooted:
            if self._settle_timer is not None:
                self._settle_timer.cancel()
            self._settle_timer = self._loop.call_later(self._settle_seconds, self._jobs.put, self._settle)
