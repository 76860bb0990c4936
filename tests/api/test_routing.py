"""The table of routes answers as Starlette's router would, which it replaces, and in steps that routes don't add to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Match
from starlette.routing import Route as Path
from tests.api.house import House
from tests.examples import some

from arkwright.api.errors import HttpRefusal
from arkwright.api.routes import ROUTES
from arkwright.api.routing import RouteTable

VARIABLE = re.compile(r"\{([^}:]+)(:path)?\}")


@dataclass(frozen=True)
class Target:
    path: str
    methods: tuple[str, ...]


def targets() -> dict[str, Target]:
    methods: dict[str, list[str]] = {}
    for route in ROUTES:
        methods.setdefault(route.path, []).append(route.method)
        if route.method == "GET":
            methods[route.path].append("HEAD")
    return {path: Target(path, tuple(found)) for path, found in methods.items()}


TARGETS = targets()
TABLE = RouteTable(TARGETS)


def literal_first(path: str) -> list[bool]:
    return [bool(VARIABLE.search(segment)) for segment in path.split("/")]


STARLETTE = [
    Path(path, endpoint=lambda request: None, methods=list(TARGETS[path].methods))
    for path in sorted(TARGETS, key=literal_first)
]


def scope_of(method: str, path: str, raw: bytes | None = None) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "raw_path": raw, "headers": []}


def by_starlette(method: str, path: str) -> tuple[Any, ...]:
    partial = None
    for route in STARLETTE:
        match, child = route.matches(scope_of(method, path))
        if match is Match.FULL:
            return (route.path, child["path_params"])
        if match is Match.PARTIAL and partial is None:
            partial = route
    return (404,) if partial is None else (405, set(partial.methods or ()))


def by_table(method: str, path: str) -> tuple[Any, ...]:
    scope = scope_of(method, path)
    try:
        found = TABLE.find(scope)
    except HttpRefusal as refused:
        if refused.row.status == 404:
            return (404,)
        return (refused.row.status, set(refused.headers["Allow"].split(", ")))
    return (found.path, scope["path_params"])


WORDS = sorted({segment for path in TARGETS for segment in path.split("/") if not VARIABLE.search(segment)} - {""})


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Paths like those of the routes, some of them with a segment too many, too few or exchanged."""
    segment = st.one_of(st.sampled_from(WORDS), st.sampled_from(["x", "1", "a.b", "ä", ""]))
    parts: list[str] = []
    for part in draw(st.sampled_from(sorted(TARGETS))).split("/")[1:]:
        if ":path" in part:
            parts += draw(st.lists(segment, min_size=1, max_size=3))
        elif VARIABLE.search(part):
            parts.append(draw(segment))
        else:
            parts.append(part)
    if draw(st.booleans()):
        parts[draw(st.integers(0, len(parts) - 1))] = draw(segment)
    change = draw(st.integers(0, 5))
    if change == 0:
        parts.append(draw(segment))
    elif change == 1 and len(parts) > 1:
        parts.pop()
    return "/" + "/".join(parts)


@settings(max_examples=some(600), deadline=None, derandomize=True)
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]), paths())
def test_the_table_finds_what_starlettes_router_finds(method: str, path: str) -> None:
    assert by_table(method, path) == by_starlette(method, path)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.path)
def test_every_pattern_leads_to_its_own_endpoint(target: Target) -> None:
    path = VARIABLE.sub("x1", target.path)
    assert by_table(target.methods[0], path)[0] == target.path


def test_an_encoded_slash_is_part_of_a_name() -> None:
    raw = b"/v1/p/jobs/a%2Fb"
    scope = scope_of("GET", "/v1/p/jobs/a/b", raw)
    assert TABLE.find(scope).path == "/v1/{project_id}/jobs/{job_name}"
    assert scope["path_params"] == {"project_id": "p", "job_name": "a/b"}


def test_a_line_break_is_part_of_a_name() -> None:
    scope = scope_of("GET", "/v1/p/jobs/j/instances/1/nodes/a\nb/log", b"/v1/p/jobs/j/instances/1/nodes/a%0Ab/log")
    TABLE.find(scope)
    assert scope["path_params"]["node_name"] == "a\nb"


def test_one_pattern_is_declared_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        RouteTable({"/a/{x}": Target("1", ("GET",)), "/a/{y}": Target("2", ("GET",))})


def test_more_routes_cost_no_more_steps() -> None:
    class Counted(RouteTable[Target]):
        steps = 0

        def _matches(self, *arguments: Any) -> Any:
            Counted.steps += 1
            return super()._matches(*arguments)

    def steps(others: int) -> int:
        more = {f"/v1/{{p}}/other{index}/{{x}}": Target("", ("GET",)) for index in range(others)}
        table = Counted({"/v1/{p}/jobs/{name}": Target("job", ("GET",)), **more})
        Counted.steps = 0
        table.find(scope_of("GET", "/v1/1/jobs/2"))
        return Counted.steps

    assert steps(0) == steps(1000)


def test_the_application_names_the_methods_that_a_path_has(house: House) -> None:
    reply = house.call("PATCH", "jobs/x")
    assert (reply.status_code, reply.json()["error_code"]) == (405, "APIGW.0101")
    assert reply.headers["Allow"] == "DELETE, GET, HEAD, PUT"
