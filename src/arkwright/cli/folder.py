"""`arkwright import`: a folder of jobs and scripts, as it lives in Git, into a workspace.

Everything is read and checked before the first write; then each document is saved by itself, scripts before the jobs
that use them. Running it again changes nothing. What failed is named, and the exit code says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from arkwright.cli import documents, exits
from arkwright.cli.documents import Document
from arkwright.cli.target import Session, connected
from arkwright.errors import ArkwrightError, InvalidInput

if TYPE_CHECKING:
    from arkwright.client import Call

MISSING = frozenset({"DLF.0100", "DLF.6201"})
STYLES = {"created": "green", "changed": "cyan", "unchanged": "dim", "failed": "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One document of the folder."""

    kind: str
    file: Path
    document: Document

    @property
    def name(self) -> str:
        return str(self.document["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    entry: Entry
    result: str
    reason: str = ""


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@connected
def import_(session: Session, folder: Path, dry_run: bool) -> int:
    """Create or edit the jobs and scripts of a folder.

    DIR holds jobs/*.json (one job each, as the API takes it) and scripts/: *.json with the script's document, whose
    content may stand in a text file beside it ("contentFile"), or text files alone (.sh, .py; of others, such as .sql,
    a document must say the type).

    \b
      arkwright import examples/myjob
      arkwright import . --dry-run
    """
    entries = read_folder(folder)
    for file in left_out(folder):
        session.output.note(
            f"{file} was left out: its ending does not tell its type. Say it in {file.stem}.json beside it: "
            f'{{"name": "{file.stem}", "type": "DLISQL", "contentFile": "{file.name}"}}'
        )
    results = [_save(session, entry, dry_run=dry_run) for entry in entries]
    failed = [each for each in results if each.result == "failed"]
    if session.output.as_json:
        session.output.json(
            {
                "dryRun": dry_run,
                "results": [
                    {"kind": each.entry.kind, "name": each.entry.name, "result": each.result, "reason": each.reason}
                    for each in results
                ],
            }
        )
    else:
        _show(session, results, dry_run=dry_run)
    return exits.FAILED if failed else exits.DONE


def read_folder(folder: Path) -> list[Entry]:
    """All documents, scripts first. Raises `InvalidInput` that lists every file that can't be used."""
    entries: list[Entry] = []
    faults: list[str] = []

    def read(kind: str, file: Path, reader: Callable[[Path], Document]) -> None:
        try:
            entries.append(Entry(kind=kind, file=file, document=reader(file)))
        except InvalidInput as error:
            faults.append(str(error))

    for file in sorted((folder / "scripts").glob("*.json")):
        read("script", file, documents.read_script)
    for file in _texts(folder / "scripts"):
        if file.suffix in documents.TYPES_BY_ENDING:
            read("script", file, documents.read_script)
    for file in sorted((folder / "jobs").glob("*.json")):
        read("job", file, documents.read_job)
    seen: dict[tuple[str, str], Path] = {}
    for entry in entries:
        other = seen.setdefault((entry.kind, entry.name), entry.file)
        if other is not entry.file:
            faults.append(f"{other} and {entry.file} both hold the {entry.kind} {entry.name}.")
        if not isinstance(entry.document.get(documents.SUBMITTED), dict | None):
            faults.append(f"{documents.SUBMITTED} of {entry.file} must hold a job's document, or null.")
    if faults:
        raise InvalidInput("Nothing was imported:\n  " + "\n  ".join(faults))
    if not entries:
        raise InvalidInput(
            f"{folder} holds no jobs and no scripts.", hint="They are looked for in jobs/*.json and scripts/."
        )
    return entries


def left_out(folder: Path) -> list[Path]:
    """Scripts of which nobody says what they are: their endings may be any of a dozen types."""
    return [file for file in _texts(folder / "scripts") if file.suffix == ".sql"]


def _texts(scripts: Path) -> list[Path]:
    """Files that no description beside them is about, by its name or by its `contentFile`."""
    described = {file.stem for file in scripts.glob("*.json")}
    named = set(documents.content_files(scripts).values())
    return sorted(
        file
        for file in scripts.glob("*")
        if file.is_file() and file.suffix != ".json" and file.stem not in described and file not in named
    )


def _save(session: Session, entry: Entry, *, dry_run: bool) -> Result:
    from arkwright.client import ApiError, jobs, scripts

    calls = jobs if entry.kind == "job" else scripts
    if entry.kind == "job" and documents.SUBMITTED in entry.document:
        return _save_both(session, entry, dry_run=dry_run)
    try:
        try:
            stored = session.send(calls.get(entry.name))
        except ApiError as error:
            if error.error_code not in MISSING:
                raise
            return _send(session, entry, calls.create(entry.document), "created", dry_run=dry_run)
        if documents.same(entry.document, stored):
            return Result(entry=entry, result="unchanged")
        return _send(session, entry, calls.edit(entry.name, entry.document), "changed", dry_run=dry_run)
    except ArkwrightError as error:
        return Result(entry=entry, result="failed", reason=str(error))


def _save_both(session: Session, entry: Entry, *, dry_run: bool) -> Result:
    """A job that was changed since it was submitted, or never was: the submitted version first, then the newer one."""
    from arkwright.client import jobs

    latest = {field: value for field, value in entry.document.items() if field != documents.SUBMITTED}
    latest["targetStatus"] = "SAVED"
    submitted = entry.document[documents.SUBMITTED]
    try:
        stored = _stored(session, entry.name, submitted=False)
        before = _stored(session, entry.name, submitted=True)
        again = submitted is None or (before is not None and documents.same(submitted, before))
        if stored is not None and again and documents.same(latest, stored):
            return Result(entry=entry, result="unchanged")
        steps = [latest] if again else [{**submitted, "name": entry.name}, latest]
        for number, document in enumerate(steps):
            call = jobs.create(document) if stored is None and not number else jobs.edit(entry.name, document)
            _send(session, entry, call, "", dry_run=dry_run)
        return Result(entry=entry, result="created" if stored is None else "changed")
    except ArkwrightError as error:
        return Result(entry=entry, result="failed", reason=str(error))


def _stored(session: Session, name: str, *, submitted: bool) -> Document | None:
    from arkwright.client import ApiError, jobs

    try:
        return session.send(jobs.get(name, submitted=submitted))
    except ApiError as error:
        if error.error_code in MISSING:
            return None
        raise


def _send(session: Session, entry: Entry, call: Call[None], result: str, *, dry_run: bool) -> Result:
    if not dry_run:
        session.send(call)
    return Result(entry=entry, result=result)


def _show(session: Session, results: list[Result], *, dry_run: bool) -> None:
    from rich.text import Text

    session.output.table(
        ["", "Kind", "Name", ""],
        [
            [Text(each.result, style=STYLES[each.result]), each.entry.kind, each.entry.name, each.reason]
            for each in results
        ],
    )
    counts = {result: sum(each.result == result for each in results) for result in STYLES}
    told = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    session.output.note(f"{told}{' (dry run: nothing was written)' if dry_run else ''}")
