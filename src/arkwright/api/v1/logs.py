"""Logs of nodes (ours): whole, in byte ranges, or followed live as server-sent events.

Following: the end of the attempt is told by the engine at once; how far the log has grown is looked up while somebody
watches, every 50 ms to half a second (less often while nothing comes), or, where another server runs it, every second
in the object storage. The stream is of one attempt: a retry is a new one, with a log of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from starlette.types import ASGIApp

from arkwright.api.call import Call, short, whole_number
from arkwright.api.error_codes import RANGE_INVALID
from arkwright.api.event_stream import EventStream, StreamEvent, wanted
from arkwright.api.file_answer import file_answer
from arkwright.api.route import Parameter, Route, number
from arkwright.api.v1.instances import found
from arkwright.core.instance import ENDED_NODE, Instance, NodeRun, NodeStatus
from arkwright.engine.followed_log import FollowedLog
from arkwright.engine.run_files import LogNow
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.nodes.base import AttemptKey

_CHUNK = 256 * 1024
_LOOK_SECONDS = (0.05, 0.5)
"""Shortest and longest time between two looks at a growing file."""
_LOOK_AFAR_SECONDS = 1.0
"""Between two looks at a log that another server ships to the object storage, every two seconds at most."""


async def show_log(call: Call) -> ASGIApp:
    instance = await found(call)
    index = await node_index(call, instance)
    attempt = call.number("attempt", least=1)
    if wanted(call):
        return EventStream(call, _follow(call, instance, index, attempt, _resume_at(call)))
    latest = instance.nodes[index].attempt if instance.nodes else 0
    if attempt is not None and attempt > latest:
        raise NotFound(
            f"The node has no attempt {attempt}; its newest one is {latest}.", field="attempt", code=Code.NODE_NOT_FOUND
        )
    # A node that has not started has no log yet; that is an empty one, not an error.
    now: LogNow | None = None
    if latest:
        key = _key(instance.id, index, attempt or latest)
        still_written = key.attempt == latest and instance.nodes[index].status is NodeStatus.RUNNING
        now = await (call.parts.run_files.steady_log(key) if still_written else call.parts.run_files.log(key))
    return file_answer(
        call,
        now.size if now is not None else 0,
        lambda start, end: _chunks(call, now, start, end),
        what="The log",
        media_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


# ---------------------------------------------------------------- following


async def _follow(
    call: Call, instance: Instance, index: int, attempt: int | None, offset: int
) -> AsyncGenerator[StreamEvent, None]:
    latest = instance
    changed = asyncio.Event()

    async def watch() -> None:
        nonlocal latest
        async for state in call.parts.engine.watch(instance.id):
            latest = state
            changed.set()

    watcher = asyncio.create_task(watch())
    watcher.add_done_callback(lambda _: changed.set())
    shortest, longest = _LOOK_SECONDS
    pause = shortest
    log: FollowedLog | None = None
    try:
        while True:
            changed.clear()
            run = latest.nodes[index] if latest.nodes else None
            if attempt is None and run is not None and run.attempt:
                attempt = run.attempt
            if attempt and log is None:
                log = call.parts.run_files.follow(_key(instance.id, index, attempt), offset)
            # Asked before reading: what is written before the end is then read before the end is told.
            over = watcher.done() or (latest.ended and latest.version >= instance.version) or _is_over(run, attempt)
            grown = False
            if log is not None:
                async with aclosing(_pieces(log, final=over)) as pieces:
                    async for piece in pieces:
                        grown = True
                        yield piece
            if over:
                yield _end(run, attempt)
                return
            pause = shortest if grown else min(pause * 2, longest)
            if attempt and not call.parts.run_files.is_here(_key(instance.id, index, attempt)):
                pause = _LOOK_AFAR_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), pause if attempt else None)
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _pieces(log: FollowedLog, *, final: bool) -> AsyncGenerator[StreamEvent, None]:
    """What the log has beyond its offset by now; the id of each piece is the offset behind it."""
    while True:
        data = await log.read(_CHUNK)
        text, used = whole_text(data, final=final and len(data) < _CHUNK)
        if not used:
            return
        log.take(data[:used])
        yield StreamEvent(name="log", data={"text": text}, id=log.offset)


def _is_over(run: NodeRun | None, attempt: int | None) -> bool:
    """Whether the attempt has ended, or can't come any more."""
    if run is None:
        return False
    if attempt is None or run.attempt < attempt:
        return run.status in ENDED_NODE
    return run.attempt > attempt or run.status is not NodeStatus.RUNNING


def _end(run: NodeRun | None, attempt: int | None) -> StreamEvent:
    data: dict[str, object] = {"attempt": attempt or 0}
    if run is not None:
        data["status"] = run.status.value
        data["newestAttempt"] = run.attempt
        if run.exit_code is not None:
            data["exitCode"] = run.exit_code
        if run.message:
            data["errorMessage"] = run.message
    else:
        data["status"] = NodeStatus.SKIP.value
    return StreamEvent(name="end", data=data)


def whole_text(data: bytes, *, final: bool) -> tuple[str, int]:
    """Text of the bytes, and how many of them it is: a character cut at the end waits for its rest, unless there
    will be none. What is no UTF-8 is replaced."""
    end = len(data)
    if not final:
        for back in range(1, min(4, len(data) + 1)):
            byte = data[-back]
            if byte < 0x80 or byte > 0xF4:
                break
            if byte >= 0xC0:
                need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                if back < need:
                    end -= back
                break
    return data[:end].decode("utf-8", "replace"), end


def _resume_at(call: Call) -> int:
    given = call.header(b"last-event-id")
    if not given:
        return 0
    offset = whole_number(given.strip())
    if offset is None:
        raise InvalidInput(
            f"The header Last-Event-ID must be the id of an event of this stream, not {short(given)}.",
            field="Last-Event-ID",
        )
    return offset


# ---------------------------------------------------------------- look-ups and files


async def node_index(call: Call, instance: Instance) -> int:
    name = call.path["node_name"]
    names = [run.name for run in instance.nodes]
    if not names:
        # Accepted a moment ago: its node runs come with the first step.
        job = await call.parts.store.get_definition_version(instance.job_id, instance.job_version)
        names = [node["name"] for node in job.body["nodes"]] if job is not None else []
    try:
        return names.index(name)
    except ValueError:
        raise NotFound(
            f"The instance {instance.id} has no node {short(name)}.",
            field="node_name",
            hint=f"Its nodes are: {', '.join(names[:10])}.",
            code=Code.NODE_NOT_FOUND,
        ) from None


def _key(instance_id: int, index: int, attempt: int) -> AttemptKey:
    return AttemptKey(instance_id=instance_id, node=index, attempt=attempt)


async def _chunks(call: Call, now: LogNow | None, start: int, end: int) -> AsyncIterator[bytes]:
    if now is not None:
        async for data in call.parts.run_files.read_log(now, start, end):
            yield data


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/nodes/{node_name:path}/log",
        handler=show_log,
        operation="showNodeLog",
        summary=(
            "The log of a node. With `Accept: text/event-stream`: live, events `log` (their id is the offset in bytes "
            "behind them) and a last one `end` with the node's status."
        ),
        tag="instances",
        action=Action.JOB_READ,
        parameters=(
            number("attempt", "Which attempt; none: the newest.", minimum=1),
            Parameter(name="Range", place="header", summary="A part in bytes.", schema={"type": "string"}),
            Parameter(
                name="Last-Event-ID",
                place="header",
                summary="Go on behind this event.",
                schema={"type": "string"},
            ),
        ),
        response=str,
        media_type="text/plain",
        errors=(Code.INSTANCE_NOT_FOUND, Code.NODE_NOT_FOUND, RANGE_INVALID),
        ours=True,
    ),
)
