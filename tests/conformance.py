"""Which operation was called by which client, as the tests went; `docs/conformance.md` is written from it.

Clients are watched at their own end: the official SDKs where they send, everything else where httpx2 sends, by its
User-Agent. A call counts as a success or, with a status from 400 to 499, as a refusal; how often does not matter.

The page follows from the code and the tests alone. So what differs from run to run does not count: calls that
Hypothesis makes up, and long tests, which not every run holds. A test that counts calls the same, whatever ran before.
Schemathesis is not watched: it proves nothing about a client.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import sys
import threading
import tomllib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from arkwright.api.errors import HttpRefusal
from arkwright.api.openapi import plain_path
from arkwright.api.route import Route
from arkwright.api.routes import ROUTES
from arkwright.api.routing import RouteTable

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "conformance.md"
DEVIATIONS = TOP / "docs" / "conformance.toml"
WATCHED = ("tests/api", "tests/cli")
"""Folders whose tests count: all of them together make the page."""
UNCOUNTED = ("hypothesis", "long")
"""Marks of tests there that don't."""

CLIENTS = {
    "dlf": "huaweicloudsdkdlf",
    "dgc": "huaweicloudsdkdgc",
    "studio": "huaweicloudsdkdataartsstudio",
    "client": "arkwright.client",
    "raw": "raw HTTP",
    "go": "Go SDK's requests",
    "terraform": "Terraform's requests",
}
SDKS = {"dlf": "DlfClient", "dgc": "DgcClient", "studio": "DataArtsStudioClient"}
_AGENTS = {"arkwright-client": "client", "golangsdk": "go", "terraform": "terraform"}
SUCCESS, REFUSAL = "success", "refusal"

Seen = set[tuple[str, str, str]]
"""Operation, client, outcome."""


@dataclass(frozen=True)
class _Path:
    by_method: dict[str, Route]

    @property
    def methods(self) -> list[str]:
        return list(self.by_method)


def _by_path() -> dict[str, _Path]:
    paths: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in ROUTES:
        paths[route.path][route.method] = route
        if route.method == "GET":
            paths[route.path].setdefault("HEAD", route)
    return {path: _Path(by_method) for path, by_method in paths.items()}


@functools.cache
def is_watched(path: Path) -> bool:
    return any(path.is_relative_to(TOP / folder) for folder in WATCHED)


def counts(item: pytest.Item) -> bool:
    """Whether the page is made from what this test calls."""
    return is_watched(item.path) and not any(item.get_closest_marker(mark) for mark in UNCOUNTED)


def watched_files() -> set[Path]:
    return {path for folder in WATCHED for path in (TOP / folder).glob("test_*.py")}


# ---------------------------------------------------------------- recording


class Recorder:
    def __init__(self) -> None:
        self.seen: Seen = set()
        self.active = True
        self._lock = threading.Lock()
        self._table = RouteTable(_by_path())
        self._templates = {(route.method, plain_path(route)): route.operation for route in ROUTES}

    def by_template(self, method: str, template: str, client: str, status: int) -> None:
        operation = self._templates.get((method, template))
        if operation is not None:
            self._note(operation, client, status)

    def by_url(self, method: str, raw_path: bytes, agent: str, status: int) -> None:
        path = raw_path.partition(b"?")[0]
        try:
            found = self._table.find({"method": method, "path": path.decode("latin-1"), "raw_path": path})
        except HttpRefusal:
            return
        client = next((name for word, name in _AGENTS.items() if word in agent.lower()), "raw")
        self._note(found.by_method[method].operation, client, status)

    def _note(self, operation: str, client: str, status: int) -> None:
        if self.active and status < 500:
            with self._lock:
                self.seen.add((operation, client, SUCCESS if status < 400 else REFUSAL))


@contextmanager
def watching(recorder: Recorder) -> Iterator[None]:
    """Note what the clients of this process do."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # the SDK's own imports use things that newer Pythons deprecate
        from huaweicloudsdkcore.client import Client
        from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException

        send_sdk, send, send_async = Client.do_http_request, httpx2.Client.send, httpx2.AsyncClient.send

        @functools.wraps(send_sdk)
        def noted_sdk(self: Any, *arguments: Any, **named: Any) -> Any:
            asked = inspect.signature(send_sdk).bind(self, *arguments, **named).arguments
            client = next((name for name, kind in SDKS.items() if type(self).__name__ == kind), "")
            try:
                answer = send_sdk(self, *arguments, **named)
            except ServiceResponseException as error:
                recorder.by_template(asked["method"], asked["resource_path"], client, error.status_code)
                raise
            recorder.by_template(asked["method"], asked["resource_path"], client, 200)
            return answer

        def note(request: httpx2.Request, status: int) -> None:
            recorder.by_url(request.method, request.url.raw_path, request.headers.get("User-Agent", ""), status)

        @functools.wraps(send)
        def noted(self: httpx2.Client, request: httpx2.Request, **named: Any) -> httpx2.Response:
            answer = send(self, request, **named)
            note(request, answer.status_code)
            return answer

        @functools.wraps(send_async)
        async def noted_async(self: httpx2.AsyncClient, request: httpx2.Request, **named: Any) -> httpx2.Response:
            answer = await send_async(self, request, **named)
            note(request, answer.status_code)
            return answer

        patch.setattr(Client, "do_http_request", noted_sdk)
        patch.setattr(httpx2.Client, "send", noted)
        patch.setattr(httpx2.AsyncClient, "send", noted_async)
        yield


# ---------------------------------------------------------------- what the clients have


@functools.cache
def sdk_operations(client: str) -> dict[str, tuple[str, str]]:
    """Per method of the SDK's client the HTTP method and path that it calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        __import__(f"huaweicloudsdk{_PACKAGES[client]}.v1")
    kind = getattr(sys.modules[f"huaweicloudsdk{_PACKAGES[client]}.v1"], SDKS[client])
    found = {}
    for name, function in inspect.getmembers(kind, inspect.isroutine):
        if name.startswith("_") and name.endswith("_http_info"):
            source = inspect.getsource(function)
            method, path = (re.search(rf'"{each}": "([^"]+)"', source) for each in ("method", "resource_path"))
            assert method is not None
            assert path is not None
            found[name[1 : -len("_http_info")]] = (method[1], path[1])
    return found


_PACKAGES = {"dlf": "dlf", "dgc": "dgc", "studio": "dataartsstudio"}


def offered(client: str) -> set[str]:
    """Our operations that an SDK has a method for."""
    here = {(route.method, plain_path(route)): route.operation for route in ROUTES}
    return {here[each] for each in sdk_operations(client).values() if each in here}


def missing_here(client: str) -> list[str]:
    """Methods of an SDK that call the Factory, and have no operation here."""
    here = {(route.method, plain_path(route)) for route in ROUTES}
    factory = client != "studio"
    return sorted(
        name
        for name, (method, path) in sdk_operations(client).items()
        if (method, path) not in here and (factory or "/factory/" in path)
    )


def never_called(seen: Seen) -> list[str]:
    """Operations of the SDKs that lack a success or a refusal."""
    lacking = []
    for client in SDKS:
        for operation in sorted(offered(client)):
            lacking += [
                f"{operation} by {client}: no {outcome}"
                for outcome in (SUCCESS, REFUSAL)
                if (operation, client, outcome) not in seen and not _excused(operation, client, outcome)
            ]
    return lacking


# ---------------------------------------------------------------- the page


@dataclass(frozen=True, kw_only=True)
class Deviation:
    operations: tuple[str, ...]
    """Names of operations; none: all of them."""
    clients: tuple[str, ...]
    what: str
    reason: str
    without: str = ""
    """`success` or `refusal`, where it can't happen with these clients."""


@functools.cache
def deviations() -> tuple[Deviation, ...]:
    read = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))
    return tuple(
        Deviation(
            operations=tuple(each.get("operations", ())),
            clients=tuple(each.get("clients", ())),
            what=each["what"],
            reason=each["reason"],
            without=each.get("without", ""),
        )
        for each in read["deviation"]
    )


def _excused(operation: str, client: str, outcome: str) -> bool:
    return any(
        each.without == outcome and operation in each.operations and client in each.clients for each in deviations()
    )


def page(seen: Seen) -> str:
    have = {client: offered(client) for client in SDKS}
    lines = [
        "# Conformance\n",
        "<!-- Written by `make conformance` from a run of the tests. Deviations come from conformance.toml. -->\n",
        "Every operation of the API, and which clients call it in the tests, against a real server or the real",
        "application: **ok** a success, **no** a refusal with the documented error. A dot: the client has no such",
        "operation, or none of its tests calls it. Deviations of every operation are not repeated in its row.\n",
        "| Client | What it is |",
        "|---|---|",
        *(f"| {client} | the official SDK {CLIENTS[client]}, signing |" for client in SDKS),
        "| client | our own Python client, and the command line, which uses it |",
        "| raw | HTTP requests as the tests write them |",
        "| go, terraform | requests as gophertelekomcloud and the Terraform provider make them, header by header |",
        "",
    ]
    numbered = {each: index for index, each in enumerate(deviations(), start=1)}
    for title, routes in _groups():
        lines += [
            f"## {title}\n",
            f"| Operation | Request | {' | '.join(CLIENTS)} | deviations |",
            "|---" * (len(CLIENTS) + 3) + "|",
        ]
        for route in routes:
            marks = [_cell(route.operation, client, seen, have.get(client)) for client in CLIENTS]
            notes = ", ".join(str(index) for each, index in numbered.items() if route.operation in each.operations)
            row = [route.operation, f"`{route.method} {plain_path(route)}`", *marks, notes]
            lines.append(f"| {' | '.join(row)} |")
        lines.append("")
    lines += ["## Deviations\n"]
    for each, index in numbered.items():
        whose = ", ".join(CLIENTS[client] for client in each.clients) or "every client"
        which = ", ".join(each.operations) or "every operation"
        lines.append(f"{index}. **{which}** ({whose}): {each.what} *Reason:* {each.reason}")
    lines += ["", "## Operations of the SDKs that are not here\n"]
    for client in SDKS:
        absent = missing_here(client)
        lines.append(f"* {CLIENTS[client]}: {', '.join(absent) if absent else 'none'}.")
    others = len(sdk_operations("studio")) - len(have["studio"]) - len(missing_here("studio"))
    lines.append(
        f"* {CLIENTS['studio']} has {others} more, of DataArts services that are not the Factory "
        "(architecture, catalogue, quality, data service, security)."
    )
    return "\n".join(lines) + "\n"


def differences(stored: str, made: str) -> list[str]:
    """Lines that go (`-`) and come (`+`) if `made` takes the place of `stored`."""
    compared = difflib.unified_diff(stored.splitlines(), made.splitlines(), lineterm="", n=0)
    return [line for line in compared if line[0] in "+-" and not line.startswith(("+++ ", "--- "))]


def _groups() -> Iterable[tuple[str, list[Route]]]:
    groups: dict[str, list[Route]] = {
        "Factory V1": [],
        "Factory V2": [],
        "Management Center": [],
        "Identity": [],
        "Arkwright's own": [],
    }
    for route in ROUTES:
        if route.ours:
            groups["Arkwright's own"].append(route)
        elif route.tag == "management center":
            groups["Management Center"].append(route)
        elif route.version.startswith("v3"):
            groups["Identity"].append(route)
        else:
            groups["Factory V2" if route.version == "v2" else "Factory V1"].append(route)
    return groups.items()


def _cell(operation: str, client: str, seen: Seen, have: set[str] | None) -> str:
    words = [word for outcome, word in ((SUCCESS, "ok"), (REFUSAL, "no")) if (operation, client, outcome) in seen]
    if words:
        return " ".join(words)
    return "**never called**" if have is not None and operation in have else "·"
