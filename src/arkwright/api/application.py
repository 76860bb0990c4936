"""The ASGI application: routes, one request id per reply, one shape of errors.

Theory of operation: a request first meets `Application`, which numbers it and turns whatever is raised into the error
shape. `POST …/run-immediate` goes straight to its handler, everything else through Starlette's router to the route's
`Endpoint`, which checks access and calls the handler. Nothing here reads settings: `app.py` gives plain values.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arkwright.api import audit, routes
from arkwright.api.access import admit
from arkwright.api.call import Call, LogPath, Parts
from arkwright.api.error_codes import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND
from arkwright.api.errors import ClientGone, HttpRefusal, refusal
from arkwright.api.proxies import TrustedProxies
from arkwright.api.route import Route
from arkwright.api.v1.run_immediate import PATH as RUN_IMMEDIATE
from arkwright.engine.interface import Engine
from arkwright.iam.administration import Administration
from arkwright.iam.authentication import Authenticator
from arkwright.iam.directory import Directory
from arkwright.iam.login import Login
from arkwright.iam.tokens import Tokens
from arkwright.objects.base import Objects
from arkwright.store.base import Store
from arkwright.transfer.tasks import SystemTasks

_VARIABLE = re.compile(r"\{[^}]*\}")


class Application:
    """An ASGI application. `close` ends the replies that are held open, so that the server can stop."""

    def __init__(self, parts: Parts, proxies: TrustedProxies) -> None:
        self._parts = parts
        self._proxies = proxies if proxies else None
        self._ids = itertools.count(1)
        self._id_prefix = secrets.token_hex(8)
        endpoints = _endpoints(parts, routes.ROUTES)
        self._run_immediate = endpoints[RUN_IMMEDIATE]
        self._router = Router(_paths(endpoints), redirect_slashes=False, default=_no_route)

    def close(self) -> None:
        """Ask everybody who waits for something (`?wait=`, event streams) to end. New requests are still answered."""
        self._parts.closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        request_id = f"{self._id_prefix}{next(self._ids):016x}"
        scope["arkwright.request_id"] = request_id
        if self._proxies is not None:
            scope = self._proxies.applied(scope)
        started = False

        async def send_numbered(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            if self._is_run_immediate(scope):
                await self._run_immediate(scope, receive, send_numbered)
            else:
                scope["app"] = self  # asks Starlette to raise its 405 instead of answering it
                await self._router(scope, receive, send_numbered)
        except ClientGone:
            return
        except Exception as error:
            if started:
                raise
            version = scope["path"].split("/", 2)[1] if scope["path"].count("/") > 1 else ""
            answer = refusal(_known(error), version=version, request_id=request_id)
            await answer.response()(scope, receive, send_numbered)

    @staticmethod
    def _is_run_immediate(scope: Scope) -> bool:
        """Whether the request is for the one route that is routed by hand; fills in its path parameters."""
        path: str = scope["path"]
        if scope["method"] != "POST" or not path.endswith("/run-immediate"):
            return False
        segments = path.split("/")
        if len(segments) != 6 or segments[1] != "v1" or segments[3] != "jobs":
            return False
        scope["path_params"] = {"project_id": segments[2], "job_name": segments[4]}
        return bool(segments[2] and segments[4])


class Endpoint:
    """All methods of one path."""

    def __init__(self, parts: Parts, by_method: dict[str, Route]) -> None:
        self._parts = parts
        self._by_method = by_method
        if "GET" in by_method:
            by_method.setdefault("HEAD", by_method["GET"])
        self.methods = list(by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(self._parts, self._by_method[scope["method"]], scope, receive)
        if not audit.is_audited(call.route):
            await admit(call)
            response = await call.route.handler(call)
        else:
            response = await _audited(call)
        await response(scope, receive, send)


async def _audited(call: Call) -> ASGIApp:
    """The reply to a call that may change something, once its audit record is durable."""
    try:
        await admit(call)
        response = await call.route.handler(call)
    except Exception as error:
        await audit.record_refusal(call, error)
        raise
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
    log_path: LogPath,
    now_ms: Callable[[], int],
    objects: Objects,
    system_tasks: SystemTasks,
    base_url: str = "",
    body_limit_bytes: int = 12 * 1024 * 1024,
    object_limit_bytes: int = 5 * 1024**3,
    loopback_allowed: bool = False,
    offset_mode: str = "page",
    trusted_proxies: str = "",
) -> Application:
    """The public API over these parts. Call it on the event loop's thread.

    `base_url`: our address, for clients that don't say which one they used. `offset_mode`: see `Parts`.
    """
    parts = Parts(
        engine=engine,
        store=store,
        directory=directory,
        authenticator=authenticator,
        login=login,
        administration=administration,
        tokens=tokens,
        log_path=log_path,
        now_ms=now_ms,
        closing=asyncio.Event(),
        base_url=base_url,
        body_limit_bytes=body_limit_bytes,
        objects=objects,
        object_limit_bytes=object_limit_bytes,
        system_tasks=system_tasks,
        loopback_allowed=loopback_allowed,
        offset_mode=offset_mode,
    )
    return Application(parts, TrustedProxies(trusted_proxies))


def _endpoints(parts: Parts, all_routes: Sequence[Route]) -> dict[str, Endpoint]:
    by_path: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in all_routes:
        if route.method in by_path[route.path]:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        by_path[route.path][route.method] = route
    return {path: Endpoint(parts, by_method) for path, by_method in by_path.items()}


def _paths(endpoints: Mapping[str, Endpoint]) -> list[Path]:
    """For the router, literal segments before variables: `jobs/import` beside `jobs/{job_name}`."""

    def literal_first(path: str) -> list[bool]:
        return [bool(_VARIABLE.search(segment)) for segment in path.split("/")]

    return [
        Path(path, endpoint=endpoints[path], methods=endpoints[path].methods)
        for path in sorted(endpoints, key=literal_first)
    ]


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)


def _known(error: Exception) -> Exception:
    """Starlette's refusals as ours."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        return HttpRefusal(METHOD_NOT_ALLOWED, headers=dict(error.headers or {}))
    if isinstance(error, HTTPException) and error.status_code == 404:
        return HttpRefusal(ROUTE_NOT_FOUND)
    return error
