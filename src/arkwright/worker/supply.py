"""Brings the server's files that an attempt needs into its folder, before it starts.

A file is there whole or not at all (it is renamed once all of it has come), so that a worker which was killed in the
middle brings the rest. A server that can't be reached is waited for: the lease says how long.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import cast

from arkwright.core.outcome import Failed, FailureKind
from arkwright.nodes.base import NeedsFiles, NodeImplementation
from arkwright.worker.attempt import Attempt
from arkwright.worker.link import Refused, ServerLink, Unreachable, pause


class Supply:
    def __init__(self, link: ServerLink) -> None:
        self._link = link

    async def bring(self, attempt: Attempt, node: NodeImplementation) -> Failed | None:
        """What spoke against it."""
        if not hasattr(node, "needs"):
            return None
        try:
            needed = cast(NeedsFiles, node).needs(attempt.context)
        except ValueError:
            return None  # the node's own check says so
        for number, each in enumerate(needed):
            target = attempt.context.folder / each.target
            if target.exists():
                continue
            try:
                await self._bring(attempt, number, target)
            except Refused as error:
                return Failed(kind=FailureKind.ERROR, message=f"{each.source} can't be brought to the worker: {error}")
            except OSError as error:
                message = f"{each.source} can't be written on the worker: {error.strerror or error}."
                return Failed(kind=FailureKind.ERROR, message=message)
        return None

    async def _bring(self, attempt: Attempt, number: int, target: Path) -> None:
        fresh = target.with_name(f".{number}.coming")
        await asyncio.to_thread(target.parent.mkdir, 0o700, True, True)
        tries = 0
        try:
            while True:
                try:
                    await self._link.fetch(attempt.key, attempt.epoch, number, fresh)
                    break
                except Unreachable:
                    await pause(tries)
                    tries += 1
            await asyncio.to_thread(fresh.replace, target)
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
