"""The expressions that the original's guide shows, as they are printed there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.el.kit import SCOPE, text

ONE_FIELD = (
    'StringUtil.split(StringUtil.split(StringUtil.split(Job.getNodeOutput("count"),"]")[0],"[")[0],"{quote}")[0]'
)

EXAMPLES = [
    ('#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}', "2024-01-06"),
    ("#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),'yyyy-MM-dd')}", "2024-01-06"),
    ('#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyw")}', "20241"),
    ('#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyww")}', "202401"),
    ('#{DateUtil.format(DateUtil.addDays(Job.planTime,-7),"YYYYww")}', "202401"),
    ('#{DateUtil.format(Job.planTime,"yyyy-MM-dd HH:mm:ss:SSS")}', "2024-01-07 00:00:00:000"),
    ('#{DateUtil.format(DateUtil.addMonths(Job.planTime,-1),"yyyy-MM")}', "2023-12"),
    ('#{DateUtil.format(DateUtil.addHours(Job.planTime,-1),"yyyy-MM-dd HH")}', "2024-01-06 23"),
    ('#{DateUtil.format(DateUtil.addHours(Job.planTime,-7),"yyyy-MM-dd")}', "2024-01-06"),
    ('#{DateUtil.format(DateUtil.addMinutes(Job.planTime,-1),"yyyy-MM-dd HH:mm")}', "2024-01-06 23:59"),
    ('#{DateUtil.format(DateUtil.now(),"yyyy-MM-dd HH:mm:ss")}', "2024-01-07 01:00:00"),
    ("#{DateUtil.now()}", "Sun Jan 07 01:00:00 UTC 2024"),
    ("#{DateUtil.getDay(Job.planTime)}", "7"),
    ('#{DateUtil.getDay(Job.planTime) == 7 ? "true" : "false"}', "true"),
    ('#{DateUtil.getDay(DateUtil.addDays(Job.planTime,1)) == 1 ? "true" : "false"}', "false"),
    ('#{DateUtil.getMonth(Job.planTime) == 6 ? "true" : "false"}', "false"),
    ("#{DateUtil.getQuarter(Job.planTime)}", "1"),
    ("#{DateUtil.getTime(Job.planTime)}", "1704585600000"),
    (
        '#{DateUtil.parseDate(Job.getPlanTime("yyyy-MM-dd HH:mm:ss:SSS"),"yyyy-MM-dd HH:mm:ss")}',
        "Sun Jan 07 00:00:00 UTC 2024",
    ),
    (
        '#{"obs://test/"+DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}',
        "obs://test/2024-01-06",
    ),
    ('#{Job.getYesterday("yyyy-MM-dd")}', "2024-01-06"),
    ('#{Job.getLastHour("yyyy-MM-dd HH:mm:ss:SSS")}', "2024-01-06 23:00:00:000"),
    ('#{Job.getPreviousWorkday(5, "yyyyMMdd")}', "20240101"),
    ('#{Job.getPreviousNonWorkday(1, "yyyyMMdd")}', "20240106"),
    ('#{Job.getCalendarPreviousWorkday(5, "yyyyMMdd")}', "20240101"),
    ('#{Job.getCalendarPreviousNonWorkday(1, "yyyyMMdd")}', "20240106"),
    ('#{Job.getCalendarNextWorkday(5, "yyyyMMdd")}', "20240112"),
    ('#{(Job.getNodeStatus("load")) == "success" }', "true"),
    ('#{Job.getNodeStatus("check") == "fail"}', "true"),
    ('#{StringUtil.getDigits(Job.getNodeOutput("eleven"))}', "11"),
    ("#{" + ONE_FIELD.replace("{quote}", '\\"') + "}", "000"),
    ("#{" + ONE_FIELD.replace("{quote}", '\\\\"') + "}", "000"),
    ("#{" + ONE_FIELD.replace("{quote}", '\\\\\\\\"') + "}", "000"),
    ('#{StringUtil.substringBetween(Job.getNodeOutput("shell"),"<name>","<name1>")}', "blue"),
    ('#{JSONUtil.path(Job.getNodeOutput("cities"),"cities[0].areaCode")}', "1000"),
    ('#{JSONUtil.toString(JSONUtil.path(Job.getNodeOutput("cities"),"cities[0].name"))}', '"city1"'),
    ('#{JSONUtil.path(Job.getRunningData("dli"),"jobIds[2]")}', "c3"),
    ('#{Job.getInsertJobId("dli")}', "b2"),
    ('#{Env.get("test")}', "from the workspace"),
    ('#{OBSUtil.isExistOBSPath("obs://test/jobs/")}', "true"),
    ('#{OBSUtil.isExistOBSPath("obs://test/jobs/job.log")}', "false"),
    ("#{Loop.current[1]}", "b"),
    ("#{Loop.dataArray[1][0]}", "01"),
    ("#{Loop.offset}", "1"),
    ('#{Job.getParam("test")}', "from the job"),
    ('#{StringUtil.leftPad(DateUtil.getMonth(Job.planTime),2,"0")}', "01"),
    ("#{StringUtil.split('No,0020',',')[1]}", "0020"),
    ("#{StringUtil.substringAfter('No.0010','.')}", "0010"),
]


@pytest.mark.parametrize(("source", "expected"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_an_example_of_the_guide_works(source: str, expected: str) -> None:
    assert text(source) == expected


def test_the_yesterday_of_the_guides_report() -> None:
    # 26 September 2018, 01:00 east of Greenwich.
    scope = replace(SCOPE, plan_time_ms=1537894800000, time_zone="GMT+8")
    assert text('#{Job.getYesterday("yyyy-MM-dd")}', scope=scope) == "2018-09-25"
