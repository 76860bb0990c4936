"""The executors that the settings mean: per kind of work, where an attempt runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from arkwright.app.directory_views import WorkspaceLimits
from arkwright.app.object_storage import objects_folder
from arkwright.engine.clock import Clock
from arkwright.engine.folders import Folders
from arkwright.executors.base import Executor
from arkwright.executors.local import LocalExecutor
from arkwright.executors.resident import ResidentExecutor
from arkwright.executors.warehouse_reader import WarehouseReader
from arkwright.iam.directory import Directory
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.notify.node_messages import NodeMessages
from arkwright.settings import Settings
from arkwright.store.base import Store


def executors(
    settings: Settings,
    data: Path,
    registry: Registry,
    folders: Folders,
    port: int,
    store: Store,
    clock: Clock,
    directory: Directory,
) -> Mapping[Work, Executor]:
    storage = {
        "objects_folder": str(objects_folder(settings, data)),
        "log_store": settings.log_store,
        "s3_endpoint": settings.s3_endpoint,
        "s3_region": settings.s3_region,
    }
    storage_secrets = {"s3_access_key": settings.s3_access_key, "s3_secret_key": settings.s3_secret_key}
    hosted = ResidentExecutor(
        registry,
        folders.hosts,
        own_addresses=frozenset({(address, port) for address in ("127.0.0.1", "::1", settings.host)}),
        settings={
            "allow_loopback_requests": settings.allow_loopback_requests,
            "log_cap_bytes": settings.log_cap_bytes,
            "host_memory_bytes": settings.host_memory_bytes,
            **storage,
        },
        secrets=storage_secrets,
    )
    return {
        Work.PROGRAM: LocalExecutor(
            registry,
            root=folders.runs,
            max_programs=settings.max_programs,
            log_cap_bytes=settings.log_cap_bytes,
            limits_of=WorkspaceLimits(settings, directory),
            settings={**storage, **storage_secrets},
        ),
        Work.HOSTED: WarehouseReader(hosted, data / "questions", store.next_id),
        Work.MESSAGE: NodeMessages(registry, store, clock),
    }
