"""The readers of files: CSV and Parquet through DuckDB (no third of their like is as fast and knows NULL from an empty
text), JSON lines through msgspec, number by number as it is written."""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, values are parameters or literals made by the driver
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from arkwright.nodes.migration_ends import BATCH, MigrationFailed, Refuse, Row
from arkwright.nodes.migration_plan import CSV, PARQUET, Plan
from arkwright.nodes.migration_types import Column, Kind, named

MEMORY = "256MB"
_FAULTS = 20
"""Of one refused line DuckDB may tell as many."""


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": 2,
            "temp_directory": str(folder / "duckdb"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
        }
    )
    database.execute("SET TimeZone = 'UTC'")
    return database


def reader_of(files: Sequence[tuple[str, Path]], plan: Plan, folder: Path) -> CsvReader | ParquetReader | JsonReader:
    kind = plan.source.format.kind
    return (CsvReader if kind == CSV else ParquetReader if kind == PARQUET else JsonReader)(files, plan, folder)


class _FileReader:
    def __init__(self, files: Sequence[tuple[str, Path]], plan: Plan, folder: Path) -> None:
        self._files = files
        self._plan = plan
        self._database = opened(folder)
        self._stopped = False
        self._columns: list[Column] = []

    def open(self) -> None:
        raise NotImplementedError

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def limit(self, since: str | None) -> str | None:
        raise MigrationFailed("A file has no incremental column.")

    def stop(self) -> None:
        self._stopped = True
        self._database.interrupt()

    def close(self) -> None:
        self._database.close()

    def _picked(self, names: Sequence[str]) -> list[int]:
        """Positions of the columns that the plan wants, which may be given as numbers from 1."""
        exact = {name: place for place, name in enumerate(names)}
        loose = {name.lower(): place for place, name in enumerate(names)}
        found = []
        for source, _ in self._plan.columns:
            place = exact.get(source, loose.get(source.lower()))
            if place is None and source.isdigit() and 0 < int(source) <= len(names):
                place = int(source) - 1
            if place is None:
                raise MigrationFailed(
                    f"The source {self._plan.source} has no column {source}; it has {', '.join(names[:20])}."
                )
            found.append(place)
        return found or list(range(len(names)))


class CsvReader(_FileReader):
    def open(self) -> None:
        self._names = self._first(self._files[0][1])
        self._columns = [Column(name=self._names[place]) for place in self._picked(self._names)]

    def _first(self, path: Path) -> list[str]:
        """The names, from the first line or by position."""
        form = self._plan.source.format
        with path.open(encoding="utf-8", newline="") as file:
            if len(form.delimiter) == 1:
                lines = (
                    csv.reader(file, delimiter=form.delimiter)
                    if form.quoted
                    else csv.reader(file, delimiter=form.delimiter, quoting=csv.QUOTE_NONE)
                )
                row = next(lines, [])
            else:
                row = file.readline().rstrip("\r\n").split(form.delimiter)
        if not row:
            if form.header or not self._plan.columns:
                raise MigrationFailed(f"The source {self._plan.source} is empty: not even its columns are known.")
            return [source for source, _ in self._plan.columns]
        if not form.header:
            return [f"c{number}" for number in range(1, len(row) + 1)]
        names = [name.strip() for name in row]
        if len({name.lower() for name in names}) != len(names) or not all(names):
            raise MigrationFailed(f"The first line of {self._plan.source} has an empty name, or one name twice.")
        return names

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        for name, path in self._files:
            names = self._names if path == self._files[0][1] or path.stat().st_size == 0 else self._first(path)
            if sorted(names) != sorted(self._names):
                raise MigrationFailed(f"The file {name} has other columns than {self._files[0][0]}.")
            yield from self._of(path, names, refuse)

    def _of(self, path: Path, names: Sequence[str], refuse: Refuse) -> Iterator[Sequence[Row]]:
        form = self._plan.source.format
        quote = '"' if form.quoted else ""
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
        wanted = ", ".join(_quoted(each.name) for each in self._columns)
        query = (
            f"SELECT {wanted} FROM read_csv({_text(str(path))}, auto_detect = false, columns = {{{columns}}},"
            f" header = {str(form.header).lower()}, delim = {_text(form.delimiter)}, quote = {_text(quote)},"
            f" escape = {_text(quote)}, nullstr = {_text(form.null_text)}, allow_quoted_nulls = false,"
            " store_rejects = true, rejects_table = 'refused', rejects_scan = 'refused_scan',"
            f" rejects_limit = {(self._plan.most_refused + 1) * _FAULTS})"
        )
        try:
            self._database.execute("DROP TABLE IF EXISTS refused; DROP TABLE IF EXISTS refused_scan")
            found = self._database.execute(query)
            while rows := found.fetchmany(BATCH):
                yield rows
            faults = self._database.execute(
                "SELECT line, any_value(csv_line), string_agg(DISTINCT error_type, ', '), any_value(error_message)"
                " FROM refused GROUP BY line ORDER BY line"
            ).fetchall()
        except duckdb.Error as error:
            raise MigrationFailed(f"The source {self._plan.source}: {_said(error)}") from None
        for line, text, fault, message in faults:
            refuse(text, f"line {line}: {fault.lower()}: {message}")


class ParquetReader(_FileReader):
    def open(self) -> None:
        paths = ", ".join(_text(str(path)) for _, path in self._files)
        self._from = f"read_parquet([{paths}], union_by_name = true)"
        try:
            described = self._database.execute(f"DESCRIBE SELECT * FROM {self._from}").fetchall()
        except duckdb.Error as error:
            raise MigrationFailed(f"The source {self._plan.source}: {_said(error)}") from None
        there = [named(row[0], row[1]) for row in described]
        self._columns = [there[place] for place in self._picked([each.name for each in there])]

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        wanted = ", ".join(
            _quoted(each.name) if each.kind in (Kind.BOOLEAN, Kind.BYTES) else f"CAST({_quoted(each.name)} AS VARCHAR)"
            for each in self._columns
        )
        try:
            found = self._database.execute(f"SELECT {wanted} FROM {self._from}")
            while rows := found.fetchmany(BATCH):
                yield rows
        except duckdb.Error as error:
            raise MigrationFailed(f"The source {self._plan.source}: {_said(error)}") from None


class JsonReader(_FileReader):
    """One object per line. Read twice: first for the names and what is in them."""

    def open(self) -> None:
        plan = self._plan
        self._decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        kinds: dict[str, Kind | None] = {}
        for _, _, line in self._lines():
            try:
                for name, raw in self._decode(line).items():
                    kinds[name] = _wider(kinds.get(name), _kind(bytes(raw)))
            except msgspec.MsgspecError:
                continue  # refused when its turn comes
        if not kinds:
            if not plan.columns:
                raise MigrationFailed(f"The source {plan.source} holds no object: not even its columns are known.")
            kinds = {source: None for source, _ in plan.columns}
        names = list(kinds)
        self._columns = [Column(name=names[each], kind=kinds[names[each]] or Kind.TEXT) for each in self._picked(names)]

    def _lines(self) -> Iterator[tuple[str, int, bytes]]:
        for name, path in self._files:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if self._stopped:
                        raise MigrationFailed("It was stopped.")
                    if line.strip():
                        yield name, number, line

    def batches(self, refuse: Refuse) -> Iterator[Sequence[Row]]:
        columns = [(each.name, each.kind) for each in self._columns]
        batch: list[Row] = []
        for name, number, line in self._lines():
            try:
                found = self._decode(line)
                batch.append([_value(found.get(column), kind) for column, kind in columns])
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                refuse(line.decode(errors="replace").rstrip("\n"), f"{name}, line {number}: {error}")
                continue
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


_TEXT = msgspec.json.Decoder(str)


def _kind(raw: bytes) -> Kind | None:
    match raw[:1]:
        case b"n":
            return None
        case b"t" | b"f":
            return Kind.BOOLEAN
        case b'"':
            return Kind.TEXT
        case b"{" | b"[":
            return Kind.JSON
    if raw.lstrip(b"-").isdigit():
        return Kind.INTEGER if len(raw) < 19 else Kind.DECIMAL
    return Kind.DOUBLE


_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE)


def _wider(known: Kind | None, new: Kind | None) -> Kind | None:
    if known is None or new is None or known is new:
        return known or new
    if known in _NUMBERS and new in _NUMBERS:
        return max(known, new, key=_NUMBERS.index)
    return Kind.JSON if Kind.JSON in (known, new) else Kind.TEXT


def _value(raw: msgspec.Raw | None, kind: Kind) -> Any:
    if raw is None:
        return None
    data = bytes(raw)
    if data == b"null":
        return None
    if kind is Kind.BOOLEAN:
        return data == b"true"
    if data[:1] == b'"' and kind is not Kind.JSON:
        return _TEXT.decode(data)
    return data.decode()


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:500]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
