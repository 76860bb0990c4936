"""Environment variables of a workspace, and its scripts as the newer API lists them.

Rules: PUT replaces the whole list, in the order given; names are unique. One document holds them all, so that readers
see one PUT or the other, never a mixture.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.records import put, write_of
from arkwright.api.route import Route, text
from arkwright.api.v1.fields import PARAMETER_NAME, choice, list_, wrong
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.scripts import script_reply
from arkwright.api.v2 import documents
from arkwright.api.v2.names import newer
from arkwright.api.v2.paths import PAGE, SIZE, route
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action
from arkwright.store.base import Kind

NAME = "environment"
"""Of the one document."""
MAX_VALUE = 1024
_TYPES = ("variable", "constant", "constants")


async def show_environment(call: Call) -> Response:
    found = await call.parts.store.get_definition(call.place, Kind.ENVIRONMENT, NAME)
    return answer({"params": [] if found is None else found.body["params"]})


async def save_environment(call: Call) -> Response:
    body = await call.document()
    if not isinstance(body.get("params"), list):
        raise wrong("params", "must be a list of objects with name and value", body.get("params"))
    params = [_variable(each, f"params[{index}]") for index, each in enumerate(list_(body["params"], "params", ""))]
    names = [each["name"] for each in params]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidInput(f"params[{index}].name {name!r} is given twice.", field=f"params[{index}].name")
    await put(call, Kind.ENVIRONMENT, write_of(call, NAME, {**body, "params": params}))
    return answer({"is_success": True, "status_code": 200})


def _variable(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise wrong(where, "must be an object with name and value", given)
    name = given.get("name")
    if not isinstance(name, str) or not PARAMETER_NAME.fullmatch(name):
        raise wrong(f"{where}.name", "must be 1 to 64 letters, digits, dots, hyphens and underscores", name)
    if given.get("value") is None:
        raise InvalidInput(f"{where}.value is missing.", field=f"{where}.value", hint="It may be empty.")
    text_of(given["value"], f"{where}.value", MAX_VALUE)
    text_of(given.get("desc"), f"{where}.desc", 255)
    kind = choice(given.get("type"), f"{where}.type", _TYPES) or "variable"
    return {**given, "type": kind, "desc": given.get("desc") or ""}


async def list_scripts(call: Call) -> Response:
    offset, size = call.slice(most=100)
    page = await call.parts.store.list_definitions(
        call.place, Kind.SCRIPT, name_contains=call.query.get("script_name", ""), offset=offset, limit=size
    )
    return answer({"total": page.total, "scripts": [newer(script_reply(each)) for each in page.items]})


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/env",
        show_environment,
        "showFactoryEnv",
        "The environment variables of the workspace.",
        Action.ENVIRONMENT_READ,
        response=documents.Environment,
    ),
    route(
        "PUT",
        "/env",
        save_environment,
        "createFactoryEnv",
        "Replace the environment variables of the workspace.",
        Action.ENVIRONMENT_EDIT,
        example={"params": [{"name": "region", "type": "variable", "value": "eu-de", "desc": "where"}]},
        request=documents.Environment,
        response=documents.Done,
    ),
    route(
        "GET",
        "/scripts",
        list_scripts,
        "listFactoryScripts",
        "The scripts of the workspace, newest first.",
        Action.SCRIPT_READ,
        text("script_name", "A part of the name."),
        PAGE,
        SIZE,
        response=documents.ScriptList,
    ),
)
