"""The OpenAPI document is made from the routes, so what can be wrong is in how it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests.api.house import House

from arkwright.api.body import json_object
from arkwright.api.links import LINKS
from arkwright.api.routes import ROUTES
from arkwright.api.v1.job_body import read_job_body
from arkwright.api.v1.script_body import read_script_body


def document(house: House) -> dict[str, Any]:
    reply = house.call("GET", "/openapi.json", role=None)
    assert reply.status_code == 200
    got: dict[str, Any] = reply.json()
    return got


def test_every_route_is_described_with_its_answers(house: House) -> None:
    paths = document(house)["paths"]
    for route in ROUTES:
        operation = paths[re.sub(r":path", "", route.path)][route.method.lower()]
        assert operation["operationId"] == route.operation
        assert str(route.success) in operation["responses"]
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{([^}:]*)", route.path))


def test_every_reference_leads_somewhere(house: House) -> None:
    found = document(house)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(found).decode()))
    assert references <= set(found["components"]["schemas"])
    assert "ErrorBody" in references


def resolved(found: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        at: Any = found
        for key in value["$ref"].split("/")[1:]:
            at = at[key]
        value = at
    return value


@pytest.fixture(scope="module")
def described(house: House) -> dict[str, Any]:
    return document(house)


def contents(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Operation, `request` or status, and the JSON that it describes."""
    for operations in found["paths"].values():
        for operation in operations.values():
            given = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for where, each in given.items():
                content = resolved(found, each).get("content", {})
                if "application/json" in content:
                    yield operation["operationId"], where, content["application/json"]


DOCUMENT = "urn:document"


def _absolute(schema: Any) -> Any:
    """Its references lead into the document, wherever it is itself."""
    if isinstance(schema, dict):
        return {key: DOCUMENT + each if key == "$ref" else _absolute(each) for key, each in schema.items()}
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    registry = jsonschema_rs.Registry([(DOCUMENT, described)])
    wrong = []
    for operation, where, content in contents(described):
        examples = [each["value"] for each in content.get("examples", {}).values()]
        if "example" in content:
            examples.append(content["example"])
        assert examples, (operation, where)
        validator = jsonschema_rs.Draft202012Validator(_absolute(content["schema"]), registry=registry)
        wrong += [
            (operation, where, list(error.instance_path), error.message)
            for example in examples
            for error in validator.iter_errors(example)
        ]
    assert wrong == []


def test_every_answer_says_its_fields(described: dict[str, Any]) -> None:
    """A plain object would say nothing: only the document itself is one."""
    plain = []
    for operation, where, content in contents(described):
        schema = resolved(described, content["schema"])
        if schema.get("type") == "array":
            schema = resolved(described, schema["items"])
        if "properties" not in schema:
            plain.append((operation, where))
    assert plain == [("showOpenapi", "200")]


def test_every_refusal_is_described_in_the_one_shape(described: dict[str, Any]) -> None:
    for operations in described["paths"].values():
        for operation in operations.values():
            refusals = {status: each for status, each in operation["responses"].items() if int(status) >= 400}
            needed = {"400", "413", "500", "503"} | ({"401", "403", "429"} if operation["security"] else set())
            assert needed <= set(refusals), operation["operationId"]
            for each in refusals.values():
                [content] = resolved(described, each)["content"].values()
                assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_every_link_leads_to_an_operation_and_gives_its_path_variables(described: dict[str, Any]) -> None:
    operations = {each["operationId"]: each for path in described["paths"].values() for each in path.values()}
    seen = 0
    for operation in operations.values():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                target = operations[link["operationId"]]
                needed = {each["name"] for each in target["parameters"] if each["in"] == "path"}
                assert set(link["parameters"]) == needed, (operation["operationId"], link)
                seen += 1
    assert seen == sum(map(len, LINKS.values()))


def test_the_examples_of_bodies_are_accepted() -> None:
    for route in ROUTES:
        if route.operation in {"createJob", "updateJob"}:
            read_job_body(route.example)
        if route.operation in {"createScript", "updateScript"}:
            read_script_body(route.example)
        if route.example is not None:
            scope = {"type": "http", "headers": []}
            assert json_object(scope, msgspec.json.encode(route.example), required=True) == route.example
