"""`arkwright config` and `arkwright version`: what a server started here would use."""

from __future__ import annotations

import os
import platform
from dataclasses import fields
from typing import Any

import rich_click as click

from arkwright import __version__
from arkwright.cli.output import Output, plain
from arkwright.cli.serve import settings_options
from arkwright.cli.target import data_folder
from arkwright.settings import Settings, read_settings, shown, variable_of


@click.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")
def config(as_json: bool, **given: Any) -> None:
    """Print all settings, and where their values come from.

    \b
      arkwright config
      ARKWRIGHT_PORT=9000 arkwright config --json
    """
    settings = read_settings(**given)
    values = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    values["data"] = data_folder(settings.data)
    rows = [
        {
            "name": each.name,
            "value": shown(values[each.name], secret=each.metadata["secret"]),
            "source": _source(each.name, variable_of(each.name), given),
            "variable": variable_of(each.name),
            "help": each.metadata["help"],
        }
        for each in fields(Settings)
    ]
    output = Output(as_json=as_json)
    if as_json:
        output.json({"settings": rows})
        return
    output.table(
        ["Setting", "Value", "From", "Meaning"],
        [[row["name"], row["value"], row["source"], plain(row["help"])] for row in rows],
    )


def _source(name: str, variable: str, given: dict[str, Any]) -> str:
    if given.get(name) is not None:
        return "option"
    return variable if os.environ.get(variable) else "default"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")
def version(as_json: bool) -> None:
    """Print the version."""
    output = Output(as_json=as_json)
    value = {"version": __version__, "python": platform.python_version(), "platform": platform.platform(terse=True)}
    output.done(f"arkwright {value['version']} (Python {value['python']}, {value['platform']})", value)
