from __future__ import annotations

from tests.cli.conftest import Cli, job

CRON = {"type": "CRON", "cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 2 1 1 ? 2090"}}


def test_a_schedule_is_started_paused_resumed_and_stopped(cli: Cli, save) -> None:
    name = save({**job("by_the_clock", "true"), "schedule": CRON})
    assert "Started the schedule" in cli("schedule", "start", name, "--from", "2089-01-01", "-p", "aaa=1").out
    refused = cli("schedule", "start", name)
    assert refused.code == 1
    assert "is running" in refused.err
    for operation, status in (("pause", "PAUSED"), ("resume", "SCHEDULING"), ("stop", "STOPPED")):
        assert cli("schedule", operation, name, "--json").json == {"job": name, "status": status}
    assert cli("schedule", "state", "--json").json["plansHere"] is True
    assert "This server plans." in cli("schedule", "state").out


def test_why_names_the_slot_and_who_holds_it(cli: Cli, save, tmp_path) -> None:
    flag = tmp_path / "flag"
    document = job("in_a_group", f"until test -e {flag}; do sleep 0.05; done")
    assert cli("task-group", "save", "cli-group", "1").code == 0
    name = save({**document, "taskGroup": "cli-group"})
    first, second = (cli("job", "run", name, "--json").json["instanceId"] for _ in range(2))
    for _ in range(200):
        found = cli("instance", "why", str(second), "--json").json
        if found["waits"]:
            break
    [condition] = found["conditions"]
    assert (condition["kind"], condition["instances"]) == ("slot", [first])
    told = cli("instance", "why", str(second))
    assert "slot:" in told.out
    assert "cli-group" in " ".join(told.out.split())
    assert "used by the job" in " ".join(cli("task-group", "delete", "cli-group").err.split())
    assert ["cli-group", 1] in [
        [each["name"], each["limit"]] for each in cli("task-group", "list", "--json").json["taskGroups"]
    ]
    flag.touch()
    assert cli("instance", "logs", name, str(second), "--follow").code == 0
    assert cli("instance", "why", str(second)).code == 0


def test_an_instance_that_depends_on_nothing_has_no_dependency_to_remove(cli: Cli, save) -> None:
    name = save(job("free", "true"))
    instance = cli("job", "run", name, "--wait", "--json").json
    refused = cli("instance", "remove-dependency", str(instance["instanceId"]), "job:other")
    assert refused.code == 1
    assert "Only a waiting instance" in " ".join(refused.err.split())
    assert cli("instance", "why", "1").code == 1


def test_a_calendar_is_saved_listed_and_deleted(cli: Cli) -> None:
    saved = cli("calendar", "save", "cli-work", "--off", "2026-12-25", "--on", "2026-12-27", "--json")
    assert saved.json["changed"] == {"2026-12-25": False, "2026-12-27": True}
    assert "cli-work" in cli("calendar", "list").out
    assert cli("calendar", "save", "cli-work", "--off", "2026-12-25", "--on", "2026-12-25").code == 2
    assert cli("calendar", "delete", "cli-work").code == 0
    assert cli("calendar", "delete", "cli-work").code == 1
