"""Hosted nodes on a worker: they run inside the worker's own process, beside each other.

Rules as in a resident host (`executors/resident_runner`), but for one: they don't outlive the worker. A worker that was
restarted in time is asked by the node itself what became of the attempt (`recall`). What comes too late to begin waits
here, until its lease is renewed, or the worker has given it up.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.base import Finished
from arkwright.executors.beginning import LATE_SECONDS, Beginning
from arkwright.executors.resident_attempt import AttemptFolder, AttemptLog
from arkwright.executors.resident_runner import Configurable, unknown
from arkwright.nodes.base import AttemptKey, Context, HostedNode, Work
from arkwright.nodes.registry import Registry

logger = logging.getLogger("arkwright.worker")


class HostedHere:
    """An `Executor`."""

    def __init__(self, registry: Registry, settings: Mapping[str, Any], log_cap_bytes: int) -> None:
        self._registry = registry
        self._settings = dict(settings)
        self._cap = log_cap_bytes
        self.beginning = Beginning()
        self._tasks: dict[AttemptKey, asyncio.Task[None]] = {}
        self._finished: Finished

    async def open(self, finished: Finished) -> None:
        self._finished = finished

    def submit(self, type_name: str, context: Context) -> None:
        self._begin(type_name, context)

    def attach(self, type_name: str, context: Context) -> None:
        self._begin(type_name, context)

    def cancel(self, key: AttemptKey) -> None:
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- inside
    def _begin(self, type_name: str, context: Context) -> None:
        if context.key not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._carry(type_name, context))
            self._tasks[context.key] = task

    async def _carry(self, type_name: str, context: Context) -> None:
        try:
            outcome = await self._outcome(type_name, context)
        except asyncio.CancelledError:
            outcome = Failed(kind=FailureKind.CANCELLED, message="It was stopped on request.")
        except Exception as fault:  # whatever it is, it must not leave the attempt without an end
            logger.exception("attempt %s of type %s", context.key, type_name)
            outcome = unknown(AttemptFolder(context.folder).is_claimed(), fault)
        self._tasks.pop(context.key, None)
        self._finished(context.key, outcome)

    async def _outcome(self, type_name: str, context: Context) -> Outcome:
        found = self._registry.find(type_name)
        if isinstance(found, Failed):
            return found
        if found.type.work is not Work.HOSTED:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {found.type.name} don't run in a host.")
        node: HostedNode = found  # type: ignore[assignment]  # `work` says which of the union it is
        if isinstance(node, Configurable):
            node.configure(self._settings)
        folder = AttemptFolder(context.folder)
        log = AttemptLog(context.folder, self._cap, context.secrets)
        try:
            refused = node.check(context)
            if refused is not None:
                return refused
            await self._may_begin(context.key)
            if not folder.claim():
                log.write(b"[The worker that ran this ended; asking what became of it]\n")
                known = await node.recall(context)
                if known is not None:
                    return known
                await self._may_begin(context.key)
                log.write(b"[It had no effect; it runs again]\n")
            return await node.run(context, log.write)
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            log.write(traceback.format_exc().encode(errors="replace"))
            return Failed(kind=FailureKind.ERROR, message=f"{type(fault).__name__}: {fault}")
        finally:
            log.close()

    async def _may_begin(self, key: AttemptKey) -> None:
        """Returns when it may."""
        while not self.beginning.open(key):  # noqa: ASYNC110 - a renewal tells nobody here
            await asyncio.sleep(LATE_SECONDS)
