"""MRSSparkPython: runs a Python script on Spark, by `spark-submit`."""

from __future__ import annotations

from arkwright.nodes.base import Context, Failed, Property
from arkwright.nodes.program_script import script_text
from arkwright.nodes.spark_home import SparkInvalid
from arkwright.nodes.spark_node import (
    SparkNode,
    check_path,
    read_options,
    spark_type,
    split_arguments,
)

SCRIPT_TYPES = ("MRSSparkPython", "SparkPython", "Python")


class MrsSparkPython(SparkNode):
    type = spark_type(
        "MRSSparkPython",
        "MRS Spark Python",
        "brand-python",
        "a Python script",
        Property(name="clusterName", help="`local`, or the cluster, whose master a connection then says."),
        Property(name="scriptName", help="Script of type Python or SparkPython."),
        Property(name="statement", help="Text to run instead of a script, taken as it is.", scanned=False),
        Property(name="resourcePath", help="Instead of a script a file: obs://….py, or one of the workspace's."),
        Property(name="parameters", help="Arguments, split as a shell splits a line (quotes count)."),
        Property(name="programParameter", help="Settings of Spark, joined by a vertical bar."),
        example=(
            (
                "statement",
                "from pyspark.sql import SparkSession\n"
                "spark = SparkSession.builder.getOrCreate()\nprint(spark.range(100).count())",
            ),
        ),
    )

    def primary(self, context: Context) -> tuple[str, bytes | None]:
        path = context.properties.get("resourcePath", "").strip()
        typed = context.properties.get("scriptName", "").strip() or context.properties.get("statement", "").strip()
        if path and (typed or context.script is not None):
            raise SparkInvalid(
                "Both a script and resourcePath are set; which one to run is not clear. Remove one of them."
            )
        if path:
            return check_path("resourcePath", path), None
        kind = context.script.type.strip() if context.script is not None else SCRIPT_TYPES[0]
        if kind.lower() not in {each.lower() for each in SCRIPT_TYPES}:
            raise SparkInvalid(f"The script is of type {kind!r}; this node runs {' and '.join(SCRIPT_TYPES)} scripts.")
        text = script_text(context, kind)
        if isinstance(text, Failed):
            raise SparkInvalid(text.message)
        return "", text.encode("utf-8", "surrogateescape")

    def arguments(self, context: Context) -> list[str]:
        return split_arguments(context, "parameters")

    def options(self, context: Context) -> list[tuple[str, str]]:
        return read_options("programParameter", context.properties.get("programParameter", "").split("|"))
