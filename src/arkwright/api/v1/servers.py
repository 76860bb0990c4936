"""The servers that share the database (ours): for everybody to see; emptying one is for administrators.

Rules: a server that is to be emptied begins nothing more, hands over what nothing of runs on it, and is empty when it
owns no instance. It goes on answering requests, and stays so until it is told to take work again, or is started anew
under another name.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.route import Access, Route
from arkwright.api.users import administrator_only
from arkwright.api.v1.documents import Milliseconds
from arkwright.errors import Code, IllegalState
from arkwright.store.server_record import ServerRow


class DaskSchedulerItem(Struct, kw_only=True):
    url: str
    groups: tuple[str, ...]
    """Groups whose attempts go by it."""
    others: bool
    """Whether those of all groups that none of the server's schedulers is named for do, too."""
    connected: bool


class ServerItem(Struct, kw_only=True):
    name: str
    roles: tuple[str, ...]
    version: str
    url: str
    """Where it listens, as it sees itself."""
    since: Milliseconds
    state: str
    """`running`, `draining`, `empty` (draining, and nothing is left on it) or `gone`."""
    instances: int
    """Unended ones that it owns."""
    leaseSeconds: float | None
    """For how long it still counts as there without a word. null: it is the only one."""
    answering: bool
    """Whether it is the one that answers this."""
    daskSchedulers: list[DaskSchedulerItem]
    """By which it reaches workers."""


class ServerList(Struct, kw_only=True):
    count: int
    servers: list[ServerItem]


async def list_servers(call: Call) -> Response:
    found = [_item(each, call.parts.engine.name) for each in await call.parts.store.list_servers()]
    return answer(ServerList(count=len(found), servers=found))


async def drain_server(call: Call) -> Response:
    administrator_only(call)
    name = call.path["server_name"]
    if any(each.entry.name == name and each.lease_left_ms is None for each in await call.parts.store.list_servers()):
        raise IllegalState(
            "This server's database is its own: there is no other one that could take its instances.",
            field="server_name",
            hint="Stop it instead: it finds everything again when it is started.",
        )
    await call.parts.store.set_draining(name, True)
    return empty()


async def resume_server(call: Call) -> Response:
    administrator_only(call)
    await call.parts.store.set_draining(call.path["server_name"], False)
    return empty()


def _item(row: ServerRow, ours: str) -> ServerItem:
    state = "running"
    if not row.alive:
        state = "gone"
    elif row.draining:
        state = "draining" if row.instances else "empty"
    return ServerItem(
        name=row.entry.name,
        roles=row.entry.roles,
        version=row.entry.version,
        url=row.entry.url,
        since=row.entry.since_ms,
        state=state,
        instances=row.instances,
        leaseSeconds=None if row.lease_left_ms is None else row.lease_left_ms / 1000,
        answering=row.entry.name == ours,
        daskSchedulers=[
            DaskSchedulerItem(url=each.url, groups=each.groups, others=each.others, connected=each.connected)
            for each in row.entry.ways or ()
        ],
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/{project_id}/servers",
        handler=list_servers,
        operation="listServers",
        summary="The servers that share the database: what they do, and how much they have.",
        tag="servers",
        access=Access.PROJECT,
        response=ServerList,
        ours=True,
    ),
    Route(
        method="PUT",
        path="/v1/{project_id}/servers/{server_name}/drain",
        handler=drain_server,
        operation="drainServer",
        summary="Empty a server: it begins nothing more and hands over what it can.",
        tag="servers",
        access=Access.PROJECT,
        success=204,
        errors=(Code.OBJECT_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
    ),
    Route(
        method="PUT",
        path="/v1/{project_id}/servers/{server_name}/resume",
        handler=resume_server,
        operation="resumeServer",
        summary="Let a server that was emptied take work again.",
        tag="servers",
        access=Access.PROJECT,
        success=204,
        errors=(Code.OBJECT_NOT_FOUND,),
        ours=True,
    ),
)
