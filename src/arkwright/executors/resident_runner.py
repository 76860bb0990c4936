"""The attempts that a resident host has in hand, from the first request to the outcome on file.

For each attempt it is asked for: an outcome on file is the answer. One that it has in hand goes on. One that was begun
(a claim file) but is not in hand was begun by a host that died, since there is one host per name and this is it: the
node is asked what became of it (`recall`). One without a claim begins now. A node under which the host dies each time
is given up after `TIMES_BEGUN`.

Whatever begins does so before the end of its lease (`beginning`), which is looked at right before: a host that was
frozen on its way says that it is too late, and lets go of the attempt as if it had never been asked.

An outcome that can't be written down is told all the same. If nobody hears it, the attempt is one that was begun by a
host that died: the node is asked. Where the folder fails before there is an outcome, nobody can know it (LOST), unless
nothing had begun.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.beginning import since_boot
from arkwright.executors.resident_attempt import LOG_CAP_BYTES, AttemptFolder, AttemptLog
from arkwright.executors.resident_wire import Ended, Run, TooLate, send
from arkwright.nodes.base import AttemptKey, Context, HostedNode, Work
from arkwright.nodes.registry import Registry

TIMES_BEGUN = 3
"""How often an attempt is begun in all, when its host dies under it again and again."""


@runtime_checkable
class Configurable(Protocol):
    """A hosted node with settings of the installation. Called before its first attempt and when they change."""

    def configure(self, settings: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Closable(Protocol):
    """A hosted node that holds something for all attempts of its host. Called when the host ends in good order."""

    def close(self) -> None: ...


class Attempt:
    """One that this host has in hand."""

    def __init__(self, run: Run) -> None:
        self.type = run.type
        self.context = run.context
        self.cancel_requested = run.cancelled
        self.rebooted = run.rebooted
        self.until = run.until
        self.begun = True
        """Something of it may have happened, as far as is known."""
        self.working: asyncio.Task[Outcome] | None = None
        self.told: set[asyncio.StreamWriter] = set()

    @property
    def late(self) -> bool:
        return self.until is not None and since_boot() >= self.until

    def cancel(self) -> None:
        self.cancel_requested = True
        if self.working is not None:
            self.working.cancel()


class Runner:
    def __init__(
        self, registry: Registry, settings: Mapping[str, Any], host_log: str, changed: Callable[[], None]
    ) -> None:
        """`changed` is called when an attempt has come or gone."""
        self._registry = registry
        self._settings = dict(settings)
        self._host_log = host_log
        self._changed = changed
        self._nodes: dict[str, HostedNode] = {}
        self._attempts: dict[AttemptKey, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        return bool(self._attempts)

    def configure(self, settings: Mapping[str, Any]) -> None:
        if settings == self._settings:
            return
        self._settings = dict(settings)
        for node in self._nodes.values():
            if isinstance(node, Configurable):
                node.configure(self._settings)

    def cancel(self, key: AttemptKey) -> None:
        attempt = self._attempts.get(key)
        if attempt is not None:
            attempt.cancel()

    def forget(self, writer: asyncio.StreamWriter) -> None:
        """A server is gone."""
        for attempt in self._attempts.values():
            attempt.told.discard(writer)

    def close(self) -> None:
        """Let go of what nodes hold for all attempts. Only when nothing is in hand."""
        for node in self._nodes.values():
            if isinstance(node, Closable):
                node.close()

    def take(self, run: Run, writer: asyncio.StreamWriter) -> None:
        attempt = self._attempts.get(run.context.key)
        if attempt is not None:
            attempt.told.add(writer)
            attempt.until = run.until
            if run.cancelled:
                attempt.cancel()
            return
        attempt = self._attempts[run.context.key] = Attempt(run)
        attempt.told.add(writer)
        self._changed()
        task = asyncio.get_running_loop().create_task(self._see_through(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, attempt: Attempt) -> None:
        key = attempt.context.key
        outcome = await self._outcome(attempt)
        del self._attempts[key]
        answer = TooLate(key=key) if outcome is None else Ended(key=key, outcome=outcome)
        for writer in attempt.told:
            send(writer, answer)
        self._changed()

    async def _outcome(self, attempt: Attempt) -> Outcome | None:
        """None: it is too late to begin it."""
        folder = AttemptFolder(attempt.context.folder)
        outcome: Outcome | None = None
        try:
            outcome = folder.outcome()
            if outcome is None:
                outcome = await self._carry(attempt, folder)
                if outcome is not None:
                    outcome = _scrubbed(outcome, attempt.context)
                    folder.end(outcome)
        except Exception as fault:  # most likely the folder can't be used: disk full, no rights
            _print_fault(attempt.context)
            outcome = outcome or _scrubbed(unknown(attempt.begun, fault), attempt.context)
        return outcome

    async def _carry(self, attempt: Attempt, folder: AttemptFolder) -> Outcome | None:
        """From a folder without an outcome to one. None: it is too late to begin."""
        context = attempt.context
        begun_before = attempt.begun = folder.is_claimed() or attempt.rebooted
        node = self._node(attempt.type)
        if isinstance(node, Failed):
            return node
        if not begun_before:
            refused = node.check(context)
            if refused is not None:
                return refused
            if attempt.cancel_requested:
                return _cancelled("before it began")
        cap = int(self._settings.get("log_cap_bytes", LOG_CAP_BYTES))
        log = AttemptLog(context.folder, cap, context.secrets)
        try:
            if not begun_before:
                if attempt.late:
                    return None
                begun_before = not folder.claim()
                attempt.begun = True
            if begun_before:
                log.write(b"[The process that ran this died; asking what became of it]\n")
                outcome = await self._recall(node, context)
                if outcome is not None:
                    return outcome
                if attempt.cancel_requested:
                    return _cancelled("after its process had died; it had no effect")
                times = folder.times_begun()
                if times >= TIMES_BEGUN:
                    message = f"The process that ran it died {times} times; see {self._host_log} in the hosts folder."
                    return Failed(kind=FailureKind.ERROR, message=message)
                if attempt.late:
                    return None
                folder.begin_again()
                log.write(b"[It had no effect; it runs again]\n")
            return await self._work(attempt, node, log)
        finally:
            log.close()

    async def _work(self, attempt: Attempt, node: HostedNode, log: AttemptLog) -> Outcome:
        attempt.working = asyncio.get_running_loop().create_task(_run(node, attempt.context, log))
        try:
            return await attempt.working
        except asyncio.CancelledError:
            if not attempt.cancel_requested:
                raise
            return _cancelled("on request")
        except Exception as fault:
            log.write(traceback.format_exc().encode(errors="replace"))
            return _fault(fault)

    async def _recall(self, node: HostedNode, context: Context) -> Outcome | None:
        try:
            return await node.recall(context)
        except Exception as fault:
            _print_fault(context)
            message = f"What became of it can't be known: asking failed with {type(fault).__name__}: {fault}"
            return Failed(kind=FailureKind.LOST, message=message)

    def _node(self, type_name: str) -> HostedNode | Failed:
        node = self._nodes.get(type_name)
        if node is not None:
            return node
        try:
            found = self._registry.find(type_name)
        except Exception as fault:
            return _fault(fault)
        if isinstance(found, Failed):
            return found
        if found.type.work is not Work.HOSTED:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {found.type.name} don't run in a host.")
        hosted: HostedNode = found  # type: ignore[assignment]  # `work` says which of the union it is
        if isinstance(hosted, Configurable):
            hosted.configure(self._settings)
        self._nodes[type_name] = hosted
        return hosted


async def _run(node: HostedNode, context: Context, log: AttemptLog) -> Outcome:
    return await node.run(context, log.write)


def _scrubbed(outcome: Outcome, context: Context) -> Outcome:
    """What is written down of an attempt holds none of its secrets."""
    if not context.secrets or not outcome.message:
        return outcome
    return msgspec.structs.replace(outcome, message=context.scrubbed(outcome.message))


def unknown(begun: bool, fault: Exception) -> Failed:
    """Of an attempt without an outcome, most likely since its folder fails. `begun`: something may have happened."""
    reason = f"The attempt's folder can't be used: {fault}" if isinstance(fault, OSError) else _text(fault)
    if begun:
        return Failed(kind=FailureKind.LOST, message=f"What became of it can't be known. {reason}")
    return Failed(kind=FailureKind.ERROR, message=f"It was not begun. {reason}")


def _print_fault(context: Context) -> None:
    """Into the host's own log."""
    sys.stderr.write(context.scrubbed(traceback.format_exc()))


def _cancelled(when: str) -> Failed:
    return Failed(kind=FailureKind.CANCELLED, message=f"It was stopped {when}.")


def _fault(fault: Exception) -> Failed:
    return Failed(kind=FailureKind.ERROR, message=_text(fault))


def _text(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"
