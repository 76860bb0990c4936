"""The preview of expressions on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.house import House
from tests.api.server import RunningServer, shell
from tests.examples import some

PLAN_MS = 1540137600000
"""2018-10-21T16:00:00Z, midnight in Shanghai."""


@pytest.fixture
def preview(server: RunningServer) -> Any:
    def call(text: str, **more: Any) -> Any:
        reply = server.client.post("el/evaluate", json={"text": text, **more})
        assert reply.status_code == 200, reply.text
        return reply.json()

    return call


@pytest.fixture
def refused(server: RunningServer) -> Any:
    def call(text: Any, **more: Any) -> Any:
        reply = server.client.post("el/evaluate", json={"text": text, **more})
        assert reply.status_code == 400, reply.text
        error = reply.json()
        assert set(error) <= {"error_code", "error_msg", "hint", "position", "expression"}
        return error

    return call


@pytest.mark.parametrize(
    ("text", "value", "type_"),
    [
        ("plain", "plain", "String"),
        ("#{'a'}", "a", "String"),
        ("#{DateUtil.getDay(Job.planTime)}", "22", "Integer"),
        ("#{1 + 1}", "2", "Long"),
        ("#{1 / 2.0}", "0.5", "Double"),
        ("#{1 < 2}", "true", "Boolean"),
        ("#{Job.planTime}", "Mon Oct 22 00:00:00 GMT+08:00 2018", "Date"),
        ("#{StringUtil.split('a,b', ',')}", '["a","b"]', "List"),
        ("#{JSONUtil.parse('{\"a\": 1}')}", '{"a":1}', "Map"),
        ("#{JSONUtil.path('{}', 'a')}", "", "null"),
        ("a#{1 + 1}b#{JSONUtil.path('{}', 'a')}", "a2b", "String"),
    ],
)
def test_a_text_is_answered_with_its_value_and_type(preview: Any, text: str, value: str, type_: str) -> None:
    assert preview(text, planTime=PLAN_MS, timeZone="GMT+8") == {"value": value, "type": type_}


def test_parameters_environment_nodes_and_loop_come_from_the_request(preview: Any) -> None:
    assert preview("#{${n} + 1}-${n}-${e}-${none}", params={"n": "5"}, env={"e": "x"})["value"] == "6-5-x-${none}"
    assert preview("${a}", params={"a": "job"}, env={"a": "workspace"})["value"] == "job"
    assert preview("#{Env.get('a')}#{Job.getParam('a')}", params={"a": "job"}, env={"a": "env"})["value"] == "envjob"
    nodes = {"q": {"status": "success", "output": '[["11"]]'}, "silent": {"status": "fail"}}
    text = "#{Job.getNodeStatus('q')} #{Job.getNodeOutput('q')} <#{Job.getNodeOutput('silent')}>"
    assert preview(text, nodes=nodes)["value"] == 'success [["11"]] <>'
    loop = {"dataArray": [["00", 1], ["01", 2]], "offset": 1}
    text = "#{Loop.current[0]}/#{Loop.dataArray[0][0]}/#{Loop.offset}"
    assert preview(text, loop=loop)["value"] == "01/00/1"
    assert preview("#{Loop.current[0]}", loop={"current": ["x"]})["value"] == "x"


def test_the_time_is_the_servers_where_none_is_given(preview: Any) -> None:
    assert preview("#{DateUtil.getTime(DateUtil.now()) - DateUtil.getTime(Job.planTime) < 60000}")["value"] == "true"
    zoned = preview("#{DateUtil.format(Job.planTime, 'z')}", planTime=PLAN_MS)["value"]
    assert zoned == "CEST"  # the workspace's


def test_the_steps_are_told_where_they_are_asked_for(preview: Any) -> None:
    got = preview("x #{1 + DateUtil.getYear(Job.planTime)}", planTime=PLAN_MS, trace=True)
    assert got["value"] == "x 2019"
    assert {"expression": "DateUtil.getYear(Job.planTime)", "position": 8, "value": "2018", "type": "Integer"} in got[
        "steps"
    ]
    assert "steps" not in preview("#{1}")


def test_a_jobs_own_parameters_apply_and_may_be_overridden(server: RunningServer, preview: Any, name: str) -> None:
    server.save_job(
        name,
        shell("a", "true"),
        params=[{"name": "day", "value": "#{DateUtil.format(Job.planTime, 'yyyyMMdd')}"}, {"name": "b", "value": "1"}],
    )
    assert preview("${day}/${b}/#{Job.name}", jobName=name, planTime=PLAN_MS)["value"] == f"20181021/1/{name}"
    assert preview("${day}", jobName=name, params={"day": "today"})["value"] == "today"


def test_an_instance_lends_its_outputs_states_and_values(server: RunningServer, preview: Any, name: str) -> None:
    server.save_job(name, shell("a", "echo $1"), params=[{"name": "p", "value": "1"}])
    reply = server.client.post(
        f"jobs/{name}/run-immediate", params={"wait": 60}, json={"jobParams": [{"name": "p", "value": "2"}]}
    )
    given = {"instanceId": reply.json()["instanceId"]}
    text = "#{Job.getNodeStatus('a')}/#{Job.getNodeOutput('a')}/${p}/#{Job.name}"
    assert preview(text, **given)["value"].replace("\n", "") == f"success//2/{name}"
    assert preview("#{Job.getNodeOutput('a')}", nodes={"a": {"output": "mine"}}, **given)["value"] == "mine"
    assert preview("${p}", params={"p": "3"}, **given)["value"] == "3"
    assert preview("#{Job.planTime}", planTime=PLAN_MS, timeZone="GMT+8", **given)["value"].startswith("Mon Oct 22")


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("ab #{1 +}", "ARK.EL.0001", 8),
        ("#{1", "ARK.EL.0002", 0),
        ("#{Job.nme}", "ARK.EL.0005", 2),
        ("#{1 / 0}", "ARK.EL.0009", 2),
        ("x#{Job.getNodeOutput('n')}", "ARK.EL.0015", None),
        ("#{OBSUtil.isExistOBSPath('nonsense')}", "ARK.EL.0015", None),
        ("#{Job.getCalendarPreviousWorkday('none', 1, 'yyyy')}", "ARK.EL.0015", None),
    ],
)
def test_a_text_that_is_wrong_is_refused_with_code_place_and_hint(
    refused: Any, text: str, code: str, position: int | None
) -> None:
    error = refused(text)
    assert (error["error_code"], error.get("position")) == (code, position), error
    assert error["error_msg"]


def test_a_missing_output_says_what_to_send(refused: Any) -> None:
    error = refused("#{Job.getNodeOutput('load')}")
    assert "load" in error["error_msg"]
    assert "nodes" in error["hint"]
    assert "instanceId" in error["hint"]


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        ({}, "DLF.3051", "text"),
        ({"text": 5}, "DLF.3051", "text"),
        ({"text": "a", "jobName": "nobody_at_all"}, "DLF.0100", ""),
        ({"text": "a", "instanceId": 5}, "DLF.0137", ""),
        ({"text": "a", "planTime": "soon"}, "DLF.3051", "planTime"),
        ({"text": "a", "timeZone": "Mars/Base"}, "DLF.3051", "timeZone"),
        ({"text": "a", "params": {"a b": "1"}}, "DLF.3051", "params"),
        ({"text": "a", "params": {"a": 1}}, "DLF.3051", "params.a"),
        ({"text": "a", "nodes": {"n": {"status": "done"}}}, "DLF.3051", "nodes.n.status"),
        ({"text": "a", "loop": {"dataArray": [1]}}, "DLF.3051", "loop.dataArray"),
        ({"text": "a", "trace": "perhaps"}, "DLF.3051", "trace"),
    ],
)
def test_a_request_that_is_wrong_is_refused(server: RunningServer, body: Any, code: str, word: str) -> None:
    reply = server.client.post("el/evaluate", json=body)
    assert (reply.status_code, reply.json()["error_code"]) == (400, code), reply.text
    assert word in reply.json()["error_msg"]


def test_an_instance_of_another_job_is_not_taken(server: RunningServer, refused: Any, name: str) -> None:
    server.save_job(name, shell("a", "true"))
    assert "Leave jobName out" in refused("a", jobName="other", instanceId=server.start(name))["error_msg"]


_texts = st.text(max_size=12) | st.sampled_from(
    ["#{", "}", "${a}", "#{${a}}", "#{Job.getNodeOutput('a')}", "#{Env.get('a')}", "#{Loop.current[9]}", "😀"]
)
_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts
_anything = st.recursive(
    _values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3), max_leaves=6
)
_BODY = {
    "text": st.lists(_texts, max_size=5).map("".join) | _anything,
    "jobName": st.just("") | _anything,
    "instanceId": _anything,
    "planTime": st.integers(0, 2**60) | _anything,
    "timeZone": st.sampled_from(["GMT+8", "Europe/Berlin", "../x", "GMT+99"]) | _anything,
    "params": st.dictionaries(st.just("a"), _texts) | _anything,
    "env": st.dictionaries(st.just("a"), _texts) | _anything,
    "nodes": st.dictionaries(_texts, st.fixed_dictionaries({"output": _values, "status": _values})) | _anything,
    "loop": st.fixed_dictionaries({"dataArray": st.lists(st.lists(_values))}) | _anything,
    "trace": st.booleans() | _anything,
}


@settings(max_examples=some(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.fixed_dictionaries({}, optional=_BODY))
def test_no_request_is_answered_with_a_fault(house: House, body: Any) -> None:
    reply = house.call("POST", "el/evaluate", body)
    assert reply.status_code in {200, 400}, reply.text
    assert set(reply.json()) <= {"value", "type", "steps", "error_code", "error_msg", "hint", "position", "expression"}


@pytest.mark.parametrize("half", ["\\ud83d", "\\udc00"])
def test_halves_of_pairs_do_no_harm(server: RunningServer, half: str) -> None:
    for text in (f"#{{StringUtil.substring('a{half}', 0)}}", "#{StringUtil.substring('😀', 0, 1)}"):
        body = f'{{"text": "{text}", "trace": true}}'
        assert server.client.post("el/evaluate", content=body.encode()).status_code in {200, 400}
