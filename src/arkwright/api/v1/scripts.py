"""Scripts: create, modify, read, list, delete. Name and type of a script stay what they are."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arkwright.api.access import require
from arkwright.api.call import Call, answer, empty, short
from arkwright.api.records import named_page
from arkwright.api.route import OFFSET, Route, limit, number, text
from arkwright.api.v1 import documents
from arkwright.api.v1.fields import approvers
from arkwright.api.v1.if_match import IF_MATCH, if_match
from arkwright.api.v1.script_body import ScriptBody, read_script_body
from arkwright.core.job_document import canonical_type
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, DefinitionWrite, Kind


async def create_script(call: Call) -> Response:
    body = read_script_body(await call.document())
    await call.parts.store.create_definition(call.place, Kind.SCRIPT, _write(call, body))
    return empty()


async def update_script(call: Call) -> Response:
    name = call.path["script_name"]
    before = await _found(call, name)
    # Clients may leave out what can't be changed anyway.
    body = read_script_body({"name": name, "type": before.category, **await call.document()})
    if body.name != name:
        raise InvalidInput(
            f"name {short(body.name)} is not the name in the path, {short(name)}.",
            field="name",
            hint="A script can't be renamed: create a new one.",
        )
    if canonical_type(body.type) != canonical_type(before.category):
        raise InvalidInput(
            f"type {short(body.type)} is not the script's type, {before.category}.",
            field="type",
            hint="The type of a script can't be changed: create a new one.",
        )
    await call.parts.store.save_definition(call.place, Kind.SCRIPT, name, if_match(call, _write(call, body)))
    return empty()


async def show_script(call: Call) -> Response:
    name = call.path["script_name"]
    found = await _found(call, name)
    version = call.number("version", least=1)
    if version is not None:
        of_then = await call.parts.store.get_definition(call.place, Kind.SCRIPT, name, version=version)
        if of_then is None:
            raise NotFound(
                f"The script {name!r} has no version {version}; its newest one is {found.latest_version}.",
                field="version",
                code=Code.SCRIPT_NOT_FOUND,
            )
        found = of_then
    return answer(script_reply(found))


async def list_scripts(call: Call) -> Response:
    page = await named_page(call, Kind.SCRIPT, "scriptName")
    return answer({"total": page.total, "scripts": [script_reply(each) for each in page.items]})


async def delete_script(call: Call) -> Response:
    approvers((await call.document(required=False)).get("approvers"))
    await call.parts.store.delete_definition(call.place, Kind.SCRIPT, call.path["script_name"])
    return empty()


async def _found(call: Call, name: str) -> Definition:
    found = await call.parts.store.get_definition(call.place, Kind.SCRIPT, name)
    if found is None:
        raise NotFound(
            f"There is no script {name!r} in workspace {call.workspace.name}.",
            field="script_name",
            code=Code.SCRIPT_NOT_FOUND,
        )
    return found


def _write(call: Call, body: ScriptBody) -> DefinitionWrite:
    if body.target_status == "PRODUCTION":
        require(call.actor, Action.JOB_PRODUCE, call.workspace)
    return DefinitionWrite(
        name=body.name,
        category=body.type,
        directory=body.directory,
        body=body.document,
        submit=body.target_status != "SAVED",
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )


def script_reply(definition: Definition) -> dict[str, Any]:
    """The stored document, with what the server knows about it."""
    return {
        "directory": definition.directory,
        **definition.body,
        "name": definition.name,
        "type": definition.category,
        "id": str(definition.id),
        "owner": definition.created_by,
        "createUser": definition.created_by,
        "modifyTime": definition.updated_ms,
        "version": definition.version,
        "autoAcquireLock": True,
    }


# ---------------------------------------------------------------- routes

_EXAMPLE = {"name": "echoTimeShell", "type": "Shell", "content": "echo a"}

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/scripts",
        handler=create_script,
        operation="createScript",
        summary="Create a script.",
        tag="scripts",
        action=Action.SCRIPT_CREATE,
        request=documents.Script,
        success=204,
        errors=(Code.SCRIPT_TYPE_MISSING, Code.SCRIPT_EXISTS),
        example=_EXAMPLE,
    ),
    Route(
        method="PUT",
        path="/v1/{project_id}/scripts/{script_name}",
        handler=update_script,
        operation="updateScript",
        summary="Save a new version of a script. Name and type can't be changed.",
        tag="scripts",
        action=Action.SCRIPT_EDIT,
        parameters=(IF_MATCH,),
        request=documents.Script,
        success=204,
        errors=(Code.SCRIPT_NOT_FOUND, Code.SCRIPT_TYPE_MISSING, Code.STALE_WRITE),
        example=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/scripts/{script_name}",
        handler=show_script,
        operation="showScript",
        summary="A script as it was sent.",
        tag="scripts",
        action=Action.SCRIPT_READ,
        parameters=(number("version", "Ours: an earlier version; none: the newest.", minimum=1),),
        response=documents.SavedScript,
        errors=(Code.SCRIPT_NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/scripts",
        handler=list_scripts,
        operation="listScripts",
        summary="The scripts of a workspace, newest first.",
        tag="scripts",
        action=Action.SCRIPT_READ,
        parameters=(text("scriptName", "A part of the name."), OFFSET, limit(100)),
        response=documents.ScriptList,
    ),
    Route(
        method="DELETE",
        path="/v1/{project_id}/scripts/{script_name}",
        handler=delete_script,
        operation="deleteScript",
        summary="Delete a script. Instances that are pinned to a version of it keep it.",
        tag="scripts",
        action=Action.SCRIPT_DELETE,
        request=documents.Approvers,
        request_required=False,
        success=204,
        errors=(Code.SCRIPT_NOT_FOUND,),
    ),
)
