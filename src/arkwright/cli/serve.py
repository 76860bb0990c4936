"""`arkwright serve`: the server. Its options are the settings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from arkwright.cli.lasting import lasting_imports
from arkwright.settings import Settings, read_settings, variable_of

if TYPE_CHECKING:
    from arkwright.app import Server

F = TypeVar("F", bound=Callable[..., Any])

_METAVARS = {"data": "DIR", "objects_folder": "DIR", "tls_cert": "FILE", "tls_key": "FILE", "database_url": "URL"}
_ENVIRONMENT_ONLY = frozenset(
    {
        "admin_password",
        "secret_key",
        "access_key",
        "admin_user",
        "project_id",
        "domain",
        "s3_access_key",
        "s3_secret_key",
        "smtp_password",
        "metrics_token",
    }
)
"""Read once, at the first start, or secret; secrets on a command line are seen by everybody on the machine."""
_REPEATED = frozenset({"executor"})
"""Lists, comma-separated in the environment."""


def settings_options(function: F) -> F:
    """An option for each setting, named after it."""
    for each in reversed(fields(Settings)):
        if each.name in _ENVIRONMENT_ONLY:
            continue
        name, help_text = f"--{each.name.replace('_', '-')}", f"{each.metadata['help']} [{variable_of(each.name)}]"
        if isinstance(each.default, bool):
            option = click.option(name, is_flag=True, default=None, help=help_text)
        else:
            metavar = _METAVARS.get(each.name, "NUMBER" if isinstance(each.default, int) else "TEXT")
            # Texts reach the settings as they are: one place converts and refuses them, whatever their source.
            more: dict[str, Any] = {"multiple": True, "callback": _joined} if each.name in _REPEATED else {}
            option = click.option(name, metavar=metavar, default=None, help=help_text, **more)
        function = option(function)
    return function


def _joined(context: click.Context, option: click.Parameter, values: tuple[str, ...] | None) -> str | None:
    return ",".join(values) if values else None


@click.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Tell the address as one line of JSON on stdout once it accepts.")
def serve(as_json: bool, **given: Any) -> int:
    """Start a server; Ctrl-C or SIGTERM stops it.

    The first start makes a project, a workspace and an administrator, and writes the keys to credentials.csv in the
    data folder. Programs of nodes go on while the server is away; it finds them again.

    \b
      arkwright serve
      arkwright serve --port 9000 --data ./run-data
    """
    settings = read_settings(**given)

    with lasting_imports():
        from arkwright.app import serve as serve_app

    return serve_app(settings, started=_tell_json if as_json else _tell)


def _tell(server: Server) -> None:
    print(f"Arkwright serves {server.url} from {server.data}", file=sys.stderr)
    if server.credentials_written is not None:
        told = "First start: the administrator's name, password and keys are in"
        print(f"{told} {server.credentials_written}", file=sys.stderr)


def _tell_json(server: Server) -> None:
    told = {"url": server.url, "data": str(server.data), "pid": os.getpid()}
    if server.credentials_written is not None:
        told["credentials"] = str(server.credentials_written)
    print(json.dumps(told), flush=True)
