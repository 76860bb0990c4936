"""A route as a value: everything about one operation, in one place.

From these records the router is built, the OpenAPI document is made, and a test walks all routes with all roles.
Rules: a route says which action it needs (`iam.model.Action`) or why it needs none (`access`); the check happens before
the handler runs, so that no handler can forget it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from arkwright.api.error_codes import ErrorCode
from arkwright.errors import Code
from arkwright.iam.model import Action

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from arkwright.api.call import Call

Handler = Callable[["Call"], Awaitable["ASGIApp"]]


class Access(Enum):
    """How far a request is checked before its handler runs."""

    PUBLIC = "no credential"
    ACTOR = "a credential"
    PROJECT = "a credential for the project in the path"
    WORKER = "the token of a worker"
    WORKSPACE = "that, a workspace (header), and the right to do `action` in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter or header, for the documentation; handlers read and check it themselves."""

    name: str
    schema: Mapping[str, Any]
    summary: str
    place: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: str
    """With `{name}` for a variable segment; `{name:path}` may hold slashes."""
    handler: Handler
    operation: str
    """A name, unique over all routes: the documents' where they have one."""
    summary: str
    tag: str
    access: Access = Access.WORKSPACE
    action: Action | None = None
    parameters: tuple[Parameter, ...] = ()
    request: Any = None
    """Type of the JSON body, as msgspec reads types; None: no body."""
    request_required: bool = True
    response: Any = None
    """Type of the JSON answer; None: none."""
    success: int = 200
    media_type: str = "application/json"
    errors: tuple[Code | ErrorCode, ...] = ()
    """Those beside the ones that every route of its access may answer."""
    example: Any = None
    """A request's body."""
    answer: Any = None
    """An example of the answer."""
    ours: bool = False
    """An extension of Arkwright's, in none of the documents."""
    streamed: bool = False
    """The handler reads the body itself, piece by piece. A signature is then of the hash that a header declares."""
    keeps_answers: bool = False
    """Whether its answers are kept for repeats under one Idempotency-Key; set by `idempotency.with_key`."""

    def __post_init__(self) -> None:
        if (self.access is Access.WORKSPACE) is (self.action is None):
            raise ValueError(f"{self.operation}: a route in a workspace needs an action, others have none")

    @property
    def version(self) -> str:
        """`v1`, `v2`, …: which family of error codes it answers with."""
        return self.path.split("/", 2)[1]


def text(name: str, summary: str, *, example: str = "", place: str = "query", **schema: Any) -> Parameter:
    more = {"example": example} if example else {}
    return Parameter(name=name, summary=summary, place=place, schema={"type": "string", **schema, **more})


def number(name: str, summary: str, **schema: Any) -> Parameter:
    return Parameter(name=name, summary=summary, schema={"type": "integer", **schema})


def flag(name: str, summary: str) -> Parameter:
    return Parameter(name=name, summary=summary, schema={"type": "boolean"})


OFFSET = number("offset", "Page, counted from 0.", minimum=0, default=0)


def limit(most: int) -> Parameter:
    return number("limit", "Records on a page.", minimum=1, maximum=most, default=10)
