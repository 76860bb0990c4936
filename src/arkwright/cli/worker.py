"""`arkwright worker`: run a worker, look at those that are there, and make what they prove themselves with."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import rich_click as click

from arkwright.cli.dask_scheduler import certificates_options, check_certificates
from arkwright.cli.lasting import lasting_imports
from arkwright.cli.output import ago
from arkwright.cli.target import Session, connected
from arkwright.errors import SettingInvalid

if TYPE_CHECKING:
    from arkwright.worker.process import Ready

_FILE = click.Path(dir_okay=False, path_type=Path)
SLOTS = 4
GRACE_SECONDS = 30.0
DAYS = 90


def _ceiling(name: str, variable: str, text: str) -> Callable[[Any], Any]:
    """An option that bounds what programs may take here, named as the server's setting."""
    return click.option(
        name,
        metavar="NUMBER",
        type=click.IntRange(0),
        default=0,
        envvar=variable,
        help=f"{text}  [default: no bound of its own]",
    )


@click.group(invoke_without_command=True)
@click.option(
    "--scheduler",
    metavar="URL",
    envvar="ARKWRIGHT_WORKER_SCHEDULER",
    help="The Dask scheduler: dask://HOST:PORT or tls://HOST:PORT.",
)
@click.option("--api", metavar="URL", envvar="ARKWRIGHT_URL", help="The server: https://HOST:PORT.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=_FILE,
    envvar="ARKWRIGHT_WORKER_TOKEN_FILE",
    help="File with the worker's token.",
)
@click.option(
    "--group",
    "groups",
    metavar="NAME",
    multiple=True,
    help="Group that it belongs to; may be repeated.  [default: default]",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="ARKWRIGHT_WORKER_DATA",
    help="Folder of its own.",
)
@click.option(
    "--slots",
    metavar="NUMBER",
    type=click.IntRange(1, 1000),
    default=SLOTS,
    show_default=True,
    help="Attempts that it runs at once.",
)
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400),
    default=GRACE_SECONDS,
    show_default=True,
    help="After SIGTERM, time for what runs to end.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="",
    help="Address of this machine that the scheduler reaches it by. Default: found out.",
)
@_ceiling(
    "--program-memory-bytes",
    "ARKWRIGHT_PROGRAM_MEMORY_BYTES",
    "Most memory of a program here, in bytes; what its workspace or node says, if that is less.",
)
@_ceiling("--program-processes", "ARKWRIGHT_PROGRAM_PROCESSES", "Most processes of a program at a time.")
@_ceiling("--program-open-files", "ARKWRIGHT_PROGRAM_OPEN_FILES", "Most open files of a process of a program.")
@_ceiling("--program-seconds", "ARKWRIGHT_PROGRAM_SECONDS", "Most seconds that a program may run.")
@_ceiling("--log-cap-bytes", "ARKWRIGHT_LOG_CAP_BYTES", "Longest log of a node; the server's cap, if that is less.")
@certificates_options
@click.option(
    "--api-ca", metavar="FILE", type=_FILE, help="Certificates (PEM) to trust for the server instead of the machine's."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Tell the name as one line of JSON on stdout once it is connected."
)
@click.pass_context
def worker(
    context: click.Context,
    *,
    scheduler: str | None,
    api: str | None,
    token_file: Path | None,
    groups: tuple[str, ...],
    data: Path | None,
    slots: int,
    grace: float,
    host: str,
    program_memory_bytes: int,
    program_processes: int,
    program_open_files: int,
    program_seconds: int,
    log_cap_bytes: int,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    api_ca: Path | None,
    as_json: bool,
) -> None:
    """Run a worker here: it takes nodes of its groups.

    SIGTERM lets it finish what runs. It needs a folder of its own, the server's version of Arkwright, and a token that
    an administrator made.

    \b
      arkwright worker token create --group gpu --out token.txt
      arkwright worker --scheduler dask://db1:8786 --api https://db1:8990 --token-file token.txt --group gpu --data w1
      arkwright worker list
    """
    if context.invoked_subcommand is not None:
        return
    given = {"--scheduler": scheduler, "--api": api, "--token-file": token_file, "--data": data}
    missing = [name for name, value in given.items() if not value]
    if missing or scheduler is None or api is None or token_file is None or data is None:
        raise click.UsageError(f"A worker needs {', '.join(missing)}.", context)

    with lasting_imports():
        import asyncio

        from arkwright.executors.dask_settings import read_address
        from arkwright.nodes.program_limits import ProgramLimits
        from arkwright.worker.process import WorkerSettings, serve

    if not api.startswith(("https://", "http://")):
        raise SettingInvalid(f"--api must be https://HOST:PORT, not {api!r}.")
    address = read_address(
        scheduler, ca=tls_ca, cert=tls_cert, key=tls_key, names=("--scheduler", "--tls-ca", "--tls-cert", "--tls-key")
    )
    check_certificates(address)
    settings = WorkerSettings(
        scheduler=address,
        api=api,
        token=_token(token_file),
        groups=groups or ("default",),
        data=data.absolute(),
        slots=slots,
        grace_seconds=grace,
        api_ca=api_ca,
        host=host,
        limits=ProgramLimits(
            memory_bytes=program_memory_bytes,
            processes=program_processes,
            open_files=program_open_files,
            seconds=program_seconds,
        ),
        log_cap_bytes=log_cap_bytes,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(serve(settings, ready=_tell_json if as_json else _tell))


@worker.command("list")
@connected
def list_(session: Session) -> None:
    """List the groups of workers, and the workers.

    \b
      arkwright worker list
    """
    from arkwright.client import workers

    found = session.send(workers.find())
    if session.output.as_json:
        session.output.json(found)
        return
    session.output.table(
        ["Group", "Workers", "Running", "Slots"],
        [[each["name"], *(str(each[key]) for key in ("workers", "running", "slots"))] for each in found["groups"]],
        none="No groups: arkwright worker token create --group NAME makes one.",
    )
    session.output.table(
        ["Worker", "Groups", "State", "Running", "Slots", "Version", "Since", "Last heard of"],
        [
            [
                each["name"],
                ", ".join(each["groups"]),
                each["state"],
                str(each["running"]),
                str(each["slots"]),
                each["version"],
                ago(each["since"]),
                ago(each["lastSeen"]),
            ]
            for each in found["workers"]
        ],
        none="No workers.",
    )


@worker.group()
def token() -> None:
    """Make, list and revoke the tokens of workers. For administrators."""


@token.command()
@click.option(
    "--group", "groups", metavar="NAME", multiple=True, required=True, help="Group that it is for; may be repeated."
)
@click.option(
    "--days",
    metavar="NUMBER",
    type=click.IntRange(1, 3650),
    default=DAYS,
    show_default=True,
    help="How long it is good for.",
)
@click.option("--out", metavar="FILE", type=_FILE, help="Write it there, for you alone to read, and don't show it.")
@connected
def create(session: Session, groups: tuple[str, ...], days: int, out: Path | None) -> None:
    """Make a token for workers of these groups. It is shown this once.

    \b
      arkwright worker token create --group gpu --days 90 --out token.txt
    """
    from arkwright.client import workers

    with _writable(out) as file:
        made = session.send(workers.create_token(groups, days=days))
        told = f"Made token {made['id']} for {', '.join(made['groups'])}."
        if file is None:
            session.output.done(f"{told} {made['token']}", made)
            return
        file.truncate()
        file.write(made.pop("token") + "\n")
    session.output.done(f"{told} It is in {out}.", {**made, "file": str(out)})


@token.command("list")
@connected
def list_tokens(session: Session) -> None:
    """List the tokens of workers, without their texts.

    \b
      arkwright worker token list
    """
    from arkwright.client import workers

    found = session.send(workers.tokens())
    if session.output.as_json:
        session.output.json({"count": len(found), "tokens": found})
        return
    session.output.table(
        ["Token", "Groups", "State", "Made", "By"],
        [
            [str(each["id"]), ", ".join(each["groups"]), each["state"], ago(each["created"]), each["createdBy"]]
            for each in found
        ],
        none="No tokens.",
    )


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@connected
def revoke(session: Session, token_id: int) -> None:
    """Revoke a token: workers that use it are refused within seconds, and stop what they run.

    \b
      arkwright worker token revoke 17
    """
    from arkwright.client import workers

    session.send(workers.revoke_token(token_id))
    session.output.done(f"Revoked token {token_id}.", {"id": token_id, "result": "revoked"})


@contextlib.contextmanager
def _writable(out: Path | None) -> Iterator[IO[str] | None]:
    """Opened before the token is made: it is shown this once only."""
    if out is None:
        yield None
        return
    new = not out.exists()
    try:
        file = os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise click.BadParameter(f"{out} can't be written: {error.strerror}.", param_hint="--out") from None
    try:
        with file:
            yield file
    except BaseException:
        if new:
            out.unlink(missing_ok=True)
        raise


def _token(file: Path) -> str:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"--token-file {file} can't be read: {error}.",
            hint="An administrator makes it: arkwright worker token create --group NAME --out FILE.",
        ) from None
    if not text:
        raise SettingInvalid(f"--token-file {file} is empty.")
    return text


def _tell(ready: Ready) -> None:
    print(f"Worker {ready.name} takes up to {ready.slots} nodes of {', '.join(ready.groups)}.", file=sys.stderr)


def _tell_json(ready: Ready) -> None:
    told = {"name": ready.name, "groups": ready.groups, "slots": ready.slots, "pid": ready.pid}
    print(json.dumps(told), flush=True)
