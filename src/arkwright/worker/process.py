"""`arkwright worker`: the parts of a worker put together, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import arkwright
from arkwright.errors import SettingInvalid
from arkwright.executors.attempt_wire import Arrival, Welcome
from arkwright.executors.dask_settings import DaskAddress, configure
from arkwright.executors.dask_task import taken_by
from arkwright.executors.local import LocalExecutor
from arkwright.folder_lock import FolderLock
from arkwright.nodes.base import Work
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits
from arkwright.nodes.registry import Registry
from arkwright.own_folder import make_folder, own_name
from arkwright.worker.ceilings import Ceilings
from arkwright.worker.dask_host import DaskHost
from arkwright.worker.hosted import HostedHere
from arkwright.worker.link import Refused, ServerLink, Unreachable, pause
from arkwright.worker.runner import Runner

log = logging.getLogger("arkwright.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    scheduler: DaskAddress
    api: str
    token: str
    groups: tuple[str, ...]
    data: Path
    slots: int
    grace_seconds: float
    api_ca: Path | None = None
    host: str = ""
    limits: ProgramLimits = NO_LIMITS
    """Of each program here; its workspace, and its node, may say less."""
    log_cap_bytes: int = 0
    """0: the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is told once a worker is connected to everything."""

    name: str
    groups: tuple[str, ...]
    slots: int
    pid: int


async def serve(settings: WorkerSettings, *, ready: Callable[[Ready], None]) -> None:
    """Until SIGTERM or SIGINT. Raises `SettingInvalid` when the server will have nothing of this worker."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    make_folder(settings.data)
    lock = FolderLock(settings.data)
    lock.acquire()
    try:
        await _serve(settings, ready, stopped)
    finally:
        lock.release()


async def _serve(settings: WorkerSettings, ready: Callable[[Ready], None], stopped: asyncio.Event) -> None:
    name = own_name(settings.data / "worker-name")
    link = ServerLink(settings.api, settings.token, runner=name, ca_file=settings.api_ca)
    arrival = Arrival(
        runner=name,
        version=arkwright.__version__,
        groups=settings.groups,
        slots=settings.slots,
        scheduler=settings.scheduler.url,
    )
    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(link.close)
        welcome = await _welcome(link, arrival, stopped)
        if welcome is None:
            return
        registry, ceilings = Registry(), Ceilings(settings.limits)
        log_cap = min(settings.log_cap_bytes or welcome.log_cap_bytes, welcome.log_cap_bytes)
        runner = Runner(
            link,
            registry,
            {
                Work.PROGRAM: LocalExecutor(
                    registry,
                    root=settings.data / "runs",
                    max_programs=settings.slots,
                    log_cap_bytes=log_cap,
                    limits_of=ceilings,
                ),
                Work.HOSTED: HostedHere(registry, welcome.settings, log_cap),
            },
            ceilings=ceilings,
            data=settings.data,
            slots=settings.slots,
            lease_seconds=welcome.lease_seconds,
            log_cap_bytes=log_cap,
        )
        await runner.open(stopped)
        closing.push_async_callback(runner.close)
        taken_by(runner.take)
        # It loads Dask, which takes a second: what was taken up must be renewed meanwhile. Of a lost scheduler it tells
        # in many tracebacks; we tell in one line.
        await asyncio.to_thread(configure, level=logging.CRITICAL)
        told = Ready(name=name, groups=settings.groups, slots=settings.slots, pid=os.getpid())
        host = DaskHost(
            settings.scheduler,
            name=name,
            groups=settings.groups,
            slots=settings.slots,
            folder=settings.data / "dask",
            host=settings.host,
            connected=lambda: ready(told),
        )
        host.open()
        closing.push_async_callback(host.close)
        ends = [asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(runner.useless.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()
        log.info("Ending: %s", runner.refused or "asked to")
        runner.draining = True
        taken_by(None)
        await host.close()
        await runner.drain(settings.grace_seconds)
        with contextlib.suppress(Refused, Unreachable):
            await link.leave()
        if runner.refused:
            raise SettingInvalid(runner.refused)


async def _welcome(link: ServerLink, arrival: Arrival, stopped: asyncio.Event) -> Welcome | None:
    """None: it was asked to end before the server could be reached."""
    tries = 0
    while not stopped.is_set():
        try:
            return await link.arrive(arrival)
        except Refused as error:
            raise SettingInvalid(f"The server {link.url} refuses this worker: {error}") from None
        except Unreachable as error:
            if tries == 0:
                log.warning("%s Trying again.", error)
            await pause(tries, stopped)
            tries += 1
    return None
