"""The OpenAPI 3.1 document, made from the routes and the types of their bodies when it is first asked for."""

from __future__ import annotations

import re
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
    UNAUTHENTICATED,
    UNAVAILABLE,
    WORKSPACE_NOT_FOUND,
    ErrorCode,
    error_code,
)
from arkwright.api.errors import ErrorBody
from arkwright.api.route import Access, Parameter, Route

_VARIABLE = re.compile(r"\{([^}:]*)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{name}"
_WORKSPACE = Parameter(
    name="workspace",
    place="header",
    summary="Id of the workspace; missing or empty: the default one.",
    schema={"type": "string"},
)
_REQUEST_ID = {"X-Request-Id": {"description": "Names this reply in the server's log.", "schema": {"type": "string"}}}


async def show_openapi(call: Call) -> Response:
    return Response(_encoded(), media_type="application/json")


@cache
def _encoded() -> bytes:
    from arkwright.api.routes import ROUTES as ALL  # the table of routes holds this module's, too

    return msgspec.json.encode(make_document(ALL))


def make_document(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The document that describes these routes."""
    types = [each for route in routes for each in (route.request, route.response) if each is not None]
    shapes, components = msgspec.json.schema_components([*types, ErrorBody], ref_template=_REFERENCE)
    schemas = iter(shapes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        request = next(schemas) if route.request is not None else None
        response = next(schemas) if route.response is not None else None
        path = _VARIABLE.sub(lambda match: "{" + match[1] + "}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, request, response)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Arkwright",
            "version": __version__,
            "summary": "An open implementation of the DataArts Factory API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
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
            },
        },
    }


def _operation(route: Route, request: dict[str, Any] | None, response: dict[str, Any] | None) -> dict[str, Any]:
    variables = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(route.path)
    ]
    given = (*((_WORKSPACE,) if route.access is Access.WORKSPACE else ()), *route.parameters)
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*variables, *(_parameter(each) for each in given)],
        "responses": {str(route.success): _success(route, response), **_failures(route)},
        "security": [] if route.access is Access.PUBLIC else [{"token": []}, {"signature": []}],
    }
    if route.action is not None:
        operation["x-action"] = route.action.value
    if route.ours:
        operation["x-arkwright"] = True
    if request is not None:
        content: dict[str, Any] = {"schema": request}
        if route.example is not None:
            content["example"] = route.example
        operation["requestBody"] = {"required": route.request_required, "content": {"application/json": content}}
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.summary,
        "schema": dict(parameter.schema),
    }


def _success(route: Route, response: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(route.success).phrase, "headers": _REQUEST_ID}
    if response is not None:
        content: dict[str, Any] = {"schema": response}
        if route.answer is not None:
            content["example"] = route.answer
        found["content"] = {route.media_type: content}
    return found


def _failures(route: Route) -> dict[str, Any]:
    rows: list[ErrorCode] = [PARAMETER_INVALID, INTERNAL, UNAVAILABLE, BODY_TOO_LARGE]
    if route.access is not Access.PUBLIC:
        rows += [UNAUTHENTICATED, FORBIDDEN]
    if route.access is Access.WORKSPACE:
        rows.append(WORKSPACE_NOT_FOUND)
    rows += [each if isinstance(each, ErrorCode) else error_code(each, route.version) for each in route.errors]
    by_status: dict[int, dict[str, ErrorCode]] = {}
    for row in rows:
        by_status.setdefault(row.status, {})[row.code] = row
    return {
        str(status): {
            "description": "; ".join(f"{row.code} {row.text}" for row in by_code.values()),
            "headers": _REQUEST_ID,
            "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="ErrorBody")}}},
        }
        for status, by_code in sorted(by_status.items())
    }


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
