"""`arkwright calendar` and `arkwright task-group`."""

from __future__ import annotations

import datetime as dt

import rich_click as click

from arkwright.cli.target import Session, connected

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def calendar() -> None:
    """Say which days are working days.

    A job names its calendar in its schedule; on other days it is a dry run.
    """


@calendar.command("list")
@connected
def list_calendars(session: Session) -> None:
    """List the calendars of the workspace."""
    from arkwright.client import scheduling

    found = session.send(scheduling.calendars())
    if session.output.as_json:
        session.output.json({"calendars": found})
        return
    rows = []
    for each in found:
        off = [day for day, works in each["changed"].items() if not works]
        on = [day for day, works in each["changed"].items() if works]
        rows.append([each["name"], each["default"], ", ".join(off), ", ".join(on)])
    session.output.table(["Calendar", "Usual week", "Days off", "Working days"], rows, none="No calendars.")


@calendar.command("save")
@click.argument("name")
@click.option(
    "--week",
    default="MON_TO_FRI",
    show_default=True,
    type=click.Choice(["MON_TO_FRI", "MON_TO_SUN"]),
    help="Working days of a usual week.",
)
@click.option("--off", multiple=True, type=DAY, metavar="DAY", help="A day without work; may be repeated.")
@click.option("--on", "works", multiple=True, type=DAY, metavar="DAY", help="A working day; may be repeated.")
@connected
def save_calendar(
    session: Session, name: str, week: str, off: tuple[dt.datetime, ...], works: tuple[dt.datetime, ...]
) -> None:
    """Make a calendar, or replace it.

    \b
      arkwright calendar save work --off 2026-12-25 --off 2026-12-26 --on 2026-12-27
    """
    from arkwright.client import scheduling

    both = set(off) & set(works)
    if both:
        raise click.UsageError(f"{min(both):%Y-%m-%d} is given as --off and as --on")
    changed = {f"{day:%Y-%m-%d}": False for day in off} | {f"{day:%Y-%m-%d}": True for day in works}
    session.send(scheduling.save_calendar(name, default=week, changed=changed))
    session.output.done(f"Saved calendar {name}.", {"name": name, "default": week, "changed": changed})


@calendar.command("delete")
@click.argument("name")
@connected
def delete_calendar(session: Session, name: str) -> None:
    """Delete a calendar that no job names.

    \b
      arkwright calendar delete work
    """
    from arkwright.client import scheduling

    session.send(scheduling.delete_calendar(name))
    session.output.done(f"Deleted calendar {name}.", {"name": name})


@click.group("task-group")
def task_group() -> None:
    """Limit how many nodes of a group run at once.

    Jobs and nodes name their group in taskGroup; the node's wins.
    """


@task_group.command("list")
@connected
def list_groups(session: Session) -> None:
    """List the task groups of the workspace."""
    from arkwright.client import scheduling

    found = session.send(scheduling.task_groups())
    if session.output.as_json:
        session.output.json({"taskGroups": found})
        return
    rows = [[each["name"], str(each["limit"])] for each in found]
    session.output.table(["Task group", "Limit"], rows, right=[1], none="No task groups.")


@task_group.command("save")
@click.argument("name")
@click.argument("limit", type=click.IntRange(1, 1000))
@connected
def save_group(session: Session, name: str, limit: int) -> None:
    """Make a task group, or change its limit. It counts at once.

    \b
      arkwright task-group save warehouse 3
    """
    from arkwright.client import scheduling

    session.send(scheduling.save_task_group(name, limit=limit))
    session.output.done(f"At most {limit} nodes of {name} run at once.", {"name": name, "limit": limit})


@task_group.command("delete")
@click.argument("name")
@connected
def delete_group(session: Session, name: str) -> None:
    """Delete a task group that no job names.

    \b
      arkwright task-group delete warehouse
    """
    from arkwright.client import scheduling

    session.send(scheduling.delete_task_group(name))
    session.output.done(f"Deleted task group {name}.", {"name": name})
