"""MRSPrestoSQL: Runs SQL on Trino (Presto), by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class PrestoSql(SqlNode):
    type = sql_type(
        "MRSPrestoSQL",
        "MRS Presto SQL",
        "Runs SQL on Trino (Presto).",
        "PRESTO",
        server="Presto or Trino. Not tested with one: PyPI, npm and Debian have none. Tried against silence.",
        connections=(
            "PRESTO",
            "MRSPresto",
            "TRINO",
        ),
        aliases=("PrestoSQL", "PRESTO"),
    )
    script_type = "PRESTO"
    engine = "arkwright.nodes.sql_trino:Trino"
