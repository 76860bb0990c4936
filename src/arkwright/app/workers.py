"""Work for workers: the way to them, and what they are answered."""

from __future__ import annotations

import logging
from collections.abc import Callable

from arkwright.engine.assignments import Assignments
from arkwright.engine.attempt_files import AttemptFiles, FolderFiles
from arkwright.engine.attempt_inputs import AttemptInputs
from arkwright.engine.clock import Clock
from arkwright.engine.contexts import Contexts
from arkwright.engine.folders import Folders
from arkwright.engine.placement import Placement
from arkwright.errors import SettingInvalid
from arkwright.executors.dask_ways import DaskWays, read_ways
from arkwright.executors.remote import RemoteAttempts
from arkwright.nodes.program_limits import ProgramLimits
from arkwright.nodes.registry import Registry
from arkwright.objects.base import Objects
from arkwright.settings import Settings
from arkwright.store.base import Store

log = logging.getLogger("arkwright")


def remote_attempts(settings: Settings, store: Store, clock: Clock, name: str) -> tuple[RemoteAttempts, Placement]:
    """For the engine. Raises `SettingInvalid`."""
    ways = read_ways(
        settings.executor,
        ca=settings.executor_ca,
        cert=settings.executor_cert,
        key=settings.executor_key,
        names=("--executor", "--executor-ca", "--executor-cert", "--executor-key"),
    )
    if settings.executor_ca and settings.executor_cert and settings.executor_key:
        from arkwright.certificates import (  # only with TLS: it takes time to load
            check_authority,
            check_pair,
            check_time,
        )

        check_authority(settings.executor_ca, name="--executor-ca")
        check_pair(settings.executor_cert, settings.executor_key, names=("--executor-cert", "--executor-key"))
        try:
            check_time(settings.executor_cert, name="--executor-cert")
        except SettingInvalid as error:  # what needs no worker goes on
            log.warning("%s", error)
    transport = DaskWays(ways, name=f"arkwright-{name}") if ways else None
    remote = RemoteAttempts(store, clock.now_ms, transport, lease_seconds=settings.attempt_lease_seconds)

    async def exists(group: str) -> bool:
        now = clock.now_ms()
        return any(
            group in token.groups and token.revoked_ms is None and token.expires_ms > now
            for token in await store.list_worker_tokens()
        )

    return remote, Placement(ways=remote.ways, default_group=settings.worker_group, exists=exists)


def assignments(
    settings: Settings,
    store: Store,
    clock: Clock,
    folders: Folders,
    registry: Registry,
    contexts: Contexts,
    objects: Objects,
    limits_of: Callable[[str], ProgramLimits],
    files: AttemptFiles | None = None,
) -> Assignments:
    """For the API. `objects`: as users reach them. `limits_of`: what programs of a workspace may take. `files`: where
    logs and outputs go; default: the folders of this server."""
    return Assignments(
        store=store,
        contexts=contexts,
        registry=registry,
        files=files or FolderFiles(folders, settings.log_cap_bytes),
        inputs=AttemptInputs(store=store, contexts=contexts, registry=registry, objects=objects, limits_of=limits_of),
        now_ms=clock.now_ms,
        lease_seconds=settings.attempt_lease_seconds,
        log_cap_bytes=settings.log_cap_bytes,
        settings={"allow_loopback_requests": settings.allow_loopback_requests},
    )
