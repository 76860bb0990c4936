"""One server process's parts, and what each of them is given."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import cast

from arkwright import __version__
from arkwright.api.application import Application, make_application
from arkwright.api.server_setting import ServerSetting
from arkwright.app.assessing import assessed
from arkwright.app.data_folder import data_folder, write_server_file
from arkwright.app.directory_views import LocalPrograms, WorkspaceLimits, WorkspaceRules
from arkwright.app.executors import executors as make_executors
from arkwright.app.exposure import check_exposure, check_mail, check_roles, check_time_zone
from arkwright.app.first_start import first_start
from arkwright.app.metrics import sources as metric_sources
from arkwright.app.notices import notifier as make_notifier
from arkwright.app.object_storage import attempt_ends, attempt_files, open_object_storage
from arkwright.app.seal_key import check_key, keep_key
from arkwright.app.sealing import make_resealing
from arkwright.app.web import http_config, listen
from arkwright.app.workers import assignments, remote_attempts
from arkwright.app.workspace_policies import WorkspacePolicies
from arkwright.engine.clock import Clock, SystemClock
from arkwright.engine.connections import Connections
from arkwright.engine.contexts import Contexts
from arkwright.engine.database_clock import DatabaseClock
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.engine.presence import Presence
from arkwright.engine.retention import Keep, Retention
from arkwright.engine.room import Admission, Room, StorageMeter
from arkwright.engine.run_files import RunFiles
from arkwright.engine.secret_references import References
from arkwright.engine.subjobs import Nesting
from arkwright.engine.vault import Vault
from arkwright.errors import SettingInvalid
from arkwright.executors.warehouse_reader import WarehouseReader
from arkwright.folder_lock import FolderLock
from arkwright.http_server import HttpServer
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.passwords import Passwords
from arkwright.iam.sealing import Sealer
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import Tokens
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.objects.open import path_exists
from arkwright.own_folder import make_folder, own_name, unusable
from arkwright.scheduler.event_parts import AnySchedules, EventParts
from arkwright.scheduler.scheduler import DurableScheduler
from arkwright.settings import Settings, explained
from arkwright.store.base import Place
from arkwright.store.open import open_store
from arkwright.store.server_record import ServerEntry
from arkwright.transfer.tasks import SystemTasks

log = logging.getLogger("arkwright")

CLOSE_SECONDS = 8.0
"""Longest time from SIGTERM until the exit; requests still open then are cut off."""


class Server:
    """One server process's parts. `start` returns once requests are accepted; recovery goes on behind it."""

    def __init__(self, settings: Settings, machine_clock: Clock | None = None) -> None:
        check_exposure(settings)
        check_roles(settings)
        check_mail(settings)
        check_time_zone(settings)
        self.settings = settings
        self.data = data_folder(settings)
        self._machine_clock = machine_clock or SystemClock()
        self.url = ""
        self.failed = asyncio.Event()
        """Set when the engine ended by a defect."""
        self.credentials_written: Path | None = None
        """Set when this start made the installation and wrote its credentials."""
        self._closing = contextlib.AsyncExitStack()
        self._serving: asyncio.Task[None] | None = None
        self._uvicorn: HttpServer | None = None
        self._application: Application | None = None

    async def start(self) -> None:
        try:
            await self._start()
        except OSError as error:  # a full disk, somebody else's files
            await self._closing.aclose()
            raise unusable(error.filename or f"The data folder {self.data}", error) from error
        except BaseException:
            await self._closing.aclose()
            raise

    async def _start(self) -> None:
        settings = self.settings
        make_folder(self.data)
        lock = FolderLock(self.data)
        lock.acquire()
        self._closing.callback(lock.release)

        listener = listen(settings.host, settings.port)
        self._closing.callback(listener.close)
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = f"{'https' if settings.tls_cert else 'http'}://{host}:{port}"

        embedded = not settings.database_url
        store = open_store(
            settings.database_url or str(self.data / "arkwright.db"), frozen_seconds=settings.lease_seconds
        )
        await store.open()
        self._closing.push_async_callback(store.close)

        clock: Clock = self._machine_clock
        if not embedded:
            clock = shared = DatabaseClock(self._machine_clock)
            await shared.set_first(store)

        key_file = settings.seal_key_file or self.data / "secret.key"
        sealer = Sealer(key_file)
        try:
            await check_key(store, sealer, key_file)
        except SettingInvalid as error:
            if not embedded:
                raise
            log.error("%s", error)  # who has lost the file can log in by password, and set secrets anew
        resealing = make_resealing(store, sealer, alone=embedded)
        await resealing.prepare()
        directory = Directory(store, sealer)
        passwords = Passwords()
        self.credentials_written = await first_start(settings, self.data, directory, passwords)
        if not embedded:
            await keep_key(store, sealer)
            await check_key(store, sealer, key_file)  # another server may have made the installation meanwhile
        tokens = Tokens(store, directory, clock.now_ms)

        runs, schedules = "engine" in settings.roles, "scheduler" in settings.roles
        lease_seconds = None if embedded else settings.lease_seconds
        references = References(prefix=settings.secret_prefix, folder=settings.secret_folder)
        name = own_name(self.data / "engine-name")
        storage = open_object_storage(settings, self.data, name=name)
        objects, news = storage.objects, storage.news
        folders = Folders(self.data)
        run_files = RunFiles(folders, storage.archive, log_cap_bytes=settings.log_cap_bytes)
        registry = Registry()
        executors = (
            make_executors(settings, self.data, registry, folders, port, store, clock, directory) if runs else {}
        )
        policies = WorkspacePolicies(directory, Keep(instance_days=settings.instance_days, log_days=settings.log_days))
        notifier = make_notifier(settings, store, clock, sealer, policies)
        admission = Admission(
            Room(self.data, settings.least_free_bytes, clock),
            quotas=policies.quotas,
            storage=StorageMeter(folders.workspace, clock),
        )
        remote, placement = remote_attempts(settings, store, clock, name)
        engine = Engine(
            store=store,
            clock=clock,
            folders=folders,
            registry=registry,
            executors=executors,
            local_programs_allowed=LocalPrograms(directory),
            name=name,
            obs_exists=path_exists(objects),
            vault=Vault(sealer),
            connections=Connections(store, sealer, references),
            run_files=run_files,
            ends=attempt_ends(settings, folders, run_files, storage),
            remote=remote,
            placement=placement,
            rules=WorkspaceRules(directory),
            lease_seconds=lease_seconds,
            runs=runs,
            alerts=notifier.alerts,
            admission=admission,
            nesting=Nesting(subjob_levels=settings.subjob_levels, levels=settings.job_levels),
        )
        self.failed = engine.failed
        await engine.open()
        self._closing.push_async_callback(engine.close)

        if runs:
            await notifier.open()
            self._closing.push_async_callback(notifier.close)
            retention = Retention(
                store=store,
                clock=clock,
                folders=folders,
                name=name,
                policies=policies.retention,
                notice_days=settings.notice_days,
                audit_days=settings.audit_days,
                archive=storage.archive,
            )
            await retention.open()
            self._closing.push_async_callback(retention.close)

        if runs:
            await resealing.open()
        self._closing.push_async_callback(resealing.close)

        system_tasks = SystemTasks(store, clock.now_ms, owner=name)
        places = [Place(project_id=each.project_id, workspace_id=each.id) for each in directory.snapshot.workspaces]
        await system_tasks.recover(places)
        self._closing.push_async_callback(system_tasks.close)

        scheduler = DurableScheduler(
            store=store,
            engine=engine,
            clock=clock,
            workspace_of=directory.workspace_by_id,
            workspace_named=directory.workspace_named,
            name=name,
            lease_seconds=lease_seconds,
            runs=schedules,
            room_left=admission.room.left,
            expect=notifier.stall.expect,
        )
        events = EventParts(
            store=store,
            engine=engine,
            clock=clock,
            name=name,
            workspace_of=directory.workspace_by_id,
            objects=objects,
            news=news,
            sealer=sealer,
            fence={"allow_loopback_requests": settings.allow_loopback_requests},
            references=references,
            lease_seconds=lease_seconds,
            runs=schedules,
        )
        scheduler.gates.listen_for = events.listen_for
        directory.on_change(scheduler.limits_changed)
        await scheduler.open()
        self._closing.push_async_callback(scheduler.close)
        await events.open()
        self._closing.push_async_callback(events.close)

        def empty(emptying: bool) -> None:
            engine.empty(emptying)
            scheduler.stand_by(emptying)
            events.triggers.stand_by(emptying)

        entry = ServerEntry(
            name=name,
            roles=tuple(sorted(settings.roles)),
            version=__version__,
            url=self.url,
            since_ms=clock.now_ms(),
        )
        presence = Presence(
            store,
            entry,
            lease_seconds=lease_seconds,
            owns=schedules and not runs,
            clock=clock if isinstance(clock, DatabaseClock) else None,
            empty=empty,
            defect=engine.defect,
            ways=(lambda: remote.ways) if runs else None,
        )
        remote.on_ways = presence.tell_again
        await presence.open()
        self._closing.push_async_callback(presence.close)

        application = make_application(
            engine=engine,
            store=store,
            directory=directory,
            authenticator=Authenticator(directory, tokens, clock.now_ms, require_signed_host=False),
            tokens=tokens,
            now_ms=clock.now_ms,
            run_files=run_files,
            base_url=self.url,
            login=Login(directory, passwords, Throttle(), tokens, clock.now_ms),
            administration=Administration(directory, passwords, clock.now_ms),
            offset_mode=settings.offset_mode,
            body_limit_bytes=settings.body_limit_bytes,
            objects=objects,
            object_limit_bytes=settings.object_limit_bytes,
            system_tasks=system_tasks,
            scheduler=AnySchedules(scheduler, events).scheduler(),
            events=events,
            loopback_allowed=settings.allow_loopback_requests,
            trusted_proxies=settings.trusted_proxies,
            strict=settings.limits == "strict",
            metrics=metric_sources(settings, store, engine, scheduler, clock),
            serves_api="api" in settings.roles,
            warehouse=cast("WarehouseReader | None", executors.get(Work.HOSTED)),
            workspace_folder=folders.workspace,
            sender=notifier.sender,
            references=references,
            resealing=resealing,
            settings=[ServerSetting(**asdict(each)) for each in explained(settings)],
            assess=assessed,
            assignments=assignments(
                settings,
                store,
                clock,
                folders,
                registry,
                Contexts(
                    folders=folders,
                    local_programs_allowed=LocalPrograms(directory),
                    vault=Vault(sealer),
                    connections=Connections(store, sealer, references),
                ),
                objects,
                WorkspaceLimits(settings, directory),
                attempt_files(settings, folders, run_files, storage, store),
            ),
        )
        self._application = application
        self._uvicorn = HttpServer(http_config(settings, application))
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]), name="http")
        await self._uvicorn.wait_started(self._serving)
        write_server_file(self.data, self.url)
        self._closing.callback((self.data / "server.json").unlink, missing_ok=True)

    async def stop(self) -> None:
        """No new requests, no new work, state committed; local processes go on and are found again."""
        if self._uvicorn is not None and self._serving is not None and self._application is not None:
            self._application.close()
            self._uvicorn.leave()
            await asyncio.wait({self._serving}, timeout=CLOSE_SECONDS / 2)
            self._uvicorn.force_exit = True
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await self._closing.aclose()

    async def leave(self) -> None:
        """Stop, or end the process if that takes too long."""
        stopping = asyncio.create_task(self.stop())
        await asyncio.wait({stopping}, timeout=CLOSE_SECONDS)
        if not stopping.done():
            # A database that doesn't answer must not keep the process: the next start recovers, as after any crash.
            log.error("Not everything could be closed within %g s (is the database silent?); leaving.", CLOSE_SECONDS)
            logging.shutdown()
            os._exit(1)
        stopping.result()
