"""ClickHouse over its HTTP interface, which all of its versions speak alike. No transactions.

The server holds an answer back until it is complete (`wait_end_of_query`, on its disk if it is large), so an error is
always told as one and never follows half a result. A cancelled statement is killed by the id that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec

from arkwright.nodes.sql_mysql import reads_only
from arkwright.nodes.sql_session import Fate, Session, Sink, SqlFailed, Target

CONNECT_SECONDS = 10.0
KILL_SECONDS, PATIENCE_SECONDS = 1.5, 60.0
FORM = "TabSeparatedWithNames"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\\": "\\", "'": "'"}


class ClickHouse:
    title = "ClickHouse"
    dialect = "clickhouse"
    default_port = 8123
    transactions = False

    @asynccontextmanager
    async def session(self, target: Target, *, transaction: bool) -> AsyncIterator[Session]:
        async with _client(target) as client:
            made = _Session(client, target)
            await made.ask("SELECT 1")
            yield made

    def undoable(self, statement: str) -> bool:
        return reads_only(statement)

    async def fate(self, target: Target, mark: str) -> Fate:
        return Fate.UNKNOWN


def _client(target: Target) -> httpx2.AsyncClient:
    address = f"[{target.address}]" if ":" in target.address else target.address
    name = f"[{target.host}]" if ":" in target.host else target.host
    return httpx2.AsyncClient(
        base_url=f"{'https' if target.tls else 'http'}://{address}:{target.port}",
        headers={
            "Host": f"{name}:{target.port}",
            "X-ClickHouse-User": target.user or "default",
            "X-ClickHouse-Key": target.password,
            "User-Agent": target.name,
        },
        verify=False,  # as the other engines here: encrypted, the certificate not asked for
        trust_env=False,
        timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
    )


class _Session:
    def __init__(self, client: httpx2.AsyncClient, target: Target) -> None:
        self._client = client
        self._target = target
        self._place = f"ClickHouse at {target.host}:{target.port}"

    async def ask(self, statement: str) -> None:
        """A statement whose answer is not looked at."""
        async with self._sent(statement, uuid.uuid4().hex) as answer:
            await answer.aread()

    async def execute(self, statement: str, sink: Sink) -> int | None:
        query_id = uuid.uuid4().hex
        try:
            async with self._sent(statement, query_id) as answer:
                return await _take(answer, sink)
        except asyncio.CancelledError:
            killing = asyncio.create_task(_kill(self._target, query_id))
            _KILLING.add(killing)
            killing.add_done_callback(_KILLING.discard)
            await asyncio.wait({killing}, timeout=KILL_SECONDS)
            raise

    @asynccontextmanager
    async def _sent(self, statement: str, query_id: str) -> AsyncIterator[httpx2.Response]:
        given = {"query_id": query_id, "default_format": FORM, "wait_end_of_query": "1"}
        if self._target.database:
            given["database"] = self._target.database
        try:
            request = self._client.build_request("POST", "/", params=given, content=statement.encode())
            answer = await self._client.send(request, stream=True)
            try:
                if answer.status_code != httpx2.codes.OK:
                    text = (await answer.aread()).decode(errors="replace")
                    raise SqlFailed(_said(text) or f"{self._place} answered {answer.status_code}.")
                yield answer
            finally:
                await answer.aclose()
        except httpx2.HTTPError as error:
            raise SqlFailed(f"{self._place}: {error or type(error).__name__}") from None

    async def mark(self) -> str | None:
        return None

    async def commit(self) -> None:
        """Each statement did."""


_KILLING: set[asyncio.Task[None]] = set()
"""Those that a busy server takes its time for; they go on when their attempt has ended."""


async def _kill(target: Target, query_id: str) -> None:
    """On a connection of its own, until the statement has ended."""
    with contextlib.suppress(SqlFailed, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS), _client(target) as client:
            await _Session(client, target).ask(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")


async def _take(answer: httpx2.Response, sink: Sink) -> int | None:
    """Rows into the sink as they arrive; how many were written, if the server says."""
    rest, begun = b"", False
    async for piece in answer.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            values = [_value(each) for each in line.decode(errors="replace").split("\t")]
            if begun:
                sink.row(values)
            else:
                sink.begin([value or "" for value in values])
                begun = True
    if begun:
        return None
    with contextlib.suppress(msgspec.DecodeError, TypeError, ValueError):
        summary = msgspec.json.decode(answer.headers.get("x-clickhouse-summary", "{}"))
        return int(summary["written_rows"]) if "written_rows" in summary else None
    return None


def _value(text: str) -> str | None:
    if text == r"\N":
        return None
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[1], found[0]), text) if "\\" in text else text


def _said(text: str) -> str:
    """Without what it repeats, and without its version."""
    return " ".join(text.partition(", e.what() =")[0].split())[:2000]
