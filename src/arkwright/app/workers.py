"""Work for workers: the way to them, and what they are answered."""

from __future__ import annotations

from arkwright.engine.assignments import Assignments
from arkwright.engine.attempt_files import AttemptFiles, FolderFiles
from arkwright.engine.clock import Clock
from arkwright.engine.contexts import Contexts
from arkwright.engine.folders import Folders
from arkwright.engine.placement import Placement
from arkwright.executors.dask_settings import read_address
from arkwright.executors.dask_transport import DaskTransport
from arkwright.executors.remote import RemoteAttempts
from arkwright.nodes.registry import Registry
from arkwright.settings import Settings
from arkwright.store.base import Store

LOCAL = ("", "local")


def remote_attempts(settings: Settings, store: Store, clock: Clock, name: str) -> tuple[RemoteAttempts, Placement]:
    """For the engine. Raises `SettingInvalid`."""
    transport = None
    if settings.executor not in LOCAL:
        address = read_address(
            settings.executor,
            ca=settings.executor_ca,
            cert=settings.executor_cert,
            key=settings.executor_key,
            names=("--executor", "--executor-ca", "--executor-cert", "--executor-key"),
        )
        transport = DaskTransport(address, name=f"arkwright-{name}")
    remote = RemoteAttempts(store, clock.now_ms, transport, lease_seconds=settings.attempt_lease_seconds)

    async def exists(group: str) -> bool:
        now = clock.now_ms()
        return any(
            group in token.groups and token.revoked_ms is None and token.expires_ms > now
            for token in await store.list_worker_tokens()
        )

    return remote, Placement(takes=remote.takes, default_group=settings.worker_group, exists=exists)


def assignments(
    settings: Settings,
    store: Store,
    clock: Clock,
    folders: Folders,
    registry: Registry,
    contexts: Contexts,
    files: AttemptFiles | None = None,
) -> Assignments:
    """For the API. `files`: where logs and outputs go; default: the folders of this server."""
    return Assignments(
        store=store,
        contexts=contexts,
        registry=registry,
        files=files or FolderFiles(folders, settings.log_cap_bytes),
        now_ms=clock.now_ms,
        lease_seconds=settings.attempt_lease_seconds,
        log_cap_bytes=settings.log_cap_bytes,
        settings={"allow_loopback_requests": settings.allow_loopback_requests},
    )
