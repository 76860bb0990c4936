"""HiveSQL: Runs SQL on a HiveServer2, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class HiveSql(SqlNode):
    type = sql_type(
        "HiveSQL",
        "Hive SQL",
        "Runs SQL on a HiveServer2.",
        "HiveSQL",
        server="HiveServer2; tested with Spark's Thrift server, which speaks its protocol.",
        connections=(
            "HIVE",
            "MRSHive",
        ),
    )
    script_type = "HiveSQL"
    engine = "arkwright.nodes.sql_hive:Hive"
