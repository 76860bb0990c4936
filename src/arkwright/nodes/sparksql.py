"""SparkSQL: Runs SQL on a Spark Thrift server, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class SparkSql(SqlNode):
    type = sql_type(
        "SparkSQL",
        "Spark SQL",
        "Runs SQL on a Spark Thrift server.",
        "SparkSQL",
        server="Spark's Thrift server, tested with that of Spark 4.3.",
        connections=(
            "SparkSQL",
            "MRSSpark",
        ),
    )
    script_type = "SparkSQL"
    engine = "arkwright.nodes.sql_hive:Spark"
