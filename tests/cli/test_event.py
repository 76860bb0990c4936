"""`arkwright hook` and `arkwright event`."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Cli, job


def test_a_webhook_is_made_listed_switched_rotated_and_deleted(cli: Cli, save) -> None:
    name = save(job("hooked-cli", "true"))
    made = cli("hook", "create", name, "--name", "shop", "--concurrent", "3", "--json").json
    assert made["secret"].startswith("whsec_")
    assert made["concurrent"] == 3
    shown = cli("hook", "create", name)
    assert "Secret: whsec_" in shown.out
    (listed,) = [each for each in cli("hook", "list", "--json").json["hooks"] if each["id"] == made["id"]]
    assert (listed["name"], "secret" in listed) == ("shop", False)
    assert made["id"] in cli("hook", "list").out
    assert cli("hook", "disable", made["id"], "--json").json["enabled"] is False
    assert cli("hook", "enable", made["id"], "--json").json["enabled"] is True
    rotated = cli("hook", "rotate", made["id"], "--keep", "0", "--json").json
    assert rotated["secret"] != made["secret"]
    assert cli("hook", "delete", made["id"]).code == 0
    gone = cli("hook", "delete", made["id"])
    assert gone.code == 1
    assert "no webhook" in gone.err


def test_what_starts_a_job_is_shown(cli: Cli, save) -> None:
    event = {"eventType": "OBS", "channel": "obs://incoming-cli/orders/"}
    name = save({**job("event-cli", "true"), "schedule": {"type": "EVENT", "event": event}})
    assert cli("event", "show", name, "--json").json["triggers"] == []
    assert cli("schedule", "start", name).code == 0
    (trigger,) = cli("event", "show", name, "--json").json["triggers"]
    assert (trigger["type"], trigger["state"], trigger["reason"]) == ("OBS", "ACTIVE", "It listens.")
    assert "It listens." in cli("event", "show", name).out
    assert cli("schedule", "stop", name).code == 0
    assert "Start it to go on" in " ".join(cli("event", "show", name).out.split())


def test_nodes_of_a_real_time_job_are_looked_after(cli: Cli, save) -> None:
    event = {"eventType": "OBS", "channel": "obs://incoming-cli/stream/"}
    document = job("stream-cli", "true")
    document["processType"] = "REAL_TIME"
    document["nodes"][0]["eventTrigger"] = event
    name, node = save(document), document["nodes"][0]["name"]
    assert cli("schedule", "start", name).code == 0
    found = cli("event", "status", name, "--json").json
    assert (found["status"], found["nodes"][0]["status"]) == ("NORMAL", "NORMAL")
    assert node in cli("event", "status", name).out
    assert cli("event", "disable", name, node).code == 0
    assert cli("event", "status", name, "--json").json["nodes"][0]["status"] == "DISABLE"
    assert cli("event", "restore", name, node, "--concurrent", "4").code == 0
    assert cli("event", "set", name, node, "--concurrent", "2", "--fail-policy", "IGNORE").code == 0
    (trigger,) = cli("event", "show", name, "--json").json["triggers"]
    assert trigger["concurrent"] == 2
    assert cli("event", "clear", name, node).code == 0
    assert cli("schedule", "stop", name).code == 0
    assert cli("event", "status", name, "--json").json["status"] == "STOPPED"


@pytest.mark.parametrize("options", [["set", "a", "b"], ["restore", "a", "b", "--concurrent", "11"], ["show"]])
def test_wrong_options_are_wrong_usage(cli: Cli, options: list[str]) -> None:
    assert cli("event", *options).code == 2
