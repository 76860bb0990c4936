"""What container files call: whether there is such a command, with such options."""

from __future__ import annotations

from collections.abc import Sequence

import rich_click as click

from arkwright.cli import arkwright


def objection(arguments: Sequence[str]) -> str:
    """Why `arkwright` would not take these arguments; empty if it does. Values are not looked at."""
    command: click.Command = arkwright
    left = list(arguments)
    while isinstance(command, click.Group):
        if command.invoke_without_command and left and left[0].startswith("-"):
            break
        if not left:
            return f"{arguments}: a command is missing"
        name = left.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            return f"{arguments}: there is no command {name}"
        command = found
    options = {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
    while left:
        name, assigned, _ = left.pop(0).partition("=")
        if name.startswith("-") and name not in options:
            return f"{arguments}: there is no option {name}"
        option = options.get(name)
        if isinstance(option, click.Option) and not option.is_flag and not assigned and left:
            left.pop(0)
    return ""
