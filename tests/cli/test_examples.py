"""What `make run` shows, against the same facts worked out from the file in another way."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest
from tests.cli.conftest import EXAMPLES, clean_environment
from tests.examples import seldom

FILE = EXAMPLES / "seattle-weather" / "files" / "seattle-weather.csv"


def run_example(year: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "run.py"), "--year", year],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )


@pytest.mark.parametrize("year", [*seldom("2012"), "2015"])
def test_the_example_reports_what_is_in_its_data(year: str) -> None:
    run = run_example(year)
    assert run.returncode == 0, run.stdout + run.stderr
    report = run.stdout.split("--node report", 1)[1]
    with FILE.open(newline="") as rows:
        march = [row for row in csv.DictReader(rows) if row["date"].startswith(f"{year}/03/")]
    rain = sum(float(row["precipitation"]) for row in march)
    wet_days = sum(row["precipitation"] != "0.0" for row in march)
    line = next(line.split() for line in report.splitlines() if line.startswith("Mar "))
    assert line[4] == str(wet_days)
    assert abs(float(line[3]) - rain) <= 0.5
    assert f"Seattle's weather in {year}" in report


def test_the_example_refuses_a_year_that_is_not_in_its_data() -> None:
    run = run_example("1999")
    assert run.returncode == 1
    assert "there is no day of 1999 in the data" in run.stdout
    assert "report │" not in run.stdout
