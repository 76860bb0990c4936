"""DLISpark: runs a jar or a Python file on Spark, by `spark-submit`."""

from __future__ import annotations

from typing import Any

import msgspec

from arkwright.nodes.base import Context, Property
from arkwright.nodes.spark_home import SparkInvalid
from arkwright.nodes.spark_node import (
    SparkNode,
    check_path,
    read_options,
    spark_type,
    split_arguments,
)

RESOURCE_TYPES = ("OBS", "DLIResources")


class DliSpark(SparkNode):
    type = spark_type(
        "DLISpark",
        "DLI Spark",
        "bolt",
        "a jar or a Python file",
        Property(name="clusterName", help="`local`, or the queue, whose Spark a connection then says."),
        Property(name="resourceType", help="Where resourcePath is.", choices=RESOURCE_TYPES, default="OBS"),
        Property(name="resourcePath", help="The jar or .py file: obs://…, or one of the workspace's.", required=True),
        Property(name="jobClass", help="Main class of a jar."),
        Property(name="jarArgs", help="Arguments: one per line, or split as a shell splits a line."),
        Property(name="sparkConfig", help="Settings of Spark: a JSON object, or key=value lines."),
        example=(
            ("jobName", "count"),
            ("resourcePath", "obs://jars/wordcount.jar"),
            ("jobClass", "org.example.WordCount"),
            ("sparkConfig", "spark.sql.shuffle.partitions=4"),
        ),
    )

    def primary(self, context: Context) -> tuple[str, bytes | None]:
        kind = context.properties.get("resourceType", "").strip() or "OBS"
        if kind == "DLIResources":
            raise SparkInvalid(
                "resourceType is DLIResources, a store of the cloud's own: put the file into obs:// and set OBS."
            )
        if kind not in RESOURCE_TYPES:
            raise SparkInvalid(f"resourceType is {kind!r}; it takes {' or '.join(RESOURCE_TYPES)}.")
        return check_path("resourcePath", context.properties.get("resourcePath", "")), None

    def arguments(self, context: Context) -> list[str]:
        lines = context.properties.get("jarArgs", "").splitlines()
        if len(lines) > 1:
            return [line.strip() for line in lines if line.strip()]
        return split_arguments(context, "jarArgs")

    def options(self, context: Context) -> list[tuple[str, str]]:
        given = _lines(context.properties.get("sparkConfig", ""))
        return [*self.main_class(context), *read_options("sparkConfig", given)]


def _lines(text: str) -> list[str]:
    if not text.strip().startswith("{"):
        return text.replace(";", "\n").splitlines()
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SparkInvalid(f"sparkConfig is no JSON object: {error}.") from None
    return [f"{key}={value}" for key, value in found.items()]
