"""Writes `docs/reference/settings.md`, `docs/reference/cli.md` and `docs/nodes.md` from the code; `make docs` runs it.

A test compares them with what this writes, so that they are never out of step.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import rich_click as click

from arkwright.cli import GROUPS, arkwright, exits
from arkwright.cli.serve import settings_options
from arkwright.nodes.base import NodeType, Property, Work
from arkwright.nodes.registry import Registry
from arkwright.nodes.unsupported import UNSUPPORTED
from arkwright.settings import Settings, shown, variable_of

FOLDER = Path(__file__).resolve().parent / "reference"
NOTICE = "<!-- Written by `make docs` from the code; changes here are lost. -->\n\n"


def settings_page() -> str:
    options = {parameter.name for parameter in click.command()(settings_options(lambda: None)).params}
    lines = [
        "# Settings of the server\n",
        "Each setting is an option of `arkwright serve`, an environment variable, or its default, in this order.",
        "`arkwright config` prints them all with the values that a server started here would use.\n",
        "| Setting | Option | Environment | Default | Meaning |",
        "|---|---|---|---|---|",
    ]
    for each in fields(Settings):
        option = f"`--{each.name.replace('_', '-')}`" if each.name in options else ""
        default = shown(each.default, secret=False)
        lines.append(
            f"| {each.name} | {option} | `{variable_of(each.name)}` | {f'`{default}`' if default else ''} "
            f"| {each.metadata['help']} |"
        )
    lines += [
        "",
        "Secrets have no option, since others on the machine would see them. `project_id`, `domain`, `admin_user`,",
        "`admin_password`, `access_key` and `secret_key` count at the first start only, when the data folder is made;",
        "what is not given then is generated and written to `credentials.csv` in the data folder.",
    ]
    return NOTICE + "\n".join(lines) + "\n"


def commands_page() -> str:
    root = click.Context(arkwright, info_name="arkwright")
    commands = [
        (path, command)
        for name in GROUPS
        for path, command in _walk(arkwright.get_command(root, name), f"arkwright {name}")
    ]
    common = _options_of_all(commands)
    lines = [
        "# The command `arkwright`\n",
        "Results go to stdout, messages to stderr. With `--json` stdout holds one JSON value and nothing else.\n",
        "| Exit code | Meaning |",
        "|---|---|",
        f"| {exits.DONE} | done; a run that was followed or waited for ended in success |",
        f"| {exits.FAILED} | the server refused, something failed, or such a run did not end in success |",
        f"| {exits.USAGE} | the command line is wrong; nothing was done |",
        f"| {exits.INTERRUPTED} | Ctrl-C; a run that was being followed goes on |",
        "",
        "Commands that talk to a server find it in this order: options, environment, then `server.json` and",
        "`credentials.csv` in the data folder of the server on this machine. Instead of an access key, a user's",
        "`ARKWRIGHT_USER` and `ARKWRIGHT_PASSWORD` will do. They all take these options:\n",
        *_option_table(common),
    ]
    for path, command in commands:
        lines += _section(path, command, {option.name for option in common})
    return NOTICE + "\n".join(lines).rstrip() + "\n"


def _walk(command: click.Command | None, path: str) -> Iterator[tuple[str, click.Command]]:
    assert command is not None
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _walk(command.commands[name], f"{path} {name}")


def _options_of_all(commands: list[tuple[str, click.Command]]) -> list[click.Option]:
    """The options that `connected` gives to every command that talks to a server."""
    job = next(command for path, command in commands if path == "arkwright job list")
    names = ["url", "access_key", "secret_key", "project_id", "workspace", "ca_file", "data", "as_json"]
    by_name = {option.name: option for option in _options(job)}
    return [by_name[name] for name in names]


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _option_table(options: list[click.Option]) -> list[str]:
    if not options:
        return []
    rows = ["| Option | Meaning |", "|---|---|"]
    for option in options:
        value = "" if option.is_flag else f" {option.metavar or option.type.name.upper().replace(' RANGE', '')}"
        default = f" Default: {option.default}." if option.show_default and option.default is not None else ""
        names = ", ".join(f"`{name}{value}`" for name in option.opts)
        rows.append(f"| {names} | {option.help}{default} |")
    return rows


def _section(path: str, command: click.Command, common: set[str | None]) -> list[str]:
    options = _options(command)
    connected = any(option.name == "url" for option in options)
    own = [option for option in options if not (connected and option.name in common)]
    arguments = [
        parameter.make_metavar(click.Context(command))
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    lines = ["", f"## {' '.join([path, *arguments])}\n"]
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        if paragraph.startswith("\b"):
            lines += ["```sh", *(line.strip() for line in paragraph.splitlines()[1:]), "```\n"]
        else:
            lines.append(" ".join(line.strip() for line in paragraph.splitlines()) + "\n")
    return [*lines, *_option_table(own)]


def nodes_page() -> str:
    registry = Registry(group=None)
    types = registry.types()
    lines = [
        "# Node types\n",
        "What a job's nodes can be, what each needs, and what it promises when the process that ran it dies: the",
        "server is killed, its machine loses power, a host process crashes. LOST means that nobody can know; the",
        "node's retry settings decide then. A type is found under each spelling, whatever its case, blanks, hyphens",
        "and underscores. `arkwright assess` says of a whole export which of its nodes run here.\n",
        "**runs**: as it is. **by a connection**: once its connection is mapped to a server of yours. **no**: there is",
        "no open engine for it, or none that this server speaks to. Which types run on workers, and what is different",
        "there, is in [workers](howto/workers.md#what-runs-there-and-with-what).\n",
        "| Type | Runs here | On workers | Connection | Works with |",
        "|---|---|---|---|---|",
        *(
            f"| [{each.name}](#{each.name.lower()}) | {'by a connection' if each.needs_connection else 'runs'} "
            f"| {_on_workers(each)} | {', '.join(each.connections)} "
            f"| {each.server or 'Nothing but the server itself.'} |"
            for each in types
        ),
        *(
            f"| {', '.join((each.name, *(alias for alias in each.aliases if ' ' not in alias)))} | no | | "
            f"| {each.reason} Instead: {each.instead} |"
            for each in UNSUPPORTED
        ),
        "",
        "A job may hold nodes of the types that don't run here: they are kept as they are, and a run that comes to one",
        "fails it with the reason. An entry point in the group `arkwright.nodes` adds a type (`arkwright.nodes.base`).",
    ]
    for each in types:
        lines += _node_section(each)
    return NOTICE + "\n".join(lines).rstrip() + "\n"


def _on_workers(type_: NodeType) -> str:
    if type_.work not in (Work.PROGRAM, Work.HOSTED):
        return ""  # it is nothing that runs
    return "yes" if type_.portable else "no"


def _node_section(type_: NodeType) -> list[str]:
    lines = ["", f"## {type_.name}\n", f"{type_.summary}\n"]
    if type_.aliases:
        lines.append(f"Also called {', '.join(type_.aliases)}.\n")
    if type_.connections:
        lines.append(f"Its connection is of type {' or '.join(type_.connections)}.\n")
    if type_.properties:
        lines += ["| Property | Meaning |", "|---|---|", *(_property_row(each) for each in type_.properties), ""]
    lines += [f"When repeated: {type_.repeated}\n"]
    return [*lines, "```json", json.dumps(dict(type_.example), indent=2, ensure_ascii=False), "```"]


def _property_row(given: Property) -> str:
    text = given.help
    if given.choices:
        text += f" One of {', '.join(given.choices)}."
    if given.default is not None:
        text += f" Default: {given.default}."
    if given.required:
        text += " Required."
    if not given.scanned:
        text += " Parameters and expressions in it are not replaced."
    return f"| {given.name} | {text.replace('|', '&#124;')} |"


PAGES = {"settings.md": settings_page, "cli.md": commands_page}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"docs/reference/{name}")
    (FOLDER.parent / "nodes.md").write_text(nodes_page(), encoding="utf-8")
    print("docs/nodes.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
