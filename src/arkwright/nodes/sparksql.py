"""SparkSQL: runs SQL on a Spark Thrift server by a connection, or on the workspace's own Spark (rules: `spark_sql`)."""

from __future__ import annotations

from arkwright.nodes.spark_node import CONNECTIONS
from arkwright.nodes.spark_sql import SparkSqlNode
from arkwright.nodes.sql_node import sql_type


class SparkSql(SparkSqlNode):
    type = sql_type(
        "SparkSQL",
        "Spark SQL",
        "Runs SQL on a Spark Thrift server, or on Spark on the server's host.",
        "SparkSQL",
        server="Spark's Thrift server, tested with that of Spark 4.3; `local` is Spark on this host, from `pyspark`.",
        connections=CONNECTIONS[:2],
        needs_connection=False,
        local=" `local`: Spark on the server's host, from the package `pyspark`.",
    )
    script_type = "SparkSQL"
