"""RDSSQL: SQL on MySQL or PostgreSQL; the connection's driver says which."""

from __future__ import annotations

from arkwright.nodes.base import Connection
from arkwright.nodes.sql_node import IN_TRANSACTION, SqlNode, sql_type


class RdsSql(SqlNode):
    type = sql_type(
        "RDSSQL",
        "RDS SQL",
        "Runs SQL on MySQL, MariaDB or PostgreSQL.",
        "RDSSQL",
        server="MySQL, MariaDB, PostgreSQL; tested with MariaDB and PostgreSQL.",
        repeated=IN_TRANSACTION.format(then="PostgreSQL is asked, and on MySQL it is LOST"),
        connections=("RDS", "MYSQL", "POSTGRESQL"),
    )
    script_type = "RDSSQL"

    def engine_of(self, connection: Connection) -> str:
        driver = str(connection.config.get("driverName") or connection.config.get("driver_name") or connection.type)
        return f"arkwright.nodes.{'sql_postgres:Postgres' if 'postgres' in driver.lower() else 'sql_mysql:MySql'}"
