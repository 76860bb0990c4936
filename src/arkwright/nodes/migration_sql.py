"""What the ends of a migration in SQL databases share: the SELECT behind a place, types of columns that are made, keys,
what empties a table, and how a driver's error is told.

`quote` puts a name into the quotes of its database.
"""

from __future__ import annotations

# ruff: noqa: S608  # names are quoted, a query and a condition are the user's own
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from arkwright.nodes.migration_ends import Done, MigrationFailed, Row
from arkwright.nodes.migration_plan import Making, Mode, Place, Plan, PlanWrong
from arkwright.nodes.migration_types import Column, Store, made_type

Quote = Callable[[str], str]

RECORDED = "read_rows, written_rows, refused_rows, until_mark"
"""Columns of the records that say what an attempt did; see `done_of`."""
_NO_TYPE = (";", "'", '"', "`", "--")


def name_of(quote: Quote, *parts: str) -> str:
    """`"schema"."table"`, without the parts that are empty."""
    return ".".join(quote(each) for each in parts if each)


def names_of(columns: Sequence[Column], quote: Quote) -> str:
    return ", ".join(quote(each.name) for each in columns)


def select(place: Place, names: Sequence[str], quote: Quote) -> str:
    """All rows that a place stands for. No names: all columns."""
    what = ", ".join(quote(each) for each in names) or "*"
    rows = f"({place.query.strip().rstrip(';')}) AS q" if place.query else name_of(quote, place.schema, place.table)
    return f"SELECT {what} FROM {rows}" + (f" WHERE ({place.where})" if place.where else "")


def type_of(column: Column, plan: Plan, store: Store, *, key: bool = False) -> str:
    """What the plan says, else what fits. Raises `PlanWrong` for what is no type."""
    given = next((each for name, each in plan.types.items() if name.lower() == column.name.lower()), "")
    if any(each in given for each in _NO_TYPE):
        raise PlanWrong(f"columnTypes of {column.name} is no type: {given!r}.")
    return given or made_type(column, store, key=key)


def may_be_made(plan: Plan) -> None:
    """Raises `MigrationFailed` if a table that is not there must not be made."""
    if plan.making is Making.NEVER:
        raise MigrationFailed(f"The target {plan.target} is not there, and createTable is never.")


def keys_and_rest(columns: Sequence[Column], plan: Plan) -> tuple[list[str], list[str]]:
    """Names of a merge's keys and of all other columns. Raises `MigrationFailed`."""
    wanted = {each.lower() for each in plan.keys}
    keys = [each.name for each in columns if each.name.lower() in wanted]
    if len(keys) != len(wanted):
        raise MigrationFailed(f"keyColumns names a column that does not come: {', '.join(plan.keys)}.")
    return keys, [each.name for each in columns if each.name.lower() not in wanted]


def primary_key(columns: Sequence[Column], plan: Plan, quote: Quote) -> list[str]:
    """The part of a CREATE TABLE, in a list that is empty if the plan names no keys. Raises `MigrationFailed`."""
    keys, _ = keys_and_rest(columns, plan)
    return [f"PRIMARY KEY ({', '.join(map(quote, keys))})"] if keys else []


def clearing(plan: Plan, table: str) -> str:
    """What takes away the rows that new ones are to replace; empty: nothing, also of a table that is made anew."""
    if plan.making is Making.RECREATE:
        return ""
    if plan.mode is Mode.REPLACE:
        return f"DELETE FROM {table}"
    return f"DELETE FROM {table} WHERE {plan.cleared}" if plan.cleared else ""


def on_conflict(keys: Sequence[str], rest: Sequence[str], quote: Quote) -> str:
    """As PostgreSQL, SQLite and DuckDB say that a row of the same keys is replaced."""
    change = (
        f"UPDATE SET {', '.join(f'{quote(each)} = excluded.{quote(each)}' for each in rest)}" if rest else "NOTHING"
    )
    return f" ON CONFLICT ({', '.join(map(quote, keys))}) DO {change}"


@contextmanager
def telling(what: str, errors: type[Exception], said: Callable[[Any], str]) -> Iterator[None]:
    """A driver's error becomes `MigrationFailed`, led by what it is about."""
    try:
        yield
    except errors as error:
        raise MigrationFailed(f"{what}: {said(error)}") from None


def done_of(row: Row) -> Done:
    """Of `RECORDED`."""
    read, written, refused, until = row
    return Done(read=int(read or 0), written=int(written or 0), refused=int(refused or 0), until=until)


def mark_of(task: str) -> str:
    """The key of the record that holds a task's high-water mark."""
    return f"mark of {task}"
