"""The command `arkwright`: one file per group of commands.

Rules: a group's file imports only light modules at its top, so that `arkwright --help` stays quick; results go to
stdout and messages to stderr; `--json` makes stdout pure JSON; every error says what to do.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

import rich_click as click
from click.exceptions import NoSuchCommand
from rich_click.utils import CommandGroupDict

from arkwright import __version__
from arkwright.cli import exits
from arkwright.errors import ArkwrightError

GROUPS = {
    "serve": "arkwright.cli.serve:serve",
    "job": "arkwright.cli.job:job",
    "instance": "arkwright.cli.instance:instance",
    "script": "arkwright.cli.script:script",
    "obs": "arkwright.cli.obs:obs",
    "user": "arkwright.cli.user:user",
    "audit": "arkwright.cli.audit:audit",
    "secrets": "arkwright.cli.secrets:secrets",
    "alert": "arkwright.cli.alert:alert",
    "workspace": "arkwright.cli.workspace:workspace",
    "el": "arkwright.cli.el:el",
    "schedule": "arkwright.cli.schedule:schedule",
    "simulate": "arkwright.cli.simulate:simulate",
    "patch": "arkwright.cli.patch:patch",
    "event": "arkwright.cli.event:event",
    "hook": "arkwright.cli.hook:hook",
    "calendar": "arkwright.cli.scheduling:calendar",
    "task-group": "arkwright.cli.scheduling:task_group",
    "import": "arkwright.cli.folder:import_",
    "export": "arkwright.cli.export:export",
    "assess": "arkwright.cli.assess:assess",
    "server": "arkwright.cli.server:server",
    "worker": "arkwright.cli.worker:worker",
    "dask-scheduler": "arkwright.cli.dask_scheduler:dask_scheduler",
    "certificates": "arkwright.cli.certificates:certificates",
    "db": "arkwright.cli.db:db",
    "backup": "arkwright.cli.backup:backup",
    "restore": "arkwright.cli.backup:restore",
    "config": "arkwright.cli.config:config",
    "version": "arkwright.cli.config:version",
}
PANELS: list[CommandGroupDict] = [
    {
        "name": "Work with jobs",
        "commands": [
            "job",
            "instance",
            "script",
            "obs",
            "el",
            "schedule",
            "simulate",
            "patch",
            "event",
            "hook",
            "calendar",
            "task-group",
            "import",
            "export",
            "assess",
        ],
    },
    {
        "name": "Run a server",
        "commands": [
            "serve",
            "alert",
            "workspace",
            "user",
            "audit",
            "secrets",
            "server",
            "worker",
            "dask-scheduler",
            "certificates",
            "db",
            "backup",
            "restore",
            "config",
            "version",
        ],
    },
]


class LazyGroup(click.RichGroup):
    """Imports a group of commands when it is first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return None
        module, _, attribute = GROUPS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # it knows no names yet to propose one of
            raise NoSuchCommand(error.command_name, possibilities=GROUPS, ctx=ctx) from None


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exits.EPILOG,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def arkwright() -> None:
    """Develop, run and watch data jobs, on your own machine, with the API of DataArts Factory.

    On the machine of the server the commands find it and your credentials by themselves.

    \b
      arkwright serve                                 start a server
      arkwright job create myjob.json                 save a job
      arkwright job run myJob -p aaa=111 --follow     run it now and watch
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command; ends the process with one of the codes in `exits`."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    look = click.rich_click
    look.COMMAND_GROUPS = {"arkwright": PANELS}
    look.THEME = "default-slim"
    look.TEXT_PARAGRAPH_LINEBREAKS = "\n\n"
    look.PADDING_HELPTEXT_FIRST_LINE = (0, 0, 1, 0)
    _bear_any_text()
    try:
        code = arkwright.main(args=arguments, prog_name="arkwright", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        return exits.USAGE
    except click.ClickException as error:
        error.show()
        return exits.FAILED
    except (click.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
        return exits.INTERRUPTED
    except ArkwrightError as error:
        from arkwright.cli.output import show_error

        show_error(error)
        return exits.FAILED
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # else whoever read our output has gone (`… | head`)
            where = f"{error.filename}: " if error.filename else ""
            print(f"Error {where}{error.strerror or error}.", file=sys.stderr)
        _give_up_output()
        return exits.FAILED
    return code if isinstance(code, int) else exits.DONE


def _bear_any_text() -> None:
    """Where the terminal's coding lacks a letter, a question mark is shown, and the command goes on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _give_up_output() -> None:
    """What is still to be written to stdout can't be: Python must not complain about it once more at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
