"""`arkwright alert`: who is told of what, whether it arrives, and what was told."""

from __future__ import annotations

from typing import Any

import rich_click as click

from arkwright.cli.output import clock
from arkwright.cli.target import Session, connected

_EVENTS = {"failure": 1, "success": 0, "late": 12, "canceled": 13, "recovered": 14, "stalled": 100}
_NAMES = {number: name for name, number in _EVENTS.items()} | {3: "late"}
_STATES = ("pending", "sent", "dead", "dropped")


@click.group()
def alert() -> None:
    """Tell people when jobs fail, are late or recover.

    \b
      arkwright alert topic create ops --mail ops@example.org
      arkwright alert test ops
      arkwright alert rule create --on failure --topic ops
      arkwright alert list
    """


@alert.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only these.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@connected
def list_(session: Session, state: str | None, limit: int) -> None:
    """List the notices of the last 7 days, newest first: those that wait, were sent, or were given up.

    \b
      arkwright alert list --state dead
    """
    from arkwright.client import alerts

    found = session.send(alerts.find(state=state or "", limit=limit))
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Alert", "Time", "What", "Topic", "State", "Tries", "Error"],
        [
            [
                str(each["id"]),
                clock(each["time"]),
                each["text"],
                each["topic"],
                each["state"],
                str(each["tries"]),
                each.get("error", ""),
            ]
            for each in found["alerts"]
        ],
        none="No alerts.",
    )


@alert.command()
@click.argument("number", type=int)
@connected
def retry(session: Session, number: int) -> None:
    """Send a notice again that was given up.

    \b
      arkwright alert retry 1042
    """
    from arkwright.client import alerts

    session.send(alerts.retry(number))
    session.output.done(f"Alert {number} is sent again.", {"id": number, "result": "pending"})


@alert.command()
@click.argument("topic")
@connected
def test(session: Session, topic: str) -> None:
    """Send a test to a topic now, and tell whether it was taken.

    \b
      arkwright alert test ops
    """
    from arkwright.client import alerts

    session.send(alerts.test(topic))
    session.output.done(f"The topic {topic} took the test.", {"topic": topic, "result": "sent"})


# ---------------------------------------------------------------- topics


@alert.group("topic")
def topic_() -> None:
    """Whom notices go to: mail addresses, a webhook, a chat."""


@topic_.command("create")
@click.argument("name")
@click.option("--mail", multiple=True, metavar="ADDRESS", help="A mail address; may be repeated.")
@click.option("--webhook", metavar="URL", help="Where signed requests go.")
@click.option("--chat", metavar="URL", help="A chat as Apprise writes it, such as slack://…")
@connected
def create_topic(session: Session, name: str, mail: tuple[str, ...], webhook: str | None, chat: str | None) -> None:
    """Create a topic. The secret of a webhook's signatures is shown this once.

    \b
      arkwright alert topic create ops --mail ops@example.org --mail night@example.org
      arkwright alert topic create hook --webhook https://hooks.example.org/arkwright
    """
    from arkwright.client import alerts

    if sum(map(bool, (mail, webhook, chat))) != 1:
        raise click.UsageError("Give one of --mail, --webhook and --chat.")
    document: dict[str, Any] = {"name": name, "kind": "mail", "addresses": list(mail)}
    if webhook:
        document = {"name": name, "kind": "webhook", "url": webhook}
    elif chat:
        document = {"name": name, "kind": "chat", "url": chat}
    made = session.send(alerts.create_topic(document))
    secret = f" Its secret: {made['secret']}" if made.get("secret") else ""
    session.output.done(f"Created topic {name}.{secret}", made)


@topic_.command("list")
@connected
def list_topics(session: Session) -> None:
    """List the topics of the workspace.

    \b
      arkwright alert topic list
    """
    from arkwright.client import alerts

    found = session.send(alerts.topics())
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Topic", "Kind", "To"],
        [
            [each["name"], each["kind"], ", ".join(each.get("addresses") or [each.get("target", "")])]
            for each in found["topics"]
        ],
        none="No topics.",
    )


@topic_.command("delete")
@click.argument("name")
@connected
def delete_topic(session: Session, name: str) -> None:
    """Delete a topic that no rule names.

    \b
      arkwright alert topic delete ops
    """
    from arkwright.client import alerts

    session.send(alerts.delete_topic(name))
    session.output.done(f"Deleted topic {name}.", {"name": name, "result": "deleted"})


# ---------------------------------------------------------------- rules


@alert.group("rule")
def rule_() -> None:
    """What is told, of which jobs, to which topic."""


@rule_.command("create")
@click.option("--on", "event", required=True, type=click.Choice(tuple(_EVENTS)), help="What is told.")
@click.option("--topic", required=True, help="Whom it is told to.")
@click.option("--job", multiple=True, help="Of this job; may be repeated. Default: of all jobs.")
@click.option("--name", help="Name of the rule.")
@click.option("--by", metavar="HH:MM", help="With --on late: when a daily job must have succeeded.")
@click.option("--times", type=click.IntRange(1, 50), help="With --on failure: tell a lasting failure so often.")
@click.option("--every", type=click.IntRange(5, 60), help="Minutes between these.")
@click.option("--recovery", is_flag=True, help="With --on failure: also tell the recovery.")
@connected
def create_rule(
    session: Session,
    event: str,
    topic: str,
    job: tuple[str, ...],
    name: str | None,
    by: str | None,
    times: int | None,
    every: int | None,
    recovery: bool,
) -> None:
    """Create a rule.

    \b
      arkwright alert rule create --on failure --topic ops --times 3 --every 15 --recovery
      arkwright alert rule create --on late --by 06:30 --job nightly --topic ops
    """
    from arkwright.client import alerts

    given = {
        "remind_type": _EVENTS[event],
        "topic_name": topic,
        "rule_name": name,
        "node_name_list": list(job) or None,
        "complete_time": by,
        "max_send_times": times,
        "send_interval": every,
        "enable_recovery": recovery or None,
    }
    made = session.send(alerts.create_rule({key: value for key, value in given.items() if value is not None}))
    session.output.done(f"Created rule {made['rule_name']}.", made)


@rule_.command("list")
@connected
def list_rules(session: Session) -> None:
    """List the rules of the workspace.

    \b
      arkwright alert rule list
    """
    from arkwright.client import alerts

    found = session.send(alerts.rules())
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Rule", "On", "Jobs", "Topic", "State"],
        [
            [
                str(each.get("rule_name", each["id"])),
                _NAMES.get(each.get("remind_type"), str(each.get("remind_type"))),
                ", ".join(filter(None, [each.get("name"), *(each.get("node_name_list") or ())])) or "all",
                str(each.get("topic_name", "")),
                "off" if str(each.get("use_flag")) == "0" else "on",
            ]
            for each in found["rules"]
        ],
        none="No rules.",
    )


@rule_.command("delete")
@click.argument("rule")
@connected
def delete_rule(session: Session, rule: str) -> None:
    """Delete a rule, by name or id.

    \b
      arkwright alert rule delete all_jobs_failure
    """
    from arkwright.client import alerts

    session.send(alerts.delete_rule(rule))
    session.output.done(f"Deleted rule {rule}.", {"rule": rule, "result": "deleted"})
