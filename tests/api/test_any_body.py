"""Whatever is sent, the server answers in its shape, and never with a fault of its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.house import JOB, SCRIPT, House
from tests.examples import some

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["a", "only", "CRON", "true", "#{", "${x}", "\x00", "/../"])
)
_anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def _shaken(document: Any) -> st.SearchStrategy[Any]:
    """The document with some of its values replaced by anything."""
    match document:
        case dict():
            whole = st.fixed_dictionaries({key: _shaken(value) for key, value in document.items()})
        case list():
            whole = st.tuples(*(_shaken(value) for value in document)).map(list)
        case _:
            return st.just(document) | _anything
    return whole | whole | whole | _anything


_RUN = {
    "jobParams": [{"name": "aaa", "value": "1", "paramType": "variable", "type": "variable"}],
    "useExecutionUser": "false",
    "job_path": "/",
}
_RICH_JOB = {
    **JOB,
    "jobType": "BATCH",
    "params": [{"name": "a", "value": "1", "type": "variable"}],
    "directory": "/a",
    "basicConfig": {"priority": 0, "tags": ["x"], "customFields": {"a": "b"}, "instanceTimeout": 5},
    "schedule": {
        "type": "CRON",
        "cron": {"startTime": "2018-10-22T23:59:59+08", "expression": "0 0 2 * * ?", "dependJobs": {"jobs": ["a"]}},
        "event": {"eventType": "DIS"},
    },
    "nodes": [
        {
            "name": "only",
            "type": "Dummy",
            "location": {"x": 1, "y": "2"},
            "properties": [{"name": "a", "value": "b"}],
            "preNodeName": ["other"],
            "conditions": [{"preNodeName": "other", "expression": "#{true}"}],
            "retryTimes": 1,
            "failPolicy": "FAIL",
            "nodeProperties": "a=b",
        },
        {"name": "other", "type": "Shell", "preNodeNames": ""},
    ],
}
_RESTART = {"retry_location": "specified_node", "node_name": "a", "job_param_version": "x", "ignore_obs_monitor": True}
_LOGIN = {
    "auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": "nobody", "password": "x"}}},
        "scope": {"project": {"name": "x", "domain": {"name": "y"}}},
    }
}


@pytest.fixture(scope="module")
def any_body(house: House) -> House:
    """The house, with a job of that name."""
    house.call("POST", "jobs", {**JOB, "name": "any_body"})
    return house


@settings(max_examples=some(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "jobs/any_body/run-immediate", _RUN),
        ("POST", "jobs", _RICH_JOB),
        ("PUT", "jobs/nobody", _RICH_JOB),
        ("POST", "scripts", {**SCRIPT, "configuration": {"a": 1}, "directory": "/x"}),
        ("PUT", "scripts/nobody", SCRIPT),
        ("DELETE", "jobs/nobody", {"approvers": [{"approverName": "x"}]}),
        ("POST", "jobs/any_body/instances/1/restart", _RESTART),
        ("POST", "/v3/auth/tokens", _LOGIN),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_no_body_is_answered_with_a_fault(
    any_body: House, method: str, path: str, document: Any, data: st.DataObject
) -> None:
    reply = any_body.call(method, path, data.draw(_shaken(document)))
    assert reply.status_code in {200, 204, 400, 401, 429}, reply.text
    if reply.status_code >= 400:
        assert set(reply.json()) <= {"error_code", "error_msg", "hint", "errors"}


@settings(max_examples=some(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=60))
def test_no_bytes_are_answered_with_a_fault(any_body: House, content: bytes) -> None:
    assert any_body.call("POST", "jobs/any_body/run-immediate", content=content).status_code in {200, 400}


@settings(max_examples=some(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30))
@pytest.mark.parametrize(
    "start",
    [
        "jobs?limit=",
        "jobs/instances/detail?minPlanTime=",
        "jobs/instances/detail?maxPlanTime=",
        "jobs/x?version=",
        "jobs?",
    ],
)
def test_no_query_is_answered_with_a_fault(house: House, start: str, query: str) -> None:
    assert house.call("GET", f"{start}{query}").status_code in {200, 400}
