"""What a migration is to do: from where, to where, how. Both node types make one of these; only this is carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CSV, PARQUET, JSONL = "csv", "parquet", "jsonl"
FORMATS = (CSV, PARQUET, JSONL)
_ENDINGS = {
    ".csv": CSV,
    ".txt": CSV,
    ".tsv": CSV,
    ".parquet": PARQUET,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSONL,
}
_SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db")
_DUCKDB_ENDINGS = (".duckdb", ".ddb")
LOCAL = "local"
"""The connection to the workspace's own database, as DLISQL nodes name it."""


class PlanWrong(ValueError):
    """The settings can't be honoured; the text names the one that can't, and the way out."""


class Mode(StrEnum):
    APPEND = "append"
    REPLACE = "replace"
    MERGE = "merge"


class Making(StrEnum):
    """What happens to the target table's definition."""

    MISSING = "if_missing"
    NEVER = "never"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    kind: str = CSV
    delimiter: str = ","
    header: bool = True
    quoted: bool = True
    encoding: str = "utf-8"
    null_text: str = ""
    line_end: str = "\n"
    gzip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One end: a table behind a connection, a table in a SQLite or DuckDB file, or a file."""

    connection: str = ""
    database: str = ""
    schema: str = ""
    table: str = ""
    query: str = ""
    where: str = ""
    path: str = ""
    format: Format = field(default_factory=Format)

    @property
    def is_sqlite(self) -> bool:
        return not self.connection and self.path.lower().endswith(_SQLITE_ENDINGS)

    @property
    def is_duckdb(self) -> bool:
        return not self.connection and self.path.lower().endswith(_DUCKDB_ENDINGS)

    @property
    def is_local(self) -> bool:
        """Whether it is the workspace's own database."""
        return self.connection.lower() == LOCAL

    @property
    def is_file(self) -> bool:
        return not self.connection and not self.is_sqlite and not self.is_duckdb

    def __str__(self) -> str:
        name = ".".join(each for each in (self.schema, self.table) if each) or ("a query" if self.query else "")
        return f"{name} at {self.connection or self.path}" if name else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    source: Place
    target: Place
    columns: tuple[tuple[str, str], ...] = ()
    """(source, target) by name; empty: all, by name. A source of digits is a position in a file, from 1."""
    types: Mapping[str, str] = field(default_factory=dict)
    """SQL types of target columns, where the table is made here or the file has types."""
    mode: Mode = Mode.APPEND
    keys: tuple[str, ...] = ()
    making: Making = Making.MISSING
    cleared: str = ""
    """Rows of the target that go before the new ones come: a WHERE clause."""
    incremental: str = ""
    start: str = ""
    """Where the first incremental run begins; empty: with everything."""
    most_refused: int = 0
    refused_path: str = ""
    marker: str = ""
    """Path of an empty file that is made in the end."""
    length_factor: int = 1
    """How much longer texts of a limited length may be in a table that is made."""
    tries: int = 1
    """How often it is begun in all, where an end fails."""
    notes: tuple[str, ...] = ()
    """What the log tells of the settings."""

    @property
    def connections(self) -> tuple[str, ...]:
        """Names of those that have to be looked up."""
        named = (each.connection for each in (self.source, self.target) if each.connection and not each.is_local)
        return tuple(dict.fromkeys(named))

    @property
    def is_local(self) -> bool:
        return self.source.is_local or self.target.is_local


def format_of(path: str, given: str, name: str) -> str:
    """By the setting, else by the ending of the name."""
    word = given.strip().lower().removesuffix("_file")
    if word in ("json", "jsonlines", "ndjson"):
        word = JSONL
    if word and word not in FORMATS:
        raise PlanWrong(f"{name} is {given!r}; there are {', '.join(FORMATS)}.")
    if word:
        return word
    plain = path.lower().removesuffix(".gz")
    for ending, kind in _ENDINGS.items():
        if plain.endswith(ending):
            return kind
    raise PlanWrong(f"{path} does not say its format by its ending: set {name} to {', '.join(FORMATS)}.")


def checked(plan: Plan) -> Plan:
    """Raises `PlanWrong` for what makes no sense, whoever asked for it."""
    for side, place in (("source", plan.source), ("target", plan.target)):
        if not place.connection and not place.path:
            raise PlanWrong(f"The {side} is missing: set {side}Path, or {side}ConnectionName and {side}Table.")
        if place.connection and place.path:
            raise PlanWrong(f"The {side} has a path and a connection; it can only be one of them.")
        if not place.is_file and not place.table and not place.query:
            raise PlanWrong(f"{side}Table is missing.")
        if place.is_file and (place.table or place.query):
            raise PlanWrong(f"{side}Table goes with a connection, a SQLite or a DuckDB file, and {place.path} is none.")
    target = plan.target
    if target.query:
        raise PlanWrong("A query can't be written to: set targetTable.")
    if target.is_file:
        for wrong, setting in ((plan.cleared, "targetWhere"), (plan.keys, "keyColumns")):
            if wrong:
                raise PlanWrong(f"{setting} goes with a table as target; a file is written as a whole.")
        if target.path.endswith("/"):
            raise PlanWrong(f"targetPath {target.path} is a folder; it needs the name of a file.")
        if target.format.gzip and target.format.kind == PARQUET:
            raise PlanWrong("Parquet is compressed by itself: leave gzip out.")
    if plan.source.is_file and plan.source.where:
        raise PlanWrong("sourceWhere goes with a table as source, not with a file.")
    if plan.incremental and plan.source.is_file:
        raise PlanWrong("incrementalColumn goes with a table or a query as source, not with a file.")
    if plan.incremental and plan.mode is Mode.REPLACE and not target.is_file:
        raise PlanWrong("mode replace would remove what earlier incremental runs have brought: use append or merge.")
    if plan.incremental and plan.making is Making.RECREATE:
        raise PlanWrong("createTable recreate would remove what earlier incremental runs have brought.")
    if plan.mode is Mode.MERGE and not plan.keys:
        raise PlanWrong("mode merge needs keyColumns.")
    if plan.keys and plan.mode is not Mode.MERGE:
        raise PlanWrong("keyColumns goes with mode merge.")
    if plan.cleared and plan.mode is Mode.REPLACE:
        raise PlanWrong("targetWhere removes some rows, mode replace all of them: set one of the two.")
    return plan


def pairs(text: str, name: str) -> Iterator[tuple[str, str]]:
    """`a, b:c`: of each the name at the source and at the target."""
    for part in _parts(text):
        source, colon, target = (each.strip() for each in part.partition(":"))
        if not source or (colon and not target):
            raise PlanWrong(f"{name} holds {part!r}; write source:target, or one name for both.")
        yield source, target or source


def _parts(text: str) -> Iterator[str]:
    """At commas and line ends outside of brackets."""
    depth, part = 0, ""
    for letter in f"{text}\n":
        depth += (letter == "(") - (letter == ")")
        if letter in ",\n" and depth <= 0:
            if part.strip():
                yield part.strip()
            part = ""
        else:
            part += letter
