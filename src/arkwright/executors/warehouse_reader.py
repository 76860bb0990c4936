"""Questions to a workspace's database, asked through the process that owns it.

Theory of operation: the database's file belongs to one resident host, which DuckDB's lock keeps others out of. So a
question goes the way of an attempt: a DLISQL node in an attempt folder of its own, through the same executor, which
starts the host if there is none. It is no instance's attempt: its end is kept from the engine, and its folder is
removed. A question only reads, so one that is cut off by a crash is forgotten; what it left is removed at the next
start. A workspace without a database is not given one for being asked.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from arkwright.core.outcome import Failed, Outcome, Succeeded
from arkwright.errors import IllegalState, TooManyRequests
from arkwright.executors.base import Executor, Finished
from arkwright.nodes.base import AttemptKey, Context

ANSWER_SECONDS = 30.0
AT_ONCE = 8
"""Questions under way; more have to wait for their turn."""
NODE_TYPE = "DLISQL"
_DATABASE = "warehouse.duckdb"

Rows = Sequence[Sequence[str | None]]


class QuestionFailed(IllegalState):
    """The workspace's database could not be asked."""


class WarehouseReader:
    """An `Executor` that passes everything on, and asks questions of its own beside it."""

    def __init__(self, inner: Executor, room: Path, next_id: Callable[[], int]) -> None:
        """`room` is for the folders of questions; nothing else lies in it."""
        self._inner = inner
        self.beginning = inner.beginning
        self._room = room
        self._next_id = next_id
        self._questions: dict[AttemptKey, asyncio.Future[Outcome]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    # -- the executor
    async def open(self, finished: Finished) -> None:
        def ended(key: AttemptKey, outcome: Outcome) -> None:
            question = self._questions.pop(key, None)
            if question is None:
                finished(key, outcome)
            elif not question.done():  # nobody waits any more for one that took too long
                question.set_result(outcome)

        await asyncio.to_thread(shutil.rmtree, self._room, ignore_errors=True)
        await self._inner.open(ended)

    def submit(self, type_name: str, context: Context) -> None:
        self._inner.submit(type_name, context)

    def attach(self, type_name: str, context: Context) -> None:
        self._inner.attach(type_name, context)

    def cancel(self, key: AttemptKey) -> None:
        self._inner.cancel(key)

    async def close(self) -> None:
        for question in self._questions.values():
            question.cancel()
        await self._inner.close()

    # -- questions
    async def ask(self, workspace_id: str, project_id: str, workspace_folder: Path, statement: str) -> Rows | None:
        """The rows of one SELECT. None: the workspace has no database yet. Raises `QuestionFailed`, and
        `TooManyRequests` if no answer comes in time."""
        if not await asyncio.to_thread((workspace_folder / _DATABASE).exists):
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._turns:
                return await self._ask(workspace_id, project_id, workspace_folder, statement)
        except TimeoutError:
            raise TooManyRequests(
                f"The workspace's database did not answer within {ANSWER_SECONDS:.0f} s.", hint="Try again later."
            ) from None

    async def _ask(self, workspace_id: str, project_id: str, workspace_folder: Path, statement: str) -> Rows:
        key = AttemptKey(instance_id=self._next_id(), node=0, attempt=1)
        folder = self._room / uuid.uuid4().hex
        context = Context(
            key=key,
            project_id=project_id,
            workspace_id=workspace_id,
            job_name="",
            node_name="question",
            properties={"statement": statement},
            folder=folder,
            workspace_folder=workspace_folder,
        )
        question: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._questions[key] = question
        try:
            self._inner.submit(NODE_TYPE, context)
            outcome = await question
            return await asyncio.to_thread(_rows, folder, outcome)
        except asyncio.CancelledError:
            self._inner.cancel(key)
            raise
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _rows(folder: Path, outcome: Outcome) -> Rows:
    match outcome:
        case Failed():
            raise QuestionFailed(f"The workspace's database could not be asked: {outcome.message}")
        case Succeeded(output=None):
            return ()
        case Succeeded():
            rows: Rows = msgspec.json.decode((folder / "output").read_bytes(), type=list[list[str | None]])
            return rows
