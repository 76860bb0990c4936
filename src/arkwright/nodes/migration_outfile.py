"""The writers of files. A file is made in the attempt's folder and put in its place as a whole when all rows are there.

The record of what was done is a file in the workspace's folder, written after that: an attempt that died between the
two makes the same file once more. Runs of one incremental task wait for each other.
"""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb
import msgspec

from arkwright.nodes.migration_ends import Done, MigrationFailed, Row, RowsRefused
from arkwright.nodes.migration_files import packed
from arkwright.nodes.migration_infile import opened
from arkwright.nodes.migration_plan import CSV, PARQUET, Plan
from arkwright.nodes.migration_types import Column, Kind, Store, hexadecimal, made_type, typed

STATE = "migrations"
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


class Record(msgspec.Struct, kw_only=True):
    token: str
    done: Done


class FileWriter:
    store = Store.FILE

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        workspace_folder: Path,
        put: Callable[[Path, str], None],
        wait: Callable[[float], None],
    ) -> None:
        """`put` brings a file of the attempt to its path. `wait` raises `Stopped` when it is stopped meanwhile."""
        self._wait = wait
        self._plan = plan
        self._folder = folder
        self._workspace = workspace_folder
        self._put = put
        self._copy = folder / "target"
        self._columns: list[Column] = []
        self._token = ""
        self._record: Path | None = None
        self._lock: int | None = None
        self._file: IO[Any] | None = None
        self._database: duckdb.DuckDBPyConnection | None = None

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        self._columns = typed(columns, self._plan.types)
        form = self._plan.target.format
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if form.kind == CSV:
            self._file = self._copy.open("w", encoding=form.encoding, newline="")
            self._line = _csv_line(form.delimiter, form.line_end, form.null_text, quoted=form.quoted)
            if form.header:
                self._file.write(self._line([each.name for each in self._columns]))
        else:
            self._file = self._copy.open("wb")
        if form.kind == PARQUET:
            self._database = opened(self._folder)
        return self._columns

    def begin(self, token: str, task: str) -> Done | str | None:
        self._token = token
        folder = self._workspace / STATE
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(task.encode()).hexdigest()[:32]
        self._record = folder / f"{name}.json"
        if self._plan.incremental:
            self._lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _locked(self._lock):
                self._wait(0.2)
        try:
            record = msgspec.json.decode(self._record.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        if record.token == token:
            return record.done
        return record.done.until if self._plan.incremental else None

    def write(self, rows: Sequence[Row]) -> None:
        assert self._file is not None
        try:
            if self._plan.target.format.kind == CSV:
                self._file.write("".join([self._line(row) for row in rows]))
            else:
                exact = self._plan.target.format.kind == PARQUET
                write = _parquet_value if exact else _json_value
                kinds = [(each.name, each.kind) for each in self._columns]
                self._file.write(
                    b"".join(
                        msgspec.json.encode(
                            {name: write(value, kind) for (name, kind), value in zip(kinds, row, strict=True)}
                        )
                        + b"\n"
                        for row in rows
                    )
                )
        except UnicodeEncodeError as error:
            letters = error.object[error.start : error.end]
            raise RowsRefused(f"{letters!r} can't be written in {error.encoding}") from None
        except ValueError as error:
            raise RowsRefused(str(error)) from None

    def commit(self, done: Done) -> None:
        assert self._file is not None
        assert self._record is not None
        self._file.close()
        copy = self._as_parquet() if self._database is not None else self._copy
        form = self._plan.target.format
        self._put(packed(copy) if form.gzip or self._plan.target.path.endswith(".gz") else copy, self._plan.target.path)
        draft = self._record.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(Record(token=self._token, done=done)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._record)

    def _as_parquet(self) -> Path:
        assert self._database is not None
        names = ", ".join(f"{_text(each.name)}: 'VARCHAR'" for each in self._columns)
        values = ", ".join(f"{_parquet_cast(each)} AS {_quoted(each.name)}" for each in self._columns)
        result = self._folder / "target.parquet"
        try:
            self._database.execute(
                f"COPY (SELECT {values} FROM read_json({_text(str(self._copy))}, format = 'newline_delimited',"
                f" columns = {{{names}}}, maximum_object_size = 33554432)) TO {_text(str(result))} (FORMAT parquet)"
            )
        except duckdb.Error as error:
            raise MigrationFailed(f"The target {self._plan.target}: {' '.join(str(error).split())[:500]}") from None
        return result

    def stop(self) -> None:
        if self._database is not None:
            self._database.interrupt()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._database is not None:
            self._database.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(descriptor: int) -> bool:
    """The kernel tells nobody when a lock comes free without blocking the thread, which must hear of a stop."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _csv_line(delimiter: str, end: str, null: str, *, quoted: bool) -> Callable[[Row], str]:
    """NULL stands as it is, and a text of the same letters in quotes, so that they are told apart."""
    special = re.compile(f'[\r\n"]|{re.escape(delimiter)}|^\\s|\\s$')

    def field(value: Any) -> str:
        if value is None:
            return null
        text = value if isinstance(value, str) else _plain(value)
        if not quoted:
            if special.search(text) and (delimiter in text or "\n" in text or "\r" in text):
                raise ValueError("it holds the delimiter or a line end, and quoting is off")
            return text
        if text == null or special.search(text):
            return '"' + text.replace('"', '""') + '"'
        return text

    return lambda row: delimiter.join([field(value) for value in row]) + end


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return hexadecimal(value)


def _json_value(value: Any, kind: Kind) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, bytes):
        return hexadecimal(value)
    if kind in (Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE):
        return msgspec.Raw(value.encode()) if _NUMBER.fullmatch(value) else value
    if kind is Kind.JSON:
        try:
            msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
        return msgspec.Raw(value.replace("\n", " ").encode())
    return value


def _parquet_value(value: Any, kind: Kind) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.hex() if isinstance(value, bytes) else value


def _parquet_cast(column: Column) -> str:
    name = _quoted(column.name)
    if column.kind is Kind.BYTES:
        return f"unhex({name})"
    kind = made_type(column, Store.FILE)
    return name if kind == "VARCHAR" else f"CAST({name} AS {kind})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
