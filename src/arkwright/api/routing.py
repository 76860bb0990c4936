"""From a path to its endpoint, in as many steps as the path has segments, however many routes there are.

Theory of operation: the patterns are a tree of segments. A literal segment counts before a variable, so that
`jobs/import` stands beside `jobs/{job_name}`; if the way over the literal leads nowhere, or to an endpoint without the
method, the way over the variable is tried. `{name:path}` takes whatever lies before the literal segments that end its
pattern, slashes included.

Rules: a path is split before it is decoded, so that `%2F` is part of a name and no border between two. A path that
matches no pattern is 404, one that matches only with other methods is 405 and names those of the first match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote

from starlette.types import Scope

from arkwright.api.error_codes import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND
from arkwright.api.errors import HttpRefusal

_VARIABLE = re.compile(r"\{([^}:]+)(:path)?\}")


class HasMethods(Protocol):
    @property
    def methods(self) -> Sequence[str]: ...


E = TypeVar("E", bound=HasMethods)


@dataclass(slots=True)
class _Tail(Generic[E]):
    """A variable that may hold slashes, and the literal segments behind it."""

    suffix: tuple[str, ...]
    names: tuple[str, ...]
    endpoint: E


@dataclass(slots=True)
class _Node(Generic[E]):
    literals: dict[str, _Node[E]] = field(default_factory=dict)
    variable: _Node[E] | None = None
    tails: list[_Tail[E]] = field(default_factory=list)
    names: tuple[str, ...] = ()
    endpoint: E | None = None


class RouteTable(Generic[E]):
    """`endpoints`: one per pattern, such as `/v1/{project_id}/jobs`. Raises `ValueError` if two patterns are one."""

    def __init__(self, endpoints: Mapping[str, E]) -> None:
        self.endpoints = tuple(endpoints.values())
        self._root: _Node[E] = _Node()
        for pattern, endpoint in endpoints.items():
            self._add(pattern, endpoint)

    def find(self, scope: Scope) -> E:
        """The endpoint for the request, whose path parameters go into the scope. Raises `HttpRefusal`."""
        raw: bytes | None = scope.get("raw_path")
        path = scope["path"] if raw is None else raw.decode("latin-1")
        segments = path.split("/")
        if raw is not None and "%" in path:
            segments = [unquote(each) for each in segments]
        method: str = scope["method"]
        other: E | None = None
        for endpoint, parameters in self._matches(self._root, segments, 1, ()):
            if method in endpoint.methods:
                scope["path_params"] = parameters
                return endpoint
            other = other or endpoint
        if other is not None:
            raise HttpRefusal(METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(other.methods))})
        raise HttpRefusal(ROUTE_NOT_FOUND)

    def _add(self, pattern: str, endpoint: E) -> None:
        node, names = self._root, []
        segments = pattern.split("/")[1:]
        for index, segment in enumerate(segments):
            match = _VARIABLE.fullmatch(segment)
            if match is None:
                node = node.literals.setdefault(segment, _Node())
                continue
            names.append(match[1])
            if match[2]:
                suffix = tuple(segments[index + 1 :])
                node.tails.append(_Tail(suffix, tuple(names), endpoint))
                node.tails.sort(key=lambda each: -len(each.suffix))
                return
            if node.variable is None:
                node.variable = _Node()
            node = node.variable
        if node.endpoint is not None:
            raise ValueError(f"{pattern} is declared twice, with other names of its variables")
        node.endpoint, node.names = endpoint, tuple(names)

    def _matches(
        self, node: _Node[E], segments: list[str], at: int, values: tuple[str, ...]
    ) -> Iterator[tuple[E, dict[str, str]]]:
        if at == len(segments):
            if node.endpoint is not None:
                yield node.endpoint, dict(zip(node.names, values, strict=True))
            return
        segment = segments[at]
        literal = node.literals.get(segment)
        if literal is not None:
            yield from self._matches(literal, segments, at + 1, values)
        if node.variable is not None and segment:
            yield from self._matches(node.variable, segments, at + 1, (*values, segment))
        for tail in node.tails:
            end = len(segments) - len(tail.suffix)
            if end > at and tuple(segments[end:]) == tail.suffix:
                taken = "/".join(segments[at:end])
                yield tail.endpoint, dict(zip(tail.names, (*values, taken), strict=True))
