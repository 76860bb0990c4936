"""The one place that wires the parts together: settings in, a running server out."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import ipaddress
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import platformdirs
import tzlocal
import uvicorn

from arkwright.api.application import Application, make_application
from arkwright.core.rules import Rules
from arkwright.engine.clock import Clock, SystemClock
from arkwright.engine.connections import Connections
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.engine.retention import Keep, Retention
from arkwright.engine.room import Admission, Room, StorageMeter
from arkwright.engine.secret_references import References
from arkwright.engine.subjobs import Nesting
from arkwright.engine.vault import Vault
from arkwright.errors import ArkwrightError, SettingInvalid
from arkwright.executors.base import Executor
from arkwright.executors.local import LocalExecutor
from arkwright.executors.resident import ResidentExecutor
from arkwright.executors.warehouse_reader import WarehouseReader
from arkwright.folder_lock import FolderLock
from arkwright.http_server import HttpServer, protocol_with
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.bootstrap import Credentials, Given, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.passwords import Passwords
from arkwright.iam.sealing import Sealer
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import Tokens
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.notify.node_messages import NodeMessages
from arkwright.notify.notifier import Notifier
from arkwright.notify.outcome import MailServer
from arkwright.notify.sender import Sender
from arkwright.notify.topic import FIXED_SERVICES
from arkwright.objects.open import open_objects, path_exists
from arkwright.scheduler.event_parts import AnySchedules, EventParts
from arkwright.scheduler.events.folder_watch import FolderNews, TellingObjects
from arkwright.scheduler.scheduler import DurableScheduler
from arkwright.settings import Settings
from arkwright.store.base import Place, Store
from arkwright.store.open import open_store
from arkwright.transfer.tasks import SystemTasks
from arkwright.workspace_policies import WorkspacePolicies

log = logging.getLogger("arkwright")

LEASE_SECONDS = 15
"""Engines that share a PostgreSQL hold their instances by a lease of this length."""

CLOSE_SECONDS = 8.0
"""Longest time from SIGTERM until the exit; requests still open then are cut off."""


def data_folder(settings: Settings) -> Path:
    """The data folder that these settings mean; not created."""
    return (settings.data or Path(platformdirs.user_data_path("arkwright", appauthor=False))).absolute()


class Server:
    """One server process's parts. `start` returns once requests are accepted; recovery goes on behind it."""

    def __init__(self, settings: Settings) -> None:
        _check_exposure(settings)
        _check_mail(settings)
        self.settings = settings
        self.data = data_folder(settings)
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
        except BaseException:
            await self._closing.aclose()
            raise

    async def _start(self) -> None:
        settings = self.settings
        _make_folder(self.data)
        lock = FolderLock(self.data)
        lock.acquire()
        self._closing.callback(lock.release)

        listener = _listen(settings.host, settings.port)
        self._closing.callback(listener.close)
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = f"{'https' if settings.tls_cert else 'http'}://{host}:{port}"

        embedded = not settings.database_url
        store = open_store(settings.database_url or str(self.data / "arkwright.db"))
        await store.open()
        self._closing.push_async_callback(store.close)

        sealer = Sealer(self.data / "secret.key")
        directory = Directory(store, sealer)
        passwords = Passwords()
        await self._first_start(directory, passwords)
        clock = SystemClock()
        tokens = Tokens(store, directory, clock.now_ms)

        references = References(prefix=settings.secret_prefix, folder=settings.secret_folder)
        objects = open_objects(
            self.data / "obs",
            endpoint=settings.s3_endpoint,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            region=settings.s3_region,
        )
        news = None if settings.s3_endpoint else FolderNews(self.data / "obs")
        if news is not None:
            objects = TellingObjects(objects, news)
        engine_name = _engine_name(self.data)
        folders = Folders(self.data)
        registry = Registry()
        executors = self._executors(registry, folders, port, store, clock) if "engine" in settings.roles else {}
        policies = WorkspacePolicies(directory, Keep(instance_days=settings.instance_days, log_days=settings.log_days))
        notifier = self._notifier(store, clock, sealer, policies)
        admission = Admission(
            Room(self.data, settings.least_free_bytes, clock),
            quotas=policies.quotas,
            storage=StorageMeter(folders.workspace, clock),
        )
        engine = Engine(
            store=store,
            clock=clock,
            folders=folders,
            registry=registry,
            executors=executors,
            local_programs_allowed=_LocalPrograms(directory),
            name=engine_name,
            obs_exists=path_exists(objects),
            vault=Vault(sealer),
            connections=Connections(store, sealer, references),
            rules=_WorkspaceRules(directory),
            lease_seconds=None if embedded else LEASE_SECONDS,
            runs="engine" in settings.roles,
            alerts=notifier.alerts,
            admission=admission,
            nesting=Nesting(subjob_levels=settings.subjob_levels, levels=settings.job_levels),
        )
        self.failed = engine.failed
        await engine.open()
        self._closing.push_async_callback(engine.close)

        if "engine" in settings.roles:
            await notifier.open()
            self._closing.push_async_callback(notifier.close)
            retention = Retention(
                store=store,
                clock=clock,
                folders=folders,
                name=engine_name,
                policies=policies.retention,
                notice_days=settings.notice_days,
                audit_days=settings.audit_days,
            )
            await retention.open()
            self._closing.push_async_callback(retention.close)

        system_tasks = SystemTasks(store, clock.now_ms, owner=engine_name)
        places = [Place(project_id=each.project_id, workspace_id=each.id) for each in directory.snapshot.workspaces]
        await system_tasks.recover(places)
        self._closing.push_async_callback(system_tasks.close)

        scheduler = DurableScheduler(
            store=store,
            engine=engine,
            clock=clock,
            workspace_of=directory.workspace_by_id,
            workspace_named=directory.workspace_named,
            name=engine_name,
            lease_seconds=None if embedded else LEASE_SECONDS,
            runs="engine" in settings.roles,
            room_left=admission.room.left,
            expect=notifier.stall.expect,
        )
        events = EventParts(
            store=store,
            engine=engine,
            clock=clock,
            name=engine_name,
            workspace_of=directory.workspace_by_id,
            objects=objects,
            news=news,
            sealer=sealer,
            references=references,
            lease_seconds=None if embedded else LEASE_SECONDS,
            runs="engine" in settings.roles,
        )
        scheduler.gates.listen_for = events.listen_for
        directory.on_change(scheduler.limits_changed)
        await scheduler.open()
        self._closing.push_async_callback(scheduler.close)
        await events.open()
        self._closing.push_async_callback(events.close)

        application = make_application(
            engine=engine,
            store=store,
            directory=directory,
            authenticator=Authenticator(directory, tokens, clock.now_ms, require_signed_host=False),
            tokens=tokens,
            now_ms=clock.now_ms,
            log_path=folders.log,
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
            warehouse=cast("WarehouseReader | None", executors.get(Work.HOSTED)),
            workspace_folder=folders.workspace,
            sender=notifier.sender,
            references=references,
        )
        self._application = application
        self._uvicorn = HttpServer(self._uvicorn_config(application))
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]), name="http")
        await self._uvicorn.wait_started(self._serving)
        _write_server_file(self.data, self.url)
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

    def _notifier(self, store: Store, clock: Clock, sealer: Sealer, policies: WorkspacePolicies) -> Notifier:
        settings = self.settings
        sender = Sender(
            store=store,
            sealer=sealer,
            now_ms=clock.now_ms,
            mail_server=MailServer(
                host=settings.smtp_host,
                port=settings.smtp_port,
                user=settings.smtp_user,
                password=settings.smtp_password,
                security=settings.smtp_security,
                sender=settings.mail_from,
            ),
            fence={"allow_loopback_requests": settings.allow_loopback_requests},
            services=FIXED_SERVICES | frozenset(settings.chat_services.replace(",", " ").lower().split()),
            workspace_name=policies.name,
            public_url=settings.public_url,
        )
        return Notifier(store=store, clock=clock, sender=sender, places=policies.places, policy=policies.alerts)

    def _executors(
        self, registry: Registry, folders: Folders, port: int, store: Store, clock: Clock
    ) -> Mapping[Work, Executor]:
        settings = self.settings
        hosted = ResidentExecutor(
            registry,
            folders.hosts,
            own_addresses=frozenset({(address, port) for address in ("127.0.0.1", "::1", settings.host)}),
            settings={
                "allow_loopback_requests": settings.allow_loopback_requests,
                "log_cap_bytes": settings.log_cap_bytes,
                "objects_folder": str(self.data / "obs"),
                "s3_endpoint": settings.s3_endpoint,
                "s3_region": settings.s3_region,
            },
            secrets={"s3_access_key": settings.s3_access_key, "s3_secret_key": settings.s3_secret_key},
        )
        return {
            Work.PROGRAM: LocalExecutor(
                registry, root=folders.runs, max_programs=settings.max_programs, log_cap_bytes=settings.log_cap_bytes
            ),
            Work.HOSTED: WarehouseReader(hosted, self.data / "questions", store.next_id),
            Work.MESSAGE: NodeMessages(registry, store, clock),
        }

    async def _first_start(self, directory: Directory, passwords: Passwords) -> None:
        settings = self.settings
        given = Given(
            project_id=settings.project_id or None,
            domain_name=settings.domain or None,
            admin_user=settings.admin_user or None,
            admin_password=settings.admin_password or None,
            access_key=settings.access_key or None,
            secret_key=settings.secret_key or None,
            time_zone=settings.time_zone or _machine_time_zone(),
        )
        path = self.data / "credentials.csv"

        def keep(made: Credentials) -> None:
            _write_private(path, _credentials_csv(made))

        outcome = await bootstrap(directory, passwords, given, now_ms=SystemClock().now_ms(), keep=keep)
        for warning in outcome.warnings:
            log.warning("%s", warning)
        self.credentials_written = path if outcome.created is not None else None

    def _uvicorn_config(self, application: Application) -> uvicorn.Config:
        settings = self.settings
        return uvicorn.Config(
            application,
            http=protocol_with(application.direct),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the application looks at them itself, and only from trusted proxies
            timeout_graceful_shutdown=3,
            timeout_keep_alive=75,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
            backlog=2048,
        )


class _WorkspaceRules:
    """A workspace's rules for its instances, as the directory says now."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, workspace_id: str) -> Rules:
        workspace = self._directory.workspace_by_id(workspace_id)
        return Rules() if workspace is None else workspace.rules


class _LocalPrograms:
    """Whether a workspace may run programs on this host, as the directory says now."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __call__(self, workspace_id: str) -> bool:
        workspace = self._directory.workspace_by_id(workspace_id)
        return workspace is not None and workspace.local_programs_allowed


def serve(settings: Settings, *, started: Any = None) -> int:
    """Run a server until SIGTERM or SIGINT; the exit code. `started` is called with the `Server` once it accepts."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stopped.set)
        server = Server(settings)
        await server.start()
        if started is not None:
            started(server)
        failed = asyncio.create_task(server.failed.wait())
        await asyncio.wait({failed, asyncio.create_task(stopped.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await _stop_in_time(server)
        if failed.done():
            raise ArkwrightError("The engine stopped because of a defect; the log has more.", hint="Start it again.")

    run = asyncio.run
    if sys.platform != "win32":
        import uvloop

        run = uvloop.run
    run(main())
    return 0


async def _stop_in_time(server: Server) -> None:
    stopping = asyncio.create_task(server.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_SECONDS)
    if not stopping.done():
        # A database that doesn't answer must not keep the process: the next start recovers, as after any crash.
        log.error("Not everything could be closed within %g s (is the database silent?); leaving.", CLOSE_SECONDS)
        logging.shutdown()
        os._exit(1)
    stopping.result()


def _check_mail(settings: Settings) -> None:
    if settings.smtp_host and "@" not in settings.mail_from:
        raise SettingInvalid(
            "ARKWRIGHT_SMTP_HOST is set, and ARKWRIGHT_MAIL_FROM is no mail address.",
            hint="Set it to the address that notices come from.",
        )


def _check_exposure(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingInvalid("--tls-cert and --tls-key belong together.", hint="Give both, or neither.")
    if settings.tls_cert or settings.insecure_http or settings.trusted_proxies:
        return
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise SettingInvalid(
            f"Listening on {settings.host} without TLS would send passwords and tokens in the clear.",
            hint="Give --tls-cert and --tls-key, or name the reverse proxy in ARKWRIGHT_TRUSTED_PROXIES, "
            "or accept the risk with --insecure-http.",
        )


def _make_folder(folder: Path) -> None:
    """Mode 0700 where we make it; a folder that was there keeps its mode and its foreign files."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise SettingInvalid(
            f"The data folder {folder} can't be used: {error.strerror}.", hint="Choose another one with --data."
        ) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingInvalid(f"The data folder {folder} is not writable.", hint="Choose another one with --data.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingInvalid(
            f"Can't listen on {host}:{port}: {error.strerror or error}.",
            hint="Another program uses it, or the address is not this machine's; choose another --port or --host.",
        ) from error
    return listener


def _engine_name(folder: Path) -> str:
    """This folder's engine: the same after each restart, different from every other folder's."""
    path = folder / "engine-name"
    with contextlib.suppress(FileNotFoundError):
        name = path.read_text().strip()
        if name:
            return name
    name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    _write_private(path, name + "\n")
    return name


def _machine_time_zone() -> str:
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, ValueError):  # a machine whose zone has no name
        return "UTC"


def _credentials_csv(made: Credentials) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["User Name", "Password", "Access Key Id", "Secret Access Key", "Project Id", "Domain"])
    writer.writerow(
        [made.user_name, made.password, made.access_key, made.secret_key, made.project_id, made.domain_name]
    )
    return text.getvalue()


def _write_server_file(folder: Path, url: str) -> None:
    """Where the command line finds this server."""
    _write_private(folder / "server.json", msgspec.json.encode({"url": url, "pid": os.getpid()}).decode() + "\n")


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by this user only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


__all__ = ["ArkwrightError", "Server", "data_folder", "serve"]
