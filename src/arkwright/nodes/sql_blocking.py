"""Sessions on drivers that block (DB-API 2.0): each works on a thread of its own, and is cancelled from outside."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from arkwright.nodes.sql_session import Sink, SqlFailed
from arkwright.nodes.sql_wires import Wires

ROWS_AT_ONCE = 1000
CANCEL_SECONDS = 1.5
"""So long the end of a statement that was stopped is waited for; then its connections are cut."""

T = TypeVar("T")


class BlockingSession:
    """`cancel` is called on another thread while a statement runs, and must stop it on the server. `said` turns the
    driver's exceptions into what the server said, and lets bugs through (None)."""

    def __init__(
        self,
        connection: Any,
        *,
        cancel: Callable[[Any], None],
        said: Callable[[Exception], str | None],
        as_text: Callable[[Any], str | None],
        make_cursor: Callable[[Any], Any] = lambda connection: connection.cursor(),
    ) -> None:
        """`cancel` gets the cursor that is at work."""
        self._connection = connection
        self._cancel = cancel
        self._said = said
        self._as_text = as_text
        self._make_cursor = make_cursor
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="arkwright-sql")
        self.wires = Wires()
        self.lingers_seconds = 0.0
        """How long its connection stays open when nobody waits for it any more."""
        self._cursor: Any = None

    async def execute(self, statement: str, sink: Sink) -> int | None:
        return await self._work(lambda: self._execute(statement, sink))

    async def mark(self) -> str | None:
        return ""  # what was changed is not known here

    async def commit(self) -> None:
        await self._work(self._connection.commit)

    def _execute(self, statement: str, sink: Sink) -> int | None:
        cursor = self._cursor = self._make_cursor(self._connection)
        try:
            cursor.execute(statement)
            if cursor.description:
                sink.begin([str(column[0]) for column in cursor.description])
                while rows := cursor.fetchmany(ROWS_AT_ONCE):
                    for row in rows:
                        sink.row([self._as_text(value) for value in row])
                return None
            changed = cursor.rowcount
            return changed if isinstance(changed, int) and changed >= 0 else None
        finally:
            self._cursor = None
            with contextlib.suppress(Exception):  # of a connection that broke
                cursor.close()

    async def _work(self, work: Callable[[], T]) -> T:
        """On the session's thread. A cancel stops the statement for real, and waits until it has ended."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._noted(work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    while not future.done():
                        await asyncio.to_thread(self._noted(self._stop))
                        await asyncio.wait({future}, timeout=0.2)
            if future.done():
                future.exception()
            else:
                self.wires.cut()
            raise
        except Exception as error:
            said = self._said(error)
            if said is None:
                raise
            raise SqlFailed(said) from None

    def _noted(self, work: Callable[[], T]) -> Callable[[], T]:
        def noted() -> T:
            with self.wires.noted():
                return work()

        return noted

    def _stop(self) -> None:
        cursor = self._cursor
        if cursor is not None:
            with contextlib.suppress(Exception):  # the server may have ended it by itself, or be gone
                self._cancel(cursor)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _closed(made: asyncio.Future[Any]) -> None:
    if not made.cancelled() and made.exception() is None:
        with contextlib.suppress(Exception):
            made.result().close()


@asynccontextmanager
async def connected(
    connect: Callable[[], Any],
    make: Callable[[Any], BlockingSession],
    said: Callable[[Exception], str | None],
    where: str,
    *,
    wires: Wires | None = None,
) -> AsyncIterator[BlockingSession]:
    """A session on a new connection, which is closed in the end, with all that was connected to for it."""
    wires = wires or Wires()

    def noted() -> Any:
        with wires.noted():
            return connect()

    making = asyncio.get_running_loop().run_in_executor(None, noted)
    try:
        connection = await asyncio.shield(making)
    except asyncio.CancelledError:
        making.add_done_callback(_closed)
        wires.cut()
        raise
    except Exception as error:
        wires.cut()
        if isinstance(error, SqlFailed):
            raise
        text = said(error) or f"{type(error).__name__}: {error}"
        raise SqlFailed(f"Can't connect to {where}: {text}") from None
    session = make(connection)
    session.wires = wires
    try:
        yield session
    finally:
        session.close()
        if session.lingers_seconds:
            later = threading.Timer(session.lingers_seconds, _let_go, (connection, wires))
            later.daemon = True  # with the process the connection goes as well
            later.start()
        else:
            try:
                await asyncio.to_thread(_let_go, connection, wires)
            finally:
                wires.cut()


def _let_go(connection: Any, wires: Wires) -> None:
    with contextlib.suppress(Exception):  # whatever its state
        connection.close()
    wires.cut()
