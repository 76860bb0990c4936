"""DLISpark: runs a jar or a Python file on Spark, by `spark-submit`."""

from __future__ import annotations

from typing import Any

import msgspec

from arkwright.nodes.base import Context, NodeType, Property, Work
from arkwright.nodes.spark_node import (
    COMMON_PROPERTIES,
    CONNECTIONS,
    REPEATED,
    SERVER,
    SparkInvalid,
    SparkNode,
    check_path,
    read_options,
    refuse_secret,
    split_arguments,
)

RESOURCE_TYPES = ("OBS", "DLIResources")


class DliSpark(SparkNode):
    type = NodeType(
        name="DLISpark",
        title="DLI Spark",
        work=Work.PROGRAM,
        summary="Runs a jar or a Python file on Spark, by `spark-submit`.",
        icon="bolt",
        properties=(
            Property(name="clusterName", help="`local`, or the queue, whose Spark a connection then says."),
            Property(name="resourceType", help="Where resourcePath is.", choices=RESOURCE_TYPES, default="OBS"),
            Property(
                name="resourcePath", help="The jar or .py file: obs://…, or one of the workspace's.", required=True
            ),
            Property(name="jobClass", help="Main class of a jar."),
            Property(name="jarArgs", help="Arguments: one per line, or split as a shell splits a line."),
            Property(name="sparkConfig", help="Settings of Spark: a JSON object, or key=value lines."),
            *COMMON_PROPERTIES,
        ),
        connections=CONNECTIONS,
        server=SERVER,
        repeated=REPEATED,
        example={
            "name": "count",
            "type": "DLISpark",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "clusterName", "value": "local"},
                {"name": "jobName", "value": "count"},
                {"name": "resourcePath", "value": "obs://jars/wordcount.jar"},
                {"name": "jobClass", "value": "org.example.WordCount"},
                {"name": "sparkConfig", "value": "spark.sql.shuffle.partitions=4"},
            ],
        },
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
            refuse_secret(context, "jarArgs")
            return [line.strip() for line in lines if line.strip()]
        return split_arguments(context, "jarArgs")

    def options(self, context: Context) -> list[tuple[str, str]]:
        options = read_options(context, "sparkConfig", _lines(context.properties.get("sparkConfig", "")))
        name = context.properties.get("jobClass", "").strip()
        return [("class", name), *options] if name else options


def _lines(text: str) -> list[str]:
    if not text.strip().startswith("{"):
        return text.replace(";", "\n").splitlines()
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SparkInvalid(f"sparkConfig is no JSON object: {error}.") from None
    return [f"{key}={value}" for key, value in found.items()]
