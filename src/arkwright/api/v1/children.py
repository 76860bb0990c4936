"""The instances that an instance's nodes run (Subjob, For Each): a list of ours beside the documented one.

The documented list shows them too (`instanceType=6`), but not whose they are.
"""

from __future__ import annotations

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import OFFSET, Route, limit, number, text
from arkwright.api.v1 import documents
from arkwright.api.v1.instances import found, item, read_statuses
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action


async def list_children(call: Call) -> Response:
    offset, size = call.slice(most=1000)
    statuses, _, _ = read_statuses(call.query.get("status", ""))
    attempt = call.number("attempt", least=1)
    instance = await found(call)
    name = call.query.get("nodeName", "")
    index = None
    if name:
        index = next((run.index for run in instance.nodes if run.name == name), None)
        if index is None:
            raise NotFound(
                f"Instance {instance.id} has no node {name[:64]!r}.", field="nodeName", code=Code.NODE_NOT_FOUND
            )
    page = await call.parts.store.children_of(
        instance.id, node=index, attempt=attempt, statuses=statuses, offset=offset, limit=size
    )
    return answer(documents.InstanceList(total=page.total, instances=[item(each) for each in page.items]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/children",
        handler=list_children,
        operation="listInstanceChildren",
        summary="The instances that its Subjob and For Each nodes run, by node, newest attempt first, and row.",
        tag="instances",
        action=Action.JOB_READ,
        parameters=(
            text("nodeName", "Only those of this node."),
            number("attempt", "Only those of this attempt of the node.", minimum=1),
            text("status", "Status of the instances, or several, comma-separated."),
            OFFSET,
            limit(1000),
        ),
        response=documents.InstanceList,
        errors=(Code.INSTANCE_NOT_FOUND, Code.NODE_NOT_FOUND),
        ours=True,
    ),
)
