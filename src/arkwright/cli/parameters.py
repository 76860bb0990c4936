"""What commands are given in files and as `NAME=VALUE`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


def opened(file: Path) -> Path | None:
    """None for `-`: stdin."""
    return None if str(file) == "-" else file


def parse_parameters(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`-p name=value`, repeated. The value may hold further `=` and may be empty."""
    parameters: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE", ctx, option)
        if name in parameters:
            raise click.BadParameter(f"{name} is given twice", ctx, option)
        parameters[name] = value
    return parameters


PARAMETERS = click.option(
    "-p",
    "--param",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=parse_parameters,
    help="A parameter of this run; may be repeated.",
)
