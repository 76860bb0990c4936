"""The blocking steps of running a program here: start it, look what became of it, read its end.

They run in worker threads, know no event loop and change nothing but the attempt's folder and processes. Each answers
what it found: a handle of a running program, an outcome, or that the attempt is not started / being claimed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from arkwright.core.outcome import FailureKind, Outcome
from arkwright.executors.beginning import TOO_LATE, Beginning
from arkwright.executors.folder import AttemptFolder, Barred, Claiming, Ended, Lost, NotStarted, Running, examine
from arkwright.executors.limits import out_of_memory, reached
from arkwright.executors.local_boot import BootMark
from arkwright.executors.local_guard import cap_log
from arkwright.executors.process import Handle, Identity, System, signal_group, spawn
from arkwright.executors.scrub_child import HIDDEN, envelope, file_without_name, filter_argv
from arkwright.executors.wrapper import NO_FOLDER, wrapper_argv
from arkwright.nodes.base import Context, Failed, Program, ProgramNode, Succeeded, Work
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits
from arkwright.nodes.registry import Registry

KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may run, or have run, and can't be looked at now: no descriptor is left, or the disk fails."""

    reason: str

    @property
    def lost(self) -> Failed:
        return Failed(kind=FailureKind.LOST, message=f"What became of it can't be found out: {self.reason}.")


Found = Handle | Succeeded | Failed | NotStarted | Claiming | Unclear

logger = logging.getLogger(__name__)


class Attempt:
    """What this process knows of one attempt. The loop's thread writes it; the steps only read it (`adopted` and
    `limits` are set by a step, before its handle is known)."""

    __slots__ = (
        "adopted", "cancelled", "context", "deadline", "ending", "folder", "guarded", "handle", "limits", "slot",
        "started_at", "status", "stopped", "timer", "type_name", "unclear_since", "waiting",
    )  # fmt: skip

    def __init__(self, type_name: str, context: Context, *, adopted: bool) -> None:
        self.type_name = type_name
        self.context = context
        self.folder = AttemptFolder(context.folder)
        self.adopted = adopted
        """Somebody else may have started, or cancelled, it."""
        self.waiting = False
        self.slot = False
        self.cancelled = False
        """Asked for; not started yet, it never will."""
        self.stopped = False
        """Signalled while it ran."""
        self.ending = False
        self.guarded = False
        self.handle: Handle | None = None
        self.limits = NO_LIMITS
        self.status: int | None = None
        self.started_at = 0.0
        self.deadline = 0.0
        self.unclear_since = 0.0
        self.timer: asyncio.TimerHandle | None = None


class Steps:
    def __init__(
        self,
        registry: Registry,
        system: System,
        mark: BootMark,
        log_cap_bytes: int,
        limits_of: Callable[[str], ProgramLimits] | None = None,
        settings: Mapping[str, Any] | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        """`limits_of`: what a workspace (id) allows. `settings` go to the `configure` of nodes that have one."""
        self._registry = registry
        self._system = system
        self._mark = mark
        self._cap = log_cap_bytes
        self._limits_of = limits_of
        self._settings = settings or {}
        self._beginning = beginning or Beginning()
        self._configured: set[int] = set()

    def short(self, attempt: Attempt) -> bool:
        """Whether no step of an attempt takes time worth a thread's."""
        node = self._registry.find(attempt.type_name)
        said = None if isinstance(node, Failed) else getattr(node, "short", None)
        return said is not None and not attempt.context.secrets and bool(said(attempt.context))

    def take(self, attempt: Attempt, step: Callable[[Attempt], Found]) -> Found:
        """What a step finds; whatever it raises is an answer, too."""
        try:
            return step(attempt)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and (attempt.adopted or attempt.handle is not None):
                return Unclear(str(error))
            return Failed(kind=FailureKind.ERROR, message=f"The program can't be run: {error}.")
        except Exception as error:  # a fault in a node type must not stop a worker
            fault = attempt.context.scrubbed(traceback.format_exc())
            logger.error("Attempt %s of type %s: %s", attempt.context.key, attempt.type_name, fault)
            return Failed(kind=FailureKind.ERROR, message=f"The node type {attempt.type_name} is faulty: {error!r}.")

    def start(self, attempt: Attempt) -> Found:
        context, folder = attempt.context, attempt.folder
        node = self._node(attempt)
        if isinstance(node, Failed):
            return node
        refusal = node.check(context)
        if refusal is not None:
            return refusal
        limits = attempt.limits = self._limits(node, context)
        within = getattr(node, "program_within", None)
        program = node.program(context) if within is None else within(context, limits)
        if program.limits_itself:
            limits = attempt.limits = NO_LIMITS
        directory = folder.prepare(program.files, str(program.directory) if program.directory is not None else None)
        if attempt.cancelled:
            return self.bar(attempt)
        if not self._beginning.open(context.key):
            return NotStarted()
        if context.secrets or program.hidden is not None:
            return self._system.hold(self._spawn_filtered(attempt, program, directory))
        late = self._beginning.shell_text(context.key)
        argv = wrapper_argv(self._system, folder.path, directory, program, limits, late)
        return self._system.hold(spawn(argv, program.environment, folder.file("log")))

    def _spawn_filtered(self, attempt: Attempt, program: Program, directory: str) -> int:
        """Below the filter that keeps secrets out of the log, and with the program's hidden text."""
        folder = attempt.folder
        filtered = replace(program, argv=filter_argv(program.argv))
        late = self._beginning.shell_text(attempt.context.key)
        argv = wrapper_argv(self._system, folder.path, directory, filtered, attempt.limits, late)
        hidden = file_without_name(envelope(attempt.context.secrets, program.hidden))
        try:
            # Its number there must not be its number here: only then it is inherited.
            inherited = os.dup(hidden) if hidden == HIDDEN else hidden
            try:
                return spawn(argv, program.environment, folder.file("log"), passed=(inherited, HIDDEN))
            finally:
                if inherited != hidden:
                    os.close(inherited)
        finally:
            os.close(hidden)

    def bar(self, attempt: Attempt) -> Found:
        """See to it that it never starts."""
        if attempt.folder.bar():
            return _cancelled_before()
        return self.look(attempt)

    def look(self, attempt: Attempt) -> Found:
        """Find out what became of an attempt that somebody else may have started."""
        attempt.adopted = True
        state = examine(attempt.folder, self._system, rebooted=self._mark.rebooted)
        match state:
            case Ended():
                return self._end(attempt, state.exit_code)
            case Running():
                self._know_limits(attempt)
                return state.handle
            case Barred():
                return _cancelled_before()
            case Lost():
                return self.lose(attempt, state)
            case _:
                return state

    def conclude(self, attempt: Attempt) -> Found:
        """The watched process has ended: read how."""
        handle = attempt.handle
        assert handle is not None
        status = attempt.status if attempt.status is not None else self._system.reap(handle)
        said = attempt.folder.read()
        match said:
            case Ended():
                return self._end(attempt, said.exit_code)
            case Identity() if said.pid == handle.pid and status is not None and status >= 0:
                return self._end(attempt, status)  # it could not be written down: a full disk
            case NotStarted() if status is not None and attempt.cancelled:
                return self.bar(attempt)
            case NotStarted() if status == TOO_LATE:
                return said
            case NotStarted() if status is not None:
                reason = (
                    "its working folder can't be entered"
                    if status == NO_FOLDER
                    else f"its claim can't be written (status {status}); is the disk full?"
                )
                return Failed(kind=FailureKind.ERROR, message=f"The program was not started: {reason}.")
            case _:  # somebody else has the claim, or nobody any more
                return self.look(attempt)

    def lose(self, attempt: Attempt, state: Lost) -> Outcome:
        if state.pid is not None and not self._system.exists(state.pid):
            # Nothing of it may go on beside a retry. Where the id is in use again, its group is empty: ids of
            # groups with members are not given out.
            signal_group(state.pid, signal.SIGKILL)
        if attempt.stopped or attempt.folder.cancel_requested():
            try:
                attempt.folder.record_end(KILLED)
            except OSError as error:
                logger.warning("Attempt %s: its end can't be written down: %s", attempt.context.key, error)
            return Failed(
                kind=FailureKind.CANCELLED, message="It was cancelled, and had to be killed.", exit_code=KILLED
            )
        return Failed(kind=FailureKind.LOST, message=f"Its end can't be known: {state.reason}.")

    def _end(self, attempt: Attempt, code: int) -> Outcome:
        folder = attempt.folder
        cap_log(folder.file("log"), self._cap)
        if attempt.stopped or (attempt.adopted and folder.cancel_requested()):
            message = f"It was cancelled (exit code {code})."
            return Failed(kind=FailureKind.CANCELLED, message=message, exit_code=code)
        if code and (over := reached(folder.path)) is not None:
            return Failed(kind=FailureKind.ERROR, message=over, exit_code=code)
        if code and attempt.adopted:
            self._know_limits(attempt)
        node = self._node(attempt)
        if isinstance(node, Failed):
            return node
        try:
            outcome = node.outcome(attempt.context, code)
        except OSError as error:  # a full disk
            message = f"It ended with exit code {code}, and its output can't be kept: {error.strerror or error}."
            return Failed(kind=FailureKind.ERROR, message=message, exit_code=code)
        if code and isinstance(outcome, Failed) and (hint := out_of_memory(folder.file("log"), attempt.limits)):
            outcome = msgspec.structs.replace(outcome, message=f"{hint} {outcome.message}")
        return outcome

    def _limits(self, node: ProgramNode, context: Context) -> ProgramLimits:
        own = getattr(node, "limits", None)
        allowed = NO_LIMITS if self._limits_of is None else self._limits_of(context.workspace_id)
        return allowed if own is None else allowed.within(own(context))

    def _know_limits(self, attempt: Attempt) -> None:
        """Of one that an earlier server started: the guard may not have been told yet."""
        node = self._registry.find(attempt.type_name)
        if isinstance(node, Failed) or node.type.work is not Work.PROGRAM:
            return
        with contextlib.suppress(ValueError):  # its settings were good when it was started
            attempt.limits = self._limits(cast(ProgramNode, node), attempt.context)

    def _node(self, attempt: Attempt) -> ProgramNode | Failed:
        node = self._registry.find(attempt.type_name)
        if isinstance(node, Failed):
            return node
        if node.type.work is not Work.PROGRAM:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {node.type.name} are no programs.")
        configure = getattr(node, "configure", None)
        if configure is not None and id(node) not in self._configured:
            configure(self._settings)
            self._configured.add(id(node))
        return cast(ProgramNode, node)  # `work` says which of the three it is


def _cancelled_before() -> Failed:
    return Failed(kind=FailureKind.CANCELLED, message="It was cancelled before it started.")
