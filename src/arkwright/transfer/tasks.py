"""System tasks: work that goes on after its request was answered, and can be asked about afterwards.

Theory of operation: a task is a document in the store, written when it begins, at most once a second while its subtasks
end, and when it is over; so whoever asks, on any server, reads the same. A task lives in the process that began it.
When that process stops, it marks its tasks FAILED on the way out; when it is killed, its successor does (`recover`);
and a task of a process that never came back reads as FAILED once nothing has been written for a while. What its
subtasks had done by then is done: each of them is whole or was not begun.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from arkwright.errors import ArkwrightError
from arkwright.store.base import Definition, DefinitionWrite, Kind, Place, Store

log = logging.getLogger("arkwright.tasks")

SAVE_SECONDS = 1.0
SILENT_MS = 120_000
"""A running task is written again at least this often, or nobody runs it any more."""
_PAGE = 100
_INTERRUPTED = "The server stopped before the task was over. What its subtasks report was done; start the rest again."


class TaskStatus(StrEnum):
    RUNNING = "RUNNING"
    SUCCESSFUL = "SUCCESSFUL"
    WARNING = "WARNING"
    """Some subtasks failed, some did not."""
    FAILED = "FAILED"


@dataclass(slots=True, kw_only=True)
class Subtask:
    id: str
    name: str
    status: TaskStatus
    message: str
    start_ms: int
    end_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class Task:
    """One task under way. Only its own work changes it."""

    id: str
    place: Place
    name: str
    actor: str
    start_ms: int
    subtasks: list[Subtask] = field(default_factory=list)
    status: TaskStatus = TaskStatus.RUNNING
    message: str = ""
    end_ms: int | None = None


class Progress:
    """What a task's work reports with."""

    def __init__(self, task: Task, now_ms: Callable[[], int], save: Callable[[Task], Awaitable[None]]) -> None:
        self._task = task
        self._now_ms = now_ms
        self._save = save
        self._saved = asyncio.get_running_loop().time()

    async def subtask(self, name: str, work: Callable[[], Awaitable[str]]) -> bool:
        """Do one subtask; `work` answers its message. What it raises is the reason why it failed; the next goes on."""
        task = self._task
        each = Subtask(id=uuid.uuid4().hex, name=name, status=TaskStatus.RUNNING, message="", start_ms=self._now_ms())
        task.subtasks.append(each)
        try:
            each.message = await work()
            each.status = TaskStatus.SUCCESSFUL
        except ArkwrightError as error:
            each.status, each.message = TaskStatus.FAILED, str(error)
        except Exception:
            log.exception("subtask %s of task %s failed", each.name, task.id)
            each.status, each.message = TaskStatus.FAILED, "An internal error occurred; the server's log has more."
        each.end_ms = self._now_ms()
        loop = asyncio.get_running_loop()
        if loop.time() - self._saved > SAVE_SECONDS:
            await self._save(task)
            self._saved = loop.time()
        return each.status is TaskStatus.SUCCESSFUL


Steps = Callable[[Progress], Awaitable[None]]


class SystemTasks:
    """Starts tasks, and answers what became of them. `owner` names this process the same after each restart."""

    def __init__(self, store: Store, now_ms: Callable[[], int], *, owner: str) -> None:
        self._store = store
        self._now_ms = now_ms
        self._owner = owner
        self._running: set[asyncio.Task[None]] = set()

    async def recover(self, places: Sequence[Place]) -> None:
        """Mark what an earlier process of this name left unfinished. Call before the first `start`."""
        for place in places:
            while True:
                page = await self._store.list_definitions(
                    place, Kind.SYSTEM_TASK, category=TaskStatus.RUNNING.value, limit=_PAGE
                )
                ours = [each for each in page.items if each.body.get("owner") == self._owner]
                for each in ours:
                    await self._write(place, each.name, _interrupted(each, self._now_ms()), each.created_by)
                if not ours:
                    break

    async def start(self, place: Place, *, name: str, actor: str, steps: Steps) -> str:
        """The new task's id, once the task is on disk. `steps` runs behind it."""
        task = Task(id=uuid.uuid4().hex, place=place, name=name, actor=actor, start_ms=self._now_ms())
        await self._store.create_definition(
            place, Kind.SYSTEM_TASK, self._as_write(task.id, _body(task, self._owner), actor)
        )
        running = asyncio.create_task(self._run(task, steps), name=f"system task {task.id}")
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return task.id

    async def close(self) -> None:
        """Stop what runs. Returns once its end is on disk."""
        for each in self._running:
            each.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def get(self, place: Place, task_id: str) -> dict[str, Any] | None:
        """The task's document, as the API's words for it."""
        found = await self._store.get_definition(place, Kind.SYSTEM_TASK, task_id)
        if found is None:
            return None
        running = found.category == TaskStatus.RUNNING
        silent = running and self._now_ms() - found.updated_ms > SILENT_MS
        body = _interrupted(found, found.updated_ms) if silent else dict(found.body)
        body.pop("owner", None)
        return {**body, "lastUpdate": found.updated_ms, "projectId": place.project_id}

    # ---------------------------------------------------------------- inside

    async def _run(self, task: Task, steps: Steps) -> None:
        progress = Progress(task, self._now_ms, self._save)
        alive = asyncio.create_task(self._stay_alive(task))
        try:
            await steps(progress)
            failed = sum(each.status is TaskStatus.FAILED for each in task.subtasks)
            if not failed:
                task.status = TaskStatus.SUCCESSFUL
            else:
                task.status = TaskStatus.WARNING if failed < len(task.subtasks) else TaskStatus.FAILED
                task.message = f"{failed} of {len(task.subtasks)} subtasks failed."
        except asyncio.CancelledError:
            task.status, task.message = TaskStatus.FAILED, _INTERRUPTED
            for each in task.subtasks:
                if each.status is TaskStatus.RUNNING:
                    each.status, each.message = TaskStatus.FAILED, _INTERRUPTED
        except ArkwrightError as error:
            task.status, task.message = TaskStatus.FAILED, str(error)
        except Exception:
            log.exception("task %s failed", task.id)
            task.status = TaskStatus.FAILED
            task.message = "An internal error occurred; the server's log has more."
        finally:
            alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)
        task.end_ms = self._now_ms()
        await self._save(task)

    async def _stay_alive(self, task: Task) -> None:
        """A subtask that takes long must not look like a dead process."""
        while True:
            await asyncio.sleep(SILENT_MS / 4000)
            await self._save(task)

    async def _save(self, task: Task) -> None:
        await self._write(task.place, task.id, _body(task, self._owner), task.actor)

    async def _write(self, place: Place, task_id: str, body: dict[str, Any], actor: str) -> None:
        await self._store.save_definition(place, Kind.SYSTEM_TASK, task_id, self._as_write(task_id, body, actor))

    def _as_write(self, task_id: str, body: dict[str, Any], actor: str) -> DefinitionWrite:
        return DefinitionWrite(
            name=task_id,
            category=body["status"],
            directory="/",
            body=body,
            submit=False,
            actor=actor,
            at_ms=self._now_ms(),
        )


def _body(task: Task, owner: str) -> dict[str, Any]:
    body: dict[str, Any] = {"id": task.id, "name": task.name, "startTime": task.start_ms, "status": task.status.value}
    if task.end_ms is not None:
        body["endTime"] = task.end_ms
    body["message"] = task.message
    body["subtasks"] = [_subtask(each, task.id) for each in task.subtasks]
    body["owner"] = owner
    return body


def _subtask(each: Subtask, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": each.id,
        "name": each.name,
        "startTime": each.start_ms,
        "lastUpdate": each.end_ms or each.start_ms,
        "status": each.status.value,
        "taskId": task_id,
        "message": each.message,
    }
    if each.end_ms is not None:
        found["endTime"] = each.end_ms
    return found


def _interrupted(task: Definition, at_ms: int) -> dict[str, Any]:
    """The document of a task that nobody runs any more."""
    subtasks = [
        {**each, "status": TaskStatus.FAILED.value, "message": _INTERRUPTED}
        if each["status"] == TaskStatus.RUNNING
        else each
        for each in task.body["subtasks"]
    ]
    return {
        **task.body,
        "status": TaskStatus.FAILED.value,
        "message": _INTERRUPTED,
        "endTime": at_ms,
        "subtasks": subtasks,
    }
