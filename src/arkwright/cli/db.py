"""`arkwright db`: the database itself: its schema, whether it holds together, and a move to another one.

These commands work on the database, not through a server; those that must have it alone say so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from arkwright.cli import exits
from arkwright.cli.output import Output
from arkwright.cli.target import data_folder, seal_key_file
from arkwright.cli.target import database_url as which_url
from arkwright.errors import FolderLocked, NotFound

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from arkwright.store.check import Finding
    from arkwright.store.copy import Progress

DATABASE = "arkwright.db"
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_JSON = click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs.")


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio  # when it is needed: `--help` loads nothing heavy

    return asyncio.run(work)


def _which(function: F) -> F:
    """Which database: options `--data` and `--database-url`."""
    for option in (
        click.option(
            "--database-url", metavar="URL", help="postgresql://…; default: SQLite there. [ARKWRIGHT_DATABASE_URL]"
        ),
        click.option(
            "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder of the server. [ARKWRIGHT_DATA]"
        ),
    ):
        function = option(function)
    return function


@click.group()
def db() -> None:
    """Check, upgrade or move the database."""


@db.command()
@click.option("--plan", is_flag=True, help="Only show which migrations would run.")
@_which
@_JSON
def upgrade(plan: bool, data: Path | None, database_url: str | None, as_json: bool) -> None:
    """Bring the schema to this program's version, ahead of a start.

    A start does the same by itself. Of an embedded database the server must be stopped; servers on PostgreSQL may go on
    where the plan says that they can.

    \b
      arkwright db upgrade --plan
      arkwright db upgrade --database-url postgresql://host/arkwright
    """
    from arkwright.store.upgrade import outstanding, upgraded

    place, folder = _place(data, database_url)
    output = Output(as_json=as_json)
    with _alone(None if plan else folder):
        steps = _run(outstanding(place) if plan else upgraded(place))
    if as_json:
        output.json({"applied": not plan, "migrations": [step._asdict() for step in steps]})
    elif not steps:
        output.people.print("The schema is up to date.", markup=False)
    else:
        output.table(
            ["Migration", "Servers that can go on meanwhile"],
            [(step.name, f"of schema version {step.oldest} or later") for step in steps],
        )
        output.note("Nothing was changed." if plan else "Done.")


@db.command()
@click.option("--repair", is_flag=True, help="Count counters anew, and free instances of servers that don't exist.")
@_which
@_JSON
def check(repair: bool, data: Path | None, database_url: str | None, as_json: bool) -> int:
    """Look whether the database holds together; servers may go on.

    Looks at the schema, the counters of lists, whether instances can be read and the versions that they run by are
    there, owners, rows that belong to nothing, and whether the key file opens what is sealed. Ends with 1 if something
    is wrong. With --repair an embedded server must be stopped.

    \b
      arkwright db check
      arkwright db check --database-url postgresql://host/arkwright --data /srv/arkwright
    """
    from arkwright.store.repair import repair as repaired

    place, folder = _place(data, database_url)
    output = Output(as_json=as_json)
    with _alone(folder if repair else None):
        if repair:
            _run(repaired(place))
        findings, moved_to = _run(_findings(place, seal_key_file(data_folder(data))))
    if as_json:
        shown = [_shown(each) for each in findings]
        output.json({"fine": all(each.fine for each in findings), "movedTo": moved_to, "checks": shown})
    else:
        output.table(
            ["Check", "Looked at", "Wrong", "Which"],
            [(each.check, each.looked_at, str(each.wrong or "-"), "\n".join(each.named)) for each in findings],
            right=[2],
        )
        for each in findings:
            if not each.fine and each.hint:
                output.note(f"{each.check}: {each.hint}")
        if moved_to is not None:
            output.note(f"This installation has moved to {moved_to}; nothing starts on what is left here.")
    return exits.DONE if all(each.fine for each in findings) else exits.FAILED


@db.command()
@click.option("--from", "source", metavar="DIR|URL", required=True, help="The installation: its data folder, or URL.")
@click.option(
    "--to", "target", metavar="URL|DIR", required=True, help="An empty PostgreSQL database, or a data folder."
)
@click.option("--keep", is_flag=True, help="Leave the source open, for a trial: both would then run the same jobs.")
@_JSON
def copy(source: str, target: str, keep: bool, as_json: bool) -> None:
    """Move an installation to another database, with everything: jobs, history, ids, schedules, secrets, tokens.

    All servers must be stopped. The copy is there as a whole or not at all, and is compared with the source, table by
    table, before it counts. The source is closed then, so that nothing starts on both. The data folder stays as it is:
    start the server with it and the new database.

    \b
      arkwright db copy --from /srv/arkwright --to postgresql://host/arkwright
      arkwright serve --data /srv/arkwright --database-url postgresql://host/arkwright
    """
    from arkwright.store.move import end, is_postgres, move

    output = Output(as_json=as_json)
    old, new = _database(source), _database(target)
    if old == new:
        raise click.UsageError("--from and --to are the same database.")
    began = time.monotonic()
    with (
        _alone(None if is_postgres(old) else Path(old).parent),
        _alone(None if is_postgres(new) else Path(new).parent, make=True),
        _progress(output) as progress,
    ):
        copied = _run(move(old, new, progress=progress, keep=keep))
    took = time.monotonic() - began
    rows = sum(each.source.rows for each in copied)
    if as_json:
        tables = [
            {"table": each.table, "rows": each.target.rows, "checksum": str(each.target), "equal": True}
            for each in copied
        ]
        output.json({"rows": rows, "seconds": round(took, 3), "tables": tables, "sourceClosed": not keep})
        return
    output.table(
        ["Table", "Rows", "Checksum of both"],
        [(each.table, f"{each.target.rows:,}", str(each.target)) for each in copied],
        right=[1],
    )
    output.people.print(
        f"Moved {rows:,} rows in {took:.1f} s ({rows / max(took, 0.001):,.0f} a second); both sides are the same.",
        markup=False,
    )
    if not keep:
        output.note(f"Nothing starts on {end(old).name} any more; `arkwright db reopen` would allow it again.")


@db.command()
@_which
@_JSON
def reopen(data: Path | None, database_url: str | None, as_json: bool) -> None:
    """Let servers start again on a database that was moved away.

    Only where nothing goes on at the other end: two servers would run the same jobs twice.
    """
    from arkwright.store.move import reopen as reopened

    place, folder = _place(data, database_url)
    with _alone(folder):
        was_closed = _run(reopened(place))
    sentence = "Servers may start on it again." if was_closed else "It was not closed; nothing was changed."
    Output(as_json=as_json).done(sentence, {"wasClosed": was_closed})


# ---------------------------------------------------------------- databases


def _place(data: Path | None, database_url: str | None) -> tuple[str, Path | None]:
    """The database, and the folder whose lock says that nobody else has it (of an embedded one)."""
    if url := which_url(database_url):
        return url, None
    folder = data_folder(data)
    return str(folder / DATABASE), folder


def _database(given: str) -> str:
    from arkwright.store.move import is_postgres

    if is_postgres(given):
        return given
    if "://" in given:
        kind = given.partition("://")[0]
        raise click.UsageError(f"Arkwright keeps nothing in {kind}://: name a postgresql:// URL or a data folder.")
    path = Path(given).expanduser().absolute()
    return str(path if path.suffix == ".db" else path / DATABASE)


@contextlib.contextmanager
def _alone(folder: Path | None, *, make: bool = False) -> Iterator[None]:
    """Hold a data folder's lock. Raises `FolderLocked` while a server runs on it. Where what is done meanwhile fails,
    nothing new is left of folder and lock."""
    if folder is None or not (make or folder.is_dir()):
        yield
        return
    from arkwright.folder_lock import FolderLock

    if not folder.parent.is_dir():  # a slip of the pen must not move an installation to somewhere
        raise NotFound(f"There is no folder {folder.parent} to make the data folder {folder.name} in.")
    made = not folder.is_dir()
    folder.mkdir(exist_ok=True, mode=0o700)
    lock = FolderLock(folder)
    try:
        lock.acquire()
    except FolderLocked as error:
        hint = "Stop it first: this command must have the database for itself."
        raise FolderLocked(error.message, hint=hint) from None
    try:
        yield
    except BaseException:
        if lock.is_new:
            lock.discard()
        if made:
            with contextlib.suppress(OSError):  # something else is in it
                folder.rmdir()
        raise
    finally:
        lock.release()


async def _findings(place: str, key_file: Path) -> tuple[list[Finding], str | None]:
    """And where the installation has moved to, if it has."""
    from arkwright.app.sealing import sealed_values_finding
    from arkwright.store.check import check as checked
    from arkwright.store.installation import MOVED_TO
    from arkwright.store.move import opened

    async with opened(place) as end:
        findings = list(await checked(end))
        if findings[0].fine:
            findings.append(await sealed_values_finding(end, key_file))
        return findings, await end.value(MOVED_TO) if findings[0].fine else None


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "lookedAt": finding.looked_at,
        "wrong": finding.wrong,
        "named": list(finding.named),
        **({} if finding.fine else {"hint": finding.hint}),
    }


@contextlib.contextmanager
def _progress(output: Output) -> Iterator[Progress]:
    """A bar per table on a terminal, nothing elsewhere."""
    if not output.messages.is_terminal:
        yield lambda table, rows, total: None
        return
    from rich.progress import Progress as Bars

    with Bars(console=output.messages, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def told(table: str, rows: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total or 1)
            bars.update(tasks[table], completed=rows or (0 if total else 1))

        yield told
