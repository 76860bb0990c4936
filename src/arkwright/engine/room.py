"""Whether a new run may begin: free disk, and the quotas of its workspace.

Rules
-----
* Below the least free disk nothing new begins; what runs goes on, so that it can end and be cleared away.
* A workspace's quotas bound its instances that wait, its attempts that run and the bytes that it keeps. They are
  counted as instances change, never by looking through them; the bytes are measured now and then (`storage`). Each
  server counts what it holds. Requests that arrive together may go past a quota by their own number.
* The question costs nothing: the disk is asked at most once a second, everything else is in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arkwright.core.instance import Instance, InstanceStatus, NodeStatus
from arkwright.engine.clock import Clock
from arkwright.errors import ArkwrightError, NoRoom, TooManyRequests

log = logging.getLogger("arkwright.engine")

LOOK_MS = 1000
RETRY_AFTER_SECONDS = 30
MEASURE_MS = 60_000

_WAITING = frozenset({InstanceStatus.WAITING, InstanceStatus.WAITING_CONFIRM, InstanceStatus.FREEZE})


def free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Room:
    """The free disk of the data folder."""

    def __init__(
        self, folder: Path, least_bytes: int, clock: Clock, *, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._folder = folder
        self._least = least_bytes
        self._clock = clock
        self._free = free
        self._looked_ms: int | None = None
        self.free_bytes = 0
        """As of the last look."""
        self._left = True

    def left(self) -> bool:
        now = self._clock.now_ms()
        if self._looked_ms is None or not 0 <= now - self._looked_ms < LOOK_MS:
            self._looked_ms = now
            if self._least:
                try:
                    self.free_bytes = self._free(self._folder)
                except OSError as error:  # whoever writes there will say more
                    log.error("the free disk of %s can't be told: %s", self._folder, error)
                    return self._left
                self._left = self.free_bytes >= self._least
        return self._left

    def lack(self) -> str | None:
        """What is missing, in words. None: nothing."""
        if self.left():
            return None
        return f"The disk of the data folder has {_mb(self.free_bytes)} free; {_mb(self._least)} must be."


def _mb(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Of a workspace; None: no bound."""

    waiting_instances: int | None = None
    processes: int | None = None
    storage_bytes: int | None = None


NO_QUOTAS = Quotas()


def read_quotas(settings: Mapping[str, Any]) -> Quotas:
    """A workspace's settings: `quotas: {waitingInstances, processes, storageBytes}`."""
    given = settings.get("quotas")
    if not given:
        return NO_QUOTAS
    return Quotas(
        waiting_instances=given.get("waitingInstances"),
        processes=given.get("processes"),
        storage_bytes=given.get("storageBytes"),
    )


class StorageMeter:
    """How many bytes a folder of a workspace holds, measured in the background when somebody asks and the last number
    is old. The first answer is 0: whoever asks never waits."""

    def __init__(self, folder: Callable[[str], Path], clock: Clock) -> None:
        """`folder`: of a workspace's id."""
        self._folder = folder
        self._clock = clock
        self._known: dict[str, tuple[int, int]] = {}
        self._measuring: dict[str, asyncio.Task[None]] = {}

    def __call__(self, workspace_id: str) -> int:
        number, at_ms = self._known.get(workspace_id, (0, -MEASURE_MS))
        if self._clock.now_ms() - at_ms >= MEASURE_MS and workspace_id not in self._measuring:
            task = asyncio.get_running_loop().create_task(self._measure(workspace_id), name="storage")
            self._measuring[workspace_id] = task
        return number

    async def measured(self) -> None:
        """Returns when nothing is being measured."""
        await asyncio.gather(*self._measuring.values(), return_exceptions=True)

    async def _measure(self, workspace_id: str) -> None:
        try:
            number = await asyncio.to_thread(_bytes_below, self._folder(workspace_id))
            self._known[workspace_id] = (number, self._clock.now_ms())
        finally:
            self._measuring.pop(workspace_id, None)


def _bytes_below(folder: Path) -> int:
    """What the files of a folder take of the disk; one that vanishes meanwhile counts nothing."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(here, name)).st_blocks * 512  # noqa: PTH118
            except OSError:
                continue
    return total


class Usage:
    """What each workspace has going on in this server, kept up with every change."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[str, int, int]] = {}
        self._waiting: dict[str, int] = {}
        self._processes: dict[str, int] = {}

    def put(self, state: Instance) -> None:
        """The instance as it is now; it has not ended."""
        running = 0
        for run in state.nodes:
            if run.status is NodeStatus.RUNNING and run.retry_at_ms is None:
                running += 1
        self._change(state.id, (state.workspace_id, int(state.status in _WAITING), running))

    def drop(self, instance_id: int) -> None:
        """It ended, or is no longer held here."""
        self._change(instance_id, None)

    def _change(self, instance_id: int, now: tuple[str, int, int] | None) -> None:
        before = self._of.pop(instance_id, None) if now is None else self._of.get(instance_id)
        if now == before:
            return
        if now is not None:
            self._of[instance_id] = now
        for sign, each in ((-1, before), (1, now)):
            if each is not None:
                workspace_id, waiting, running = each
                if waiting:
                    _add(self._waiting, workspace_id, sign)
                if running:
                    _add(self._processes, workspace_id, sign * running)

    def waiting(self, workspace_id: str) -> int:
        return self._waiting.get(workspace_id, 0)

    def processes(self, workspace_id: str) -> int:
        return self._processes.get(workspace_id, 0)


def _add(counts: dict[str, int], workspace_id: str, change: int) -> None:
    now = counts.get(workspace_id, 0) + change
    if now:
        counts[workspace_id] = now
    else:
        counts.pop(workspace_id, None)


class Admission:
    """Asked before each new run."""

    def __init__(
        self,
        room: Room,
        *,
        quotas: Callable[[str], Quotas] = lambda _: NO_QUOTAS,
        storage: Callable[[str], int] = lambda _: 0,
    ) -> None:
        """`quotas` and `storage` (bytes kept, as last measured) are of a workspace's id."""
        self.room = room
        self.usage = Usage()
        self._quotas = quotas
        self._storage = storage

    def refusal(self, workspace_id: str) -> ArkwrightError | None:
        """Why no run may begin there now. None: it may."""
        if not self.room.left():
            lack = self.room.lack() or ""
            return NoRoom(
                f"{lack} New runs are refused until there is more; what runs goes on.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
                hint="Free some disk, shorten what is kept (retention), or lower ARKWRIGHT_LEAST_FREE_BYTES.",
            )
        quotas = self._quotas(workspace_id)
        if quotas is NO_QUOTAS:
            return None
        for name, used, most, what in (
            ("waitingInstances", self.usage.waiting(workspace_id), quotas.waiting_instances, "instances that wait"),
            ("processes", self.usage.processes(workspace_id), quotas.processes, "nodes that run"),
            ("storageBytes", self._storage(workspace_id), quotas.storage_bytes, "bytes kept"),
        ):
            if most is not None and used >= most:
                return TooManyRequests(
                    f"The workspace has {used} {what}; its quota {name} is {most}.",
                    retry_after_seconds=RETRY_AFTER_SECONDS,
                    hint="Wait until some have ended or are cleared away, or raise it in the workspace settings.",
                )
        return None

    def check(self, workspace_id: str) -> None:
        """Raises `NoRoom` and `TooManyRequests`."""
        refused = self.refusal(workspace_id)
        if refused is not None:
            raise refused


def check_room(admission: Admission | None, workspace_id: str) -> None:
    """Raises the refusal, if no run may begin there now."""
    if admission is not None:
        admission.check(workspace_id)
