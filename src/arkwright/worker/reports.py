"""Tells the server how an attempt ended: log and outputs first, or along with the report, again and again until it
answers. What it refuses (the lease ran out meanwhile) is dropped: the attempt has its outcome already.

A log that can't be read whole (the disk of the worker was full) is told as far as it is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from arkwright.core.outcome import Outcome
from arkwright.executors.attempt_wire import OUTPUTS, Report
from arkwright.executors.shipping import Shipper
from arkwright.nodes.base import AttemptKey
from arkwright.worker.attempt import Attempt
from arkwright.worker.folders import WorkerFolders
from arkwright.worker.link import Refused, ServerLink, Unreachable, pause
from arkwright.worker.sink import ServerSink

log = logging.getLogger("arkwright.worker")


class Reports:
    def __init__(
        self,
        link: ServerLink,
        folders: WorkerFolders,
        epoch_of: Callable[[AttemptKey], int | None],
        *,
        log_cap_bytes: int,
        patience_seconds: float,
    ) -> None:
        """`epoch_of`: of the claim, while the attempt is this worker's."""
        self._link = link
        self._folders = folders
        self._sink = ServerSink(link, epoch_of)
        self._shipper = Shipper(
            self._sink,
            cap=log_cap_bytes,
            notes=folders.notes,
            folder_of=folders.attempt,
            patience_seconds=patience_seconds,
        )

    async def open(self) -> None:
        await self._shipper.open()

    async def close(self) -> None:
        await self._shipper.close()

    def begin(self, key: AttemptKey, folder: Path) -> None:
        """Its log is told from now on."""
        self._shipper.begin(key, folder, adopted=False)

    def forget(self, key: AttemptKey) -> None:
        self._shipper.drop(key)
        self._sink.let_go(key)

    async def tell(self, attempt: Attempt, outcome: Outcome) -> None:
        """Returns when the server knows, or wants to know no more."""
        key = attempt.key
        rest = self._sink.gather(key)
        if not attempt.over:
            await self._shipper.finish(key, OUTPUTS)
        learned = await asyncio.to_thread(self._folders.learned, attempt.claimed, attempt.context)
        tries = 0
        while not attempt.over:
            report = Report(
                runner=self._link.runner,
                epoch=attempt.epoch,
                outcome=outcome,
                log=tuple(rest.log),
                outputs=rest.outputs,
                learned=learned,
            )
            try:
                await self._link.finish(key, report)
                return
            except Unreachable as error:
                if tries == 0:
                    log.warning("The end of attempt %s can't be told: %s", key, error)
                await pause(tries)
                tries += 1
            except Refused as error:
                log.warning("The end of attempt %s counts no more: %s", key, error)
                return
