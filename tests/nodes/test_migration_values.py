"""Whatever a value holds, it comes back from every kind of file and from SQLite as it went in."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import some
from tests.servers.mariadb import MariaDb, mariadb  # noqa: F401
from tests.servers.postgres_tcp import PostgresTcp, postgres_tcp  # noqa: F401

from arkwright.nodes.migration_duckdb import DuckReader, DuckWriter, OwnFile
from arkwright.nodes.migration_ends import Done, MigrationFailed, Row, Stop, TooManyRefused
from arkwright.nodes.migration_files import Files, read_path
from arkwright.nodes.migration_infile import reader_of
from arkwright.nodes.migration_mysql import MySqlReader, MySqlWriter
from arkwright.nodes.migration_outfile import FileWriter
from arkwright.nodes.migration_plan import Format, Making, Place, Plan, PlanWrong, format_of, pairs
from arkwright.nodes.migration_postgres import PostgresReader, PostgresWriter
from arkwright.nodes.migration_run import Work, carry_out
from arkwright.nodes.migration_sqlite import SqliteReader, SqliteWriter
from arkwright.nodes.migration_types import Column, Kind, Store, cast_of, named
from arkwright.nodes.sql_session import Target

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.one_of(
    st.text(LETTERS, max_size=20), st.sampled_from(["", '"', ",", "\n", "\r\n", "\\N", " a ", "NULL", "é"])
)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOLEAN: st.booleans(),
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1).map(str),
    Kind.DECIMAL: st.decimals(-(10**17), 10**17, places=4, allow_nan=False).map(lambda value: f"{value:f}"),
    Kind.DOUBLE: st.floats(allow_nan=False, allow_infinity=False).map(repr),
    Kind.TEXT: TEXTS,
    Kind.BYTES: st.binary(max_size=20),
    Kind.DATE: st.dates(date(1, 1, 1)).map(str),
    Kind.TIME: st.times().map(str),
    Kind.TIMESTAMP: st.datetimes(datetime(1, 1, 1)).map(str),
}
COLUMNS = [
    Column(name=kind.value, kind=kind, precision=22 if kind is Kind.DECIMAL else None, scale=4) for kind in VALUES
]
ROWS = st.lists(st.tuples(*(st.none() | each for each in VALUES.values())), min_size=1, max_size=8)
HALF = {Kind.DOUBLE: float, Kind.TIME: time.fromisoformat, Kind.TIMESTAMP: datetime.fromisoformat}
ENDS = ("out.csv", "out.parquet", "out.jsonl", "out.csv;windows", "out.sqlite", "out.duckdb")


class Given:
    """A source of these rows."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        self._rows = rows
        self.columns = columns

    def open(self) -> None:
        pass

    def limit(self, since: str | None) -> str | None:
        raise MigrationFailed("there is none")

    def batches(self, refuse: Any) -> Any:
        yield self._rows

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


class Kept:
    """A target that keeps what it is given, as kinds it was asked for."""

    store = Store.POSTGRES

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.rows: list[Row] = []

    def prepare(self, columns: Sequence[Column]) -> Sequence[Column]:
        by_name = {each.name: each for each in self._columns}
        return [by_name[each.name] for each in columns]

    def begin(self, token: str, task: str) -> None:
        return None

    def write(self, rows: Sequence[Row]) -> None:
        self.rows.extend(list(row) for row in rows)

    def commit(self, done: Done) -> None:
        pass

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def carried(plan: Plan, folder: Path, reader: Any, writer: Any) -> Done:
    folder.mkdir(parents=True, exist_ok=True)
    return carry_out(
        Work(
            plan=plan,
            task="task",
            folder=folder,
            refused_path="refused",
            read=lambda: reader,
            write=lambda: writer,
            put=lambda copy, path: None,
            say=lambda line: None,
            stop=Stop(),
            scrubbed=str,
        )
    )


def plain(value: Any, kind: Kind) -> Any:
    """Texts of one value may differ (`1e5`, `100000.0`)."""
    return HALF[kind](value) if kind in HALF and value is not None else value


def writer_of(path: Path, plan: Plan) -> Any:
    if path.suffix == ".sqlite":
        return SqliteWriter(path, plan)
    return DuckWriter(OwnFile(path, path.parent, lambda seconds: None), plan)


def reader_of_table(path: Path) -> Any:
    plan = Plan(source=Place(path=path.name, table="t"), target=Place(path="y.csv"))
    if path.suffix == ".sqlite":
        return SqliteReader(path, plan)
    return DuckReader(OwnFile(path, path.parent, lambda seconds: None), plan)


@pytest.mark.parametrize("end", ENDS)
@settings(max_examples=some(16), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_comes_back_as_it_went(
    end: str, rows: Sequence[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("values")
    name, _, windows = end.partition(";")
    there, back = Kept(COLUMNS), folder / name
    if name.endswith(("sqlite", "duckdb")):
        plan = Plan(source=Place(path="x.csv"), target=Place(path=name, table="t"))
        carried(plan, folder / "1", Given(rows, COLUMNS), writer_of(back, plan))
        reader: Any = reader_of_table(back)
    else:
        line_end = "\r\n" if windows else "\n"
        form = Format(kind=format_of(name, "", "format"), line_end=line_end, delimiter=";" if windows else ",")
        plan = Plan(source=Place(path="x.csv"), target=Place(path=name, format=form))
        writer = FileWriter(plan, folder, folder, lambda copy, _: copy.rename(back) and None, lambda seconds: None)
        carried(plan, folder / "1", Given(rows, COLUMNS), writer)
        reader = reader_of([(name, back)], Plan(source=plan.target, target=Place(path="y.csv")), folder)
    done = carried(Plan(source=Place(path="x.csv"), target=Place(path="y.csv")), folder / "2", reader, there)
    assert done.written == len(rows)
    expected = [[plain(value, each.kind) for value, each in zip(row, COLUMNS, strict=True)] for row in rows]
    found = [[plain(value, each.kind) for value, each in zip(row, COLUMNS, strict=True)] for row in there.rows]
    assert found == expected


@settings(max_examples=some(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_goes_round_through_all_databases_and_comes_back(
    rows: Sequence[Row],
    tmp_path_factory: pytest.TempPathFactory,
    postgres_tcp: PostgresTcp,  # noqa: F811
    mariadb: MariaDb,  # noqa: F811
) -> None:
    """PostgreSQL, MySQL, DuckDB, SQLite, Parquet and back: each makes its table from what the one before it says."""
    folder = tmp_path_factory.mktemp("round")
    servers = {
        "postgres": (PostgresReader, PostgresWriter, at(postgres_tcp)),
        "mysql": (MySqlReader, MySqlWriter, at(mariadb)),
    }
    reader: Any = Given(rows, COLUMNS)
    for number, (name, (read, write, target)) in enumerate(servers.items()):
        place = Place(connection=name, table="went_round")
        plan = Plan(source=Place(path="x.csv"), target=place, making=Making.RECREATE)
        carried(plan, folder / str(number), reader, write(target, plan))
        reader = read(target, Plan(source=place, target=Place(path="y.csv")))
    for name in ("x.duckdb", "x.sqlite"):
        plan = Plan(source=Place(path="x.csv"), target=Place(path=name, table="t"))
        carried(plan, folder / name[2:], reader, writer_of(folder / name, plan))
        reader = reader_of_table(folder / name)
    form = Format(kind=format_of("x.parquet", "", "format"))
    plan = Plan(source=Place(path="x.csv"), target=Place(path="x.parquet", format=form))
    parquet = folder / "x.parquet"
    file = FileWriter(plan, folder, folder, lambda copy, _: copy.rename(parquet) and None, lambda seconds: None)
    carried(plan, folder / "parquet", reader, file)
    last = reader_of([("x", parquet)], Plan(source=plan.target, target=Place(path="y.csv")), folder)
    there = Kept(COLUMNS)
    carried(Plan(source=Place(path="x.csv"), target=Place(path="y.csv")), folder / "last", last, there)
    found = [[plain(value, each.kind) for value, each in zip(row, COLUMNS, strict=True)] for row in there.rows]
    expected = [[plain(value, each.kind) for value, each in zip(row, COLUMNS, strict=True)] for row in rows]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def at(server: PostgresTcp | MariaDb) -> Target:
    where = {"host": "127.0.0.1", "address": "127.0.0.1", "port": server.port, "database": server.database}
    return Target(**where, user=server.user, password=server.password, tls=False, options={}, name="test")


def test_a_sqlite_file_is_left_as_it_was_when_a_row_too_many_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "x.sqlite")
    database.execute("CREATE TABLE t (n INTEGER)")
    database.commit()
    plan = Plan(source=Place(path="a.csv"), target=Place(path="x.sqlite", table="t"))
    rows = [["1"], ["two"]]
    with pytest.raises(TooManyRefused) as refusal:
        carried(plan, tmp_path / "1", Given(rows, [Column(name="n")]), SqliteWriter(tmp_path / "x.sqlite", plan))
    assert "two" in str(refusal.value)
    assert database.execute("SELECT * FROM t").fetchall() == []
    database.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bigint", Kind.INTEGER),
        ("int4", Kind.INTEGER),
        ("interval", Kind.TEXT),
        ("DECIMAL(10,2)", Kind.DECIMAL),
        ("double precision", Kind.DOUBLE),
        ("TIMESTAMP WITH TIME ZONE", Kind.INSTANT),
        ("datetime(6)", Kind.TIMESTAMP),
        ("time with time zone", Kind.TEXT),
        ("INTEGER[]", Kind.TEXT),
        ("varchar(20)", Kind.TEXT),
        ("BLOB", Kind.BYTES),
    ],
)
def test_types_are_known_by_their_names_in_sql(name: str, kind: Kind) -> None:
    assert named("a", name).kind is kind


@pytest.mark.parametrize(
    ("source", "target", "value", "found"),
    [
        (Kind.TEXT, Kind.BOOLEAN, "Yes", True),
        (Kind.TEXT, Kind.BYTES, "\\x00ff", b"\x00\xff"),
        (Kind.BOOLEAN, Kind.INTEGER, True, "1"),
        (Kind.INSTANT, Kind.TIMESTAMP, "2024-01-01 00:00:00+00", "2024-01-01 00:00:00"),
        (Kind.TIMESTAMP, Kind.INSTANT, "2024-01-01 00:00:00", "2024-01-01 00:00:00+00"),
    ],
)
def test_values_become_those_of_the_targets_kind(source: Kind, target: Kind, value: Any, found: Any) -> None:
    cast = cast_of(source, target, Store.POSTGRES)
    assert cast is not None
    assert cast(value) == found


def test_commas_in_brackets_belong_to_the_type() -> None:
    assert dict(pairs("a:decimal(10,2), b", "columnTypes")) == {"a": "decimal(10,2)", "b": "b"}
    with pytest.raises(PlanWrong):
        dict(pairs("a:", "columnTypes"))


def test_two_migrations_write_files_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"b")

    async def scene() -> None:
        first, second = (Files(tmp_path, {}, "migration-w") for _ in range(2))
        path = read_path("a.csv")

        async def pieces() -> Any:
            yield b"a"
            await second.put(tmp_path / "small", "b.csv")
            yield b"c"

        await first._store(path).write(path, pieces())

    asyncio.run(scene())
    assert (tmp_path / "files" / "a.csv").read_bytes() == b"ac"
    assert (tmp_path / "files" / "b.csv").read_bytes() == b"b"
