"""Work that goes on behind the calls that began it, and that never ends without a word.

Rule: a task that ends by an exception is a defect of the process: nobody does its work any more, so whoever is told of
it sees to it that the process ends, and is started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Defect = Callable[[str, BaseException], None]
"""Told what ended, and by what."""


class Background:
    def __init__(self, defect: Defect) -> None:
        self._defect = defect
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._closing:
            return
        error = asyncio.CancelledError("by nobody here") if task.cancelled() else task.exception()
        if error is not None:
            self._defect(task.get_name(), error)
