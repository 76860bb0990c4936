"""Webhooks (ours): made, listed, changed, rotated and deleted by who may edit jobs; called by whoever knows the secret.

What a delivery must prove is in `scheduler/events/webhook.py`. The secret is answered when it is made, and never again.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.body import read_body
from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Access, Route, text
from arkwright.api.v1.fields import number, truth, wrong
from arkwright.api.v1.fields import text as text_of
from arkwright.errors import Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.scheduler.events.webhook import (
    BODY_BYTES,
    DEFAULT_AT_ONCE,
    MOST_AT_ONCE,
    OLD_SECRET_SECONDS,
    Authentication,
    Delivery,
    hook_id,
)
from arkwright.store.base import Definition, Kind
from arkwright.store.trigger_record import Trigger, TriggerState

MOST_OLD_SECRET_SECONDS = 30 * 24 * 3600
_PATH = "/v1/{project_id}/hooks"
_OURS = (b"x-arkwright-signature", b"x-arkwright-timestamp", b"x-arkwright-delivery")
_STANDARD = (b"webhook-signature", b"webhook-timestamp", b"webhook-id")


class NewHook(Struct, kw_only=True, omit_defaults=True):
    jobName: str
    name: str | UnsetType = UNSET
    authentication: str | UnsetType = UNSET
    """`hmac` (the default) or `bearer`."""
    concurrent: int | UnsetType = UNSET
    """Most runs at once, 1..128; 16 if not given."""


class HookChange(Struct, kw_only=True, omit_defaults=True):
    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    concurrent: int | UnsetType = UNSET


class Rotation(Struct, kw_only=True, omit_defaults=True):
    keepSeconds: int | UnsetType = UNSET
    """How long the old secret is still taken, 0..2592000; a day if not given."""


class Hook(Struct, kw_only=True, omit_defaults=True):
    id: str
    jobName: str
    name: str
    authentication: str
    enabled: bool
    concurrent: int
    url: str
    createTime: int
    createUser: str
    rotateTime: int | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    """Only in the answer that made it."""


class HookList(Struct, kw_only=True):
    total: int
    hooks: list[Hook]


class NewSecret(Struct, kw_only=True):
    secret: str


class Delivered(Struct, kw_only=True):
    instanceId: int
    replayed: bool
    """This delivery had started the run before."""


async def create_hook(call: Call) -> Response:
    document = await call.document()
    job = await _job(call, text_of(document.get("jobName"), "jobName", 128, least=1))
    given = document.get("authentication") or Authentication.HMAC.value
    if given not in tuple(Authentication):
        raise wrong("authentication", f"must be {' or '.join(Authentication)}", given)
    if job.submitted_version is None:
        raise IllegalState(
            f"The job {job.name} was saved but never submitted.",
            field="jobName",
            hint="Save it without targetStatus, or with targetStatus SUBMITTED.",
        )
    made, secret = await call.parts.events.webhooks.create(
        job,
        name=text_of(document.get("name"), "name", 128),
        authentication=Authentication(given),
        concurrent=number(document.get("concurrent"), "concurrent", 1, MOST_AT_ONCE) or DEFAULT_AT_ONCE,
        by=call.actor.user_name,
    )
    hook = await _shown(call, made)
    hook.secret = secret
    return answer(hook)


async def list_hooks(call: Call) -> Response:
    name = call.query.get("jobName")
    job = await _job(call, name) if name else None
    found = await call.parts.events.webhooks.of_place(call.place, None if job is None else job.id)
    return answer(HookList(total=len(found), hooks=[await _shown(call, each) for each in found]))


async def show_hook(call: Call) -> Response:
    return answer(await _shown(call, await call.parts.events.webhooks.get(call.place, call.path["hook_id"])))


async def update_hook(call: Call) -> Response:
    document = await call.document()
    enabled = document.get("enabled")
    changed = await call.parts.events.webhooks.change(
        call.place,
        call.path["hook_id"],
        enabled=None if enabled is None else truth(enabled, "enabled"),
        concurrent=number(document.get("concurrent"), "concurrent", 1, MOST_AT_ONCE),
        name=None if document.get("name") is None else text_of(document["name"], "name", 128),
    )
    return answer(await _shown(call, changed))


async def rotate_hook(call: Call) -> Response:
    document = await call.document(required=False)
    keep = number(document.get("keepSeconds"), "keepSeconds", 0, MOST_OLD_SECRET_SECONDS)
    secret = await call.parts.events.webhooks.rotate(
        call.place, call.path["hook_id"], keep_seconds=OLD_SECRET_SECONDS if keep is None else keep
    )
    return answer(NewSecret(secret=secret))


async def delete_hook(call: Call) -> Response:
    await call.parts.events.webhooks.delete(call.place, call.path["hook_id"])
    return empty()


async def deliver_hook(call: Call) -> Response:
    body = await read_body(call.scope, call.receive, min(BODY_BYTES, call.parts.body_limit_bytes))
    fired = await call.parts.events.webhooks.deliver(
        call.path["project_id"],
        call.path["hook_id"],
        _delivery(call, body),
    )
    if fired.instance_id is None:
        raise InvalidInput(f"Nothing was started: {fired.refusal}.")
    return answer(Delivered(instanceId=fired.instance_id, replayed=fired.replayed), 202)


def _delivery(call: Call, body: bytes) -> Delivery:
    standard = call.header(b"webhook-signature") is not None
    names = _STANDARD if standard else _OURS
    signature, timestamp, delivery = (call.header(name) or "" for name in names)
    return Delivery(
        body=body,
        authorization=call.header(b"authorization") or "",
        signature=signature,
        timestamp=timestamp,
        delivery=delivery,
        standard=standard,
    )


async def _shown(call: Call, hook: Trigger) -> Hook:
    body: Any = hook.body
    job = await call.parts.store.get_definition_version(hook.job_id, int(body.get("version") or 1))
    id_ = hook_id(hook)
    return Hook(
        id=id_,
        jobName="" if job is None else job.name,
        name=body.get("name") or "",
        authentication=body["authentication"],
        enabled=hook.state is TriggerState.ACTIVE,
        concurrent=int(body["concurrent"]),
        url=f"{call.base_url}/v1/{hook.place.project_id}/hooks/{id_}",
        createTime=int(body["created_ms"]),
        createUser=str(body.get("started_by") or ""),
        rotateTime=body.get("rotated_ms", UNSET),
    )


async def _job(call: Call, name: str) -> Definition:
    job = await call.parts.store.get_definition(call.place, Kind.JOB, name)
    if job is None:
        raise NotFound(
            f"There is no job {name!r} in workspace {call.workspace.name}.", field="jobName", code=Code.JOB_NOT_FOUND
        )
    return job


ROUTES = (
    Route(
        method="POST",
        path=_PATH,
        handler=create_hook,
        operation="createHook",
        summary="Make a webhook that starts a job. Its secret is in this answer only.",
        tag="hooks",
        action=Action.JOB_EDIT,
        request=NewHook,
        response=Hook,
        errors=(Code.JOB_NOT_FOUND, Code.JOB_NOT_BATCH),
        example={"jobName": "myJob"},
        ours=True,
    ),
    Route(
        method="GET",
        path=_PATH,
        handler=list_hooks,
        operation="listHooks",
        summary="The webhooks of a workspace, or of one job.",
        tag="hooks",
        action=Action.JOB_READ,
        parameters=(text("jobName", "Those that start this job."),),
        response=HookList,
        errors=(Code.JOB_NOT_FOUND,),
        ours=True,
    ),
    Route(
        method="GET",
        path=_PATH + "/{hook_id}",
        handler=show_hook,
        operation="showHook",
        summary="A webhook.",
        tag="hooks",
        action=Action.JOB_READ,
        response=Hook,
        ours=True,
    ),
    Route(
        method="PUT",
        path=_PATH + "/{hook_id}",
        handler=update_hook,
        operation="updateHook",
        summary="Change a webhook's name or limit, or switch it off and on.",
        tag="hooks",
        action=Action.JOB_EDIT,
        request=HookChange,
        response=Hook,
        example={"enabled": False},
        ours=True,
    ),
    Route(
        method="POST",
        path=_PATH + "/{hook_id}/rotate",
        handler=rotate_hook,
        operation="rotateHook",
        summary="Give a webhook a new secret. The old one is still taken for a while.",
        tag="hooks",
        action=Action.JOB_EDIT,
        request=Rotation,
        request_required=False,
        response=NewSecret,
        example={"keepSeconds": 3600},
        ours=True,
    ),
    Route(
        method="DELETE",
        path=_PATH + "/{hook_id}",
        handler=delete_hook,
        operation="deleteHook",
        summary="Delete a webhook. Runs that it started go on.",
        tag="hooks",
        action=Action.JOB_EDIT,
        success=204,
        ours=True,
    ),
    Route(
        method="POST",
        path=_PATH + "/{hook_id}",
        handler=deliver_hook,
        operation="deliverHook",
        summary="Start the webhook's job; the body is `Job.eventData`. Signed, or with the secret as a bearer token.",
        tag="hooks",
        access=Access.PUBLIC,
        parameters=(
            text("X-Arkwright-Signature", "`v1=` and HMAC-SHA256 of TIMESTAMP.DELIVERY.BODY in hex.", place="header"),
            text("X-Arkwright-Timestamp", "Seconds since 1970, at most five minutes off.", place="header"),
            text("X-Arkwright-Delivery", "The sender's id of this delivery: it starts one run.", place="header"),
        ),
        response=Delivered,
        success=202,
        errors=(Code.UNAUTHENTICATED,),
        streamed=True,
        ours=True,
    ),
)
