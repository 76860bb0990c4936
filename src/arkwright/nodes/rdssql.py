"""RDSSQL: SQL on MySQL or PostgreSQL; the connection's driver says which."""

from __future__ import annotations

from arkwright.nodes.base import Connection
from arkwright.nodes.sql_node import SqlNode, sql_type


class RdsSql(SqlNode):
    type = sql_type(
        "RDSSQL",
        "RDS SQL",
        "Runs SQL on MySQL, MariaDB or PostgreSQL.",
        "RDSSQL",
        connections=("RDS", "MYSQL", "POSTGRESQL"),
    )
    script_type = "RDSSQL"

    def engine_of(self, connection: Connection) -> str:
        driver = str(connection.config.get("driverName") or connection.config.get("driver_name") or connection.type)
        return f"arkwright.nodes.{'sql_postgres:Postgres' if 'postgres' in driver.lower() else 'sql_mysql:MySql'}"
