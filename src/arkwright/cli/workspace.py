"""`arkwright workspace`: the workspaces there are, who is trusted in them, and what each keeps, tells and bounds."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from arkwright.cli.target import Session, connected


@click.group()
def workspace() -> None:
    """Make workspaces, and look at and change their settings.

    \b
      arkwright workspace list
      arkwright workspace create sales
      arkwright workspace set quotas.waitingInstances=1000 retention.logDays=14
    """


@workspace.command("list")
@connected
def list_(session: Session) -> None:
    """List the workspaces that you are a member of. Commands take an id as --workspace.

    \b
      arkwright workspace list
    """
    from arkwright.client import workspaces

    found = session.send(workspaces.find())
    if session.output.as_json:
        session.output.json({"count": len(found), "workspaces": found})
        return
    session.output.table(
        ["Workspace", "Id", "Your role", "Time zone", "Local programs"],
        [
            [
                f"{each['name']} (default)" if each["is_default"] and each["name"] != "default" else each["name"],
                each["id"],
                each["role"],
                each["time_zone"],
                "on" if each["local_programs_allowed"] else "off",
            ]
            for each in found
        ],
        whole=1,
    )


@workspace.command()
@click.argument("name")
@click.option("--time-zone", default="", metavar="ZONE", help="Europe/Berlin, GMT+8; default: the default workspace's.")
@connected
def create(session: Session, name: str, time_zone: str) -> None:
    """Make a workspace. Local programs are off in it until you allow them.

    \b
      arkwright workspace create sales --time-zone Europe/Berlin
    """
    from arkwright.client import workspaces

    made = session.send(workspaces.create(session.send(workspaces.installation()), name, time_zone=time_zone))
    session.output.done(f"Made workspace {name}. Commands take it as --workspace {made['id']}", made)


@workspace.command("local-programs")
@click.argument("choice", type=click.Choice(["on", "off"]))
@connected
def local_programs(session: Session, choice: str) -> None:
    """Let nodes of a workspace run programs on the server's machine, or not.

    It means to trust everybody who may edit its jobs with the server's operating-system user.

    \b
      arkwright workspace local-programs on --workspace 0123456789abcdef0123456789abcdef
    """
    from arkwright.client import workspaces

    session.send(workspaces.allow_local_programs(choice == "on"))
    told = "are allowed" if choice == "on" else "are not allowed any more"
    session.output.done(f"Local programs {told} in the workspace.", {"localPrograms": choice == "on"})


@workspace.command()
@connected
def settings(session: Session) -> None:
    """Print the settings as JSON. What is not set follows the server's settings.

    \b
      arkwright workspace settings
    """
    from arkwright.client import workspaces

    session.output.json(session.send(workspaces.settings()))


@workspace.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@connected
def set_(session: Session, changes: tuple[str, ...]) -> None:
    """Change settings. A dot leads into an object; an empty value takes a setting out of its object.

    \b
      arkwright workspace set conditionPolicy=AND
      arkwright workspace set quotas.processes=50 quotas.storageBytes=
      arkwright workspace set retention.jobs.nightly.instanceDays=400
    """
    from arkwright.client import workspaces

    now = session.send(workspaces.settings())
    changed: dict[str, Any] = {}
    for each in changes:
        name, separator, value = each.partition("=")
        top, *rest = name.split(".")
        if not separator or not all((top, *rest)):
            raise click.UsageError(f"{each!r} is no NAME=VALUE.")
        if not rest:
            changed[top] = _value(value)
            continue
        if top not in changed:
            changed[top] = dict(now.get(top) or {})
        place: dict[str, Any] = changed[top]
        for step in rest[:-1]:
            place = place.setdefault(step, {})
        if value:
            place[rest[-1]] = _value(value)
        else:
            place.pop(rest[-1], None)
    session.send(workspaces.change_settings(changed))
    session.output.done("Changed the settings of the workspace.", changed)


def _value(text: str) -> Any:
    """A number, true or false, or else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, bool | int) else text
