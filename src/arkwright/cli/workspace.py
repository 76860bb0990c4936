"""`arkwright workspace settings` and `set`: what a workspace keeps, tells, bounds, and how its instances behave."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from arkwright.cli.target import Session, connected


@click.group()
def workspace() -> None:
    """Look at and change the settings of a workspace.

    \b
      arkwright workspace settings
      arkwright workspace set quotas.waitingInstances=1000 retention.logDays=14
    """


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
