"""What operators do to instances and their nodes beside stop and restart (ours; the console of the original has it).

Rules: the core decides what is allowed when (`core/operations.py`); a refusal names the state and what is allowed
then. Each is recorded in the instance's history with who asked and when; with an Idempotency-Key a repeat is harmless.
"""

from __future__ import annotations

from starlette.responses import Response

from arkwright.api.call import Call, empty
from arkwright.api.route import Route
from arkwright.api.v1.instances import IDEMPOTENCY_KEY, found, operation_id_of
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS
from arkwright.errors import Code
from arkwright.iam.model import Action

_INSTANCE = "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}"

_SUMMARIES = {
    "continue": "Go on past the failed nodes that suspended an instance.",
    "force-success": "Let an instance that failed, was stopped or is suspended count as successful.",
    "pause": "Start no more nodes of a running instance; those that run go on.",
    "resume": "Let a paused instance go on.",
    "confirm": "Let an instance start that waits for a confirmation.",
    "freeze": "Keep a waiting instance from starting.",
    "unfreeze": "Let a frozen instance start, or wait again.",
    "run-without-dependencies": "Let a waiting instance wait for no other instance and no file any more.",
    "run-preferentially": "Let a waiting instance start before the others that wait for the same.",
}
_NODE_SUMMARIES = {
    "retry": "Run a failed node again that suspended its instance.",
    "force-success": "Let a failed node that suspended its instance count as successful.",
    "skip": "Don't run a node that waits or is paused; what comes after it runs.",
    "pause": "Don't start a waiting node until it is resumed.",
    "resume": "Let a paused node start.",
}


async def operate_instance(call: Call) -> Response:
    instance = await found(call)
    await call.parts.engine.operate(
        call.place,
        instance.id,
        _last_segment(call),
        by=call.actor.user_name,
        operation_id=operation_id_of(call, instance),
    )
    return empty()


async def operate_node(call: Call) -> Response:
    instance = await found(call)
    await call.parts.engine.operate_node(
        call.place,
        instance.id,
        call.path["node_name"],
        _last_segment(call),
        by=call.actor.user_name,
        operation_id=operation_id_of(call, instance, call.path["node_name"]),
    )
    return empty()


def _last_segment(call: Call) -> str:
    return call.route.path.rpartition("/")[2]


def _name(operation: str, thing: str) -> str:
    first, *rest = operation.split("-")
    return first + "".join(part.capitalize() for part in rest) + thing


ROUTES = (
    *(
        Route(
            method="POST",
            path=f"{_INSTANCE}/{operation}",
            handler=operate_instance,
            operation=_name(operation, "JobInstance"),
            summary=_SUMMARIES[operation],
            tag="instances",
            action=Action.JOB_OPERATE,
            parameters=(IDEMPOTENCY_KEY,),
            success=204,
            errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
            ours=True,
        )
        for operation in OPERATIONS
    ),
    *(
        Route(
            method="POST",
            path=f"{_INSTANCE}/nodes/{{node_name:path}}/{operation}",
            handler=operate_node,
            operation=_name(operation, "JobInstanceNode"),
            summary=_NODE_SUMMARIES[operation],
            tag="instances",
            action=Action.JOB_OPERATE,
            parameters=(IDEMPOTENCY_KEY,),
            success=204,
            errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
            ours=True,
        )
        for operation in NODE_OPERATIONS
    ),
)
