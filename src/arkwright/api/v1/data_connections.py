"""Data connections of the Management Center: the same connections as those of the older API, in other words.

Rules: a connection lives once, whichever call made it; `dw_config` is its configuration, whose secrets are sealed and
answered as a mask (`connection_body`). Its id is the number of the stored document. Types and keys are the cloud's, of
which there are more than the older API knows, so they are kept as they are. A request with several connections is
checked whole before the first is stored.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short
from arkwright.api.error_codes import CONNECTION_EXISTS, CONNECTION_NOT_FOUND, CONNECTION_TYPE_FIXED
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, contains, write_of
from arkwright.api.route import Route, number, text
from arkwright.api.v1 import management_documents as documents
from arkwright.api.v1.connection_body import MASK, ConnectionBody, masked, sealed
from arkwright.api.v1.connections import broken_by
from arkwright.api.v1.fields import list_, object_, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.management import record_page
from arkwright.core.job_document import canonical_type
from arkwright.errors import AlreadyExists, InvalidInput
from arkwright.iam.model import Action
from arkwright.store.base import Definition, Kind

MAX_AT_ONCE = 50
MAX_CONNECTIONS = 200
_NAME = re.compile(r"[A-Za-z0-9_.\-\u3400-\u4dbf\u4e00-\u9fff]{1,128}")


async def create_connections(call: Call) -> Response:
    document = await call.document()
    bodies = _read_all(document)
    known = await all_of(call, Kind.CONNECTION)
    if len(known) + len(bodies) > MAX_CONNECTIONS:
        raise InvalidInput(f"A workspace holds at most {MAX_CONNECTIONS} connections.", field="data_source_vos")
    names = {each.name for each in known}
    for body in bodies:
        if body.name in names:
            raise HttpRefusal(CONNECTION_EXISTS, f"There is a connection {body.name} already.")
        names.add(body.name)
    made = [await _create(call, body) for body in bodies]
    ids = [str(each.id) for each in made]
    return answer({"data_connection_id": ids[0], "data_connection_ids": ids})


async def _create(call: Call, body: ConnectionBody) -> Definition:
    stored = sealed(body, call.place, call.parts.directory.sealer, None)
    try:
        return await call.parts.store.create_definition(
            call.place, Kind.CONNECTION, write_of(call, body.name, stored, category=body.type)
        )
    except AlreadyExists as error:
        raise HttpRefusal(CONNECTION_EXISTS, f"There is a connection {body.name} already.") from error


async def update_connection(call: Call) -> Response:
    before = await _found(call)
    bodies = _read_all(await call.document(), before)
    if len(bodies) != 1:
        raise wrong("data_source_vos", "must hold the one connection of the path", len(bodies))
    body = bodies[0]
    if canonical_type(body.type) != canonical_type(before.category):
        raise HttpRefusal(CONNECTION_TYPE_FIXED, hint=f"It is {before.category}; create a new connection.")
    if body.name != before.name:
        raise InvalidInput(
            f"dw_name {short(body.name)} is not the connection's name, {short(before.name)}.",
            field="dw_name",
            hint="A connection can't be renamed: create a new one.",
        )
    stored = sealed(body, call.place, call.parts.directory.sealer, before.body)
    write = write_of(call, body.name, stored, category=before.category)
    await call.parts.store.save_definition(call.place, Kind.CONNECTION, before.name, write)
    return empty(200)


async def list_connections(call: Call) -> Response:
    query = call.query
    kind = canonical_type(query.get("type", ""))
    found = [
        each
        for each in await all_of(call, Kind.CONNECTION, name_contains=query.get("name", ""))
        if (not kind or canonical_type(each.category) == kind)
        and contains((each.body.get("config") or {}).get("ip"), query.get("ip", ""))
    ]
    shown = [_item(call, each) for each in record_page(call, found, most=MAX_CONNECTIONS)]
    return answer(
        {
            "count": len(shown),
            "total_size": len(found),
            "max_records": MAX_CONNECTIONS,
            "data_connection_lists": shown,
        }
    )


async def show_connection(call: Call) -> Response:
    found = await _found(call)
    config = masked(found.body.get("config") or {})
    category = found.body.get("dw_category", "")
    more = {"env_type": found.body.get("env_type", 0), "dw_catagory": category, "dw_category": category}
    return answer({**_item(call, found), **more, "dw_config": config, "update_type": 0})


async def delete_connection(call: Call) -> Response:
    found = await _found(call)
    await call.parts.store.delete_definition(call.place, Kind.CONNECTION, found.name)
    return empty(200)


async def try_connection(call: Call) -> Response:
    """Whether it works: logged in to as a node would. Of one that is stored, a mask stands for its secret."""
    body = _read(await call.document(), "body")
    if canonical_type(body.type) == "dli":
        return answer({"is_success": True, "message": ""})  # the workspace's own database, which is always there
    before = await call.parts.store.get_definition(call.place, Kind.CONNECTION, body.name)
    if before is not None and MASK in body.config.values() and _plain(before) != masked(body.config):
        # Else whoever may try a connection could have its password sent to a server of his own.
        raise InvalidInput(
            f"A mask stands for a secret of the stored connection {body.name}, from which this one differs.",
            field="dw_config",
            hint="Give the secret itself, or try the connection as it is stored.",
        )
    broken = await broken_by(call, body, before)
    if broken is not None:
        raise InvalidInput(f"The connection can't be made: {broken.rstrip('.')}.", field="dw_config")
    return answer({"is_success": True, "message": ""})


def _plain(stored: Definition) -> dict[str, Any]:
    return masked(stored.body.get("config") or {})


# ---------------------------------------------------------------- inside


def _read_all(document: dict[str, Any], before: Definition | None = None) -> list[ConnectionBody]:
    given = list_(document.get("data_source_vos"), "data_source_vos", "objects with dw_name, dw_type and dw_config")
    if not 1 <= len(given) <= MAX_AT_ONCE:
        raise wrong("data_source_vos", f"must have 1 to {MAX_AT_ONCE} entries", len(given))
    more = {}
    for field in ("mode", "visible"):
        value = number_of(document.get(field), field, 0, 1)
        if value is not None:
            more[field] = value
    return [_read(each, f"data_source_vos[{index}]", more, before) for index, each in enumerate(given)]


def _read(
    given: Any, where: str, more: dict[str, Any] | None = None, before: Definition | None = None
) -> ConnectionBody:
    if not isinstance(given, dict):
        raise wrong(where, "must be an object", given)
    if before is not None:
        given = {"dw_name": before.name, "dw_type": before.category, **given}
    name, kind = given.get("dw_name"), text_of(given.get("dw_type"), f"{where}.dw_type", 64, least=1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong(f"{where}.dw_name", "must be 1 to 128 letters, digits, Chinese characters, -, _ and dots", name)
    if given.get("dw_config") is None:
        raise InvalidInput(f"{where}.dw_config is missing.", field=f"{where}.dw_config")
    config = dict(object_(given["dw_config"], f"{where}.dw_config"))
    for key, value in config.items():
        if isinstance(value, dict | list):
            raise wrong(f"{where}.dw_config.{key}", "must be a text", value)
    text_of(given.get("description"), f"{where}.description", 255)
    number_of(given.get("env_type"), f"{where}.env_type", 0, 1)
    number_of(given.get("supportService"), f"{where}.supportService", 0, 127)
    rest = {key: value for key, value in given.items() if key not in ("dw_name", "dw_type", "dw_config", "dw_id")}
    return ConnectionBody(
        name=name, type=kind, document={**rest, **(more or {}), "name": name, "type": kind, "config": config}
    )


async def _found(call: Call) -> Definition:
    wanted = call.path["data_connection_id"]
    for each in await all_of(call, Kind.CONNECTION):
        if str(each.id) == wanted:
            return each
    raise HttpRefusal(CONNECTION_NOT_FOUND, f"There is no connection {short(wanted)} in this workspace.")


def _item(call: Call, connection: Definition) -> dict[str, Any]:
    body = connection.body
    return {
        "dw_id": str(connection.id),
        "dw_name": connection.name,
        "dw_type": connection.category,
        "agent_id": body.get("agent_id", ""),
        "agent_name": body.get("agent_name", ""),
        "qualified_name": f"{call.workspace.name}.{connection.name}",
        "description": body.get("description") or "",
        "create_user": connection.created_by,
        "create_time": connection.created_ms,
    }


# ---------------------------------------------------------------- routes

_CONNECTION = {
    "dw_name": "warehouse",
    "dw_type": "DWS",
    "dw_config": {"ip": "10.0.0.5", "port": "8000", "userName": "dbadmin", "password": "an example"},
    "env_type": 0,
}
_EXAMPLE = {"data_source_vos": [_CONNECTION]}
_PATH = "/v1/{project_id}/data-connections"
_ONE = f"{_PATH}/{{data_connection_id}}"


def _route(method: str, path: str, handler: Any, operation: str, summary: str, action: Action, **more: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="management center",
        action=action,
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "POST",
        _PATH,
        create_connections,
        "createConnections",
        "Create data connections. Secrets in their configuration are stored encrypted.",
        Action.CONNECTION_CREATE,
        errors=(CONNECTION_EXISTS,),
        example=_EXAMPLE,
        request=documents.DataConnections,
        response=documents.MadeDataConnections,
    ),
    _route(
        "GET",
        _PATH,
        list_connections,
        "listDataconnections",
        "The data connections of a workspace, newest first.",
        Action.CONNECTION_READ,
        parameters=(
            text("name", "A part of the name."),
            text("type", "Type of the connections."),
            text("ip", "A part of the address."),
            number("offset", "Records to skip.", minimum=0, default=0),
            number("limit", "Records on a page.", minimum=1, maximum=MAX_CONNECTIONS, default=10),
        ),
        response=documents.DataConnectionList,
    ),
    _route(
        "GET",
        _ONE,
        show_connection,
        "showDataconnection",
        "A data connection, its secrets masked.",
        Action.CONNECTION_READ,
        errors=(CONNECTION_NOT_FOUND,),
        response=documents.DataConnectionDetail,
    ),
    _route(
        "PUT",
        _ONE,
        update_connection,
        "updateDataconnection",
        "Save a data connection. A mask leaves the secret as it is.",
        Action.CONNECTION_EDIT,
        errors=(CONNECTION_NOT_FOUND, CONNECTION_TYPE_FIXED),
        example=_EXAMPLE,
        request=documents.DataConnections,
    ),
    _route(
        "DELETE",
        _ONE,
        delete_connection,
        "deleteDataconnection",
        "Delete a data connection.",
        Action.CONNECTION_DELETE,
        errors=(CONNECTION_NOT_FOUND,),
    ),
    _route(
        "POST",
        f"{_PATH}/validation",
        try_connection,
        "debugDataconnection",
        "Try a data connection for real: log in as a node would.",
        Action.CONNECTION_OPERATE,
        example=_CONNECTION,
        request=documents.DataConnection,
        response=documents.Outcome,
    ),
)
