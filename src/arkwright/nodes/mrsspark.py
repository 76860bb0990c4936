"""MRSSpark: runs a jar on Spark, by `spark-submit`."""

from __future__ import annotations

from arkwright.nodes.base import Context, NodeType, Property, Work
from arkwright.nodes.spark_node import (
    COMMON_PROPERTIES,
    CONNECTIONS,
    REPEATED,
    SERVER,
    SparkNode,
    check_path,
    read_options,
    split_arguments,
)


class MrsSpark(SparkNode):
    type = NodeType(
        name="MRSSpark",
        title="MRS Spark",
        work=Work.PROGRAM,
        summary="Runs a jar on Spark, by `spark-submit`.",
        icon="bolt",
        properties=(
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
            *COMMON_PROPERTIES,
        ),
        connections=CONNECTIONS,
        server=SERVER,
        repeated=REPEATED,
        example={
            "name": "count",
            "type": "MRSSpark",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "clusterName", "value": "local"},
                {"name": "jobName", "value": "count"},
                {"name": "resourcePath", "value": "obs://jars/wordcount.jar"},
                {"name": "jobClass", "value": "org.example.WordCount"},
                {"name": "parameters", "value": "--day 2026-03-01"},
            ],
        },
    )

    def primary(self, context: Context) -> tuple[str, bytes | None]:
        return check_path("resourcePath", context.properties.get("resourcePath", "")), None

    def arguments(self, context: Context) -> list[str]:
        return split_arguments(context, "parameters")

    def options(self, context: Context) -> list[tuple[str, str]]:
        options = read_options(context, "programParameter", context.properties.get("programParameter", "").split("|"))
        name = context.properties.get("jobClass", "").strip()
        return [("class", name), *options] if name else options
