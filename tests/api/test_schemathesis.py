"""What the OpenAPI document promises, tried on a real server by schemathesis: no 5xx, no undocumented status, no body
of another shape. Stateful: the links of the document are followed from one operation to the next.

The tries are the same at each run. `ARKWRIGHT_FUZZ_EXAMPLES=200` makes a long one of it (per operation; default: 3).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import hypothesis.errors
import hypothesis.stateful
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode, checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from tests.api.server import PROJECT, RunningServer, running_server
from tests.examples import seldom

from arkwright.api.openapi import make_document
from arkwright.api.routes import ROUTES

EXAMPLES = int(os.environ.get("ARKWRIGHT_FUZZ_EXAMPLES", "3"))
STEPS = 12
WALKS = 3 * EXAMPLES
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_SETTINGS = hypothesis.settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
SOME_HAN = ("\u3400-\u4dbf\u4e00-\u9fff", "\u4e00-\u4eff")
"""Hypothesis builds a set of all letters that a pattern allows, anew for each strategy: some stand for all."""
# Event streams of instances that wait for somebody never end.
_ENDLESS = {"watchJobInstance", "watchJobInstances"}


def _document(*workspaces: str) -> dict[str, Any]:
    document = make_document(tuple(route for route in ROUTES if route.operation not in _ENDLESS))
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "project_id":
                    parameter["schema"] = {"const": PROJECT}
                elif parameter["name"] == "workspace":
                    parameter["schema"] = {"enum": list(workspaces)}
                elif parameter["name"] == "wait":
                    parameter["schema"] = {"enum": ["0", "1", "x"]}
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("New"):  # what is sent; answers are held against all that is promised
            for each in schema["properties"].values():
                each |= {key: value.replace(*SOME_HAN) for key, value in each.items() if key == "pattern"}
    return document


def _schema(document: dict[str, Any], *modes: GenerationMode) -> Any:
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig(seed=1))
    schema.config.generation.update(modes=list(modes), max_examples=EXAMPLES, deterministic=True)
    schema.config.phases.coverage.enabled = EXAMPLES > 20
    return schema


@functools.cache
def _tried_schema() -> Any:
    return _schema(_document("", "nowhere"), GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@functools.cache
def _walked_schema() -> Any:
    """For walks, which get somewhere only with bodies that fit."""
    return _schema(_document(""), GenerationMode.POSITIVE)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own: whatever is tried may be done to it."""
    with running_server(tmp_path_factory.mktemp("tried") / "data") as running:
        yield running


# Not `schema.parametrize()`: it works out every operation's examples while tests are collected, in each worker.
@pytest.mark.parametrize("operation_id", [route.operation for route in ROUTES if route.operation not in _ENDLESS])
def test_an_operation_answers_as_the_document_says(operation_id: str, tried: RunningServer) -> None:
    def answers(case: Any) -> None:
        case.call_and_validate(base_url=tried.url, headers=_credential(tried), checks=CHECKS, timeout=30)

    schema = _tried_schema()
    modes = [HypothesisTestMode.EXAMPLES, HypothesisTestMode.FUZZING]
    config = HypothesisTestConfig(
        project=schema.config,
        modes=[*modes, HypothesisTestMode.COVERAGE] if schema.config.phases.coverage.enabled else modes,
        explicit_settings=hypothesis.settings(_SETTINGS, max_examples=EXAMPLES),
    )
    create_test(operation=schema.find_operation_by_id(operation_id), test_func=answers, config=config)()


def _credential(tried: RunningServer) -> dict[str, str]:
    return {"X-Auth-Token": tried.client.headers["X-Auth-Token"]}


@pytest.mark.parametrize("seed", [*range(EXAMPLES), *seldom(*range(EXAMPLES, WALKS))])
def test_what_one_operation_answers_is_good_for_the_next(seed: int, tried: RunningServer) -> None:
    failures: list[BaseException] = []

    class Walk(_walked_schema().as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": _credential(tried), "base_url": tried.url, "timeout": 30}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseExceptionGroup as failed:
                failures.append(failed)

    walk = hypothesis.seed(seed)(Walk)
    settings = hypothesis.settings(_SETTINGS, max_examples=2, stateful_step_count=STEPS, derandomize=False)
    # The server remembers what was done before, so the same steps may come to something else: Hypothesis minds it.
    with suppress(hypothesis.errors.Flaky):
        hypothesis.stateful.run_state_machine_as_test(walk, settings=settings)
    if failures:
        raise failures[0]
