"""The worker as Dask knows it: receives the names of attempts, and hands them to the runner.

Dask's own worker runs inside this process, without a nanny, since nothing is computed in it: a task waits for its
attempt, on the event loop, and takes a slot for as long. When the scheduler is lost, Dask's worker closes and a new one
takes its place as soon as there is a scheduler again; attempts go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arkwright.executors.dask_settings import GROUP_RESOURCE, RETRY_SECONDS, DaskAddress, security

log = logging.getLogger("arkwright.worker")


class DaskHost:
    def __init__(
        self,
        address: DaskAddress,
        *,
        name: str,
        groups: Sequence[str],
        slots: int,
        folder: Path,
        host: str = "",
        connected: Callable[[], None],
    ) -> None:
        """`host`: the address of this machine that the scheduler reaches it by; empty: found out. Dask must be
        configured."""
        self._address = address
        self._name = name
        self._resources = {f"{GROUP_RESOURCE}{group}": float(slots) for group in groups}
        self._slots = slots
        self._folder = folder
        self._host = host
        self._connected = connected
        self._worker: Any = None
        self._keeping: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._keeping = asyncio.get_running_loop().create_task(self._keep(), name="dask")

    async def close(self) -> None:
        """Nothing more comes from here; what came goes on."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._end()

    # -- inside
    async def _keep(self) -> None:
        from distributed import Worker
        from distributed.core import Status

        make: Any = Worker
        tries = number = 0
        while True:
            number += 1
            try:
                self._worker = make(
                    self._address.url,
                    nthreads=self._slots,
                    # A scheduler that has not noticed yet that the last one is gone keeps its name.
                    name=self._name if number == 1 else f"{self._name}-{number}",
                    resources=self._resources,
                    memory_limit=0,
                    local_directory=str(self._folder),
                    security=security(self._address),
                    dashboard=False,
                    death_timeout=5,
                    **({"host": self._host} if self._host else {}),
                )
                await self._worker
            except Exception as error:  # Dask has many words for "no scheduler there"
                if tries == 0:
                    log.warning("The Dask scheduler %s can't be reached: %s; trying again.", self._address.url, error)
                await self._end()
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                tries += 1
                continue
            tries = 0
            self._connected()
            while self._worker.status not in (Status.closing, Status.closed, Status.failed):
                await self._worker.finished()
            log.warning("The Dask scheduler %s was lost; connecting again.", self._address.url)
            await self._end()

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(Exception):  # it is let go of, whatever it says
                await asyncio.wait_for(worker.close(timeout=1, executor_wait=False, nanny=False), 3)
