"""DWSSQL: SQL on a data warehouse that speaks PostgreSQL's protocol."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class DwsSql(SqlNode):
    type = sql_type("DWSSQL", "DWS SQL", "Runs SQL on a DWS or PostgreSQL server.", "DWSSQL", connections=("DWS",))
    script_type = "DWSSQL"
    engine = "arkwright.nodes.sql_postgres:Postgres"
