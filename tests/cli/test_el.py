from __future__ import annotations

import pytest
from tests.cli.conftest import Cli, job


def test_a_text_is_evaluated(cli: Cli) -> None:
    text = '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}'
    done = cli("el", text, "--plan-time", "2018-10-22T00:00+08:00", "--time-zone", "GMT+8")
    assert (done.code, done.out) == (0, "2018-10-21\n"), done.err
    assert "String" in done.err
    assert cli("el", "#{1 + 1}", "--json").json == {"value": "2", "type": "Long"}
    assert cli("el", "#{DateUtil.getTime(Job.planTime)}", "--plan-time", "0").out == "0\n"


def test_values_come_from_options_and_from_a_job(cli: Cli, save) -> None:
    name = save(job("valued", "true", day="#{Job.name}", other="1"))
    given = ("--job", name, "-p", "other=2", "--env", "e=3", "--output", "n0=out", "--status", "n0=success")
    text = "${day} ${other} ${e} #{Job.getNodeOutput('n0')} #{Job.getNodeStatus('n0')}"
    assert cli("el", text, *given).out == "valued 2 3 out success\n"


def test_steps_are_shown(cli: Cli) -> None:
    out = cli("el", "#{1 + 2 * 3}", "--trace").out
    assert "2 * 3" in out
    assert out.endswith("7\n")


def test_a_mistake_is_told_with_its_place_and_code(cli: Cli) -> None:
    done = cli("el", "ab #{Job.nme}")
    assert done.code == 1
    assert "ARK.EL.0005" in done.err
    assert "position 5" in done.err
    assert "did you mean" in done.err


@pytest.mark.parametrize("options", [["--plan-time", "soon"], ["-p", "x"], ["--next", "0"]])
def test_wrong_options_are_wrong_usage(cli: Cli, options: list[str]) -> None:
    assert cli("el", "a", *options).code == 2


def test_a_text_is_evaluated_for_the_next_planned_times(cli: Cli, save) -> None:
    cron = {"startTime": "2020-01-01T00:00:00+08", "expression": "0 0 2 L * ?", "expressionTimeZone": "GMT+8"}
    name = save({**job("planned-el", "true"), "schedule": {"type": "CRON", "cron": cron}})
    given = ("--job", name, "--time-zone", "GMT+8", "--plan-time", "2026-01-31T02:00+08:00")
    done = cli("el", "#{Job.getPlanTime('yyyyMMdd')}", *given, "--next", "3", "--json")
    assert [each["value"] for each in done.json] == ["20260131", "20260228", "20260331"], done.err
    assert "20260228" in cli("el", "#{Job.getPlanTime('yyyyMMdd')}", *given, "--next", "2").out
    coming = cli("el", "a", "--job", name, "--next", "2", "--json").json
    assert coming[0]["planTime"] < coming[1]["planTime"]


def test_planned_times_need_a_job(cli: Cli) -> None:
    done = cli("el", "a", "--next", "3")
    assert done.code == 1
    assert "--job" in done.err
