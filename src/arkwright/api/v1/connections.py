"""Connections: create, list, read, update, delete. Secrets go in and never come out (`connection_body`)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short
from arkwright.api.error_codes import (
    CLUSTER_NEEDED,
    CLUSTER_OCCUPIED,
    CONNECTION_EXISTS,
    CONNECTION_NOT_FOUND,
    CONNECTION_TYPE_FIXED,
    ONE_DLI_CONNECTION,
    PARAMETER_INVALID,
)
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, named_page
from arkwright.api.route import OFFSET, Route, flag, limit, text
from arkwright.api.v1.connection_body import (
    MASK,
    ConnectionBody,
    canonical,
    is_secret,
    masked,
    read_connection_body,
    sealed,
)
from arkwright.core.scrubbing import scrub
from arkwright.engine.connections import unsealed
from arkwright.errors import AlreadyExists, InvalidInput, NotFound, SettingInvalid
from arkwright.iam.model import Action
from arkwright.nodes.base import Connection as NodeConnection
from arkwright.nodes.ssh_program import KNOWN_HOSTS
from arkwright.store.base import Definition, DefinitionWrite, Kind


class Connection(Struct, kw_only=True, omit_defaults=True):
    name: str
    type: str
    config: dict[str, Any] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class ConnectionList(Struct, kw_only=True):
    total: int
    connections: list[Connection]


async def create_connection(call: Call) -> Response:
    body = read_connection_body(await call.document())
    await check_others(call, body)
    document = sealed(body, call.place, call.parts.directory.sealer, None)
    try:
        await call.parts.store.create_definition(call.place, Kind.CONNECTION, write_of(call, body, document))
    except AlreadyExists as error:
        raise HttpRefusal(CONNECTION_EXISTS, hint="Choose another name, or edit the connection with PUT.") from error
    return empty()


async def update_connection(call: Call) -> Response:
    before = await found(call, call.path["connection_name"])
    body = read_connection_body({"name": before.name, "type": before.category, **await call.document()})
    if body.name != before.name:
        raise InvalidInput(
            f"name {short(body.name)} is not the name in the path, {short(before.name)}.",
            field="name",
            hint="A connection can't be renamed: create a new one.",
        )
    if body.canonical != canonical(before.category):
        raise HttpRefusal(CONNECTION_TYPE_FIXED, hint=f"It is {before.category}; create a new connection.")
    await check_others(call, body, before)
    if call.flag("ischeck"):
        await check_saved(call, body, before)
    document = sealed(body, call.place, call.parts.directory.sealer, before.body)
    write = write_of(call, body, document)
    try:
        await call.parts.store.save_definition(call.place, Kind.CONNECTION, before.name, write)
    except NotFound as error:
        raise _missing(before.name) from error
    return empty()


async def show_connection(call: Call) -> Response:
    return answer(connection_reply(await found(call, call.path["connection_name"])))


async def list_connections(call: Call) -> Response:
    page = await named_page(call, Kind.CONNECTION, "connectionName")
    return answer({"total": page.total, "connections": [connection_reply(each) for each in page.items]})


async def delete_connection(call: Call) -> Response:
    name = call.path["connection_name"]
    try:
        await call.parts.store.delete_definition(call.place, Kind.CONNECTION, name)
    except NotFound as error:
        raise _missing(name) from error
    return empty()


# ---------------------------------------------------------------- shared with the import


async def found(call: Call, name: str) -> Definition:
    definition = await call.parts.store.get_definition(call.place, Kind.CONNECTION, name)
    if definition is None:
        raise _missing(name)
    return definition


async def check_others(call: Call, body: ConnectionBody, before: Definition | None = None) -> None:
    """What the documents allow only once: a user's DLI connection, and a cluster in connections of one type."""
    kind = body.canonical
    if kind != "DLI" and not body.cluster:
        return
    own = call.actor.user_name if before is None else before.created_by
    for each in await all_of(call, Kind.CONNECTION):
        if each.name == body.name or canonical(each.category) != kind:
            continue
        if kind == "DLI" and each.created_by == own:
            raise HttpRefusal(ONE_DLI_CONNECTION, hint=f"Yours is {each.name}.")
        if kind != "DLI" and (each.body.get("config") or {}).get("clusterName") == body.cluster:
            raise HttpRefusal(CLUSTER_OCCUPIED, hint=f"{body.cluster} is the cluster of the connection {each.name}.")


def write_of(call: Call, body: ConnectionBody, document: dict[str, Any]) -> DefinitionWrite:
    return DefinitionWrite(
        name=body.name,
        category=body.type,
        directory="/",
        body=document,
        submit=True,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )


def connection_reply(definition: Definition) -> dict[str, Any]:
    return {
        "description": "",
        **definition.body,
        "name": definition.name,
        "type": definition.category,
        "config": masked(definition.body.get("config") or {}),
    }


def _missing(name: str) -> HttpRefusal:
    return HttpRefusal(CONNECTION_NOT_FOUND, f"There is no connection {short(name)} in this workspace.")


# ---------------------------------------------------------------- the test before saving


async def check_saved(call: Call, body: ConnectionBody, before: Definition | None) -> None:
    """Log in as a node would. Raises `HttpRefusal`."""
    if body.canonical == "DLI":
        return  # the workspace's own database, which is always there
    broken = await broken_by(call, body, before)
    if broken is not None:
        raise HttpRefusal(
            PARAMETER_INVALID,
            f"The connection was not saved: {broken.rstrip('.')}.",
            hint="Leave ischeck out to save it all the same.",
        )


async def broken_by(call: Call, body: ConnectionBody, before: Definition | None) -> str | None:
    """What keeps the connection from being used; None: it works. A mask stands for the secret that is stored."""
    # Imported here: it loads drivers, which a server that tests no connection starts without.
    from arkwright.nodes.connection_check import ConnectionBroken, check_connection

    try:
        config = _opened(call, body, before)
    except SettingInvalid as error:
        return str(error)
    connection = NodeConnection(name=body.name, type=body.type, config=config)
    folder = call.parts.workspace_folder(call.place.workspace_id)
    fence = {"allow_loopback_requests": call.parts.loopback_allowed}
    try:
        await check_connection(connection, fence, known_hosts=folder / KNOWN_HOSTS)
    except ConnectionBroken as broken:
        secrets = tuple(str(value) for key, value in config.items() if is_secret(key) and value)
        return scrub(str(broken), secrets)
    return None


def _opened(call: Call, body: ConnectionBody, before: Definition | None) -> dict[str, Any]:
    """The configuration with its secrets. Raises `SettingInvalid`."""
    references, place = call.parts.references, call.place
    config = dict(body.config)
    if references is not None:
        for key, value in config.items():
            if is_secret(key) and isinstance(value, str):
                config[key] = references.resolved(place.workspace_id, value)
    if before is not None and MASK in body.config.values():
        stored = before.body.get("config") or {}
        known = unsealed(stored, place, before.name, call.parts.directory.sealer, references)
        config |= {key: known[key] for key, value in body.config.items() if value == MASK and key in known}
    return config


# ---------------------------------------------------------------- routes

_EXAMPLE = {
    "name": "connection1",
    "type": "DWS",
    "config": {
        "clusterName": "test",
        "userName": "dbadmin",
        "password": "an example",
        "kmsKey": "cdm-dlf",
        "agentName": "cdm-donotdelete",
        "sslEnable": False,
    },
}
_ONE = "/v1/{project_id}/connections/{connection_name}"

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/connections",
        handler=create_connection,
        operation="createConnection",
        summary="Create a connection. Secrets in its configuration are stored encrypted.",
        tag="connections",
        action=Action.CONNECTION_CREATE,
        request=Connection,
        success=204,
        errors=(CONNECTION_EXISTS, ONE_DLI_CONNECTION, CLUSTER_OCCUPIED, CLUSTER_NEEDED),
        example=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/connections",
        handler=list_connections,
        operation="listConnections",
        summary="The connections of a workspace, newest first, secrets masked.",
        tag="connections",
        action=Action.CONNECTION_READ,
        parameters=(text("connectionName", "A part of the name."), OFFSET, limit(100)),
        response=ConnectionList,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=show_connection,
        operation="showConnection",
        summary="A connection, secrets masked.",
        tag="connections",
        action=Action.CONNECTION_READ,
        response=Connection,
        errors=(CONNECTION_NOT_FOUND,),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=update_connection,
        operation="updateConnection",
        summary="Save a connection anew. Its type can't be changed; a masked secret stays as it is.",
        tag="connections",
        action=Action.CONNECTION_EDIT,
        parameters=(flag("ischeck", "Save only if somebody listens at the connection's address."),),
        request=Connection,
        success=204,
        errors=(CONNECTION_NOT_FOUND, CONNECTION_TYPE_FIXED, ONE_DLI_CONNECTION, CLUSTER_OCCUPIED, CLUSTER_NEEDED),
        example=_EXAMPLE,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_connection,
        operation="deleteConnction",
        summary="Delete a connection. (The operation's name is misspelt in the documents.)",
        tag="connections",
        action=Action.CONNECTION_DELETE,
        success=204,
        errors=(CONNECTION_NOT_FOUND,),
    ),
)
