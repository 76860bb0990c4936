"""The ASGI application: routes, one request id per reply, one shape of errors.

Theory of operation: a request first meets `Application`, which numbers it and turns whatever is raised into the error
shape. `POST …/run-immediate` goes straight to its handler, everything else through `RouteTable` to the route's
`Endpoint`, which checks access and calls the handler. Nothing here reads settings: `app/` gives plain values.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arkwright.api import audit, routes
from arkwright.api.access import admit
from arkwright.api.call import Call, Parts
from arkwright.api.direct import Direct
from arkwright.api.errors import ClientGone, refusal
from arkwright.api.idempotency import Answers
from arkwright.api.limits import Limits, with_quotas
from arkwright.api.metrics import Sources
from arkwright.api.proxies import TrustedProxies
from arkwright.api.request_counts import ROUTE, RequestCounts
from arkwright.api.route import Route
from arkwright.api.routing import RouteTable
from arkwright.api.server_setting import ServerSetting
from arkwright.api.v1.run_immediate import PATH as RUN_IMMEDIATE
from arkwright.engine.assignments import Assignments
from arkwright.engine.interface import Engine
from arkwright.engine.resealing import Resealing
from arkwright.engine.run_files import RunFiles
from arkwright.engine.secret_references import References
from arkwright.errors import IllegalState
from arkwright.executors.warehouse_reader import WarehouseReader
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.tokens import Tokens
from arkwright.iam.worker_tokens import WorkerTokens
from arkwright.notify.sender import Sender
from arkwright.objects.base import Objects
from arkwright.scheduler.event_parts import EventParts
from arkwright.scheduler.interface import Scheduler
from arkwright.store.base import Store
from arkwright.transfer.tasks import SystemTasks


class Application:
    """An ASGI application. `close` ends the replies that are held open, so that the server can stop."""

    def __init__(self, parts: Parts, proxies: TrustedProxies) -> None:
        self._parts = parts
        self._proxies = proxies if proxies else None
        self._ids = itertools.count(1)
        self._id_prefix = secrets.token_hex(8)
        endpoints = _endpoints(parts, routes.ROUTES if parts.serves_api else routes.WITHOUT_API)
        self._run_immediate = endpoints.get(RUN_IMMEDIATE)
        self.requests = parts.metrics.requests if parts.metrics is not None else RequestCounts()
        self.direct = Direct(parts, self.requests, self.next_request_id)
        """The short way of run-immediate, for the HTTP server."""
        self._table = RouteTable(endpoints)

    def close(self) -> None:
        """Ask everybody who waits for something (`?wait=`, event streams) to end. New requests are still answered."""
        self._parts.closing.set()

    def next_request_id(self) -> str:
        return f"{self._id_prefix}{next(self._ids):016x}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"There is nothing here for {scope['type']}.")
        request_id = self.next_request_id()
        scope["arkwright.request_id"] = request_id
        if self._proxies is not None:
            scope = self._proxies.applied(scope)
        started = False

        async def send_numbered(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self.requests.answer(scope, message)
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            if self._run_immediate is not None and self._is_run_immediate(scope):
                await self._run_immediate(scope, receive, send_numbered)
            else:
                await self._table.find(scope)(scope, receive, send_numbered)
        except ClientGone:
            return
        except Exception as error:
            if started:
                raise
            refused = error
            if not self._parts.serves_api and ROUTE not in scope:
                refused = IllegalState("This server does not have the role api.", hint="Ask one that has it.")
            version = scope["path"].split("/", 2)[1] if scope["path"].count("/") > 1 else ""
            answer = refusal(refused, version=version, request_id=request_id)
            await answer.response()(scope, receive, send_numbered)

    @staticmethod
    def _is_run_immediate(scope: Scope) -> bool:
        """Whether the request is for the one route that is routed by hand; fills in its path parameters."""
        path: str = scope["path"]
        if scope["method"] != "POST" or not path.endswith("/run-immediate"):
            return False
        if b"%" in (scope.get("raw_path") or b""):  # an encoded slash is no border; the table knows
            return False
        segments = path.split("/")
        if len(segments) != 6 or segments[1] != "v1" or segments[3] != "jobs":
            return False
        scope["path_params"] = {"project_id": segments[2], "job_name": segments[4]}
        return bool(segments[2] and segments[4])


class Endpoint:
    """All methods of one path."""

    def __init__(self, parts: Parts, answers: Answers, by_method: dict[str, Route]) -> None:
        self._parts = parts
        self._answers = answers
        self._by_method = by_method
        if "GET" in by_method:
            by_method.setdefault("HEAD", by_method["GET"])
        self.methods = list(by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._by_method[scope["method"]]
        scope[ROUTE] = route.path
        call = Call(self._parts, route, scope, receive)
        if not audit.is_audited(call.route):
            await self._admitted(call)
            response = await call.route.handler(call)
        else:
            response = await self._audited(call)
        await response(scope, receive, send)

    async def _admitted(self, call: Call) -> None:
        limits = self._parts.limits
        if limits is not None:
            limits.admit(call.route)
        await admit(call)
        if limits is not None and hasattr(call, "actor"):
            limits.admit_user(call.route, call.actor.user_id)

    async def _audited(self, call: Call) -> ASGIApp:
        """The reply to a call that may change something, once its audit record is durable."""
        try:
            await self._admitted(call)
            if call.route.keeps_answers:
                return await self._answers.once(call, _recorded)
            return await _recorded(call)
        except Exception as error:
            await audit.record_refusal(call, error)
            raise


async def _recorded(call: Call) -> ASGIApp:
    response = await call.route.handler(call)
    await audit.record_success(call)
    return response


def make_application(
    *,
    engine: Engine,
    store: Store,
    directory: Directory,
    authenticator: Authenticator,
    tokens: Tokens,
    login: Login,
    administration: Administration,
    run_files: RunFiles,
    now_ms: Callable[[], int],
    objects: Objects,
    system_tasks: SystemTasks,
    scheduler: Scheduler,
    events: EventParts,
    base_url: str = "",
    body_limit_bytes: int = 12 * 1024 * 1024,
    object_limit_bytes: int = 5 * 1024**3,
    loopback_allowed: bool = False,
    offset_mode: str = "page",
    trusted_proxies: str = "",
    strict: bool = False,
    metrics: Sources | None = None,
    serves_api: bool = True,
    warehouse: WarehouseReader | None = None,
    workspace_folder: Callable[[str], Path] = Path,
    references: References | None = None,
    sender: Sender | None = None,
    assignments: Assignments | None = None,
    resealing: Resealing | None = None,
    settings: Sequence[ServerSetting] = (),
    assess: Callable[[Path], Mapping[str, Any]] | None = None,
) -> Application:
    """The public API over these parts. Call it on the event loop's thread.

    `base_url`: our address, for clients that don't say which one they used. `offset_mode`: see `Parts`.
    `serves_api`: see `Parts`. `strict`: hold clients to the cloud's documented quotas and rates (`limits`).
    """
    parts = Parts(
        engine=engine,
        store=with_quotas(store) if strict else store,
        directory=directory,
        authenticator=authenticator,
        login=login,
        administration=administration,
        tokens=tokens,
        worker_tokens=WorkerTokens(store, now_ms),
        assignments=assignments,
        run_files=run_files,
        now_ms=now_ms,
        closing=asyncio.Event(),
        base_url=base_url,
        body_limit_bytes=body_limit_bytes,
        objects=objects,
        object_limit_bytes=object_limit_bytes,
        system_tasks=system_tasks,
        scheduler=scheduler,
        events=events,
        loopback_allowed=loopback_allowed,
        offset_mode=offset_mode,
        sender=sender,
        metrics=metrics,
        serves_api=serves_api,
        limits=Limits() if strict else None,
        warehouse=warehouse,
        workspace_folder=workspace_folder,
        references=references,
        resealing=resealing,
        settings=settings,
        assess=assess,
    )
    return Application(parts, TrustedProxies(trusted_proxies))


def _endpoints(parts: Parts, all_routes: Sequence[Route]) -> dict[str, Endpoint]:
    by_path: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in all_routes:
        if route.method in by_path[route.path]:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        by_path[route.path][route.method] = route
    answers = Answers(parts)
    return {path: Endpoint(parts, answers, by_method) for path, by_method in by_path.items()}
