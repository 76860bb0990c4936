"""`arkwright simulate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli, job

SPAN = ("--from", "2026-03-01T00:00+00:00", "--to", "2026-03-03T00:00+00:00", "--only")


def planned(name: str, expression: str = "0 0 2 * * ?", **more: Any) -> dict[str, Any]:
    cron = {"startTime": "2020-01-01T00:00:00Z", "expression": expression, "expressionTimeZone": "GMT+0", **more}
    return {**job(name, "true"), "schedule": {"type": "CRON", "cron": cron}}


def test_planned_instances_and_conflicts_are_shown(cli: Cli, save) -> None:
    name = save(planned("simulated-slow", "0 0 0/6 * * ?", concurrent=1))
    done = cli("simulate", *SPAN, "--job", name, "--duration", f"{name}=7h")
    assert done.code == 0, done.err
    assert "simulated-slow" in done.out
    assert "Conflict" in done.out
    assert "queued" in done.out
    assert cli("simulate", *SPAN, "--job", name, "--json").json["total"] == 8


def test_a_change_is_shown_as_a_diff(cli: Cli, save, tmp_path: Path) -> None:
    name = save(planned("simulated-change"))
    file = tmp_path / "job.json"
    file.write_text(json.dumps(planned(name, "0 0 5 * * ?")))
    done = cli("simulate", *SPAN, "--with", str(file))
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["-", "+", "-", "+"], done.out
    file.write_text(json.dumps(planned(name)))
    assert "Nothing changes" in cli("simulate", *SPAN, "--with", str(file)).err


def test_a_history_is_compared_and_differences_are_a_failure(cli: Cli, save, tmp_path: Path) -> None:
    name = save(planned("simulated-shadow"))
    same = [1772330400000, 1772416800000]
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"total": 2, "instances": [{"jobName": name, "planTime": at} for at in same]}))
    done = cli("simulate", *SPAN, "--job", name, "--against", str(file))
    assert (done.code, "2 plan times match, 0 differences" in done.err) == (0, True), done.err
    table = tmp_path / "history.csv"
    table.write_text(f"Job Name,Plan Time\n{name},2026-03-01T02:00:00+00:00\n{name},2026-03-01T03:00:00+00:00\n")
    done = cli("simulate", *SPAN, "--job", name, "--against", str(table))
    assert (done.code, "1 plan times match, 2 differences" in done.err) == (1, True), done.err
    assert "planned there, not here" in done.out


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--from", "soon", "--to", "now"],
        [*SPAN, "--duration", "a"],
        [*SPAN, "--duration", "a=soon"],
        [*SPAN, "--limit", "-1"],
    ],
)
def test_wrong_options_are_wrong_usage(cli: Cli, options: list[str]) -> None:
    assert cli("simulate", *options).code == 2


def test_a_file_that_is_no_history_is_refused(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    for text in ("{", "{}", "[1]"):
        file.write_text(text)
        done = cli("simulate", *SPAN, "--against", str(file))
        assert done.code == 1
        assert "history.json" in done.err
