"""The node types of this server, as forms and documentation need them (ours)."""

from __future__ import annotations

from functools import cache

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.iam.model import Action
from arkwright.nodes.base import NodeType
from arkwright.nodes.registry import Registry
from arkwright.nodes.schema import settings_schema


class NodeTypeProperty(Struct, kw_only=True, omit_defaults=True):
    name: str
    help: str
    required: bool
    choices: list[str]
    scanned: bool
    """Whether parameters and expressions in it are replaced."""
    default: str | UnsetType = UNSET


class NodeTypeItem(Struct, kw_only=True):
    name: str
    title: str
    summary: str
    category: str
    icon: str
    """Name of a Tabler icon."""
    aliases: list[str]
    connections: list[str]
    """Types of connections that it works with; empty: none."""
    properties: list[NodeTypeProperty]
    schema: dict[str, object]
    """JSON Schema of an object with its settings by name."""
    example: dict[str, object]


class NodeTypeList(Struct, kw_only=True):
    nodeTypes: list[NodeTypeItem]


async def list_node_types(call: Call) -> Response:
    return answer(_all())


@cache
def _all() -> NodeTypeList:
    """Types don't change while a process runs. Their modules load no database engine or driver."""
    return NodeTypeList(nodeTypes=[_item(each) for each in Registry().types()])


def _item(type_: NodeType) -> NodeTypeItem:
    return NodeTypeItem(
        name=type_.name,
        title=type_.title,
        summary=type_.summary,
        category=type_.shown_in,
        icon=type_.icon,
        aliases=list(type_.aliases),
        connections=list(type_.connections),
        properties=[
            NodeTypeProperty(
                name=each.name,
                help=each.help,
                required=each.required,
                choices=list(each.choices),
                scanned=each.scanned,
                default=UNSET if each.default is None else each.default,
            )
            for each in type_.properties
        ],
        schema=settings_schema(type_),
        example=dict(type_.example),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/node-types",
        handler=list_node_types,
        operation="listNodeTypes",
        summary="The node types of this server with their settings, for forms and documentation.",
        tag="jobs",
        action=Action.JOB_READ,
        response=NodeTypeList,
        ours=True,
    ),
)
