"""MRSSpark: runs a jar on Spark, by `spark-submit`."""

from __future__ import annotations

from arkwright.nodes.base import Context, Property
from arkwright.nodes.spark_node import SparkNode, check_path, read_options, spark_type, split_arguments


class MrsSpark(SparkNode):
    type = spark_type(
        "MRSSpark",
        "MRS Spark",
        "bolt",
        "a jar",
        Property(name="clusterName", help="`local`, or the cluster, whose master a connection then says."),
        Property(name="resourcePath", help="The jar: obs://…, or a file of the workspace's folder.", required=True),
        Property(name="jobClass", help="Main class; missing: the jar's manifest says it."),
        Property(name="parameters", help="Arguments, split as a shell splits a line (quotes count)."),
        Property(
            name="programParameter",
            help="Settings of Spark, joined by a vertical bar: spark.executor.cores=2|--driver-memory 2g|class=….",
        ),
        Property(name="input", help="Where the data come from; not passed on."),
        Property(name="output", help="Where the data go; not passed on."),
        example=(
            ("jobName", "count"),
            ("resourcePath", "obs://jars/wordcount.jar"),
            ("jobClass", "org.example.WordCount"),
            ("parameters", "--day 2026-03-01"),
        ),
    )

    def primary(self, context: Context) -> tuple[str, bytes | None]:
        return check_path("resourcePath", context.properties.get("resourcePath", "")), None

    def arguments(self, context: Context) -> list[str]:
        return split_arguments(context, "parameters")

    def options(self, context: Context) -> list[tuple[str, str]]:
        given = context.properties.get("programParameter", "").split("|")
        return [*self.main_class(context), *read_options("programParameter", given)]
