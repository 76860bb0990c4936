"""The object storage that the settings mean: for users, for nodes, and for the installation's own logs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arkwright.engine.archive import Archive
from arkwright.engine.attempt_ends import AttemptEnds, CopiedLogs
from arkwright.engine.attempt_files import AttemptFiles, FolderFiles
from arkwright.engine.folders import Folders
from arkwright.engine.run_files import RunFiles
from arkwright.errors import SettingInvalid
from arkwright.executors.shipping import Shipper
from arkwright.objects.base import Objects
from arkwright.objects.fenced import FencedObjects
from arkwright.objects.open import open_objects
from arkwright.objects.paths import ObsPath, PathInvalid, parse
from arkwright.scheduler.events.folder_watch import FolderNews, TellingObjects
from arkwright.settings import Settings
from arkwright.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStorage:
    objects: Objects
    """What users reach."""
    news: FolderNews | None
    """Of the embedded storage's folder."""
    archive: Archive | None
    """Where logs and outputs are kept. None: in the data folder of the server that ran them."""


def objects_folder(settings: Settings, data: Path) -> Path:
    return settings.objects_folder or data / "obs"


def log_store(settings: Settings) -> ObsPath | None:
    """Raises `SettingInvalid`."""
    if not settings.log_store:
        return None
    try:
        return parse(settings.log_store)
    except PathInvalid as error:
        raise SettingInvalid(
            f"ARKWRIGHT_LOG_STORE is no place in the object storage: {error}",
            hint="Write it as obs://bucket/prefix; several servers need a storage that all of them reach.",
        ) from error


def open_object_storage(settings: Settings, data: Path, *, name: str) -> ObjectStorage:
    """`name`: of this server, among those that share a folder."""
    place = log_store(settings)
    folder = objects_folder(settings, data)
    objects = open_objects(
        folder,
        endpoint=settings.s3_endpoint,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        region=settings.s3_region,
        drafts="server" if settings.objects_folder is None else name,
    )
    archive = None if place is None else Archive(objects, place)
    news = None if settings.s3_endpoint else FolderNews(folder)
    if news is not None:
        objects = TellingObjects(objects, news)
    if place is not None:
        objects = FencedObjects(objects, place)
    return ObjectStorage(objects=objects, news=news, archive=archive)


def attempt_ends(settings: Settings, folders: Folders, run_files: RunFiles, storage: ObjectStorage) -> AttemptEnds:
    shipper = None
    if storage.archive is not None:
        shipper = Shipper(
            storage.archive,
            cap=settings.log_cap_bytes,
            notes=folders.data / "shipping",
            folder_of=folders.attempt,
        )
    return AttemptEnds(run_files, storage.objects, shipper)


def attempt_files(
    settings: Settings, folders: Folders, run_files: RunFiles, storage: ObjectStorage, store: Store
) -> AttemptFiles:
    """Where logs and outputs of workers go."""
    files = storage.archive or FolderFiles(folders, settings.log_cap_bytes)
    return CopiedLogs(files, run_files, storage.objects, store)
