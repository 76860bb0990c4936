"""What there is in a workspace's database, as questions to it: each a statement that a DLISQL node can run.

A database of the API is a schema here, as in a DLISQL node's `database`. Not told: DuckDB's own schemas, and the one
in which attempts are recorded. Each row begins with the length of the whole list. A node's output has at most
`MOST` rows.
"""

from __future__ import annotations

MOST = 1000
_HIDDEN = "('arkwright', 'information_schema', 'pg_catalog')"
_TABLES = f"""
    SELECT schema_name, table_name AS name, comment, false AS is_view FROM duckdb_tables()
    WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN {_HIDDEN}
    UNION ALL
    SELECT schema_name, view_name, comment, true FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN {_HIDDEN}"""  # noqa: S608


def databases(*, named: str = "", offset: int = 0, limit: int = MOST) -> str:
    """Columns: total, name, comment."""
    return f"""SELECT count(*) OVER (), schema_name, comment FROM duckdb_schemas()
        WHERE database_name = current_database() AND schema_name NOT IN {_HIDDEN}
        {_where("schema_name", named)} ORDER BY schema_name LIMIT {limit:d} OFFSET {offset:d}"""  # noqa: S608


def tables(*, database: str = "", contains: str = "", named: str = "", offset: int = 0, limit: int = MOST) -> str:
    """Columns: total, database, name, comment, whether it is a view. `contains` compares without case."""
    found = f"AND contains(lower(name), lower({_text(contains)}))" if contains else ""
    return f"""SELECT count(*) OVER (), * FROM ({_TABLES}) WHERE true
        {_where("schema_name", database)} {_where("name", named)} {found}
        ORDER BY schema_name, name LIMIT {limit:d} OFFSET {offset:d}"""  # noqa: S608


def columns(database: str, table: str, *, offset: int = 0, limit: int = MOST) -> str:
    """Columns: total, name, type, comment, position from 1, whether it belongs to the primary key."""
    here = f"database_name = current_database() AND schema_name = {_text(database)} AND table_name = {_text(table)}"
    return f"""SELECT count(*) OVER (), column_name, data_type, comment, column_index,
        column_name IN (SELECT unnest(constraint_column_names) FROM duckdb_constraints()
            WHERE constraint_type = 'PRIMARY KEY' AND {here})
        FROM duckdb_columns() WHERE {here} AND schema_name NOT IN {_HIDDEN}
        ORDER BY column_index LIMIT {limit:d} OFFSET {offset:d}"""  # noqa: S608


def _where(column: str, value: str) -> str:
    return f"AND {column} = {_text(value)}" if value else ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
