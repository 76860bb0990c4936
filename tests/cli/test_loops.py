"""For Each on the command line: progress while it runs, and what an assessment says of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli, job

from arkwright.cli.progress import runs_of


def loop(name: str, child: str, rows: int, params: str = "n=#{Loop.offset}") -> dict[str, Any]:
    values = {
        "jobName": child,
        "dataset": json.dumps([[row] for row in range(rows)]),
        "concurrency": "5",
        "params": params,
    }
    document = job(name)
    document["nodes"] = [
        {
            "name": "each",
            "type": "For Each",
            "location": {"x": 0, "y": 0},
            "properties": [{"name": key, "value": value} for key, value in values.items()],
        }
    ]
    return document


def child(name: str, statement: str) -> dict[str, Any]:
    document = job(name, statement, n="")
    document["nodes"][0]["properties"].append({"name": "arguments", "value": "${n}"})
    return document


def test_a_followed_for_each_shows_how_far_it_is_and_how_many_failed(cli: Cli, save: Any) -> None:
    save(child("loop_row", "test $1 != 3"))
    name = save(loop("loop_follow", "loop_row", 20))
    done = cli("job", "run", name, "--follow")
    assert done.code != 0
    lines = done.out.splitlines()
    told = [line for line in lines if line.startswith("each │ ")]
    assert told, done.out
    assert len(told) <= 10, "a line per tenth at most"
    (end,) = [line for line in lines if "each fail" in line]
    assert end.endswith("20 of 20 loop_row, 1 failed")
    assert "1 of 20 runs of job 'loop_row' did not succeed (row 3, counted from 0)" in done.out + done.err


def test_a_node_that_runs_no_other_job_has_no_such_column() -> None:
    assert runs_of({"nodeName": "a", "status": "running"}) == ""
    each = {"childTotal": 5, "childSucceeded": 1, "childFailed": 2, "childJobName": "load"}
    assert runs_of({"nodeName": "a", **each}) == "3 of 5 load, 2 failed"


def test_an_export_with_subjobs_and_loops_is_found_to_run(bare_cli: Cli, tmp_path: Path) -> None:
    parameters = json.dumps([{"name": "n", "value": '#{StringUtil.trim(Loop.current[0])} #{Job.getParam("day")}'}])
    calls = loop("calls", "row", 2, params="n=${day}")
    calls["nodes"][0]["type"] = "SubJob"
    calls["params"] = [{"name": "day", "value": "1"}]
    loops = loop("loops", "row", 2, params=parameters)
    loops["params"] = [{"name": "day", "value": "1"}]
    archive = tmp_path / "jobs.zip"
    documents = {"row": child("row", "true"), "loops": loops, "calls": calls, "lost": loop("lost", "nowhere", 1)}
    broken = loop("broken", "row", 1, params="n=#{Loop.}")
    with zipfile.ZipFile(archive, "w") as file:
        for name, document in {**documents, "broken": broken}.items():
            file.writestr(f"jobs/{name}.job", json.dumps(document))
    done = bare_cli("assess", str(archive), "--json")
    jobs = {each["name"]: each for each in done.json["jobs"]}
    assert {name: each["verdict"] for name, each in jobs.items()} == {
        "row": "runs",
        "loops": "runs",
        "calls": "runs",
        "lost": "needs mapping",
        "broken": "not supported",
    }, done.out
    assert ("other job", "nowhere") in {(each["topic"], each["subject"]) for each in jobs["lost"]["findings"]}
