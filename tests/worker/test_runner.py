"""What a worker says of an attempt that ended otherwise than by itself, and that no stop gets lost."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arkwright.core.outcome import Failed, FailureKind
from arkwright.executors.attempt_wire import (
    Asked,
    Cancels,
    ClaimAnswer,
    Claimed,
    Held,
    LogEnd,
    Renewal,
    Renewed,
    Report,
    decode,
    encode,
)
from arkwright.executors.local import LocalExecutor
from arkwright.http_server import HttpServer
from arkwright.nodes.base import AttemptKey, Context, Work
from arkwright.nodes.registry import Registry
from arkwright.worker.attempt import Attempt
from arkwright.worker.ceilings import Ceilings
from arkwright.worker.link import ServerLink
from arkwright.worker.runner import Runner

NOTHING: Any = None


@pytest.mark.parametrize(
    ("kind", "stopped", "unasked"),
    [
        (FailureKind.CANCELLED, False, True),  # the guard, or the process before this one, fenced it
        (FailureKind.CANCELLED, True, False),
        (FailureKind.ERROR, False, False),
    ],
)
def test_a_cancel_that_nobody_asked_for_is_told_apart(kind: FailureKind, stopped: bool, unasked: bool) -> None:
    attempt = Attempt(NOTHING, NOTHING, NOTHING, 0.0)
    attempt.stopped = stopped
    assert attempt._unasked(Failed(kind=kind, message="")) is unasked


class SlowDesk:
    """Speaks the protocol as a server does that is long in putting together what it answers to a claim: the attempt is
    stopped meanwhile, and its worker hears of that first."""

    def __init__(self, folder: Path) -> None:
        context = Context(
            key=AttemptKey(instance_id=1, node=0, attempt=1),
            project_id="p",
            workspace_id="w",
            job_name="j",
            node_name="n",
            properties={"statement": f"touch {folder}/ran"},
            folder=folder,
            workspace_folder=folder,
            local_programs_allowed=True,
        )
        self._answer = ClaimAnswer(claimed=Claimed(epoch=1, type="Shell", context=context))
        self._claimed, self._heard, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reports: list[Report] = []

    async def claim(self, request: Request) -> Response:
        self._claimed.set()
        await self._heard.wait()
        return Response(encode(self._answer))

    async def cancels(self, request: Request) -> Response:
        wanted = (Held(attempt="1-0-1", epoch=1),)
        await self._claimed.wait()
        if decode(await request.body(), Asked).known != wanted:
            return Response(encode(Cancels(attempts=wanted)))
        self._heard.set()  # it asks what else there is
        await self.over.wait()
        return Response(encode(Cancels()))

    async def renew(self, request: Request) -> Response:
        held = decode(await request.body(), Renewal).held
        return Response(encode(Renewed(attempts=tuple(each.attempt for each in held))))

    async def finish(self, request: Request) -> Response:
        self.reports.append(decode(await request.body(), Report))
        return Response(status_code=204)

    async def log(self, request: Request) -> Response:
        return Response(encode(LogEnd(offset=0)))

    def application(self) -> Starlette:
        def route(path: str, endpoint: Any, method: str = "POST") -> Route:
            return Route(f"/v1/runner{path}", endpoint, methods=[method])

        of_attempt = "/attempts/1-0-1"
        return Starlette(
            routes=[
                route("/cancels", self.cancels),
                route("/renew", self.renew),
                route(f"{of_attempt}/claim", self.claim),
                route(f"{of_attempt}/finish", self.finish),
                route(f"{of_attempt}/log", self.log, "GET"),
            ]
        )


def runner_of(link: ServerLink, folder: Path) -> Runner:
    registry, ceilings = Registry(group=None), Ceilings()
    return Runner(
        link,
        registry,
        {Work.PROGRAM: LocalExecutor(registry, root=folder / "runs", limits_of=ceilings)},
        ceilings=ceilings,
        data=folder,
        slots=1,
        lease_seconds=20.0,
        log_cap_bytes=1_000_000,
    )


def test_a_stop_that_is_heard_of_before_the_claims_answer_stops_the_attempt(tmp_path: Path) -> None:
    async def work() -> None:
        desk = SlowDesk(tmp_path)
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(desk.application(), lifespan="off", log_config=None)
        server = HttpServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.wait_started(serving)
        link = ServerLink(f"http://127.0.0.1:{listener.getsockname()[1]}", "token", runner="w")
        runner = runner_of(link, tmp_path)
        async with asyncio.timeout(30):
            await runner.open(asyncio.Event())
            await runner.take("1-0-1")
            await runner.close()
            await link.close()
            desk.over.set()
            server.leave()
            await serving
        (report,) = desk.reports
        assert isinstance(report.outcome, Failed)
        assert report.outcome.kind is FailureKind.CANCELLED
        assert not (tmp_path / "ran").exists()

    asyncio.run(work())


def test_a_worker_that_asks_in_vain_for_what_it_had_ends_when_it_is_told_to(tmp_path: Path) -> None:
    async def work() -> None:
        stopped, asked = asyncio.Event(), asyncio.Semaphore(0)

        def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            asked.release()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        link = ServerLink(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "token", runner="w")
        (tmp_path / "runs" / "1-0-1").mkdir(parents=True)
        runner = runner_of(link, tmp_path)
        async with asyncio.timeout(30):
            opening = asyncio.create_task(runner.open(stopped))
            for _ in range(4):  # of the attempt, and of its leases
                await asked.acquire()
            assert not opening.done()
            stopped.set()
            await opening
            await runner.close()
            await link.close()
            server.close()
        assert (tmp_path / "runs" / "1-0-1").exists(), "another start may go on with it"

    asyncio.run(work())


class Faulty(ServerLink):
    """A defect of ours, in what renews leases."""

    async def renew(self, renewal: Renewal) -> Renewed:
        raise ZeroDivisionError("of ours")


def test_a_worker_that_renews_no_more_ends_and_says_why(tmp_path: Path) -> None:
    """Else it would take attempt after attempt, and its guard kill each when its lease is over."""

    async def work() -> None:
        link = Faulty("http://127.0.0.1:1", "token", runner="w")
        runner = runner_of(link, tmp_path)
        async with asyncio.timeout(30):
            await runner.open(asyncio.Event())
            await runner.useless.wait()
            await runner.close()
            await link.close()
        assert runner.refused == "What renews leases ended by a defect: ZeroDivisionError('of ours')."

    asyncio.run(work())
