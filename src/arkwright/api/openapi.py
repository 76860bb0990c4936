"""The OpenAPI 3.1 document, made from the routes and the types of their bodies when it is first asked for.

Rules: every status that a route can answer is in it, with its body and an example; what one answer is good for in
another operation is a link (`links`). Names of types are those of the code; where two versions of the API have one of
the same name, the newer one's begins with `V2`.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from arkwright import __version__
from arkwright.api.call import Call
from arkwright.api.error_codes import (
    BODY_TOO_LARGE,
    FORBIDDEN,
    INTERNAL,
    PARAMETER_INVALID,
    THROTTLED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    ErrorCode,
    error_code,
)
from arkwright.api.errors import ErrorBody
from arkwright.api.examples import example_of, named
from arkwright.api.links import LINKS
from arkwright.api.route import Access, Parameter, Route
from arkwright.errors import Code

_VARIABLE = re.compile(r"\{([^}:]*)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{name}"
_QUALIFIED = re.compile(r"arkwright[._]api[._](?:(v[123])[._])?(?:\w+?[._])*([A-Z]\w*)")
_WORKSPACE = Parameter(
    name="workspace",
    place="header",
    summary="Id of the workspace; missing or empty: the default one.",
    schema={"type": "string"},
)
_REQUEST_ID = {
    "X-Request-Id": {
        "description": "Names this reply in the server's log.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }
}
_HEADERS = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
_SUBJECT_TOKEN = {"X-Subject-Token": {"description": "The token.", "schema": {"type": "string"}}}
_VARIABLES = {
    "bucket": "Name of a bucket.",
    "connection_name": "Name of a connection.",
    "data_connection_id": "Id of a data connection.",
    "hook_id": "Id of a webhook.",
    "instance_id": "Id of an instance of a job.",
    "instance_name": "Name of a patch.",
    "job_name": "Name of a job.",
    "key": "Key of an object; may hold slashes.",
    "node_name": "Name of a node; may hold slashes.",
    "package_id": "Id of a release package.",
    "project_id": "Id of the project; the credential is good for one.",
    "resource_id": "Id of a resource.",
    "script_name": "Name of a script.",
    "task_id": "Id of a system task.",
    "user_id": "Id of a user.",
    "workspace_id": "Id of a workspace.",
}
_TAGS = {
    "jobs": "Jobs of the older API: save, run, schedule.",
    "scripts": "Scripts of the older API.",
    "instances": "Runs of jobs, their nodes and logs.",
    "connections": "Connections of the older API.",
    "resources": "Files that jobs and scripts use.",
    "factory v2": "The newer API of the Factory.",
    "management center": "Workspaces, members and data connections.",
    "workers": "Workers, their tokens, and what they say about the attempts that they run.",
    "identity": "Log in, and find projects: Keystone's shape.",
}


async def show_openapi(call: Call) -> Response:
    return Response(_encoded(), media_type="application/json")


@cache
def _encoded() -> bytes:
    from arkwright.api.routes import ROUTES as ALL  # the table of routes holds this module's, too

    return msgspec.json.encode(make_document(ALL))


def make_document(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The document that describes these routes."""
    types = [each for route in routes for each in (route.request, route.response) if each is not None]
    shapes, components = msgspec.json.schema_components(
        [*types, ErrorBody], schema_hook=_anything, ref_template=_REFERENCE
    )
    shapes, components = _plainly_named(shapes, components)
    schemas = iter(shapes)
    paths: dict[str, dict[str, Any]] = {}
    known = {route.operation: route for route in routes}
    for route in routes:
        request = next(schemas) if route.request is not None else None
        response = next(schemas) if route.response is not None else None
        operation = _operation(route, request, response, components)
        links = _links(route, known)
        if links:
            operation["responses"][str(route.success)]["links"] = links
        paths.setdefault(plain_path(route), {})[route.method.lower()] = operation
    responses = _shared(paths)
    used = {route.tag for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Arkwright",
            "version": __version__,
            "summary": "An open implementation of the DataArts Factory API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": tag, **({"description": _TAGS[tag]} if tag in _TAGS else {})}
            for tag in [*(each for each in _TAGS if each in used), *sorted(used - set(_TAGS))]
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": responses,
            "headers": _REQUEST_ID,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Token",
                    "description": "From POST /v3/auth/tokens; valid for 24 hours.",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "SDK-HMAC-SHA256 with an access key.",
                },
                "worker": {"type": "http", "scheme": "bearer", "description": "The token of a worker."},
            },
        },
    }


def _anything(kind: type) -> dict[str, Any]:
    """The schema of a type that says nothing of its values."""
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError


def plain_path(route: Route) -> str:
    """Its path as OpenAPI writes it."""
    return _VARIABLE.sub(lambda match: "{" + match[1] + "}", route.path)


def _plainly_named(shapes: Any, components: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """With `V2JobItem` for what msgspec names by its module where two types have one name."""
    names: dict[str, str] = {}
    for name in components:
        match = _QUALIFIED.fullmatch(name)
        plain = name if match is None else match[2] if match[1] in (None, "v1") else f"{match[1].upper()}{match[2]}"
        names[name] = plain if plain not in names.values() and plain not in components else name
    text = msgspec.json.encode([shapes, {names[key]: value for key, value in components.items()}]).decode()
    for name, plain in names.items():
        if name != plain:
            text = text.replace(f'"{_REFERENCE.format(name=name)}"', f'"{_REFERENCE.format(name=plain)}"')
    shapes, components = msgspec.json.decode(text)
    return shapes, components


def _operation(
    route: Route, request: dict[str, Any] | None, response: dict[str, Any] | None, components: dict[str, Any]
) -> dict[str, Any]:
    variables = [_variable(name, route) for name in _VARIABLE.findall(route.path)]
    given = (*((_WORKSPACE,) if route.access is Access.WORKSPACE else ()), *route.parameters)
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*variables, *(_parameter(each) for each in given)],
        "responses": {str(route.success): _success(route, response, components), **_failures(route)},
        "security": _security(route),
    }
    if route.action is not None:
        operation["x-action"] = route.action.value
    if route.ours:
        operation["x-arkwright"] = True
    if route.streamed:
        body = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": False, "content": body}
    elif request is not None:
        example = route.example if route.example is not None else example_of(request, components)
        content = {"application/json": {"schema": request, "example": example}}
        operation["requestBody"] = {"required": route.request_required, "content": content}
    return operation


def _variable(name: str, route: Route) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    example, summary = named(name), _VARIABLES.get(name, "")
    if name == "instance_id":
        of_a_job = "/jobs/" in route.path or "/instances/{" in route.path
        if not of_a_job:
            example, summary = named("project_id"), "Id of the project's DataArts instance."
        else:
            example = "132343"
    return {
        "name": name,
        "in": "path",
        "required": True,
        **({"description": summary} if summary else {}),
        "schema": schema,
        **({} if example is None else {"example": str(example)}),
    }


def _links(route: Route, known: dict[str, Route]) -> dict[str, Any]:
    found = {}
    for link in LINKS.get(route.operation, ()):
        target = known.get(link.to)
        if target is None:
            continue
        # What both paths have in common stays the same.
        common = set(_VARIABLE.findall(route.path)) & set(_VARIABLE.findall(target.path))
        parameters = {name: f"$request.path.{name}" for name in sorted(common)}
        found[link.to] = {"operationId": link.to, "parameters": {**parameters, **link.parameters}}
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.summary,
        "schema": dict(parameter.schema),
    }


def _success(route: Route, response: dict[str, Any] | None, components: dict[str, Any]) -> dict[str, Any]:
    headers = {**_HEADERS, **_SUBJECT_TOKEN} if route.path == "/v3/auth/tokens" and response is not None else _HEADERS
    found: dict[str, Any] = {"description": HTTPStatus(route.success).phrase, "headers": headers}
    if response is not None:
        if route.media_type == "application/json":
            example = route.answer if route.answer is not None else example_of(response, components)
            found["content"] = {route.media_type: {"schema": response, "example": example}}
        elif route.media_type.startswith("text/"):
            found["content"] = {route.media_type: {"schema": {"type": "string"}}}
        else:
            found["content"] = {route.media_type: {"schema": {"type": "string", "format": "binary"}}}
    return found


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.access is Access.PUBLIC:
        return []
    return [{"worker": []}] if route.access is Access.WORKER else [{"token": []}, {"signature": []}]


def _failures(route: Route) -> dict[str, Any]:
    rows: list[ErrorCode] = [PARAMETER_INVALID, INTERNAL, UNAVAILABLE, BODY_TOO_LARGE]
    if route.access is not Access.PUBLIC:
        rows += [UNAUTHENTICATED, FORBIDDEN, THROTTLED]
    if route.access is Access.WORKSPACE:
        rows.append(error_code(Code.WORKSPACE_NOT_FOUND, route.version))
    rows += [each if isinstance(each, ErrorCode) else error_code(each, route.version) for each in route.errors]
    by_status: dict[int, dict[str, ErrorCode]] = {}
    for row in rows:
        by_status.setdefault(row.status, {})[row.code] = row
    return {
        str(status): {
            "description": "; ".join(f"{row.code} {row.text}" for row in by_code.values()),
            "headers": _HEADERS,
            "content": {
                "application/json": {
                    "schema": {"$ref": _REFERENCE.format(name="ErrorBody")},
                    "examples": {row.code: {"value": _example(row)} for row in by_code.values()},
                }
            },
        }
        for status, by_code in sorted(by_status.items())
    }


def _shared(paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Take the refusals that several operations have in common out of them, leaving references."""
    counted = Counter(
        (status, msgspec.json.encode(response))
        for operations in paths.values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
    )
    names: dict[bytes, str] = {}
    for (status, encoded), count in counted.most_common():
        if count > 1:
            taken = sum(name.startswith(f"Status{status}") for name in names.values())
            names[encoded] = f"Status{status}" + (f"_{taken + 1}" if taken else "")
    for operations in paths.values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                name = names.get(msgspec.json.encode(response))
                if name is not None:
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return {name: msgspec.json.decode(encoded) for encoded, name in names.items()}


def _example(row: ErrorCode) -> dict[str, str]:
    return {"error_code": row.code, "error_msg": row.text, **({"hint": row.hint} if row.hint else {})}


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=show_openapi,
        operation="showOpenapi",
        summary="This document.",
        tag="server",
        access=Access.PUBLIC,
        response=dict[str, Any],
        ours=True,
    ),
)
