"""What expressions can name (ours): the built-in objects with their members, for editors that complete them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.route import Route
from arkwright.el.functions import BUILT_INS
from arkwright.el.functions.signature import BuiltIn
from arkwright.iam.model import Action


class ExpressionMember(Struct, kw_only=True):
    name: str
    """As it is written: `Job.planTime`, `DateUtil.format`."""
    signature: str
    """With the kinds of its arguments: `DateUtil.format(Date, String)`; of a property its name."""
    method: bool


class ExpressionMembers(Struct, kw_only=True):
    members: list[ExpressionMember]


def _members(built_in: BuiltIn, prefix: str) -> Iterator[ExpressionMember]:
    for name in built_in.properties:
        yield ExpressionMember(name=f"{prefix}.{name}", signature=f"{prefix}.{name}", method=False)
    for name, method in built_in.methods.items():
        yield ExpressionMember(name=f"{prefix}.{name}", signature=f"{prefix}.{method.signature}", method=True)
    for name, child in built_in.children.items():
        yield from _members(child, f"{prefix}.{name}")


_MEMBERS = ExpressionMembers(
    members=[each for name, built_in in BUILT_INS.items() for each in _members(built_in, name)]
)


async def list_members(call: Call) -> Response:
    return answer(_MEMBERS)


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/el/members",
        handler=list_members,
        operation="listExpressionMembers",
        summary="The objects that expressions can name, with their members.",
        tag="expressions",
        action=Action.JOB_READ,
        response=ExpressionMembers,
        answer={"members": [{"name": "Job.planTime", "signature": "Job.planTime", "method": False}]},
        ours=True,
    ),
)
