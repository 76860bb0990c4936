"""`arkwright schedule preview`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, job

CRON = {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 L * ?", "expressionTimeZone": "GMT+8"}


def test_the_times_of_an_expression_are_shown_in_its_zone(cli: Cli) -> None:
    given = ("--start", "2026-03-28", "--time-zone", "Europe/Berlin", "-n", "2")
    done = cli("schedule", "preview", "0 30 2 * * ?", *given)
    assert done.out.splitlines() == ["2026-03-28 02:30:00 +01:00 Sat", "2026-03-29 03:00:00 +02:00 Sun"], done.err
    assert cli("schedule", "preview", "0 30 2 * * ?", *given, "--json").json == {
        "fireTimes": [1774661400000, 1774746000000]
    }


def test_a_plan_that_ends_says_so(cli: Cli) -> None:
    done = cli("schedule", "preview", "0 0 2 * * ?", "--start", "2026-01-01", "--end", "2026-01-02")
    assert (len(done.out.splitlines()), "no more" in done.err) == (1, True)


def test_the_plan_of_a_job_and_of_a_file_is_shown(cli: Cli, save, tmp_path: Path) -> None:
    document = {**job("planned-preview", "true"), "schedule": {"type": "CRON", "cron": CRON}}
    name = save(document)
    expected = {"fireTimes": [1769796000000, 1772215200000]}
    assert cli("schedule", "preview", "--job", name, "-n", "2", "--json").json == expected
    file = tmp_path / "job.json"
    file.write_text(json.dumps(document))
    assert cli("schedule", "preview", "--file", str(file), "-n", "2", "--json").json == expected
    assert cli("schedule", "preview", "--job", name, "--after", "now", "-n", "1").code == 0


@pytest.mark.parametrize(
    "options", [[], ["0 0 2 * * ?", "--job", "a"], ["0 0 2 * * ?", "--start", "soon"], ["0 0 2 * * ?", "-n", "0"]]
)
def test_wrong_options_are_wrong_usage(cli: Cli, options: list[str]) -> None:
    assert cli("schedule", "preview", *options).code == 2


def test_a_wrong_expression_is_told_with_its_place(cli: Cli) -> None:
    done = cli("schedule", "preview", "0 0 25 * * ?")
    assert done.code == 1
    assert "25 is outside 0 to 23" in done.err
