"""The members of Job, Env, Loop, JSONUtil and OBSUtil."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from tests.el.kit import SCOPE, answer, mistake

from arkwright.el import (
    Calendar,
    ClockNow,
    ErrorKind,
    Evaluated,
    InsertJobId,
    Missing,
    NodeOutput,
    ObsPathExists,
    RunningData,
    Scope,
    WorkCalendar,
    evaluate_expression,
)

EXAMPLES = [
    ("Job.name", "daily_load", "String"),
    ("Job.projectId", "4f1c", "String"),
    ("Job.eventData", '{"id": 7}', "String"),
    ("JSONUtil.path(Job.eventData,'id')", "7", "Integer"),
    ("Job.planTime", "Sun Jan 07 00:00:00 UTC 2024", "Date"),
    ("Job.startTime", "Sun Jan 07 00:01:01 UTC 2024", "Date"),
    ("Job.trigger.obsNewFiles", '["obs://in/a.csv","obs://in/b.csv"]', "List"),
    ("Job.trigger.obsNewFiles[1]", "obs://in/b.csv", "String"),
    ("Job.getNodeStatus('load')", "success", "String"),
    ("Job.getNodeStatus('check') == 'fail'", "true", "Boolean"),
    ("Job.getNodeStatus('other')", "", "null"),
    ("Job.getNodeOutput('eleven')", '[["11"]]', "String"),
    ("Job.getNodeOutput('silent')", "", "null"),
    ("Job.getParam('test')", "from the job", "String"),
    ("Job.getParam('other')", "", "null"),
    ("empty Job.getParam('empty')", "true", "Boolean"),
    ("Job.getPlanTime('yyyy-MM-dd HH:mm:ss:SSS')", "2024-01-07 00:00:00:000", "String"),
    ("Job.getYesterday('yyyy-MM-dd')", "2024-01-06", "String"),
    ("Job.getLastHour('yyyy-MM-dd HH')", "2024-01-06 23", "String"),
    ("Job.getRunningData('dli')", '{"jobIds": ["a1", "b2", "c3"]}', "String"),
    ("JSONUtil.path(Job.getRunningData('dli'),'jobIds[2]')", "c3", "String"),
    ("Job.getInsertJobId('dli')", "b2", "String"),
    ("Job.getInsertJobId()", "", "null"),
    ("Job.getPreviousWorkday(1,'yyyyMMdd')", "20240105", "String"),
    ("Job.getPreviousWorkday(5,'yyyyMMdd')", "20240101", "String"),
    ("Job.getPreviousWorkday(6,'yyyyMMdd')", "20231229", "String"),
    ("Job.getPreviousNonWorkday(1,'yyyyMMdd')", "20240106", "String"),
    ("Job.getPreviousNonWorkday(2,'yyyyMMdd')", "20231231", "String"),
    ("Job.getCalendarPreviousWorkday('works on sunday',1,'yyyyMMdd')", "20231231", "String"),
    ("Job.getCalendarPreviousNonWorkday('works on sunday',1,'yyyyMMdd')", "20240106", "String"),
    ("Job.getCalendarNextWorkday('works on sunday',2,'yyyyMMdd')", "20240121", "String"),
    ("Job.getCalendarNextNonWorkday('works on sunday',1,'yyyyMMdd')", "20240108", "String"),
    ("Job.getCalendarPreviousWorkday(5,'yyyyMMdd')", "20240101", "String"),
    ("Job.getCalendarNextWorkday(5,'yyyyMMdd HH:mm')", "20240112 00:00", "String"),
    ("Env.get('test')", "from the workspace", "String"),
    ("Env.get('other')", "", "null"),
    ("Loop.dataArray", '[["00","a"],["01","b"]]', "List"),
    ("Loop.dataArray[0][1]", "a", "String"),
    ("Loop.current", '["01","b"]', "List"),
    ("Loop.current[0]", "01", "String"),
    ("Loop.current[9]", "", "null"),
    ("Loop.offset", "1", "Integer"),
    ("Loop.dataArray[Loop.offset] == Loop.current", "true", "Boolean"),
    ("DateUtil.getYear(Job.planTime)", "2024", "Integer"),
    ("DateUtil.getMonth(Job.planTime)", "1", "Integer"),
    ("DateUtil.getDay(Job.planTime)", "7", "Integer"),
    ("DateUtil.getQuarter(DateUtil.parseDate('2018-09-14','yyyy-MM-dd'))", "3", "Integer"),
    ("DateUtil.getQuarter(DateUtil.addMonths(Job.planTime,-1))", "4", "Integer"),
    ("DateUtil.getTime(Job.planTime)", "1704585600000", "Long"),
    ("DateUtil.format(DateUtil.now(),'yyyy-MM-dd HH:mm:ss')", "2024-01-07 01:00:00", "String"),
    ("OBSUtil.isExistOBSPath('obs://test/jobs/')", "true", "Boolean"),
    ("OBSUtil.isExistOBSPath('obs://test/jobs/job.log')", "false", "Boolean"),
    # JSON
    ("JSONUtil.path(Job.getNodeOutput('cities'),'cities[0].areaCode')", "1000", "String"),
    ("JSONUtil.path(Job.getNodeOutput('cities'),'cities[1].areaCode')", "2000", "Integer"),
    ("JSONUtil.path(Job.getNodeOutput('cities'),'cities[1].name')", "", "null"),
    ("JSONUtil.path(Job.getNodeOutput('cities'),'cities[7].name')", "", "null"),
    ("JSONUtil.path(Job.getNodeOutput('cities'),'$.cities[0].name')", "city1", "String"),
    ("JSONUtil.path(Job.getNodeOutput('cities'),'cities[-1].areaCode')", "2000", "Integer"),
    ("JSONUtil.path(Job.getNodeOutput('rows'),'[1][0]')", "001", "String"),
    ("JSONUtil.path(Job.getNodeOutput('rows'),'$')", '[["000"],["001"]]', "List"),
    ("JSONUtil.path(Job.getNodeOutput('silent'),'a')", "", "null"),
    ("JSONUtil.path('{\"a b\":{\"c.d\":1}}','[\\'a b\\'][\"c.d\"]')", "1", "Integer"),
    ("JSONUtil.path('{\"a-b\":1}','a-b')", "1", "Integer"),
    ("JSONUtil.path(JSONUtil.parse('[5]'),'[0]')", "5", "Integer"),
    ("JSONUtil.path('5','a')", "", "null"),
    ("JSONUtil.parse('')", "", "null"),
    ("JSONUtil.parse(null)", "", "null"),
    ('JSONUtil.parse(\' {"a": [1, 2.50, null, true, "ü"]} \')', '{"a":[1,2.5,null,true,"ü"]}', "Map"),
    ("JSONUtil.parse('2147483647')", "2147483647", "Integer"),
    ("JSONUtil.parse('2147483648')", "2147483648", "Long"),
    ("JSONUtil.parse('123456789012345678901234567890')", "123456789012345678901234567890", "Long"),
    ("JSONUtil.parse('1e2')", "100.0", "Double"),
    ("JSONUtil.parse('\"a\"')", "a", "String"),
    ("JSONUtil.toString('a')", '"a"', "String"),
    ("JSONUtil.toString('a\"b\\\\c')", r'"a\"b\\c"', "String"),
    ("JSONUtil.toString(null)", "null", "String"),
    ("JSONUtil.toString(1.0)", "1.0", "String"),
    ("JSONUtil.toString(true)", "true", "String"),
    ("JSONUtil.toString(Job.planTime)", "1704585600000", "String"),
    ("JSONUtil.toString(JSONUtil.path(Job.getNodeOutput('cities'),'cities[0].name'))", '"city1"', "String"),
    ("JSONUtil.toString(StringUtil.split('a,b',','))", '["a","b"]', "String"),
]


@pytest.mark.parametrize(("expression", "expected", "kind"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_a_member_gives(expression: str, expected: str, kind: str) -> None:
    found = answer(expression)
    assert (found.text, found.type) == (expected, kind)


MISSING = [
    ("Job.getNodeOutput('x')", {NodeOutput("x")}),
    ("Job.getRunningData('x')", {RunningData("x")}),
    ("Job.getInsertJobId()", {InsertJobId(None)}),
    ("Job.getInsertJobId('x')", {InsertJobId("x")}),
    ("DateUtil.now()", {ClockNow()}),
    ("OBSUtil.isExistOBSPath('obs://a/b')", {ObsPathExists("obs://a/b")}),
    ("Job.getPreviousWorkday(1,'yyyy')", {Calendar(None)}),
    ("Job.getCalendarNextWorkday('c',1,'yyyy')", {Calendar("c")}),
    (
        "Job.getNodeOutput('x') + Job.getNodeOutput('y') + DateUtil.now()",
        {NodeOutput("x"), NodeOutput("y"), ClockNow()},
    ),
    ("StringUtil.join(Job.getNodeOutput('x'),1/0,Job.getNodeOutput('y'))", {NodeOutput("x"), NodeOutput("y")}),
    ("StringUtil.left(Job.getNodeOutput('x'),Job.getNodeOutput('y'))", {NodeOutput("x"), NodeOutput("y")}),
    ("JSONUtil.parse(Job.getNodeOutput('x'))[Job.getNodeOutput('y')]", {NodeOutput("x"), NodeOutput("y")}),
    # What isn't needed isn't asked for
    ("true || OBSUtil.isExistOBSPath('a')", None),
    ("false && OBSUtil.isExistOBSPath('a')", None),
    ("true ? 1 : DateUtil.now()", None),
    ("false ? DateUtil.now() : 1", None),
    ("false || OBSUtil.isExistOBSPath('a')", {ObsPathExists("a")}),
    ("OBSUtil.isExistOBSPath('a') ? DateUtil.now() : Job.getNodeOutput('x')", {ObsPathExists("a")}),
    ("OBSUtil.isExistOBSPath(Job.getNodeOutput('x'))", {NodeOutput("x")}),
]


@pytest.mark.parametrize(("expression", "facts"), MISSING, ids=[row[0] for row in MISSING])
def test_missing_facts_are_named(expression: str, facts: set[object] | None) -> None:
    result = evaluate_expression(expression, Scope())
    if facts is None:
        assert isinstance(result, Evaluated)
    else:
        assert result == Missing(frozenset(facts))  # type: ignore[arg-type]


def test_nested_missing_facts_are_looked_for_once_each() -> None:
    expression = "Job.getNodeOutput('x')"
    for _ in range(40):
        expression = f"StringUtil.join({expression},Job.getNodeOutput('y'))"
    assert evaluate_expression(expression, Scope()) == Missing(frozenset({NodeOutput("x"), NodeOutput("y")}))


def test_there_is_no_loop_outside_of_for_each() -> None:
    error = mistake("#{Loop.current[0]}", scope=Scope())
    assert error.kind is ErrorKind.NOT_AVAILABLE
    assert error.expression == "Loop.current"


def test_a_job_that_was_not_triggered_by_files_has_none() -> None:
    scope = Scope(facts={})
    assert answer("Job.trigger.obsNewFiles", scope).type == "null"
    assert answer("Job.eventData", scope).type == "null"
    assert answer("Job.startTime", scope).type == "null"


def test_days_off_and_extra_working_days_count() -> None:
    calendar = WorkCalendar(
        exceptions={dt.date(2024, 1, 5): False, dt.date(2024, 1, 1): False, dt.date(2024, 1, 6): True}
    )
    scope = replace(SCOPE, facts={Calendar(None): calendar})
    assert answer("Job.getPreviousWorkday(1,'yyyyMMdd')", scope).text == "20240106"
    assert answer("Job.getPreviousWorkday(2,'yyyyMMdd')", scope).text == "20240104"
    assert answer("Job.getPreviousNonWorkday(1,'yyyyMMdd')", scope).text == "20240105"


def test_a_day_that_does_not_exist_in_the_calendar_is_null() -> None:
    always = WorkCalendar(weekdays=frozenset(range(1, 8)), exceptions={dt.date(2023, 12, 25): False})
    scope = replace(SCOPE, facts={Calendar(None): always, Calendar("c"): always})
    assert answer("Job.getPreviousNonWorkday(1,'yyyyMMdd')", scope).text == "20231225"
    assert answer("Job.getPreviousNonWorkday(2,'yyyyMMdd')", scope).type == "null"
    assert answer("Job.getCalendarNextNonWorkday('c',1,'yyyyMMdd')", scope).type == "null"
    assert answer("Job.getPreviousWorkday(2000000000,'yyyyMMdd')", scope).type == "null"
    never = replace(scope, facts={Calendar(None): WorkCalendar(weekdays=frozenset())})
    assert answer("Job.getPreviousWorkday(1,'yyyyMMdd')", never).type == "null"


def test_the_day_is_that_of_the_workspace_zone() -> None:
    # In Tokyo the plan time is Sunday 09:00, in New York still Saturday.
    assert answer("Job.getPreviousNonWorkday(1,'yyyyMMdd')", replace(SCOPE, time_zone="Asia/Tokyo")).text == "20240106"
    new_york = replace(SCOPE, time_zone="America/New_York")
    assert answer("Job.getPreviousNonWorkday(1,'yyyyMMdd HH')", new_york).text == "20231231 19"


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("Job.getPreviousWorkday(0,'yyyy')", ErrorKind.WRONG_TYPE),
        ("Job.getPreviousWorkday(-1,'yyyy')", ErrorKind.WRONG_TYPE),
        ("Job.getPreviousWorkday('x','yyyy')", ErrorKind.WRONG_TYPE),
        ("Job.getPreviousWorkday(1,'b')", ErrorKind.DATE_PATTERN),
        ("Job.getCalendarNextWorkday('gone',1,'yyyy')", ErrorKind.NOT_AVAILABLE),
        ("JSONUtil.parse('{')", ErrorKind.JSON),
        ("JSONUtil.parse('NaN')", ErrorKind.JSON),
        ("JSONUtil.parse('1e999')", ErrorKind.JSON),
        ("JSONUtil.path('{','a')", ErrorKind.JSON),
        ("JSONUtil.path('{}','a[')", ErrorKind.JSON_PATH),
        ("JSONUtil.path('{}','a..b')", ErrorKind.JSON_PATH),
        ("JSONUtil.path('{}','a[*]')", ErrorKind.JSON_PATH),
        ("JSONUtil.path('[1]','[0]b')", ErrorKind.JSON_PATH),
        ("JSONUtil.path('{}',null)", ErrorKind.WRONG_TYPE),
        ("JSONUtil.parse(StringUtil.repeat('[',100000))", ErrorKind.LIMIT),
        ("JSONUtil.parse('123456789012345678901234567890') + 1", ErrorKind.NUMBER),
        ("DateUtil.parseDate('x','yyyy')", ErrorKind.DATE_VALUE),
        ("DateUtil.format(Job.planTime,'yyyy-MM-dd b')", ErrorKind.DATE_PATTERN),
    ],
)
def test_a_member_refuses(expression: str, kind: ErrorKind) -> None:
    scope = replace(SCOPE, facts={**SCOPE.facts, Calendar("gone"): None})
    assert mistake("#{" + expression + "}", scope=scope).kind is kind
