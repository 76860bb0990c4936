"""Where the newer API lives, and how its routes are made: all of them answer with the newer codes, by their path."""

from __future__ import annotations

from typing import Any

from arkwright.api.route import Handler, Parameter, Route, number, text
from arkwright.iam.model import Action

FACTORY = "/v2/{project_id}/factory"

PAGE = number("offset", "Page, counted from 0.", minimum=0, default=0)
PAGE_FROM_1 = number("offset", "Page, counted from 1.", minimum=0, default=1)
SIZE = number("limit", "Records on a page.", minimum=1, maximum=100, default=10)
RELATION = text("relation", "Which way to look.", enum=["parent", "child", "both"], default="both")


def route(
    method: str,
    path: str,
    handler: Handler,
    operation: str,
    summary: str,
    action: Action,
    *parameters: Parameter,
    tag: str = "factory v2",
    **more: Any,
) -> Route:
    """A route below `FACTORY`."""
    return Route(
        method=method,
        path=f"{FACTORY}{path}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag=tag,
        action=action,
        parameters=parameters,
        **more,
    )
