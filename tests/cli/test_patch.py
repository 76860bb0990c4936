"""`arkwright patch`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cli.conftest import Cli, job
from tests.e2e.house import until

CRON = {"startTime": "2026-01-01T00:00:00Z", "expression": "0 0 2 * * ?", "expressionTimeZone": "GMT+0"}
SPAN = ("--from", "2026-03-01", "--to", "2026-03-03T23:00:00+00:00")


def planned(name: str, **more: Any) -> dict[str, Any]:
    return {**job(name, "true"), "schedule": {"type": "CRON", "cron": {**CRON, **more}}}


def state(cli: Cli, name: str) -> str:
    [row] = cli("patch", "list", "--name", name, "--json").json["patches"]
    return str(row["status"])


def test_a_patch_is_made_and_runs(cli: Cli, save) -> None:
    up, down = save(planned("patched-up")), save(planned("patched-down", dependJobs={"jobs": ["patched-up"]}))
    done = cli("patch", "create", down, *SPAN, "-n", "3", "--with", up, "--name", "patched-1")
    assert done.code == 0, done.err
    until(lambda: state(cli, "patched-1") == "SUCCESS", "the patch ends")
    listed = cli("patch", "list", "--name", "patched-1").out
    assert [word for word in ("patched-1", "SUCCESS", "patched-down", "patched-up") if word not in listed] == []
    again = cli("patch", "create", down, *SPAN, "--name", "patched-1")
    assert (again.code, "exists" in again.err) == (1, True)


def test_a_patch_is_stopped(cli: Cli, save) -> None:
    name = save(planned("patched-late"))
    done = cli("patch", "create", name, *SPAN, "--window", "00:00-00:01", "--stop-on-failure", "--reverse", "--json")
    patch = done.json["name"]
    assert patch.startswith("P_patched-late_")
    cli("patch", "stop", patch)
    until(lambda: state(cli, patch) in ("CANCEL", "SUCCESS"), "the patch is over")
    assert cli("patch", "stop", patch).code == 1


@pytest.mark.parametrize(
    "options", [["--to", "2026-03-03"], ["--from", "soon", "--to", "2026-03-03"], [*SPAN, "-n", "6"]]
)
def test_wrong_options_are_wrong_usage(cli: Cli, options: list[str]) -> None:
    assert cli("patch", "create", "a", *options).code == 2


def test_a_job_without_a_plan_has_no_past(cli: Cli, save) -> None:
    name = save(job("patched-hand", "true"))
    done = cli("patch", "create", name, *SPAN)
    assert (done.code, "DLF.30111" in done.err) == (1, True)
