"""Tokens of a user that still work, and the settings of the server, to look at (ours).

Rules: everybody sees and revokes their own tokens, an administrator everybody's. A token's text is never shown: it is
nowhere stored. Settings are for administrators; what is secret in them is only said to be set.
"""

from __future__ import annotations

import hashlib

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short
from arkwright.api.route import Access, Route
from arkwright.api.server_setting import ServerSetting
from arkwright.api.session import session_token
from arkwright.api.users import administrator_only, user_in_path
from arkwright.api.v1.documents import Milliseconds
from arkwright.errors import Code, NotFound
from arkwright.iam.tokens import id_of


class OwnToken(Struct, kw_only=True, omit_defaults=True):
    id: str
    """The beginning of its digest; of no use for logging in."""
    issueTime: Milliseconds
    expireTime: Milliseconds
    project_id: str | UnsetType = UNSET
    """None: it is for the domain."""
    current: bool = False
    """Whether this request was made with it."""


class OwnTokens(Struct, kw_only=True):
    tokens: list[OwnToken]


class ServerSettings(Struct, kw_only=True):
    settings: list[ServerSetting]


async def list_tokens(call: Call) -> Response:
    used = session_token(call) or call.headers.get(b"x-auth-token", b"")
    used_id = id_of(hashlib.sha256(used).digest()) if used else ""
    found = [
        OwnToken(
            id=id_of(each.token_hash),
            issueTime=each.issued_ms,
            expireTime=each.expires_ms,
            project_id=each.project_id or UNSET,
            current=id_of(each.token_hash) == used_id,
        )
        for each in await call.parts.tokens.of_user(_user_id(call))
    ]
    return answer(OwnTokens(tokens=found))


async def revoke_token(call: Call) -> Response:
    if not await call.parts.tokens.revoke_of_user(_user_id(call), call.path["token_id"]):
        raise NotFound(f"The user has no token {short(call.path['token_id'])} that works.", field="token_id")
    return empty()


async def show_settings(call: Call) -> Response:
    administrator_only(call)
    return answer(ServerSettings(settings=list(call.parts.settings)))


def _user_id(call: Call) -> str:
    user = user_in_path(call)
    if user.id != call.actor.user_id:
        administrator_only(call)
    return user.id


_TOKENS = "/v1/{project_id}/users/{user_id}/tokens"

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_TOKENS,
        handler=list_tokens,
        operation="listUserTokens",
        summary="A user's tokens that still work, newest first.",
        tag="users",
        access=Access.PROJECT,
        response=OwnTokens,
        errors=(Code.FORBIDDEN, Code.OBJECT_NOT_FOUND),
        ours=True,
    ),
    Route(
        method="DELETE",
        path=f"{_TOKENS}/{{token_id}}",
        handler=revoke_token,
        operation="revokeUserToken",
        summary="End one of a user's tokens; other servers notice within half a minute.",
        tag="users",
        access=Access.PROJECT,
        success=204,
        errors=(Code.FORBIDDEN, Code.OBJECT_NOT_FOUND),
        ours=True,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/server-settings",
        handler=show_settings,
        operation="showServerSettings",
        summary="What this server runs with: each setting, its value, and where that comes from.",
        tag="server",
        access=Access.PROJECT,
        response=ServerSettings,
        errors=(Code.FORBIDDEN,),
        ours=True,
    ),
)
