"""What workers say about attempts (ours): the HTTP side of the runner protocol (`executors/attempt_wire`).

Rules: only a worker's token opens these routes, and it opens no other. They are not audited: what matters of them is in
the instance's history. Each may be sent again without harm.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.responses import Response, StreamingResponse

from arkwright.api.call import Call, empty, short
from arkwright.api.route import Access, Route, flag, number, text
from arkwright.engine.assignments import Assignments
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.executors.attempt_wire import (
    Arrival,
    Asked,
    Cancels,
    Claim,
    Leave,
    LogEnd,
    Renewal,
    Renewed,
    Report,
    Welcome,
    attempt_key,
    decode,
    encode,
)
from arkwright.nodes.base import AttemptKey

T = TypeVar("T")

PIECE_BYTES = 16 * 1024 * 1024
"""Of a log, or a whole output."""
WAIT_SECONDS = 25.0
"""How long a question about what is to stop is held open."""


class ClaimShown(Struct, kw_only=True):
    """`executors.attempt_wire.ClaimAnswer`, for the documentation."""

    claimed: dict[str, Any] | None = None
    """`epoch`, `type` and `context`: all that the node is given, secrets included."""
    refusal: str = ""
    stop: bool = False
    """With a refusal: this worker will get none, it should end."""


async def arrive(call: Call) -> Response:
    return _answer(await _desk(call).arrive(await _sent(call, Arrival), call.worker))


async def leave(call: Call) -> Response:
    await _desk(call).leave((await _sent(call, Leave)).runner, call.worker)
    return empty()


async def renew(call: Call) -> Response:
    return _answer(await _desk(call).renew(await _sent(call, Renewal), call.worker))


async def show_cancels(call: Call) -> Response:
    asked = await _sent(call, Asked)
    wanted = _desk(call).cancels(asked.runner, call.worker, known=frozenset(asked.known))
    waiting = asyncio.ensure_future(asyncio.wait_for(wanted, WAIT_SECONDS))
    if not await call.while_connected(waiting):
        return _answer(Cancels())
    try:
        return _answer(waiting.result())
    except TimeoutError:
        return _answer(Cancels(attempts=asked.known))


async def claim(call: Call) -> Response:
    return _answer(await _desk(call).claim(_key(call), await _sent(call, Claim), call.worker))


async def finish(call: Call) -> Response:
    await _desk(call).finish(_key(call), await _sent(call, Report), call.worker)
    return empty()


async def show_input(call: Call) -> Response:
    given = call.path["number"]
    if not given.isascii() or not given.isdigit() or len(given) > 6:
        raise NotFound(f"{short(given)} is no number of a file.", field="number")
    found = await _desk(call).input(_key(call), *_claimant(call), int(given), call.worker)
    # Shorter than said (it changed meanwhile) breaks the connection, so that the worker asks again.
    return StreamingResponse(found.pieces, 200, {"Content-Length": str(found.size)}, "application/octet-stream")


async def write_log(call: Call) -> Response:
    offset, cut = call.number("offset", 0) or 0, call.flag("cut")
    await _desk(call).write_log(_key(call), *_claimant(call), offset, await _piece(call), call.worker, cut=cut)
    return empty()


async def show_log_end(call: Call) -> Response:
    return _answer(LogEnd(offset=await _desk(call).log_end(_key(call), *_claimant(call), call.worker)))


async def write_output(call: Call) -> Response:
    name = call.path["name"]
    await _desk(call).write_output(_key(call), *_claimant(call), name, await _piece(call), call.worker)
    return empty()


async def _piece(call: Call) -> bytes:
    return b"".join([each async for each in call.stream(PIECE_BYTES)])


def _desk(call: Call) -> Assignments:
    found = call.parts.assignments
    if found is None:
        raise IllegalState("This server has no work for workers.", hint="Start it with --executor dask://HOST:PORT.")
    return found


async def _sent(call: Call, kind: type[T]) -> T:
    try:
        return decode(await call.body(), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The message can't be read: {error}", hint="Do worker and server have one version?"
        ) from None


def _key(call: Call) -> AttemptKey:
    found = attempt_key(call.path["attempt"])
    if found is None:
        raise NotFound(f"There is no attempt {short(call.path['attempt'])}.", field="attempt")
    return found


def _claimant(call: Call) -> tuple[str, int]:
    """(worker, epoch)."""
    return call.query.get("runner", ""), call.number("epoch", 0) or 0


def _answer(message: Struct) -> Response:
    """Never masked: a claim's secrets are what the worker needs."""
    return Response(encode(message), media_type="application/json")


_RUNNER = "/v1/runner"
_ATTEMPT = f"{_RUNNER}/attempts/{{attempt}}"
_CLAIMANT = (
    text("runner", "The worker's name."),
    number("epoch", "Of its claim.", minimum=0),
)
_REFUSED = (Code.ILLEGAL_STATE, Code.OBJECT_NOT_FOUND)


def _route(method: str, path: str, handler: object, operation: str, summary: str, **more: object) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,  # type: ignore[arg-type]
        operation=operation,
        summary=summary,
        tag="workers",
        access=Access.WORKER,
        ours=True,
        **more,  # type: ignore[arg-type]
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "POST",
        f"{_RUNNER}/arrive",
        arrive,
        "arriveWorker",
        "A worker says who it is; one of another version is refused.",
        request=Arrival,
        response=Welcome,
        errors=(Code.ILLEGAL_STATE, Code.FORBIDDEN),
    ),
    _route("POST", f"{_RUNNER}/leave", leave, "leaveWorker", "A worker goes.", request=Leave, success=204),
    _route(
        "POST",
        f"{_RUNNER}/renew",
        renew,
        "renewAttempts",
        "A worker still runs these attempts; answers those that are still its own.",
        request=Renewal,
        response=Renewed,
        example={"runner": "machine-1a2b3c4d", "held": [["1042-0-1", 2]], "slots": 4},
        errors=(Code.ILLEGAL_STATE,),
    ),
    _route(
        "POST",
        f"{_RUNNER}/cancels",
        show_cancels,
        "showAttemptsToStop",
        f"Which of a worker's attempts are to stop; held open until there are others, {WAIT_SECONDS:.0f} s at most.",
        request=Asked,
        response=Cancels,
        errors=(Code.ILLEGAL_STATE,),
    ),
    _route(
        "POST",
        f"{_ATTEMPT}/claim",
        claim,
        "claimAttempt",
        "May this worker run the attempt? Answers all that it needs, or why not.",
        request=Claim,
        response=ClaimShown,
        errors=_REFUSED,
    ),
    _route(
        "POST",
        f"{_ATTEMPT}/finish",
        finish,
        "finishAttempt",
        "How the attempt ended. A repeat changes nothing; one of an older claim is refused.",
        request=Report,
        success=204,
        errors=_REFUSED,
    ),
    _route(
        "GET",
        f"{_ATTEMPT}/inputs/{{number}}",
        show_input,
        "showAttemptInput",
        "A file of the server's that the attempt's settings name, by its number among them, from 0.",
        parameters=_CLAIMANT,
        media_type="application/octet-stream",
        errors=_REFUSED,
    ),
    _route(
        "PUT",
        f"{_ATTEMPT}/log",
        write_log,
        "writeAttemptLog",
        "A piece of the attempt's log, from `offset` on.",
        parameters=(
            *_CLAIMANT,
            number("offset", "Where the piece begins, in bytes.", minimum=0, default=0),
            flag("cut", "Whether the log ends with this piece."),
        ),
        success=204,
        streamed=True,
        errors=_REFUSED,
    ),
    _route(
        "GET",
        f"{_ATTEMPT}/log",
        show_log_end,
        "showAttemptLogEnd",
        "How far the attempt's log has arrived.",
        parameters=_CLAIMANT,
        response=LogEnd,
        errors=_REFUSED,
    ),
    _route(
        "PUT",
        f"{_ATTEMPT}/files/{{name}}",
        write_output,
        "writeAttemptOutput",
        "A file that the attempt leaves for others: `output` or `columns`.",
        parameters=_CLAIMANT,
        success=204,
        streamed=True,
        errors=_REFUSED,
    ),
)
