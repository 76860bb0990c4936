"""The object storage as nodes reach it: opened in the host from the installation's settings.

`objects_folder`, `log_store` (which no node reaches), `s3_endpoint`, `s3_region` and, over the host's socket alone,
`s3_access_key` and `s3_secret_key`. Each kind of host that writes gives its drafts a name of its own (`FolderObjects`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arkwright.objects.base import Objects
from arkwright.objects.fenced import FencedObjects
from arkwright.objects.open import open_objects
from arkwright.objects.paths import parse

STORAGE_SETTINGS = ("objects_folder", "log_store", "s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key")


def storage(settings: Mapping[str, Any], *, drafts: str) -> Objects:
    """Raises `SettingInvalid` if the library for the storage is missing, or no storage is set."""
    objects = open_objects(
        Path(str(settings.get("objects_folder") or "/nowhere")),
        endpoint=str(settings.get("s3_endpoint") or ""),
        access_key=str(settings.get("s3_access_key") or ""),
        secret_key=str(settings.get("s3_secret_key") or ""),
        region=str(settings.get("s3_region") or ""),
        drafts=drafts,
    )
    log_store = str(settings.get("log_store") or "")
    return FencedObjects(objects, parse(log_store)) if log_store else objects
