"""`arkwright event`: why an event job fires or does not, and the nodes of real-time jobs."""

from __future__ import annotations

from typing import Any

import rich_click as click

from arkwright.cli.output import ago, state
from arkwright.cli.target import Session, connected


@click.group()
def event() -> None:
    """Look after jobs that events start, and real-time jobs.

    Event schedules and real-time jobs are started, stopped, paused and resumed with arkwright schedule.
    """


@event.command()
@click.argument("job")
@connected
def show(session: Session, job: str) -> None:
    """Show what starts a job by events: why it fires or does not, how far behind it is, the last error.

    \b
      arkwright event show myJob
    """
    from arkwright.client import events

    found = session.send(events.triggers(job))
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Event", "State", "Running", "Lag", "Last look", "Last run", "Why"],
        [
            [
                " ".join(str(each[key]) for key in ("type", "node", "hookId") if each.get(key)),
                state(each["state"]),
                f"{len(each.get('running', []))} of {each['concurrent']}",
                str(each.get("lag", "")),
                ago(each.get("lastPollTime")),
                str(each.get("lastInstanceId", "")),
                _why(each),
            ]
            for each in found["triggers"]
        ],
        right=[3, 5],
        none=f"No event and no webhook starts {job}.",
    )


def _why(trigger: dict[str, Any]) -> str:
    warning = trigger.get("lastWarning")
    return f"{trigger['reason']} ({warning})" if warning and warning not in trigger["reason"] else trigger["reason"]


@event.command()
@click.argument("job")
@connected
def status(session: Session, job: str) -> None:
    """Show the state of a real-time job and of its nodes.

    \b
      arkwright event status myStream
    """
    from arkwright.client import events

    found = session.send(events.status(job))
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.note(f"{found['name']} is {found['status']}.")
    session.output.table(
        ["Node", "State", "Newest run", "Its state"],
        [
            [
                each["name"],
                state(each["status"]),
                str(each.get("jobInstanceId", "")),
                state(each["lastInstanceStatus"]) if each.get("lastInstanceStatus") else "",
            ]
            for each in found["nodes"]
        ],
        right=[2],
    )


@event.command()
@click.argument("job")
@click.argument("node")
@connected
def disable(session: Session, job: str, node: str) -> None:
    """Let a node of a real-time job start nothing more until it is restored.

    \b
      arkwright event disable myStream orders
    """
    from arkwright.client import events

    session.send(events.operate_node(job, node, "disable"))
    session.output.done(f"Disabled node {node} of {job}.", {"job": job, "node": node, "result": "disabled"})


@event.command()
@click.argument("job")
@click.argument("node")
@click.option("--concurrent", type=click.IntRange(1, 10), help="Runs at once from now on.")
@connected
def restore(session: Session, job: str, node: str, concurrent: int | None) -> None:
    """Let a disabled or failed node of a real-time job go on where it was.

    \b
      arkwright event restore myStream orders --concurrent 5
    """
    from arkwright.client import events

    body = {} if concurrent is None else {"concurrent": concurrent}
    session.send(events.operate_node(job, node, "restore", body))
    session.output.done(f"Restored node {node} of {job}.", {"job": job, "node": node, "result": "restored"})


@event.command()
@click.argument("job")
@click.argument("node")
@connected
def clear(session: Session, job: str, node: str) -> None:
    """Pass over the messages or files that wait for a node of a real-time job.

    \b
      arkwright event clear myStream orders
    """
    from arkwright.client import events

    session.send(events.operate_node(job, node, "clear-messages"))
    session.output.done(f"Cleared what waited for {node} of {job}.", {"job": job, "node": node, "result": "cleared"})


@event.command("set")
@click.argument("job")
@click.argument("node")
@click.option("--concurrent", type=click.IntRange(1, 10), help="Runs at once.")
@click.option("--interval", "interval_seconds", type=click.IntRange(1, 3600), metavar="SECONDS", help="Look so often.")
@click.option("--fail-policy", type=click.Choice(["SUSPEND", "IGNORE"]), help="What a failed run does to the next.")
@connected
def set_(
    session: Session,
    job: str,
    node: str,
    concurrent: int | None,
    interval_seconds: int | None,
    fail_policy: str | None,
) -> None:
    """Change a node's event settings while its real-time job runs, until the next start.

    \b
      arkwright event set myStream orders --concurrent 5 --fail-policy IGNORE
    """
    from arkwright.client import events

    given = {"concurrent": concurrent, "intervalSeconds": interval_seconds, "failPolicy": fail_policy}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("give at least one of --concurrent, --interval, --fail-policy")
    session.send(events.configure_node(job, node, changes))
    session.output.done(f"Changed node {node} of {job}.", {"job": job, "node": node, **changes})
