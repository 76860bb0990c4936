"""Earlier executions of a script (ours), newest first. What one came to stands under its id."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import OFFSET, Route, limit
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.script_runs import shown_id
from arkwright.core.instance import InstanceType
from arkwright.core.masking import hidden
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import InstanceFilter, Kind


class ScriptRun(Struct, kw_only=True):
    instanceId: str
    status: str
    """Of the instance: `running`, `success`, `fail`, …"""
    submitTime: Milliseconds
    startTime: int | None
    endTime: int | None
    params: dict[str, str]


class ScriptRuns(Struct, kw_only=True):
    total: int
    instances: list[ScriptRun]


async def list_runs(call: Call) -> Response:
    name = call.path["script_name"]
    store = call.parts.store
    if await store.get_definition(call.place, Kind.SCRIPT, name) is None:
        raise NotFound(
            f"There is no script {name!r} in workspace {call.workspace.name}.",
            field="script_name",
            code=Code.SCRIPT_NOT_FOUND,
        )
    job = await store.get_definition(call.place, Kind.SCRIPT_RUN, name)
    if job is None:
        return answer(ScriptRuns(total=0, instances=[]))
    offset, size = call.slice(most=100)
    where = InstanceFilter(
        place=call.place,
        job_ids=[job.id],
        from_ms=0,
        to_ms=call.parts.now_ms(),
        instance_types=(InstanceType.SCRIPT.value,),
    )
    page = await store.list_instances(where, offset=offset, limit=size)
    return answer(
        ScriptRuns(
            total=page.total,
            instances=[
                ScriptRun(
                    instanceId=shown_id(each.id),
                    status=each.status.value,
                    submitTime=each.submit_time_ms,
                    startTime=each.start_time_ms,
                    endTime=each.end_time_ms,
                    params={key: hidden(value) for key, value in each.parameters.items()},
                )
                for each in page.items
            ],
        )
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/scripts/{script_name}/instances",
        handler=list_runs,
        operation="listScriptRuns",
        summary="Earlier executions of a script, newest first.",
        tag="scripts",
        action=Action.SCRIPT_READ,
        parameters=(OFFSET, limit(100)),
        response=ScriptRuns,
        errors=(Code.SCRIPT_NOT_FOUND,),
        ours=True,
    ),
)
