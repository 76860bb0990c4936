"""MRSImpalaSQL: Runs SQL on Impala, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class ImpalaSql(SqlNode):
    type = sql_type(
        "MRSImpalaSQL",
        "Impala SQL",
        "Runs SQL on Impala.",
        "ImpalaSQL",
        server="Impala. Not tested with one: PyPI, npm and Debian have none. Tried against silence.",
        connections=(
            "IMPALA",
            "MRSImpala",
        ),
        aliases=(
            "ImpalaSQL",
            "ExecuteImpalaJob",
        ),
    )
    script_type = "ImpalaSQL"
    engine = "arkwright.nodes.sql_hive:Impala"
