from __future__ import annotations

import os
import signal
import subprocess

from tests.cli.conftest import COMMAND, Cli, Running, clean_environment, job


def test_the_newest_instance_is_meant_where_no_id_is_given(cli: Cli, save) -> None:
    name = save(job("twice", "true"))
    first, second = (cli("job", "run", name, "--wait", "--json").json["instanceId"] for _ in range(2))
    assert cli("instance", "show", name, "--json").json["instanceId"] == second
    assert cli("instance", "show", name, str(first), "--json").json["instanceId"] == first
    listed = cli("instance", "list", name, "--json").json
    assert [each["instanceId"] for each in listed["instances"]] == [second, first]


def test_an_instance_is_shown_with_its_nodes(cli: Cli, save) -> None:
    name = save(job("shown", "true", "exit 4"))
    cli("job", "run", name, "--wait")
    out = cli("instance", "show", name).out
    assert "✗ fail" in out
    assert "✓ success" in out
    assert "Exit code 4" in " ".join(out.split())


def test_instances_are_filtered_by_state(cli: Cli, save) -> None:
    name = save(job("filtered", "exit 1"))
    cli("job", "run", name, "--wait")
    assert cli("instance", "list", name, "--status", "fail", "--json").json["total"] == 1
    assert cli("instance", "list", name, "--status", "success", "--json").json["total"] == 0
    assert "No instances" in cli("instance", "list", name, "--status", "success").err


def test_the_log_of_one_node_comes_as_it_is(cli: Cli, save) -> None:
    name = save(job("logged", r"printf 'a\n\tb'", "echo c"))
    cli("job", "run", name, "--wait")
    assert cli("instance", "logs", name, "--node", "n0").out == "a\n\tb"
    assert cli("instance", "logs", name).out == "n0 │ a\nn0 │ \tb\nn1 │ c\n"
    assert cli("instance", "logs", name, "--json").json["logs"] == {"n0": "a\n\tb", "n1": "c\n"}
    unknown = cli("instance", "logs", name, "--node", "nix")
    assert unknown.code == 1
    assert "There are: n0, n1." in unknown.err


def test_what_a_node_has_come_to_is_printed_as_it_is(cli: Cli, save) -> None:
    document = job("resulting", "printf 'a\\n\\tb\\n'")
    statement = {"name": "statement", "value": "SELECT 1 AS n, 'x,y' AS t"}
    document["nodes"].append({"name": "ask", "type": "DLISQL", "preNodeName": ["n0"], "properties": [statement]})
    name = save(document)
    assert cli("job", "run", name, "--wait").code == 0
    assert cli("instance", "result", name, "--node", "ask").out.splitlines() == ["n,t", '1,"x,y"']
    assert cli("instance", "result", name, "--node", "n0", "--json").json["result"] == "a\n\tb"
    several = cli("instance", "result", name)
    assert several.code == 1
    assert "There are: n0, ask." in " ".join(several.err.split())


def test_a_stopped_instance_can_be_waited_for(cli: Cli, save) -> None:
    name = save(job("stopped", "exec sleep 600"))
    cli("job", "run", name)
    assert "manual-stop" in cli("instance", "stop", name, "--wait").out


def test_an_instance_is_restarted_from_the_node_that_failed(cli: Cli, save, tmp_path) -> None:
    flag = tmp_path / "flag"
    name = save(job("again", "echo once", f"test -e {flag}"))
    assert cli("job", "run", name, "--wait").code == 1
    flag.touch()
    done = cli("instance", "restart", name, "--from-error", "--follow", "--json")
    assert done.code == 0, done.err
    attempts = {node["nodeName"]: node["attempt"] for node in done.json["nodes"]}
    assert attempts == {"n0": 1, "n1": 2}


def test_an_unknown_instance_is_told(cli: Cli, save) -> None:
    name = save(job("known", "true"))
    done = cli("instance", "show", name, "12")
    assert done.code == 1
    assert "DLF.0137" in done.err


def test_a_job_that_never_ran_says_how_to_run_it(cli: Cli, save) -> None:
    name = save(job("fresh", "true"))
    done = cli("instance", "show", name)
    assert done.code == 1
    assert "arkwright job run fresh" in " ".join(done.err.split())


def test_a_span_that_is_none_is_wrong_usage(cli: Cli) -> None:
    assert cli("instance", "list", "--since", "8d").code == 2
    assert cli("instance", "list", "--since", "soon").code == 2


def test_ctrl_c_leaves_the_run_going_and_says_how_to_stop_it(cli: Cli, save, home: Running) -> None:
    name = save(job("interrupted", "echo up; exec sleep 600"))
    follower = subprocess.Popen(
        [*COMMAND, "job", "run", name, "--follow", "--data", str(home.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    with follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        while "up" not in follower.stdout.readline():
            assert follower.poll() is None
        os.kill(follower.pid, signal.SIGINT)
        message = follower.communicate(timeout=30)[1]
    assert follower.returncode == 130
    assert "goes on" in message
    assert f"arkwright instance stop {name}" in message
    assert cli("instance", "show", name, "--json").json["status"] == "running"
    cli("instance", "stop", name, "--wait")
