"""Is the process alive, and can it work? For whoever starts and watches servers."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Access, Route
from arkwright.core.workers import Way
from arkwright.errors import StoreUnavailable

_ALIVE = b'{"status":"ok"}'


class Health(Struct, kw_only=True):
    status: Literal["ok"] = "ok"


class Readiness(Struct, kw_only=True, omit_defaults=True):
    status: Literal["ready", "not ready"]
    reasons: list[str] = []
    warnings: list[str] = []
    """What it lacks for a part of its work; it does the rest."""


async def show_health(call: Call) -> Response:
    return Response(_ALIVE, media_type="application/json")


async def show_readiness(call: Call) -> Response:
    reasons: list[str] = []
    try:
        await call.parts.store.ping()
    except StoreUnavailable:  # whose address stands in the error: whoever asks is anybody
        reasons.append("The database can't be used; the server's log says why.")
    if not call.parts.engine.ready:
        reasons.append("The engine is still taking up the work of before the start.")
    if (lack := call.parts.engine.lack) is not None:
        reasons.append(f"New runs are refused: {lack}")
    if call.parts.closing.is_set():
        reasons.append("The server is stopping.")
    warnings = [_away(each) for each in call.parts.engine.ways if not each.connected]
    if reasons:
        return answer(Readiness(status="not ready", reasons=reasons, warnings=warnings), 503)
    return answer(Readiness(status="ready", warnings=warnings))


def _away(way: Way) -> str:
    """Without its address: whoever asks is anybody."""
    named = f"the groups {', '.join(way.groups)}" if way.groups else ""
    others = ("all other groups" if named else "all groups") if way.others else ""
    return f"A Dask scheduler of {' and '.join(filter(None, (named, others)))} of workers can't be reached."


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        handler=show_health,
        operation="showHealth",
        summary="The process is alive.",
        tag="server",
        access=Access.PUBLIC,
        response=Health,
        ours=True,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=show_readiness,
        operation="showReadiness",
        summary="The server can do its work, or 503 with the reasons why not.",
        tag="server",
        access=Access.PUBLIC,
        response=Readiness,
        ours=True,
    ),
)
