"""`arkwright instance why` and what to do about it."""

from __future__ import annotations

import rich_click as click

from arkwright.cli.output import clock, state
from arkwright.cli.target import Session, connected


@click.command()
@click.argument("instance_id", metavar="ID", type=int)
@connected
def why(session: Session, instance_id: int) -> None:
    """Show everything that an instance waits for, and what would release it.

    \b
      arkwright instance why 132343
      arkwright instance why 132343 --json
    """
    from rich.text import Text

    from arkwright.client import instances

    found = session.send(instances.why(instance_id))
    if session.output.as_json:
        session.output.json(found)
        return
    people = session.output.people
    people.print(Text.assemble((f"{found['jobName']} {found['instanceId']}  ", "bold"), state(found["status"])))
    people.print(Text(f"planned for {clock(found['planTime'])}", "dim"))
    if not found["conditions"]:
        session.output.note(found["note"])
        return
    session.output.table(
        ["Waits for", "Why", "What would release it"],
        [[each["key"], each["text"], each["release"]] for each in found["conditions"]],
    )
    if found["note"]:
        session.output.note(found["note"])


@click.command("remove-dependency")
@click.argument("instance_id", metavar="ID", type=int)
@click.argument("key")
@connected
def remove_dependency(session: Session, instance_id: int, key: str) -> None:
    """Let a waiting instance not wait any more for one of its dependencies.

    KEY is what `arkwright instance why` shows first, such as job:NAME or previous-cycle.

    \b
      arkwright instance remove-dependency 132343 job:myUpstreamJob
    """
    from arkwright.client import instances

    session.send(instances.remove_dependency(instance_id, key))
    told = {"instanceId": instance_id, "key": key}
    session.output.done(f"Instance {instance_id} does not wait for {key} any more.", told)


def add_waiting(group: click.Group) -> None:
    group.add_command(why)
    group.add_command(remove_dependency)
