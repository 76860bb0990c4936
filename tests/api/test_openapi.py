"""The OpenAPI document is made from the routes, so what can be wrong is in how it is made."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from tests.api.house import House

from arkwright.api.body import json_object
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


def test_the_examples_of_bodies_are_accepted() -> None:
    for route in ROUTES:
        if route.operation in {"createJob", "updateJob"}:
            read_job_body(route.example)
        if route.operation in {"createScript", "updateScript"}:
            read_script_body(route.example)
        if route.example is not None:
            scope = {"type": "http", "headers": []}
            assert json_object(scope, msgspec.json.encode(route.example), required=True) == route.example
