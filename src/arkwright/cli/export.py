"""`arkwright export`: the jobs and scripts of a workspace as a folder for Git, which `arkwright import` reads.

Theory of operation: everything is fetched before the first write, so that a server that goes away leaves the folder as
it was. What is written depends on the documents alone: fields in one order, nothing that a server fills in by itself
(ids, versions, dates, users). So the same jobs give the same bytes, whichever server they come from. A file that
already holds a document keeps its name; each file is replaced as a whole, and only when it changes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from arkwright.cli.documents import SUBMITTED, TYPES_BY_ENDING, Document, content_files, field_in
from arkwright.cli.folder import MISSING
from arkwright.cli.target import Session, connected
from arkwright.errors import ArkwrightError

if TYPE_CHECKING:
    from arkwright.client import Call, Page

STYLES = {"created": "green", "changed": "cyan", "unchanged": "dim", "removed": "yellow", "left": "yellow"}
_FILLED_IN = {
    "job": frozenset({"id", "version", "createTime", "createUser", "lastUpdateUser", "downstreamJobs"}),
    "script": frozenset({"id", "version", "owner", "createUser", "createTime", "modifyTime", "autoAcquireLock"}),
}
_FIRST = ("name", "type", "processType", "directory", "description")
_LAST = ("location", "nodes", SUBMITTED)
_ENDINGS = {kind.lower(): ending for ending, kind in TYPES_BY_ENDING.items()} | {"sparkpython": ".py"}
_PAGE = 100
_LONGEST = 200
"""Bytes of a name that a file's name takes over: file systems stop at 255, and 128 Chinese characters have 384."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    file: Path
    result: str


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--prune", is_flag=True, help="Remove the files of jobs and scripts that the server does not have.")
@connected
def export(session: Session, folder: Path, prune: bool) -> None:
    """Write the jobs and scripts of a workspace into a folder, for Git.

    DIR gets jobs/*.json, one job each, and scripts/*.json, each with its text in a file beside it: what
    `arkwright import` reads. The latest saved versions are written; a job of which another version is submitted, or
    none, has it in "arkwrightSubmitted". Running it again changes only what has changed.

    \b
      arkwright export . && git diff
      arkwright export . --prune
    """
    jobs, scripts = _fetch(session)
    try:
        wanted = {**_job_files(folder, jobs), **_script_files(folder, scripts)}
        named = content_files(folder / "scripts").values()
        results = [_write(file, content) for file, content in sorted(wanted.items())]
        for file in _strays(folder, wanted, named):
            if prune:
                file.unlink()
            results.append(Result(file=file, result="removed" if prune else "left"))
    except OSError as error:
        raise ArkwrightError(f"{error.filename or folder} can't be written: {error.strerror}.") from error
    _show(session, folder, results, jobs=len(jobs), scripts=len(scripts))


# ---------------------------------------------------------------- from the server


def _fetch(session: Session) -> tuple[list[Document], list[Document]]:
    from arkwright.client import jobs, scripts

    batch = _names(session, lambda page: jobs.find(job_type="BATCH", page=page, limit=_PAGE))
    real_time = _names(session, lambda page: jobs.find(job_type="REAL_TIME", page=page, limit=_PAGE))
    of_scripts = _names(session, lambda page: scripts.find(page=page, limit=_PAGE))
    return (
        _documents(session, "job", batch | real_time, jobs.get),
        _documents(session, "script", of_scripts, scripts.get),
    )


def _names(session: Session, find: Callable[[int], Call[Page[Any]]]) -> dict[str, None]:
    """All names. A server may be set to count records, not pages: then pages overlap, and positions are used."""
    names: dict[str, None] = {}
    offset, counts_pages = 0, True
    while True:
        page = session.send(find(offset))
        found = [str(each["name"]) for each in page.items]
        if offset == 1 and counts_pages and found and found[0] in names:
            counts_pages = False
        names.update(dict.fromkeys(found))
        if len(names) >= page.total or not found:
            return names
        offset = offset + 1 if counts_pages else max(offset + 1, len(names))


def _documents(
    session: Session, kind: str, names: Iterable[str], get: Callable[[str], Call[Document]]
) -> list[Document]:
    from arkwright.client import ApiError

    found = []
    for name in sorted(names):
        try:
            document = session.send(get(name))
        except ApiError as error:
            if error.error_code in MISSING:
                continue  # deleted since it was listed
            raise
        kept = _own(kind, document)
        if kind == "job":
            kept |= _submitted(session, name, document)
        found.append(_ordered(kept))
    return found


def _own(kind: str, document: Document) -> Document:
    return {field: value for field, value in document.items() if field not in _FILLED_IN[kind]}


def _submitted(session: Session, name: str, latest: Document) -> Document:
    """The submitted version, where it is another one, or null, where there is none."""
    from arkwright.client import ApiError, jobs

    try:
        document = session.send(jobs.get(name, submitted=True))
    except ApiError as error:
        if error.error_code in MISSING:
            return {SUBMITTED: None}
        raise
    return {} if document.get("version") == latest.get("version") else {SUBMITTED: _own("job", document)}


def _ordered(value: Any) -> Any:
    """Fields in one order, telling ones first; lists stay as they are."""
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if not isinstance(value, dict):
        return value

    def rank(field: str) -> tuple[int, int, str]:
        if field in _FIRST:
            return 0, _FIRST.index(field), ""
        return (2, _LAST.index(field), "") if field in _LAST else (1, 0, field)

    return {field: _ordered(value[field]) for field in sorted(value, key=rank)}


# ---------------------------------------------------------------- to files


def _job_files(folder: Path, jobs: list[Document]) -> dict[Path, bytes]:
    files = _files(folder / "jobs", [str(each["name"]) for each in jobs])
    return {files[str(each["name"])]: _json(each) for each in jobs}


def _script_files(folder: Path, scripts: list[Document]) -> dict[Path, bytes]:
    files = _files(folder / "scripts", [str(each["name"]) for each in scripts])
    named = content_files(folder / "scripts")
    wanted: dict[Path, bytes] = {}
    for script in scripts:
        file = files[str(script["name"])]
        text = script.get("content")
        if not isinstance(text, str) or "\r" in text:
            # Reading a text file, here or by Git, may change such line ends; in JSON they are safe.
            wanted[file] = _json(script)
            continue
        ending = _ending(str(script.get("type") or ""))
        beside = named.get(file) or file.with_name(file.stem + ending)
        if beside in wanted:
            beside = file.with_name(f"{file.stem}~{_mark(str(script['name']))}{ending}")
        described = {field: value for field, value in script.items() if field != "content"}
        wanted[file] = _json({**described, "contentFile": beside.name})
        wanted[beside] = text.encode()
    return wanted


def _ending(kind: str) -> str:
    plain = kind.replace(" ", "").lower()
    return _ENDINGS.get(plain) or (".txt" if plain and "sql" not in plain and plain != "presto" else ".sql")


def _files(folder: Path, names: list[str]) -> dict[str, Path]:
    """Where each document goes: where one of its name lies already, else a file of its name. Names that differ in
    case only get a mark, because some file systems can't tell them apart."""
    held: dict[str, Path] = {}
    for file in sorted(folder.glob("*.json")):
        held.setdefault(field_in(file, "name"), file)
    alike = Counter(name.casefold() for name in names)
    taken = {held[name] for name in names if name in held}
    files = {}
    for name in names:
        short = name.encode()[:_LONGEST].decode(errors="ignore")
        usual = folder / f"{short}.json"
        if short != name or alike[name.casefold()] > 1 or (usual in taken and held.get(name) != usual):
            usual = folder / f"{short}~{_mark(name)}.json"
        files[name] = held.get(name, usual)
    return files


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _write(file: Path, content: bytes) -> Result:
    try:
        if file.read_bytes() == content:
            return Result(file=file, result="unchanged")
        result = "changed"
    except FileNotFoundError:
        result = "created"
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(
        f".{os.getpid()}.unfinished"
    )  # a name of its own: names of jobs may be as long as names get
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return Result(file=file, result=result)


def _strays(folder: Path, wanted: Mapping[Path, bytes], named: Iterable[Path]) -> list[Path]:
    """Documents in the folder that this export did not write: what `arkwright import` would read, and texts that
    descriptions named before. Other files are somebody's own."""
    scripts = folder / "scripts"
    described = {file.stem for file in scripts.glob("*.json")}
    candidates = {*(folder / "jobs").glob("*.json"), *scripts.glob("*.json"), *named}
    candidates |= {file for file in scripts.glob("*") if file.suffix in TYPES_BY_ENDING and file.stem not in described}
    return sorted(file for file in candidates if file not in wanted and file.is_file())


def _show(session: Session, folder: Path, results: list[Result], *, jobs: int, scripts: int) -> None:
    from rich.text import Text

    shown = [(each.file.relative_to(folder).as_posix(), each.result) for each in results]
    if session.output.as_json:
        answer = [{"file": file, "result": result} for file, result in shown]
        session.output.json({"jobs": jobs, "scripts": scripts, "results": answer})
        return
    told = [(file, result) for file, result in shown if result != "unchanged"]
    if told:
        session.output.table(["", "File"], [[Text(result, style=STYLES[result]), file] for file, result in told])
    counts = Counter(result for _, result in shown)
    summary = ", ".join(f"{counts[result]} {result}" for result in STYLES if counts[result]) or "no files"
    session.output.note(f"{jobs} jobs, {scripts} scripts: {summary}.")
    if counts["left"]:
        session.output.note("Files marked as left belong to nothing on the server; --prune removes them.")
