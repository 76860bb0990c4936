"""Workers, their groups and their tokens (ours). For everybody to see; tokens are for administrators.

Rules: a group exists as soon as a token was made for it. A token's text is answered once, by the call that made it.
"""

from __future__ import annotations

import re

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short, whole_number
from arkwright.api.route import Access, Route
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.fields import list_, number
from arkwright.core.workers import HERE, WorkerToken
from arkwright.errors import Code, Forbidden, InvalidInput, NotFound

DAYS = 90
_DAY_MS = 24 * 60 * 60 * 1000
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class WorkerItem(Struct, kw_only=True):
    name: str
    groups: tuple[str, ...]
    version: str
    slots: int
    """Attempts that it runs at once."""
    running: int
    state: str
    """`connected`, `draining` (takes no more) or `lost`."""
    since: Milliseconds
    lastSeen: Milliseconds
    """It counts as there until its lease after that is over."""


class GroupItem(Struct, kw_only=True):
    name: str
    workers: int
    """Connected ones."""
    slots: int
    running: int


class WorkerList(Struct, kw_only=True):
    groups: list[GroupItem]
    workers: list[WorkerItem]


class NewToken(Struct, kw_only=True, omit_defaults=True):
    groups: list[str]
    days: int = DAYS


class TokenItem(Struct, kw_only=True, omit_defaults=True):
    id: int
    groups: tuple[str, ...]
    created: Milliseconds
    createdBy: str
    expires: Milliseconds
    state: str
    """`valid`, `expired` or `revoked`."""
    token: str | UnsetType = UNSET
    """Its text, in the answer to the call that made it."""


class TokenList(Struct, kw_only=True):
    count: int
    tokens: list[TokenItem]


async def list_workers(call: Call) -> Response:
    now = call.parts.now_ms()
    found = await call.parts.store.list_workers()
    alive = [each for each in found if each.lease_until_ms > now]
    names = {
        group
        for token in await call.parts.worker_tokens.all()
        if _state(token, now) == "valid"
        for group in token.groups
    }
    names.update(group for each in alive for group in each.groups)
    groups = []
    for name in sorted(names):
        members = [each for each in alive if name in each.groups]
        groups.append(
            GroupItem(
                name=name,
                workers=len(members),
                slots=sum(each.slots for each in members if not each.draining),
                running=sum(each.running for each in members),
            )
        )
    workers = [
        WorkerItem(
            name=each.name,
            groups=each.groups,
            version=each.version,
            slots=each.slots,
            running=each.running,
            state="lost" if each.lease_until_ms <= now else "draining" if each.draining else "connected",
            since=each.since_ms,
            lastSeen=each.seen_ms,
        )
        for each in found
    ]
    return answer(WorkerList(groups=groups, workers=workers))


async def list_tokens(call: Call) -> Response:
    _administrator(call)
    now = call.parts.now_ms()
    found = [_item(each, now) for each in await call.parts.worker_tokens.all()]
    return answer(TokenList(count=len(found), tokens=found))


async def create_token(call: Call) -> Response:
    _administrator(call)
    body = await call.document()
    groups = list_(body.get("groups"), "groups", "names")
    if not groups:
        raise InvalidInput("groups is empty.", field="groups", hint="Name at least one group of workers.")
    for index, group in enumerate(groups):
        if not isinstance(group, str) or not _GROUP.fullmatch(group) or group == HERE:
            raise InvalidInput(
                f"groups[{index}] must be a name of up to 64 letters, digits, '.', '_' and '-', and not {HERE!r}, "
                f"not {short(group)}.",
                field=f"groups[{index}]",
            )
    days = number(body.get("days"), "days", 1, 3650) or DAYS
    text, token = await call.parts.worker_tokens.issue(groups, lifetime_ms=days * _DAY_MS, by=call.actor.user_name)
    item = _item(token, call.parts.now_ms())
    item.token = text
    return answer(item)


async def revoke_token(call: Call) -> Response:
    _administrator(call)
    id_ = whole_number(call.path["token_id"])
    if id_ is None:
        raise NotFound(f"There is no worker token {short(call.path['token_id'])}.", field="token_id")
    await call.parts.worker_tokens.revoke(id_)
    return empty()


def _item(token: WorkerToken, now_ms: int) -> TokenItem:
    return TokenItem(
        id=token.id,
        groups=token.groups,
        created=token.created_ms,
        createdBy=token.created_by,
        expires=token.expires_ms,
        state=_state(token, now_ms),
    )


def _state(token: WorkerToken, now_ms: int) -> str:
    if token.revoked_ms is not None:
        return "revoked"
    return "expired" if now_ms >= token.expires_ms else "valid"


def _administrator(call: Call) -> None:
    if not call.actor.administrator:
        raise Forbidden(
            f"{call.actor.user_name} is no administrator of the installation.",
            hint="Workers' tokens are for administrators alone.",
        )


_WORKERS = "/v1/{project_id}/workers"
_TOKENS = "/v1/{project_id}/worker-tokens"

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_WORKERS,
        handler=list_workers,
        operation="listWorkers",
        summary="The groups of workers, and the workers, those that were lost within a day among them.",
        tag="workers",
        access=Access.PROJECT,
        response=WorkerList,
        ours=True,
    ),
    Route(
        method="GET",
        path=_TOKENS,
        handler=list_tokens,
        operation="listWorkerTokens",
        summary="The tokens of workers, without their texts.",
        tag="workers",
        access=Access.PROJECT,
        response=TokenList,
        errors=(Code.FORBIDDEN,),
        ours=True,
    ),
    Route(
        method="POST",
        path=_TOKENS,
        handler=create_token,
        operation="createWorkerToken",
        summary="Make a token for workers of these groups; its text is answered this once.",
        tag="workers",
        access=Access.PROJECT,
        request=NewToken,
        response=TokenItem,
        errors=(Code.FORBIDDEN,),
        example={"groups": ["gpu"], "days": 90},
        ours=True,
    ),
    Route(
        method="DELETE",
        path=f"{_TOKENS}/{{token_id}}",
        handler=revoke_token,
        operation="revokeWorkerToken",
        summary="Revoke a token: its workers are refused within seconds.",
        tag="workers",
        access=Access.PROJECT,
        success=204,
        errors=(Code.FORBIDDEN, Code.OBJECT_NOT_FOUND),
        ours=True,
    ),
)
