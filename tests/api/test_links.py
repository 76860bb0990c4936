"""Every link of the OpenAPI document, followed once, with the document's own examples as bodies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.api.server import PROJECT, RunningServer, running_server

from arkwright.api.examples import example_of
from arkwright.api.links import LINKS, Link
from arkwright.api.openapi import make_document
from arkwright.api.routes import ROUTES

DOCUMENT = make_document(ROUTES)
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
MAKES = {"job_name": "createJob", "script_name": "createScript", "instance_id": "listDataArtsStudioInstances"}
"""What is done first for a link that starts at an operation with that variable in its path."""
REFUSED = {
    "showJobStatus": "DLF.3051",  # the example is no real-time job
    "startJob": "DLF.3051",  # and has no schedule
    "createFactorySupplementDataInstance": "DLF.30111",
    "stopJobInstance": "DLF.3051",  # or it is over already
    "stopFactoryJobInstance": "DLF.3051",
    "restoreJobInstance": "DLF.3051",  # or not yet
    "cancelScript": "DLF.3051",
    "addWorkSpaceUsers": "DLF.3051",  # the example's user is nobody
    "deleteWorkspaceusers": "DLF.3051",
}
"""Operations that may refuse what a link brings, with the code that they do it with."""
NEEDS_MORE = {
    "importJob",
    "importConnections",
    "createFactoryPendingItemsPackage",
    "createFactorySupplementDataInstance",
}
"""Links from these need a file or items, or a plan: tests of their own follow them."""

_numbers = itertools.count(1)


class Step:
    """An operation that was called."""

    def __init__(self, server: RunningServer, operation: str, path: dict[str, str], name: str = "") -> None:
        self.name = name or f"link_{next(_numbers)}"
        method, template, described = OPERATIONS[operation]
        self.path = {"project_id": PROJECT, **path}
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        self.body = None if content is None else self._fresh(operation, content)
        url = template.format(**self.path)
        self.reply: httpx2.Response = server.client.request(method, f"{server.url}{url}", json=self.body)
        assert str(self.reply.status_code) in described["responses"], self.reply.text

    def _fresh(self, operation: str, content: dict[str, Any]) -> Any:
        """The example under a name that nothing has yet, or that of what is to be changed."""
        body = content.get("example") or example_of(content["schema"], DOCUMENT["components"]["schemas"])
        if "data_source_vos" in body:
            return {**body, "data_source_vos": [{**body["data_source_vos"][0], "dw_name": self.name}]}
        if "clusterName" in body.get("config", {}):
            body = {**body, "config": {**body["config"], "clusterName": self.name}}
        return {**body, "name": self.name} if "name" in body else body

    def value(self, expression: str) -> str:
        kind, _, rest = expression.partition(".")
        where, _, pointer = rest.partition("#")
        if rest.startswith("path."):
            return self.path[rest.removeprefix("path.")]
        at: Any = self.body if kind == "$request" else self.reply.json()
        for key in pointer.split("/")[1:]:
            at = at[int(key)] if isinstance(at, list) else at[key]
        assert where == "body"
        return str(at)


def begin(server: RunningServer, operation: str) -> Step:
    path: dict[str, str] = {}
    for variable, maker in MAKES.items():
        if f"{{{variable}}}" in OPERATIONS[operation][1] and operation != maker:
            made = Step(server, maker, {})
            link = next(each for each in LINKS[maker] if variable in each.parameters)
            path[variable] = made.value(link.parameters[variable])
    return Step(server, operation, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own: the others count workspaces and users."""
    with running_server(tmp_path_factory.mktemp("links") / "data") as running:
        yield running


@pytest.mark.parametrize(
    ("source", "link"),
    [(source, link) for source, links in LINKS.items() for link in links if source not in NEEDS_MORE],
    ids=lambda each: each.to if isinstance(each, Link) else each,
)
def test_a_link_leads_to_an_answer(server: RunningServer, source: str, link: Link) -> None:
    if source == "listScripts":
        Step(server, "createScript", {})
    if source == "listJobs":
        Step(server, "createJob", {})
    first = begin(server, source)
    assert first.reply.status_code < 300, first.reply.text
    described = first_response(source)["links"][link.to]["parameters"]
    path = {name: first.value(expression) for name, expression in described.items()}
    second = Step(server, link.to, path, "" if link.to == "updateFactoryJobName" else first.name)
    if second.reply.status_code < 300:
        return
    assert second.reply.json()["error_code"] == REFUSED.get(link.to), second.reply.text


def first_response(operation: str) -> dict[str, Any]:
    responses = OPERATIONS[operation][2]["responses"]
    found: dict[str, Any] = next(each for status, each in responses.items() if int(status) < 300)
    return found
