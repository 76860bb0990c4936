"""DWSSQL: SQL on a data warehouse that speaks PostgreSQL's protocol."""

from __future__ import annotations

from arkwright.nodes.sql_node import IN_TRANSACTION, SqlNode, sql_type


class DwsSql(SqlNode):
    type = sql_type(
        "DWSSQL",
        "DWS SQL",
        "Runs SQL on a DWS or PostgreSQL server.",
        "DWSSQL",
        server="PostgreSQL, GaussDB(DWS) and others of its protocol; tested with PostgreSQL.",
        repeated=IN_TRANSACTION.format(then="the server is asked what became of it"),
        connections=("DWS",),
    )
    script_type = "DWSSQL"
    engine = "arkwright.nodes.sql_postgres:Postgres"
