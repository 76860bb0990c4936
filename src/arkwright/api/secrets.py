"""The keys that secrets are sealed with: which there are, a new one, and an old one's end (ours). For administrators.

A key itself is never answered; keys are named by their ids.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Access, Route
from arkwright.api.v1.fields import truth
from arkwright.engine.resealing import Resealing
from arkwright.errors import Code, Forbidden, IllegalState
from arkwright.iam.model import Action, can


class SealingKey(Struct, kw_only=True):
    id: str
    seals: bool
    """New secrets are sealed with it."""
    values: int
    """Sealed values that need it."""
    in_unended_instances: int
    """Of those: values that are sealed anew when their instance has ended, or at the next start."""


class SecretsStatus(Struct, kw_only=True):
    keys: list[SealingKey]
    """Oldest first."""
    unreadable: int
    """Sealed values that none of the keys opens: their secrets have to be set anew."""
    under_way: bool
    """Values are being sealed again with the newest key."""


class RotationRequest(Struct, kw_only=True, omit_defaults=True):
    keys_copied: bool = False
    """With several servers: the key file with the new key is on all of them."""


class RotationAnswer(Struct, kw_only=True):
    key: str
    """Id of the new key."""
    under_way: bool
    """False: the key is made but not used yet. Copy the key file to the other servers, then call with `keys_copied`."""


async def show(call: Call) -> Response:
    resealing = _resealing(call)
    uses = await resealing.uses()
    sealing = resealing.sealing_key_id()
    keys = [
        SealingKey(id=each, seals=each == sealing, values=uses.by_key[each], in_unended_instances=uses.unended[each])
        for each in resealing.key_ids()
    ]
    return answer(SecretsStatus(keys=keys, unreadable=uses.unreadable, under_way=resealing.under_way))


async def rotate(call: Call) -> Response:
    resealing = _resealing(call)
    body = await call.document(required=False)
    done = await resealing.rotate(keys_copied=bool(truth(body.get("keys_copied"), "keys_copied")))
    return answer(RotationAnswer(key=done.key, under_way=done.under_way))


async def remove_key(call: Call) -> Response:
    await _resealing(call).remove(call.path["key_id"])
    return empty()


def _resealing(call: Call) -> Resealing:
    if not can(call.actor, Action.USER_MANAGE, None):
        raise Forbidden(
            f"{call.actor.user_name} is no administrator of the installation.",
            hint="An administrator of the installation can do this, or make you one.",
        )
    if call.parts.resealing is None:
        raise IllegalState("This server has no key file of its own.")
    return call.parts.resealing


_COMMON: dict[str, Any] = {"tag": "users", "access": Access.PROJECT, "ours": True}

ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/secrets",
        handler=show,
        operation="showSecretsStatus",
        summary="Which keys secrets are sealed with, and how many values need each.",
        response=SecretsStatus,
        errors=(Code.FORBIDDEN,),
        **_COMMON,
    ),
    Route(
        method="POST",
        path="/v1/{project_id}/secrets/rotate",
        handler=rotate,
        operation="rotateSecretsKey",
        summary="Make a new key, seal with it from now on, and seal everything again that an older key sealed.",
        request=RotationRequest,
        request_required=False,
        response=RotationAnswer,
        example={"keys_copied": False},
        errors=(Code.FORBIDDEN, Code.ILLEGAL_STATE),
        **_COMMON,
    ),
    Route(
        method="DELETE",
        path="/v1/{project_id}/secrets/keys/{key_id}",
        handler=remove_key,
        operation="removeSecretsKey",
        summary="Take a key out of the key file that nothing is sealed with any more.",
        success=204,
        errors=(Code.FORBIDDEN, Code.OBJECT_NOT_FOUND, Code.ILLEGAL_STATE),
        **_COMMON,
    ),
)
