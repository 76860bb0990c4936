"""What a data connection leads to: databases, schemas, tables and columns, for editors.

Decided here: the workspace's own database is behind every connection of type DLI, and behind the id `local`, which is
DLISQL's own word for it. One of its schemas is a database here, as in a DLISQL node's `database`; it has one schema,
of the same name. Connections of other types are refused by name: nothing here can speak with them yet.
Offsets count records, as in the other calls of the Management Center.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer, short
from arkwright.api.error_codes import CONNECTION_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of
from arkwright.api.route import Parameter, Route, number, text
from arkwright.core.job_document import canonical_type
from arkwright.errors import InvalidInput, NotFound
from arkwright.executors.warehouse_reader import Rows
from arkwright.iam.model import Action
from arkwright.nodes import duckdb_catalog
from arkwright.store.base import Kind

LOCAL = "local"
_SEPARATOR = "\x1f"


class Database(Struct, kw_only=True):
    database_name: str
    description: str


class Databases(Struct, kw_only=True):
    total_count: int
    dw_id: str
    databases: list[Database]


class Schema(Struct, kw_only=True):
    schema_name: str
    description: str


class Schemas(Struct, kw_only=True):
    total_count: int
    dw_id: str
    database: str
    schemas: list[Schema]


class Table(Struct, kw_only=True):
    table_name: str
    table_id: str
    dw_id: str
    dw_name: str
    dw_type: str
    database_name: str
    schema_name: str
    description: str
    project_id: str
    partitioned: bool


class Tables(Struct, kw_only=True):
    total_count: int
    tables: list[Table]


class Column(Struct, kw_only=True):
    column_name: str
    column_type: str
    comment: str
    seq_number: int
    primary: bool
    partition_col: bool


class Columns(Struct, kw_only=True):
    table_id: str
    total_count: int
    columns: list[Column]


async def list_databases(call: Call) -> Response:
    await _connection(call)
    offset, size = _slice(call)
    rows = await _ask(call, duckdb_catalog.databases(offset=offset, limit=size))
    total = await _total(call, rows, offset, duckdb_catalog.databases(limit=1))
    found = [Database(database_name=str(name), description=comment or "") for _, name, comment in rows]
    return answer(Databases(total_count=total, dw_id=call.path["connection_id"], databases=found))


async def list_schemas(call: Call) -> Response:
    await _connection(call)
    database = await _database(call)
    if not database:
        raise InvalidInput("database_name is missing.", field="database_name", hint="GET …/databases lists them.")
    offset, _ = _slice(call)
    found = [] if offset else [Schema(schema_name=database, description="")]
    return answer(Schemas(total_count=1, dw_id=call.path["connection_id"], database=database, schemas=found))


async def list_tables(call: Call) -> Response:
    name, kind = await _connection(call)
    database, contains = await _database(call), call.query.get("table_name", "")
    offset, size = _slice(call)
    rows = await _ask(call, duckdb_catalog.tables(database=database, contains=contains, offset=offset, limit=size))
    first = duckdb_catalog.tables(database=database, contains=contains, limit=1)
    found = [
        Table(
            table_name=str(table),
            table_id=_table_id(str(schema), str(table)),
            dw_id=call.path["connection_id"],
            dw_name=name,
            dw_type=kind,
            database_name=str(schema),
            schema_name=str(schema),
            description=comment or "",
            project_id=call.path["project_id"],
            partitioned=False,
        )
        for _, schema, table, comment, _ in rows
    ]
    return answer(Tables(total_count=await _total(call, rows, offset, first), tables=found))


async def list_columns(call: Call) -> Response:
    await _connection(call)
    table_id = call.path["table_id"]
    schema, table = _read_table_id(table_id)
    offset, size = _slice(call)
    rows = await _ask(call, duckdb_catalog.columns(schema, table, offset=offset, limit=size))
    total = await _total(call, rows, offset, duckdb_catalog.columns(schema, table, limit=1))
    if not total:  # every table has a column
        raise NotFound(f"There is no table {short(f'{schema}.{table}')} (any more).", field="table_id")
    found = [
        Column(
            column_name=str(name),
            column_type=str(kind),
            comment=comment or "",
            seq_number=int(position or 0),
            primary=primary == "true",
            partition_col=False,
        )
        for _, name, kind, comment, position, primary in rows
    ]
    return answer(Columns(table_id=table_id, total_count=total, columns=found))


# ---------------------------------------------------------------- inside


async def _connection(call: Call) -> tuple[str, str]:
    """Name and type of the connection in the path, if it leads to the workspace's own database."""
    wanted = call.path["connection_id"]
    if wanted == LOCAL:
        return LOCAL, "DLI"
    for each in await all_of(call, Kind.CONNECTION):
        if str(each.id) == wanted:
            if canonical_type(each.category) != "dli":
                raise InvalidInput(
                    f"The connection {each.name} is of type {each.category}, which can't be browsed here.",
                    field="connection_id",
                    hint=f"Connections of type DLI can, and {LOCAL!r}: the workspace's own database.",
                )
            return each.name, each.category
    raise HttpRefusal(CONNECTION_NOT_FOUND, f"There is no connection {short(wanted)} in this workspace.")


async def _database(call: Call) -> str:
    """The one that the query names, which must exist; empty: it names none."""
    name = call.query.get("database_name", "")
    name = "main" if name.lower() == "default" else name
    if name and not await _ask(call, duckdb_catalog.databases(named=name, limit=1)):
        raise NotFound(f"There is no database {short(name)}.", field="database_name")
    return name


async def _ask(call: Call, statement: str) -> Rows:
    if call.parts.warehouse is None:
        raise InvalidInput("This server runs no jobs, so the workspace's database is not here.", field="connection_id")
    if "\0" in statement:
        raise InvalidInput("A name can't hold a NUL character.")
    folder = call.parts.workspace_folder(call.workspace.id)
    rows = await call.parts.warehouse.ask(call.workspace.id, call.workspace.project_id, folder, statement)
    return () if rows is None else rows


async def _total(call: Call, rows: Rows, offset: int, first: str) -> int:
    """Each row tells it; a page behind the end has none, so the first record is asked for."""
    if not rows and offset:
        rows = await _ask(call, first)
    return int(rows[0][0] or 0) if rows else 0


def _slice(call: Call) -> tuple[int, int]:
    size = call.number("limit", 10, least=1, most=duckdb_catalog.MOST) or 10
    return call.number("offset", 0) or 0, size


def _table_id(schema: str, table: str) -> str:
    return base64.urlsafe_b64encode(f"{schema}{_SEPARATOR}{table}".encode()).decode().rstrip("=")


def _read_table_id(given: str) -> tuple[str, str]:
    try:
        plain = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        plain = ""
    schema, separator, table = plain.partition(_SEPARATOR)
    if not separator:
        raise NotFound(
            f"There is no table with the id {short(given)}.", field="table_id", hint="GET …/datatables lists them."
        )
    return schema, table


# ---------------------------------------------------------------- routes

_BASE = "/v2/{project_id}/{connection_id}"
_PAGE: tuple[Parameter, ...] = (
    number("offset", "Records to skip.", minimum=0, default=0),
    number("limit", "Records on a page.", minimum=1, maximum=duckdb_catalog.MOST, default=10),
)
_DATABASE = text("database_name", "Name of the database.")


def _route(path: str, handler: Any, operation: str, summary: str, **more: Any) -> Route:
    return Route(
        method="GET",
        path=f"{_BASE}/{path}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag="management center",
        action=Action.CONNECTION_READ,
        errors=(CONNECTION_NOT_FOUND,),
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "databases",
        list_databases,
        "listDatabases",
        "The databases behind a data connection.",
        parameters=_PAGE,
        response=Databases,
    ),
    _route(
        "schemas",
        list_schemas,
        "listSchemas",
        "The schemas of a database behind a data connection.",
        parameters=(_DATABASE, *_PAGE),
        response=Schemas,
    ),
    _route(
        "datatables",
        list_tables,
        "listDataTables",
        "The tables and views behind a data connection.",
        parameters=(_DATABASE, text("table_name", "A part of the table's name."), *_PAGE),
        response=Tables,
    ),
    _route(
        "datatables/{table_id}/columns",
        list_columns,
        "listColumns",
        "The columns of a table behind a data connection.",
        parameters=_PAGE,
        response=Columns,
    ),
)
