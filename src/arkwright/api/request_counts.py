"""How many requests were answered, by route and status: one number each, read when somebody asks for metrics."""

from __future__ import annotations

from starlette.types import Message, Scope

ROUTE = "arkwright.route"
"""Where in a request's scope its route's pattern is kept."""
UNKNOWN = "(none)"


class RequestCounts:
    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = {}
        """By method, route and status."""
        self.direct = 0
        """Runs answered the short way (`direct`)."""

    def answer(self, scope: Scope, start: Message) -> None:
        """A reply has begun. What names no route of ours is counted together: paths are not to fill the memory."""
        key = (scope["method"] if ROUTE in scope else UNKNOWN, scope.get(ROUTE, UNKNOWN), start["status"])
        self.answered[key] = self.answered.get(key, 0) + 1
