from __future__ import annotations

from tests.cli.conftest import Cli, job


def test_a_topic_a_rule_and_what_came_of_them(cli: Cli, save) -> None:
    name = save(job("told", "exit 1"))
    made = cli("alert", "topic", "create", "told_topic", "--webhook", "http://169.254.169.254/x")
    assert made.code == 0, made.err
    assert "whsec_" in made.out
    listed = cli("alert", "topic", "list")
    assert "http://169.254.169.254/…" in listed.out
    assert "whsec_" not in listed.out
    refused = cli("alert", "test", "told_topic")
    assert refused.code == 1
    assert "link-local" in refused.err
    rule = ("alert", "rule", "create", "--on", "failure", "--topic", "told_topic", "--job", name)
    made = cli(*rule, "--name", "told_rule", "--times", "2", "--every", "5", "--json")
    assert made.json["max_send_times"] == 2
    assert "told_rule" in cli("alert", "rule", "list").out
    cli("job", "run", name, "--follow")
    for _ in range(200):
        found = [each for each in cli("alert", "list", "--json").json["alerts"] if each["jobName"] == name]
        if found and found[0]["state"] == "dead":
            break
    [dead] = found
    assert "link-local" in dead["error"]
    assert str(dead["id"]) in cli("alert", "list", "--state", "dead").out
    assert cli("alert", "retry", str(dead["id"])).code == 0
    assert cli("alert", "topic", "delete", "told_topic").code == 1  # a rule names it
    assert cli("alert", "rule", "delete", "told_rule").code == 0
    assert cli("alert", "topic", "delete", "told_topic").code == 0


def test_a_topic_goes_to_one_kind_of_place(cli: Cli) -> None:
    both = cli("alert", "topic", "create", "both", "--mail", "a@example.org", "--webhook", "http://x/")
    assert both.code == 2
    assert "one of --mail" in both.err
    wrong = cli("alert", "topic", "create", "wrong", "--mail", "nobody")
    assert wrong.code == 1
    assert "mail address" in wrong.err


def test_the_settings_of_a_workspace_are_set_by_name(cli: Cli) -> None:
    done = cli("workspace", "set", "quotas.waitingInstances=100000", "retention.jobs.nightly.logDays=7")
    assert done.code == 0, done.err
    now = cli("workspace", "settings").json
    assert now["quotas"] == {"waitingInstances": 100000}
    assert now["retention"] == {"jobs": {"nightly": {"logDays": 7}}}
    assert cli("workspace", "set", "quotas.waitingInstances=", "retention.jobs=").code == 0
    now = cli("workspace", "settings").json
    assert (now["quotas"], now["retention"]) == ({}, {})
    assert cli("workspace", "set", "nonsense").code == 2
    unknown = cli("workspace", "set", "nonsense=1")
    assert unknown.code == 1
    assert "conditionPolicy" in unknown.err
