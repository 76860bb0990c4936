"""What happens to an attempt's log and outputs at its end, before anybody is told of the end.

Rules: an end that is told is one whose log and outputs can be read, by every server that is to read them: first they
are shipped (if the installation keeps logs in the object storage), then the log goes to the job's own `logPath` (if it
has one), then the engine hears of the end. A storage that fails holds an end up for `PATIENCE_SECONDS` and fails no
node: what is missing is shipped later, and the server's log says so. With neither of the two nothing is held up at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from arkwright.core.outcome import Outcome
from arkwright.engine.attempt_files import AttemptFiles
from arkwright.engine.log_names import log_path_of
from arkwright.engine.run_files import RunFiles
from arkwright.errors import ArkwrightError
from arkwright.executors.shipping import Shipper
from arkwright.nodes.base import AttemptKey
from arkwright.objects.base import BucketMissing, Objects
from arkwright.objects.paths import PathInvalid, parse
from arkwright.store.base import Store

log = logging.getLogger("arkwright.engine")

PATIENCE_SECONDS = 30.0
WORKERS_PATIENCE_SECONDS = 5.0
"""A worker waits for the answer."""
COLUMNS = "columns"
"""Names of a result's columns, beside the output of some nodes."""


class AttemptEnds:
    def __init__(
        self,
        run_files: RunFiles,
        objects: Objects | None = None,
        shipper: Shipper | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._run_files = run_files
        self._objects = objects
        self._shipper = shipper
        self._patience = patience_seconds
        self._own_paths: dict[AttemptKey, str] = {}
        self._shipped: set[AttemptKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        if self._shipper is not None:
            await self._shipper.open()

    async def close(self) -> None:
        """What was being seen to is seen to again by the next server: it finds the attempt ended, or running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._shipper is not None:
            await self._shipper.close()

    def begin(self, key: AttemptKey, folder: Path, own_path: str, *, adopted: bool) -> None:
        """An attempt is begun here. `own_path`: where its log is to go at the end; empty: nowhere."""
        if own_path and self._objects is not None:
            self._own_paths[key] = own_path
        if self._shipper is not None:
            self._shipped.add(key)
            self._shipper.begin(key, folder, adopted=adopted)

    def forget(self, key: AttemptKey) -> None:
        """It goes on elsewhere, and nothing of it was here."""
        self._own_paths.pop(key, None)
        if key in self._shipped and self._shipper is not None:
            self._shipped.discard(key)
            self._shipper.drop(key)

    def settle(self, key: AttemptKey, outcome: Outcome, tell: Callable[[], None]) -> None:
        """Have `tell` called when the attempt's end may be told: at once, if nothing is to be done."""
        own_path = self._own_paths.pop(key, "")
        shipped = key in self._shipped
        self._shipped.discard(key)
        if not own_path and not shipped:
            tell()
            return
        task = asyncio.get_running_loop().create_task(self._settle(key, outcome, own_path, shipped, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(
        self, key: AttemptKey, outcome: Outcome, own_path: str, shipped: bool, tell: Callable[[], None]
    ) -> None:
        try:
            if shipped and self._shipper is not None:
                outputs = {(outcome.output or "").rpartition("/")[2], COLUMNS} - {"", "log"}
                await self._shipper.finish(key, sorted(outputs))
            if own_path:
                await self._copy(key, own_path)
        except Exception:
            log.exception("the log of attempt %s", key)
        tell()

    async def _copy(self, key: AttemptKey, own_path: str) -> None:
        assert self._objects is not None
        await copy_log(self._run_files, self._objects, key, own_path, self._patience)


class CopiedLogs:
    """An `AttemptFiles` that sends the log of each ended attempt to the `logPath` of its job: for attempts of workers,
    whose end is told by the process that serves the API."""

    def __init__(self, files: AttemptFiles, run_files: RunFiles, objects: Objects, store: Store) -> None:
        self._files = files
        self._run_files = run_files
        self._objects = objects
        self._store = store

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._files.write_log(key, offset, data)

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        await self._files.cut_log(key, offset, data)

    async def log_end(self, key: AttemptKey) -> int:
        return await self._files.log_end(key)

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        await self._files.write_output(key, name, data)

    async def ended(self, key: AttemptKey) -> None:
        await self._files.ended(key)
        instance = await self._store.load_instance(key.instance_id)
        if instance is None or key.node >= len(instance.nodes):
            return
        job = await self._store.get_definition_version(instance.job_id, instance.job_version)
        base = job.body.get("logPath") if job is not None else None
        if isinstance(base, str) and base.startswith("obs://"):
            path = log_path_of(instance, instance.nodes[key.node].name, base)
            await copy_log(self._run_files, self._objects, key, path, WORKERS_PATIENCE_SECONDS)


async def copy_log(
    run_files: RunFiles, objects: Objects, key: AttemptKey, own_path: str, patience_seconds: float
) -> None:
    """The whole log to the job's own path; a later attempt of the node replaces it. What can't be written is told in
    the server's log."""
    until = asyncio.get_running_loop().time() + patience_seconds
    pause = 0.1
    while True:
        try:
            now = await run_files.log(key)
            await objects.write(parse(own_path), run_files.read_log(now, 0, now.size))
            return
        except (ArkwrightError, OSError) as error:
            final = isinstance(error, BucketMissing | PathInvalid)
            if final or asyncio.get_running_loop().time() + pause > until:
                log.error("the log of attempt %s can't be written to %s: %s", key, own_path, error)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)
