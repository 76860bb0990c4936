from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, job


def test_a_job_is_saved_read_changed_listed_and_deleted(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "j.json"
    file.write_text(json.dumps(job("life", "true")))
    assert cli("job", "create", str(file), "--json").json == {"name": "life", "result": "created"}

    document = cli("job", "get", "life").json
    assert document["nodes"][0]["name"] == "n0"

    file.write_text(json.dumps({**document, "name": "life2"}))
    assert "now called life2" in cli("job", "edit", "life", str(file)).out
    listed = cli("job", "list", "--name", "life", "--json").json
    assert [each["name"] for each in listed["jobs"]] == ["life2"]
    assert listed["total"] == 1
    assert "life2" in cli("job", "list").out

    assert cli("job", "delete", "life2").code == 0
    gone = cli("job", "get", "life2")
    assert gone.code == 1
    assert "DLF.0100" in gone.err
    assert gone.out == ""


def test_a_document_can_come_from_stdin(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job("piped", "true"))))
    assert cli("job", "create", "-").code == 0


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is no JSON"), ("[]", "must hold a JSON object"), ("{}", "has no name")]
)
def test_a_file_that_is_no_job_is_refused_with_a_reason(cli: Cli, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "j.json"
    file.write_text(text)
    done = cli("job", "create", str(file))
    assert done.code == 1
    assert told in done.err


def test_a_run_that_is_followed_shows_states_and_logs_and_ends_with_0(cli: Cli, save) -> None:
    name = save(job("follow", 'echo "a is $ARKWRIGHT_PARAM_AAA"', "echo second; printf tail", aaa="1"))
    done = cli("job", "run", name, "-p", "aaa=111", "--follow")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "n0 │ a is 111" in lines
    assert "n1 │ second" in lines
    assert "n1 │ tail" in lines, "a last line without a line break is shown too"
    assert any(line.startswith("✓ n0 success") for line in lines)
    assert lines[-1].startswith("✓ success  follow")


def test_a_run_that_fails_ends_with_1_and_says_why(cli: Cli, save) -> None:
    name = save(job("failing", "echo broken; exit 3", "echo never"))
    done = cli("job", "run", name, "--follow")
    assert done.code == 1
    assert "Exit code 3" in done.out.replace("\n", " ")
    assert "never" not in done.out


def test_waiting_is_quiet_and_its_json_is_the_instance(cli: Cli, save) -> None:
    name = save(job("waited", "echo noise"))
    done = cli("job", "run", name, "--wait", "--json")
    assert done.code == 0
    assert done.json["status"] == "success"
    assert [node["nodeName"] for node in done.json["nodes"]] == ["n0"]
    assert "noise" not in done.out


def test_following_keeps_stdout_pure_json(cli: Cli, save) -> None:
    name = save(job("pure", "echo for people"))
    done = cli("job", "run", name, "--follow", "--json")
    assert done.json["status"] == "success"
    assert "n0 │ for people" in done.err


def test_one_idempotency_key_makes_one_instance(cli: Cli, save) -> None:
    name = save(job("once", "true"))
    first, second = (cli("job", "run", name, "--idempotency-key", "k1", "--json").json for _ in range(2))
    assert first == second
    other = cli("job", "run", name, "--idempotency-key", "k1", "-p", "a=b")
    assert other.code == 1


def test_without_following_the_run_is_told_and_how_to_watch_it(cli: Cli, save) -> None:
    name = save(job("started", "true"))
    done = cli("job", "run", name)
    assert done.code == 0
    assert "Started instance" in done.out
    assert "arkwright instance logs started" in done.err.replace("\n", " ")


@pytest.mark.parametrize("parameter", ["novalue", "=x"])
def test_a_parameter_without_name_or_value_is_wrong_usage(cli: Cli, parameter: str) -> None:
    done = cli("job", "run", "any", "-p", parameter)
    assert done.code == 2
    assert "NAME=VALUE" in done.err


def test_a_parameter_given_twice_is_wrong_usage(cli: Cli) -> None:
    assert cli("job", "run", "any", "-p", "a=1", "-p", "a=2").code == 2


def test_stopping_a_job_stops_its_running_instances(cli: Cli, save) -> None:
    name = save(job("endless", "echo up; exec sleep 600"))
    instance = cli("job", "run", name, "--json").json["instanceId"]
    stopped = cli("job", "stop", name, "--json").json
    assert stopped == {"job": name, "stopped": [instance], "failed": []}
    ended = cli("instance", "logs", name, str(instance), "--follow", "--json").json
    assert ended["status"] == "manual-stop"
    assert "No instance of endless is running" in cli("job", "stop", name).out
