"""System tasks: what became of an import. Both spellings of the path that the documents use."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, short
from arkwright.api.error_codes import TASK_NOT_FOUND_2
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Route
from arkwright.api.v1.documents import Milliseconds
from arkwright.iam.model import Action

Status = Literal["RUNNING", "SUCCESSFUL", "FAILED", "WARNING"]


class Subtask(Struct, kw_only=True, omit_defaults=True):
    id: str
    name: str
    startTime: Milliseconds
    endTime: Milliseconds | UnsetType = UNSET
    lastUpdate: Milliseconds
    status: Status
    taskId: str
    message: str


class SystemTask(Struct, kw_only=True, omit_defaults=True):
    """`subTasks` is `subtasks` again: the name the older official client knows."""

    id: str
    name: str
    startTime: Milliseconds
    endTime: Milliseconds | UnsetType = UNSET
    lastUpdate: Milliseconds
    status: Status
    message: str
    projectId: str
    subtasks: list[Subtask]
    subTasks: list[Subtask]


async def show_task(call: Call) -> Response:
    task_id = call.path["task_id"]
    task = await call.parts.system_tasks.get(call.place, task_id)
    if task is None:
        raise HttpRefusal(TASK_NOT_FOUND_2, f"Task[{short(task_id)[1:-1]}] does not exist")
    return answer({**task, "subTasks": task["subtasks"]})


def _route(path: str, operation: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=show_task,
        operation=operation,
        summary="A system task with its subtasks.",
        tag="transfer",
        action=Action.JOB_READ,
        response=SystemTask,
        errors=(TASK_NOT_FOUND_2,),
    )


ROUTES = (
    _route("/v1/{project_id}/system-tasks/{task_id}", "listSystemTasks"),
    _route("/v1/{project_id}/systemTasks/{task_id}", "listSystemTasksOtherSpelling"),
)
