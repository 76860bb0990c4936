"""SparkSQL: Runs SQL on a Spark Thrift server, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class SparkSql(SqlNode):
    type = sql_type(
        "SparkSQL",
        "Spark SQL",
        "Runs SQL on a Spark Thrift server.",
        "SparkSQL",
        server="Spark's Thrift server. Not tested with one yet.",
        connections=(
            "SparkSQL",
            "MRSSpark",
        ),
    )
    script_type = "SparkSQL"
    engine = "arkwright.nodes.sql_hive:Spark"
