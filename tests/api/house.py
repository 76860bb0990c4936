"""A whole installation inside the test's process: real store, real identity, real engine that only accepts.

The application is called directly, without a network between; `server.py` is for what needs one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from tests.servers.database import place_for

from arkwright.api.application import Application, make_application
from arkwright.app.assessing import assessed
from arkwright.engine.clock import SystemClock
from arkwright.engine.engine import Engine
from arkwright.engine.folders import Folders
from arkwright.engine.run_files import RunFiles
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.bootstrap import Given, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.model import Role
from arkwright.iam.passwords import Parameters, Passwords
from arkwright.iam.sealing import Sealer
from arkwright.iam.throttle import Throttle
from arkwright.iam.tokens import Tokens
from arkwright.nodes.registry import Registry
from arkwright.objects.folder import FolderObjects
from arkwright.scheduler.event_parts import AnySchedules, EventParts
from arkwright.scheduler.scheduler import DurableScheduler
from arkwright.store.base import Store
from arkwright.store.open import open_store
from arkwright.transfer.tasks import SystemTasks

PROJECT = "0123456789abcdef0123456789abcdef"
PASSWORD = "Correct-Horse-7"
BODY_LIMIT = 12 * 1024 * 1024
OBJECT_LIMIT = 20 * 1024 * 1024

T = TypeVar("T")

JOB: dict[str, Any] = {
    "name": "myJob",
    "processType": "BATCH",
    "schedule": {"type": "EXECUTE_ONCE"},
    "nodes": [{"name": "only", "type": "Dummy"}],
}
SCRIPT: dict[str, Any] = {"name": "echo", "type": "Shell", "content": "echo a"}


@dataclass
class House:
    """Call it like a client. Every role has a user; `role=None` sends no credential."""

    application: Application
    store: Store
    directory: Directory
    administration: Administration
    loop: asyncio.AbstractEventLoop
    place: str
    """Its database, as `open_store` takes it."""
    tokens: dict[str, str] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str | None = "administrator",
        headers: Mapping[str, str | bytes] | None = None,
        content: bytes | None = None,
        project: str = PROJECT,
        cut: bool = False,
    ) -> httpx2.Response:
        """`path` below the project, or a whole one with a leading slash. `cut`: hang up with the first piece of the
        answer, as one must on a stream without end."""
        return self.run(self._call(method, path, body, role, dict(headers or {}), content, project, cut))

    async def _call(
        self,
        method: str,
        path: str,
        body: Any,
        role: str | None,
        headers: dict[str, str | bytes],
        content: bytes | None,
        project: str,
        cut: bool,
    ) -> httpx2.Response:
        if role is not None:
            headers.setdefault("X-Auth-Token", self.tokens[role])
        url = path if path.startswith("/") else f"/v1/{project}/{path}"
        # Errors must come back as answers: what the application lets through would be uvicorn's to answer.
        application = _cut(self.application) if cut else self.application
        transport = httpx2.ASGITransport(application, raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://arkwright.test") as client:
            if content is not None:
                return await client.request(method, url, content=content, headers=headers)
            return await client.request(method, url, json=body, headers=headers)

    def save_job(self, name: str, **changed: Any) -> None:
        reply = self.call("POST", "jobs", {**JOB, "name": name, **changed})
        assert reply.status_code == 204, reply.text


def open_house(folder: Path, **more: Any) -> tuple[House, threading.Thread]:
    """`more`: for `make_application`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="house", daemon=True)
    thread.start()
    made = asyncio.run_coroutine_threadsafe(_open(folder, more), loop).result(timeout=60)
    return made, thread


def close_house(house: House, thread: threading.Thread) -> None:
    house.run(house.store.close())
    house.loop.call_soon_threadsafe(house.loop.stop)
    thread.join(timeout=10)
    with suppress(RuntimeError):
        house.loop.close()


async def _open(folder: Path, more: Mapping[str, Any]) -> House:
    place = place_for(folder, "arkwright.db")
    store = open_store(place)
    await store.open()
    clock = SystemClock()
    directory = Directory(store, Sealer(folder / "secret.key"))
    passwords = Passwords(Parameters(passes=1, memory_kib=8))
    given = Given(project_id=PROJECT, admin_password=PASSWORD, time_zone="Europe/Berlin")
    await bootstrap(directory, passwords, given, now_ms=clock.now_ms(), keep=lambda _: None)
    tokens = Tokens(store, directory, clock.now_ms)
    administration = Administration(directory, passwords, clock.now_ms)
    folders = Folders(folder)
    engine = Engine(
        store=store,
        clock=clock,
        folders=folders,
        registry=Registry(),
        executors={},
        local_programs_allowed=lambda _: False,
        name="house",
        runs=False,
    )
    await engine.open()
    objects = FolderObjects(folder / "obs")
    scheduler = DurableScheduler(
        store=store,
        engine=engine,
        clock=clock,
        workspace_of=directory.workspace_by_id,
        workspace_named=directory.workspace_named,
        name="house",
        runs=False,
    )
    events = EventParts(
        store=store,
        engine=engine,
        clock=clock,
        name="house",
        workspace_of=directory.workspace_by_id,
        objects=objects,
        news=None,
        sealer=directory.sealer,
        runs=False,
    )
    application = make_application(
        engine=engine,
        store=store,
        directory=directory,
        authenticator=Authenticator(directory, tokens, clock.now_ms),
        tokens=tokens,
        login=Login(directory, passwords, Throttle(), tokens, clock.now_ms),
        administration=administration,
        run_files=RunFiles(folders),
        now_ms=clock.now_ms,
        objects=objects,
        system_tasks=SystemTasks(store, clock.now_ms, owner="house"),
        scheduler=AnySchedules(scheduler, events).scheduler(),
        events=events,
        body_limit_bytes=BODY_LIMIT,
        object_limit_bytes=OBJECT_LIMIT,
        assess=assessed,
        **more,
    )
    house = House(application, store, directory, administration, asyncio.get_running_loop(), place)
    domain = directory.only_domain()
    assert domain is not None
    workspace = directory.workspace(PROJECT, None)
    for role in Role:
        user = (await administration.create_user(domain.id, f"the-{role}", password=PASSWORD)).user
        await administration.set_role(workspace.id, user.id, role)
    await administration.create_user(domain.id, "the-stranger", password=PASSWORD)
    for name in (*(f"the-{role}" for role in Role), "the-stranger", "admin"):
        known = directory.user_named(domain.id, name)
        assert known is not None
        issued = await tokens.issue(known, PROJECT)
        house.tokens["administrator" if name == "admin" else name.removeprefix("the-")] = issued.text
    return house


def _cut(application: Any) -> Any:
    """The application, ended with the first piece of its answer."""

    async def first_piece(scope: Any, receive: Any, send: Any) -> None:
        answered = asyncio.Event()

        async def passed_on(message: Any) -> None:
            if answered.is_set():
                return
            await send({**message, "more_body": False} if message["type"] == "http.response.body" else message)
            if message["type"] == "http.response.body":
                answered.set()

        working = asyncio.ensure_future(application(scope, receive, passed_on))
        enough = asyncio.ensure_future(answered.wait())
        await asyncio.wait({working, enough}, return_when=asyncio.FIRST_COMPLETED)
        for each in (working, enough):
            each.cancel()
        await asyncio.gather(working, enough, return_exceptions=True)

    return first_piece
