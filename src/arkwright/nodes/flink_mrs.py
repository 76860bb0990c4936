"""MRSFlink: a jar on a Flink cluster, to its end or as a stream that goes on (rules: `flink_job`)."""

from __future__ import annotations

from arkwright.nodes.base import Property
from arkwright.nodes.flink_job import FlinkNode, flink_type


class MrsFlink(FlinkNode):
    type = flink_type(
        "MRSFlink",
        "MRS Flink Job",
        "Runs a jar on a Flink cluster and waits for its end, or starts a stream and sees to it that it runs.",
        ("MRSFlinkJob", "MRS Flink Job", "FlinkJar"),
        Property(name="clusterName", help="The cloud's cluster; the connection stands in its place."),
        Property(name="flinkJobType", help="Flink JAR; scripts of Flink SQL are refused.", default="Flink JAR"),
        Property(
            name="flinkJobProcessType",
            help="batch: wait for the end. stream: start it if it doesn't run, and leave it running.",
            default="batch",
            choices=("batch", "stream"),
        ),
    )
