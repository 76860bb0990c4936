"""What the tests of the expression language share: a scope to evaluate in, and short ways to do it."""

from __future__ import annotations

import json
from pathlib import Path

from arkwright.el import (
    Calendar,
    ClockNow,
    ElError,
    Evaluated,
    InsertJobId,
    LoopScope,
    NodeOutput,
    ObsPathExists,
    RunningData,
    Scope,
    WorkCalendar,
    evaluate_expression,
    resolve,
)

# Sunday, 7 January 2024, 00:00 in Greenwich.
PLAN_TIME_MS = 1704585600000

SCOPE = Scope(
    job_name="daily_load",
    project_id="4f1c",
    plan_time_ms=PLAN_TIME_MS,
    start_time_ms=PLAN_TIME_MS + 61_500,
    time_zone="UTC",
    parameters={"test": "from the job", "empty": ""},
    node_status={"load": "success", "check": "fail"},
    environment={"test": "from the workspace"},
    event_data='{"id": 7}',
    obs_new_files=("obs://in/a.csv", "obs://in/b.csv"),
    loop=LoopScope(data_array=(("00", "a"), ("01", "b")), current=("01", "b"), offset=1),
    facts={
        ClockNow(): PLAN_TIME_MS + 3_600_000,
        NodeOutput("count"): '[["000"]]',
        NodeOutput("eleven"): '[["11"]]',
        NodeOutput("rows"): '[["000"],["001"]]',
        NodeOutput("silent"): None,
        NodeOutput("cities"): '{"cities": [{"name": "city1", "areaCode": "1000"}, {"areaCode": 2000}]}',
        NodeOutput("shell"): "start\n<name>blue<name1>\n",
        ObsPathExists("obs://test/jobs/"): True,
        ObsPathExists("obs://test/jobs/job.log"): False,
        RunningData("dli"): '{"jobIds": ["a1", "b2", "c3"]}',
        InsertJobId("dli"): "b2",
        InsertJobId(None): None,
        Calendar(None): WorkCalendar(),
        Calendar("works on sunday"): WorkCalendar(weekdays=frozenset({7})),
    },
)


def answer(expression: str, scope: Scope = SCOPE) -> Evaluated:
    """The answer to a bare expression that lacks no facts."""
    result = evaluate_expression(expression, scope)
    assert isinstance(result, Evaluated), result
    return result


def text(template: str, values: dict[str, str] | None = None, scope: Scope = SCOPE) -> str:
    """A text with its parameters and expressions resolved."""
    result = resolve(template, values or {}, scope)
    assert isinstance(result, Evaluated), result
    return result.text


def mistake(template: str, values: dict[str, str] | None = None, scope: Scope = SCOPE) -> ElError:
    """The error that a text gives."""
    try:
        result = resolve(template, values or {}, scope)
    except ElError as error:
        return error
    raise AssertionError(f"no error but {result}")


def table(name: str) -> list[list[object]]:
    """The rows of a table in the folder ``tables``."""
    rows: list[list[object]] = json.loads((Path(__file__).parent / "tables" / f"{name}.json").read_text())
    return rows
