from __future__ import annotations

from tests.cli.conftest import Cli, job


def suspended(name: str, flag: str) -> dict:
    document = job(name, "true", f"test -e {flag}", "echo on")
    document["nodes"][1]["failPolicy"] = "SUSPEND"
    return document


def reach(cli: Cli, name: str, state: str) -> None:
    """Run it and return when it is in that state: nothing moves it from there."""
    cli("job", "run", name)
    for _ in range(200):
        if cli("instance", "show", name, "--json").json["status"] == state:
            return
    raise AssertionError(f"{name} did not become {state}")


def test_a_suspended_instance_is_continued(cli: Cli, save, tmp_path) -> None:
    name = save(suspended("continued", tmp_path / "flag"))
    reach(cli, name, "running-exception")
    done = cli("instance", "continue", name)
    assert done.code == 0, done.err
    assert "Going on with instance" in done.out
    assert cli("instance", "logs", name, "--follow").code == 0


def test_a_node_is_retried_and_another_refused_with_the_way_out(cli: Cli, save, tmp_path) -> None:
    name = save(suspended("retried", tmp_path / "flag"))
    reach(cli, name, "running-exception")
    refused = cli("instance", "node", "retry", name, "n2")
    assert refused.code == 1
    assert "SUSPEND" in refused.err
    (tmp_path / "flag").touch()
    done = cli("instance", "node", "retry", name, "n1", "--json")
    assert done.json["node"] == "n1"
    assert cli("instance", "logs", name, "--follow").code == 0


def test_a_failed_instance_is_set_to_success_once(cli: Cli, save) -> None:
    name = save(job("forced", "exit 1"))
    cli("job", "run", name, "--wait")
    assert cli("instance", "force-success", name).code == 0
    assert cli("instance", "show", name, "--json").json["forceSuccess"] is True
    again = cli("instance", "force-success", name)
    assert again.code == 1
    assert "Allowed now: restart." in " ".join(again.err.split())
