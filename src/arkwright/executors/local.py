"""Programs on this host: starts them, finds them again, stops them, and says how they ended.

Theory of operation
-------------------
A program runs below a small shell (`wrapper`) in its own session, with its log as stdout. The shell claims the
attempt's folder before it starts the program and leaves the exit code there (`folder`), so the folder alone tells what
became of the attempt. The server only watches (`process`): it may die and come back at any point.

| The server dies …                      | The next one (`attach`) finds | and |
|-----------------------------------------|-------------------------------|-----|
| before the spawn                        | no claim                      | starts it |
| after the spawn, before the claim       | no claim                      | starts it; one of the two wrappers gets the claim, the other leaves with 123, and whoever has it is watched |
| while it runs                           | claim, that process lives     | watches it |
| after it ended                          | exit code                     | reports it |
| between TERM and KILL of a cancel       | claim and `cancel`            | cancels it again |
| together with the machine               | a claim of another boot       | reports it lost (also without a claim: `local_boot`) |
| and the wrapper is killed, too          | claim, no process, no code    | kills what is left of its group, then reports it lost |

Threads: everything that may block (folders, program files, the spawn, reading the end) runs in a few worker threads;
the state of an attempt changes only on the event loop's thread. Starts are bounded by `max_programs`; what is beyond
waits in order, unclaimed. Nothing polls: a pidfd wakes the loop. Only a cancelled program whose children outlive it is
looked at every 50 ms until the grace is over.

A program that ends leaves its background processes alone unless it was cancelled; they may write to the log on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec

from arkwright.core.outcome import FailureKind, Outcome
from arkwright.executors.base import Finished
from arkwright.executors.folder import AttemptFolder, Barred, Claiming, Ended, Lost, NotStarted, Running, examine
from arkwright.executors.local_boot import BootMark
from arkwright.executors.local_guard import LogGuard, cap_log
from arkwright.executors.process import Handle, System, signal_group, spawn, this_system
from arkwright.executors.wrapper import CLAIMED_BY_OTHER, NO_FOLDER, wrapper_argv
from arkwright.nodes.base import AttemptKey, Context, Failed, ProgramNode, Work
from arkwright.nodes.registry import Registry

LOG_CAP_BYTES = 30_000_000
GRACE_SECONDS = 5.0
MAX_PROGRAMS = 64
CLAIM_WAIT_SECONDS = 2.0
"""How long a claim may stay half written before it counts as broken."""
SETTLE_SECONDS = 30.0
"""Recovery counts as over when nothing was attached for so long."""
KILLED = 128 + signal.SIGKILL

logger = logging.getLogger(__name__)


class _Attempt:
    """What this process knows of one attempt. Changed on the loop's thread only (`cancelled` is read elsewhere)."""

    __slots__ = (
        "adopted", "cancelled", "context", "deadline", "folder", "guarded", "handle", "slot", "started_at", "status",
        "timer", "type_name", "waiting",
    )  # fmt: skip

    def __init__(self, type_name: str, context: Context, *, adopted: bool) -> None:
        self.type_name = type_name
        self.context = context
        self.folder = AttemptFolder(context.folder)
        self.adopted = adopted
        self.waiting = False
        self.slot = False
        self.cancelled = False
        self.guarded = False
        self.handle: Handle | None = None
        self.status: int | None = None
        self.started_at = 0.0
        self.deadline = 0.0
        self.timer: asyncio.TimerHandle | None = None


class LocalExecutor:
    """Runs program nodes as processes of this host. `root` holds all attempts' folders (`root / str(key)`)."""

    def __init__(
        self,
        registry: Registry,
        *,
        root: Path,
        max_programs: int = MAX_PROGRAMS,
        threads: int = 2,
        grace_seconds: float = GRACE_SECONDS,
        log_cap_bytes: int = LOG_CAP_BYTES,
        settle_seconds: float = SETTLE_SECONDS,
        system: System | None = None,
    ) -> None:
        self._registry = registry
        self._max = max_programs
        self._grace = grace_seconds
        self._cap = log_cap_bytes
        self._settle_seconds = settle_seconds
        self._system = system or this_system()
        self._mark = BootMark(root, self._system.boot)
        self._guard = LogGuard(log_cap_bytes)
        self._guard_timer: asyncio.TimerHandle | None = None
        self._settle_timer: asyncio.TimerHandle | None = None
        self._attempts: dict[AttemptKey, _Attempt] = {}
        self._waiting: deque[_Attempt] = deque()
        self._slots = 0
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"arkwright-local-{n}", daemon=True) for n in range(threads)
        ]
        self._closing = False
        self._loop: asyncio.AbstractEventLoop
        self._finished: Finished

    # ------------------------------------------------------------------ contract

    async def open(self, finished: Finished) -> None:
        self._loop = asyncio.get_running_loop()
        self._finished = finished
        await self._loop.run_in_executor(None, self._mark.read)
        for thread in self._threads:
            thread.start()
        self._arm_settle()

    def submit(self, type_name: str, context: Context) -> None:
        if context.key not in self._attempts and not self._closing:
            attempt = self._attempts[context.key] = _Attempt(type_name, context, adopted=False)
            self._enqueue(attempt)

    def attach(self, type_name: str, context: Context) -> None:
        if context.key not in self._attempts and not self._closing:
            attempt = self._attempts[context.key] = _Attempt(type_name, context, adopted=True)
            self._arm_settle()
            self._do(attempt, self._examine)

    def cancel(self, key: AttemptKey) -> None:
        attempt = self._attempts.get(key)
        if attempt is None or attempt.cancelled:
            return
        attempt.cancelled = True
        if attempt.waiting:
            attempt.waiting = False
            self._waiting.remove(attempt)
            self._do(attempt, self._bar)
        elif attempt.handle is not None:
            self._stop(attempt)
        # else: a worker has it, and looks at `cancelled` before it starts anything; `_started` looks after

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._waiting.clear()
        for timer in (self._guard_timer, self._settle_timer):
            if timer is not None:
                timer.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        await self._loop.run_in_executor(None, self._join)
        for attempt in self._attempts.values():
            self._let_go(attempt)
        self._attempts.clear()
        self._guard.close()

    # ------------------------------------------------------------------ on the loop's thread

    def _enqueue(self, attempt: _Attempt) -> None:
        if attempt.cancelled:
            self._do(attempt, self._bar)
        elif self._slots < self._max:
            self._slots += 1
            attempt.slot = True
            self._do(attempt, self._start)
        else:
            attempt.waiting = True
            self._waiting.append(attempt)

    def _started(self, attempt: _Attempt, handle: Handle) -> None:
        attempt.handle = handle
        if self._closing:
            return  # `close` lets go of it
        if not attempt.slot:
            self._slots += 1
            attempt.slot = True
        attempt.started_at = self._loop.time()
        self._system.watch(self._loop, handle, partial(self._ended, attempt))
        if self._guard_timer is None:
            self._guard_timer = self._loop.call_later(1.0, self._guard_logs)
        if attempt.cancelled:
            self._stop(attempt)

    def _stop(self, attempt: _Attempt) -> None:
        assert attempt.handle is not None
        try:
            attempt.folder.request_cancel()
        except OSError as error:  # a full disk must not keep anybody from stopping a program
            logger.warning("Attempt %s: the wish to cancel can't be noted: %s", attempt.context.key, error)
        attempt.deadline = self._loop.time() + self._grace
        signal_group(attempt.handle.pid, signal.SIGTERM)
        attempt.timer = self._loop.call_later(self._grace, signal_group, attempt.handle.pid, signal.SIGKILL)

    def _ended(self, attempt: _Attempt) -> None:
        if self._closing:
            return
        if attempt.cancelled:
            self._sweep(attempt)
        else:
            self._do(attempt, self._conclude)

    def _sweep(self, attempt: _Attempt) -> None:
        """The wrapper of a cancelled program is gone: give its children the rest of the grace, then kill them."""
        assert attempt.handle is not None
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.status is None:
            attempt.status = self._system.reap(attempt.handle)
        left = attempt.deadline - self._loop.time()
        if signal_group(attempt.handle.pid, 0 if left > 0 else signal.SIGKILL) and left > 0:
            attempt.timer = self._loop.call_later(0.05, self._sweep, attempt)
        else:
            self._do(attempt, self._conclude)

    def _report(self, attempt: _Attempt, outcome: Outcome) -> None:
        if self._closing:
            return  # the next server's `attach` reports it
        self._let_go(attempt)
        self._attempts.pop(attempt.context.key, None)
        if attempt.slot:
            self._slots -= 1
        while self._waiting and self._slots < self._max:
            following = self._waiting.popleft()
            following.waiting = False
            self._enqueue(following)
        self._finished(attempt.context.key, outcome)

    def _let_go(self, attempt: _Attempt) -> None:
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.handle is not None:
            self._system.release(self._loop, attempt.handle)
            attempt.handle = None
        if attempt.guarded and not self._closing:
            self._guard.forget(attempt.folder.path)

    def _again(self, attempt: _Attempt, since: float) -> None:
        self._loop.call_later(0.02, self._do, attempt, partial(self._examine, since=since))

    def _guard_logs(self) -> None:
        """Have the guard look after programs that run for a second."""
        self._guard_timer = None
        waiting = False
        for attempt in self._attempts.values():
            if attempt.guarded or attempt.handle is None:
                continue
            if self._loop.time() - attempt.started_at >= 0.9:
                attempt.guarded = True
                self._guard.watch(attempt.handle.pid, attempt.folder.path)
            else:
                waiting = True
        if waiting:
            self._guard_timer = self._loop.call_later(1.0, self._guard_logs)

    def _arm_settle(self) -> None:
        if self._mark.rebooted:
            if self._settle_timer is not None:
                self._settle_timer.cancel()
            self._settle_timer = self._loop.call_later(self._settle_seconds, self._jobs.put, self._mark.settle)

    # ------------------------------------------------------------------ in a worker thread

    def _do(self, attempt: _Attempt, job: Callable[[_Attempt], None]) -> None:
        self._jobs.put(partial(self._guarded, attempt, job))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _guarded(self, attempt: _Attempt, job: Callable[[_Attempt], None]) -> None:
        if self._closing:
            return
        try:
            job(attempt)
        except (OSError, ValueError) as error:
            self._fail(attempt, FailureKind.ERROR, f"The program could not be run: {error}")
        except Exception as error:  # a fault in a node type must not stop a worker
            logger.exception("Attempt %s of type %s", attempt.context.key, attempt.type_name)
            self._fail(attempt, FailureKind.ERROR, f"The node type {attempt.type_name} failed: {error!r}")

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the next server attaches
            self._loop.call_soon_threadsafe(call, *arguments)

    def _fail(self, attempt: _Attempt, kind: FailureKind, message: str, exit_code: int | None = None) -> None:
        self._post(self._report, attempt, Failed(kind=kind, message=message, exit_code=exit_code))

    def _node(self, attempt: _Attempt) -> ProgramNode | Failed:
        node = self._registry.find(attempt.type_name)
        if isinstance(node, Failed):
            return node
        if node.type.work is not Work.PROGRAM:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {node.type.name} are no programs.")
        return node  # type: ignore[return-value]  # `work` says which of the three it is

    def _start(self, attempt: _Attempt) -> None:
        context, folder = attempt.context, attempt.folder
        node = self._node(attempt)
        refused = node if isinstance(node, Failed) else node.check(context)
        if isinstance(node, Failed) or refused is not None:
            self._post(self._report, attempt, refused)
            return
        program = node.program(context)
        directory = folder.prepare(program.files, str(program.directory) if program.directory is not None else None)
        if attempt.cancelled:
            self._bar(attempt)
            return
        argv = wrapper_argv(self._system, folder.path, directory, program)
        pid = spawn(argv, program.environment, folder.file("log"))
        self._post(self._started, attempt, self._system.hold(pid))

    def _bar(self, attempt: _Attempt) -> None:
        if attempt.folder.bar():
            self._cancelled_before(attempt)
        else:
            self._examine(attempt)

    def _cancelled_before(self, attempt: _Attempt) -> None:
        self._fail(attempt, FailureKind.CANCELLED, "It was cancelled before it started.")

    def _examine(self, attempt: _Attempt, since: float = 0.0) -> None:
        """Find out what became of an attempt that somebody else may have started."""
        folder = attempt.folder
        attempt.adopted = True
        state = examine(folder, self._system, rebooted=self._mark.rebooted)
        now = self._loop.time()
        match state:
            case Ended():
                self._settle(attempt, state.exit_code)
            case Running():
                if folder.cancel_requested():
                    attempt.cancelled = True
                self._post(self._started, attempt, state.handle)
            case NotStarted():
                self._post(self._enqueue, attempt)
            case Barred():
                self._cancelled_before(attempt)
            case Claiming() if not since or now - since < CLAIM_WAIT_SECONDS:
                self._post(self._again, attempt, since or now)
            case Claiming():
                message = "Its end can't be known: its claim file is not whole (killed while claiming, or the disk is full)."
                self._fail(attempt, FailureKind.LOST, message)
            case Lost():
                self._lose(attempt, state)

    def _lose(self, attempt: _Attempt, state: Lost) -> None:
        if state.pid is not None and not self._system.exists(state.pid):
            # Nothing of it may go on beside a retry. Where the id is in use again, its group is empty: ids of
            # groups with members are not given out.
            signal_group(state.pid, signal.SIGKILL)
        if attempt.cancelled or attempt.folder.cancel_requested():
            attempt.folder.record_exit_code(KILLED)
            self._fail(attempt, FailureKind.CANCELLED, "It was cancelled, and had to be killed.", KILLED)
            return
        self._fail(attempt, FailureKind.LOST, f"Its end can't be known: {state.reason}.")

    def _conclude(self, attempt: _Attempt) -> None:
        """The watched process has ended."""
        folder, handle = attempt.folder, attempt.handle
        assert handle is not None
        code = folder.exit_code()
        status = attempt.status
        if status is None:
            if code is None:
                status = self._unfinished(attempt, handle)
            else:
                self._system.reap(handle)
        if code is None:
            code = folder.exit_code()
        if code is not None:
            self._settle(attempt, code)
            return
        self._without_code(attempt, handle.pid, status)

    def _unfinished(self, attempt: _Attempt, handle: Handle) -> int | None:
        """Reap a wrapper that left no code; before that, its id can't be used again, so killing its group is safe."""
        return self._system.reap(handle)

    def _without_code(self, attempt: _Attempt, pid: int, status: int | None) -> None:
        folder = attempt.folder
        claim = folder.claim(self._system)
        if isinstance(claim, NotStarted) and status is not None:
            if attempt.cancelled:
                self._bar(attempt)
            elif status == NO_FOLDER:
                self._fail(attempt, FailureKind.ERROR, "The program was not started: its working folder can't be entered.")
            else:
                message = f"The program was not started: the wrapper ended with {status}; is the disk full?"
                self._fail(attempt, FailureKind.ERROR, message)
            return
        mine = not isinstance(claim, NotStarted | Claiming | Barred) and claim.pid == pid
        if mine and status is not None and status >= 0 and status != CLAIMED_BY_OTHER:
            self._settle(attempt, status)  # the code could not be written: a full disk
            return
        self._post(self._readopt, attempt)

    def _readopt(self, attempt: _Attempt) -> None:
        """Somebody else has the claim, or nobody any more: what the folder says decides."""
        if attempt.handle is not None:
            self._system.release(self._loop, attempt.handle)
            attempt.handle = None
        self._do(attempt, self._examine)

    def _settle(self, attempt: _Attempt, code: int) -> None:
        """It has ended with this code."""
        folder = attempt.folder
        cap_log(folder.file("log"), self._cap)
        if attempt.cancelled or (attempt.adopted and folder.cancel_requested()):
            self._fail(attempt, FailureKind.CANCELLED, f"It was cancelled (exit code {code}).", code)
            return
        node = self._node(attempt)
        outcome: Outcome = node if isinstance(node, Failed) else node.outcome(attempt.context, code)
        if not isinstance(node, Failed) and outcome.output is not None:
            outcome = msgspec.structs.replace(outcome, output=f"{attempt.context.key}/{outcome.output}")
        self._post(self._report, attempt, outcome)
