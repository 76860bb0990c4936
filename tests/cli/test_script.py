from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli


def test_a_script_is_saved_from_a_text_file_changed_listed_and_deleted(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "salute.sh"
    file.write_text("echo hello")
    assert cli("script", "create", str(file)).code == 0
    assert cli("script", "get", "salute").json["type"] == "Shell"
    file.write_text("echo good day")
    assert cli("script", "edit", "salute", str(file)).code == 0
    assert cli("script", "get", "salute", "--text").out == "echo good day"
    assert [each["name"] for each in cli("script", "list", "--name", "salute", "--json").json["scripts"]] == ["salute"]
    assert "salute" in cli("script", "list").out
    assert cli("script", "delete", "salute", "--json").json == {"name": "salute", "result": "deleted"}
    assert "DLF.6201" in cli("script", "get", "salute").err


def test_a_text_file_whose_type_is_open_asks_for_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "total.sql"
    file.write_text("SELECT 1")
    done = cli("script", "create", str(file))
    assert done.code == 1
    assert "--type DLISQL" in done.err
    assert cli("script", "create", str(file), "--type", "DLISQL", "--name", "sum").code == 0
    assert cli("script", "get", "sum").json["type"] == "DLISQL"


def test_a_script_runs_by_itself_and_leaves_no_job_behind(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "say.sh"
    file.write_text('echo "${who} says $1"; exit ${code}')
    cli("script", "create", str(file))
    done = cli("script", "run", "say", "-p", "who=Ada", "-p", "code=0", "--arguments", "'good day'")
    assert done.code == 0, done.out + done.err
    assert "say │ Ada says good day" in done.out
    assert cli("script", "run", "say", "-p", "who=Ada", "-p", "code=5").code == 1
    assert cli("job", "list", "--name", "script-say", "--json").json["total"] == 0
    runs = [each for each in cli("instance", "list", "--json").json["instances"] if "script-say" in each["jobName"]]
    assert [each["status"] for each in runs] == ["fail", "success"]
    kept = cli("instance", "logs", runs[1]["jobName"], str(runs[1]["instanceId"]))
    assert kept.out == "Ada says good day\n", "its log stays"


def test_a_script_that_can_not_run_here_says_so(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "hive.sql"
    file.write_text("SELECT 1")
    cli("script", "create", str(file), "--type", "HiveSQL")
    done = cli("script", "run", "hive")
    assert done.code == 1
    assert "HiveSQL" in done.err
